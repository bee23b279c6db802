package io.nyala.encoding;

import io.nyala.memory.Check;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The values between two bounds, in the order of one kind of value. Built once per scan and column; equality is a
 * range of one value.
 *
 * <ul>
 *   <li>{@link #ofSigned}: cells of 1, 2, 4, 8 bytes as signed integers. Both bounds belong to the range.
 *   <li>{@link #ofFloat}, {@link #ofDouble}: IEEE comparison as Kudu's: {@code -0.0} equals {@code 0.0}, and NaN is
 *       in no range. Both bounds belong to the range; without the upper one it is that of {@link
 *       Math#nextDown(double)}.
 *   <li>{@link #ofDecimal}: cells of 16 bytes as signed integers, little-endian. Both bounds belong to the range.
 *   <li>{@link #ofBinary}: unsigned bytes, the shorter string first where one begins with the other (memcmp). Each
 *       bound may be missing, or not belong.
 * </ul>
 *
 * <p>Immutable, for any thread. A binary range refers to the caller's bounds, which must stay as they are while it is
 * used.
 */
public final class ValueRange {
    /** The order in which values are compared. */
    enum Kind {
        SIGNED,
        FLOAT,
        DOUBLE,
        DECIMAL,
        BINARY
    }

    final Kind kind;

    // SIGNED, and the low halves of DECIMAL.
    final long low;
    final long high;

    private final long lowTop;
    private final long highTop;

    // FLOAT and DOUBLE; every float is a double.
    final double lowDouble;
    final double highDouble;

    private final @Nullable MemorySegment lowString;
    private final @Nullable MemorySegment highString;
    private final boolean isHighIncluded;

    private ValueRange(Kind kind, long low, long high, long lowTop, long highTop) {
        this.kind = kind;
        this.low = low;
        this.high = high;
        this.lowTop = lowTop;
        this.highTop = highTop;
        lowDouble = 0;
        highDouble = 0;
        lowString = null;
        highString = null;
        isHighIncluded = false;
    }

    private ValueRange(Kind kind, double low, double high) {
        this.kind = kind;
        this.low = 0;
        this.high = 0;
        lowTop = 0;
        highTop = 0;
        lowDouble = low;
        highDouble = high;
        lowString = null;
        highString = null;
        isHighIncluded = false;
    }

    private ValueRange(@Nullable MemorySegment low, @Nullable MemorySegment high, boolean isHighIncluded) {
        kind = Kind.BINARY;
        this.low = 0;
        this.high = 0;
        lowTop = 0;
        highTop = 0;
        lowDouble = 0;
        highDouble = 0;
        lowString = low;
        highString = high;
        this.isHighIncluded = isHighIncluded;
    }

    /** {@code low <= x <= high}; nothing if {@code low > high}. */
    public static ValueRange ofSigned(long low, long high) {
        return new ValueRange(Kind.SIGNED, low, high, 0, 0);
    }

    /** {@code low <= x <= high} of 4-byte cells; nothing if a bound is NaN. */
    public static ValueRange ofFloat(float low, float high) {
        return new ValueRange(Kind.FLOAT, low, high);
    }

    /** {@code low <= x <= high} of 8-byte cells; nothing if a bound is NaN. */
    public static ValueRange ofDouble(double low, double high) {
        return new ValueRange(Kind.DOUBLE, low, high);
    }

    /** {@code low <= x <= high} of 16-byte cells, each bound as its high and its low 64 bits. */
    public static ValueRange ofDecimal(long lowTop, long low, long highTop, long high) {
        return new ValueRange(Kind.DECIMAL, low, high, lowTop, highTop);
    }

    /** {@code low <= x < high}; a bound that is null does not bound. */
    public static ValueRange ofBinary(@Nullable MemorySegment low, @Nullable MemorySegment high) {
        return new ValueRange(low, high, false);
    }

    /** {@code low <= x <= high}. */
    public static ValueRange ofBinaryClosed(@Nullable MemorySegment low, MemorySegment high) {
        return new ValueRange(low, high, true);
    }

    /** {@code x == value}. */
    public static ValueRange ofBinaryEqual(MemorySegment value) {
        return new ValueRange(value, value, true);
    }

    /** Requires that the values of {@code vector} have the order of this range. */
    void checkApplies(EncodedVector vector) {
        int cellBytes = vector.cellBytes();
        boolean applies =
                switch (kind) {
                    case SIGNED -> cellBytes >= 1 && cellBytes <= Long.BYTES;
                    case FLOAT -> cellBytes == Float.BYTES;
                    case DOUBLE -> cellBytes == Double.BYTES;
                    case DECIMAL -> cellBytes == 16;
                    case BINARY -> cellBytes == 0;
                };
        Check.that(applies, "a range must be of the kind of the values it is applied to");
    }

    /** Whether the cell is in the range. */
    boolean matchesCell(MemorySegment source, long offset, int cellBytes) {
        return switch (kind) {
            case SIGNED, FLOAT, DOUBLE -> matchesLong(Cells.signed(source, offset, cellBytes));
            case DECIMAL -> matchesDecimal(source.get(Cells.LONG, offset + 8), source.get(Cells.LONG, offset));
            case BINARY -> throw new AssertionError("a byte string is no cell");
        };
    }

    /**
     * Whether the cell of these bits, which are those of a signed integer or of a floating-point number, is in the
     * range.
     */
    boolean matchesLong(long bits) {
        return switch (kind) {
            case SIGNED -> low <= bits && bits <= high;
            case FLOAT -> matchesDouble(Float.intBitsToFloat((int) bits));
            case DOUBLE -> matchesDouble(Double.longBitsToDouble(bits));
            case DECIMAL, BINARY -> throw new AssertionError("no cell of 8 bytes");
        };
    }

    boolean matchesDouble(double value) {
        return lowDouble <= value && value <= highDouble;
    }

    boolean matchesDecimal(long top, long bottom) {
        boolean atLeast = top > lowTop || (top == lowTop && Long.compareUnsigned(bottom, low) >= 0);
        boolean atMost = top < highTop || (top == highTop && Long.compareUnsigned(bottom, high) <= 0);
        return atLeast && atMost;
    }

    /** Whether the byte string is in the range. */
    boolean matchesString(MemorySegment source, long offset, long bytes) {
        if (lowString != null && Cells.compare(source, offset, bytes, lowString, 0, lowString.byteSize()) < 0) {
            return false;
        }
        if (highString == null) {
            return true;
        }
        return isBelowHigh(Cells.compare(source, offset, bytes, highString, 0, highString.byteSize()));
    }

    private boolean isBelowHigh(int order) {
        return isHighIncluded ? order <= 0 : order < 0;
    }

    /** Whether a byte string that compares so with the bounds is in the range; with one that is missing, inside. */
    boolean matchesOrders(int toLow, int toHigh) {
        return toLow >= 0 && isBelowHigh(toHigh);
    }

    /** The one string of the range, or null if there may be more. */
    @Nullable
    MemorySegment equalString() {
        return isHighIncluded && Objects.equals(lowString, highString) ? lowString : null;
    }

    @Nullable
    MemorySegment lowString() {
        return lowString;
    }

    @Nullable
    MemorySegment highString() {
        return highString;
    }
}
