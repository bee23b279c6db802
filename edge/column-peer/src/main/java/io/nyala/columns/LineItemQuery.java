package io.nyala.columns;

/**
 * A question to {@code lineitem} of TPC-H, as SQL; all who are asked must answer the same. Each has one line for each
 * row of its answer, cells separated by a bar.
 */
enum LineItemQuery {
    SUM("sum of one column", 8, "select sum(l_extendedprice) from lineitem"),
    Q6("Q6", 8 + 8 + 8 + 4, """
        select sum(l_extendedprice * l_discount), count(*) from lineitem
        where l_shipdate >= date '1994-01-01' and l_shipdate < date '1995-01-01'
          and l_discount between 0.05 and 0.07 and l_quantity < 24\
        """),
    Q1("Q1", 4 * 8 + 2 + 4, """
        select l_returnflag || '/' || l_linestatus, count(*), sum(l_quantity), sum(l_extendedprice),
          sum(l_extendedprice * (1 - l_discount)), sum(l_extendedprice * (1 - l_discount) * (1 + l_tax))
        from lineitem where l_shipdate <= date '1998-09-02' group by 1 order by 1\
        """),
    /** Answered with the number of rows, as the columns themselves are handed over in batches. */
    TEN_COLUMNS("10 of 16 columns to batches", 3 * 8 + 4 + 4 * 8 + 2 * 4, """
        select l_orderkey, l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice, l_discount, l_tax,
          l_shipdate, l_commitdate from lineitem\
        """),
    /** Keys of orders ascend with the rows, and one in a hundred is less. The bound is put in for the mark. */
    CLUSTERED("count where 1 %, clustered column", 8, "select count(*) from lineitem where l_orderkey <= ?"),
    /** Keys of parts are drawn alike. */
    SCATTERED("count where 1 %, unclustered column", 8, "select count(*) from lineitem where l_partkey <= ?");

    private static final long ORDER_KEYS_PER_SCALE = 6_000_000;
    private static final long PART_KEYS_PER_SCALE = 200_000;
    private static final int PART = 100;

    private final String title;
    private final int rowBytes;
    private final String sql;

    LineItemQuery(String title, int rowBytes, String sql) {
        this.title = title;
        this.rowBytes = rowBytes;
        this.sql = sql;
    }

    String title() {
        return title;
    }

    /** Bytes of the cells of a row that it looks at, as they are in batches. */
    int rowBytes() {
        return rowBytes;
    }

    /** Asked of a table of rows at this scale. */
    String sql(double scale, String table) {
        return sql.replace("?", Long.toString(bound(scale))).replace("from lineitem", "from " + table);
    }

    /** Keys up to it are one in a hundred. */
    long bound(double scale) {
        long keys = this == CLUSTERED ? ORDER_KEYS_PER_SCALE : PART_KEYS_PER_SCALE;
        return Math.max(1, Math.round(scale * keys / PART));
    }
}
