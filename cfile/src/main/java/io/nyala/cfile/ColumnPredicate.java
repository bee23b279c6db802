package io.nyala.cfile;

import io.nyala.encoding.EncodedVector;
import io.nyala.encoding.ValueRange;
import io.nyala.encoding.VectorDecoder;
import io.nyala.encoding.VectorPredicates;
import io.nyala.rows.CellValue;
import io.nyala.rows.Predicate;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A condition on one column, compiled for its kind of cell: to be asked of the bounds of a page, and of encoded
 * vectors.
 *
 * <p>A list of values is asked as the range from its smallest to its largest, in which then the rows that are left are
 * looked up one by one.
 *
 * <p>Immutable; shared by threads.
 */
public final class ColumnPredicate {
    private static final MemorySegment NO_BOUND = MemorySegment.ofArray(new long[2]);

    private final CellKind kind;
    private final Test test;
    private final @Nullable ValueRange range;

    // The bounds of the range, for zones. Where there is none it is zeros, not null: the optimizing compiler of JDK 25
    // was
    // seen to read through such a null before looking at it, which ends the process.
    private final boolean hasLow;
    private final boolean hasHigh;
    private final MemorySegment low;
    private final MemorySegment high;
    private final boolean isHighIncluded;

    /** Ascending; empty unless it is a list of more than one. */
    private final MemorySegment[] values;

    private final Predicate.BloomFilter[] filters;

    private enum Test {
        NEVER,
        IS_NULL,
        IS_NOT_NULL,
        RANGE,
        LIST,
        BLOOM
    }

    private ColumnPredicate(
            Predicate predicate,
            CellKind kind,
            Test test,
            @Nullable CellValue low,
            @Nullable CellValue high,
            boolean isHighIncluded) {
        this.kind = kind;
        this.test = test;
        this.hasLow = low != null;
        this.hasHigh = high != null;
        this.low = low == null ? NO_BOUND : low.segment();
        this.high = high == null ? NO_BOUND : high.segment();
        this.isHighIncluded = isHighIncluded;
        List<CellValue> listed = predicate instanceof Predicate.InList list ? list.values() : List.of();
        this.values = listed.stream().map(CellValue::segment).toArray(MemorySegment[]::new);
        List<Predicate.BloomFilter> sets =
                predicate instanceof Predicate.InBloomFilters bloom ? bloom.filters() : List.of();
        this.filters = sets.toArray(Predicate.BloomFilter[]::new);
        this.range = test == Test.RANGE || test == Test.LIST ? range() : null;
    }

    private ColumnPredicate(Predicate predicate, CellKind kind, Test test) {
        this(predicate, kind, test, null, null, false);
    }

    /** Compiles a predicate for a column of this kind; which column it names is the caller's business. */
    public static ColumnPredicate of(Predicate predicate, CellKind kind) {
        return switch (predicate) {
            case Predicate.Equal equal ->
                new ColumnPredicate(equal, kind, Test.RANGE, equal.value(), equal.value(), true);
            case Predicate.Range between ->
                new ColumnPredicate(between, kind, Test.RANGE, between.lower(), between.upper(), false);
            case Predicate.InList list when list.values().isEmpty() -> new ColumnPredicate(list, kind, Test.NEVER);
            case Predicate.InList list ->
                new ColumnPredicate(
                        list,
                        kind,
                        Test.LIST,
                        list.values().getFirst(),
                        list.values().getLast(),
                        true);
            case Predicate.InBloomFilters _ -> new ColumnPredicate(predicate, kind, Test.BLOOM);
            case Predicate.IsNull _ -> new ColumnPredicate(predicate, kind, Test.IS_NULL);
            case Predicate.IsNotNull _ -> new ColumnPredicate(predicate, kind, Test.IS_NOT_NULL);
        };
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
        if (between != null) {
            VectorPredicates.and(vector, between, bitmap, offset);
        }
        if (test == Test.LIST || test == Test.BLOOM) {
            andEach(vector, bitmap, offset);
        }
    }

    private void andEach(EncodedVector vector, MemorySegment bitmap, long offset) {
        for (int first = 0; first < vector.count(); first += Long.SIZE) {
            long at = offset + first / Byte.SIZE;
            long word = bitmap.get(Cells.LONG, at);
            long kept = 0;
            for (long rest = word; rest != 0; rest &= rest - 1) {
                int bit = Long.numberOfTrailingZeros(rest);
                boolean isIn = test == Test.LIST ? isListed(vector, first + bit) : isInFilters(vector, first + bit);
                kept |= isIn ? 1L << bit : 0;
            }
            bitmap.set(Cells.LONG, at, kept);
        }
    }

    private boolean isInFilters(EncodedVector vector, int row) {
        for (Predicate.BloomFilter filter : filters) {
            if (!isIn(filter, vector, row)) {
                return false;
            }
        }
        return true;
    }

    private boolean isIn(Predicate.BloomFilter filter, EncodedVector vector, int row) {
        return switch (kind) {
            case INT8, INT16, INT32, INT64, FLOAT, DOUBLE ->
                filter.mayContain(VectorDecoder.longAt(vector, row), vector.cellBytes());
            case INT128 -> {
                MemorySegment cell = MemorySegment.ofArray(new long[2]);
                VectorDecoder.fixedCell(vector, row, cell, 0);
                yield filter.mayContain(cell, 0, (int) cell.byteSize());
            }
            case BINARY -> {
                int bytes = VectorDecoder.binaryCellBytes(vector, row);
                long at = VectorDecoder.binaryCellOffset(vector, row);
                yield filter.mayContain(vector.cellMemory(), at, bytes);
            }
        };
    }

    private boolean isListed(EncodedVector vector, int row) {
        // Once: an encoding may have to compute it.
        long bits = vector.isBinary() || vector.cellBytes() > Long.BYTES ? 0 : VectorDecoder.longAt(vector, row);
        int from = 0;
        int to = values.length - 1;
        while (from <= to) {
            int middle = (from + to) >>> 1;
            int order = compare(vector, row, bits, values[middle]);
            if (order == 0) {
                return true;
            }
            if (order > 0) {
                from = middle + 1;
            } else {
                to = middle - 1;
            }
        }
        return false;
    }

    /** Compares the cell, of which {@code bits} are those of up to 8 bytes, with a value of the list. */
    private int compare(EncodedVector vector, int row, long bits, MemorySegment value) {
        return switch (kind) {
            case INT8, INT16, INT32, INT64 -> Long.compare(bits, kind.integer(value, 0));
            case FLOAT -> Float.compare(Float.intBitsToFloat((int) bits) + 0.0f, value.get(Cells.FLOAT, 0) + 0.0f);
            case DOUBLE -> Double.compare(Double.longBitsToDouble(bits) + 0.0, value.get(Cells.DOUBLE, 0) + 0.0);
            case INT128 -> compareWide(vector, row, value);
            case BINARY -> VectorDecoder.compareBinary(vector, row, value, 0, value.byteSize());
        };
    }

    private static int compareWide(EncodedVector vector, int row, MemorySegment value) {
        MemorySegment cell = MemorySegment.ofArray(new long[2]);
        VectorDecoder.fixedCell(vector, row, cell, 0);
        return CellKind.INT128.compare(cell, 0, value, 0);
    }
}
