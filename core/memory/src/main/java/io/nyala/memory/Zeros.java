package io.nyala.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Fills native memory with zeros without a view of it: {@code asSlice(...).fill(0)} makes a segment of 40 bytes, which
 * is garbage wherever the compiler does not see through {@code fill}, and whether it does changes from process to
 * process. Stateless.
 */
public final class Zeros {
    private static final long WORDS_BYTES_MAX = 64; // Up to here, stores cost less than a call.
    private static final MemorySegment SOURCE = Arena.global().allocate(4096, Long.BYTES);

    private Zeros() {}

    /** Sets these bytes to zero. Offsets need no alignment. */
    public static void fill(MemorySegment memory, long offset, long bytes) {
        if (bytes <= WORDS_BYTES_MAX) {
            fillWords(memory, offset, offset + bytes);
            return;
        }
        long end = offset + bytes;
        for (long at = offset; at < end; at += SOURCE.byteSize()) {
            MemorySegment.copy(SOURCE, 0, memory, at, Math.min(SOURCE.byteSize(), end - at));
        }
    }

    private static void fillWords(MemorySegment memory, long offset, long end) {
        long at = offset;
        for (; at <= end - Long.BYTES; at += Long.BYTES) {
            memory.set(ValueLayout.JAVA_LONG_UNALIGNED, at, 0);
        }
        for (; at < end; at++) {
            memory.set(ValueLayout.JAVA_BYTE, at, (byte) 0);
        }
    }
}
