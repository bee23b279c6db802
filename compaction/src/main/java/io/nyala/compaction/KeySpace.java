package io.nyala.compaction;

import java.util.Arrays;
import java.util.List;

/**
 * Where rowsets lie along the keys of a tablet, as shares of all its bytes: Kudu's model. The bounds of all rowsets cut
 * the keys into pieces; a rowset's bytes are taken to lie evenly along the pieces that it covers; a piece is as wide as
 * the bytes that lie in it. A rowset's width is then the chance that a look-up has to ask it, and the sum of all
 * widths, the height, is how many rowsets a look-up has to ask on average: 1 where none overlap.
 *
 * <p>Example, three rowsets of 10 bytes, of which A and B have the same bounds and C is apart: A and B are 20/30 wide,
 * C is 10/30, and the height is 5/3.
 *
 * <p>Pure: nothing but statistics goes in. It takes as long as sorting the bounds. Immutable.
 */
final class KeySpace {
    private final double[] from;
    private final double[] to;

    KeySpace(List<RowSetShape> rowSets) {
        int count = rowSets.size();
        int[] first = new int[count];
        int[] last = new int[count];
        int pieceCount = cut(rowSets, first, last);
        double[] before = before(rowSets, first, last, pieceCount);
        from = new double[count];
        to = new double[count];
        for (int i = 0; i < count; i++) {
            from[i] = before[first[i]];
            to[i] = before[last[i] + 1];
        }
    }

    /** The least key of a rowset, or the greatest. */
    @SuppressWarnings("ArrayRecordComponent") // Compared by nobody.
    private record Bound(byte[] key, int rowSet, boolean isLast) {}

    /** Fills in which pieces each rowset has, its first and its last; answers how many pieces there are. */
    private static int cut(List<RowSetShape> rowSets, int[] first, int[] last) {
        Bound[] bounds = new Bound[2 * first.length];
        for (int i = 0; i < first.length; i++) {
            bounds[2 * i] = new Bound(rowSets.get(i).minKey(), i, false);
            bounds[2 * i + 1] = new Bound(rowSets.get(i).maxKey(), i, true);
        }
        Arrays.sort(bounds, (a, b) -> Arrays.compareUnsigned(a.key, b.key));
        int piece = -1;
        byte[] key = null;
        for (Bound bound : bounds) {
            if (key == null || !Arrays.equals(key, bound.key)) {
                key = bound.key;
                piece++;
            }
            (bound.isLast ? last : first)[bound.rowSet] = piece; // The greatest key is a piece of its own.
        }
        return piece + 1;
    }

    /** Share of the keys before each piece, and of all. */
    private static double[] before(List<RowSetShape> rowSets, int[] first, int[] last, int pieceCount) {
        double[] begins = new double[pieceCount]; // Bytes by which pieces from here on are wider.
        double[] ends = new double[pieceCount];
        int[] beginCount = new int[pieceCount];
        int[] endCount = new int[pieceCount];
        double sum = 0;
        for (int i = 0; i < first.length; i++) {
            long bytes = rowSets.get(i).bytes();
            double inPiece = (double) bytes / (last[i] - first[i] + 1);
            begins[first[i]] += inPiece;
            ends[last[i]] += inPiece;
            beginCount[first[i]]++;
            endCount[last[i]]++;
            sum += bytes;
        }
        double[] before = new double[pieceCount + 1];
        double width = 0;
        int covering = 0;
        for (int piece = 0; piece < pieceCount; piece++) {
            width += begins[piece];
            before[piece + 1] = before[piece] + (sum == 0 ? 0 : width / sum);
            covering += beginCount[piece] - endCount[piece];
            width = covering == 0 ? 0 : width - ends[piece]; // Rounding does not add up beyond a gap.
        }
        return before;
    }

    /** Share of the keys that lies before a rowset. */
    double from(int rowSet) {
        return from[rowSet];
    }

    double to(int rowSet) {
        return to[rowSet];
    }

    /** Share of the keys for which a look-up has to ask a rowset. */
    double width(int rowSet) {
        return to[rowSet] - from[rowSet];
    }

    /** Rowsets that a look-up has to ask, on average. */
    double height() {
        double sum = 0;
        for (int i = 0; i < from.length; i++) {
            sum += width(i);
        }
        return sum;
    }
}
