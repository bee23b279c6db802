package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.ModelTally.Kind;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.Schema;
import io.nyala.simulation.Cells;
import io.nyala.simulation.Condition;
import io.nyala.simulation.RowKey;
import io.nyala.simulation.TableModel;
import io.nyala.simulation.TableModel.Changed;
import io.nyala.table.AncientSnapshotException;
import io.nyala.table.ScanToken;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A scan of a table, drawn by lot: newest state or an earlier one, or what changed until then, any predicates, columns,
 * order and limit; in one, or by tokens. Can be left open while other things happen, and the table becomes another one;
 * at the end it must have answered what the model has for its times, in the columns that it was begun with.
 */
final class ModelScan implements AutoCloseable {
    private final ModelDriver driver;
    private final Lot lot;
    private final List<TableModel<RowKey>> models;
    private final List<Scan> scans; // The first is being read.
    private final long snapshot;
    private final String description;
    private final List<List<@Nullable Object>> rows = new ArrayList<>();
    private byte @Nullable [] lastKey;

    private ModelScan(ModelDriver driver, Lot lot, List<Scan> scans, long snapshot) {
        this.driver = driver;
        this.lot = lot;
        this.models = driver.models();
        this.scans = scans;
        this.snapshot = snapshot;
        this.description = lot + " of " + driver.tableName() + " at " + snapshot;
    }

    /**
     * What a scan is to be.
     *
     * @param time 0 for the newest state
     * @param start since when rows have changed; 0 for all rows
     */
    private record Lot(
            Schema schema,
            List<Condition> conditions,
            List<Integer> columns,
            boolean isOrdered,
            boolean isByTokens,
            long limit,
            long time,
            long start) {
        /** Values of a column that conditions are drawn from. */
        private static final int VALUES = 8;

        /** All rows as they are. */
        static Lot all(Schema schema, long time) {
            return new Lot(schema, List.of(), allColumns(schema), false, false, Long.MAX_VALUE, time, 0);
        }

        static Lot draw(SplittableRandom random, ModelDriver driver) {
            Schema schema = driver.schema();
            boolean isPlain = random.nextInt(3) == 0; // The newest state, as it is.
            List<Condition> conditions = new ArrayList<>();
            for (int i = isPlain ? 0 : random.nextInt(4); i > 0; i--) {
                boolean isOfKey = random.nextInt(3) == 0; // By which tablets are pruned.
                int column = random.nextInt(isOfKey ? schema.keyColumnCount() : schema.columnCount());
                conditions.add(Condition.draw(random, schema, column, valuesOf(random, driver, column)));
            }
            if (!isPlain && random.nextInt(4) == 0) {
                addKey(random, driver, conditions);
            }
            List<Integer> columns = allColumns(schema);
            if (random.nextInt(3) == 0) {
                columns.clear();
                for (int i = random.nextInt(schema.columnCount() + 1); i > 0; i--) {
                    columns.add(random.nextInt(schema.columnCount()));
                }
            }
            long start = !isPlain && random.nextInt(3) == 0 ? driver.pastTime(random) : 0;
            boolean hasLimit = !isPlain && random.nextInt(4) == 0;
            return new Lot(
                    schema,
                    conditions,
                    columns,
                    start != 0 || random.nextBoolean(),
                    !hasLimit && random.nextInt(4) == 0,
                    hasLimit ? random.nextInt(20) : Long.MAX_VALUE,
                    !isPlain && random.nextBoolean() ? driver.pastTime(random) : 0,
                    start);
        }

        private static List<Integer> allColumns(Schema schema) {
            List<Integer> columns = new ArrayList<>();
            for (int i = 0; i < schema.columnCount(); i++) {
                columns.add(i);
            }
            return columns;
        }

        /** Some that rows have now, of any tablets. */
        private static List<Object> valuesOf(SplittableRandom random, ModelDriver driver, int column) {
            List<List<@Nullable Object>> rows = driver.models().stream()
                    .flatMap(model -> model.newest().values().stream())
                    .toList();
            List<Object> values = new ArrayList<>();
            for (int i = 0; i < VALUES && !rows.isEmpty(); i++) {
                Object value = rows.get(random.nextInt(rows.size())).get(column);
                if (value != null) {
                    values.add(value);
                }
            }
            return values;
        }

        /** Some or all columns of the key are those of a row: by them tablets are pruned. */
        private static void addKey(SplittableRandom random, ModelDriver driver, List<Condition> conditions) {
            RowKey key = driver.anyKey(random);
            for (int i = 0; i < key.values().size(); i++) {
                if (random.nextInt(4) > 0) {
                    Object value = Objects.requireNonNull(
                            Cells.stored(driver.schema().column(i), key.values().get(i)));
                    conditions.add(Condition.ofKey(random, driver.schema(), i, value));
                }
            }
        }

        ScanBuilder builder(Table table) {
            ScanBuilder builder = table.scan();
            if (time != 0) {
                builder.at(time);
            }
            conditions.forEach(condition -> builder.where(condition.predicate()));
            builder.project(
                    columns.stream().map(column -> schema.column(column).name()).toArray(String[]::new));
            if (start != 0) {
                builder.changedSince(start);
            } else if (isOrdered) {
                builder.inKeyOrder();
            }
            return builder.limit(limit);
        }

        /** All rows that it must answer, of each the values that conditions are asked of, and what follows them. */
        NavigableMap<RowKey, Changed> rows(List<TableModel<RowKey>> models, long snapshot) {
            NavigableMap<RowKey, Changed> rows = new TreeMap<>();
            if (start == 0) {
                NavigableMap<RowKey, List<@Nullable Object>> all = ModelDriver.allAt(models, snapshot);
                for (RowKey key : all.keySet()) {
                    rows.put(key, new Changed(all.getOrDefault(key, List.of()), false));
                }
            } else {
                models.forEach(model -> rows.putAll(model.changes(start, snapshot)));
            }
            return rows;
        }

        /** The least time that it looks at. */
        long oldestTime(long snapshot) {
            return start == 0 ? snapshot : Math.min(start, snapshot);
        }

        @Override
        public String toString() {
            return "scan of " + (start == 0 ? "" : "what changed since " + start + " of ") + columns
                    + (isByTokens ? " by tokens" : "") + (isOrdered ? " in key order" : "")
                    + " where "
                    + conditions.stream()
                            .map(each -> each.predicate().describe(schema))
                            .toList() + (limit == Long.MAX_VALUE ? "" : " limit " + limit);
        }
    }

