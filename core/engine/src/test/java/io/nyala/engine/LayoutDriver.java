package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.partition.PartitionMap;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.simulation.TableModel;
import io.nyala.table.ScanToken;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Random operations on a table that is cut into tablets, and on its model, which must agree after each. */
final class LayoutDriver {
    /** Few keys, so that most operations meet a row that others have met. */
    private static final int KEYS = 60;

    private static final String[] TEXTS = {"", "x", "a\0b", "zebra", "a text that is a little longer than the others"};

    private final SplittableRandom random;
    private final TableLayout layout;
    private final TableModel<Key> model = new TableModel<>();
    private final List<Long> times = new ArrayList<>();
    private long operationCount;

    /** For a table that is cut into tablets like this. */
    LayoutDriver(SplittableRandom random, TableLayout layout) {
        this.random = random;
        this.layout = layout;
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

    /** What the engine said of a batch is what the model says. Nothing else was on its way. */
    void acknowledged(CommitResult result, List<Operation> operations) {
        acknowledgedBesideOthers(result, operations);
        times.add(result.timestamp());
    }

    /**
     * As {@link #acknowledged}, where other batches were on their way. In each tablet they come one after the other,
     * but one may be earlier here and later there, so at the time of a batch not just those before it are seen.
     */
    void acknowledgedBesideOthers(CommitResult result, List<Operation> operations) {
        Map<Integer, RowErrorCode> errors = new LinkedHashMap<>();
        for (RowError error : result.errors()) {
            errors.put(error.operationIndex(), error.code());
        }
        for (int i = 0; i < operations.size(); i++) {
            Operation operation = operations.get(i);
            RowErrorCode error = errors.get(i);
            assertEquals(
                    !layout.hasTablet(operation.key().a()), error == RowErrorCode.NO_RANGE, "range of " + operation);
            if (error == RowErrorCode.NO_RANGE) {
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
    void check(Engine engine, Table table) {
        boolean isPast = !times.isEmpty() && random.nextBoolean();
        // The newest state has all that was acknowledged, whatever time that has: the time of a batch may be that of a
        // tablet in which it had no effect, and which does not remember it over a restart.
        long snapshot = isPast ? times.get(random.nextInt(times.size())) : Long.MAX_VALUE;
        ScanBuilder scan = table.scan();
        if (isPast) {
            scan.at(snapshot);
        }
        NavigableMap<Key, List<@Nullable Object>> expected = model.allAt(snapshot);
        for (int i = random.nextInt(3); i > 0; i--) {
            restrict(scan, expected);
        }
        if (random.nextInt(3) == 0) {
            assertEquals(expected, readTokens(scan, engine), "at " + snapshot);
        } else if (random.nextBoolean()) {
            scan.inKeyOrder();
            assertEquals(
                    List.copyOf(expected.entrySet()),
                    List.copyOf(read(scan, true).entrySet()),
                    "at " + snapshot);
        } else {
            assertEquals(expected, read(scan, false), "at " + snapshot);
        }
    }

    /** All of the newest state. */
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
            read(scan, rows);
        }
        return rows;
    }

    /** Tablet by tablet, from descriptions that have travelled as bytes. */
    private Map<Key, List<@Nullable Object>> readTokens(ScanBuilder builder, Engine engine) {
        List<byte[]> tokens = new ArrayList<>();
        builder.tokens().forEach(token -> tokens.add(token.toBytes()));
        Map<Key, List<@Nullable Object>> rows = new TreeMap<>();
        while (!tokens.isEmpty()) {
            byte[] token = tokens.remove(random.nextInt(tokens.size()));
            try (Scan scan = engine.open(ScanToken.fromBytes(token))) {
                read(scan, rows);
            }
        }
        return rows;
    }

    private static void read(Scan scan, Map<Key, List<@Nullable Object>> rows) {
        while (scan.next()) {
            ColumnBatch batch = scan.batch();
            for (int row = 0; row < batch.rowCount(); row++) {
                var key = new Key(batch.column(0).getInt(row), batch.column(1).getString(row));
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

    // ---- What a crash leaves ----

    /**
     * After a crash, of the batches that were not acknowledged the first few are there in each tablet, whole as far as
     * they are its own, and nothing of the others. Finds out how many, and goes on from there.
     */
    void recovered(Table table, List<List<Operation>> unacknowledged) {
        PartitionMap map = table.partitions();
        for (int tablet = 0; tablet < map.size(); tablet++) {
            int there = 0;
            while (!agrees(table, tablet)) {
                if (there == unacknowledged.size()) {
                    assertAgrees(table);
                }
                for (Operation operation : unacknowledged.get(there)) {
                    if (tabletOf(operation.key(), map) == tablet) {
                        apply(operation, table.latest());
                    }
                }
                there++;
            }
        }
        assertAgrees(table);
    }

    /**
     * A batch was answered before others that were handed over earlier. In the tablets where it is, those come first
     * and are there as well; what else they have stays open.
     */
    void overtaken(Table table, List<List<Operation>> earlier, List<Operation> answered, long time) {
        Set<Integer> tablets = new HashSet<>();
        answered.forEach(operation -> tablets.add(tabletOf(operation.key(), table.partitions())));
        for (List<Operation> operations : earlier) {
            for (Operation operation : List.copyOf(operations)) {
                if (layout.hasTablet(operation.key().a())
                        && tablets.contains(tabletOf(operation.key(), table.partitions()))) {
                    apply(operation, time);
                    operations.remove(operation);
                }
            }
        }
    }

    private boolean agrees(Table table, int tablet) {
        Map<Key, List<@Nullable Object>> found = read(table.scan(), false);
        Map<Key, List<@Nullable Object>> expected = model.allAt(Long.MAX_VALUE);
        found.keySet().removeIf(key -> tabletOf(key, table.partitions()) != tablet);
        expected.keySet().removeIf(key -> tabletOf(key, table.partitions()) != tablet);
        return found.equals(expected);
    }

    /** The index of the one partition that a row can be in; -1 if there is none. */
    private static int tabletOf(Key key, PartitionMap map) {
        BitSet possible =
                map.prune(Predicate.equal(World.SCHEMA, "a", key.a()), Predicate.equal(World.SCHEMA, "b", key.b()));
        assertTrue(possible.cardinality() <= 1, () -> key + " is in " + possible);
        return possible.nextSetBit(0);
    }
}
