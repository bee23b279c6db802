package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.KeyFilter;
import io.nyala.cfile.PageCache;
import io.nyala.compaction.DeviceCalls;
import io.nyala.compaction.Flush;
import io.nyala.compaction.MergeSource;
import io.nyala.compaction.RewriteSource;
import io.nyala.diskrowset.DeltaBase;
import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DeltaFileMerge;
import io.nyala.diskrowset.DeltaFileOutput;
import io.nyala.diskrowset.DeltaFileWriter;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.LookupMemory;
import io.nyala.diskrowset.RowSetFile;
import io.nyala.io.Disk;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.io.Parking;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memrowset.MemRowSet;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.RowKey;
import io.nyala.time.TabletClock;
import io.nyala.wal.Recovery;
import io.nyala.wal.WalConfig;
import io.nyala.wal.WriteAheadLog;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A tablet with its log, its writer and its rowsets on a disk, flushed when the test says so, and opened again. Stands
 * in for the host: what the storage log would hold is in a list. One thread; fails where memory leaks.
 */
final class OneTablet implements FlushContext, TabletManifest, AutoCloseable {
    private static final Path LOG = Path.of("/wal");
    private static final Path ROWSETS = Path.of("/rowsets");
    private static final long TABLET_ID = 4;

    /** Steps after which nothing can be left to do. */
    private static final int STEPS_MAX = 200_000;

    private final Disk disk;
    private final Schema schema;
    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
    private final MemoryAccount account = budget.account("test", 0);
    private final LookupMemory lookups = new LookupMemory(account);
    private final List<RowSetEntry> rowSets = new ArrayList<>();
    private long appliedUpTo;
    private long mergedUpTo;
    private long forgottenUpTo;
    private long rowSetBytes = 32 << 20;
    private long nextFileId = 1;
    private long time = 1L << 40;
    private boolean isHeld;
    Runnable whenDecided = () -> {}; // What others do while the writer decides a batch.
    private long historyMark = MergeSource.NO_MARK;
    private IoPool io;
    private PageCache cache;
    private WriteAheadLog log;
    private WriterAgent writer;
    private Tablet tablet;

    OneTablet(Disk disk, Schema schema) {
        this.disk = disk;
        this.schema = schema;
        disk.createDirectories(LOG);
        disk.createDirectories(ROWSETS);
        disk.syncDirectory(Path.of("/"));
        open();
    }

    /** After a crash too: what is durable is found. */
    void open() {
        io = new IoPool(disk, 4, 16);
        cache = new PageCache(account, io, 16 << 20);
        writer = new WriterAgent("writer", Parking.ofThread(), () -> 0);
        List<LiveRowSet> opened = new ArrayList<>();
        for (RowSetEntry entry : rowSets) {
            DiskRowSet base = openRowSet(entry.fileId());
            List<DeltaFile> deltas = new ArrayList<>();
            entry.deltas().forEach(delta -> deltas.add(openChanges(tablet, base, delta.fileId())));
            opened.add(new LiveRowSet(base, deltas, entry.appliedUpTo(), account));
        }
        var config = new TabletConfig(TABLET_ID, schema, account, 16 << 20, this::draw, () -> {});
        var recovery = new TabletRecovery(config, opened, List.of(), appliedUpTo);
        recovery.leftOut(mergedUpTo, forgottenUpTo);
        Recovery found = WriteAheadLog.open(WalConfig.in(LOG).withSegmentBytes(2 << 20), disk, account, 7);
        found.forEach(recovery::replay);
        log = found.start(appliedUpTo, () -> 0);
        recovery.startAbove(time);
        tablet = recovery.start(log, writer);
    }

    private long draw() {
        whenDecided.run();
        time += isHeld ? 0 : 1 << 12;
        return isHeld ? TabletClock.NOT_LEASED : time;
    }

    /** While it is held, the writer decides no batch; all else goes on. */
    void hold(boolean newIsHeld) {
        isHeld = newIsHeld;
    }

    /** Closes everything in order and opens it again, with no page in memory. */
    void restart() {
        stop();
        open();
    }

    /** Lets go of everything; after a crash without a word to the disk. */
    void stop() {
        writer.onClose();
        try {
            log.agent().onClose();
        } catch (PowerCutException e) {
            assertTrue(e.getMessage() != null, "the log ends where the power was cut");
        }
        tablet.close();
        log.close();
        cache.close();
        io.close();
    }

    Tablet tablet() {
        return tablet;
    }

    /** Rowsets of later flushes are ended at this size. */
    void rowSetBytes(long bytes) {
        rowSetBytes = bytes;
    }

    // ---- Writing ----

