package io.nyala.compaction;

import java.util.Arrays;
import java.util.List;

/**
 * The rowsets that fit in the budget of a merge by themselves, in the order in which they begin: what a search needs of
 * each, in arrays. Immutable once it is made.
 */
final class MergeInputs {
    final int count;

    /** Which of those that were given each one is. */
    final int[] rowSets;

    final double[] from;
    final double[] to;

    /** What each adds to the gain of a merge. */
    final double[] worth;

    final double[] cost;
    final double[] rows;

    /** Of which each has the same. */
    final double[] ones;

    /** Of the limit of which each takes most, its share of that. */
    final double[] shares;

    /** {@code smallCredit}: what small ones are worth beside their width. */
    MergeInputs(List<RowSetShape> shapes, KeySpace space, MergePolicy.Budget budget, double smallCredit) {
        rowSets = fitting(shapes, space, budget);
        count = rowSets.length;
        from = new double[count];
        to = new double[count];
        worth = new double[count];
        cost = new double[count];
        rows = new double[count];
        ones = new double[count];
        shares = new double[count];
        Arrays.fill(ones, 1);
        for (int i = 0; i < count; i++) {
            RowSetShape shape = shapes.get(rowSets[i]);
            from[i] = space.from(rowSets[i]);
            to[i] = space.to(rowSets[i]);
            worth[i] = to[i] - from[i] + (shape.bytes() < budget.smallBytes() ? smallCredit : 0);
            cost[i] = Math.max(1, shape.cost());
            rows[i] = Math.max(1, shape.rowCount());
            double share = Math.max(cost[i] / budget.bytesMax(), rows[i] / budget.rowsMax());
            shares[i] = Math.max(1.0 / budget.inputsMax(), share);
        }
    }

    private static int[] fitting(List<RowSetShape> shapes, KeySpace space, MergePolicy.Budget budget) {
        double[] begins = new double[shapes.size()];
        for (int i = 0; i < begins.length; i++) {
            begins[i] = space.from(i);
        }
        int[] fitting = new int[begins.length];
        int fittingCount = 0;
        for (int i : Order.of(begins)) {
            RowSetShape shape = shapes.get(i);
            if (shape.cost() <= budget.bytesMax() && shape.isWritable(budget)) {
                fitting[fittingCount++] = i;
            }
        }
        return Arrays.copyOf(fitting, fittingCount);
    }
}
