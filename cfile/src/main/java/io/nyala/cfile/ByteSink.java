package io.nyala.cfile;

import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.Slab;
import io.nyala.memory.Zeros;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Bytes that grow at the end, in one slab that is replaced by one of twice the size when it is full. Takes nothing
 * before the first byte.
 *
 * <p>For one thread. Owns its slab. {@link #memory} is another segment after every call that adds bytes.
 */
final class ByteSink implements AutoCloseable {
    private final MemoryAccount account;
    private @Nullable Slab slab;
    private MemorySegment memory = MemorySegment.NULL;
    private long bytes;

    ByteSink(MemoryAccount account) {
        this.account = account;
    }

    MemorySegment memory() {
        return memory;
    }

    long bytes() {
        return bytes;
    }

    /** Makes sure that {@code more} bytes behind the end can be written; answers where the end is. */
    long reserve(long more) {
        long needed = bytes + more;
        if (needed > memory.byteSize()) {
            grow(needed);
        }
        return bytes;
    }

    private void grow(long needed) {
        if (needed > MemoryBudget.SLAB_BYTES_MAX) {
            throw new IllegalStateException("a part of a column file would pass " + Cells.number(needed) + " bytes, "
                    + Cells.number(MemoryBudget.SLAB_BYTES_MAX) + " is the limit; begin a new file earlier");
        }
        long wanted = Math.min(Math.max(needed, 2 * memory.byteSize()), MemoryBudget.SLAB_BYTES_MAX);
        Slab larger = account.take(wanted);
        MemorySegment.copy(memory, 0, larger.segment(), 0, bytes);
        Slab old = slab;
        slab = larger;
        memory = larger.segment();
        if (old != null) {
            account.giveBack(old);
        }
    }

    /** Counts bytes that were written into what {@link #reserve} gave. */
    void advance(long written) {
        assert written >= 0 && bytes + written <= memory.byteSize() : written + " at " + bytes;
        bytes += written;
    }

    void putByte(int value) {
        memoryFor(1).set(Cells.BYTE, bytes, (byte) value);
        bytes++;
    }

    void putShort(int value) {
        memoryFor(Short.BYTES).set(Cells.SHORT, bytes, (short) value);
        bytes += Short.BYTES;
    }

    void putInt(int value) {
        memoryFor(Integer.BYTES).set(Cells.INT, bytes, value);
        bytes += Integer.BYTES;
    }

    void putLong(long value) {
        memoryFor(Long.BYTES).set(Cells.LONG, bytes, value);
        bytes += Long.BYTES;
    }

    void put(MemorySegment source, long offset, long count) {
        MemorySegment.copy(source, offset, memoryFor(count), bytes, count);
        bytes += count;
    }

    /** Adds zeros until the bytes are a multiple of 8. */
    void pad8() {
        long padded = Cells.pad8(bytes);
        Zeros.fill(memoryFor(padded - bytes), bytes, padded - bytes);
        bytes = padded;
    }

    private MemorySegment memoryFor(long more) {
        reserve(more);
        return memory;
    }

    /** Forgets the bytes after the first {@code kept}, and keeps the memory. */
    void truncate(long kept) {
        Check.inRange("kept", kept, 0, bytes);
        bytes = kept;
    }

    @Override
    public void close() {
        Slab old = slab;
        slab = null;
        memory = MemorySegment.NULL;
        bytes = 0;
        if (old != null) {
            account.giveBack(old);
        }
    }
}
