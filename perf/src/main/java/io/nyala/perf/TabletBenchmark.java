package io.nyala.perf;

import io.nyala.io.Parking;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletConfig;
import io.nyala.tablet.TabletRecovery;
import io.nyala.tablet.TabletWrite;
import io.nyala.tablet.WriterAgent;
import io.nyala.time.HybridTime;
import io.nyala.wal.CommitLog;
import io.nyala.wal.Durability;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A tablet by itself, between a caller and a log that is done at once: batches of 1,000 rows (INT64 key, INT64 value)
 * of random keys, handed over, decided, turned into log records, applied to memory and answered, all on one thread. The
 * rows of {@code upsert} are new, or all in memory already; {@code lookUp} inserts what is there, and ignores that, so
 * that nothing is left of it but finding each key. A score is nanoseconds per row; what is more than in {@link
 * MemRowSetBenchmark} is the tablet's.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(TabletBenchmark.ROWS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Dnyala.kernels=vector"})
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class TabletBenchmark {
    private static final int BATCH_ROWS = 1_000;
    private static final int BATCHES = 100;

    /** Of one tablet, which is made anew each time: no flush is to come between. */
    static final int ROWS = BATCHES * BATCH_ROWS;

    private static final long SCRAMBLE = 0x9E37_79B9_7F4A_7C15L; // Odd, so that it permutes the numbers.
    private static final long NEVER_FLUSHED = 1L << 30;
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("value", ColumnType.INT64));

    @Param({"new", "present"})
    public String keys = "new";

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 256 << 20);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final Done log = new Done(account);
    private final List<TabletWrite> upserts = batches(OperationKind.UPSERT);
    private final List<TabletWrite> lookUps = batches(OperationKind.INSERT_IGNORE);
    private WriterAgent writer = new WriterAgent("writer", Parking.ofThread(), () -> 0);
    private Tablet tablet = newTablet();
    private long lastTime = HybridTime.of(1_000_000, 0);
    private int answers;

    private List<TabletWrite> batches(OperationKind kind) {
        List<TabletWrite> writes = new ArrayList<>();
        var completion = new TabletWrite.Completion() {
            @Override
            public void completed(TabletWrite write, @Nullable RuntimeException failure) {
                answers += failure == null ? 1 : 0;
            }

            @Override
            public void probeWanted(TabletWrite write) {
                throw new AssertionError("there are no rowsets");
            }
        };
        for (int batch = 0; batch < BATCHES; batch++) {
            var rows = new OperationBatch(new RowLayout(SCHEMA), account);
            for (long i = 0; i < BATCH_ROWS; i++) {
                long id = (long) batch * BATCH_ROWS + i;
                rows.start(kind).setLong(0, id * SCRAMBLE).setLong(1, id).end();
            }
            var write = new TabletWrite(rows, completion);
            write.addAll();
            writes.add(write);
        }
        return writes;
    }

    private Tablet newTablet() {
        writer = new WriterAgent("writer", Parking.ofThread(), () -> 0);
        var config = new TabletConfig(1, SCHEMA, account, NEVER_FLUSHED, () -> lastTime += 1 << 12, () -> {});
        return new TabletRecovery(config, List.of(), List.of(), 0).start(log, writer);
    }

    @Setup(Level.Invocation)
    public void fill() {
        tablet.close();
        log.begin();
        tablet = newTablet();
        if (keys.equals("present")) {
            commit(upserts);
        }
    }

    private long commit(List<TabletWrite> writes) {
        answers = 0;
        for (TabletWrite write : writes) {
            if (!tablet.trySubmit(write)) {
                throw new AssertionError("the queue is full");
            }
            writer.doWork(); // Decides.
            writer.doWork(); // Answers.
        }
        if (answers != BATCHES) {
            throw new AssertionError(answers + " batches of " + BATCHES + " were committed");
        }
        if (tablet.rowCount() != ROWS) {
            throw new AssertionError(tablet.rowCount() + " rows of " + ROWS + " are there");
        }
        return tablet.visible();
    }

    @Benchmark
    public long upsert() {
        return commit(upserts);
    }

    @Benchmark
    public long lookUp() {
        return commit(lookUps);
    }

    @TearDown(Level.Trial)
    public void close() {
        tablet.close();
        upserts.forEach(write -> write.operations().close());
        lookUps.forEach(write -> write.operations().close());
        log.close();
        account.close();
        budget.close();
    }

    /** A log that forgets each record at once, and calls it durable: there is no device in these figures. */
    static final class Done implements CommitLog {
        private static final int PAYLOAD_BYTES_MAX = 1 << 20;

        private final MemoryAccount account;
        private final Slab slab;
        private long sequence;

        Done(MemoryAccount account) {
            this.account = account;
            this.slab = account.take(PAYLOAD_BYTES_MAX);
        }

        void begin() {
            sequence = 0;
        }

        @Override
        public int payloadBytesMax() {
            return PAYLOAD_BYTES_MAX;
        }

        @Override
        public MemorySegment memory() {
            return account.budget().memory();
        }

        @Override
        public long reserve(int payloadBytesMax) {
            return slab.offset();
        }

        @Override
        public long publish(int payloadBytes, Durability durability) {
            return ++sequence;
        }

        @Override
        public void abandon() {
            // There is nothing to take back.
        }

        @Override
        public long lastSequence() {
            return sequence;
        }

        @Override
        public long durableUpTo() {
            return sequence;
        }

        @Override
        public long writtenUpTo() {
            return sequence;
        }

        @Override
        public void onProgress(Runnable wake) {
            // All progress is made before publish returns.
        }

        @Override
        public void wantDurable(long wanted) {
            // It is.
        }

        @Override
        public @Nullable RuntimeException failure() {
            return null;
        }

        @Override
        public void releaseUpTo(long released) {
            // It was, at once.
        }

        @Override
        public long oldestSequence() {
            return sequence + 1;
        }

        @Override
        public void close() {
            account.giveBack(slab);
        }
    }
}
