package io.nyala.compaction;

import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;

/**
 * Where rowsets lie along the keys of a tablet, as shares of all its bytes: Kudu's model. The bounds of all rowsets cut
 * the keys into pieces; a rowset's bytes are taken to lie evenly along the pieces that it covers; a piece is as wide as
 * the bytes that lie in it. A rowset's width is then the chance that a look-up has to ask it, and the sum of all
 * widths, the height, is how many rowsets a look-up has to ask on average: 1 where none overlap.
 *
 * <p>Example, three rowsets of 10 bytes, of which A and B have the same bounds and C is apart: A and B are 20/30 wide,
 * C is 10/30, and the height is 5/3.
 *
 * <p>Pure: nothing but statistics goes in. Immutable.
 */
final class KeySpace {
    private final double[] from;
    private final double[] to;

    KeySpace(List<RowSetShape> rowSets) {
        TreeSet<byte[]> distinct = new TreeSet<>(Arrays::compareUnsigned);
        for (RowSetShape rowSet : rowSets) {
            distinct.add(rowSet.minKey());
            distinct.add(rowSet.maxKey());
        }
        byte[][] bounds = distinct.toArray(byte[][]::new);
        int count = rowSets.size();
        int[] first = new int[count];
        int[] last = new int[count];
        double[] weights = new double[bounds.length]; // Of the piece that begins at each bound.
        double sum = 0;
        for (int i = 0; i < count; i++) {
            RowSetShape rowSet = rowSets.get(i);
            first[i] = Arrays.binarySearch(bounds, rowSet.minKey(), Arrays::compareUnsigned);
            last[i] = Arrays.binarySearch(bounds, rowSet.maxKey(), Arrays::compareUnsigned);
            int pieces = last[i] - first[i] + 1; // The greatest key is a piece too: a rowset of one key has it.
            for (int piece = first[i]; piece <= last[i]; piece++) {
                weights[piece] += (double) rowSet.bytes() / pieces;
            }
            sum += rowSet.bytes();
        }
        double[] before = new double[bounds.length + 1];
        for (int i = 0; i < bounds.length; i++) {
            before[i + 1] = before[i] + (sum == 0 ? 0 : weights[i] / sum);
        }
        from = new double[count];
        to = new double[count];
        for (int i = 0; i < count; i++) {
            from[i] = before[first[i]];
            to[i] = before[last[i] + 1];
        }
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
