package io.nyala.rows;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * What an operation did to a row once that was decided: what the log carries, and what is applied to memory, at once
 * or in a replay. Little-endian.
 *
 * <pre>{@code
 *   0      1      2          4           8
 *   +------+------+----------+-----------+-----+------+-----------------------+
 *   | kind | zero | keyBytes | bodyBytes | key | body | zero to multiple of 8 |
 *   +------+------+----------+-----------+-----+------+-----------------------+
 *     u8     u8      u16         u32
 *
 *   INSERT = 1     body: packed row; there was no row with this key
 *   UPDATE = 2     body: RowChange of kind UPDATE; the row was live
 *   DELETE = 3     no body; the row was live
 *   REINSERT = 4   body: packed row; there was a deleted row with this key in the same MemRowSet
 * }</pre>
 *
 * <p>Example, DELETE of key {@code 80000007}: {@code 03 00 0400 00000000 | 80000007 | 00000000}.
 *
 * <p>Stateless; {@code (memory, effect)} is the pointer. A sequence of effects starts 8-byte aligned by convention,
 * not by need.
 */
public final class Effect {
    public static final int INSERT = 1;

    public static final int UPDATE = 2;

    public static final int DELETE = 3;

    public static final int REINSERT = 4;

    private static final int HEADER_BYTES = 8;
    private static final int ALIGNMENT = 8;
    private static final int KEY_BYTES = 2;
    private static final int BODY_BYTES = 4;

    private Effect() {}

    public static int kind(MemorySegment memory, long effect) {
        return LittleEndian.unsignedByte(memory, effect);
    }

    public static long keyOffset(long effect) {
        return effect + HEADER_BYTES;
    }

    public static int keyBytes(MemorySegment memory, long effect) {
        return LittleEndian.unsignedShort(memory, effect + KEY_BYTES);
    }

    /** Where the packed row or the change begins. */
    public static long bodyOffset(MemorySegment memory, long effect) {
        return effect + HEADER_BYTES + keyBytes(memory, effect);
    }

    public static int bodyBytes(MemorySegment memory, long effect) {
        return LittleEndian.getInt(memory, effect + BODY_BYTES);
    }

    /** All of the effect: the next one begins behind it. */
    public static int bytes(MemorySegment memory, long effect) {
        return aligned(HEADER_BYTES + keyBytes(memory, effect) + bodyBytes(memory, effect));
    }

    /** The most bytes that any effect of an operation has. */
    public static int bytesMax(MemorySegment memory, long operation, int columnCount) {
        return aligned(HEADER_BYTES
                + RowChange.HEADER_BYTES
                + RowChange.CELL_HEADER_BYTES * columnCount
                + OperationFormat.keyBytes(memory, operation)
                + OperationFormat.rowBytes(memory, operation));
    }

    /** Writes the INSERT that an operation decided to be one is; answers its bytes. */
    public static int writeInsert(MemorySegment memory, long operation, MemorySegment target, long effect) {
        return writeRow(INSERT, memory, operation, target, effect);
    }

    /** Writes the REINSERT that an operation decided to be one is; answers its bytes. */
    public static int writeReinsert(MemorySegment memory, long operation, MemorySegment target, long effect) {
        return writeRow(REINSERT, memory, operation, target, effect);
    }

    private static int writeRow(int kind, MemorySegment memory, long operation, MemorySegment target, long effect) {
        long at = writeKey(memory, operation, target, effect);
        int rowBytes = OperationFormat.rowBytes(memory, operation);
        MemorySegment.copy(memory, OperationFormat.rowOffset(memory, operation), target, at, rowBytes);
        return finish(kind, rowBytes, target, effect);
    }

    /**
     * Writes the UPDATE of the columns that an operation sets, but for those of the key and immutable ones, which may
     * be none; answers its bytes.
     */
    public static int writeUpdate(
            RowLayout layout, MemorySegment memory, long operation, MemorySegment target, long effect) {
        long change = writeKey(memory, operation, target, effect);
        long row = OperationFormat.rowOffset(memory, operation);
        long cell = RowChange.startUpdate(target, change, OperationFormat.changeCount(memory, operation, layout));
        for (int i = layout.schema().keyColumnCount(); i < layout.columnCount(); i++) {
            if (OperationFormat.isSet(memory, operation, i) && !layout.isImmutable(i)) {
                cell = RowChange.writeCell(layout, memory, row, i, target, cell);
            }
        }
        return finish(UPDATE, (int) (cell - change), target, effect);
    }

    /** Writes the DELETE of an operation's key; answers its bytes. */
    public static int writeDelete(MemorySegment memory, long operation, MemorySegment target, long effect) {
        writeKey(memory, operation, target, effect);
        return finish(DELETE, 0, target, effect);
    }

