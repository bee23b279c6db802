package io.nyala.cfile;

import io.nyala.encoding.EncodedVector;
import io.nyala.encoding.EntryPredicates;
import io.nyala.encoding.ValueRange;
import io.nyala.encoding.ValueTest;
import io.nyala.encoding.VectorEntries;
import io.nyala.encoding.VectorPredicates;
import io.nyala.rows.CellValue;
import io.nyala.rows.Predicate;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A condition on one column, compiled for its kind of cell: to be asked of the bounds of a page, and of encoded
 * vectors.
 *
 * <p>A list of values is asked as the range from its smallest to its largest, and then of the values that are left;
 * where a vector has entries, of these at once.
 *
 * <p>Immutable; shared by threads.
 */
public final class ColumnPredicate {
    private static final MemorySegment NO_BOUND = MemorySegment.ofArray(new long[2]);

    private final CellKind kind;
    private final Test test;
    private final @Nullable ValueRange range;

    // The bounds of the range, for zones. Where there is none it is zeros, not null: the optimizing compiler of JDK 25
    // was seen to read through such a null before looking at it, which ends the process.
    private final boolean hasLow;
    private final boolean hasHigh;
    private final MemorySegment low;
    private final MemorySegment high;
    private final boolean isHighIncluded;

    private final @Nullable CellList list;

    /** What is asked of values where no range is enough. */
    private final @Nullable ValueTest each;

    private enum Test {
        NEVER,
        IS_NULL,
        IS_NOT_NULL,
        RANGE,
        LIST,
        BLOOM
    }

