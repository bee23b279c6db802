package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.engine.ModelTally.Kind;
import io.nyala.rows.Column;
import io.nyala.rows.Limits;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.simulation.Cells;
import io.nyala.simulation.RowKey;
import io.nyala.simulation.TableModel;
import io.nyala.time.HybridTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One table and its model, which must agree after each step: random batches, what the table must say to them, and what
 * it must answer.
 */
final class ModelDriver {
    /** Few, so that most operations meet a row that others have met. */
    static final int KEYS = 60;

    private static final int BATCH_MAX = 3_000;
    private static final int LONG_KEYS_BATCH_MAX = 900;

    /** Of a table that was not made yet. */
    static final long NO_ID = 0;

    private final SplittableRandom random;
    private final OperationSource source;
    private final boolean hasManyKeys;
    private final ModelTally tally;
    private ModelTable table;
    private long id = NO_ID;
    private long recallableUntil = Long.MAX_VALUE;
    private final Map<Long, ModelTablet> tablets = new TreeMap<>();
    private final List<Long> times = new ArrayList<>();
    private final List<ModelPart> unsure = new ArrayList<>();
    private long promisedTime;
    private int changeCount;
    private boolean isTouched;
    private long leastHistorySeconds = Long.MAX_VALUE;
    private long unknownBefore;
    private long markMax;

    /** For the table of {@link World}. */
    ModelDriver(SplittableRandom random) {
        this(random, World.TABLE, World.SCHEMA, KEYS);
    }

    /** For a table of one tablet. */
    ModelDriver(SplittableRandom random, String name, Schema schema, int keyCount) {
        this(random, new OperationSource(random, schema, keyCount), ModelTable.of(name, schema), new ModelTally());
    }

    /** @param tally counts what is done to it */
    ModelDriver(SplittableRandom random, OperationSource source, ModelTable table, ModelTally tally) {
        this.random = random;
        this.source = source;
        this.tally = tally;
        this.hasManyKeys = source.keys().size() > Limits.VECTOR_ROWS;
        this.table = table;
    }

    // ---- What table it is ----

    String tableName() {
        return table.name();
    }

    /** Of the table in the engine. */
    long id() {
        return id;
    }

    void id(long newId) {
        id = newId;
    }

    Schema schema() {
        return table.schema();
    }

    ModelTable table() {
        return table;
    }

    /** The table, which is there, in an engine. */
    Table table(Engine engine) {
        return engine.table(tableName()).orElseThrow(() -> new AssertionError("table " + tableName() + " is lost"));
    }

    boolean isDropped() {
        return table.isDropped();
    }

    /** Until when it is certain, in microseconds of the host, that it can be recalled, if it was dropped. */
    long recallableUntil() {
        return recallableUntil;
    }

    void recallableUntil(long micros) {
        recallableUntil = micros;
    }

    /** Operations of a batch, with which it has no more bytes than it may. */
    int batchMax() {
        return source.hasLongKey() ? LONG_KEYS_BATCH_MAX : BATCH_MAX;
    }

    ModelTally tally() {
        return tally;
    }

    /** Whether its rows, once most are there, are more than one batch of a scan. */
    boolean hasManyKeys() {
        return hasManyKeys;
    }

    /** How often it has become another table. */
    int changeCount() {
        return changeCount;
    }

    /** The range that a row is in; null if there is none. */
    ModelLayout.@Nullable Range rangeOf(RowKey key) {
        return table.layout().rangeOf(key);
    }

    /** The tablet of that id, which has rows of this range. */
    ModelTablet tablet(long tabletId, ModelLayout.@Nullable Range range) {
        if (range == null) {
            throw new AssertionError("tablet " + tabletId + " takes a row for which there is no range");
        }
        return tablets.computeIfAbsent(tabletId, _ -> new ModelTablet(tabletId, range));
    }

    Collection<ModelTablet> tablets() {
        return tablets.values();
    }

    /** Whether a part is of one of its tablets. */
    boolean has(ModelPart part) {
        return tablets.containsValue(part.tablet());
    }

    /** Whether it takes batches that were made when it had this schema. */
    boolean takes(Schema schema) {
        return !isDropped() && table.hasRowsLike(schema);
    }