    /** A batch of this tablet, and what it said to it. Whoever made it closes it. */
    final class Batch implements TabletWrite.Completion, AutoCloseable {
        final OperationBatch rows = new OperationBatch(new RowLayout(schema), account);
        final TabletWrite write = new TabletWrite(rows, this);
        int answers;
        int probesWanted;
        private boolean isProbeWanted;

        @Nullable
        RuntimeException failure;

        /** Hands it over; nothing is decided before {@link OneTablet#step}. */
        void submit() {
            answers = 0;
            probesWanted = 0;
            failure = null;
            write.clear();
            write.addAll();
            assertTrue(tablet.trySubmit(write), "too many batches");
        }

        /** Commits what is in it, and waits for the answer. */
        Batch commit() {
            submit();
            await();
            return this;
        }

        /** Waits for the answer, and looks keys up again as often as that is wanted. */
        void await() {
            OneTablet.this.await(() -> {
                probeIfWanted();
                return answers > 0;
            });
            if (failure != null) {
                throw failure;
            }
        }

        /** What whoever waits for a batch has to do. */
        void probeIfWanted() {
            if (isProbeWanted) {
                isProbeWanted = false;
                tablet.probeAgain(write);
            }
        }

        @Override
        public void completed(TabletWrite done, @Nullable RuntimeException newFailure) {
            answers++;
            failure = newFailure;
        }

        @Override
        public void probeWanted(TabletWrite waiting) {
            probesWanted++;
            isProbeWanted = true;
        }

        @Override
        public void close() {
            rows.close();
        }
    }

    Batch newBatch() {
        return new Batch();
    }

    /** Commits operations that all succeed. */
    void commit(Consumer<OperationBatch> operations) {
        try (Batch batch = newBatch()) {
            operations.accept(batch.rows);
            assertTrue(batch.rows.errors().isEmpty(), () -> "refused: " + batch.rows.errors());
            batch.commit();
            assertTrue(batch.write.errorCount() == 0, "the tablet refused operations");
        }
    }

    /** Lets log and writer do one bounded piece each. */
    void step() {
        log.agent().doWork();
        writer.doWork();
    }

    /** Lets the writer decide what was handed over, and the log write nothing. */
    void decide() {
        writer.doWork();
    }

    /** Lets them work until something has come about. */
    void await(BooleanSupplier condition) {
        for (int i = 0; i < STEPS_MAX; i++) {
            if (condition.getAsBoolean()) {
                return;
            }
            step();
        }
        throw new AssertionError("nothing comes of it after " + STEPS_MAX + " steps");
    }

    // ---- Flushing ----

    /** Brings all rows in memory to disk. */
    void flushRows() {
        finish(newFlush(true, false));
    }

    /** One that the test takes step by step, while log and writer work, and finishes. */
    TabletFlush newFlush(boolean withRows, boolean withChanges) {
        return newFlush(new Pressure.Wanted(withRows, withChanges), DeviceCalls.UNWATCHED);
    }

    /** As above, by a worker that so calls. */
    TabletFlush newFlush(Pressure.Wanted wanted, DeviceCalls calls) {
        return new TabletFlush(tablet, this, wanted, calls);
    }

    /** As above, and the changes in memory of rows on disk. */
    void flushAll() {
        finish(newFlush(true, true));
    }

    void finish(TabletFlush flush) {
        await(() -> {
            flush.step();
            return flush.isDone();
        });
        await(() -> isHeld || !tablet.isReclaiming()); // A batch that is held keeps what it has seen.
    }

    @Override
    public TabletManifest manifest() {
        return this;
    }

    @Override
    public Flush newFlush(Tablet flushed, MemRowSet rows, DeviceCalls calls) {
        return new Flush(rows.source(account), target(), calls);
    }

    private Flush.Target target() {
        Flush.Files files = () -> file(allocateFileId(TABLET_ID));
        return new Flush.Target(schema, account, rowSetBytes, 48 << 20, KeyFilter.RATE_DEFAULT, io, files);
    }

    @Override
    public MemoryAccount mergeMemory() {
        return account;
    }

    @Override
    public Flush newMerge(Tablet merged, MergeSource rows) {
        return new Flush(rows, target());
    }

    @Override
    public Flush newMerge(Tablet merged, RewriteSource rows) {
        return new Flush(rows, target());
    }

    @Override
    public long raiseHistoryMark(Tablet merged) {
        return historyMark;
    }

    /** Merges forget what is older. */
    void historyMark(long mark) {
        historyMark = mark;
    }

    @Override
    public void discard(LiveRowSet merged) {
        List<Path> files = merged.files();
        merged.close();
        files.forEach(this::deleteOrphan);
    }

    private void deleteOrphan(Path file) {
        try {
            disk.delete(file);
        } catch (PowerCutException _) {
            // It stays where the power was cut just then.
        }
    }

    /** A merge of rowsets that the test takes step by step; null if it cannot begin. */
    @Nullable
    MergeTask newMerge(List<Long> fileIds) {
        return MergeTask.begin(tablet, this, fileIds);
    }

