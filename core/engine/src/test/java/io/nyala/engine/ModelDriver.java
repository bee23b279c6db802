package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.simulation.TableModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Random operations on a table and on its model, which must agree after each. */
final class ModelDriver {
    /** Few keys, so that most operations meet a row that others have met. */
    private static final int KEYS = 60;

    private static final String[] TEXTS = {"", "x", "a\0b", "zebra", "a text that is a little longer than the others"};

    private final SplittableRandom random;
    private final TableModel<Key> model = new TableModel<>();
    private final List<Long> times = new ArrayList<>();
    private long operationCount;

    ModelDriver(SplittableRandom random) {
        this.random = random;
    }

    /** The primary key of {@link World#SCHEMA}. */
    record Key(int a, String b) implements Comparable<Key> {
        @Override
        public int compareTo(Key other) {
            int order = Integer.compare(a, other.a);
            return order != 0 ? order : b.compareTo(other.b);
        }
    }

    /** One operation as the model sees it. */
    @SuppressWarnings("ArrayRecordComponent") // Nobody compares operations.
    record Operation(OperationKind kind, Key key, List<@Nullable Object> values, boolean[] set) {}

    long operationCount() {
        return operationCount;
    }

    // ---- Writing ----

    /** A batch of random operations. */
    List<Operation> draw(boolean insertsOnly) {
        List<Operation> operations = new ArrayList<>();
        int count = 1 + random.nextInt(12);
        for (int i = 0; i < count; i++) {
            OperationKind[] kinds = OperationKind.values();
            OperationKind kind = insertsOnly
                    ? random.nextBoolean() ? OperationKind.INSERT : OperationKind.INSERT_IGNORE
                    : kinds[random.nextInt(kinds.length)];
            operations.add(draw(kind));
        }
        operationCount += count;
        return operations;
    }

    private Operation draw(OperationKind kind) {
        int number = random.nextInt(KEYS);
        var key = new Key(number % 7 - 3, "k" + number + (number % 2 == 0 ? "\0" : ""));
        @Nullable
        Object[] values = {
            random.nextInt(4) == 0 ? null : random.nextLong(-100, 100),
            random.nextInt(4) == 0 ? null : TEXTS[random.nextInt(TEXTS.length)],
            random.nextInt(-8, 8) / 4.0
        };
        boolean[] set = {true, true, true};
        boolean isUpdate = kind == OperationKind.UPDATE || kind == OperationKind.UPDATE_IGNORE;
        if (isUpdate) {
            set[random.nextInt(3)] = false;
        }
        return new Operation(kind, key, Arrays.asList(values), set);
    }

    static void fill(OperationBatch rows, List<Operation> operations) {
        for (Operation operation : operations) {
            rows.start(operation.kind());
            rows.setInt(0, operation.key().a()).setString(1, operation.key().b());
            boolean isDelete =
                    operation.kind() == OperationKind.DELETE || operation.kind() == OperationKind.DELETE_IGNORE;
            for (int i = 0; i < 3 && !isDelete; i++) {
                if (operation.set()[i]) {
                    rows.set(2 + i, operation.values().get(i));
                }
            }
            rows.end();
        }
    }

    /** Commits a batch and holds its result against the model. */
    void commit(WriteBatch batch, List<Operation> operations) {
        fill(batch.rows(), operations);
        acknowledged(batch.commit(), operations);
    }

    /** What the engine said of a batch is what the model says. */
    void acknowledged(CommitResult result, List<Operation> operations) {
        Map<Integer, RowErrorCode> errors = new LinkedHashMap<>();
        for (RowError error : result.errors()) {
            errors.put(error.operationIndex(), error.code());
        }
        for (int i = 0; i < operations.size(); i++) {
            Operation operation = operations.get(i);
            RowErrorCode error = errors.get(i);
            if (error == RowErrorCode.ROW_FLUSHED) {
                assertEquals(true, model.newest(operation.key()) != null, "no row to be flushed: " + operation);
                continue;
            }
            TableModel.Outcome outcome = apply(operation, result.timestamp());
            RowErrorCode expected =
                    switch (outcome) {
                        case DONE, IGNORED -> null;
                        case ALREADY_PRESENT -> RowErrorCode.ALREADY_PRESENT;
                        case NOT_FOUND -> RowErrorCode.NOT_FOUND;
                    };
            assertEquals(expected, error, "operation " + i + ", " + operation);
        }
        times.add(result.timestamp());
    }

