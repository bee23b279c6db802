package io.nyala.maintenance;

import io.nyala.compaction.CompactionPolicy;
import io.nyala.compaction.DeviceCalls;
import io.nyala.compaction.Flush;
import io.nyala.compaction.MergePace;
import io.nyala.compaction.MergePolicy;
import io.nyala.compaction.MergeSource;
import io.nyala.compaction.RewriteSource;
import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DeltaFileMerge;
import io.nyala.diskrowset.DeltaFileOutput;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.io.Parking;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memrowset.MemRowSet;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.tablet.FlushContext;
import io.nyala.tablet.LiveRowSet;
import io.nyala.tablet.Merging;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletConfig;
import io.nyala.tablet.TabletManifest;
import io.nyala.tablet.TabletRecovery;
import io.nyala.tablet.WriterAgent;
import io.nyala.time.HybridTime;
import io.nyala.wal.WalConfig;
import io.nyala.wal.WriteAheadLog;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/** A host of tablets without rows, of which nothing is ever written; notes what maintenance asks, and of whom. */
final class QuietHost implements Housekeeping, FlushContext, AutoCloseable {
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("n", ColumnType.INT64));
    private static final long MIB = 1 << 20;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 * MIB);
    private final MemoryAccount memory = budget.account("rows", 0);
    private final WriterAgent writer = new WriterAgent("writer", Parking.ofThread(), () -> 0);
    private final WriteAheadLog log;
    private final Maintenance maintenance;
    private long lastTime = HybridTime.of(1_000_000, 0);

    /** Flushes that have begun, in their order. */
    final List<Tablet> flushed = new ArrayList<>();

    /** Whose flushes are for the log's sake. */
    final Set<Tablet> forLog = new HashSet<>();

    /** Of whom it was asked since {@link #forget}, each time that it was. */
    final List<Tablet> lookedAt = new ArrayList<>();

    final List<Tablet> askedForLog = new ArrayList<>();
    long micros;

    /** So much time goes by in each look at a tablet. */
    long lookMicros;

    QuietHost(SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        Path directory = Path.of("/wal");
        disk.createDirectories(directory);
        WalConfig config = WalConfig.in(directory).withSegmentBytes(MIB);
        log = WriteAheadLog.open(config, disk, budget.account("log", 0), 7).start(0, () -> micros);
        var merges = new MergePolicy.Budget(
                128 * MIB,
                8 * MIB,
                MergePolicy.INPUTS_MAX,
                8 * MIB,
                0.01,
                0.1,
                0.1,
                new CompactionPolicy.Deltas(4, 32, MIB));
        var settings = new MergeSettings(true, merges, 1_000_000, 0.1, 10_000_000, MergePace.UNLIMITED);
        maintenance = new Maintenance(new Wakes(), this, this, settings, 2, () -> {});
    }

    Maintenance maintenance() {
        return maintenance;
    }

    /** Another tablet, which nobody maintains yet. */
    Tablet newTablet(long id) {
        var config = new TabletConfig(id, SCHEMA, memory, 16 * MIB, () -> lastTime += 1 << 12, () -> {});
        return new TabletRecovery(config, List.of(), List.of(), 0).start(log, writer);
    }

    /** Steps everybody once. */
    void round() {
        maintenance.lead().doWork();
        writer.doWork();
    }

    void forget() {
        lookedAt.clear();
        askedForLog.clear();
        flushed.clear();
    }

    @Override
    public void close() {
        maintenance.lead().onClose();
    }

    @Override
    public boolean isForLog(Tablet tablet) {
        askedForLog.add(tablet);
        return forLog.contains(tablet);
    }

    @Override
    public void flushBegins(Tablet tablet) {
        flushed.add(tablet);
        forLog.remove(tablet);
    }

    @Override
    public void relieveMemory(boolean isWantedByTablet) {
        assert !isWantedByTablet : "nobody writes";
    }

    @Override
    public void flushEnded(boolean isDone, boolean hasWritten, long writtenBytes) {
        assert !hasWritten : "there are no rows";
    }

    @Override
    public double mergeWeight(Tablet tablet) {
        lookedAt.add(tablet);
        micros += lookMicros;
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
        return micros;
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
