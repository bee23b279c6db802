package io.nyala.cfile;

import io.nyala.memory.Check;
import java.util.Arrays;

/**
 * Which vectors of a file a scan has to look at: all at first, fewer with each predicate that is asked of the zones.
 * Vectors are the same rows in every column, pages are not, so this is what columns can agree on.
 *
 * <p>For one thread.
 */
public final class VectorSelection {
    private final long[] words;
    private final int vectorCount;

    /** Selects all vectors of so many rows. */
    public VectorSelection(long rowCount) {
        Check.notNegative("rowCount", rowCount);
        vectorCount = Math.toIntExact((rowCount + ColumnSpec.VECTOR_ROWS - 1) / ColumnSpec.VECTOR_ROWS);
        words = new long[(vectorCount + 63) / 64];
        Arrays.fill(words, -1);
        if (vectorCount % 64 != 0) {
            words[words.length - 1] = (1L << vectorCount) - 1;
        }
    }

    public int vectorCount() {
        return vectorCount;
    }

    public boolean has(int vector) {
        return (words[vector >>> 6] >>> vector & 1) != 0;
    }

    /** Unselects a vector. */
    public void remove(int vector) {
        removeRange(vector, vector + 1);
    }

    /** Unselects the vectors from {@code first} up to before {@code end}. */
    public void removeRange(int first, int end) {
        for (int vector = first; vector < end; vector++) {
            words[vector >>> 6] &= ~(1L << vector);
        }
    }

    /** The first selected vector at or after {@code vector}, or -1. */
    public int next(int vector) {
        int index = vector >>> 6;
        if (vector >= vectorCount) {
            return -1;
        }
        long word = words[index] & -1L << vector;
        while (word == 0) {
            if (++index == words.length) {
                return -1;
            }
            word = words[index];
        }
        return index * 64 + Long.numberOfTrailingZeros(word);
    }

    /** Selected vectors. */
    public int count() {
        int sum = 0;
        for (long word : words) {
            sum += Long.bitCount(word);
        }
        return sum;
    }

    /** Whether any vector of a page is selected. */
    boolean hasAny(Section section, int page) {
        int first = section.firstRow(page) / ColumnSpec.VECTOR_ROWS;
        int end =
                (section.firstRow(page) + section.pageRows(page) + ColumnSpec.VECTOR_ROWS - 1) / ColumnSpec.VECTOR_ROWS;
        int next = next(first);
        return next >= 0 && next < end;
    }
}