    /** Draws a scan and opens it. */
    static ModelScan open(SplittableRandom random, ModelDriver driver, Engine engine) {
        Lot lot = Lot.draw(random, driver);
        Table table = driver.table(engine);
        long mark = Math.min(driver.mark(engine), driver.recordTime());
        try {
            ModelScan scan = lot.isByTokens ? byTokens(random, driver, lot, engine) : opened(driver, lot, table);
            boolean isAncient = lot.conditions.isEmpty() && lot.oldestTime(scan.snapshot) < mark;
            assertFalse(isAncient, () -> scan + " is not refused, and the mark is " + mark);
            return scan;
        } catch (AncientSnapshotException e) {
            assertTrue(
                    lot.isByTokens || lot.time == e.snapshot() || lot.start == e.snapshot(), () -> "refused: " + lot);
            assertTrue(
                    e.snapshot() < e.mark() && e.mark() <= driver.markMax(engine), () -> "refused: " + e.getMessage());
            assertTrue(e.snapshot() < driver.table().oldestSnapshot(), () -> "has a name: " + e.getMessage());
            driver.refused();
            return openAll(driver, table);
        }
    }

    private static ModelScan byTokens(SplittableRandom random, ModelDriver driver, Lot lot, Engine engine) {
        Table table = driver.table(engine);
        List<ScanToken> tokens = new ArrayList<>(lot.builder(table).tokens());
        long snapshot = tokens.isEmpty() ? table.latest() : tokens.getFirst().snapshot();
        List<Scan> scans = new ArrayList<>();
        try {
            while (!tokens.isEmpty()) {
                byte[] bytes = tokens.remove(random.nextInt(tokens.size())).toBytes(); // As it would travel.
                scans.add(engine.open(ScanToken.fromBytes(bytes)));
                assertEquals(snapshot, scans.getLast().snapshot());
            }
        } catch (RuntimeException e) {
            scans.forEach(Scan::close);
            throw e;
        }
        return new ModelScan(driver, lot, scans, snapshot);
    }

    /** Opens a scan of everything there is now. */
    static ModelScan openAll(ModelDriver driver, Table table) {
        return opened(driver, Lot.all(driver.schema(), 0), table);
    }

    private static ModelScan opened(ModelDriver driver, Lot lot, Table table) {
        long seen = driver.recordTime();
        List<Scan> scans = new ArrayList<>();
        scans.add(lot.builder(table).open());
        var scan = new ModelScan(driver, lot, scans, scans.getFirst().snapshot());
        assertTrue(lot.time == 0 ? scan.snapshot >= seen : scan.snapshot == lot.time, () -> "snapshot of " + scan);
        return scan;
    }

    /** All rows of one tablet at {@code time}, or now if that is 0. */
    static NavigableMap<RowKey, List<@Nullable Object>> rowsOf(
            ModelDriver driver, ModelTablet tablet, Engine engine, long time) {
        Lot all = Lot.all(driver.schema(), time);
        ScanToken token = all.builder(driver.table(engine)).tokens().stream()
                .filter(each -> each.tabletId() == tablet.id())
                .findFirst()
                .orElseThrow(() -> new AssertionError("tablet " + tablet.id() + " is lost"));
        try (var scan = new ModelScan(driver, all, new ArrayList<>(List.of(engine.open(token))), token.snapshot())) {
            scan.readAll();
            return scan.byKey();
        }
    }

