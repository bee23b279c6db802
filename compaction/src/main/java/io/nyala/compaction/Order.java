package io.nyala.compaction;

import io.nyala.memory.Check;
import java.util.Arrays;

/** Sorts indexes by numbers, without an object for each. Pure. */
final class Order {
    private static final int INDEX_BITS = 20;
    private static final long INDEX_MASK = (1L << INDEX_BITS) - 1;

    private Order() {}

    /**
     * Indexes by their numbers, the least first; of those that are alike the least. The numbers are not negative, and
     * alike if they differ by less than the four-billionth part of them.
     */
    static int[] of(double[] numbers) {
        Check.that(
                numbers.length <= INDEX_MASK,
                numbers.length + " rowsets of a tablet are to be sorted, and " + INDEX_MASK + " are the most");
        long[] packed = new long[numbers.length];
        for (int i = 0; i < packed.length; i++) {
            assert numbers[i] >= 0 : numbers[i] + " at " + i;
            packed[i] = (Double.doubleToRawLongBits(numbers[i]) & ~INDEX_MASK) | i; // Of such, bits sort as numbers do.
        }
        Arrays.sort(packed);
        int[] order = new int[packed.length];
        for (int i = 0; i < packed.length; i++) {
            order[i] = (int) (packed[i] & INDEX_MASK);
        }
        return order;
    }

    /** The place of each index in an order. */
    static int[] places(int[] order) {
        int[] places = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            places[order[i]] = i;
        }
        return places;
    }
}
