package io.nyala.partition;

/**
 * MurmurHash2, the 64-bit variant A, by which Kudu spreads rows over buckets; fed in words of up to eight bytes, so
 * that what is hashed need not lie in one piece.
 *
 * <pre>{@code
 *   held    63..56   55..0
 *           +-------+-----------------------------+
 *           | bytes | those bytes, first one low  |     what did not fill a word of eight yet: 0 to 7 bytes
 *           +-------+-----------------------------+
 * }</pre>
 *
 * <p>Example, the bytes {@code 7ffffffb610062} with seed 7: {@code deaec02be3d16b1b}.
 *
 * <p>Stateless: the state is two {@code long}s, {@code hash} and {@code held}, that the caller hands on.
 */
final class Murmur2 {
    private static final long M = 0xC6A4_A793_5BD1_E995L;
    private static final int R = 47;
    private static final int COUNT_SHIFT = 56;
    private static final long BYTES_MASK = (1L << COUNT_SHIFT) - 1;

    private Murmur2() {}

    /** The hash before the first byte. The seed is unsigned; {@code bytes} are how many will come in all. */
    static long start(int seed, int bytes) {
        return Integer.toUnsignedLong(seed) ^ (bytes * M);
    }

    /**
     * The hash after one to eight bytes more.
     *
     * @param word the bytes, the first one lowest; zero above them
     */
    static long absorb(long hash, long held, long word, int bytes) {
        assert isClean(word, bytes) : Long.toHexString(word) + " of " + bytes + " bytes";
        int count = (int) (held >>> COUNT_SHIFT);
        if (count + bytes < Long.BYTES) {
            return hash;
        }
        long full = (held & BYTES_MASK) | word << (count * Byte.SIZE);
        return (hash ^ mix(full)) * M;
    }

    /** What is held after the same bytes. */
    static long hold(long held, long word, int bytes) {
        int count = (int) (held >>> COUNT_SHIFT);
        int total = count + bytes;
        if (total < Long.BYTES) {
            return (held & BYTES_MASK) | word << (count * Byte.SIZE) | (long) total << COUNT_SHIFT;
        }
        int rest = total - Long.BYTES;
        return rest == 0 ? 0 : word >>> ((bytes - rest) * Byte.SIZE) | (long) rest << COUNT_SHIFT;
    }

    /** The hash of all bytes. */
    static long finish(long hash, long held) {
        long result = held == 0 ? hash : (hash ^ (held & BYTES_MASK)) * M;
        result = (result ^ (result >>> R)) * M;
        return result ^ (result >>> R);
    }

    /** Of bytes in one piece, for the control plane. */
    static long hash(byte[] bytes, int seed) {
        long hash = start(seed, bytes.length);
        long held = 0;
        for (byte b : bytes) {
            hash = absorb(hash, held, b & 0xff, Byte.BYTES);
            held = hold(held, b & 0xff, Byte.BYTES);
        }
        return finish(hash, held);
    }

    private static long mix(long word) {
        long mixed = word * M;
        return (mixed ^ (mixed >>> R)) * M;
    }

    private static boolean isClean(long word, int bytes) {
        return bytes == Long.BYTES || (bytes > 0 && bytes < Long.BYTES && word >>> (bytes * Byte.SIZE) == 0);
    }
}
