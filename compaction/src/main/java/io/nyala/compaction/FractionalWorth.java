package io.nyala.compaction;

/**
 * The most that things can be worth together within a limit, were it allowed to take a part of one: those that are
 * worth most for their weight, and of the last one what still fits. Nothing that takes them as a whole is worth more:
 * the bound of Dantzig (1957) for knapsacks. Things are added one by one, and mostly cost a
 * comparison each.
 *
 * <p>Of one thread. Allocates no more than once.
 */
final class FractionalWorth {
    /** Where so many fit, the limit is not what matters, and nothing is said of it. */
    private static final int KEPT_MAX = 4 * MergePolicy.INPUTS_MAX;

    private final double[] values;
    private final double[] weights;
    private final double weightMax;

    /** Things in the order of what they are worth for their weight, and the place of each. */
    private final int[] things;

    private final int[] places;

    /** Places of those that are taken, of the last one maybe a part. */
    private final int[] kept;

    private int count;
    private double value;
    private double weight;
    private boolean isUnlimited;

    /** Of things that are the indexes of their values, and of their weights, which are above 0. */
    FractionalWorth(double[] values, double[] weights, double weightMax) {
        this.values = values;
        this.weights = weights;
        this.weightMax = weightMax;
        double[] inverse = new double[values.length];
        for (int i = 0; i < inverse.length; i++) {
            inverse[i] = weights[i] / values[i];
        }
        this.things = Order.of(inverse);
        this.places = Order.places(things);
        this.kept = new int[Math.min(values.length, KEPT_MAX)];
    }

    void clear() {
        count = 0;
        value = 0;
        weight = 0;
        isUnlimited = false;
    }

    void add(int thing) {
        int place = places[thing];
        if (isUnlimited || (weight >= weightMax && place > kept[count - 1])) {
            return; // And it will not be among them when there are more.
        }
        if (count == kept.length) {
            isUnlimited = true; // Until it is cleared.
            return;
        }
        int at = count++;
        for (; at > 0 && kept[at - 1] > place; at--) {
            kept[at] = kept[at - 1];
        }
        kept[at] = place;
        value += values[thing];
        weight += weights[thing];
        int last = last();
        while (weight - weights[last] >= weightMax) {
            count--;
            value -= values[last];
            weight -= weights[last];
            last = last();
        }
    }

    private int last() {
        return things[kept[count - 1]];
    }

    /** What nothing within the limit exceeds. */
    double most() {
        double excess = weight - weightMax;
        if (isUnlimited) {
            return Double.MAX_VALUE;
        }
        return excess <= 0 ? value : value - values[last()] * excess / weights[last()];
    }

    /** What those are worth that are taken as a whole. */
    double ofWhole() {
        return weight <= weightMax ? value : value - values[last()];
    }

    int wholeCount() {
        return weight <= weightMax ? count : count - 1;
    }

    /** Those that are taken as a whole. */
    int[] whole() {
        int[] whole = new int[wholeCount()];
        for (int i = 0; i < whole.length; i++) {
            whole[i] = things[kept[i]];
        }
        return whole;
    }

    /** All of them, those that are worth most for their weight first. */
    int[] things() {
        return things;
    }

    /** Where in that order each is. */
    int[] places() {
        return places;
    }
}
