package io.nyala.rows;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.Zeros;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * Primary keys as bytes whose order, compared as unsigned bytes, is the order of the keys; byte for byte what Kudu
 * makes of them.
 *
 * <pre>{@code
 *   column 0 | column 1 | ... | last column of the key
 *
 *   integer, decimal, date, timestamp    big-endian, sign bit flipped
 *   string, binary, varchar              00 becomes 00 01, then 00 00 as an end; as the last: the bytes as they are
 * }</pre>
 *
 * <p>Example, {@code (INT32 -5, STRING "a\0b", INT64 7)}: {@code 7ffffffb | 61 0001 62 0000 | 8000000000000007}.
 *
 * <p>Immutable and shared; nothing allocates but what is said to.
 */
public final class KeyCodec {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final VarHandle ARRAY_LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN)
            .withInvokeExactBehavior();

    /** Of a key that cannot be decoded, in messages. */
    private static final int DESCRIBED_BYTES_MAX = 32;

    private final RowLayout layout;
    private final int keyColumnCount;

    public KeyCodec(RowLayout layout) {
        this.layout = layout;
        this.keyColumnCount = layout.schema().keyColumnCount();
    }

    public RowLayout layout() {
        return layout;
    }

    /** Encodes the key of a packed row; answers the bytes written. */
    public int encode(MemorySegment memory, long row, MemorySegment target, long targetOffset) {
        long at = targetOffset;
        for (int i = 0; i < keyColumnCount; i++) {
            long cell = row + layout.cellOffset(i);
            switch (layout.type(i)) {
                case INT8 -> at = putByte(target, at, memory.get(JAVA_BYTE, cell) ^ 0x80);
                case INT16 -> at = putShort(target, at, (short) (memory.get(LittleEndian.SHORT, cell) ^ 0x8000));
                case INT32, DECIMAL32, DATE ->
                    at = putInt(target, at, memory.get(LittleEndian.INT, cell) ^ Integer.MIN_VALUE);
                case INT64, DECIMAL64, UNIXTIME_MICROS ->
                    at = putLong(target, at, memory.get(LittleEndian.LONG, cell) ^ Long.MIN_VALUE);
                case DECIMAL128 -> {
                    at = putLong(target, at, memory.get(LittleEndian.LONG, cell + Long.BYTES) ^ Long.MIN_VALUE);
                    at = putLong(target, at, memory.get(LittleEndian.LONG, cell));
                }
                case STRING, BINARY, VARCHAR -> {
                    long value = row + layout.variableOffset(memory, row, i);
                    int bytes = layout.variableBytes(memory, row, i);
                    at = i == keyColumnCount - 1
                            ? putRaw(memory, value, bytes, target, at)
                            : putEscaped(memory, value, bytes, target, at);
                }
                case BOOL, FLOAT, DOUBLE -> throw new AssertionError(layout.type(i) + " in a key");
            }
        }
        return (int) (at - targetOffset);
    }

    /** The most bytes that {@link #encode} may write for this row; exact if no string but the last has a zero byte. */
    public int encodedBytesMax(MemorySegment memory, long row) {
        int bytes = 0;
        for (int i = 0; i < keyColumnCount; i++) {
            if (!layout.isVariable(i)) {
                bytes += layout.cellBytes(i);
            } else if (i == keyColumnCount - 1) {
                bytes += layout.variableBytes(memory, row, i);
            } else {
                bytes += 2 * layout.variableBytes(memory, row, i) + 2;
            }
        }
        return bytes;
    }

    private static long putByte(MemorySegment target, long at, int value) {
        target.set(JAVA_BYTE, at, (byte) value);
        return at + Byte.BYTES;
    }

    private static long putShort(MemorySegment target, long at, short value) {
        target.set(SHORT, at, value);
        return at + Short.BYTES;
    }

    private static long putInt(MemorySegment target, long at, int value) {
        target.set(INT, at, value);
        return at + Integer.BYTES;
    }

    private static long putLong(MemorySegment target, long at, long value) {
        target.set(LONG, at, value);
        return at + Long.BYTES;
    }

    private static long putRaw(MemorySegment memory, long value, int bytes, MemorySegment target, long at) {
        MemorySegment.copy(memory, value, target, at, bytes);
        return at + bytes;
    }

    private static long putEscaped(MemorySegment memory, long value, int bytes, MemorySegment target, long at) {
        long next = at;
        for (int i = 0; i < bytes; i++) {
            byte b = memory.get(JAVA_BYTE, value + i);
            target.set(JAVA_BYTE, next++, b);
            if (b == 0) {
                target.set(JAVA_BYTE, next++, (byte) 1);
            }
        }
        target.set(SHORT, next, (short) 0);
        return next + Short.BYTES;
    }

    /**
     * Decodes a key into a packed row whose other cells are zero or empty; answers the row's bytes, at most {@link
     * #decodedBytesMax}.
     *
     * @throws MalformedBytesException if the bytes are not a key of this schema
     */
    public int decode(MemorySegment memory, long key, int keyBytes, MemorySegment target, long row) {
        Zeros.fill(target, row, layout.fixedBytes());
        long end = key + keyBytes;
        long at = key;
        int rowBytes = layout.fixedBytes();
        for (int i = 0; i < keyColumnCount; i++) {
            long cell = row + layout.cellOffset(i);
            if (layout.isVariable(i)) {
                boolean isLast = i == keyColumnCount - 1;
                long next = isLast ? end : endOfEscaped(memory, at, end);
                int bytes = isLast
                        ? putRawBack(memory, at, end, target, row + rowBytes)
                        : unescape(memory, at, next, target, row + rowBytes);
                layout.setVariable(target, row, i, rowBytes, bytes);
                rowBytes += bytes;
                at = next;
                continue;
            }
            int bytes = layout.cellBytes(i);
            if (end - at < bytes) {
                throw new MalformedBytesException(
                        "the key ends within " + layout.schema().column(i).describe(), at);
            }
            decodeFixed(memory, at, bytes, target, cell);
            at += bytes;
        }
        if (at != end) {
            throw new MalformedBytesException((end - at) + " bytes follow the key", at);
        }
        for (int n = 0; n < layout.variableColumnCount(); n++) {
            int column = layout.variableColumn(n);
            if (column >= keyColumnCount) {
                layout.setVariable(target, row, column, rowBytes, 0);
            }
        }
        return rowBytes;
    }

    /**
     * Guards a key that came from elsewhere.
     *
     * @throws MalformedBytesException if the bytes are not a key of this schema
     */
    public void check(MemorySegment memory, long key, int keyBytes) {
        long end = key + keyBytes;
        long at = key;
        for (int i = 0; i < keyColumnCount; i++) {
            if (!layout.isVariable(i)) {
                at += layout.cellBytes(i);
            } else {
                at = i == keyColumnCount - 1 ? Math.max(at, end) : endOfEscaped(memory, at, end);
            }
            if (at > end) {
                throw new MalformedBytesException(
                        "a key of " + keyBytes + " bytes ends within "
                                + layout.schema().column(i).describe(),
                        key);
            }
        }
        if (at != end) {
            throw new MalformedBytesException((end - at) + " bytes follow the key", at);
        }
    }

    /** The most bytes of the packed row that {@link #decode} writes. */
    public int decodedBytesMax(int keyBytes) {
        return layout.fixedBytes() + keyBytes;
    }

    private static void decodeFixed(MemorySegment memory, long at, int bytes, MemorySegment target, long cell) {
        switch (bytes) {
            case Byte.BYTES -> target.set(JAVA_BYTE, cell, (byte) (memory.get(JAVA_BYTE, at) ^ 0x80));
            case Short.BYTES -> target.set(LittleEndian.SHORT, cell, (short) (memory.get(SHORT, at) ^ 0x8000));
            case Integer.BYTES -> target.set(LittleEndian.INT, cell, memory.get(INT, at) ^ Integer.MIN_VALUE);
            case Long.BYTES -> target.set(LittleEndian.LONG, cell, memory.get(LONG, at) ^ Long.MIN_VALUE);
            default -> {
                target.set(LittleEndian.LONG, cell + Long.BYTES, memory.get(LONG, at) ^ Long.MIN_VALUE);
                target.set(LittleEndian.LONG, cell, memory.get(LONG, at + Long.BYTES));
            }
        }
    }

    private static int putRawBack(MemorySegment memory, long at, long end, MemorySegment target, long targetOffset) {
        MemorySegment.copy(memory, at, target, targetOffset, end - at);
        return (int) (end - at);
    }

    /** Behind the 00 00. */
    private static long endOfEscaped(MemorySegment memory, long start, long end) {
        for (long at = start; at + 1 < end; at++) {
            if (memory.get(JAVA_BYTE, at) == 0) {
                byte next = memory.get(JAVA_BYTE, at + 1);
                if (next == 0) {
                    return at + 2;
                }
                if (next != 1) {
                    throw new MalformedBytesException("00 in a key is followed by 00 or 01, not by " + next, at + 1);
                }
                at++;
            }
        }
        throw new MalformedBytesException("a string in a key does not end with 00 00", start);
    }

    private static int unescape(MemorySegment memory, long start, long next, MemorySegment target, long targetOffset) {
        long to = targetOffset;
        for (long at = start; at < next - 2; at++) {
            byte b = memory.get(JAVA_BYTE, at);
            target.set(JAVA_BYTE, to++, b);
            if (b == 0) {
                at++;
            }
        }
        return (int) (to - targetOffset);
    }

    /** A key for messages, as {@code (id=7, name=a)}; bytes that are not a whole key in hexadecimal. Allocates. */
    public String describe(byte[] key) {
        MemorySegment row = MemorySegment.ofArray(new byte[decodedBytesMax(key.length)]);
        try {
            decode(MemorySegment.ofArray(key), 0, key.length, row, 0);
            return layout.describeKey(row, 0);
        } catch (MalformedBytesException _) {
            int shown = Math.min(key.length, DESCRIBED_BYTES_MAX);
            return "0x" + HexFormat.of().formatHex(key, 0, shown) + (shown < key.length ? "..." : "");
        }
    }

    /** As unsigned bytes: negative, zero or positive. A key that is a prefix of the other one comes first. */
    public static int compare(
            MemorySegment left, long leftKey, int leftBytes, MemorySegment right, long rightKey, int rightBytes) {
        int common = Math.min(leftBytes, rightBytes);
        int at = 0;
        for (; at + Long.BYTES <= common; at += Long.BYTES) {
            long a = left.get(LONG, leftKey + at);
            long b = right.get(LONG, rightKey + at);
            if (a != b) {
                return Long.compareUnsigned(a, b);
            }
        }
        for (; at < common; at++) {
            int difference =
                    LittleEndian.unsignedByte(left, leftKey + at) - LittleEndian.unsignedByte(right, rightKey + at);
            if (difference != 0) {
                return difference;
            }
        }
        return leftBytes - rightBytes;
    }

    /** As {@link #compare}, with an array: a heap segment in the place of a native one would make both slow. */
    public static int compare(MemorySegment memory, long offset, int bytes, byte[] value) {
        int common = Math.min(bytes, value.length);
        int at = 0;
        for (; at + Long.BYTES <= common; at += Long.BYTES) {
            long a = memory.get(LONG, offset + at);
            long b = (long) ARRAY_LONG.get(value, at);
            if (a != b) {
                return Long.compareUnsigned(a, b);
            }
        }
        for (; at < common; at++) {
            int difference = LittleEndian.unsignedByte(memory, offset + at) - (value[at] & 0xff);
            if (difference != 0) {
                return difference;
            }
        }
        return bytes - value.length;
    }

    /** The first 8 bytes, zero-padded: if unsigned prefixes differ, the keys compare as they do. */
    public static long prefix(MemorySegment memory, long key, int keyBytes) {
        if (keyBytes >= Long.BYTES) {
            return memory.get(LONG, key);
        }
        long prefix = 0;
        for (int i = 0; i < keyBytes; i++) {
            prefix |= (memory.get(JAVA_BYTE, key + i) & 0xffL) << (Long.SIZE - Byte.SIZE * (i + 1));
        }
        return prefix;
    }

    /** As {@link #prefix(MemorySegment, long, int)}, of an array. */
    public static long prefix(byte[] key) {
        if (key.length >= Long.BYTES) {
            return (long) ARRAY_LONG.get(key, 0);
        }
        long prefix = 0;
        for (int i = 0; i < key.length; i++) {
            prefix |= (key[i] & 0xffL) << (Long.SIZE - Byte.SIZE * (i + 1));
        }
        return prefix;
    }

    /**
     * Encodes a key, or the beginning of one, from Java values, one per key column; for the control plane. Allocates.
     *
     * @throws IllegalArgumentException if a column cannot hold its value
     */
    public byte[] encodeValues(Object... values) {
        if (values.length > keyColumnCount) {
            throw new IllegalArgumentException(values.length + " values for a key of " + keyColumnCount + " columns");
        }
        List<CellValue> cells = new ArrayList<>();
        for (int i = 0; i < values.length; i++) {
            cells.add(CellValue.of(layout.schema().column(i), values[i]));
        }
        return encodePrefix(cells);
    }

    /** Encodes the beginning of a key. Allocates. */
    byte[] encodePrefix(List<CellValue> cells) {
        int bytesMax = 0;
        for (CellValue cell : cells) {
            bytesMax += 2 * cell.bytes() + 2;
        }
        MemorySegment target = MemorySegment.ofArray(new byte[bytesMax]);
        long at = 0;
        for (int i = 0; i < cells.size(); i++) {
            byte[] raw = cells.get(i).raw();
            MemorySegment cell = MemorySegment.ofArray(raw);
            if (layout.isVariable(i)) {
                at = i == keyColumnCount - 1
                        ? putRaw(cell, 0, raw.length, target, at)
                        : putEscaped(cell, 0, raw.length, target, at);
            } else {
                for (int b = raw.length - 1; b >= 0; b--) {
                    at = putByte(target, at, b == raw.length - 1 ? raw[b] ^ 0x80 : raw[b]);
                }
            }
        }
        return target.asSlice(0, at).toArray(JAVA_BYTE);
    }
}
