package io.nyala.diskrowset;

import static io.nyala.rows.LittleEndian.getInt;
import static io.nyala.rows.LittleEndian.setInt;

import io.nyala.memory.MemoryAccount;
import io.nyala.rows.GrowingBuffer;
import java.lang.foreign.MemorySegment;

/**
 * Rows of one vector that had to be corrected and match, in their order, until there is room for them in a batch.
 *
 * <pre>{@code
 *   0     4       8
 *   +-----+-------+--------------+------+
 *   | row | bytes | packed row   | zero |   one after the other
 *   +-----+-------+--------------+------+
 *     u32    u32     u8[bytes]     to 8
 * }</pre>
 *
 * <p>Belongs to one cursor.
 */
final class CorrectedRows implements AutoCloseable {
    /** A vector whose corrected rows are larger is done in parts. */
    private static final int FULL_BYTES = 256 << 10;

    private static final int HEADER_BYTES = 8;

    private final GrowingBuffer buffer;
    private long end;
    private long next;

    CorrectedRows(MemoryAccount account) {
        this.buffer = new GrowingBuffer(account);
    }

    void clear() {
        end = 0;
        next = 0;
    }

    /** Whether no further row should be added before {@link #clear}. */
    boolean isFull() {
        return end >= FULL_BYTES;
    }

    /** Adds a packed row; {@code row} is larger than those before. */
    void add(int row, MemorySegment memory, long rowBytes) {
        long after = end + (HEADER_BYTES + rowBytes + Long.BYTES - 1 & -Long.BYTES);
        buffer.ensure(end, after);
        setInt(buffer.memory(), end, row);
        setInt(buffer.memory(), end + Integer.BYTES, (int) rowBytes);
        MemorySegment.copy(memory, 0, buffer.memory(), end + HEADER_BYTES, rowBytes);
        end = after;
    }

    boolean hasNext() {
        return next < end;
    }

    /** Row in the vector of the next one. */
    int row() {
        return getInt(buffer.memory(), next);
    }

    MemorySegment memory() {
        return buffer.memory();
    }

    /** Where the next packed row is. */
    long rowOffset() {
        return next + HEADER_BYTES;
    }

    /** Goes on to the one behind. */
    void skip() {
        next += HEADER_BYTES + (long) getInt(buffer.memory(), next + Integer.BYTES) + Long.BYTES - 1 & -Long.BYTES;
    }

    @Override
    public void close() {
        buffer.close();
    }
}
