package io.nyala.perf;

import io.nyala.engine.AgentHost;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.EngineEnvironment;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.io.HugePageSource;
import io.nyala.io.Parking;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.tablet.WriterAgent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.HdrHistogram.Histogram;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;

/**
 * How long a tablet's writer is kept from batches by what maintenance has it do: seals, swaps with the late changes
 * that are left to it, freeing what was flushed; for rows, for changes of rows on disk, and where columns change; and
 * where rowsets or delta files are merged, freezes, the hand-over, and swaps.
 *
 * <pre>{@code
 * java ... io.nyala.perf.WriterPauses [DIRECTORY [ROUNDS]]
 * }</pre>
 *
 * All agents run on the caller's thread, one step after the other, on real files. So it is known whether a step of the
 * writer had a batch to do: only those count that had none, and did something. Look at the maximum; a pause of the
 * process, for a collection or by the machine, is in it.
 */
public final class WriterPauses {
    private static final int DEFAULT_ROUNDS = 100;
    private static final long MEMORY_BYTES = 768L << 20;
    private static final long ROWSET_BYTES = 4 << 20; // So that a few ten thousand changes are many for one.
    private static final int ROWS_PER_ROUND = 20_000;
    private static final int BATCH_ROWS = 1_000;
    private static final int LATE_ROWS = 200;
    private static final int CHANGED_ROWS = 5_000;

    /** Steps of all agents between two batches that change rows which are being flushed. */
    private static final int STEPS_BETWEEN = 20;

    /** The first rounds are not compiled, and do not count. */
    private static final int WARM_ROUNDS_MAX = 10;

    private static final int ALTER_EVERY = 4;

    /** Rowsets are merged when there are so many new ones, and one of them again when much of it has changed. */
    private static final int MERGE_EVERY = 5;

    private static final int MERGED_CHANGED_ROWS = MERGE_EVERY * ROWS_PER_ROUND / 4;

    /** Batches that change rows while they are merged: with more of them there would always be something to merge. */
    private static final int MERGE_CHANGES_MAX = 10;

    /** Delta files that become one, of few changes each, or their rowset would be written anew. */
    private static final int DELTA_FILES = 4;

    private static final int DELTA_ROWS = 20;
    private static final long NANOS_MAX = TimeUnit.SECONDS.toNanos(10);

    private final Map<Phase, Histogram> pauses = new EnumMap<>(Phase.class);
    private final SplittableRandom random = new SplittableRandom(1);
    private final Stepped agents = new Stepped();
    private Phase phase = Phase.BATCHES;
    private boolean isBatchUnderWay;
    private boolean hasColumn;
    private long rowCount;

    /** What the writer is kept by. */
    enum Phase {
        BATCHES("batches of 1,000 upserts, for comparison"),
        ROWS("flush of rows, while they change"),
        CHANGES("flush of changes of rows on disk"),
        COLUMNS("a column comes or goes"),
        MERGE("merges of rowsets, and of one with many changes, while they change"),
        DELTA_MERGE("merge of delta files, while their rows change");

        private final String words;

        Phase(String words) {
            this.words = words;
        }
    }

    private WriterPauses() {
        for (Phase each : Phase.values()) {
            pauses.put(each, new Histogram(NANOS_MAX, 3));
        }
    }

    public static void main(String[] arguments) {
        Path parent = arguments.length > 0 ? Path.of(arguments[0]) : LineItems.temporary();
        print(parent, arguments.length > 1 ? Integer.parseInt(arguments[1]) : DEFAULT_ROUNDS);
    }