    /** Files of the rowsets that there are. */
    List<Long> rowSetIds() {
        return rowSets.stream().map(RowSetEntry::fileId).toList();
    }

    void finish(Merging.Task merge) {
        await(() -> {
            merge.step();
            return merge.isDone();
        });
        await(() -> isHeld || !tablet.isReclaiming());
    }

    @Override
    public void merged(long tabletId, List<Long> removed, List<RowSetEntry> added, long newMergedUpTo, long mark) {
        mergedUpTo = newMergedUpTo;
        forgottenUpTo = Math.max(forgottenUpTo, mark);
        rowSets.removeIf(entry -> removed.contains(entry.fileId()));
        rowSets.addAll(added);
    }

    @Override
    public DiskRowSet open(Tablet flushed, long fileId) {
        return openRowSet(fileId);
    }

    private DiskRowSet openRowSet(long fileId) {
        return DiskRowSet.open(file(fileId), schema, cache, account, lookups);
    }

    @Override
    public MemoryAccount changeMemory() {
        return account;
    }

    @Override
    public @Nullable DeltaFileOutput writeChanges(
            Tablet flushed, DiskRowSet rowSet, DeltaSource changes, DeviceCalls calls) {
        try (var writer = new DeltaFileWriter(schema, DeltaBase.of(rowSet), account)) {
            writer.appendAll(changes);
            var written = new AtomicReference<@Nullable DeltaFileOutput>();
            if (!writer.isEmpty()) {
                calls.run(() -> written.set(write(queue -> writer.finish(file(allocateFileId(TABLET_ID)), queue))));
            }
            return written.get();
        }
    }

    @Override
    public void create(Tablet written, DeltaFileMerge merged) {
        merged.create(file(allocateFileId(TABLET_ID)));
    }

    @Override
    public @Nullable DeltaFileOutput write(DeltaFileMerge merged) {
        return write(merged::write);
    }

    private @Nullable DeltaFileOutput write(Function<IoQueue, @Nullable DeltaFileOutput> writing) {
        IoQueue queue = io.borrow();
        try {
            DeltaFileOutput output = writing.apply(queue);
            disk.syncDirectory(ROWSETS);
            return output;
        } finally {
            io.giveBack(queue);
        }
    }

    @Override
    public void discard(DeltaFile merged) {
        merged.close();
        deleteOrphan(merged.path());
    }

    @Override
    public DeltaFile openChanges(Tablet flushed, DiskRowSet rowSet, long fileId) {
        return DeltaFile.open(file(fileId), DeltaBase.of(rowSet), cache, account);
    }

    @Override
    public void delete(long fileId) {
        disk.delete(path(fileId));
    }

    @Override
    public Runnable wake() {
        return () -> {};
    }

    @Override
    public long allocateFileId(long tabletId) {
        return nextFileId++;
    }

    @Override
    public Path path(long fileId) {
        return ROWSETS.resolve(fileId + ".rows");
    }

    private RowSetFile file(long fileId) {
        return new RowSetFile(disk, path(fileId), fileId, TABLET_ID);
    }

    @Override
    public void flushed(long tabletId, List<RowSetEntry> added, long newAppliedUpTo) {
        rowSets.addAll(added);
        appliedUpTo = newAppliedUpTo;
    }

    @Override
    public void deltasFlushed(long tabletId, long rowSetFileId, List<DeltaFileEntry> added, long newAppliedUpTo) {
        rowSets.replaceAll(entry -> entry.fileId() == rowSetFileId ? entry.withDeltas(added, newAppliedUpTo) : entry);
    }

    @Override
    public void deltasReplaced(long tabletId, long rowSetFileId, List<Long> removed, List<DeltaFileEntry> added) {
        rowSets.replaceAll(entry -> entry.fileId() == rowSetFileId ? entry.withReplaced(removed, added) : entry);
    }

    // ---- Reading ----

    /** All live rows, as they are now. */
    NavigableMap<RowKey, List<@Nullable Object>> rows() {
        return rows(tablet.visible());
    }

    /** All rows that are live at a snapshot. */
    NavigableMap<RowKey, List<@Nullable Object>> rows(long snapshot) {
        try (RowCursor cursor = scan(snapshot)) {
            return rows(cursor, snapshot);
        }
    }

    RowCursor scan(long snapshot) {
        return tablet.scan(ScanSpec.all(schema, snapshot), account, null);
    }

    /** What is left of a scan of all rows. */
    NavigableMap<RowKey, List<@Nullable Object>> rows(RowCursor cursor, long snapshot) {
        return ScannedRows.of(cursor, schema, snapshot, account);
    }

    @Override
    public void close() {
        stop();
        lookups.close();
        account.close();
        budget.close();
    }
}
