package io.nyala.partition;

import io.nyala.rows.KeyRange;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * A half-open range of encoded range keys, the columns of the range level encoded as a key of their own. Ordered by
 * lower bound, then by upper. Immutable (the arrays are not to be changed).
 */
public final class RangeBounds implements Comparable<RangeBounds> {
    /** Unbounded on both sides: what a table without range level has. */
    public static final RangeBounds ALL = new RangeBounds(KeyBytes.NONE, KeyBytes.NONE);

    private final byte[] lower;
    private final byte[] upper;

    /**
     * @param lower included; empty for no bound
     * @param upper excluded, above the lower one; empty for no bound
     */
    public RangeBounds(byte[] lower, byte[] upper) {
        if (upper.length > 0 && Arrays.compareUnsigned(lower, upper) >= 0) {
            throw new IllegalArgumentException("range partition lower bound must be less than the upper bound: "
                    + hex(lower) + " and " + hex(upper));
        }
        this.lower = lower;
        this.upper = upper;
    }

    /** Included; empty for no bound. */
    public byte[] lower() {
        return lower;
    }

    /** Excluded; empty for no bound. */
    public byte[] upper() {
        return upper;
    }

    public boolean hasUpper() {
        return upper.length > 0;
    }

    public boolean contains(byte[] rangeKey) {
        return Arrays.compareUnsigned(rangeKey, lower) >= 0
                && (!hasUpper() || Arrays.compareUnsigned(rangeKey, upper) < 0);
    }

    /** Whether a key may be in both. */
    public boolean overlaps(RangeBounds other) {
        return startsBelow(other.upper) && other.startsBelow(upper);
    }

    private boolean startsBelow(byte[] otherUpper) {
        return otherUpper.length == 0 || Arrays.compareUnsigned(lower, otherUpper) < 0;
    }

    /** As {@link #overlaps(RangeBounds)}, with a range of keys that has null for no bound. */
    boolean overlaps(KeyRange keys) {
        byte @Nullable [] otherUpper = keys.upper();
        byte @Nullable [] otherLower = keys.lower();
        return !keys.isEmpty()
                && (otherUpper == null || Arrays.compareUnsigned(lower, otherUpper) < 0)
                && (otherLower == null || !hasUpper() || Arrays.compareUnsigned(otherLower, upper) < 0);
    }

    @Override
    public int compareTo(RangeBounds other) {
        int order = Arrays.compareUnsigned(lower, other.lower);
        if (order != 0) {
            return order;
        }
        if (hasUpper() != other.hasUpper()) {
            return hasUpper() ? -1 : 1;
        }
        return Arrays.compareUnsigned(upper, other.upper);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof RangeBounds bounds
                && Arrays.equals(lower, bounds.lower)
                && Arrays.equals(upper, bounds.upper);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(lower) + Arrays.hashCode(upper);
    }

    @Override
    public String toString() {
        return "[" + hex(lower) + ", " + hex(upper) + ")";
    }

    private static String hex(byte[] bytes) {
        return bytes.length == 0 ? "unbounded" : HexFormat.of().formatHex(bytes);
    }
}
