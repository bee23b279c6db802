package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.ColumnBatch;
import io.nyala.rows.Schema;
import io.nyala.simulation.Cells;
import io.nyala.simulation.Condition;
import io.nyala.simulation.RowKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A scan of a table, drawn by lot: newest state or an earlier one, any predicates, columns, order and limit. Can be
 * left open while other things happen; at the end it must have answered what the model has for its snapshot.
 */
final class ModelScan implements AutoCloseable {
    private final ModelDriver driver;
    private final Scan scan;
    private final List<Condition> conditions;
    private final List<Integer> columns;
    private final boolean isOrdered;
    private final long limit;
    private final String description;
    private final List<List<@Nullable Object>> rows = new ArrayList<>();
    private byte @Nullable [] lastKey;

    private ModelScan(ModelDriver driver, Lot lot, Scan scan) {
        this.driver = driver;
        this.scan = scan;
        this.conditions = lot.conditions;
        this.columns = lot.columns;
        this.isOrdered = lot.isOrdered;
        this.limit = lot.limit;
        this.description = lot.description(driver.schema()) + " at " + scan.snapshot();
    }

    /** What was drawn for a scan. */
    private static final class Lot {
        private final List<Condition> conditions = new ArrayList<>();
        private final List<Integer> columns = new ArrayList<>();
        private final boolean isOrdered;
        private final long limit;
        private final long time;

        Lot(SplittableRandom random, ModelDriver driver) {
            Schema schema = driver.schema();
            boolean isPlain = random.nextInt(3) == 0; // The newest state, as it is.
            for (int i = isPlain ? 0 : random.nextInt(4); i > 0; i--) {
                int column = random.nextInt(schema.columnCount());
                conditions.add(Condition.draw(random, schema, column, valuesOf(driver, column)));
            }
            if (random.nextInt(3) == 0) {
                for (int i = random.nextInt(schema.columnCount() + 1); i > 0; i--) {
                    columns.add(random.nextInt(schema.columnCount()));
                }
            } else {
                for (int i = 0; i < schema.columnCount(); i++) {
                    columns.add(i);
                }
            }
            isOrdered = random.nextBoolean();
            limit = !isPlain && random.nextInt(4) == 0 ? random.nextInt(20) : Long.MAX_VALUE;
            time = !isPlain && random.nextBoolean() ? driver.pastTime(random) : 0;
        }

        private static List<Object> valuesOf(ModelDriver driver, int column) {
            return driver.model().newest().values().stream()
                    .map(row -> row.get(column))
                    .filter(Objects::nonNull)
                    .<Object>map(Objects::requireNonNull)
                    .limit(8)
                    .toList();
        }

        String description(Schema schema) {
            return "scan of " + columns + (isOrdered ? " in key order" : "") + " where "
                    + conditions.stream()
                            .map(each -> each.predicate().describe(schema))
                            .toList() + (limit == Long.MAX_VALUE ? "" : " limit " + limit);
        }
    }

    /** Draws a scan and opens it. */
    static ModelScan open(SplittableRandom random, ModelDriver driver, Table table) {
        var lot = new Lot(random, driver);
        ScanBuilder builder = table.scan();
        if (lot.time != 0) {
            builder.at(lot.time);
        }
        lot.conditions.forEach(condition -> builder.where(condition.predicate()));
        builder.project(lot.columns.stream()
                .map(column -> driver.schema().column(column).name())
                .toArray(String[]::new));
        if (lot.isOrdered) {
            builder.inKeyOrder();
        }
        Scan scan = builder.limit(lot.limit).open();
        driver.promised(scan.snapshot());
        return new ModelScan(driver, lot, scan);
    }

    /** Every row at {@code time}, or of the newest state if that is 0. */
    static Map<RowKey, List<@Nullable Object>> all(ModelDriver driver, Table table, long time) {
        ScanBuilder builder = table.scan();
        if (time != 0) {
            builder.at(time);
        }
        int keyColumnCount = driver.schema().keyColumnCount();
        Map<RowKey, List<@Nullable Object>> rows = new HashMap<>();
        try (Scan scan = builder.open()) {
            driver.promised(scan.snapshot());
            while (scan.next()) {
                ColumnBatch batch = scan.batch();
                for (int row = 0; row < batch.rowCount(); row++) {
                    List<@Nullable Object> values = read(batch, row);
                    List<@Nullable Object> before = rows.put(RowKey.of(values, keyColumnCount), values);
                    assertEquals(null, before, () -> "the scan answers " + values + " twice");
                }
            }
        }
        return rows;
    }

    private static List<@Nullable Object> read(ColumnBatch batch, int row) {
        @Nullable Object[] values = new Object[batch.columnCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = Cells.read(batch.column(i), row);
        }
        return Arrays.asList(values);
    }

    /** Reads one batch; false at the end. */
    boolean advance() {
        if (!scan.next()) {
            assertEquals(0, scan.batch().rowCount());
            return false;
        }
        ColumnBatch batch = scan.batch();
        assertTrue(batch.rowCount() > 0, "an empty batch");
        for (int row = 0; row < batch.rowCount(); row++) {
            rows.add(read(batch, row));
            if (isOrdered) {
                byte[] key = batch.keys().getBytes(row);
                assertTrue(
                        lastKey == null || Arrays.compareUnsigned(lastKey, key) < 0,
                        () -> description + ": keys do not ascend");
                lastKey = key;
            }
        }
        return true;
    }

    /** Reads to the end, and holds everything against the model. */
    void finish() {
        while (advance()) {
            // More.
        }
        List<List<@Nullable Object>> expected = expected();
        assertEquals(Math.min(limit, expected.size()), rows.size(), () -> description + " has too few or many rows");
        if (isOrdered) {
            assertEquals(expected.subList(0, rows.size()), rows, description);
        } else {
            Map<List<@Nullable Object>, Integer> left = counts(expected);
            counts(rows)
                    .forEach((row, count) -> assertTrue(
                            count <= left.getOrDefault(row, 0),
                            () -> description + " answers " + row + " " + count + " times"));
        }
    }

    /** Rows so far. */
    int rowCount() {
        return rows.size();
    }

    /** Rows that it must answer in all. */
    int expectedCount() {
        return (int) Math.min(limit, expected().size());
    }

    /** All rows of the snapshot that match, in the order of their keys. */
    private List<List<@Nullable Object>> expected() {
        List<List<@Nullable Object>> expected = new ArrayList<>();
        for (List<@Nullable Object> row : driver.model().allAt(scan.snapshot()).values()) {
            if (conditions.stream().allMatch(condition -> condition.matches(row))) {
                List<@Nullable Object> projected = new ArrayList<>();
                columns.forEach(column -> projected.add(row.get(column)));
                expected.add(projected);
            }
        }
        return expected;
    }

    private static Map<List<@Nullable Object>, Integer> counts(Collection<List<@Nullable Object>> rows) {
        Map<List<@Nullable Object>, Integer> counts = new HashMap<>();
        rows.forEach(row -> counts.merge(row, 1, Integer::sum));
        return counts;
    }

    @Override
    public void close() {
        scan.close();
    }

    @Override
    public String toString() {
        return description;
    }
}
