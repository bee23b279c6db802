package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangePartition;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A table whose columns and ranges change all the time, beside its model: rows as maps from the ids of columns to
 * values. One thread.
 */
final class AlteredTable {
    static final String NAME = "altered";

    /** Ids of rows; ten to a range. */
    private static final int IDS = 60;

    private static final int RANGE_IDS = 10;

    private static final String[] NAMES = {"a", "b", "c", "d", "e"};

    private final SplittableRandom random;
    private final TreeMap<Integer, Map<Integer, @Nullable Long>> rows = new TreeMap<>();
    private final TreeSet<Integer> ranges = new TreeSet<>();
    private final List<Attempt> attempts = new ArrayList<>();
    private Schema schema;
    private int nextColumnId = 2;

    /** A scan that was begun, and what it is to find. */
    private record Attempt(Scan scan, List<List<@Nullable Object>> found, List<List<@Nullable Object>> expected) {}

    AlteredTable(SplittableRandom random) {
        this.random = random;
        this.schema = Schema.of(
                Column.key("id", ColumnType.INT32),
                Column.of("a", ColumnType.INT64).nullable());
    }

    void create(Engine engine) {
        PartitionSchema.Builder partitioning = PartitionSchema.of(schema);
        if (random.nextBoolean()) {
            partitioning.hash(2, "id");
        }
        ranges.addAll(List.of(0, 1, 3));
        PartitionSchema made = partitioning.range("id").build();
        engine.createTable(TableSpec.of(NAME, made)
                .withRanges(ranges.stream().map(index -> range(made, index)).toList()));
    }

    private static RangePartition range(PartitionSchema partitioning, int index) {
        return partitioning.between(index * RANGE_IDS, (index + 1) * RANGE_IDS);
    }

    /** Ten ids more are ten tablets more or so: only those that are there have rows. */
    private boolean hasRange(int id) {
        return ranges.contains(Math.floorDiv(id, RANGE_IDS));
    }

    // ---- Writing ----

    void write(Table table) {
        List<Integer> ids = new ArrayList<>();
        List<Boolean> deletes = new ArrayList<>();
        List<Map<Integer, @Nullable Long>> values = new ArrayList<>();
        try (WriteBatch batch = table.newBatch()) {
            for (int i = 1 + random.nextInt(10); i > 0; i--) {
                int id = random.nextInt(IDS);
                boolean isDelete = random.nextInt(6) == 0;
                ids.add(id);
                deletes.add(isDelete);
                batch.rows()
                        .start(isDelete ? OperationKind.DELETE : OperationKind.INSERT)
                        .setInt(0, id);
                values.add(isDelete ? Map.of() : setRandomly(batch));
                batch.rows().end();
            }
            check(batch.commit().errors(), ids, deletes, values);
        }
    }

    private Map<Integer, @Nullable Long> setRandomly(WriteBatch batch) {
        Map<Integer, @Nullable Long> cells = new LinkedHashMap<>();
        for (int i = 1; i < schema.columnCount(); i++) {
            Column column = schema.column(i);
            Long written = column.writeDefault() == null
                    ? null
                    : Long.valueOf(column.writeDefault().toLong());
            boolean mustBeSet = written == null && !column.isNullable();
            if (mustBeSet || random.nextInt(3) > 0) {
                long value = random.nextLong(-50, 50);
                batch.rows().setLong(i, value);
                cells.put(column.id(), value);
            } else {
                cells.put(column.id(), written);
            }
        }
        return cells;
    }

    private void check(
            List<RowError> errors,
            List<Integer> ids,
            List<Boolean> deletes,
            List<Map<Integer, @Nullable Long>> values) {
        Map<Integer, RowErrorCode> codes = new TreeMap<>();
        errors.forEach(error -> codes.put(error.operationIndex(), error.code()));
        for (int i = 0; i < ids.size(); i++) {
            int id = ids.get(i);
            RowErrorCode expected = expected(id, deletes.get(i));
            RowErrorCode code = codes.get(i);
            assertEquals(expected, code, "operation " + i + " on row " + id);
            if (expected == null) {
                if (deletes.get(i)) {
                    rows.remove(id);
                } else {
                    rows.put(id, values.get(i));
                }
            }
        }
    }

    private @Nullable RowErrorCode expected(int id, boolean isDelete) {
        if (!hasRange(id)) {
            return RowErrorCode.NO_RANGE;
        }
        if (isDelete) {
            return rows.containsKey(id) ? null : RowErrorCode.NOT_FOUND;
        }
        return rows.containsKey(id) ? RowErrorCode.ALREADY_PRESENT : null;
    }

    // ---- Altering ----

