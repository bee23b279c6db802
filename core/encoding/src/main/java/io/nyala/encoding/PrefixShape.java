package io.nyala.encoding;

/**
 * How {@link PrefixVector} cuts a vector of byte strings: blocks of the size that takes the fewest bytes, and what each
 * string shares with the head of its block.
 *
 * <p>What two neighbours share is known from {@link BinaryShape}; what a string shares with its head is at least the
 * least of that between the two, and exactly that if the strings are sorted. So a size is tried by a pass over numbers.
 *
 * <p>A reusable part of {@link EncoderScratch}, for one thread.
 */
final class PrefixShape {
    private final int[] suffixBytes = new int[VectorFormat.VALUES_MAX];
    private final StringShape suffixes = new StringShape();
    private int count;
    private int blockBits;
    private int width;

    private BinaryShape strings;

    PrefixShape(BinaryShape strings) {
        this.strings = strings;
    }

    /** Cuts the strings in the best of the sizes; answers the bytes of the vector. */
    long take(BinaryShape strings) {
        this.strings = strings;
        count = strings.count();
        int best = PrefixVector.BLOCK_BITS_MIN;
        long least = Long.MAX_VALUE;
        for (int bits = PrefixVector.BLOCK_BITS_MIN; bits <= PrefixVector.BLOCK_BITS_MAX; bits++) {
            cut(bits);
            long bytes = PrefixVector.binaryBytes(this);
            if (bytes < least) {
                least = bytes;
                best = bits;
            }
        }
        cut(best);
        return least;
    }

    private void cut(int bits) {
        int most = 0;
        int shared = 0;
        for (int i = 0; i < count; i++) {
            boolean isHead = (i & ((1 << bits) - 1)) == 0;
            shared = isHead ? strings.source().bytes(i) : Math.min(shared, strings.shared(i));
            int prefix = isHead ? 0 : shared;
            suffixBytes[i] = strings.source().bytes(i) - prefix;
            most = Math.max(most, prefix);
        }
        blockBits = bits;
        width = PackedInts.width(most);
        suffixes.ofLengths(suffixBytes, count);
    }

    int count() {
        return count;
    }

    int blockBits() {
        return blockBits;
    }

    /** Bits of a prefix. */
    int width() {
        return width;
    }

    int prefix(int index) {
        return strings.source().bytes(index) - suffixBytes[index];
    }

    StringShape suffixes() {
        return suffixes;
    }
}
