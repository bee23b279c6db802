package io.nyala.partition;

import io.nyala.rows.LittleEndian;
import io.nyala.rows.MalformedBytesException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Supplier;

/** Reads a format from front to back, and refuses what is not there or out of range, with its position. One thread. */
final class FormatInput {
    private final MemorySegment memory;
    private final long end;
    private long at;

    FormatInput(MemorySegment memory, long start, long bytes) {
        this.memory = memory;
        this.at = start;
        this.end = start + bytes;
        if (start < 0 || bytes < 0 || start > memory.byteSize() - bytes) {
            throw new MalformedBytesException(
                    bytes + " bytes at " + start + " of " + memory.byteSize() + " that were to be read", start);
        }
    }

    long at() {
        return at;
    }

    /** The number of the format, and what fills up behind it. */
    void expectFormat(String what, int expected) {
        int format = LittleEndian.unsignedShort(memory, advance("format of a " + what, Short.BYTES));
        if (format != expected) {
            throw new MalformedBytesException(
                    what + " format " + format + ", but this version of Nyala reads format " + expected,
                    at - Short.BYTES);
        }
        if (LittleEndian.unsignedShort(memory, advance("padding of a " + what, Short.BYTES)) != 0) {
            throw new MalformedBytesException("padding of a " + what + " is not zero", at - Short.BYTES);
        }
    }

    /** An unsigned 32-bit number between two, both included. */
    int number(String what, int min, int max) {
        long value = Integer.toUnsignedLong(bits(what));
        if (value < min || value > max) {
            throw new MalformedBytesException(
                    what + " is " + value + ", not between " + min + " and " + max, at - Integer.BYTES);
        }
        return (int) value;
    }

    /** Any 32 bits. */
    int bits(String what) {
        return LittleEndian.getInt(memory, advance(what, Integer.BYTES));
    }

    byte[] bytes(String what, int bytes) {
        return memory.asSlice(advance(what, bytes), bytes).toArray(ValueLayout.JAVA_BYTE);
    }

    private long advance(String what, int bytes) {
        if (end - at < bytes) {
            throw new MalformedBytesException(what + " of " + bytes + " bytes where " + (end - at) + " are left", at);
        }
        at += bytes;
        return at - bytes;
    }

    void expectEnd(String what) {
        if (at != end) {
            throw new MalformedBytesException((end - at) + " bytes follow " + what, at);
        }
    }

    /** What is made of bytes that began at a position, or what is wrong with it. */
    static <T> T checked(long start, Supplier<T> make) {
        try {
            return make.get();
        } catch (IllegalArgumentException e) {
            throw new MalformedBytesException(String.valueOf(e.getMessage()), start);
        }
    }
}
