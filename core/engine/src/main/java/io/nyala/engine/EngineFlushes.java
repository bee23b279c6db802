package io.nyala.engine;

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
import io.nyala.diskrowset.RowSetFile;
import io.nyala.io.DiskException;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memrowset.MemRowSet;
import io.nyala.rows.DeltaSource;
import io.nyala.tablet.FlushContext;
import io.nyala.tablet.LiveRowSet;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletManifest;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** What flushes and merges need of an engine. */
final class EngineFlushes implements FlushContext {
    private static final Logger LOG = System.getLogger(EngineFlushes.class.getName());

    private final OpenEngine engine;

    /** What was merged, and nobody reads any more. */
    private final Queue<Discarded> discarded = new ConcurrentLinkedQueue<>();

    /** {@code closer} closes what reads these files. */
    private record Discarded(List<Path> files, Runnable closer) {}

    EngineFlushes(OpenEngine engine) {
        this.engine = engine;
    }

    @Override
    public TabletManifest manifest() {
        return engine.storage();
    }

    @Override
    public Flush newFlush(Tablet tablet, MemRowSet rows, DeviceCalls calls) {
        MemoryAccount memory = engine.memory().flush();
        return new Flush(rows.source(memory), engine.flushTarget(tablet, memory, memory.reservedBytes()), calls);
    }

    @Override
    public MemoryAccount mergeMemory() {
        return engine.memory().merges();
    }

    @Override
    public Flush newMerge(Tablet tablet, MergeSource rows) {
        return new Flush(rows, mergeTarget(tablet));
    }

    @Override
    public Flush newMerge(Tablet tablet, RewriteSource rows) {
        return new Flush(rows, mergeTarget(tablet));
    }

    private Flush.Target mergeTarget(Tablet tablet) {
        return engine.flushTarget(tablet, engine.memory().merges(), EngineMemory.mergeBytesMax(engine.config()));
    }

    @Override
    public long raiseHistoryMark(Tablet tablet) {
        long seconds = engine.storage().historySecondsMax(tablet.id());
        // What is still to become visible is newer than the mark, so that the newest state can always be read.
        long wanted = Math.min(engine.historyMark(seconds), tablet.visible());
        return tablet.time().history().raise(wanted);
    }

    @Override
    public void discard(LiveRowSet merged) {
        discard(new Discarded(merged.files(), merged::close));
    }

    @Override
    public void discard(DeltaFile merged) {
        discard(new Discarded(List.of(merged.path()), merged::close));
    }

    private void discard(Discarded merged) {
        discarded.add(merged);
        engine.wakeMaintenance();
    }

    /** Closes what was merged and has no reader any more; answers how much there was. */
    int closeMerged(boolean isDeleting) {
        int count = 0;
        for (Discarded merged = discarded.poll(); merged != null; merged = discarded.poll()) {
            close(merged);
            if (isDeleting) {
                merged.files().forEach(this::delete);
            }
            count++;
        }
        return count;
    }

    /** Nobody reads it any more: a file that cannot be closed is no reason to end all maintenance. */
    private static void close(Discarded merged) {
        try {
            merged.closer().run();
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, merged.files() + " were merged and could not be closed; one of them stays open", e);
        }
    }

    @Override
    public DiskRowSet open(Tablet tablet, long fileId) {
        return engine.openRowSet(tablet.id(), tablet.schema(), fileId);
    }

    @Override
    public MemoryAccount changeMemory() {
        return engine.memory().changes();
    }

    @Override
    public @Nullable DeltaFileOutput writeChanges(
            Tablet tablet, DiskRowSet rowSet, DeltaSource changes, DeviceCalls calls) {
        MemoryAccount memory = engine.memory().flush();
        try (var writer = new DeltaFileWriter(tablet.schema(), DeltaBase.of(rowSet), memory)) {
            writer.appendAll(changes);
            return writer.isEmpty() ? null : write(tablet, writer::finish, calls);
        }
    }

    @Override
    public void create(Tablet tablet, DeltaFileMerge merged) {
        merged.create(engine.rowSetFile(tablet.id(), engine.storage().allocateFileId(tablet.id())));
    }

    @Override
    public @Nullable DeltaFileOutput write(DeltaFileMerge merged) {
        IoQueue queue = engine.io().borrow();
        try {
            DeltaFileOutput output = merged.write(queue);
            if (output != null) {
                engine.disk().syncDirectory(engine.layout().rowSets());
            }
            return output;
        } finally {
            engine.io().giveBack(queue);
        }
    }

    private @Nullable DeltaFileOutput write(
            Tablet tablet, BiFunction<RowSetFile, IoQueue, @Nullable DeltaFileOutput> writing, DeviceCalls calls) {
        long fileId = engine.storage().allocateFileId(tablet.id());
        RowSetFile target = engine.rowSetFile(tablet.id(), fileId);
        IoQueue queue = engine.io().borrow();
        boolean isWritten = false;
        try {
            var output = new AtomicReference<@Nullable DeltaFileOutput>();
            calls.run(() -> output.set(writing.apply(target, queue)));
            calls.run(() -> engine.disk().syncDirectory(engine.layout().rowSets()));
            isWritten = true;
            return output.get();
        } finally {
            engine.io().giveBack(queue);
            if (!isWritten) {
                delete(fileId);
            }
        }
    }

    @Override
    public DeltaFile openChanges(Tablet tablet, DiskRowSet rowSet, long fileId) {
        return engine.files().openDeltas(engine.rowSetFile(tablet.id(), fileId), rowSet);
    }

    @Override
    public void delete(long fileId) {
        delete(engine.storage().path(fileId));
    }

    private void delete(Path path) {
        try {
            if (engine.disk().exists(path)) {
                engine.disk().delete(path);
            }
        } catch (DiskException e) {
            LOG.log(Level.WARNING, "cannot delete " + path + " now; it is deleted at the next start", e);
        }
    }

    @Override
    public Runnable wake() {
        return () -> engine.maintenance().wakeAll();
    }
}
