package io.nyala.partition;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.rows.LittleEndian;
import java.lang.foreign.MemorySegment;

/** Bytes of keys read eight at a time, the first one lowest, and the zero bytes among them. Stateless. */
final class Words {
    private static final long LOW_BITS = 0x7F7F_7F7F_7F7F_7F7FL;

    private Words() {}

    /** Up to eight bytes; zero above them. */
    static long load(MemorySegment memory, long at, int bytes) {
        if (bytes == Long.BYTES) {
            return memory.get(LittleEndian.LONG, at);
        }
        long word = 0;
        for (int i = 0; i < bytes; i++) {
            word |= (long) LittleEndian.unsignedByte(memory, at + i) << (i * Byte.SIZE);
        }
        return word;
    }

    /** How many of the next bytes, eight at most, come before a zero byte. */
    static int bytesBeforeZero(MemorySegment memory, long at, long end) {
        if (end - at >= Long.BYTES) {
            // Without a zero byte it is 64 bits of zeros: eight bytes.
            return Long.numberOfTrailingZeros(zeroBytes(memory.get(LittleEndian.LONG, at))) / Byte.SIZE;
        }
        int bytes = 0;
        while (at + bytes < end && memory.get(JAVA_BYTE, at + bytes) != 0) {
            bytes++;
        }
        return bytes;
    }

    static int countZeros(MemorySegment memory, long start, long end) {
        int count = 0;
        long at = start;
        for (; end - at >= Long.BYTES; at += Long.BYTES) {
            count += Long.bitCount(zeroBytes(memory.get(LittleEndian.LONG, at)));
        }
        for (; at < end; at++) {
            count += memory.get(JAVA_BYTE, at) == 0 ? 1 : 0;
        }
        return count;
    }

    /** The highest bit of each byte that is zero. */
    private static long zeroBytes(long word) {
        return ~(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS);
    }
}