    /** One to three changes in one edit. */
    void alter(Table table) {
        AlterTable alter = table.alter();
        Schema before = schema;
        List<Column> columns = new ArrayList<>(schema.columns());
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            switch (random.nextInt(7)) {
                case 0, 1 -> addColumn(alter, columns);
                case 2 -> dropColumn(alter, columns);
                case 3 -> renameColumn(alter, columns);
                case 4 -> changeDefault(alter, columns);
                case 5 -> addRange(alter, table);
                default -> dropRange(alter, table);
            }
        }
        alter.commit();
        if (!columns.equals(before.columns()) || nextColumnId != before.nextColumnId()) {
            schema = new Schema(before.version() + 1, nextColumnId, columns);
        }
        assertEquals(schema, table.schema());
    }

    private void addColumn(AlterTable alter, List<Column> columns) {
        String name = freeName(columns);
        if (name == null) {
            return;
        }
        Column column = Column.of(name, ColumnType.INT64);
        Long old = null;
        if (random.nextBoolean()) {
            old = random.nextLong(-50, 50);
            column = column.defaultValue(old);
        } else {
            column = column.nullable();
        }
        alter.addColumn(column);
        columns.add(column.withId(nextColumnId));
        for (Map<Integer, @Nullable Long> row : rows.values()) {
            row.put(nextColumnId, old);
        }
        nextColumnId++;
    }

    private void dropColumn(AlterTable alter, List<Column> columns) {
        if (columns.size() > 1) {
            Column gone = columns.remove(1 + random.nextInt(columns.size() - 1));
            alter.dropColumn(gone.name());
            rows.values().forEach(row -> row.remove(gone.id()));
        }
    }

    private void renameColumn(AlterTable alter, List<Column> columns) {
        String name = freeName(columns);
        if (columns.size() > 1 && name != null) {
            int index = 1 + random.nextInt(columns.size() - 1);
            alter.renameColumn(columns.get(index).name(), name);
            columns.set(index, columns.get(index).withName(name));
        }
    }

    private void changeDefault(AlterTable alter, List<Column> columns) {
        if (columns.size() > 1) {
            int index = 1 + random.nextInt(columns.size() - 1);
            long value = random.nextLong(-50, 50);
            boolean isRemoved = random.nextInt(4) == 0;
            columns.set(index, withDefault(columns.get(index), value, isRemoved));
            alter.changeColumn(columns.get(index).name(), column -> withDefault(column, value, isRemoved));
        }
    }

    private static Column withDefault(Column column, long value, boolean isRemoved) {
        return isRemoved ? column.withoutWriteDefault() : column.writeDefault(value);
    }

    private @Nullable String freeName(List<Column> columns) {
        String name = NAMES[random.nextInt(NAMES.length)];
        return columns.stream().anyMatch(column -> column.name().equals(name)) ? null : name;
    }

    private void addRange(AlterTable alter, Table table) {
        int index = random.nextInt(IDS / RANGE_IDS);
        if (ranges.add(index)) {
            alter.addRange(range(table.partitions().schema(), index));
        }
    }

    private void dropRange(AlterTable alter, Table table) {
        int index = random.nextInt(IDS / RANGE_IDS);
        if (ranges.remove(index)) {
            alter.dropRange(range(table.partitions().schema(), index));
            rows.keySet().removeIf(id -> id / RANGE_IDS == index);
        }
    }

    // ---- Reading ----

    void check(Table table) {
        assertEquals(schema, table.schema());
        ScanBuilder scan = table.scan().inKeyOrder();
        TreeMap<Integer, Map<Integer, @Nullable Long>> expected = new TreeMap<>(rows);
        if (random.nextBoolean()) {
            int least = random.nextInt(IDS);
            scan.where(Predicate.atLeast(schema, "id", least));
            expected.keySet().removeIf(id -> id < least);
        }
        if (schema.columnCount() > 1 && random.nextBoolean()) {
            Column column = schema.column(1 + random.nextInt(schema.columnCount() - 1));
            long most = random.nextLong(-60, 60);
            scan.where(Predicate.atMost(schema, column.name(), most));
            expected.values().removeIf(row -> {
                Long value = row.get(column.id());
                return value == null || value > most;
            });
        }
        try (Scan open = scan.open()) {
            List<List<@Nullable Object>> found = new ArrayList<>();
            readAll(open, found);
            assertEquals(cells(expected), found);
        }
    }

    /** All rows in the order of the schema's columns. */
    private List<List<@Nullable Object>> cells(Map<Integer, Map<Integer, @Nullable Long>> of) {
        List<List<@Nullable Object>> all = new ArrayList<>();
        of.forEach((id, row) -> {
            @Nullable Object[] cells = new @Nullable Object[schema.columnCount()];
            cells[0] = (long) id;
            for (int i = 1; i < cells.length; i++) {
                cells[i] = row.get(schema.column(i).id());
            }
            all.add(Arrays.asList(cells));
        });
        return all;
    }

    private static void readAll(Scan scan, List<List<@Nullable Object>> found) {
        while (scan.next()) {
            for (int row = 0; row < scan.batch().rowCount(); row++) {
                List<@Nullable Object> cells = new ArrayList<>();
                cells.add((long) scan.batch().column(0).getInt(row));
                for (int i = 1; i < scan.batch().columnCount(); i++) {
                    ColumnVector column = scan.batch().column(i);
                    cells.add(column.isNull(row) ? null : column.getLong(row));
                }
                found.add(cells);
            }
        }
    }

    // ---- Scans that stay open ----

    /** Starts a scan whose rows and columns are those of now, whenever it is read. */
    void beginScan(Table table) {
        attempts.add(new Attempt(table.scan().inKeyOrder().open(), new ArrayList<>(), cells(rows)));
    }

    int openScans() {
        return attempts.size();
    }

    void endScan() {
        Attempt attempt = attempts.remove(random.nextInt(attempts.size()));
        try (Scan scan = attempt.scan()) {
            readAll(scan, attempt.found());
        }
        assertEquals(attempt.expected(), attempt.found());
    }
}
