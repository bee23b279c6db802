package io.nyala.encoding;

import java.util.Arrays;

/**
 * A hash table from values to codes for one vector: open addressing, at most half full. It holds codes only; what a
 * code stands for is the row at which it was first seen, and equality is the caller's to decide.
 *
 * <p>A reusable part of {@link EncoderScratch}, for one thread.
 */
final class DistinctTable {
    /** After so many look-ups the share of new values is judged, see {@link #looksHopeless}. */
    private static final int SAMPLE = 256;

    private static final int SLOT_BITS = 11;
    private static final int SLOTS = 1 << SLOT_BITS;

    private final int[] codes = new int[SLOTS];
    private final int[] rows = new int[VectorFormat.VALUES_MAX];
    private int count;

    static {
        assert SLOTS == 2 * VectorFormat.VALUES_MAX : "the table is at most half full, so a probe ends";
    }

    void clear() {
        Arrays.fill(codes, 0);
        count = 0;
    }

    /** The slot at which the search for {@code hash} begins. */
    static int slot(long hash) {
        return (int) ((hash * 0x9E37_79B9_7F4A_7C15L) >>> (Long.SIZE - SLOT_BITS));
    }

    static int next(int slot) {
        return (slot + 1) & (SLOTS - 1);
    }

    /** The code in {@code slot}, or -1 if it is free. */
    int code(int slot) {
        return codes[slot] - 1;
    }

    /** Puts a new value, first seen at {@code row}, into a free slot; answers its code. */
    int add(int slot, int row) {
        assert codes[slot] == 0 : "slot " + slot + " is taken";
        rows[count] = row;
        codes[slot] = ++count;
        return count - 1;
    }

    int count() {
        return count;
    }

    /** For each code the row at which it was first seen. */
    int[] rows() {
        return rows;
    }

    /** Whether so many of the values seen so far were new that a dictionary can hardly pay. */
    boolean looksHopeless(int seen) {
        return seen == SAMPLE && count > SAMPLE - SAMPLE / 4;
    }
}