    TableModel.Outcome apply(Operation operation, long time) {
        List<@Nullable Object> values = operation.values();
        return switch (operation.kind()) {
            case INSERT -> model.insert(operation.key(), time, values, false);
            case INSERT_IGNORE -> model.insert(operation.key(), time, values, true);
            case UPSERT, UPSERT_IGNORE -> model.upsert(operation.key(), time, values, operation.set());
            case UPDATE -> model.update(operation.key(), time, values, operation.set(), false);
            case UPDATE_IGNORE -> model.update(operation.key(), time, values, operation.set(), true);
            case DELETE -> model.delete(operation.key(), time, false);
            case DELETE_IGNORE -> model.delete(operation.key(), time, true);
        };
    }

    // ---- Reading ----

    /** The newest state, or an older one, read in a random way. */
    void check(Table table) {
        boolean isPast = !times.isEmpty() && random.nextBoolean();
        long snapshot = isPast ? times.get(random.nextInt(times.size())) : table.latest();
        ScanBuilder scan = table.scan();
        if (isPast) {
            scan.at(snapshot);
        }
        NavigableMap<Key, List<@Nullable Object>> expected = model.allAt(snapshot);
        for (int i = random.nextInt(3); i > 0; i--) {
            restrict(scan, expected);
        }
        if (random.nextBoolean()) {
            scan.inKeyOrder();
            assertEquals(
                    List.copyOf(expected.entrySet()),
                    List.copyOf(read(scan, true).entrySet()),
                    "at " + snapshot);
        } else {
            assertEquals(expected, read(scan, false), "at " + snapshot);
        }
    }

    /** The whole newest state is as the model has it. */
    boolean agrees(Table table) {
        return read(table.scan(), false).equals(model.allAt(Long.MAX_VALUE));
    }

    /** All of the newest state, for messages. */
    void assertAgrees(Table table) {
        assertEquals(model.allAt(Long.MAX_VALUE), read(table.scan(), false));
    }

    private void restrict(ScanBuilder scan, NavigableMap<Key, List<@Nullable Object>> expected) {
        switch (random.nextInt(6)) {
            case 0 -> {
                int a = random.nextInt(-4, 5);
                scan.where(Predicate.equal(World.SCHEMA, "a", a));
                expected.keySet().removeIf(key -> key.a() != a);
            }
            case 1 -> {
                int a = random.nextInt(-4, 5);
                scan.where(Predicate.atLeast(World.SCHEMA, "a", a));
                expected.keySet().removeIf(key -> key.a() < a);
            }
            case 2 -> {
                long most = random.nextLong(-120, 120);
                scan.where(Predicate.lessThan(World.SCHEMA, "number", most));
                expected.values().removeIf(row -> row.get(0) == null || (Long) row.get(0) >= most);
            }
            case 3 -> {
                String text = TEXTS[random.nextInt(TEXTS.length)];
                scan.where(Predicate.in(World.SCHEMA, "text", List.of(text, "zebra")));
                expected.values().removeIf(row -> !text.equals(row.get(1)) && !"zebra".equals(row.get(1)));
            }
            case 4 -> {
                scan.where(Predicate.isNull(World.SCHEMA, "text"));
                expected.values().removeIf(row -> row.get(1) != null);
            }
            default -> {
                scan.where(Predicate.isNotNull(World.SCHEMA, "number"));
                expected.values().removeIf(row -> row.get(0) == null);
            }
        }
    }

    private static Map<Key, List<@Nullable Object>> read(ScanBuilder builder, boolean isOrdered) {
        Map<Key, List<@Nullable Object>> rows = isOrdered ? new LinkedHashMap<>() : new TreeMap<>();
        try (Scan scan = builder.open()) {
            while (scan.next()) {
                ColumnBatch batch = scan.batch();
                for (int row = 0; row < batch.rowCount(); row++) {
                    var key =
                            new Key(batch.column(0).getInt(row), batch.column(1).getString(row));
                    ColumnVector number = batch.column(2);
                    ColumnVector text = batch.column(3);
                    List<@Nullable Object> before = rows.put(
                            key,
                            Arrays.asList(
                                    number.isNull(row) ? null : number.getLong(row),
                                    text.isNull(row) ? null : text.getString(row),
                                    batch.column(4).getDouble(row)));
                    assertEquals(null, before, "the scan answers " + key + " twice");
                }
            }
        }
        return rows;
    }

    // ---- What a crash leaves ----

    /**
     * After a crash, of the batches that were not acknowledged the first few are there, whole, and nothing of the
     * others. Finds out how many, and goes on from there.
     */
    void recovered(Table table, List<List<Operation>> unacknowledged) {
        int there = 0;
        while (!agrees(table)) {
            if (there == unacknowledged.size()) {
                assertAgrees(table);
            }
            for (Operation operation : unacknowledged.get(there)) {
                apply(operation, table.latest());
            }
            there++;
        }
    }
}
