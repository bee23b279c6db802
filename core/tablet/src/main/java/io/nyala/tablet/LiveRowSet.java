package io.nyala.tablet;

import io.nyala.diskrowset.CellTests;
import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.memory.MemoryAccount;
import io.nyala.memrowset.DeltaMemStore;
import io.nyala.rows.CellEquality;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.Effect;
import io.nyala.rows.KeyRange;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSet;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A rowset on disk together with what has happened to its rows since: delta files, and changes in memory, of which some
 * may be on their way into the next delta file. The file of the rowset itself never changes.
 *
 * <pre>{@code
 *   DiskRowSet   <-  DeltaFile  <-  DeltaFile  <-  sealed DeltaMemStore  <-  active DeltaMemStore
 *   base             oldest                        being flushed             takes changes
 * }</pre>
 *
 * <p>A deletion here is final: a row of the same key that comes later lives elsewhere. That is why a probe that found a
 * key deleted need not look again, and why a key can be live in one place at most.
 *
 * <p><b>Threads</b>: reading for any thread, inside the tablet's epochs where changes in memory are touched; the writer
 * alone changes what {@link #deltas} is.
 */
public final class LiveRowSet implements RowHome, AutoCloseable {
    private final DiskRowSet base;
    private final MemoryAccount account;
    private volatile Deltas deltas;

    // Of the writer.
    private final ExpectedChanges expected = new ExpectedChanges();
    private long nextStoreId = 1;

    /**
     * What happened since the base was written.
     *
     * @param appliedUpTo log records up to here are in the base and the files, as far as they concern these rows
     * @param all oldest first
     */
    private record Deltas(
            List<DeltaFile> files,
            @Nullable Store sealed,
            @Nullable Store active,
            long appliedUpTo,
            List<DeltaSource> all) {
        static Deltas of(List<DeltaFile> files, @Nullable Store sealed, @Nullable Store active, long appliedUpTo) {
            List<DeltaSource> all = new ArrayList<>(files);
            if (sealed != null) {
                all.add(sealed.changes());
            }
            if (active != null) {
                all.add(active.changes());
            }
            return new Deltas(List.copyOf(files), sealed, active, appliedUpTo, List.copyOf(all));
        }
    }

    /** Changes in memory. */
    static final class Store {
        private final DeltaMemStore changes;

        /** The first log record that may be in them. */
        private volatile long neededFrom;

        /** Once sealed, the last one. */
        private volatile long upTo = Long.MAX_VALUE;

        Store(DeltaMemStore changes) {
            this.changes = changes;
        }

        DeltaMemStore changes() {
            return changes;
        }

        long upTo() {
            return upTo;
        }
    }

    /**
     * @param files delta files, oldest first
     * @param appliedUpTo log records up to here are in the base and the files, as far as they concern these rows
     * @param account pays for changes in memory
     */
    public LiveRowSet(DiskRowSet base, List<DeltaFile> files, long appliedUpTo, MemoryAccount account) {
        this.base = base;
        this.account = account;
        this.deltas = Deltas.of(files, null, null, appliedUpTo);
    }

    DiskRowSet base() {
        return base;
    }

    // ---- Reading ----

    /** The rows of the scan, corrected by what happened since. Each call of the cursor must be inside the epochs. */
    RowCursor scan(ScanSpec spec, MemoryAccount scanAccount) {
        return base.scan(spec, scanAccount, () -> deltas.all());
    }

    /** The ordinal of the live row with this key, or -1. May read from disk. */
    long find(MemorySegment memory, long key, int keyBytes) {
        long ordinal = base.find(memory, key, keyBytes);
        return ordinal >= 0 && isLive(ordinal) ? ordinal : -1;
    }

    @Override
    public boolean isLive(long place) {
        Deltas seen = deltas;
        for (int i = 0; i < seen.files().size(); i++) {
            if (seen.files().get(i).isDeleted(place)) {
                return false;
            }
        }
        Store sealed = seen.sealed();
        Store active = seen.active();
        return (sealed == null || !sealed.changes().isDeleted(place))
                && (active == null || !active.changes().isDeleted(place));
    }

    /** Answers whether cells equal others, by what the files say; changes in memory are newer. */
    void answer(CellTests tests, Schema schema) {
        List<DeltaFile> files = deltas.files();
        for (int i = files.size() - 1; i >= 0; i--) {
            files.get(i).answer(tests, schema);
        }
        base.answer(tests);
    }

    @Override
    public Verdict test(long place, RowLayout layout, int column, MemorySegment memory, long cell) {
        Deltas seen = deltas;
        Verdict verdict = test(seen.active(), place, layout, column, memory, cell);
        return verdict == Verdict.UNKNOWN ? test(seen.sealed(), place, layout, column, memory, cell) : verdict;
    }

    private static Verdict test(
            @Nullable Store store, long place, RowLayout layout, int column, MemorySegment memory, long cell) {
        long newest = store == null ? 0 : store.changes().newestCell(place, layout.columnId(column));
        if (store == null || newest == 0) {
            return Verdict.UNKNOWN;
        }
        MemorySegment own = store.changes().memory();
        return Verdict.of(CellEquality.ofCells(layout.type(column), own, newest, memory, cell));
    }

    /** Rows whose newest state is live. */
    long liveRows() {
        Deltas seen = deltas;
        long live = base.rowCount() - base.deletedCount();
        for (DeltaFile file : seen.files()) {
            live -= file.deletedCount();
        }
        Store sealed = seen.sealed();
        Store active = seen.active();
        live -= sealed == null ? 0 : sealed.changes().deletedRows();
        return live - (active == null ? 0 : active.changes().deletedRows());
    }

    @Override
    public long changeBytes() {
        Deltas seen = deltas;
        return bytes(seen.sealed()) + bytes(seen.active());
    }

    /** What was set aside for changes that did not come about is nothing to flush. */
    private static long bytes(@Nullable Store store) {
        return store == null || store.changes().changeCount() == 0
                ? 0
                : store.changes().memoryBytes();
    }

    /** Its file, and those that correct it. */
    List<Path> files() {
        List<Path> paths = new ArrayList<>();
        paths.add(base.path());
        deltas.files().forEach(file -> paths.add(file.path()));
        return paths;
    }

    /** As {@link DiskRowSet#outline}, with what its deltas have, which are taken to lie evenly along the rows. */
    void outline(KeyRange range, int[] columnIds, long partBytes, RowSet.Outline target) {
        long all = columnIds.length == 0 ? fileBytes() + changeBytes() : base.fileBytes();
        double factor = (double) all / base.fileBytes();
        base.outline(
                range,
                columnIds,
                Math.max(1, (long) (partBytes / factor)),
                (key, bytes) -> target.part(key, (long) (bytes * factor)));
    }

    /** Length of all its files. */
    long fileBytes() {
        return base.fileBytes()
                + deltas.files().stream().mapToLong(DeltaFile::fileBytes).sum();
    }

    /** As the storage log knows it. */
    RowSetEntry entry() {
        Deltas seen = deltas;
        List<DeltaFileEntry> entries = new ArrayList<>();
        for (DeltaFile file : seen.files()) {
            entries.add(new DeltaFileEntry(file.fileId(), file.fileBytes(), file.changeCount(), file.deletedCount()));
        }
        return RowSetEntry.of(base.fileId(), base.rowCount(), base.fileBytes(), base.minKey(), base.maxKey(), 0)
                .with(entries, seen.appliedUpTo());
    }

    /** The first log record that a restart would need for these rows; {@link Long#MAX_VALUE} for none. */
    long neededFrom() {
        Deltas seen = deltas;
        Store sealed = seen.sealed();
        if (sealed != null) {
            return sealed.neededFrom;
        }
        Store active = seen.active();
        return active == null || active.changes().changeCount() == 0 ? Long.MAX_VALUE : active.neededFrom;
    }

    /** Log records up to here are in its files, as far as they concern its rows. */
    long appliedUpTo() {
        return deltas.appliedUpTo();
    }

    /** Time of the newest change of any of its rows that is in its files. */
    long newestChange() {
        long newest = base.newestChange();
        for (DeltaFile file : deltas.files()) {
            newest = Math.max(newest, file.newestTime());
        }
        return newest;
    }

    // ---- The writer's part ----

    @Override
    public boolean expectChange(int effectBytesMax) {
        return expected.add(effectBytesMax);
    }

    @Override
    public boolean reserveExpected(long nextSequence) {
        boolean isReserved = active(nextSequence).reserve(expected.bytes(), expected.count(), expected.largest());
        expected.clear();
        return isReserved;
    }

    private DeltaMemStore active(long nextSequence) {
        Deltas before = deltas;
        Store active = before.active();
        if (active == null) {
            active = new Store(new DeltaMemStore(nextStoreId++, account));
            deltas = Deltas.of(before.files(), before.sealed(), active, before.appliedUpTo());
        }
        if (active.changes.changeCount() == 0) {
            active.neededFrom = nextSequence;
        }
        return active.changes;
    }

    /** Never: changes are flushed by themselves. */
    @Override
    public boolean isFull() {
        return false;
    }

    @Override
    public void apply(long place, MemorySegment memory, long effect, long time) {
        DeltaMemStore store = present();
        if (Effect.kind(memory, effect) == Effect.DELETE) {
            store.delete((int) place, time);
        } else {
            store.update(
                    (int) place, memory, Effect.bodyOffset(memory, effect), Effect.bodyBytes(memory, effect), time);
        }
    }

    @Override
    public void batchEnds() {
        Store active = deltas.active();
        if (active != null) {
            active.changes().batchEnds();
        }
    }

    private DeltaMemStore present() {
        return Objects.requireNonNull(deltas.active(), "a change without a reservation")
                .changes();
    }

    /** The store that takes what is carried over from the MemRowSet whose output this is. Before this is in a map. */
    DeltaMemStore carriedOver() {
        return active(appliedUpTo() + 1);
    }

    /**
     * Freezes the changes in memory, unless there are none or others are frozen already; answers what is frozen, if
     * anything is.
     */
    @Nullable
    Store seal(long lastSequence) {
        Deltas before = deltas;
        Store active = before.active();
        if (before.sealed() == null && active != null && active.changes().changeCount() > 0) {
            active.changes().seal();
            active.upTo = lastSequence;
            deltas = Deltas.of(before.files(), active, null, before.appliedUpTo());
        }
        return deltas.sealed();
    }

    /** The frozen changes, which there are. */
    Store sealed() {
        return Objects.requireNonNull(deltas.sealed(), "nothing is frozen");
    }

    /**
     * Puts a delta file in the place of the frozen changes, or nothing if there was nothing to write; answers them, to
     * be closed when no reader is left.
     */
    DeltaMemStore swap(@Nullable DeltaFile file) {
        Deltas before = deltas;
        Store sealed = sealed();
        List<DeltaFile> files = new ArrayList<>(before.files());
        if (file != null) {
            files.add(file);
        }
        deltas = Deltas.of(files, null, before.active(), sealed.upTo());
        return sealed.changes();
    }

    /** With no reader left. */
    @Override
    public void close() {
        Deltas last = deltas;
        Store sealed = last.sealed();
        Store active = last.active();
        if (sealed != null) {
            sealed.changes().close();
        }
        if (active != null) {
            active.changes().close();
        }
        last.files().forEach(DeltaFile::close);
        base.close();
    }
}
