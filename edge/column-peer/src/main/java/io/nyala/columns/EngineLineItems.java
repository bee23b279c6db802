package io.nyala.columns;

import io.nyala.cli.LineItemQueries;
import io.nyala.cli.LineItemSums;
import io.nyala.cli.LineItems;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Scan;
import io.nyala.engine.ScanBuilder;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnCompression;
import io.nyala.rows.KeyRange;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import io.nyala.table.Aggregate;
import io.nyala.table.KeyPieces;
import io.trino.tpch.LineItem;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The rows in our engine, inserted one by one, flushed and merged; asked as a program that embeds it would. */
final class EngineLineItems implements LineItemStore {
    private static final String TABLE = "lineitem";
    private static final int BATCH_ROWS = 1000;
    private static final long MEMORY_BYTES = 3L << 30;
    private static final long CACHE_BYTES = 1L << 30;
    private static final String[] TEN = {
        "l_orderkey",
        "l_partkey",
        "l_suppkey",
        "l_linenumber",
        "l_quantity",
        "l_extendedprice",
        "l_discount",
        "l_tax",
        "l_shipdate",
        "l_commitdate"
    };

    private final EngineConfig config;
    private final ColumnCompression compression;
    private final double scale;
    private Engine engine;
    private Table table;

    private EngineLineItems(EngineConfig config, ColumnCompression compression, double scale) {
        this.config = config;
        this.compression = compression;
        this.scale = scale;
        this.engine = Engine.open(config);
        this.table = engine.createTable(TABLE, schema(compression));
    }

    /** All rows of this scale, in a new directory. */
    static EngineLineItems load(Path directory, ColumnCompression compression, double scale) {
        EngineConfig config =
                EngineConfig.in(directory).withMemoryBytes(MEMORY_BYTES).withCacheBytes(CACHE_BYTES);
        EngineLineItems store = new EngineLineItems(config, compression, scale);
        try {
            store.insertAll();
            store.table.flush().join();
            store.table.compact().join();
            return store;
        } catch (RuntimeException | Error e) {
            store.close();
            throw e;
        }
    }

    private static Schema schema(ColumnCompression compression) {
        List<Column> columns = LineItems.SCHEMA.columns().stream()
                .map(column -> column.compression(compression))
                .toList();
        return Schema.of(columns);
    }

    private void insertAll() {
        Iterator<LineItem> rows = LineItems.part(scale, 0, 1);
        try (WriteBatch batch = table.newBatch()) {
            for (int count = 1; rows.hasNext(); count++) {
                LineItems.insert(batch.rows(), OperationKind.INSERT, rows.next());
                if (count % BATCH_ROWS == 0 || !rows.hasNext()) {
                    batch.commit().orThrow();
                }
            }
        }
    }

    @Override
    public String name() {
        return compression == ColumnCompression.DEFAULT ? "Nyala" : "Nyala, " + compression;
    }

    @Override
    public boolean isAsked() {
        return compression == ColumnCompression.DEFAULT;
    }

    @Override
    public String answer(LineItemQuery query) {
        Schema schema = table.schema();
        return switch (query) {
            case SUM -> sum();
            case Q6 -> {
                LineItemSums sums = LineItemQueries.forecastRevenue(table);
                yield sums.revenue().toPlainString() + "|" + sums.revenueRows();
            }
            case Q1 ->
                LineItemQueries.pricingSummary(table).groups().stream()
                        .map(EngineLineItems::line)
                        .collect(Collectors.joining("\n"));
            case TEN_COLUMNS -> Long.toString(count(table.scan().project(TEN)));
            case CLUSTERED -> countWhere(Predicate.atMost(schema, "l_orderkey", query.bound(scale)));
            case SCATTERED -> countWhere(Predicate.atMost(schema, "l_partkey", query.bound(scale)));
        };
    }

    private static String line(LineItemSums.Group group) {
        return group.name() + "|" + group.count() + "|"
                + List.of(LineItemSums.QUANTITY, LineItemSums.PRICE, LineItemSums.DISCOUNTED, LineItemSums.CHARGE)
                        .stream()
                        .map(measure -> group.sum(measure).toPlainString())
                        .collect(Collectors.joining("|"));
    }

    private String sum() {
        Object sum = table.scan().aggregate(Aggregate.sum("l_extendedprice")).value(0);
        return sum instanceof BigDecimal decimal ? decimal.toPlainString() : String.valueOf(sum);
    }

    private String countWhere(Predicate predicate) {
        return Long.toString(count(table.scan().project().where(predicate)));
    }

    private static long count(ScanBuilder builder) {
        long count = 0;
        try (Scan scan = builder.open()) {
            while (scan.next()) {
                count += scan.batch().rowCount();
            }
        }
        return count;
    }

    @Override
    public void forget() {
        engine.close();
        engine = Engine.open(config);
        table = engine.table(TABLE).orElseThrow();
    }

    @Override
    public long bytes() {
        return table.statistics().diskBytes();
    }

    @Override
    public Map<String, Long> columnBytes() {
        long tablet = table.tablets().getFirst().id();
        Map<String, Long> bytes = new LinkedHashMap<>();
        for (Column column : table.schema().columns()) {
            int[] ids = {column.id()};
            bytes.put(
                    column.name(),
                    table.pieces(tablet, KeyRange.ALL, ids, Long.MAX_VALUE).orElse(List.of()).stream()
                            .mapToLong(KeyPieces.Piece::bytes)
                            .sum());
        }
        return bytes;
    }

    @Override
    public void close() {
        engine.close();
    }
}
