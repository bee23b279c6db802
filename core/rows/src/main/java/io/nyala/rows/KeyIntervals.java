package io.nyala.rows;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;

/**
 * Tells which of many intervals of encoded keys have a key, or meet a range: in steps that grow with the logarithm of
 * their number, and with how many are found.
 *
 * <pre>{@code
 *   position, by least key        rank, by greatest key
 *
 *   0    |-----------------|      1
 *   1        |-----|              0
 *   2            |------------|   2       end(k) = 3: positions 0, 1 and 2 begin at or below k
 *   3                     |---|   3       rank(k) = 1: one interval, with rank 0, ends below k
 *                     k                   so 0 and 2 have k: they lie before the end, and their ranks are not below 1
 * }</pre>
 *
 * <p>A question becomes two numbers by two binary searches, and the positions before {@code end} whose ranks are not
 * below {@code rank} are found one after the other in a tree of the greatest ranks:
 *
 * <pre>{@code
 * int end = intervals.end(memory, key, keyBytes);
 * int rank = intervals.rank(memory, key, keyBytes);
 * for (int i = intervals.next(0, end, rank); i < end; i = intervals.next(i + 1, end, rank)) {
 *     intervals.value(i) ...
 * }
 * }</pre>
 *
 * <p>Immutable; {@link #with} makes another one in steps that grow with the number of intervals, but are cheap ones.
 * Questions about one key allocate nothing.
 *
 * @param <T> what has keys in an interval
 */
public final class KeyIntervals<T extends KeyIntervals.Bounded> {
    /** What has keys in an interval. Its bounds are asked for once, and never change. */
    public interface Bounded {
        /** The least key; not to be changed. */
        byte[] minKey();

        /** The greatest key; not to be changed. */
        byte[] maxKey();
    }

    private final List<T> values;

    // By position.
    private final byte[][] mins;
    private final byte[][] maxes;
    private final long[] minPrefixes;

    // By rank.
    private final int[] positions;
    private final long[] maxPrefixes;

    /**
     * Ranks, and the greatest rank of each pair, of each pair of pairs, and so on: that of nodes 2i and 2i + 1 is at i,
     * those of positions begin at {@link #leaves}. Where there is none it is -1.
     */
    private final int[] tree;

    private final int leaves;

    private KeyIntervals(int count) {
        this.values = new ArrayList<>(count);
        this.mins = new byte[count][];
        this.maxes = new byte[count][];
        this.minPrefixes = new long[count];
        this.positions = new int[count];
        this.maxPrefixes = new long[count];
        this.leaves = Math.max(1, Integer.highestOneBit(Math.max(1, 2 * count - 1)));
        this.tree = new int[2 * leaves];
        Arrays.fill(tree, -1);
    }

    /** The intervals of values, in no particular order. */
    public static <T extends Bounded> KeyIntervals<T> of(List<T> values) {
        return new KeyIntervals<T>(0).with(List.of(), values);
    }

    /** One that comes, and the position that it gets. */
    private static final class Added<T extends Bounded> {
        private final T value;
        private final byte[] min;
        private final byte[] max;
        private int position;

        Added(T value) {
            this.value = value;
            this.min = value.minKey();
            this.max = value.maxKey();
            assert Arrays.compareUnsigned(min, max) <= 0 : "an interval ends before it begins: " + value;
        }
    }

    /** These intervals without some that are among them, and with others. */
    public KeyIntervals<T> with(Collection<T> removed, List<T> added) {
        Set<T> gone = new HashSet<>(removed);
        var next = new KeyIntervals<T>(count() - gone.size() + added.size());
        List<Added<T>> coming = new ArrayList<>();
        added.forEach(value -> coming.add(new Added<>(value)));
        int[] newPositions = next.fill(this, gone, coming);
        next.rank(this, newPositions, coming);
        return next;
    }

    /** Puts all in the order of their least keys; answers by old positions the new ones, -1 for what is gone. */
    private int[] fill(KeyIntervals<T> old, Set<T> gone, List<Added<T>> coming) {
        coming.sort((left, right) -> Arrays.compareUnsigned(left.min, right.min));
        int[] newPositions = new int[old.count()];
        int added = 0;
        for (int i = 0; i < newPositions.length; i++) {
            if (!gone.isEmpty() && gone.contains(old.values.get(i))) {
                newPositions[i] = -1;
                continue;
            }
            while (added < coming.size() && Arrays.compareUnsigned(coming.get(added).min, old.mins[i]) < 0) {
                add(coming.get(added++));
            }
            newPositions[i] = values.size();
            add(old.values.get(i), old.mins[i], old.maxes[i], old.minPrefixes[i]);
        }
        while (added < coming.size()) {
            add(coming.get(added++));
        }
        return newPositions;
    }

    private void add(Added<T> interval) {
        interval.position = values.size();
        add(interval.value, interval.min, interval.max, prefix(interval.min));
    }

