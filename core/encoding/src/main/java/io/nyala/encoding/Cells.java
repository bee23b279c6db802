package io.nyala.encoding;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Cells of 1 to 16 bytes: read, copied, repeated. Stateless; positions are the caller's to check. */
final class Cells {
    static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Cells() {}

    /** The cell as a signed integer. */
    static long signed(MemorySegment source, long offset, int cellBytes) {
        return switch (cellBytes) {
            case 1 -> source.get(BYTE, offset);
            case 2 -> source.get(SHORT, offset);
            case 4 -> source.get(INT, offset);
            default -> source.get(LONG, offset);
        };
    }

    /** Stores the low bytes of {@code value}. */
    static void put(MemorySegment target, long offset, int cellBytes, long value) {
        switch (cellBytes) {
            case 1 -> target.set(BYTE, offset, (byte) value);
            case 2 -> target.set(SHORT, offset, (short) value);
            case 4 -> target.set(INT, offset, (int) value);
            default -> target.set(LONG, offset, value);
        }
    }

    /** Copies one cell of any size. */
    static void copy(MemorySegment source, long sourceOffset, MemorySegment target, long targetOffset, int cellBytes) {
        if (cellBytes == 16) {
            target.set(LONG, targetOffset, source.get(LONG, sourceOffset));
            target.set(LONG, targetOffset + 8, source.get(LONG, sourceOffset + 8));
        } else {
            put(target, targetOffset, cellBytes, signed(source, sourceOffset, cellBytes));
        }
    }

    /** Stores the cell at {@code source} {@code count} times. */
    static void fill(
            MemorySegment source,
            long sourceOffset,
            int cellBytes,
            MemorySegment target,
            long targetOffset,
            int count) {
        if (cellBytes == 16) {
            fill(source.get(LONG, sourceOffset), source.get(LONG, sourceOffset + 8), target, targetOffset, count);
        } else {
            fill(signed(source, sourceOffset, cellBytes), cellBytes, target, targetOffset, count);
        }
    }

    /** Stores the low bytes of {@code value} {@code count} times. */
    static void fill(long value, int cellBytes, MemorySegment target, long targetOffset, int count) {
        switch (cellBytes) {
            case 1 -> {
                for (int i = 0; i < count; i++) {
                    target.set(BYTE, targetOffset + i, (byte) value);
                }
            }
            case 2 -> {
                for (int i = 0; i < count; i++) {
                    target.set(SHORT, targetOffset + i * 2L, (short) value);
                }
            }
            case 4 -> {
                for (int i = 0; i < count; i++) {
                    target.set(INT, targetOffset + i * 4L, (int) value);
                }
            }
            default -> {
                for (int i = 0; i < count; i++) {
                    target.set(LONG, targetOffset + i * 8L, value);
                }
            }
        }
    }

    private static void fill(long low, long high, MemorySegment target, long targetOffset, int count) {
        for (int i = 0; i < count; i++) {
            target.set(LONG, targetOffset + i * 16L, low);
            target.set(LONG, targetOffset + i * 16L + 8, high);
        }
    }

    /** Stores the low bytes of 32-bit integers as cells of 1 or 2 bytes. */
    static void narrow(
            MemorySegment ints, long intsOffset, int cellBytes, int count, MemorySegment target, long targetOffset) {
        if (cellBytes == 1) {
            for (int i = 0; i < count; i++) {
                target.set(BYTE, targetOffset + i, (byte) ints.get(INT, intsOffset + i * 4L));
            }
        } else {
            for (int i = 0; i < count; i++) {
                target.set(SHORT, targetOffset + i * 2L, (short) ints.get(INT, intsOffset + i * 4L));
            }
        }
    }

    /** Whether two cells hold the same bits. */
    static boolean equal(MemorySegment segment, long offset, long other, int cellBytes) {
        if (cellBytes == 16) {
            return segment.get(LONG, offset) == segment.get(LONG, other)
                    && segment.get(LONG, offset + 8) == segment.get(LONG, other + 8);
        }
        return signed(segment, offset, cellBytes) == signed(segment, other, cellBytes);
    }

    /** Compares byte strings as unsigned bytes, the shorter first where one begins with the other. */
    static int compare(
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
}
