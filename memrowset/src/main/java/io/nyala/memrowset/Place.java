package io.nyala.memrowset;

/**
 * Where a flush put a row, in one {@code long}: which of its outputs, and which row of it.
 *
 * <pre>{@code
 *   bit   0                    32                    63
 *         +--------------------+---------------------+
 *         |      ordinal       |       output        |     all ones: none
 *         +--------------------+---------------------+
 * }</pre>
 *
 * Pure functions.
 */
public final class Place {
    /** The place of a row that was not written yet. */
    public static final long NONE = -1;

    private Place() {}

    /** The place of row {@code ordinal} of output {@code output}, both from 0. */
    static long of(int output, int ordinal) {
        assert output >= 0 && ordinal >= 0 : "output " + output + ", ordinal " + ordinal;
        return (long) output << Integer.SIZE | ordinal;
    }

    /** Index of the output in the order in which the flush wrote them. */
    public static int output(long place) {
        assert place != NONE : "no place";
        return (int) (place >>> Integer.SIZE);
    }

    /** Index of the row in its output. */
    public static int ordinal(long place) {
        assert place != NONE : "no place";
        return (int) place;
    }
}
