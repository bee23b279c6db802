package io.nyala.memrowset;

import io.nyala.memory.BumpArena;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.MemoryLimitException;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What has happened to the rows of one rowset on disk since its files were written: REDO, in memory, found by the row's
 * ordinal.
 *
 * <pre>{@code
 *   RowTree (ordinal order)   row                    changes, newest first
 *   ... | ordinal : row |-->  +--------+---------+  +-> +--------+--------+--------+      +--------+--------+
 *                             | header | ordinal |  |   | change | UPDATE | image? | ---> | change | UPDATE | -> 0
 *                             +---|----+---------+  |   +--------+--------+--------+ older+--------+--------+
 *                                 +- newest change -+
 * }</pre>
 *
 * <p>A row takes any number of UPDATEs, then at most one DELETE, and then nothing more. Each is prepended to the row's
 * chain, in the same time however many there are; now and then one carries an image of all cells changed so far ({@link
 * Change}), so that a reader of a hot row sees a bounded number of bytes.
 *
 * <p>Cells are known by column id: what is here outlives a change of the schema.
 *
 * <p>Everything lies in one {@link BumpArena}, which takes nothing before the first {@link #reserve} or change, then
 * 4 KiB, then more at a time the larger it is. Nothing moves, nothing is freed before {@link #close}.
 *
 * <p>The writer, one thread at a time: {@link #reserve}, {@link #batchEnds}, {@link #update}, {@link #delete},
 * {@link #seal}, {@link #close}. Everything else may be used by any thread, beside the writer; readers neither wait nor
 * make it wait. They must be gone before {@link #close} (see {@link io.nyala.memory.Epochs}): a cursor touches this
 * memory only within {@code next}, and what it answers lies there.
 */
public final class DeltaMemStore implements DeltaSource, AutoCloseable {
    /**
     * The snapshot at which {@link #changes} answers every change by itself, none merged with older ones: for whoever
     * writes them down for all snapshots. Above every time.
     */
    public static final long EVERY_CHANGE = Long.MAX_VALUE;

    private static final long SLAB_BYTES_MIN = MemoryBudget.SLAB_BYTES_MIN;

    /** Of changes with their headers, before an image: small ones are cheaper to walk over than to repeat. */
    private static final int CREDIT_BYTES_MIN = 512;

    /** Where each allocation may leave a gap before it. */
    private static final long GAP_BYTES_MAX = Long.BYTES - 1;

    private static final int DELETE_BYTES = (int) RowChange.firstCell(0);

    private static final long FIRST_BYTES = Node.LEAF_BYTES + Node.ALIGNMENT + Ordinals.KEY_BYTES + GAP_BYTES_MAX;

    private final long id;
    private final BumpArena arena;
    private final MemorySegment memory;
    private volatile @Nullable RowTree tree; // Null before there is anything.

    // Of the writer.
    private long soughtKey; // Where the key lies that is looked for.
    private @Nullable CellUnion union; // Null before the first image.
    private long promisedBytes; // What is left of the last reservation.
    private long promisedPieceBytes; // The largest piece in it.
    private long promisedChanges;
    private long imageBytes; // Of the change being made: taken beyond what was promised.
    private long collectedCount;

    // Written by the writer only, read by all.
    private volatile boolean sealed;
    private volatile long[] touchedColumns = new long[0]; // A bit per column id; replaced when there is a new one.
    private final AtomicLong changeCount = new AtomicLong();
    private final AtomicLong changedRows = new AtomicLong();
    private final AtomicLong deletedRows = new AtomicLong();
    private final AtomicLong memoryBytes = new AtomicLong();
    private final AtomicLong oldestTime = new AtomicLong();
    private final AtomicLong newestTime = new AtomicLong();

    /**
     * Opens an empty one, which takes no memory yet.
     *
     * @param id by which messages name it
     * @param account pays for changes and nodes
     */
    public DeltaMemStore(long id, MemoryAccount account) {
        this.id = id;
        this.arena = new BumpArena(account, SLAB_BYTES_MIN, BumpArena.SLAB_BYTES);
        this.memory = arena.memory();
    }

    public long id() {
        return id;
    }

    /** As {@link #reserve(long, long, long)}, where one UPDATE may have all the bytes. */
    public boolean reserve(long changeBytes, long count) {
        return reserve(changeBytes, count, changeBytes);
    }

    /**
     * Sets memory aside, so that {@link #update} and {@link #delete} cannot fail for want of it within a batch; false
     * if there is not enough. Replaces what was left of an earlier reservation, also then.
     *
     * @param changeBytes upper bound of the bytes of all UPDATEs
     * @param count upper bound of the number of UPDATEs and DELETEs
     * @param changeBytesMax upper bound of the bytes of each
     */
    public boolean reserve(long changeBytes, long count, long changeBytesMax) {
        promisedBytes = 0;
        promisedPieceBytes = 0;
        promisedChanges = 0;
        RowTree present = tree != null ? tree : plant();
        if (present == null) {
            return false;
        }
        long perChange = RowHeader.BYTES + Ordinals.KEY_BYTES + Change.BYTES + DELETE_BYTES + 2 * GAP_BYTES_MAX;
        long bytes = changeBytes + count * perChange + present.growthBytesMax(count);
        long changePieceBytes = Change.BYTES + Math.max(DELETE_BYTES, changeBytesMax) + GAP_BYTES_MAX;
        long pieceBytes = Math.max(changePieceBytes, Node.INNER_BYTES + Node.ALIGNMENT);
        if (pieceBytes > MemoryBudget.SLAB_BYTES_MAX || !arena.reserve(bytes, pieceBytes)) {
            return false;
        }
        promisedBytes = bytes;
        promisedPieceBytes = pieceBytes;
        promisedChanges = count;
        memoryBytes.lazySet(arena.takenBytes());
        return true;
    }

    /** The batch is applied, or will not be: what was reserved for it and not needed goes back, but for a little. */
    public void batchEnds() {
        promisedBytes = 0;
        promisedPieceBytes = 0;
        promisedChanges = 0;
        arena.trim();
        memoryBytes.lazySet(arena.takenBytes());
    }

    private @Nullable RowTree plant() {
        if (!arena.reserve(FIRST_BYTES)) {
            return null;
        }
        var planted = new RowTree(arena);
        soughtKey = arena.allocate(Ordinals.KEY_BYTES, Long.BYTES);
        tree = planted;
        return planted;
    }

    /**
     * Sets cells of a live row.
     *
     * @param ordinal of the row in its rowset
     * @param change a {@link RowChange#UPDATE}; copied
     * @param time not below that of any change of this row before
     * @throws IllegalStateException if the row was deleted, or this store is sealed; nothing was changed
     * @throws MemoryLimitException if there is no memory, never for what was reserved; nothing was changed
     */
    public void update(int ordinal, MemorySegment source, long change, int changeBytes, long time) {
        assert RowChange.kind(source, change) == RowChange.UPDATE
                : "a change of kind " + RowChange.kind(source, change);
        assert RowChange.bytes(source, change) == changeBytes : changeBytes + " bytes of a change";
        RowTree index = begin(ordinal, changeBytes, time);
        long row = find(index, ordinal);
        checkLive(row, ordinal);
        long before = row == 0 ? 0 : RowHeader.newestChange(memory, row);
        long usedBefore = arena.usedBytes();
        imageBytes = 0;
        long target = row != 0 ? row : newRow(ordinal, time);
        int credit = before == 0
                ? Math.max(CREDIT_BYTES_MIN, changeBytes)
                : Change.creditBytes(memory, before) - (int) Change.BYTES - changeBytes;
        long entry = credit > 0 ? allocateChange(target, RowChange.UPDATE, time, changeBytes, 0) : 0;
        if (entry != 0) {
            MemorySegment.copy(source, change, memory, Change.changeOffset(entry), changeBytes);
            Change.setBody(memory, entry, changeBytes, 0, credit);
        } else {
            entry = changeWithImage(target, source, change, changeBytes, time);
        }
        touch(Change.changeOffset(entry));
        publish(index, row, target, entry);
        end(usedBefore, time);
    }

    /**
     * Deletes a live row: the last thing that happens to it here.
     *
     * @param ordinal of the row in its rowset
     * @param time not below that of any change of this row before
     * @throws IllegalStateException if the row was deleted before, or this store is sealed; nothing was changed
     * @throws MemoryLimitException if there is no memory, never for what was reserved; nothing was changed
     */
    public void delete(int ordinal, long time) {
        RowTree index = begin(ordinal, 0, time);
        long row = find(index, ordinal);
        checkLive(row, ordinal);
        long usedBefore = arena.usedBytes();
        imageBytes = 0;
        long target = row != 0 ? row : newRow(ordinal, time);
        long entry = allocateChange(target, RowChange.DELETE, time, DELETE_BYTES, 0);
        RowChange.writeDelete(memory, Change.changeOffset(entry));
        Change.setBody(memory, entry, DELETE_BYTES, 0, 0);
        deletedRows.lazySet(deletedRows.getPlain() + 1); // First: who sees the change counts it.
        publish(index, row, target, entry);
        end(usedBefore, time);
    }

    private RowTree begin(int ordinal, int changeBytes, long time) {
        Check.notNegative("ordinal", ordinal);
        if (sealed) {
            throw new IllegalStateException(
                    "DeltaMemStore " + id + " is sealed: a change of row " + ordinal + " belongs to the active one");
        }
        assert time > 0 : "time " + time;
        if (promisedChanges == 0 && !reserve(changeBytes, 1)) {
            throw new MemoryLimitException("no memory for a change of " + changeBytes + " bytes in DeltaMemStore " + id
                    + ", which has " + memoryBytes.getPlain() + " bytes; flush it, or reserve before");
        }
        return Objects.requireNonNull(tree, "there is a tree where something is reserved");
    }

    /** As {@link #find(long)}, but a row that is missing is then added without another search for its place. */
    private long find(RowTree index, int ordinal) {
        Ordinals.writeKey(memory, soughtKey, ordinal);
        return index.findNear(memory, soughtKey, Ordinals.KEY_BYTES);
    }

    private void checkLive(long row, int ordinal) {
        if (row != 0 && Change.kind(memory, RowHeader.newestChange(memory, row)) == RowChange.DELETE) {
            throw new IllegalStateException("DeltaMemStore " + id + ": row " + ordinal
                    + " is deleted. Changes must be decided on its newest state");
        }
    }

    private long newRow(int ordinal, long time) {
        long row = arena.allocate(RowHeader.BYTES + Ordinals.KEY_BYTES, Long.BYTES);
        RowHeader.initialize(memory, row, time, Ordinals.KEY_BYTES, 0);
        Ordinals.writeKey(memory, RowHeader.keyOffset(row), ordinal);
        return row;
    }

    private long allocateChange(long row, int kind, long time, int changeBytes, int image) {
        long change = arena.allocate(Change.BYTES + changeBytes + image, Long.BYTES);
        Change.initialize(memory, change, RowHeader.newestChange(memory, row), time, kind);
        return change;
    }

    /**
     * The changes since the last image are as large as it: if there is memory, readers are spared to go beyond this
     * one.
     */
    private long changeWithImage(long row, MemorySegment source, long change, int changeBytes, long time) {
        CellUnion cells = union;
        if (cells == null) {
            cells = new CellUnion(memory);
            union = cells;
        }
        long collectedBytes = collect(cells, RowHeader.newestChange(memory, row));
        long bytesMax = cells.bytes() + changeBytes; // Before the cells of this change are known to be in our memory.
        long entryBytes = Change.BYTES + changeBytes + bytesMax + GAP_BYTES_MAX;
        long pieceBytes = Math.max(promisedPieceBytes, entryBytes);
        boolean withImage = cells.fits()
                && pieceBytes <= MemoryBudget.SLAB_BYTES_MAX
                && arena.reserve(promisedBytes + entryBytes, pieceBytes);
        imageBytes = withImage ? bytesMax : 0;
        long entry = allocateChange(row, RowChange.UPDATE, time, changeBytes, (int) imageBytes);
        MemorySegment.copy(source, change, memory, Change.changeOffset(entry), changeBytes);
        int written = 0;
        cells.overlay(Change.changeOffset(entry));
        if (cells.fits() && withImage) {
            written = (int) cells.bytes();
            cells.write(Change.changeOffset(entry) + changeBytes);
        }
        assert written <= imageBytes : written + " bytes of " + imageBytes;
        // If there is none, then it is tried again when twice as much is to be walked over.
        long credit = Math.clamp(written > 0 ? written : collectedBytes, CREDIT_BYTES_MIN, Integer.MAX_VALUE);
        Change.setBody(memory, entry, changeBytes, written, (int) credit);
        return entry;
    }

    /** Takes everything that was changed in a row, from its newest change back to the last image; answers its bytes. */
    private long collect(CellUnion cells, long newest) {
        cells.clear();
        long bytes = 0;
        for (long change = newest; change != 0; change = Change.older(memory, change)) {
            collectedCount++;
            int merged = Change.imageBytes(memory, change);
            if (merged > 0) {
                cells.underlay(Change.imageOffset(memory, change));
                return bytes + merged;
            }
            cells.underlay(Change.changeOffset(change));
            bytes += Change.BYTES + Change.bytes(memory, change);
        }
        return bytes;
    }

    /** Before the change is visible, so that whoever sees it sees its columns here. */
    private void touch(long change) {
        long[] touched = touchedColumns;
        long cell = RowChange.firstCell(change);
        for (int i = RowChange.cellCount(memory, change); i > 0; i--) {
            int column = RowChange.cellColumnId(memory, cell);
            if (!isSet(touched, column)) {
                touched = Arrays.copyOf(touched, Math.max(touched.length, column / Long.SIZE + 1));
                touched[column / Long.SIZE] |= 1L << column; // Modulo 64.
                touchedColumns = touched;
            }
            cell = RowChange.nextCell(memory, cell);
        }
    }

    private static boolean isSet(long[] bits, int index) {
        return index / Long.SIZE < bits.length && (bits[index / Long.SIZE] & 1L << index) != 0;
    }

    private void publish(RowTree index, long row, long target, long change) {
        RowHeader.prepend(memory, target, change);
        if (row == 0) {
            boolean isNew = index.insert(target);
            assert isNew : "a second row of one ordinal";
            changedRows.lazySet(changedRows.getPlain() + 1);
        }
    }

    private void end(long usedBefore, long time) {
        promisedChanges--;
        promisedBytes -= Math.min(promisedBytes, arena.usedBytes() - usedBefore - imageBytes);
        changeCount.lazySet(changeCount.getPlain() + 1);
        if (oldestTime.getPlain() == 0 || time < oldestTime.getPlain()) {
            oldestTime.lazySet(time);
        }
        newestTime.lazySet(Math.max(newestTime.getPlain(), time));
        memoryBytes.lazySet(arena.takenBytes());
    }

    /** No more changes from now on. */
    public void seal() {
        sealed = true;
    }

    /** Whether the newest state of a row, visible or not, is deleted. */
    public boolean isDeleted(long ordinal) {
        if (deletedRows.get() == 0) {
            return false; // As in most stores; spares the way down a tree that is in no cache.
        }
        long row = find(ordinal);
        return row != 0 && Change.kind(memory, RowHeader.newestChange(memory, row)) == RowChange.DELETE;
    }

    /** Where the newest change that sets a row's column has its cell, in {@link #memory}; 0 if none is here. */
    public long newestCell(long ordinal, int columnId) {
        long row = isSet(touchedColumns, columnId) ? find(ordinal) : 0;
        return row == 0 ? 0 : NewestCell.find(memory, row, columnId);
    }

    /** What all offsets point into. */
    public MemorySegment memory() {
        return memory;
    }

    /** The row with this ordinal, or 0 if it has no change. Any thread. */
    long find(long ordinal) {
        RowTree index = tree;
        return index == null || ordinal > Integer.MAX_VALUE ? 0 : Ordinals.find(index, ordinal);
    }

    /** Says also true where the rows have changes, but only above the snapshot, if there are others at or below it. */
    @Override
    public boolean mayChange(long from, long to, long snapshot) {
        RowTree index = tree;
        long oldest = oldestTime.get();
        if (index == null || oldest == 0 || oldest > snapshot || from > Integer.MAX_VALUE) {
            return false;
        }
        long row = Ordinals.ceiling(index, from);
        return row != 0 && Ordinals.ordinalOf(memory, row) < to;
    }

    @Override
    public boolean mayChangeBetween(long from, long to, long after, long upTo) {
        return newestTime.get() > after && mayChange(from, to, upTo);
    }

    /**
     * {@inheritDoc}
     *
     * <p>The first change of a row may be several merged, with the time of the newest of them; a row that is deleted
     * has only its DELETE. Not so at the snapshot {@link #EVERY_CHANGE}. Changes of one batch, which have the same
     * time, are each by itself.
     */
    @Override
    public Cursor changes(long from, long to, long snapshot) {
        return new DeltaMemStoreCursor(tree, from, to, snapshot);
    }

    /** {@inheritDoc} Exact. */
    @Override
    public boolean touches(int columnId) {
        return isSet(touchedColumns, columnId);
    }

    /** UPDATEs and DELETEs. */
    public long changeCount() {
        return changeCount.get();
    }

    /** Rows that have a change. */
    public long changedRows() {
        return changedRows.get();
    }

    /** Rows whose newest state is deleted. */
    public long deletedRows() {
        return deletedRows.get();
    }

    /** What was taken from the account. */
    public long memoryBytes() {
        return memoryBytes.get();
    }

    /** Writer only: what rows, changes and nodes were given of it. */
    long usedBytes() {
        return arena.usedBytes();
    }

    /** Writer only: changes that were looked at to put images together. */
    long collectedCount() {
        return collectedCount;
    }

    /** Time of the oldest change, 0 if there was none. */
    public long oldestTime() {
        return oldestTime.get();
    }

    /** Time of the newest change, 0 if there was none. */
    public long newestTime() {
        return newestTime.get();
    }

    /**
     * Checks every claim about the tree and the chains. Walks everything; for tests and simulations, by the writer.
     *
     * @throws IllegalStateException naming the claim that does not hold
     */
    public void verify() {
        RowTree index = tree;
        if (index != null) {
            new DeltaVerifier(index).verify(this);
        }
    }

    /** Frees everything at once. Closing twice does nothing. */
    @Override
    public void close() {
        sealed = true;
        arena.close();
        memoryBytes.lazySet(0);
    }
}
