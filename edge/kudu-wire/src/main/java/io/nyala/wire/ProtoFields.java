package io.nyala.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The fields of one message of Protocol Buffers in memory, one after the other, without an object for any of them.
 *
 * <pre>{@code
 * fields.start(memory, offset, bytes);
 * while (fields.next()) {
 *     switch (fields.number()) {
 *         case 1 -> id = fields.varint();
 *         case 2 -> { at = fields.valueOffset(); count = fields.valueBytes(); }
 *     }
 * }
 * }</pre>
 *
 * <p>A field that the caller does not ask for is skipped. Nothing outside of the message is read, whatever its bytes.
 * One thread.
 */
final class ProtoFields {
    /** Kinds of values, as they stand in a tag. */
    static final int VARINT = 0;

    static final int FIXED64 = 1;
    static final int BYTES = 2;
    static final int FIXED32 = 5;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int KIND_BITS = 3;
    private static final int VARINT_BITS = 7;

    private final String message;
    private MemorySegment memory = MemorySegment.NULL;
    private long start;
    private long at;
    private long end;
    private int number;
    private int kind;
    private long value;
    private long valueOffset;

    /** @param message its name, for errors */
    ProtoFields(String message) {
        this.message = message;
    }

    /** Goes to the first field of a message, which lies within the memory. */
    void start(MemorySegment newMemory, long offset, long bytes) {
        memory = newMemory;
        start = offset;
        at = offset;
        end = offset + bytes;
        assert offset >= 0 && bytes >= 0 && end <= newMemory.byteSize() : bytes + " bytes at " + offset;
    }

    /** Goes to the next field; false at the end of the message. */
    boolean next() {
        if (at == end) {
            return false;
        }
        long tag = readVarint();
        number = (int) (tag >>> KIND_BITS);
        kind = (int) tag & (1 << KIND_BITS) - 1;
        if (tag >>> Integer.SIZE != 0 || number == 0) {
            throw malformed("a field without number");
        }
        switch (kind) {
            case VARINT -> value = readVarint();
            case FIXED64 -> {
                valueOffset = take(Long.BYTES);
                value = memory.get(LONG, valueOffset);
            }
            case FIXED32 -> take(Integer.BYTES);
            case BYTES -> {
                value = readVarint();
                valueOffset = take(value);
            }
            default -> throw malformed("field " + number + " of the unknown kind " + kind);
        }
        return true;
    }

    private long readVarint() {
        long result = 0;
        for (int shift = 0; shift < Long.SIZE; shift += VARINT_BITS) {
            byte next = memory.get(JAVA_BYTE, take(1));
            result |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return result;
            }
        }
        throw malformed("a number of more than ten bytes");
    }

    private long take(long bytes) {
        if (bytes < 0 || bytes > end - at) {
            throw malformed("it ends within a field");
        }
        long taken = at;
        at += bytes;
        return taken;
    }

    int number() {
        return number;
    }

    boolean is(int fieldNumber, int fieldKind) {
        return number == fieldNumber && kind == fieldKind;
    }

    /** Of a number. */
    long value() {
        return value;
    }

    /** Where the value begins, of a field of the kind {@link #BYTES}. */
    long valueOffset() {
        assert kind == BYTES : "kind " + kind;
        return valueOffset;
    }

    long valueBytes() {
        assert kind == BYTES : "kind " + kind;
        return value;
    }

    private WireException malformed(String what) {
        return new WireException(
                WireException.Fault.REQUEST,
                "malformed " + message + ": " + what + ", at byte " + (at - start) + " of " + (end - start));
    }
}
