package io.nyala.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;

/**
 * Makes the use of freed memory visible: it fills what is given back with a byte that is no sensible value, and looks,
 * when the memory is taken again, whether someone has written to it meanwhile. Only used when assertions are on.
 *
 * <p>Not thread-safe: the budget's lock guards it.
 */
final class Poison {
    static final byte BYTE = (byte) 0xDB;

    private static final long UNIT_BYTES = BlockPool.SLOT_BYTES_MIN;
    private static final long WORD = 0xDBDB_DBDB_DBDB_DBDBL;

    private final MemorySegment memory;
    private final BitSet poisoned = new BitSet(); // By unit of 4 KiB; what was never taken is not poisoned.

    Poison(MemorySegment memory) {
        this.memory = memory;
    }

    /** Always true, so that it can stand in an {@code assert}. */
    boolean fill(long offset, long bytes) {
        memory.asSlice(offset, bytes).fill(BYTE);
        poisoned.set(unit(offset), unit(offset + bytes));
        return true;
    }

    /** True if nobody has written to the poisoned parts of this memory, which are then no longer poisoned. */
    boolean isIntact(long offset, long bytes) {
        for (long unit = offset; unit < offset + bytes; unit += UNIT_BYTES) {
            if (poisoned.get(unit(unit)) && !isIntactUnit(unit)) {
                return false;
            }
        }
        poisoned.clear(unit(offset), unit(offset + bytes));
        return true;
    }

    private boolean isIntactUnit(long start) {
        long difference = 0;
        for (long i = 0; i < UNIT_BYTES; i += Long.BYTES) {
            difference |= memory.get(ValueLayout.JAVA_LONG, start + i) ^ WORD;
        }
        return difference == 0;
    }

    private static int unit(long offset) {
        return Math.toIntExact(offset / UNIT_BYTES);
    }
}
