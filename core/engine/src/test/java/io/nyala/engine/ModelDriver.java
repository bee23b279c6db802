package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Limits;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.simulation.RowKey;
import io.nyala.simulation.TableModel;
import io.nyala.time.HybridTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One table and its model, which must agree after each step: random batches, what the table must say to them, and what
 * it must answer.
 */
final class ModelDriver {
    /** Few, so that most operations meet a row that others have met. */
    static final int KEYS = 60;

    private final SplittableRandom random;
    private final String table;
    private final Schema schema;
    private final OperationSource source;
    private final boolean hasManyKeys;
    private final List<Long> times = new ArrayList<>();
    private TableModel<RowKey> model = new TableModel<>();
    private final List<Blur> blurs = new ArrayList<>();
    private long newestTime;
    private long promisedTime;
    private long operationCount;

    /** A stretch of time, both ends included, of which the model does not know when things happened. */
    private record Blur(long from, long to) {}

    /** For the table of {@link World}. */
    ModelDriver(SplittableRandom random) {
        this(random, World.TABLE, World.SCHEMA, KEYS);
    }

    ModelDriver(SplittableRandom random, String table, Schema schema, int keyCount) {
        this.random = random;
        this.table = table;
        this.schema = schema;
        this.source = new OperationSource(random, schema, keyCount);
        this.hasManyKeys = keyCount > Limits.VECTOR_ROWS;
    }

    String tableName() {
        return table;
    }

    Schema schema() {
        return schema;
    }

    /** The table, which is there, in an engine. */
    Table table(Engine engine) {
        return engine.table(table).orElseThrow(() -> new AssertionError("table " + table + " is lost"));
    }

    /** Whether its rows, once most are there, are more than one batch of a scan. */
    boolean hasManyKeys() {
        return hasManyKeys;
    }

    TableModel<RowKey> model() {
        return model;
    }

    long operationCount() {
        return operationCount;
    }

    // ---- Writing ----

    /** A batch of random operations. */
    List<ModelOperation> draw(boolean insertsOnly) {
        return draw(random, 1 + random.nextInt(12), insertsOnly);
    }

    List<ModelOperation> draw(SplittableRandom stepRandom, int count, boolean insertsOnly) {
        operationCount += count;
        return source.draw(stepRandom, count, insertsOnly);
    }

    static void fill(OperationBatch rows, List<ModelOperation> operations) {
        operations.forEach(operation -> operation.write(rows));
    }

    /** Commits a batch and holds its result against the model. */
    void commit(WriteBatch batch, List<ModelOperation> operations) {
        fill(batch.rows(), operations);
        acknowledged(batch.commit(), operations);
    }

    /**
     * What the engine said of a batch is what the model says. Answers whether the batch changed anything: if so it has
     * a record in the log.
     */
    boolean acknowledged(CommitResult result, List<ModelOperation> operations) {
        long time = result.timestamp();
        assertTrue(
                time > promisedTime,
                () -> "committed at " + HybridTime.format(time) + ", but " + HybridTime.format(promisedTime)
                        + " was read before");
        assertTrue(time > newestTime, () -> "committed at " + time + " after " + newestTime);
        assertEquals(operations.size(), result.operationCount());
        boolean isChange = apply(model, operations, result.errors(), time);
        newestTime = time;
        times.add(time);
        return isChange;
    }

    /**
     * Does to a model what a table did that gave these errors, and answers whether anything changed.
     *
     * @param errors of the operations; null if they are not known
     */
    boolean apply(
            TableModel<RowKey> target, List<ModelOperation> operations, @Nullable List<RowError> errors, long time) {
        Map<Integer, RowErrorCode> codes = new HashMap<>();
        if (errors != null) {
            errors.forEach(error -> codes.put(error.operationIndex(), error.code()));
        }
        boolean isChange = false;
        for (int i = 0; i < operations.size(); i++) {
            ModelOperation operation = operations.get(i);
            RowErrorCode code = codes.get(i);
            RowErrorCode expected = operation.refused();
            if (expected == null) {
                RowKey key = operation.key(schema);
                List<@Nullable Object> before = target.newest(key);
                expected = ModelOperation.error(operation.apply(target, schema, time));
                isChange |= !isSame(before, target.newest(key));
            }
            if (errors != null) {
                assertEquals(expected, code, "operation " + i + " of " + table + ", " + operation);
            }
        }
        return isChange;
    }

    // ---- Time ----

    /** The time of the newest batch that was answered. */
    long newestTime() {
        return newestTime;
    }

    /** Everything up to this time was read, so nothing may change there any more. */
    void promised(long time) {
        promisedTime = Math.max(promisedTime, time);
    }

    /** A time at which something happened, or between two such, or just beside one; 0 if nothing has happened yet. */
    long pastTime(SplittableRandom stepRandom) {
        if (times.isEmpty()) {
            return 0;
        }
        long time = times.get(stepRandom.nextInt(times.size()));
        long drawn =
                switch (stepRandom.nextInt(4)) {
                    case 0 -> Math.min(newestTime, time + 1);
                    case 1 -> time - 1;
                    case 2 -> stepRandom.nextLong(times.getFirst() - 1, newestTime + 1);
                    default -> time;
                };
        boolean isBlurred = blurs.stream().anyMatch(blur -> blur.from() <= drawn && drawn <= blur.to());
        return isBlurred ? newestTime : drawn;
    }

    // ---- Reading ----

    /** The newest state, or an older one, read in a random way. */
    void check(Table opened) {
        try (ModelScan scan = ModelScan.open(random, this, opened)) {
            scan.finish();
        }
    }

    /** The whole newest state is as the model has it. */
    void assertAgrees(Table opened) {
        assertSame(model.newest(), ModelScan.all(this, opened, 0), "newest state of " + table);
    }

    /** Two states are the same; if not, says where. */
    static void assertSame(
            NavigableMap<RowKey, List<@Nullable Object>> expected,
            Map<RowKey, List<@Nullable Object>> actual,
            String what) {
        if (expected.equals(actual)) {
            return;
        }
        var text = new StringBuilder(what).append(" is wrong:");
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
        throw new AssertionError(text.toString());
    }

    // ---- What a crash leaves ----

    /**
     * After a crash, of the batches that were not acknowledged the first few are there, whole, and nothing of the
     * others. Finds out how many and since when, and goes on from there.
     */
    void recovered(Table opened, List<List<ModelOperation>> unacknowledged) {
        List<ModelRecovery.Doubtful> doubtful = unacknowledged.stream()
                .map(operations -> new ModelRecovery.Doubtful(operations, null))
                .toList();
        new ModelRecovery(this, opened).settle(doubtful, newestTime);
    }

    /**
     * The history is another one from now on.
     *
     * @param newTimes when something happened in it after {@code keptTime}
     * @param latest nothing is newer than this
     */
    void rewrite(TableModel<RowKey> newModel, List<Long> newTimes, long keptTime, long latest) {
        model = newModel;
        times.removeIf(time -> time > keptTime);
        times.addAll(newTimes);
        newestTime = latest;
    }

    /** Between these times it is not known what was to be seen when. */
    void blur(long from, long to) {
        blurs.add(new Blur(from, to));
    }

    /** Whether it is the same object, not only equal: a change to the same values has a record too. */
    @SuppressWarnings("ReferenceEquality")
    private static boolean isSame(@Nullable Object before, @Nullable Object after) {
        return before == after;
    }
}