    /** It is another table from now on: rows have its columns, those of ranges that are gone are gone. */
    void become(ModelTable changed) {
        Schema before = table.schema();
        table = changed;
        changeCount++;
        touched();
        tablets.values().removeIf(tablet -> !changed.layout().ranges().contains(tablet.range()));
        if (!before.columns().equals(changed.schema().columns())) {
            tablets.values()
                    .forEach(tablet -> tablet.changeRows(
                            row -> changed(row, before, changed.schema()),
                            set -> changed(set, before, changed.schema())));
        }
    }

    /** It is gone for good. */
    void end() {
        table = table.dropped(true);
        changeCount++;
        tablets.clear();
    }

    private static List<@Nullable Object> changed(List<@Nullable Object> row, Schema before, Schema after) {
        List<@Nullable Object> changed = new ArrayList<>();
        for (Column column : after.columns()) {
            int index = before.indexOfId(column.id());
            if (index >= 0) {
                changed.add(row.get(index));
            } else {
                var readDefault = column.readDefault();
                changed.add(readDefault == null ? null : Cells.of(column, readDefault));
            }
        }
        return changed;
    }

    private static boolean[] changed(boolean[] set, Schema before, Schema after) {
        boolean[] changed = new boolean[after.columnCount()];
        for (int i = 0; i < changed.length; i++) {
            int index = before.indexOfId(after.column(i).id());
            changed[i] = index >= 0 && set[index];
        }
        return changed;
    }

    // ---- Writing ----

    /** A batch of random operations. */
    List<ModelOperation> draw(boolean insertsOnly) {
        return draw(random, 1 + random.nextInt(12), insertsOnly);
    }

    /** A key that rows have. */
    RowKey anyKey(SplittableRandom stepRandom) {
        return source.keys().get(stepRandom.nextInt(source.keys().size()));
    }

    List<ModelOperation> draw(SplittableRandom stepRandom, int count, boolean insertsOnly) {
        tally.add(Kind.ROW_OPERATION, count);
        return source.draw(stepRandom, schema(), this::newest, count, insertsOnly);
    }

    static void fill(OperationBatch rows, List<ModelOperation> operations) {
        operations.forEach(operation -> operation.write(rows));
    }

    /** Commits a batch to the only tablet, and holds its result against the model. */
    void commit(WriteBatch batch, List<ModelOperation> operations) {
        fill(batch.rows(), operations);
        acknowledged(batch.commit(), operations);
    }

    /**
     * What the only tablet said of a batch is what the model says. Answers whether the batch changed anything: if so it
     * has a record in the log.
     */
    boolean acknowledged(CommitResult result, List<ModelOperation> operations) {
        assertEquals(operations.size(), result.operationCount());
        Map<Integer, RowErrorCode> errors = new HashMap<>();
        for (RowError error : result.errors()) {
            errors.put(error.operationIndex(), error.code());
        }
        SortedMap<Integer, ModelOperation> taken = new TreeMap<>();
        for (int i = 0; i < operations.size(); i++) {
            RowErrorCode refused = operations.get(i).refused();
            if (refused == null) {
                taken.put(i, operations.get(i));
            } else {
                assertEquals(refused, errors.get(i), "operation " + i);
            }
        }
        ModelTablet only = tablet(0, table.layout().ranges().getFirst());
        times.add(result.timestamp());
        return only.take(
                new ModelPart.Decided(schema(), taken, false, errors, result.timestamp()), false, promisedTime);
    }

    /** Something was done that may change what it answers. */
    void touched() {
        isTouched = true;
    }

    /** Whether something was done since this was asked last. */
    boolean wasTouched() {
        boolean wasTouched = isTouched;
        isTouched = false;
        return wasTouched;
    }

    /** Takes a part of a batch that is to be seen. Answers whether it has a record in the log. */
    boolean take(ModelPart part) {
        touched();
        part.taken();
        times.add(part.time());
        long promised = has(part) ? promisedTime : 0; // Nobody reads a range that is gone.
        return part.tablet().take(part.existing(), part.request() != null, promised);
    }

    /** A crash has left a part that nobody was told about, perhaps. */
    void recovered(ModelPart part) {
        if (!part.isTaken()) {
            part.taken();
            times.add(part.time());
        }
    }

    /** Parts that a crash has left or taken, while the table was dropped and could not be read. */
    List<ModelPart> unsure() {
        return unsure;
    }

    // ---- Time ----

