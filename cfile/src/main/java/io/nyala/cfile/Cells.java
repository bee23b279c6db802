package io.nyala.cfile;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Locale;

/**
 * Little-endian, unaligned access to bytes of files, and how cells compare. Stateless; positions are the caller's to
 * check.
 */
final class Cells {
    static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Cells() {}

    static int u8(MemorySegment memory, long offset) {
        return memory.get(BYTE, offset) & 0xFF;
    }

    static int u16(MemorySegment memory, long offset) {
        return memory.get(SHORT, offset) & 0xFFFF;
    }

    /** Compares byte strings as unsigned bytes, the shorter first where one begins with the other. */
    static int compareBytes(
            MemorySegment left,
            long leftOffset,
            long leftBytes,
            MemorySegment right,
            long rightOffset,
            long rightBytes) {
        long at = MemorySegment.mismatch(
                left, leftOffset, leftOffset + leftBytes, right, rightOffset, rightOffset + rightBytes);
        if (at < 0) {
            return 0;
        }
        if (at == leftBytes || at == rightBytes) {
            return Long.compare(leftBytes, rightBytes);
        }
        return Byte.compareUnsigned(left.get(BYTE, leftOffset + at), right.get(BYTE, rightOffset + at));
    }

    /** Whether some bytes are all zero. */
    static boolean isZero(MemorySegment memory, long offset, long bytes) {
        for (long i = offset; i < offset + bytes; i++) {
            if (memory.get(BYTE, i) != 0) {
                return false;
            }
        }
        return true;
    }

    /** The next multiple of 8: where the next part of a format begins. */
    static long pad8(long bytes) {
        return (bytes + 7) & -8;
    }

    /** Digits in groups of three: 1,048,576. */
    static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }
}
