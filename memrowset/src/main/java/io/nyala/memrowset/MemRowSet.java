package io.nyala.memrowset;

import io.nyala.memory.BumpArena;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.Slab;
import io.nyala.rows.Effect;
import io.nyala.rows.KeyRange;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSet;
import io.nyala.rows.RowSource;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Fresh rows in memory, in the order of their keys, each with all its versions.
 *
 * <pre>{@code
 *   RowTree (key order)        row                                     changes, newest first
 *   ... | prefix : row | -->   +--------+-----+------------+   +-->   +--------+--------+      +--------+--------+
 *                              | header | key | packed row |   |      | change | image? | ---> | change | image? | -> 0
 *                              +---|----+-----+------------+   |      +--------+--------+ older+--------+--------+
 *                                  +-- newest change ----------+
 * }</pre>
 *
 * <p>Everything lies in one {@link BumpArena}: tree nodes ({@link Node}), rows ({@link RowHeader}), changes ({@link
 * Change}). Nothing moves, nothing is freed before {@link #close}. An insertion copies key and row out of the log's
 * buffer, then publishes the row in the tree; an update, deletion or reinsertion prepends a change to the row, in the
 * same time however many there are already.
 *
 * <p>Times never decrease from {@link #apply} to apply; all effects of one batch have the same. A reader sees, at a
 * snapshot, every version whose time is not above it, provided that it started after the writer let that time become
 * visible.
 *
 * <p><b>Seal.</b> From then on no row is added, so that a flush can write them all, as they are at the seal ({@link
 * #source}). What happens to live rows until its outputs take over, <em>late</em> UPDATEs and DELETEs, is applied to
 * them as ever, and also kept in a list, for {@link CarryOver}. The flush notes where each row went.
 *
 * <p>The writer, one thread at a time: {@link #find} or {@link Lookahead}, {@link #isLive}, {@link #isEqual},
 * {@link #place}, {@link #reserve}, {@link #apply}, {@link #seal}, {@link #close}. Everything else may be used by any
 * thread, beside the writer; readers neither wait nor make it wait. They must be gone before {@link #close} (see
 * {@link io.nyala.memory.Epochs}): a cursor touches this memory only within {@code next}. Owns its arena.
 */
public final class MemRowSet implements RowSet, AutoCloseable {
    /** Where each allocation may leave a gap before it. */
    private static final long GAP_BYTES_MAX = Long.BYTES - 1;

    /** Of a change, or of a row with its place. */
    private static final long HEADER_BYTES_MAX = Math.max(Change.BYTES, RowHeader.PLACE_BYTES + RowHeader.BYTES);

    /** What an empty one takes: little, because most tablets of a host have few fresh rows. */
    public static final long FIRST_SLAB_BYTES = MemoryBudget.SLAB_BYTES_MIN;

    private final long id;
    private final Schema schema;
    private final RowLayout layout;
    private final BumpArena arena;
    private final MemorySegment memory;
    private final RowTree tree;

    // Of the writer.
    private final RowImage image;
    private long promisedBytes; // What is left of the last reservation.
    private long collectedCount;
    private long promisedPieceBytes; // The largest piece in it.
    private boolean closed;
    private long imageBytes; // Of the effect being applied: taken beyond what was promised.
    // Written by the writer only, read by all.
    private volatile boolean sealed;
    private volatile long sealTime; // Before sealed.
    private final LateChanges lateChanges;
    private final AtomicLong rowCount = new AtomicLong();
    private final AtomicLong liveRows = new AtomicLong();
    private final AtomicLong memoryBytes = new AtomicLong();
    private final AtomicLong oldestTime = new AtomicLong();
    private final AtomicLong newestTime = new AtomicLong();

    /**
     * Opens an empty one.
     *
     * @param id by which the tablet and its log know it
     * @param account pays for rows, changes and nodes
     * @throws io.nyala.memory.MemoryLimitException if there is no memory for the first node
     */
    public MemRowSet(long id, Schema schema, MemoryAccount account) {
        this(id, schema, account, account.take(FIRST_SLAB_BYTES));
    }

    /**
     * Opens an empty one in memory that was taken before, so that nothing can fail.
     *
     * @param first {@link #FIRST_SLAB_BYTES} of the account; owned from here on
     */
    public MemRowSet(long id, Schema schema, MemoryAccount account, Slab first) {
        Check.that(first.bytes() >= FIRST_SLAB_BYTES, "too small to begin with: " + first);
        this.id = id;
        this.schema = schema;
        this.layout = new RowLayout(schema);
        this.arena = new BumpArena(account, first, BumpArena.SLAB_BYTES);
        this.memory = arena.memory();
        this.lateChanges = new LateChanges(memory);
        this.tree = new RowTree(arena);
        this.image = new RowImage(layout, memory);
        this.memoryBytes.set(arena.takenBytes());
    }

    public long id() {
        return id;
    }

    public Schema schema() {
        return schema;
    }

    /** The row with this key, live or deleted, or 0. The key must be in native memory. */
    public long find(MemorySegment keyMemory, long key, int keyBytes) {
        return tree.findNear(keyMemory, key, keyBytes);
    }

    /** Whether the newest state of a row is live. */
    public boolean isLive(long row) {
        long change = RowHeader.newestChange(memory, row);
        return change == 0 || Change.kind(memory, change) != RowChange.DELETE;
    }

    /** Whether the newest value of a live row's column, not of the key, is that of a cell of a {@link RowChange}. */
    public boolean isEqual(long row, int column, MemorySegment cellMemory, long cell) {
        return NewestCell.isEqual(layout, memory, row, column, cellMemory, cell);
    }

    /** As {@link #reserve(long, long, long)}, where one effect may have all the bytes. */
    public boolean reserve(long effectBytes, long effectCount) {
        return reserve(effectBytes, effectCount, effectBytes);
    }

    /**
     * Sets memory aside, so that {@link #apply} cannot fail for want of it within a batch; false if there is not
     * enough. Replaces what was left of an earlier reservation.
     *
     * @param effectBytes upper bound of the bytes of all effects
     * @param effectCount upper bound of their number
     * @param effectBytesMax upper bound of the bytes of each
     */
    public boolean reserve(long effectBytes, long effectCount, long effectBytesMax) {
        long treeBytes = sealed ? 0 : tree.growthBytesMax(effectCount); // No row is added any more.
        long bytes = batchBytesMax(effectBytes, effectCount, treeBytes) + effectCount * linkBytes();
        long pieceBytes = pieceBytesMax(effectBytesMax) + linkBytes();
        if (pieceBytes > MemoryBudget.SLAB_BYTES_MAX || !arena.reserve(bytes, pieceBytes)) {
            return false;
        }
        promisedBytes = bytes;
        promisedPieceBytes = pieceBytes;
        memoryBytes.lazySet(arena.takenBytes());
        return true;
    }

    /** What {@link #reserve(long, long, long)} takes from the account for an empty MemRowSet. */
    public static long reservedBytes(long effectBytes, long effectCount, long effectBytesMax) {
        long bytes = batchBytesMax(effectBytes, effectCount, RowTree.growthBytesMaxOfEmpty(effectCount));
        long pieceBytes = pieceBytesMax(effectBytesMax);
        return pieceBytes > MemoryBudget.SLAB_BYTES_MAX ? Long.MAX_VALUE : BumpArena.reservedBytes(bytes, pieceBytes);
    }

    /** The batch is applied: what was reserved for it and not needed goes back. */
    public void batchEnds() {
        promisedBytes = 0;
        promisedPieceBytes = 0;
        arena.trim();
        memoryBytes.lazySet(arena.takenBytes());
    }

    private static long batchBytesMax(long effectBytes, long effectCount, long growthBytesMax) {
        return effectBytes + effectCount * (HEADER_BYTES_MAX + GAP_BYTES_MAX) + growthBytesMax;
    }

    /** A row or a change with its header, or a node. */
    private static long pieceBytesMax(long effectBytesMax) {
        long row = effectBytesMax + HEADER_BYTES_MAX + GAP_BYTES_MAX;
        return Math.max(row, Node.INNER_BYTES + Node.ALIGNMENT);
    }

    /**
     * Applies an effect, which must fit the state of its row: INSERT if there is none with the key, REINSERT if it is
     * deleted, UPDATE and DELETE if it is live. After the seal only the latter two.
     *
     * @param effect a checked {@link Effect}; copied
     * @param time not below that of any effect before; after the seal, above that of any effect before it
     * @throws IllegalStateException if it does not fit; nothing was changed
     * @throws io.nyala.memory.MemoryLimitException if there is no memory; never for what was reserved
     */
    public void apply(MemorySegment effectMemory, long effect, long time) {
        boolean isInsert = Effect.kind(effectMemory, effect) == Effect.INSERT;
        applyTo(isInsert ? 0 : findOf(effectMemory, effect), effectMemory, effect, time);
    }

    /** As {@link #apply}, where the row that the effect is of was found before; 0 for an INSERT. */
    public void applyTo(long row, MemorySegment effectMemory, long effect, long time) {
        assert row == 0 || row == findOf(effectMemory, effect) : "row " + row + " is not the effect's";
        apply(Effect.kind(effectMemory, effect), row, effectMemory, effect, time);
    }

    private long findOf(MemorySegment effectMemory, long effect) {
        return closed ? 0 : find(effectMemory, Effect.keyOffset(effect), Effect.keyBytes(effectMemory, effect));
    }

    /**
     * As {@link #apply}, for effects that were decided on several MemRowSets one after the other and now come together
     * in this one: the INSERT of a key that was deleted in an earlier one is a REINSERT here.
     */
    public void replay(MemorySegment effectMemory, long effect, long time) {
        int kind = Effect.kind(effectMemory, effect);
        long row = findOf(effectMemory, effect);
        boolean isAgain = kind == Effect.INSERT && row != 0 && !isLive(row);
        apply(isAgain ? Effect.REINSERT : kind, row, effectMemory, effect, time);
    }

    private void apply(int kind, long row, MemorySegment effectMemory, long effect, long time) {
        if (sealed) {
            checkLate(kind, time);
        }
        assert time >= newestTime.getPlain() : "time " + time + " after " + newestTime.getPlain();
        long usedBefore = arena.usedBytes();
        imageBytes = 0;
        if (kind == Effect.INSERT) {
            insert(effectMemory, effect, time);
        } else {
            change(kind, row, effectMemory, effect, time);
        }
        promisedBytes -= Math.min(promisedBytes, arena.usedBytes() - usedBefore - imageBytes);
        if (oldestTime.getPlain() == 0) {
            oldestTime.lazySet(time);
        }
        newestTime.lazySet(time);
        memoryBytes.lazySet(arena.takenBytes());
    }

    private void checkLate(int kind, long time) {
        if (closed) { // Its memory is somebody else's: the row was not looked for.
            throw new IllegalStateException("MemRowSet " + id + " is closed");
        }
        if (kind == Effect.INSERT || kind == Effect.REINSERT) {
            throw new IllegalStateException("MemRowSet " + id + " is sealed: a new row belongs to the active one");
        }
        if (time <= sealTime) {
            throw new IllegalStateException("MemRowSet " + id + " was sealed at " + sealTime + ": a change at " + time
                    + " would be missing in its flush");
        }
    }

    private void insert(MemorySegment effectMemory, long effect, long time) {
        int keyBytes = Effect.keyBytes(effectMemory, effect);
        int rowBytes = Effect.bodyBytes(effectMemory, effect);
        long bytes = RowHeader.PLACE_BYTES + RowHeader.BYTES + keyBytes + rowBytes;
        long row = arena.allocate(bytes, Long.BYTES) + RowHeader.PLACE_BYTES;
        RowHeader.initialize(memory, row, time, keyBytes, rowBytes);
        RowHeader.setPlace(memory, row, Place.NONE);
        // The key and the row lie behind each other in the effect as well.
        MemorySegment.copy(
                effectMemory, Effect.keyOffset(effect), memory, RowHeader.keyOffset(row), (long) keyBytes + rowBytes);
        if (!tree.insert(row)) { // The row's memory is lost, which does not matter: this never happens.
            throw misfit("INSERT of a key that is there");
        }
        rowCount.lazySet(rowCount.getPlain() + 1);
        liveRows.lazySet(liveRows.getPlain() + 1);
    }

    private void change(int kind, long row, MemorySegment effectMemory, long effect, long time) {
        if (row == 0 || isLive(row) == (kind == Effect.REINSERT)) {
            throw misfit("effect of kind " + kind + " on a row that is "
                    + (row == 0 ? "not there" : isLive(row) ? "live" : "deleted"));
        }
        long body = Effect.bodyOffset(effectMemory, effect);
        int bodyBytes = Effect.bodyBytes(effectMemory, effect);
        switch (kind) {
            case Effect.UPDATE -> update(row, effectMemory, body, bodyBytes, time);
            case Effect.DELETE -> {
                long change = allocateChange(row, RowChange.DELETE, time, 0);
                Change.setBody(memory, change, 0, 0, 0);
                publish(row, change);
                liveRows.lazySet(liveRows.getPlain() - 1);
            }
            case Effect.REINSERT -> {
                long change = allocateChange(row, RowChange.REINSERT, time, bodyBytes);
                Change.setBody(memory, change, 0, bodyBytes, bodyBytes);
                MemorySegment.copy(effectMemory, body, memory, Change.imageOffset(memory, change), bodyBytes);
                publish(row, change);
                liveRows.lazySet(liveRows.getPlain() + 1);
            }
            default -> throw misfit("no effect has the kind " + kind);
        }
    }

    private void update(long row, MemorySegment effectMemory, long body, int bodyBytes, long time) {
        long newest = RowHeader.newestChange(memory, row);
        if (!sealed && Change.supersede(memory, newest, time, effectMemory, body, bodyBytes)) {
            return; // Late ones are carried over one by one, by another thread.
        }
        int credit = (newest == 0 ? RowHeader.rowBytes(memory, row) : Change.creditBytes(memory, newest)) - bodyBytes;
        if (credit <= 0) {
            publish(row, updateWithImage(row, effectMemory, body, bodyBytes, time));
            return;
        }
        long change = allocateChange(row, RowChange.UPDATE, time, bodyBytes);
        Change.setBody(memory, change, bodyBytes, 0, credit);
        MemorySegment.copy(effectMemory, body, memory, Change.changeOffset(change), bodyBytes);
        publish(row, change);
    }

    /**
     * The changes since the last complete row are as large as it: if there is memory, readers need not collect them.
     */
    private long updateWithImage(long row, MemorySegment effectMemory, long body, int bodyBytes, long time) {
        collectedCount += RowStates.collect(image, memory, row, RowHeader.newestChange(memory, row));
        int imageBytesMax = image.bytes() + bodyBytes; // Before the cells of this change are known to be in our memory.
        long changeBytes = linkBytes() + Change.BYTES + bodyBytes + imageBytesMax + GAP_BYTES_MAX;
        long pieceBytes = Math.max(promisedPieceBytes, changeBytes);
        boolean withImage =
                pieceBytes <= MemoryBudget.SLAB_BYTES_MAX && arena.reserve(promisedBytes + changeBytes, pieceBytes);
        imageBytes = withImage ? imageBytesMax : 0;
        long change = allocateChange(row, RowChange.UPDATE, time, bodyBytes + (withImage ? imageBytesMax : 0));
        MemorySegment.copy(effectMemory, body, memory, Change.changeOffset(change), bodyBytes);
        if (withImage) {
            image.overlay(Change.changeOffset(change));
            Change.setBody(memory, change, bodyBytes, 0, 0);
            int written = image.write(Change.imageOffset(memory, change));
            assert written <= imageBytesMax : written + " bytes of " + imageBytesMax;
            Change.setBody(memory, change, bodyBytes, written, written);
        } else {
            Change.setBody(memory, change, bodyBytes, 0, imageBytesMax); // When to try again.
        }
        return change;
    }

    private long allocateChange(long row, int kind, long time, long bodyBytes) {
        long linkBytes = linkBytes();
        long change = arena.allocate(linkBytes + Change.BYTES + bodyBytes, Long.BYTES) + linkBytes;
        Change.initialize(memory, change, RowHeader.newestChange(memory, row), time, kind);
        return change;
    }

    /** What lies in front of a change. */
    private long linkBytes() {
        return sealed ? LateChange.BYTES : 0;
    }

    private void publish(long row, long change) {
        RowHeader.prepend(memory, row, change);
        if (sealed) {
            lateChanges.append(row, change);
        }
    }

    private IllegalStateException misfit(String what) {
        return new IllegalStateException(
                "MemRowSet " + id + ": " + what + ". Effects must be decided on its newest state");
    }

    /** Freezes the set of rows: only late changes follow, above the time of the last effect; then it is a source. */
    public void seal() {
        sealTime = newestTime.getPlain();
        sealed = true;
    }

    boolean isSealed() {
        return sealed;
    }

    RowTree tree() {
        return tree;
    }

    /** What all offsets point into. */
    MemorySegment memory() {
        return memory;
    }

    LateChanges lateChanges() {
        return lateChanges;
    }

    /** UPDATEs and DELETEs since the seal. */
    public long lateChangeCount() {
        return lateChanges.count();
    }

    /**
     * Where a flush put a row, {@link Place#NONE} if none has come to it. For whoever knows that the flush is done; if
     * one failed and another followed, it is the place of the latter.
     */
    public long place(long row) {
        return RowHeader.place(memory, row);
    }

    @Override
    public MemRowSetCursor scan(ScanSpec spec, MemoryAccount account) {
        return new MemRowSetCursor(tree, layout, spec, account);
    }

    @Override
    public int lookup(MemorySegment keyMemory, long key, int keyBytes) {
        long row = tree.find(keyMemory, key, keyBytes);
        return row == 0 ? ABSENT : isLive(row) ? LIVE : DELETED;
    }

    /**
     * All rows with their histories, as they were at the seal, for a flush: late changes are not there. It notes by
     * {@link RowSource#placed} where they go.
     *
     * @param account pays for what the source needs until it is closed
     */
    public RowSource source(MemoryAccount account) {
        if (!sealed) {
            throw new IllegalStateException("MemRowSet " + id + " must be sealed before it is read as a source");
        }
        return new MemRowSetSource(tree, layout, sealTime, KeyRange.ALL, account);
    }

    /** Rows, live and deleted. */
    @Override
    public long rowCount() {
        return rowCount.get();
    }

    /** Rows whose newest state is live. */
    public long liveRows() {
        return liveRows.get();
    }

    /** What was taken from the account. */
    public long memoryBytes() {
        return memoryBytes.get();
    }

    /** Writer only: what rows, changes and nodes were given of it. */
    public long usedBytes() {
        return arena.usedBytes();
    }

    /** Writer only: changes that were looked at to put images together. */
    long collectedCount() {
        return collectedCount;
    }

    /** Time of the first effect, 0 if there was none. */
    public long oldestTime() {
        return oldestTime.get();
    }

    /** Time of the last effect, 0 if there was none. */
    public long newestTime() {
        return newestTime.get();
    }

    @Override
    public byte[] minKey() {
        return new KeyOutline(tree, layout).minKey();
    }

    @Override
    public void outline(KeyRange range, int[] columnIds, long partBytes, Outline target) {
        new KeyOutline(tree, layout).tell(range, columnIds, partBytes, target);
    }

    @Override
    public byte[] maxKey() {
        long row = tree.lastRow();
        return row == 0 ? new byte[0] : KeyOutline.key(memory, row);
    }

    /**
     * Checks every claim about the tree, and the count of rows; an IllegalStateException names one that does not hold.
     * Walks everything: for tests and simulations, by the writer.
     */
    public void verify() {
        long rows = new TreeVerifier(tree).verify();
        if (rows != rowCount()) {
            throw new IllegalStateException("the tree has " + rows + " rows, counted were " + rowCount());
        }
    }

    /** Frees everything at once. Closing twice does nothing. */
    @Override
    public void close() {
        sealed = true;
        closed = true;
        arena.close();
        memoryBytes.lazySet(0);
    }

    /** As {@link #close}, but hands out the slab that it began with, for the next one to begin with. */
    public Slab closeExceptFirst() {
        sealed = true;
        memoryBytes.lazySet(0);
        return arena.closeExceptFirst();
    }
}