    /** Time of the newest record in the log since the engine was opened. */
    long recordTime() {
        return tablets.values().stream()
                .mapToLong(ModelTablet::recordTime)
                .max()
                .orElse(0);
    }

    /** Time of the newest change since the engine was opened. */
    long changeTime() {
        return tablets.values().stream()
                .mapToLong(ModelTablet::changeTime)
                .max()
                .orElse(0);
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
        if (!table.snapshots().isEmpty() && stepRandom.nextInt(3) == 0) {
            List<Long> named = List.copyOf(table.snapshots().values());
            return Math.max(named.get(stepRandom.nextInt(named.size())), unknownBefore);
        }
        long time = times.get(stepRandom.nextInt(times.size()));
        long other = times.get(stepRandom.nextInt(times.size()));
        long past =
                switch (stepRandom.nextInt(4)) {
                    case 0 -> Math.min(Math.max(time, other), time + 1);
                    case 1 -> time - 1;
                    case 2 -> (time + other) >>> 1;
                    default -> time;
                };
        return Math.max(past, unknownBefore);
    }

    /** From now on it may be that history is kept so long only: a change to that was begun. */
    void mayKeep(long seconds) {
        leastHistorySeconds = Math.min(leastHistorySeconds, seconds < 0 ? Long.MAX_VALUE : seconds);
    }

    /** Before it becomes known how long history is kept from now on: until now it was no less than before. */
    void timePasses(Engine engine) {
        markMax = markMax(engine);
        leastHistorySeconds = Long.MAX_VALUE;
    }

    /** All that was before now may be forgotten. */
    void forgets(Engine engine) {
        markMax = Math.max(markMax, engine.now());
    }

    /** What a time was before which nothing need be kept, at most. */
    long markMax(Engine engine) {
        long seconds = table.historySeconds();
        long least = Math.min(leastHistorySeconds, seconds < 0 ? Long.MAX_VALUE : seconds);
        return Math.max(markMax, mark(engine, least));
    }

    /** Who reads before this time, where something has happened after it, must be refused. */
    long mark(Engine engine) {
        long mark = mark(engine, table.historySeconds() < 0 ? Long.MAX_VALUE : table.historySeconds());
        return Math.min(mark, table.oldestSnapshot());
    }

    private static long mark(Engine engine, long seconds) {
        long micros = HybridTime.micros(engine.now());
        return seconds > micros / 1_000_000 ? 0 : HybridTime.ofMicros(micros - seconds * 1_000_000);
    }

    /** A scan of the past was refused, as it should be. */
    void refused() {
        tally.count(Kind.REFUSED_SCAN);
    }

    /** A crash has left something that happened then or not, and nobody can find out. */
    void unknownBefore(long time) {
        unknownBefore = Math.max(unknownBefore, time);
    }

    // ---- Reading ----

    /** The newest state of a row; null if there is none. */
    private @Nullable List<@Nullable Object> newest(RowKey key) {
        for (ModelTablet tablet : tablets.values()) {
            List<@Nullable Object> row = tablet.rows().newest(key);
            if (row != null) {
                return row;
            }
        }
        return null;
    }

    /** All rows of the newest state. */
    NavigableMap<RowKey, List<@Nullable Object>> newest() {
        return allAt(models(), Long.MAX_VALUE);
    }

    /** The rows of each tablet as they are until columns change. */
    List<TableModel<RowKey>> models() {
        return tablets.values().stream().map(ModelTablet::rows).toList();
    }

    /** All rows at a time; of no tablet two with the same key. */
    static NavigableMap<RowKey, List<@Nullable Object>> allAt(List<TableModel<RowKey>> models, long time) {
        if (models.size() == 1) {
            return models.getFirst().allAt(time);
        }
        NavigableMap<RowKey, List<@Nullable Object>> all = new TreeMap<>();
        models.forEach(model -> all.putAll(model.allAt(time)));
        return all;
    }

    /** The newest state, or an older one, read in a random way. */
    void check(Engine engine) {
        try (ModelScan scan = ModelScan.open(random, this, engine)) {
            scan.finish();
        }
    }

    /** The whole newest state is as the model has it. */
    void assertAgrees(Table opened) {
        try (ModelScan scan = ModelScan.openAll(this, opened)) {
            scan.finish();
        }
    }
}
