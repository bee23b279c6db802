package io.nyala.diskrowset;

import static io.nyala.rows.LittleEndian.getInt;
import static io.nyala.rows.LittleEndian.setInt;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.Limits;
import java.lang.foreign.MemorySegment;

/**
 * Rows of a part of a vector until there is room for them in a batch: which are as the file has them, and those that
 * had to be corrected and match, in their order.
 *
 * <pre>{@code
 *   0     4       8
 *   +-----+-------+--------------+------+
 *   | row | bytes | packed row   | zero |   corrected rows, one after the other
 *   +-----+-------+--------------+------+
 *     u32    u32     u8[bytes]     to 8
 * }</pre>
 *
 * <p>Belongs to one cursor at a time, which borrows it of a {@link ReaderMemory}.
 */
final class PartRows implements AutoCloseable {
    /** A vector whose corrected rows are larger is done in parts. */
    private static final int FULL_BYTES = 256 << 10;

    private static final int HEADER_BYTES = 8;

    private final MemoryAccount account;
    private final Slab selection;
    private final GrowingBuffer corrected;
    private int selectedCount;
    private int taken;
    private long end;
    private long next;

    PartRows(MemoryAccount account) {
        this.account = account;
        this.selection = account.take((long) Limits.VECTOR_ROWS * Integer.BYTES + VectorFilter.PADDING_BYTES);
        this.corrected = new GrowingBuffer(account);
    }

    void clear() {
        selectedCount = 0;
        taken = 0;
        end = 0;
        next = 0;
    }

    boolean isEmpty() {
        return !hasSelected() && !hasCorrected();
    }

    // ---- As the file has them ----

    /** Takes the rows that are left in a filter. */
    void select(VectorFilter filter) {
        selectedCount = filter.select(selection);
        taken = 0;
    }

    boolean hasSelected() {
        return taken < selectedCount;
    }

    /** How many are left. */
    int selectedCount() {
        return selectedCount - taken;
    }

    /** In the vector, of one of those that are left. */
    int selectedRow(int index) {
        return getInt(selection.segment(), selectionOffset() + (long) index * Integer.BYTES);
    }

    MemorySegment selection() {
        return selection.segment();
    }

    /** Where those begin that are left. */
    long selectionOffset() {
        return (long) taken * Integer.BYTES;
    }

    /** Goes on to the ones behind. */
    void skipSelected(int count) {
        taken += count;
        assert taken <= selectedCount : taken + " of " + selectedCount;
    }

    // ---- Corrected ----

    /** Whether no further row should be added before {@link #clear}. */
    boolean isFull() {
        return end >= FULL_BYTES;
    }

    /** Adds a packed row; {@code row} is larger than those before. */
    void add(int row, MemorySegment memory, long rowBytes) {
        long after = end + (HEADER_BYTES + rowBytes + Long.BYTES - 1 & -Long.BYTES);
        corrected.ensure(end, after);
        setInt(corrected.memory(), end, row);
        setInt(corrected.memory(), end + Integer.BYTES, (int) rowBytes);
        MemorySegment.copy(memory, 0, corrected.memory(), end + HEADER_BYTES, rowBytes);
        end = after;
    }

    boolean hasCorrected() {
        return next < end;
    }

    /** In the vector, of the next one. */
    int correctedRow() {
        return getInt(corrected.memory(), next);
    }

    MemorySegment correctedMemory() {
        return corrected.memory();
    }

    /** Where the next packed row is. */
    long correctedOffset() {
        return next + HEADER_BYTES;
    }

    /** Goes on to the one behind. */
    void skipCorrected() {
        next += HEADER_BYTES + (long) getInt(corrected.memory(), next + Integer.BYTES) + Long.BYTES - 1 & -Long.BYTES;
    }

    @Override
    public void close() {
        corrected.close();
        account.giveBack(selection);
    }
}
