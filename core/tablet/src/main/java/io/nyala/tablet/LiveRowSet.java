package io.nyala.tablet;

import io.nyala.compaction.RowSetShape;
import io.nyala.diskrowset.CellTests;
import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.RedoSources;
import io.nyala.memory.MemoryAccount;
import io.nyala.memrowset.DeltaMemStore;
import io.nyala.rows.CellEquality;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.Effect;
import io.nyala.rows.KeyIntervals;
import io.nyala.rows.KeyRange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSet;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A rowset on disk together with what has happened to its rows since: delta files, and changes in memory, of which some
 * may be on their way into the next delta file. The file of the rowset itself never changes.
 *
 * <pre>{@code
 *   DiskRowSet   <-  DeltaFile  <-  DeltaFile  <-  sealed DeltaMemStores  <-  active DeltaMemStore
 *   base             oldest                        being flushed or merged    takes changes
 * }</pre>
 *
 * <p>A deletion here is final: a row of the same key that comes later lives elsewhere. That is why a probe that found a
 * key deleted need not look again, and why a key can be live in one place at most.
 *
 * <p><b>Life</b>: the tablet's map and each open scan hold it; when a merge has put others in its place and the last
 * scan has ended, whoever merged it closes it. Who merges its rows, or its delta files, claims it.
 *
 * <p><b>Threads</b>: reading for any thread, inside the tablet's epochs where changes in memory are touched; the writer
 * alone changes what {@link #deltas} is.
 */
public final class LiveRowSet implements RowHome, KeyIntervals.Bounded, AutoCloseable {
    /** Frozen stores of changes: one for each flush that has failed, and two of a merge. */
    static final int SEALED_MAX = 16;

    private final DiskRowSet base;
    private final MemoryAccount account;
    private volatile Deltas deltas;

    /** Who holds it: the map, and scans. */
    private final AtomicInteger holds = new AtomicInteger(1);

    private volatile @Nullable Consumer<LiveRowSet> whenFree;

    private final Merging.Claim claim = new Merging.Claim();

    // Of the writer.
    private final ExpectedChanges expected = new ExpectedChanges();
    private Merging.@Nullable Successors successors;
    private long nextStoreId = 1;

    /**
     * What happened since the base was written.
     *
     * @param appliedUpTo log records up to here are in the base and the files, as far as they concern these rows
     * @param all oldest first
     */
    private record Deltas(
            List<DeltaFile> files,
            List<Store> sealed,
            @Nullable Store active,
            long appliedUpTo,
            List<DeltaSource> all) {
        static Deltas of(List<DeltaFile> files, List<Store> sealed, @Nullable Store active, long appliedUpTo) {
            List<DeltaSource> all = new ArrayList<>(files);
            sealed.forEach(store -> all.add(store.changes()));
            if (active != null) {
                all.add(active.changes());
            }
            return new Deltas(List.copyOf(files), List.copyOf(sealed), active, appliedUpTo, List.copyOf(all));
        }
    }

    /** Changes in memory. */
    static final class Store {
        private final DeltaMemStore changes;
        private volatile long neededFrom; // The first log record that may be in them.
        private volatile long upTo = Long.MAX_VALUE; // Once sealed, the last one.

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
        this.deltas = Deltas.of(files, List.of(), null, appliedUpTo);
    }

    DiskRowSet base() {
        return base;
    }

    @Override
    public byte[] minKey() {
        return base.minKey();
    }

    @Override
    public byte[] maxKey() {
        return base.maxKey();
    }

    // ---- Reading ----

    /** What happened since the base was written, as it lies at the moment. To be read inside the epochs. */
    RedoSources since() {
        return this::redo;
    }

    /** As it lies now, oldest first; likewise. */
    List<DeltaSource> redo() {
        return deltas.all();
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
        for (int i = 0; i < seen.sealed().size(); i++) {
            if (seen.sealed().get(i).changes().isDeleted(place)) {
                return false;
            }
        }
        Store active = seen.active();
        return active == null || !active.changes().isDeleted(place);
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
        for (int i = seen.sealed().size() - 1; i >= 0 && verdict == Verdict.UNKNOWN; i--) {
            verdict = test(seen.sealed().get(i), place, layout, column, memory, cell);
        }
        return verdict;
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
        for (Store sealed : seen.sealed()) {
            live -= sealed.changes().deletedRows();
        }
        Store active = seen.active();
        return live - (active == null ? 0 : active.changes().deletedRows());
    }

    @Override
    public long flushableChangeBytes() {
        return claim.isOfRows() ? 0 : changeBytes();
    }

    long changeBytes() {
        Deltas seen = deltas;
        long bytes = bytes(seen.active());
        for (int i = 0; i < seen.sealed().size(); i++) {
            bytes += bytes(seen.sealed().get(i));
        }
        return bytes;
    }

    /** What was set aside for changes that did not come about is nothing to flush. */
    private static long bytes(@Nullable Store store) {
        return store == null || store.changes().changeCount() == 0
                ? 0
                : store.changes().memoryBytes();
    }

    /** Its file, and those that correct it. */
    public List<Path> files() {
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
        List<DeltaFileEntry> entries =
                seen.files().stream().map(DeltaFileEntry::of).toList();
        return RowSetEntry.of(base.fileId(), base.rowCount(), base.fileBytes(), base.minKey(), base.maxKey(), 0)
                .with(entries, seen.appliedUpTo());
    }

    /** As a policy sees it. */
    RowSetShape shape() {
        return entry().shape(changeBytes());
    }

    /** The first log record that a restart would need for these rows; {@link Long#MAX_VALUE} for none. */
    long neededFrom() {
        Deltas seen = deltas;
        if (!seen.sealed().isEmpty()) {
            return seen.sealed().getFirst().neededFrom;
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
        if (successors != null) {
            successors.expectChange(effectBytesMax);
        }
        return expected.add(effectBytesMax);
    }

    @Override
    public boolean reserveExpected(long nextSequence) {
        boolean isReserved = active(nextSequence).reserve(expected.bytes(), expected.count(), expected.largest());
        expected.clear();
        Merging.Successors next = successors;
        boolean isReservedThere = next == null || next.reserveExpected(nextSequence); // Each, so that each forgets.
        return isReserved && isReservedThere;
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

    /** As {@link #reserveExpected}, unless nothing was expected since. */
    boolean reserveIfExpected(long nextSequence) {
        return expected.count() == 0 || reserveExpected(nextSequence);
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
        if (successors != null) {
            successors.apply(place, memory, effect, time);
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
     * Freezes the changes in memory, unless there are none, or too many are frozen already because their flushes fail;
     * answers what is to be flushed first of what is frozen, if anything is.
     */
    @Nullable
    Store seal(long lastSequence) {
        Deltas before = deltas;
        Store active = before.active();
        if (active != null
                && active.changes().changeCount() > 0
                && before.sealed().size() < SEALED_MAX) {
            active.changes().seal();
            active.upTo = lastSequence;
            List<Store> sealed = new ArrayList<>(before.sealed());
            sealed.add(active);
            deltas = Deltas.of(before.files(), sealed, null, before.appliedUpTo());
        }
        return deltas.sealed().isEmpty() ? null : deltas.sealed().getFirst();
    }

    /** What is frozen, oldest first. */
    List<Store> sealed() {
        return deltas.sealed();
    }

    /** Changes in memory that are not frozen. */
    long activeChangeCount() {
        Store active = deltas.active();
        return active == null ? 0 : active.changes().changeCount();
    }

    /** What has happened since the base was written and cannot change any more, oldest first. */
    List<DeltaSource> frozen() {
        Deltas seen = deltas;
        return Deltas.of(seen.files(), seen.sealed(), null, seen.appliedUpTo()).all();
    }

    /**
     * Puts a delta file in the place of the oldest of the frozen changes, or nothing if there was nothing to write;
     * answers them, to be closed when no reader is left.
     */
    DeltaMemStore swap(@Nullable DeltaFile file) {
        Deltas before = deltas;
        Store oldest = before.sealed().getFirst();
        List<DeltaFile> files = new ArrayList<>(before.files());
        if (file != null) {
            files.add(file);
        }
        List<Store> sealed = before.sealed().subList(1, before.sealed().size());
        deltas = Deltas.of(files, sealed, before.active(), oldest.upTo());
        return oldest.changes();
    }

    /** What was carried over from before the first change here, log records up to {@code upTo}: before it is mapped. */
    void putBelow(DeltaMemStore earlier, long upTo) {
        Deltas before = deltas;
        earlier.seal();
        var store = new Store(earlier);
        store.neededFrom = before.appliedUpTo() + 1;
        store.upTo = upTo;
        deltas = Deltas.of(before.files(), List.of(store), before.active(), before.appliedUpTo());
    }

    /** Files that correct it, oldest first. */
    List<DeltaFile> deltaFiles() {
        return deltas.files();
    }

    /**
     * Puts a delta file in the place of others, which lie one behind another and are to be closed when no reader is
     * left; or nothing if nothing is left of them.
     */
    void replace(List<DeltaFile> merged, @Nullable DeltaFile by) {
        Deltas before = deltas;
        int first = Collections.indexOfSubList(before.files(), merged);
        assert first >= 0 : merged + " are not one behind another in " + before.files();
        List<DeltaFile> files = new ArrayList<>(before.files());
        files.subList(first, first + merged.size()).clear();
        if (by != null) {
            files.add(first, by);
        }
        deltas = Deltas.of(files, before.sealed(), before.active(), before.appliedUpTo());
    }

    /** From now on what happens here happens there too; null for no more. */
    void succeededBy(Merging.@Nullable Successors newSuccessors) {
        successors = newSuccessors;
    }

    // ---- Claims and holds: any thread ----

    /** Who replaces it, or delta files of it, just now. */
    Merging.Claim claim() {
        return claim;
    }

    /** For a scan. By who has entered the tablet's epochs and has it from a map, or holds it already. */
    void hold() {
        int before = holds.getAndIncrement();
        assert before > 0 : "rowset " + base.fileId() + " is held after its end";
    }

    void letGo() {
        if (holds.decrementAndGet() == 0) { // Not before the map has let go, and that was after whenFree was set.
            Objects.requireNonNull(whenFree, "the map holds what is not retired")
                    .accept(this);
        }
    }

    /** It is in no map any more: {@code closer} is given it when nobody holds it, by the last who did. */
    void retire(Consumer<LiveRowSet> closer) {
        whenFree = closer;
        letGo();
    }

    /** With no reader left. All of it is closed, also if a file cannot be. */
    @Override
    public void close() {
        Deltas last = deltas;
        last.sealed().forEach(store -> store.changes().close());
        Store active = last.active();
        if (active != null) {
            active.changes().close();
        }
        List<Runnable> closers = new ArrayList<>();
        last.files().forEach(file -> closers.add(file::close));
        closers.add(base::close);
        RowSetMap.runAll(closers.iterator());
    }
}