    // ---- Reading ----

    /** Reads one batch; false at the end. */
    boolean advance() {
        while (!scans.isEmpty()) {
            Scan scan = scans.getFirst();
            if (scan.next()) {
                read(scan.batch());
                return true;
            }
            assertEquals(0, scan.batch().rowCount());
            scans.removeFirst().close();
            lastKey = null;
        }
        return false;
    }

    private void read(ColumnBatch batch) {
        assertTrue(batch.rowCount() > 0, "an empty batch");
        for (int row = 0; row < batch.rowCount(); row++) {
            @Nullable Object[] values = new Object[batch.columnCount()];
            for (int i = 0; i < values.length; i++) {
                values[i] = Cells.read(batch.column(i), row);
            }
            rows.add(Arrays.asList(values));
            if (lot.isOrdered) {
                byte[] key = batch.keys().getBytes(row);
                assertTrue(
                        lastKey == null || Arrays.compareUnsigned(lastKey, key) < 0,
                        () -> description + ": keys do not ascend");
                lastKey = key;
            }
        }
    }

    private void readAll() {
        while (advance()) {
            // More.
        }
    }

    /** Reads to the end, and holds everything against the model. What was on its way when it began was answered. */
    void finish() {
        readAll();
        if (lot.conditions.isEmpty() && lot.limit == Long.MAX_VALUE) {
            driver.promised(snapshot); // In all tablets.
        }
        count();
        if (isWhole()) {
            NavigableMap<RowKey, List<@Nullable Object>> expected = ModelDriver.allAt(models, snapshot);
            NavigableMap<RowKey, List<@Nullable Object>> found = byKey();
            assertTrue(expected.equals(found), () -> description + " is wrong:" + difference(expected, found));
            return;
        }
        List<List<@Nullable Object>> expected = expected();
        assertEquals(
                Math.min(lot.limit, expected.size()), rows.size(), () -> description + " has too few or many rows");
        if (lot.isOrdered && !lot.isByTokens) {
            assertEquals(expected.subList(0, rows.size()), rows, description);
        } else {
            Map<List<@Nullable Object>, Integer> left = counts(expected);
            counts(rows)
                    .forEach((row, count) -> assertTrue(
                            count <= left.getOrDefault(row, 0),
                            () -> description + " answers " + row + " " + count + " times"));
        }
    }

    private void count() {
        driver.tally().count(Kind.COMPARISON);
        driver.tally().add(Kind.COMPARED_ROW, rows.size());
        if (lot.start != 0) {
            driver.tally().count(Kind.CHANGES_SCAN);
        } else if (lot.time != 0) {
            driver.tally().count(Kind.PAST_SCAN);
        }
    }

    /** Whether it answers whole rows, and all of them. */
    private boolean isWhole() {
        return lot.conditions.isEmpty()
                && lot.limit == Long.MAX_VALUE
                && lot.start == 0
                && lot.columns.equals(Lot.allColumns(lot.schema));
    }

    private NavigableMap<RowKey, List<@Nullable Object>> byKey() {
        NavigableMap<RowKey, List<@Nullable Object>> byKey = new TreeMap<>();
        for (List<@Nullable Object> row : rows) {
            List<@Nullable Object> before = byKey.put(RowKey.of(row, lot.schema.keyColumnCount()), row);
            assertEquals(null, before, () -> description + " answers " + row + " twice");
        }
        return byKey;
    }

    /** Where two states differ, in words. */
    static String difference(
            NavigableMap<RowKey, List<@Nullable Object>> expected,
            NavigableMap<RowKey, List<@Nullable Object>> actual) {
        var text = new StringBuilder();
        expected.forEach((key, row) -> {
            if (!row.equals(actual.get(key))) {
                text.append("\n  expected ").append(row).append(", was ").append(actual.get(key));
            }
        });
        actual.forEach((key, row) -> {
            if (!expected.containsKey(key)) {
                text.append("\n  not expected ").append(row);
            }
        });
        return text.toString();
    }

    /** Rows so far. */
    int rowCount() {
        return rows.size();
    }

    /** Rows that it must answer in all. */
    int expectedCount() {
        return (int) Math.min(lot.limit, expected().size());
    }

    /** All rows of the snapshot that match, in the order of their keys. */
    private List<List<@Nullable Object>> expected() {
        List<List<@Nullable Object>> expected = new ArrayList<>();
        for (Changed row : lot.rows(models, snapshot).values()) {
            if (lot.conditions.stream().allMatch(condition -> condition.matches(row.values()))) {
                List<@Nullable Object> projected = new ArrayList<>();
                lot.columns.forEach(column -> projected.add(row.values().get(column)));
                if (lot.start != 0) {
                    projected.add(row.isDeleted());
                }
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
        scans.forEach(Scan::close);
        scans.clear();
    }

    @Override
    public String toString() {
        return description;
    }
}