    /** Whether a cell may be in each of some sets. */
    private record Filtered(List<Predicate.BloomFilter> filters, int cellBytes) implements ValueTest {
        @Override
        public boolean matchesLong(long bits) {
            for (int i = 0; i < filters.size(); i++) {
                if (!filters.get(i).mayContain(bits, cellBytes)) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public boolean matchesBytes(MemorySegment source, long offset, int bytes) {
            for (int i = 0; i < filters.size(); i++) {
                if (!filters.get(i).mayContain(source, offset, bytes)) {
                    return false;
                }
            }
            return true;
        }
    }

    private ColumnPredicate(
            CellKind kind, Test test, @Nullable CellValue low, @Nullable CellValue high, boolean isHighIncluded) {
        this(kind, test, low, high, isHighIncluded, null);
    }

    private ColumnPredicate(
            CellKind kind,
            Test test,
            @Nullable CellValue low,
            @Nullable CellValue high,
            boolean isHighIncluded,
            @Nullable ValueTest each) {
        this.kind = kind;
        this.test = test;
        this.hasLow = low != null;
        this.hasHigh = high != null;
        this.low = low == null ? NO_BOUND : low.segment();
        this.high = high == null ? NO_BOUND : high.segment();
        this.isHighIncluded = isHighIncluded;
        this.list = each instanceof CellList listed ? listed : null;
        this.each = each;
        this.range = test == Test.RANGE || test == Test.LIST ? range() : null;
    }

    /** Compiles a predicate for a column of this kind; which column it names is the caller's business. */
    public static ColumnPredicate of(Predicate predicate, CellKind kind) {
        return switch (predicate) {
            case Predicate.Equal equal -> new ColumnPredicate(kind, Test.RANGE, equal.value(), equal.value(), true);
            case Predicate.Range between ->
                new ColumnPredicate(kind, Test.RANGE, between.lower(), between.upper(), false);
            case Predicate.InList list -> of(new CellList(list.values(), kind), kind);
            case Predicate.InBloomFilters bloom -> {
                var each = new Filtered(bloom.filters(), kind.cellBytes());
                yield new ColumnPredicate(kind, Test.BLOOM, null, null, false, each);
            }
            case Predicate.IsNull _ -> new ColumnPredicate(kind, Test.IS_NULL, null, null, false);
            case Predicate.IsNotNull _ -> new ColumnPredicate(kind, Test.IS_NOT_NULL, null, null, false);
        };
    }

    private static ColumnPredicate of(CellList list, CellKind kind) {
        return list.isEmpty()
                ? new ColumnPredicate(kind, Test.NEVER, null, null, false)
                : new ColumnPredicate(kind, Test.LIST, list.first(), list.last(), true, list);
    }

    private ValueRange range() {
        return switch (kind) {
            case INT8, INT16, INT32, INT64 -> signedRange();
            case INT128 -> wideRange();
            case FLOAT -> {
                float most = !hasHigh ? Float.POSITIVE_INFINITY : high.get(Cells.FLOAT, 0);
                boolean isNothing = !isHighIncluded && most == Float.NEGATIVE_INFINITY;
                yield isNothing
                        ? ValueRange.ofFloat(1, 0)
                        : ValueRange.ofFloat(
                                !hasLow ? Float.NEGATIVE_INFINITY : low.get(Cells.FLOAT, 0),
                                !hasHigh || isHighIncluded ? most : Math.nextDown(most));
            }
            case DOUBLE -> {
                double most = !hasHigh ? Double.POSITIVE_INFINITY : high.get(Cells.DOUBLE, 0);
                boolean isNothing = !isHighIncluded && most == Double.NEGATIVE_INFINITY;
                yield isNothing
                        ? ValueRange.ofDouble(1, 0)
                        : ValueRange.ofDouble(
                                !hasLow ? Double.NEGATIVE_INFINITY : low.get(Cells.DOUBLE, 0),
                                !hasHigh || isHighIncluded ? most : Math.nextDown(most));
            }
            case BINARY ->
                hasHigh && isHighIncluded
                        ? ValueRange.ofBinaryClosed(hasLow ? low : null, high)
                        : ValueRange.ofBinary(hasLow ? low : null, hasHigh ? high : null);
        };
    }

    private ValueRange signedRange() {
        long least = !hasLow ? Long.MIN_VALUE : kind.integer(low, 0);
        if (!hasHigh) {
            return ValueRange.ofSigned(least, Long.MAX_VALUE);
        }
        long most = kind.integer(high, 0);
        if (isHighIncluded) {
            return ValueRange.ofSigned(least, most);
        }
        return most == Long.MIN_VALUE ? ValueRange.ofSigned(1, 0) : ValueRange.ofSigned(least, most - 1);
    }

    private ValueRange wideRange() {
        long leastTop = !hasLow ? Long.MIN_VALUE : low.get(Cells.LONG, 8);
        long least = !hasLow ? 0 : low.get(Cells.LONG, 0);
        if (!hasHigh) {
            return ValueRange.ofDecimal(leastTop, least, Long.MAX_VALUE, -1);
        }
        long mostTop = high.get(Cells.LONG, 8);
        long most = high.get(Cells.LONG, 0);
        if (isHighIncluded) {
            return ValueRange.ofDecimal(leastTop, least, mostTop, most);
        }
        if (mostTop == Long.MIN_VALUE && most == 0) {
            return ValueRange.ofDecimal(0, 1, 0, 0);
        }
        return ValueRange.ofDecimal(leastTop, least, most == 0 ? mostTop - 1 : mostTop, most - 1);
    }

    /** Whether a page may have a matching row, as far as its entry in the footer tells. */
    boolean mayMatch(Section section, int page) {
        int nulls = section.nullCount(page);
        return switch (test) {
            case NEVER -> false;
            case IS_NULL -> nulls > 0;
            case IS_NOT_NULL, BLOOM -> nulls < section.pageRows(page);
            case RANGE, LIST -> nulls < section.pageRows(page) && mayMatchBounds(section, page);
        };
    }

    private boolean mayMatchBounds(Section section, int page) {
        int flags = section.zoneFlags(page);
        if ((flags & Zone.HAS_BOUNDS) == 0) {
            return true;
        }
        if (list != null) {
            return list.anyWithin(section, page);
        }
        MemorySegment zone = section.zoneMemory();
        if (!kind.isBinary()) {
            return mayMatchCells(zone, section.minOffset(page), section.maxOffset(page));
        }
        if (hasHigh) {
            // A min that is cut is smaller than the smallest value, so it prunes less, never wrongly.
            int order =
                    Cells.compareBytes(zone, section.minOffset(page), section.minBytes(page), high, 0, high.byteSize());
            if (isHighIncluded ? order > 0 : order >= 0) {
                return false;
            }
        }
        if (!hasLow) {
            return true;
        }
        // A max that is cut stands for all strings that begin with it: what is below must be below its first bytes.
        boolean isCut = (flags & Zone.MAX_CUT) != 0;
        long lowBytes = isCut ? Math.min(low.byteSize(), section.maxBytes(page)) : low.byteSize();
        return Cells.compareBytes(zone, section.maxOffset(page), section.maxBytes(page), low, 0, lowBytes) >= 0;
    }

    private boolean mayMatchCells(MemorySegment zone, long min, long max) {
        if (hasHigh) {
            int order = compareBound(zone, min, high);
            if (isHighIncluded ? order > 0 : order >= 0) {
                return false;
            }
        }
        return !hasLow || compareBound(zone, max, low) >= 0;
    }

    /** Compares a bound of a page with one of ours; the two zeros are equal. */
    private int compareBound(MemorySegment zone, long bound, MemorySegment ours) {
        return switch (kind) {
            case FLOAT -> Float.compare(zone.get(Cells.FLOAT, bound) + 0.0f, ours.get(Cells.FLOAT, 0) + 0.0f);
            case DOUBLE -> Double.compare(zone.get(Cells.DOUBLE, bound) + 0.0, ours.get(Cells.DOUBLE, 0) + 0.0);
            case INT8, INT16, INT32, INT64, INT128, BINARY -> kind.compare(zone, bound, ours, 0);
        };
    }

    boolean isNever() {
        return test == Test.NEVER;
    }

    boolean isNullTest() {
        return test == Test.IS_NULL;
    }

    /** Clears the bits of the values that do not match. Nulls are the caller's to clear. */
    void and(EncodedVector vector, MemorySegment bitmap, long offset) {
        ValueRange between = range;
        ValueTest asked = each;
        if (between != null && (asked == null || !VectorEntries.hasEntries(vector))) {
            VectorPredicates.and(vector, between, bitmap, offset);
        }
        if (asked != null) {
            EntryPredicates.and(vector, asked, bitmap, offset);
        }
    }

    /**
     * The values of a list that a predicate asks for, as cells of a kind: whether a cell is one of them, and whether
     * any of them lies within the bounds of a page. Of floating point numbers the two zeros are equal, and NaN is none.
     */
    private static final class CellList implements ValueTest {
        private static final long[] NO_LONGS = {};
        private static final double[] NO_DOUBLES = {};

        private final CellKind kind;
        private final List<CellValue> cells;
        private final MemorySegment[] segments;

        /** Integers of up to 8 bytes; ascending. */
        private final long[] longs;

        /** Floating point numbers; ascending, without -0.0. */
        private final double[] doubles;

        /** Those of {@code values}, which ascend, that are no NaN. */
        CellList(List<CellValue> values, CellKind kind) {
            this.kind = kind;
            this.cells = values.stream()
                    .filter(value -> !kind.isNan(value.segment(), 0))
                    .toList();
            this.segments = cells.stream().map(CellValue::segment).toArray(MemorySegment[]::new);
            this.longs = kind.isInteger()
                    ? Arrays.stream(segments)
                            .mapToLong(cell -> kind.integer(cell, 0))
                            .toArray()
                    : NO_LONGS;
            boolean isFloating = kind == CellKind.FLOAT || kind == CellKind.DOUBLE;
            this.doubles = isFloating
                    ? cells.stream().mapToDouble(cell -> cell.toDouble() + 0.0).toArray()
                    : NO_DOUBLES;
        }

        boolean isEmpty() {
            return cells.isEmpty();
        }

        CellValue first() {
            return cells.getFirst();
        }

        CellValue last() {
            return cells.getLast();
        }

        @Override
        public boolean matchesLong(long bits) {
            return switch (kind) {
                case FLOAT -> Arrays.binarySearch(doubles, Float.intBitsToFloat((int) bits) + 0.0) >= 0;
                case DOUBLE -> Arrays.binarySearch(doubles, Double.longBitsToDouble(bits) + 0.0) >= 0;
                case INT8, INT16, INT32, INT64 -> Arrays.binarySearch(longs, bits) >= 0;
                case INT128, BINARY -> throw new AssertionError("no cells of up to 8 bytes");
            };
        }

        @Override
        public boolean matchesBytes(MemorySegment source, long offset, int bytes) {
            int found = firstAtLeast(source, offset, bytes);
            return found < segments.length && compare(segments[found], source, offset, bytes) == 0;
        }

        /** The first value that is not below a cell of 16 bytes or a byte string; the number of values if none is. */
        private int firstAtLeast(MemorySegment source, long offset, int bytes) {
            int low = 0;
            int high = segments.length;
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (compare(segments[middle], source, offset, bytes) < 0) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            return low;
        }

        private int compare(MemorySegment value, MemorySegment source, long offset, int bytes) {
            return kind.isBinary()
                    ? Cells.compareBytes(value, 0, value.byteSize(), source, offset, bytes)
                    : kind.compare(value, 0, source, offset);
        }

        /** Whether a page that has bounds may have a cell that is in the list. */
        boolean anyWithin(Section section, int page) {
            MemorySegment zone = section.zoneMemory();
            long min = section.minOffset(page);
            long max = section.maxOffset(page);
            return switch (kind) {
                case INT8, INT16, INT32, INT64 -> {
                    int found = place(Arrays.binarySearch(longs, kind.integer(zone, min)));
                    yield found < longs.length && longs[found] <= kind.integer(zone, max);
                }
                case FLOAT -> anyWithin(zone.get(Cells.FLOAT, min), zone.get(Cells.FLOAT, max));
                case DOUBLE -> anyWithin(zone.get(Cells.DOUBLE, min), zone.get(Cells.DOUBLE, max));
                case INT128 -> {
                    int found = firstAtLeast(zone, min, kind.cellBytes());
                    yield found < segments.length && kind.compare(segments[found], 0, zone, max) <= 0;
                }
                case BINARY -> anyStringWithin(section, page);
            };
        }

        private boolean anyWithin(double min, double max) {
            int found = place(Arrays.binarySearch(doubles, min + 0.0));
            return found < doubles.length && doubles[found] <= max;
        }

        private static int place(int found) {
            return found < 0 ? -found - 1 : found;
        }

        /** A min that is cut is below the smallest string; a max that is cut stands for all that begin with it. */
        private boolean anyStringWithin(Section section, int page) {
            MemorySegment zone = section.zoneMemory();
            int found = firstAtLeast(zone, section.minOffset(page), section.minBytes(page));
            if (found == segments.length) {
                return false;
            }
            MemorySegment value = segments[found];
            boolean isCut = (section.zoneFlags(page) & Zone.MAX_CUT) != 0;
            long valueBytes = isCut ? Math.min(value.byteSize(), section.maxBytes(page)) : value.byteSize();
            return Cells.compareBytes(value, 0, valueBytes, zone, section.maxOffset(page), section.maxBytes(page)) <= 0;
        }
    }
}