    private void add(T value, byte[] min, byte[] max, long minPrefix) {
        int position = values.size();
        assert position < mins.length : "an interval that is to be removed is not there";
        mins[position] = min;
        maxes[position] = max;
        minPrefixes[position] = minPrefix;
        values.add(value);
    }

    private void rank(KeyIntervals<T> old, int[] newPositions, List<Added<T>> coming) {
        coming.sort((left, right) -> Arrays.compareUnsigned(left.max, right.max));
        int rank = 0;
        int added = 0;
        for (int i = 0; i < newPositions.length; i++) {
            int position = newPositions[old.positions[i]];
            if (position < 0) {
                continue;
            }
            while (added < coming.size() && Arrays.compareUnsigned(coming.get(added).max, maxes[position]) < 0) {
                rank(rank++, coming.get(added++).position);
            }
            rank(rank++, position);
        }
        while (added < coming.size()) {
            rank(rank++, coming.get(added++).position);
        }
        assert rank == values.size() && rank == mins.length : rank + " ranks of " + mins.length + " intervals";
        for (int i = leaves - 1; i > 0; i--) {
            tree[i] = Math.max(tree[2 * i], tree[2 * i + 1]);
        }
    }

    private void rank(int rank, int position) {
        positions[rank] = position;
        maxPrefixes[rank] = prefix(maxes[position]);
        tree[leaves + position] = rank;
    }

    /** As signed numbers these are in the order of the keys, but for keys that begin alike. */
    private static long prefix(byte[] key) {
        return KeyCodec.prefix(key) ^ Long.MIN_VALUE;
    }

    public int count() {
        return mins.length;
    }

    /** In the order of their least keys. */
    public List<T> values() {
        return Collections.unmodifiableList(values);
    }

    public T value(int position) {
        return values.get(position);
    }

    // ---- Which have a key ----

    /** How many intervals begin at or below a key; they are at the positions before. */
    public int end(MemorySegment memory, long key, int keyBytes) {
        long prefix = KeyCodec.prefix(memory, key, keyBytes) ^ Long.MIN_VALUE;
        int low = 0;
        int high = mins.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            boolean isAbove = prefix == minPrefixes[middle]
                    ? KeyCodec.compare(memory, key, keyBytes, mins[middle]) < 0
                    : prefix < minPrefixes[middle];
            low = isAbove ? low : middle + 1;
            high = isAbove ? middle : high;
        }
        return low;
    }

    /** How many intervals end below a key; they have the ranks before. */
    public int rank(MemorySegment memory, long key, int keyBytes) {
        long prefix = KeyCodec.prefix(memory, key, keyBytes) ^ Long.MIN_VALUE;
        int low = 0;
        int high = maxes.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            boolean isBelow = prefix == maxPrefixes[middle]
                    ? KeyCodec.compare(memory, key, keyBytes, maxes[positions[middle]]) > 0
                    : prefix > maxPrefixes[middle];
            low = isBelow ? middle + 1 : low;
            high = isBelow ? high : middle;
        }
        return low;
    }

    /** The first position from {@code from} on and before {@code end} whose rank is not below; {@code end} for none. */
    public int next(int from, int end, int rank) {
        assert from >= 0 && end <= mins.length : from + " to " + end + " of " + mins.length;
        if (from >= end) {
            return end;
        }
        int node = leaves + from;
        while (tree[node] < rank) {
            while ((node & 1) != 0) { // The right one of a pair: what follows is to the right of the pair.
                node >>>= 1;
            }
            if (node == 0) {
                return end; // There is nothing to the right of the root.
            }
            node++;
        }
        while (node < leaves) {
            node = tree[2 * node] >= rank ? 2 * node : 2 * node + 1;
        }
        return Math.min(end, node - leaves);
    }

    /** Whether an interval begins above a key. */
    public boolean isAbove(int position, MemorySegment memory, long key, int keyBytes) {
        return KeyCodec.compare(memory, key, keyBytes, mins[position]) < 0;
    }

    /** Whether an interval ends below a key. */
    public boolean isBelow(int position, MemorySegment memory, long key, int keyBytes) {
        return KeyCodec.compare(memory, key, keyBytes, maxes[position]) > 0;
    }

    // ---- Which meet a range ----

    /** What may have keys of a range, in the order of their least keys. */
    public List<T> meeting(KeyRange range) {
        byte[] lower = range.lower();
        byte[] upper = range.upper();
        if (range.isEmpty()) {
            return List.of();
        }
        int end = upper == null ? count() : first(i -> Arrays.compareUnsigned(mins[i], upper) >= 0);
        int rank = lower == null ? 0 : first(i -> Arrays.compareUnsigned(maxes[positions[i]], lower) >= 0);
        List<T> found = new ArrayList<>();
        for (int i = next(0, end, rank); i < end; i = next(i + 1, end, rank)) {
            found.add(values.get(i));
        }
        return found;
    }

    private int first(IntPredicate isBehind) {
        int low = 0;
        int high = mins.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            boolean isHere = isBehind.test(middle);
            low = isHere ? low : middle + 1;
            high = isHere ? middle : high;
        }
        return low;
    }
}
