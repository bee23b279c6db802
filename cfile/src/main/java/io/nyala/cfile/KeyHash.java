package io.nyala.cfile;

import java.lang.foreign.MemorySegment;

/**
 * The 64-bit hash of an encoded key that filters are made of. Part of the file format: it never changes, another would
 * be another {@link KeyFilter} version.
 *
 * <pre>{@code
 *   mix(a, b) = high 64 bits ^ low 64 bits of the 128-bit product a * b
 *
 *   h = S + bytes * A
 *   for each 8 bytes, as a little-endian number w:         h = mix(h ^ w, A) ^ rotateLeft(h, 32)
 *   for the 0 to 7 bytes left, zero-extended to a number w: h = mix(h ^ w, B)
 *   hash = mix(h, A)
 *
 *   A = 0x9E3779B97F4A7C15, B = 0xD6E8FEB86659FD93, S = 0xA0761D6478BD642F
 * }</pre>
 *
 * Stateless.
 */
final class KeyHash {
    private static final long A = 0x9E37_79B9_7F4A_7C15L;
    private static final long B = 0xD6E8_FEB8_6659_FD93L;
    private static final long S = 0xA076_1D64_78BD_642FL;

    private KeyHash() {}

    static long of(MemorySegment memory, long offset, long bytes) {
        long hash = S + bytes * A;
        long at = offset;
        long end = offset + bytes;
        for (; at + Long.BYTES <= end; at += Long.BYTES) {
            hash = mix(hash ^ memory.get(Cells.LONG, at), A) ^ Long.rotateLeft(hash, 32);
        }
        long rest = 0;
        for (int shift = 0; at < end; at++, shift += Byte.SIZE) {
            rest |= (long) Cells.u8(memory, at) << shift;
        }
        return mix(mix(hash ^ rest, B), A);
    }

    private static long mix(long a, long b) {
        return Math.unsignedMultiplyHigh(a, b) ^ a * b;
    }
}
