package io.nyala.perf;

import io.nyala.compaction.CompactionPolicy;
import io.nyala.compaction.DeviceCalls;
import io.nyala.compaction.Flush;
import io.nyala.compaction.Lane;
import io.nyala.compaction.MaintenanceScheduler;
import io.nyala.compaction.MaintenanceScheduler.Claim;
import io.nyala.compaction.MaintenanceScheduler.Slot;
import io.nyala.compaction.MergePace;
import io.nyala.compaction.MergePolicy;
import io.nyala.compaction.MergeSource;
import io.nyala.compaction.RewriteSource;
import io.nyala.compaction.RowSetShape;
import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DeltaFileMerge;
import io.nyala.diskrowset.DeltaFileOutput;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.io.Parking;
import io.nyala.maintenance.Housekeeping;
import io.nyala.maintenance.Maintenance;
import io.nyala.maintenance.MergeSettings;
import io.nyala.maintenance.Wakes;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memrowset.MemRowSet;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.Schema;
import io.nyala.tablet.FlushContext;
import io.nyala.tablet.LiveRowSet;
import io.nyala.tablet.Merging;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletConfig;
import io.nyala.tablet.TabletManifest;
import io.nyala.tablet.TabletRecovery;
import io.nyala.tablet.WriterAgent;
import io.nyala.time.HybridTime;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the maintenance worker takes to find out what to do next, with {@code tablets} of which {@code percent} have
 * some work: {@code nextFlush} is the claim alone, of what all of them have published anew; {@code round} is all of it,
 * in tablets without rows: from one that wants a flush to the end of that, which finds nothing to be written, or a look
 * around where none wants any; {@code comesAndGoes} is a tablet that is attached and detached beside the others; {@code
 * choice} is the policy's among {@code rowSets} of a tablet that has all of its keys in each. A score is microseconds
 * per decision.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class SchedulingBenchmark {
    private static final int FLUSHES = Lane.set(Lane.FREE_LOG, Lane.FREE_MEMORY);

    /** Tablets with work for each hundred. */
    @State(Scope.Thread)
    public static class Tablets {
        @Param("10000")
        public int tablets;

        @Param({"0", "1", "100"})
        public int percent;

        private final MaintenanceScheduler scheduler = new MaintenanceScheduler();
        private final List<Slot> slots = new ArrayList<>();
        private double[] scores = {};

        /** Each tablet has a slot for its merges as well, as in an engine. */
        @Setup
        public void register() {
            var random = new SplittableRandom(1);
            scores = new double[tablets];
            for (int i = 0; i < tablets; i++) {
                slots.add(scheduler.register("flush of tablet " + i));
                scheduler.register("merge of tablet " + i).publish(Lane.KEEP_READS_FAST, 1);
                scores[i] = random.nextInt(100) < percent ? random.nextDouble(1, 1 << 26) : 0;
            }
        }
    }

    @Benchmark
    public boolean nextFlush(Tablets tablets) {
        for (int i = 0; i < tablets.scores.length; i++) {
            if (tablets.scores[i] > 0) {
                tablets.slots.get(i).publish(i % 10 == 0 ? Lane.FREE_LOG : Lane.FREE_MEMORY, tablets.scores[i]);
            } else {
                tablets.slots.get(i).withdraw();
            }
        }
        Claim claim = tablets.scheduler.claim(FLUSHES);
        return claim != null && claim.release();
    }

    /** A host with one worker and one writer, both stepped by the benchmark. */
    @State(Scope.Thread)
    public static class Host {
        private static final Schema SCHEMA = Schema.of(Column.key("id", ColumnType.INT64));
        private static final long MEMORY_BYTES = 1L << 30;

        @Param("10000")
        public int tablets;

        @Param({"0", "1", "100"})
        public int percent;

        private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), MEMORY_BYTES);
        private final MemoryAccount account = budget.account("benchmark", 0);
        private final TabletBenchmark.Done log = new TabletBenchmark.Done(account);
        private final WriterAgent writer = new WriterAgent("writer", Parking.ofThread(), () -> 0);
        private final IdleHost idle = new IdleHost();
        private final Maintenance maintenance = new Maintenance(
                new Wakes(),
                idle,
                idle,
                new MergeSettings(true, RowSets.budget(), 0, 1, 0, MergePace.UNLIMITED),
                2,
                () -> {});
        private final List<Tablet> open = new ArrayList<>();
        private long lastTime = HybridTime.of(1_000_000, 0);

        @Setup
        public void open() {
            for (int i = 0; i <= tablets; i++) {
                var config = new TabletConfig(i + 1, SCHEMA, account, 1 << 20, () -> lastTime += 1 << 12, () -> {});
                open.add(new TabletRecovery(config, List.of(), List.of(), 0).start(log, writer));
            }
            for (Tablet tablet : open.subList(1, open.size())) {
                maintenance.attach(tablet);
                step(); // Looks at it.
            }
            var random = new SplittableRandom(1);
            for (Tablet tablet : open.subList(1, open.size())) {
                if (random.nextInt(100) < percent) {
                    tablet.pressure().wantFlush();
                }
            }
        }

        private void step() {
            maintenance.lead().doWork();
            writer.doWork();
        }

        @TearDown
        public void close() {
            maintenance.lead().onClose();
            open.forEach(Tablet::close);
            log.close();
            account.close();
            budget.close();
        }
    }

    @Benchmark
    public int round(Host host) {
        int before = host.idle.flushes;
        do {
            host.step();
        } while (host.percent > 0 && host.idle.flushes == before);
        Tablet flushed = host.idle.flushing;
        if (flushed != null) {
            flushed.pressure().wantFlush();
        }
        return host.idle.flushes;
    }

    @Benchmark
    public int comesAndGoes(Host host) {
        Tablet spare = host.open.getFirst();
        host.maintenance.attach(spare);
        host.step();
        host.maintenance.detach(spare, host.idle.closedReason());
        host.step();
        return host.idle.flushes;
    }

    /** Has nothing to do besides; there are no rows, and no file is ever written. */
    private static final class IdleHost implements Housekeeping, FlushContext {
        private @Nullable Tablet flushing;
        private int flushes;

        @Override
        public boolean isForLog(Tablet tablet) {
            return false;
        }

        @Override
        public void flushBegins(Tablet tablet) {
            flushing = tablet;
        }

        @Override
        public void relieveMemory(boolean isWantedByTablet) {}

        @Override
        public void flushEnded(boolean isDone, boolean hasWritten, long writtenBytes) {
            flushes++;
        }

        @Override
        public double mergeWeight(Tablet tablet) {
            return 1;
        }

        @Override
        public long historyMark(Tablet tablet) {
            return 0;
        }

        @Override
        public long microsOfMark(Tablet tablet, long time) {
            return Long.MAX_VALUE;
        }

        @Override
        public long micros() {
            return 0;
        }

        @Override
        public RuntimeException droppedReason(Tablet tablet) {
            return new IllegalStateException("tablet " + tablet.id() + " was dropped");
        }

        @Override
        public RuntimeException closedReason() {
            return new IllegalStateException("closed");
        }

        @Override
        public RuntimeException endedReason(Throwable cause) {
            return new IllegalStateException(cause);
        }

        @Override
        public RuntimeException workerEndedReason(String worker, Throwable cause) {
            return new IllegalStateException(worker, cause);
        }

        @Override
        public Runnable wake() {
            return () -> {};
        }

        // ---- There is nothing of all this ----

        @Override
        public void start(Agent worker, IdleStrategy idle, Parking parking) {
            throw new AssertionError("no worker hangs");
        }

        @Override
        public void releaseLog() {}

        @Override
        public void takeDownTablets() {}

        @Override
        public int closeMerged() {
            return 0;
        }

        @Override
        public boolean isLogReliefDue() {
            return false;
        }

        @Override
        public void relieveLog() {}

        @Override
        public void flushFailed(RuntimeException reason) {}

        @Override
        public void flushesEnd(RuntimeException reason) {}

        @Override
        public void mergeEnded(Merging.Task merge, boolean isDone) {}

        @Override
        public boolean isPressed() {
            return false;
        }

        @Override
        public long commitCount() {
            return 0;
        }

        @Override
        public long slowCommitCount() {
            return 0;
        }

        @Override
        public long overdueCommitCount() {
            return 0;
        }

        @Override
        public void mergePaused() {}

        @Override
        public TabletManifest manifest() {
            throw noRows();
        }

        @Override
        public Flush newFlush(Tablet tablet, MemRowSet rows, DeviceCalls calls) {
            throw noRows();
        }

        @Override
        public MemoryAccount mergeMemory() {
            throw noRows();
        }

        @Override
        public Flush newMerge(Tablet tablet, MergeSource rows) {
            throw noRows();
        }

        @Override
        public Flush newMerge(Tablet tablet, RewriteSource rows) {
            throw noRows();
        }

        @Override
        public long raiseHistoryMark(Tablet tablet) {
            throw noRows();
        }

        @Override
        public void discard(LiveRowSet merged) {
            throw noRows();
        }

        @Override
        public void discard(DeltaFile merged) {
            throw noRows();
        }

        @Override
        public DiskRowSet open(Tablet tablet, long fileId) {
            throw noRows();
        }

        @Override
        public MemoryAccount changeMemory() {
            throw noRows();
        }

        @Override
        public @Nullable DeltaFileOutput writeChanges(
                Tablet tablet, DiskRowSet rowSet, DeltaSource changes, DeviceCalls calls) {
            throw noRows();
        }

        @Override
        public void create(Tablet tablet, DeltaFileMerge merged) {
            throw noRows();
        }

        @Override
        public @Nullable DeltaFileOutput write(DeltaFileMerge merged) {
            throw noRows();
        }

        @Override
        public DeltaFile openChanges(Tablet tablet, DiskRowSet rowSet, long fileId) {
            throw noRows();
        }

        @Override
        public void delete(long fileId) {
            throw noRows();
        }

        private static AssertionError noRows() {
            return new AssertionError("no tablet has rows");
        }
    }

    /** Rowsets of one tablet. */
    @State(Scope.Thread)
    public static class RowSets {
        private static final long MIB = 1 << 20;

        @Param({"300", "3000"})
        public int rowSets;

        private final List<RowSetShape> shapes = new ArrayList<>();
        private final MergePolicy.Budget budget = budget();

        static MergePolicy.Budget budget() {
            return new MergePolicy.Budget(
                    128 * MIB,
                    8 * MIB,
                    MergePolicy.INPUTS_MAX,
                    8 * MIB,
                    0.01,
                    0.1,
                    0.1,
                    new CompactionPolicy.Deltas(4, 32, MIB));
        }

        @Setup
        public void draw() {
            var random = new SplittableRandom(1);
            for (int i = 0; i < rowSets; i++) {
                int from = random.nextInt(1 << 20);
                int to = random.nextInt(from, 1 << 20);
                long bytes = random.nextLong(MIB, 32 * MIB);
                shapes.add(new RowSetShape(i, 100_000, bytes, 0, key(from), key(to), List.of(), 0, false));
            }
        }

        private static byte[] key(int value) {
            return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
        }
    }

    @Benchmark
    public MergePolicy.Choice choice(RowSets rowSets) {
        return CompactionPolicy.choose(rowSets.shapes, rowSets.budget);
    }
}
