package io.nyala.compaction;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * Finds the rowsets whose merge gains most, within a budget, by windows along the keys. A window begins where one
 * rowset does, its leftmost, and ends where one does, its rightmost; within it the best choice is a knapsack with three
 * limits: bytes, rows and inputs.
 *
 * <pre>{@code
 *   bound of a window   most that its rowsets are worth, of which one may be taken in part (FractionalWorth), for each
 *                       limit alone; the least of these, less the width of the window
 *   1. windows near     of each leftmost, SHORT_WINDOWS windows: what the bound takes as a whole is a choice, and
 *                       whatever a later bound does not exceed is passed over from then on
 *   2. exactly          leftmost with bounds above the best choice, the highest first: all of their windows, and in
 *                       each whose bound is above it those two and the best others, by branch and bound, the densest
 *                       first (Horowitz and Sahni 1974; Martello and Toth, Knapsack Problems, 1990, chapter 2)
 * }</pre>
 *
 * <p><b>What it promises</b>: no choice within the budget gains more than {@code 1 + TOLERANCE} times what was found,
 * or {@code gainMin}, or {@link #missed}, whichever is most. {@code missed} is 0 unless the work came to its limit,
 * which is {@code WORK_MIN}, and {@code WORK_PER_ROWSET} for each rowset. Kudu's search has the same two parts, with a
 * tolerance of 5 %, and no limit.
 *
 * <p>Of one thread; for one search.
 */
final class MergeSearch {
    /** Gains that differ by less are equal, and then the cheaper choice is the better one. */
    static final double ROUNDING = 1e-9;

    /** Who looks for the last percent looks for long, where many rowsets are alike. */
    static final double TOLERANCE = 0.01;

    private static final int SHORT_WINDOWS = 64;
    private static final int SHORT_PLACES = 512; // With those that begin further left.

    /** Steps, each of some nanoseconds. */
    private static final long WORK_MIN = 1 << 13;

    private static final long WORK_PER_ROWSET = 32;

    /** Steps of one window: where rowsets are alike, no bound is close. */
    private static final long WINDOW_WORK_MAX = 1 << 12;

    private static final int BRANCH_WORK = 4;

    private final MergePolicy.Budget budget;
    private final double gainMin;
    private final double smallCredit;
    private final int count;

    private final MergeInputs inputs;

    // Its own, of each rowset that fits, in the order in which they begin:
    private final double[] from;
    private final double[] to;
    private final double[] worth;
    private final double[] cost;
    private final double[] rows;

    private final int[] byEnd;
    private final int[] endPlace;

    /** Places in the order of what rowsets are worth for their bytes, and the rowset at each place. */
    private final int[] densityPlace;

    private final int[] byDensity;

    /** What those from here on are worth at most. */
    private final double[] worthFrom;

    /** What a choice gains at most of which this is the leftmost, as far as it is not known. */
    private final double[] boundOf;

    private final FractionalWorth[] limits;

    /** Whatever it takes as a whole is within all of the limits; what it says of the rest is no bound. */
    private final FractionalWorth together;

    private int[] best = {};
    private double bestGain;
    private double bestCost;
    private double missed;
    private long workLeft;

    // Of the window that is searched:
    private final int[] candidates;
    private int candidateCount;
    private final double[] costBefore; // Of candidates.
    private final double[] worthBefore;
    private final double[] mostWorth; // Of this candidate and those behind it.
    private final double[] mostForRows;
    private final int[] picked;
    private double windowCost;
    private long windowWork;

    /**
     * @param gainMin what gains less is of no interest, but how much it is
     * @param smallCredit what each small one is worth beside its width, and each choice is worth less
     */
    MergeSearch(
            List<RowSetShape> shapes, KeySpace space, MergePolicy.Budget budget, double gainMin, double smallCredit) {
        this.budget = budget;
        this.gainMin = gainMin;
        this.smallCredit = smallCredit;
        inputs = new MergeInputs(shapes, space, budget, smallCredit);
        count = inputs.count;
        from = inputs.from;
        to = inputs.to;
        worth = inputs.worth;
        cost = inputs.cost;
        rows = inputs.rows;
        byEnd = Order.of(to);
        endPlace = Order.places(byEnd);
        FractionalWorth ofBytes = new FractionalWorth(worth, cost, budget.bytesMax());
        byDensity = ofBytes.things();
        densityPlace = ofBytes.places();
        limits = new FractionalWorth[] {
            ofBytes,
            new FractionalWorth(worth, rows, budget.rowsMax()),
            new FractionalWorth(worth, inputs.ones, budget.inputsMax())
        };
        together = new FractionalWorth(worth, inputs.shares, 1 + ROUNDING);
        worthFrom = new double[count];
        boundOf = new double[count];
        candidates = new int[count];
        costBefore = new double[count + 1];
        worthBefore = new double[count + 1];
        mostWorth = new double[count + 1];
        mostForRows = new double[count + 1];
        picked = new int[budget.inputsMax()];
        workLeft = workMax();
    }

    /** Searches; to be called once. */
    MergeSearch run() {
        for (int left = count - 1; left >= 0; left--) {
            add(left);
            worthFrom[left] = most();
        }
        for (int left = 0; left < count; left++) {
            walk(left, Walk.SHORT);
        }
        forEachPromising(left -> walk(left, Walk.LONG));
        workLeft = workMax();
        forEachPromising(left -> walk(left, Walk.EXACT));
        for (double bound : boundOf) {
            missed = Math.max(missed, bound);
        }
        fill();
        return this;
    }

    private long workMax() {
        return WORK_MIN + WORK_PER_ROWSET * count;
    }

    /** The rowsets that are best merged, as indexes of those that were given; none if that gains nothing. */
    int[] best() {
        int[] indexes = new int[best.length];
        for (int i = 0; i < best.length; i++) {
            indexes[i] = inputs.rowSets[best[i]];
        }
        Arrays.sort(indexes);
        return indexes;
    }

    double bestGain() {
        return bestGain;
    }

    /** What another choice may gain that was not found because the work came to its limit; 0 if none gains more. */
    double missed() {
        return missed > enough() ? missed : 0;
    }

    /** Another search for the same may have missed so much. */
    void alsoMissed(double newMissed) {
        missed = Math.max(missed, newMissed);
    }

    /** What gains no more is not looked for. */
    private double enough() {
        return Math.max(gainMin - ROUNDING, bestGain * (1 + TOLERANCE));
    }

    private void add(int rowSet) {
        for (FractionalWorth limit : limits) {
            limit.add(rowSet);
        }
        together.add(rowSet);
    }

    private double most() {
        double least = Double.MAX_VALUE;
        for (FractionalWorth limit : limits) {
            least = Math.min(least, limit.most());
        }
        return least;
    }

    /** How far windows are looked at. */
    private enum Walk {
        /** The first few, by their bounds. */
        SHORT,
        /** All, by their bounds. */
        LONG,
        /** All, and exactly. */
        EXACT
    }

    /** Looks at the windows that begin with a rowset, the narrowest first. */
    private void walk(int left, Walk walk) {
        for (FractionalWorth limit : limits) {
            limit.clear();
        }
        together.clear();
        int first = firstEnd(from[left]);
        int windows = 0;
        double most = 0;
        for (int at = first; at < count; at++) {
            int next = byEnd[at];
            double width = Math.max(to[left], to[next]) - from[left] + smallCredit;
            double boundOfRest = worthFrom[left] - width;
            if (boundOfRest <= enough()) {
                break;
            }
            boolean isShort = walk == Walk.SHORT;
            boolean isEnd = isShort ? windows == SHORT_WINDOWS || at - first == SHORT_PLACES : workLeft-- <= 0;
            if (isEnd) {
                boundOf[left] = Math.max(most, boundOfRest);
                return;
            }
            if (next < left) {
                continue;
            }
            add(next);
            windows++;
            if (to[next] < to[left]) {
                continue; // It is not the rightmost.
            }
            double bound = Math.min(worthFrom[left], most()) - width;
            most = Math.max(most, bound);
            if (bound > bestGain) {
                take(width);
            }
            if (walk == Walk.EXACT && bound > enough()) {
                search(left, first, at, bound);
            }
        }
        boundOf[left] = walk == Walk.EXACT ? 0 : most;
    }

    private int firstEnd(double end) {
        int low = 0;
        int high = count;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (to[byEnd[middle]] < end) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** What is taken as a whole, if it is better and within all of the limits. */
    private void take(double width) {
        take(together, width);
        for (FractionalWorth limit : limits) {
            take(limit, width);
        }
    }

    private void take(FractionalWorth limit, double width) {
        double gain = limit.ofWhole() - width;
        if (gain <= bestGain + ROUNDING || limit.wholeCount() < 2 || limit.wholeCount() > budget.inputsMax()) {
            return;
        }
        int[] whole = limit.whole();
        double costs = 0;
        double ofRows = 0;
        for (int rowSet : whole) {
            costs += cost[rowSet];
            ofRows += rows[rowSet];
        }
        if (costs <= budget.bytesMax() && ofRows <= budget.rowsMax()) {
            best = whole;
            bestGain = gain;
            bestCost = costs;
        }
    }

    /** Those leftmost whose bounds are above what was found, the highest first, as long as there is work left. */
    private void forEachPromising(IntConsumer search) {
        int[] order = Order.of(boundOf);
        for (int i = count - 1; i >= 0 && workLeft > 0; i--) {
            if (boundOf[order[i]] > enough()) {
                search.accept(order[i]);
            }
        }
    }

    /** The best choice that has the leftmost and the rightmost of a window. */
    private void search(int left, int firstEnd, int endAt, double bound) {
        int right = byEnd[endAt];
        collect(left, firstEnd, endAt);
        picked[0] = left;
        int pickedCount = 1;
        double bytesLeft = budget.bytesMax() - cost[left];
        double rowsLeft = budget.rowsMax() - rows[left];
        double gain = worth[left] - (to[right] - from[left] + smallCredit);
        if (right != left) {
            picked[pickedCount++] = right;
            bytesLeft -= cost[right];
            rowsLeft -= rows[right];
            gain += worth[right];
        }
        windowCost = budget.bytesMax() - bytesLeft;
        windowWork = WINDOW_WORK_MAX;
        if (bytesLeft >= 0 && rowsLeft >= 0) {
            keepIfBetter(pickedCount, gain, windowCost);
            branch(0, pickedCount, bytesLeft, rowsLeft, gain);
            if (windowWork <= 0) {
                missed = Math.max(missed, bound);
            }
        }
        workLeft -= WINDOW_WORK_MAX - windowWork;
    }

    /** Those of a window but its leftmost and rightmost, the densest first, and what bounds the worth of each rest. */
    private void collect(int left, int firstEnd, int endAt) {
        candidateCount = 0;
        if (endAt - firstEnd < count / 8) {
            for (int at = firstEnd; at < endAt; at++) {
                if (byEnd[at] > left) {
                    candidates[candidateCount++] = densityPlace[byEnd[at]];
                }
            }
            Arrays.sort(candidates, 0, candidateCount);
            for (int i = 0; i < candidateCount; i++) {
                candidates[i] = byDensity[candidates[i]];
            }
        } else {
            for (int rowSet : byDensity) {
                if (rowSet > left && endPlace[rowSet] < endAt) {
                    candidates[candidateCount++] = rowSet;
                }
            }
        }
        workLeft -= Math.min(count, 8 * (endAt - firstEnd)) + 2 * candidateCount;
        bound();
    }

    /** Notes what bounds the worth of what is left of the candidates, from each on. */
    private void bound() {
        for (int i = 0; i < candidateCount; i++) {
            costBefore[i + 1] = costBefore[i] + cost[candidates[i]];
            worthBefore[i + 1] = worthBefore[i] + worth[candidates[i]];
        }
        mostWorth[candidateCount] = 0;
        mostForRows[candidateCount] = 0;
        for (int i = candidateCount - 1; i >= 0; i--) {
            int rowSet = candidates[i];
            mostWorth[i] = Math.max(mostWorth[i + 1], worth[rowSet]);
            mostForRows[i] = Math.max(mostForRows[i + 1], worth[rowSet] / rows[rowSet]);
        }
    }

    /** Adds what is best of the candidates from one on: each is taken, then left out, while there may be more. */
    private void branch(int first, int pickedCount, double bytesLeft, double rowsLeft, double gain) {
        for (int i = first; i < candidateCount && pickedCount < picked.length; i++) {
            windowWork -= BRANCH_WORK;
            double bound = gain + mostOfRest(i, picked.length - pickedCount, bytesLeft, rowsLeft);
            if (bound <= enough() || windowWork <= 0) {
                return;
            }
            int rowSet = candidates[i];
            if (cost[rowSet] <= bytesLeft && rows[rowSet] <= rowsLeft) {
                picked[pickedCount] = rowSet;
                double newBytesLeft = bytesLeft - cost[rowSet];
                double newGain = gain + worth[rowSet];
                keepIfBetter(pickedCount + 1, newGain, budget.bytesMax() - newBytesLeft);
                branch(i + 1, pickedCount + 1, newBytesLeft, rowsLeft - rows[rowSet], newGain);
            }
        }
    }

    private double mostOfRest(int first, int inputsLeft, double bytesLeft, double rowsLeft) {
        double ofOthers = Math.min(inputsLeft * mostWorth[first], rowsLeft * mostForRows[first]);
        int low = first; // The greatest place up to which all fit.
        int high = candidateCount;
        double costMax = costBefore[first] + bytesLeft;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (costBefore[middle] <= costMax) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        double ofBytes = worthBefore[low] - worthBefore[first];
        if (low < candidateCount) {
            int next = candidates[low];
            ofBytes += worth[next] * (costMax - costBefore[low]) / cost[next];
        }
        return Math.min(ofOthers, ofBytes);
    }

    private void keepIfBetter(int pickedCount, double gain, double costs) {
        boolean isBetter = gain > bestGain + ROUNDING || (gain > bestGain - ROUNDING && costs < bestCost);
        if (pickedCount > 1 && gain > 0 && isBetter) {
            best = Arrays.copyOf(picked, pickedCount);
            bestGain = gain;
            bestCost = costs;
        }
    }

    /** Leaves out what gains nothing, and adds what fits and lies between: it may have been less than the tolerance. */
    private void fill() {
        int filled = trim(best.clone());
        boolean[] isTaken = new boolean[count];
        double bytesLeft = budget.bytesMax();
        double rowsLeft = budget.rowsMax();
        for (int i = 0; i < filled; i++) {
            isTaken[picked[i]] = true;
            bytesLeft -= cost[picked[i]];
            rowsLeft -= rows[picked[i]];
        }
        double begin = begin(filled);
        double end = end(filled);
        for (int i = 0; i < count && filled > 1 && filled < picked.length; i++) {
            int rowSet = byDensity[i];
            boolean isBetween = from[rowSet] >= begin && to[rowSet] <= end;
            boolean fits = cost[rowSet] <= bytesLeft && rows[rowSet] <= rowsLeft;
            if (!isTaken[rowSet] && isBetween && fits && worth[rowSet] > ROUNDING) {
                picked[filled++] = rowSet;
                bytesLeft -= cost[rowSet];
                rowsLeft -= rows[rowSet];
            }
        }
        best = Arrays.copyOf(picked, filled);
        double gain = begin - end - smallCredit;
        for (int rowSet : best) {
            gain += worth[rowSet];
        }
        bestGain = best.length > 1 ? gain : 0; // Of what it really covers, which may be less than its window.
    }

    /** Picks the rowsets without those at the ends that are worth no more than they make it wider; answers how many. */
    private int trim(int[] rowSetsOfBest) {
        int left = rowSetsOfBest.length;
        System.arraycopy(rowSetsOfBest, 0, picked, 0, left);
        for (int i = 0; i < left && left > 2; i++) {
            double width = end(left) - begin(left);
            int out = picked[i];
            picked[i] = picked[left - 1];
            if (worth[out] <= width - (end(left - 1) - begin(left - 1)) + ROUNDING) {
                left--;
                i = -1; // Others may be at an end now.
            } else {
                picked[i] = out;
            }
        }
        return left;
    }

    /** Where the first so many of those picked begin. */
    private double begin(int pickedCount) {
        double begin = 1;
        for (int i = 0; i < pickedCount; i++) {
            begin = Math.min(begin, from[picked[i]]);
        }
        return begin;
    }

    private double end(int pickedCount) {
        double end = 0;
        for (int i = 0; i < pickedCount; i++) {
            end = Math.max(end, to[picked[i]]);
        }
        return end;
    }
}