    /** Prints a table. */
    static void print(Path parent, int rounds) {
        System.out.println("| the writer's steps, us | count | p50 | p99 | p99.9 | max |");
        System.out.println("|---|---|---|---|---|---|");
        measure(parent, rounds)
                .forEach((phase, nanos) -> System.out.printf(
                        Locale.ROOT,
                        "| %s | %,d | %.1f | %.1f | %.1f | %.1f |%n",
                        phase.words,
                        nanos.getTotalCount(),
                        nanos.getValueAtPercentile(50) / 1e3,
                        nanos.getValueAtPercentile(99) / 1e3,
                        nanos.getValueAtPercentile(99.9) / 1e3,
                        nanos.getMaxValue() / 1e3));
    }

    /** Nanoseconds of the writer's steps. */
    static Map<Phase, Histogram> measure(Path parent, int rounds) {
        Path directory;
        try {
            directory = Files.createTempDirectory(parent, "nyala-perf");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        try (Disk disk = Disks.best()) {
            var pauses = new WriterPauses();
            pauses.run(directory, disk, rounds);
            return pauses.pauses;
        } finally {
            LineItems.delete(directory);
        }
    }

    private void run(Path directory, Disk disk, int rounds) {
        EngineConfig config = EngineConfig.in(directory)
                .withMemoryBytes(MEMORY_BYTES)
                .withRowSetBytes(ROWSET_BYTES)
                .withAutomaticMerges(false);
        var environment = new EngineEnvironment(
                disk, () -> TimeUnit.MILLISECONDS.toMicros(System.currentTimeMillis()), HugePageSource.orJdk(), agents);
        try (Engine engine = Engine.open(config, environment)) {
            Table table = engine.createTable("line_items", LineItems.SCHEMA);
            Table other = engine.createTable("few_line_items", LineItems.SCHEMA);
            insert(other);
            flush(other, Phase.ROWS);
            rowCount = 0; // The other table has rows of its own.
            int warmRounds = Math.min(rounds, WARM_ROUNDS_MAX);
            for (int round = 0; round < rounds + warmRounds; round++) {
                if (round == warmRounds) {
                    pauses.values().forEach(Histogram::reset);
                }
                insert(table);
                flush(table, Phase.ROWS);
                change(table, CHANGED_ROWS, 0);
                flush(table, Phase.CHANGES);
                if (round % ALTER_EVERY == 1) {
                    change(table, LATE_ROWS, 0);
                    alter(table);
                }
                if (round % MERGE_EVERY == 1) {
                    merge(table, Phase.MERGE);
                    change(table, MERGED_CHANGED_ROWS, rowCount - MERGED_CHANGED_ROWS);
                    flush(table, Phase.CHANGES);
                    merge(table, Phase.MERGE);
                    for (int i = 0; i < DELTA_FILES; i++) {
                        change(other, DELTA_ROWS, 0, ROWS_PER_ROUND);
                        flush(other, Phase.CHANGES);
                    }
                    merge(other, Phase.DELTA_MERGE);
                }
            }
        }
    }

    // ---- What is done ----

    private void insert(Table table) {
        for (int i = 0; i < ROWS_PER_ROUND; i += BATCH_ROWS) {
            try (WriteBatch batch = table.newBatch()) {
                for (int k = 0; k < BATCH_ROWS; k++) {
                    LineItems.put(batch, OperationKind.UPSERT, rowCount++);
                }
                commit(batch);
            }
        }
    }

    /** Changes some rows, of those from {@code firstRow} on. */
    private void change(Table table, int rows, long firstRow) {
        change(table, rows, firstRow, rowCount);
    }

    private void change(Table table, int rows, long firstRow, long endRow) {
        try (WriteBatch batch = table.newBatch()) {
            for (int k = 0; k < rows; k++) {
                LineItems.put(batch, OperationKind.UPDATE, random.nextLong(firstRow, endRow));
            }
            commit(batch);
        }
    }

    private void commit(WriteBatch batch) {
        Phase before = phase;
        phase = Phase.BATCHES;
        isBatchUnderWay = true;
        var result = batch.commitAsync();
        agents.await(result::isDone);
        result.join().orThrow();
        isBatchUnderWay = false;
        phase = before;
    }

    /** While rows are flushed, they change. */
    private void flush(Table table, Phase newPhase) {
        phase = newPhase;
        CompletableFuture<Void> flush = table.flush();
        for (int steps = 1; !flush.isDone(); steps++) {
            agents.step();
            if (newPhase == Phase.ROWS && steps % STEPS_BETWEEN == 0) {
                change(table, LATE_ROWS, rowCount - ROWS_PER_ROUND);
            }
        }
        flush.join();
        for (int i = 0; i < STEPS_BETWEEN; i++) {
            agents.step(); // What nobody reads any more is freed.
        }
        phase = Phase.BATCHES;
    }

    /** While rowsets or delta files are merged, rows of theirs change. */
    private void merge(Table table, Phase newPhase) {
        phase = newPhase;
        CompletableFuture<?> merges = table.compact();
        boolean isOfDeltas = newPhase == Phase.DELTA_MERGE;
        for (int steps = 1; !merges.isDone(); steps++) {
            agents.step();
            if (steps % STEPS_BETWEEN == 0 && steps <= MERGE_CHANGES_MAX * STEPS_BETWEEN) {
                change(table, isOfDeltas ? 1 : LATE_ROWS, 0, isOfDeltas ? ROWS_PER_ROUND : rowCount);
            }
        }
        merges.join();
        for (int i = 0; i < STEPS_BETWEEN; i++) {
            agents.step();
        }
        phase = Phase.BATCHES;
    }

    private void alter(Table table) {
        phase = Phase.COLUMNS;
        if (hasColumn) {
            table.alter().dropColumn("more").commit();
        } else {
            table.alter()
                    .addColumn(Column.of("more", ColumnType.INT64).nullable())
                    .commit();
        }
        hasColumn = !hasColumn;
        for (int i = 0; i < STEPS_BETWEEN; i++) {
            agents.step();
        }
        phase = Phase.BATCHES;
    }

    // ---- Stepping ----

    /** Runs all agents on the caller's thread, each in turn. */
    private final class Stepped implements AgentHost {
        private final List<Agent> running = new ArrayList<>();
        private final List<Agent> stepping = new ArrayList<>();

        @Override
        public void start(Agent agent, IdleStrategy idle, Parking parking) {
            agent.onStart();
            running.add(agent);
        }

        /** Each does a piece, but for those that are in the middle of one, and wait in it. */
        void step() {
            for (Agent agent : running) {
                if (!stepping.contains(agent)) {
                    step(agent);
                }
            }
        }

        private void step(Agent agent) {
            stepping.add(agent);
            try {
                long start = System.nanoTime();
                int workCount = agent.doWork();
                long nanos = System.nanoTime() - start;
                boolean isCounted = isBatchUnderWay == (phase == Phase.BATCHES);
                if (agent instanceof WriterAgent && workCount > 0 && isCounted) {
                    Objects.requireNonNull(pauses.get(phase)).recordValue(Math.min(NANOS_MAX, nanos));
                }
            } catch (RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IllegalStateException(agent.roleName() + " failed: " + e, e);
            } finally {
                stepping.remove(agent);
            }
        }

        @Override
        public Gate newGate() {
            return new Gate() {
                private boolean isOpen;

                @Override
                public void await() {
                    Stepped.this.await(() -> isOpen);
                }

                @Override
                public void open() {
                    isOpen = true;
                }

                @Override
                public void reset() {
                    isOpen = false;
                }
            };
        }

        @Override
        public void await(BooleanSupplier condition) {
            while (!condition.getAsBoolean()) {
                step();
            }
        }

        @Override
        public boolean isAgent() {
            return !stepping.isEmpty();
        }

        @Override
        public void announce() {
            // Conditions are looked at after each step.
        }

        @Override
        public void close() {
            running.reversed().forEach(Agent::onClose);
            running.clear();
        }
    }
}
