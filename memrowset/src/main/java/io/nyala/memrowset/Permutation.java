package io.nyala.memrowset;

/**
 * The order of a node's entries, and how many there are, in one {@code long}: what makes an insertion visible is one
 * store of it.
 *
 * <pre>{@code
 *   bit   0       4        8        12                    60      64
 *         +-------+--------+--------+------- - - - -------+--------+
 *         | count | slot 0 | slot 1 | ...                 | slot 14|     slot i: where the entry at position i lies
 *         +-------+--------+--------+------- - - - -------+--------+
 * }</pre>
 *
 * <p>Positions from {@code count} on hold the free slots, so that the word always is a permutation of all 15. Example,
 * three entries of which the second came last: {@code 0xEDCBA9876543_120_3}. Pure functions.
 */
final class Permutation {
    static final int ENTRIES_MAX = 15;

    /** No entries; slots are taken in the order of their numbers. */
    static final long EMPTY = 0xEDCB_A987_6543_2100L;

    private static final int SLOT_BITS = 4;
    private static final long SLOT_MASK = 15;

    private Permutation() {}

    static int count(long permutation) {
        return (int) (permutation & SLOT_MASK);
    }

    /** The slot at a position; behind the last entry it is the next free one. */
    static int slot(long permutation, int position) {
        assert 0 <= position && position < ENTRIES_MAX : "position " + position;
        return (int) ((permutation >>> ((position + 1) * SLOT_BITS)) & SLOT_MASK);
    }

    /** With the first free slot moved to {@code position}. */
    static long insert(long permutation, int position) {
        int count = count(permutation);
        assert 0 <= position && position <= count && count < ENTRIES_MAX : position + " of " + count;
        long below = below(position + 1);
        long upToFree = below(count + 1);
        long moved = (permutation & upToFree & ~below) << SLOT_BITS;
        long free = (long) slot(permutation, count) << ((position + 1) * SLOT_BITS);
        long behind = permutation & ~below(count + 2);
        return ((permutation & below) | free | moved | behind) + 1;
    }

    /** With only the first {@code count} entries; the slots of the others are free, the next one first. */
    static long truncate(long permutation, int count) {
        assert 0 <= count && count <= count(permutation) : count + " of " + count(permutation);
        return (permutation & ~SLOT_MASK) | count;
    }

    /** Whether every slot occurs exactly once. */
    static boolean isValid(long permutation) {
        int seen = 0;
        for (int position = 0; position < ENTRIES_MAX; position++) {
            seen |= 1 << slot(permutation, position);
        }
        return seen == (1 << ENTRIES_MAX) - 1;
    }

    /** Ones in the lowest {@code nibbles} nibbles, of 16. */
    private static long below(int nibbles) {
        return nibbles == Long.SIZE / SLOT_BITS ? -1L : (1L << (nibbles * SLOT_BITS)) - 1;
    }
}