    private static long writeKey(MemorySegment memory, long operation, MemorySegment target, long effect) {
        int keyBytes = OperationFormat.keyBytes(memory, operation);
        LittleEndian.setShort(target, effect + KEY_BYTES, keyBytes);
        MemorySegment.copy(
                memory, OperationFormat.keyOffset(memory, operation), target, effect + HEADER_BYTES, keyBytes);
        return effect + HEADER_BYTES + keyBytes;
    }

    private static int finish(int kind, int bodyBytes, MemorySegment target, long effect) {
        LittleEndian.setByte(target, effect, kind);
        LittleEndian.setByte(target, effect + 1, 0);
        LittleEndian.setInt(target, effect + BODY_BYTES, bodyBytes);
        int bytes = HEADER_BYTES + keyBytes(target, effect) + bodyBytes;
        for (int i = bytes; i < aligned(bytes); i++) {
            LittleEndian.setByte(target, effect + i, 0);
        }
        return aligned(bytes);
    }

    private static int aligned(int bytes) {
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }

    /**
     * Guards an effect that came from elsewhere; answers its bytes.
     *
     * @param end behind which nothing may be read
     * @throws MalformedBytesException if there is none that fits the schema
     */
    public static int check(KeyCodec keys, MemorySegment memory, long effect, long end) {
        RowLayout layout = keys.layout();
        if (effect < 0 || end > memory.byteSize() || end - effect < HEADER_BYTES) {
            throw new MalformedBytesException("an effect has at least 8 bytes, there are " + (end - effect), effect);
        }
        if (LittleEndian.unsignedByte(memory, effect + 1) != 0) {
            throw new MalformedBytesException("padding of an effect is not zero", effect + 1);
        }
        int keyBytes = keyBytes(memory, effect);
        long bodyBytes = Integer.toUnsignedLong(bodyBytes(memory, effect));
        long bytes = HEADER_BYTES + keyBytes + bodyBytes;
        long aligned = (bytes + ALIGNMENT - 1) & -ALIGNMENT;
        if (keyBytes > Limits.KEY_BYTES_MAX || aligned > end - effect) {
            throw new MalformedBytesException(
                    "an effect of " + keyBytes + " bytes of key and " + bodyBytes + " of body does not fit in "
                            + (end - effect),
                    effect);
        }
        for (long at = effect + bytes; at < effect + aligned; at++) {
            if (LittleEndian.unsignedByte(memory, at) != 0) {
                throw new MalformedBytesException("padding of an effect is not zero", at);
            }
        }
        keys.check(memory, effect + HEADER_BYTES, keyBytes);
        long body = effect + HEADER_BYTES + keyBytes;
        switch (kind(memory, effect)) {
            case INSERT, REINSERT -> layout.check(memory, body, bodyBytes);
            case UPDATE -> {
                RowChange.check(layout, memory, body, bodyBytes);
                if (RowChange.kind(memory, body) != RowChange.UPDATE) {
                    throw new MalformedBytesException("the change of an UPDATE is not one", body);
                }
            }
            case DELETE -> {
                if (bodyBytes != 0) {
                    throw new MalformedBytesException("a DELETE has no body, this one " + bodyBytes, effect);
                }
            }
            default -> throw new MalformedBytesException("no effect has the kind " + kind(memory, effect), effect);
        }
        return (int) aligned;
    }

    /** Explains an effect, which must have passed {@link #check}; answers its bytes. */
    public static int annotate(RowLayout layout, MemorySegment memory, long effect, Notes notes) {
        int kind = kind(memory, effect);
        String name =
                switch (kind) {
                    case INSERT -> "INSERT";
                    case UPDATE -> "UPDATE";
                    case DELETE -> "DELETE";
                    default -> "REINSERT";
                };
        notes.section(name);
        notes.note(effect, 2, "effect: " + name);
        notes.note(effect + KEY_BYTES, Short.BYTES, "key bytes: " + keyBytes(memory, effect));
        notes.note(effect + BODY_BYTES, Integer.BYTES, "body bytes: " + bodyBytes(memory, effect));
        notes.note(keyOffset(effect), keyBytes(memory, effect), "key");
        long body = bodyOffset(memory, effect);
        if (kind == UPDATE) {
            RowChange.annotate(layout, memory, body, notes);
        } else if (kind != DELETE) {
            layout.annotate(memory, body, notes);
        }
        int bytes = bytes(memory, effect);
        int padding = (int) (effect + bytes - body - bodyBytes(memory, effect));
        if (padding > 0) {
            notes.note(effect + bytes - padding, padding, "zero");
        }
        notes.endSection();
        return bytes;
    }
}
