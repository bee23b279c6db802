package io.nyala.columns;

import io.nyala.cli.LineItems;
import io.trino.tpch.LineItem;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.duckdb.DuckDBAppender;
import org.duckdb.DuckDBChunkedResult;
import org.duckdb.DuckDBConnection;
import org.duckdb.DuckDBPreparedStatement;

/** The rows in DuckDB, one thread: in a file of its own, or in one of Parquet that it has written. */
final class DuckLineItems implements LineItemStore {
    /** Name of the one in a file of its own. */
    static final String OWN_FILE = "DuckDB";

    private static final Path CACHES = Path.of("/proc/sys/vm/drop_caches");
    private static final String TABLE = """
        create table lineitem (
          l_orderkey bigint not null, l_linenumber integer not null, l_partkey bigint not null,
          l_suppkey bigint not null, l_quantity decimal(15, 2) not null, l_extendedprice decimal(15, 2) not null,
          l_discount decimal(15, 2) not null, l_tax decimal(15, 2) not null,
          l_returnflag varchar not null, l_linestatus varchar not null,
          l_shipdate date not null, l_commitdate date not null, l_receiptdate date not null,
          l_shipinstruct varchar not null, l_shipmode varchar not null, l_comment varchar not null)\
        """;
    private static final long HUNDREDTHS = 100;

    private final Path path;
    private final String name;
    private final double scale;
    private DuckDBConnection connection;

    private DuckLineItems(Path path, String name, double scale, DuckDBConnection connection) {
        this.path = path;
        this.name = name;
        this.scale = scale;
        this.connection = connection;
    }

    /** All rows of this scale, in a new file of its own. */
    static DuckLineItems load(Path file, double scale) {
        DuckDBConnection connection = Duck.connect(file.toString());
        try {
            Duck.execute(connection, TABLE);
            append(connection, LineItems.part(scale, 0, 1));
            Duck.execute(connection, "checkpoint");
            return new DuckLineItems(file, OWN_FILE, scale, connection);
        } catch (SQLException e) {
            throw Duck.failed(e);
        }
    }

    /** The same rows in a new file of Parquet. */
    DuckLineItems toParquet(Path file, String codec) {
        Duck.execute(connection, "copy lineitem to '" + file + "' (format parquet, compression " + codec + ")");
        return new DuckLineItems(file, "Parquet, " + codec, scale, Duck.connect(""));
    }

    private static void append(DuckDBConnection connection, Iterator<LineItem> rows) throws SQLException {
        try (DuckDBAppender appender = connection.createAppender("lineitem")) {
            while (rows.hasNext()) {
                LineItem item = rows.next();
                appender.beginRow()
                        .append(item.getOrderKey())
                        .append(item.getLineNumber())
                        .append(item.getPartKey())
                        .append(item.getSupplierKey())
                        .appendDecimal(item.getQuantity() * HUNDREDTHS)
                        .appendDecimal(item.getExtendedPriceInCents())
                        .appendDecimal(item.getDiscountPercent())
                        .appendDecimal(item.getTaxPercent())
                        .append(item.getReturnFlag())
                        .append(item.getStatus())
                        .appendEpochDays(item.getShipDate())
                        .appendEpochDays(item.getCommitDate())
                        .appendEpochDays(item.getReceiptDate())
                        .append(item.getShipInstructions())
                        .append(item.getShipMode())
                        .append(item.getComment())
                        .endRow();
            }
        }
    }

    private boolean isParquet() {
        return path.toString().endsWith(".parquet");
    }

    private String source() {
        return isParquet() ? "'" + path + "'" : "lineitem";
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean isAsked() {
        return true;
    }

    @Override
    public String answer(LineItemQuery query) {
        String sql = query.sql(scale, source());
        try {
            return query == LineItemQuery.TEN_COLUMNS ? countBatches(sql) : ask(sql);
        } catch (SQLException e) {
            throw Duck.failed(e);
        }
    }

    private String countBatches(String sql) throws SQLException {
        long rows = 0;
        try (PreparedStatement statement = connection.prepareStatement(sql);
                DuckDBChunkedResult chunks =
                        statement.unwrap(DuckDBPreparedStatement.class).query()) {
            while (chunks.nextChunk()) {
                rows += chunks.chunk().rowCount();
            }
        }
        return Long.toString(rows);
    }

    private String ask(String sql) throws SQLException {
        StringBuilder answer = new StringBuilder();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            int columns = rows.getMetaData().getColumnCount();
            while (rows.next()) {
                answer.append(answer.isEmpty() ? "" : "\n");
                for (int i = 1; i <= columns; i++) {
                    answer.append(i == 1 ? "" : "|").append(rows.getString(i));
                }
            }
        }
        return answer.toString();
    }

    /** The system's cache, too, as far as this process may. */
    @Override
    public void forget() {
        closeConnection();
        try {
            Files.writeString(CACHES, "3");
        } catch (IOException e) {
            throw new UncheckedIOException("caches of the system are dropped by root alone", e);
        }
        connection = Duck.connect(isParquet() ? "" : path.toString());
    }

    @Override
    public long bytes() {
        try {
            return Files.size(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Map<String, Long> columnBytes() {
        if (!isParquet()) {
            return Map.of();
        }
        Map<String, Long> bytes = new LinkedHashMap<>();
        String sql =
                "select path_in_schema, sum(total_compressed_size) from parquet_metadata('" + path + "') group by 1";
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                bytes.put(rows.getString(1), rows.getLong(2));
            }
        } catch (SQLException e) {
            throw Duck.failed(e);
        }
        return bytes;
    }

    @Override
    public void close() {
        closeConnection();
    }

    private void closeConnection() {
        try {
            connection.close();
        } catch (SQLException e) {
            throw Duck.failed(e);
        }
    }
}
