package io.nyala.rows;

import io.nyala.memory.Kernels;
import io.nyala.rows.Predicate.BloomFilter;
import io.nyala.rows.Predicate.Equal;
import io.nyala.rows.Predicate.InBloomFilters;
import io.nyala.rows.Predicate.InList;
import io.nyala.rows.Predicate.IsNotNull;
import io.nyala.rows.Predicate.IsNull;
import io.nyala.rows.Predicate.Range;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A predicate made ready to be evaluated: on a vector of a column, or on a cell of a packed row. Integers of up to 64
 * bits (BOOL too) are compared as {@code long}s between two included bounds, floating-point numbers likewise (NaN
 * matches no value predicate), DECIMAL128 as pairs of {@code long}s, strings as unsigned bytes.
 *
 * <p>Immutable and shared. Nothing allocates but {@link #of}.
 */
public final class CellFilter {
    private static final int NEVER = 0;
    private static final int IS_NULL = 1;
    private static final int IS_NOT_NULL = 2;
    private static final int LONG_RANGE = 3;
    private static final int LONG_IN = 4;
    private static final int DOUBLE_RANGE = 5;
    private static final int DOUBLE_IN = 6;
    private static final int WIDE_RANGE = 7;
    private static final int WIDE_IN = 8;
    private static final int BYTES_RANGE = 9;
    private static final int BYTES_IN = 10;
    private static final int BLOOM = 11;

    private static final Kernels KERNELS = Kernels.best();

    private static final long[] NO_LONGS = {};
    private static final double[] NO_DOUBLES = {};
    private static final byte[][] NO_BYTES = {};
    private static final BloomFilter[] NO_FILTERS = {};

    private final int column;
    private final ColumnType type;
    private final int kind;

    // A range has its two included bounds in these, a list its values, ascending. Wide integers: high, low, high, low.
    private final long[] longs;
    private final double[] doubles;
    private final byte[][] bytes;
    private final BloomFilter[] filters;

    // A range of bytes; upper is excluded.
    private final byte @Nullable [] lowerBytes;
    private final byte @Nullable [] upperBytes;

    private CellFilter(Schema schema, Predicate predicate) {
        this.column = predicate.column();
        this.type = schema.column(column).type();
        List<CellValue> values =
                switch (predicate) {
                    case Equal equal -> List.of(equal.value());
                    case InList list -> list.values();
                    case Range _, InBloomFilters _, IsNull _, IsNotNull _ -> List.of();
                };
        Range range = predicate instanceof Range given ? given : null;
        this.kind = kind(predicate, type, values.size());
        this.longs = switch (kind) {
            case LONG_RANGE -> range == null ? twice(values) : longBounds(range);
            case LONG_IN -> values.stream().mapToLong(CellValue::toLong).toArray();
            case WIDE_RANGE -> range == null ? wide(List.of(values.getFirst(), values.getFirst())) : wideBounds(range);
            case WIDE_IN -> wide(values);
            default -> NO_LONGS;
        };
        this.doubles = switch (kind) {
            case DOUBLE_RANGE -> range == null ? twiceDouble(values) : doubleBounds(range, type);
            case DOUBLE_IN -> values.stream().mapToDouble(CellValue::toDouble).toArray();
            default -> NO_DOUBLES;
        };
        this.bytes = kind == BYTES_IN ? values.stream().map(CellValue::raw).toArray(byte[][]::new) : NO_BYTES;
        this.filters =
                predicate instanceof InBloomFilters bloom ? bloom.filters().toArray(BloomFilter[]::new) : NO_FILTERS;
        this.lowerBytes = kind == BYTES_RANGE && range != null ? raw(range.lower()) : null;
        this.upperBytes = kind == BYTES_RANGE && range != null ? raw(range.upper()) : null;
    }

    private static byte @Nullable [] raw(@Nullable CellValue value) {
        return value == null ? null : value.raw();
    }

    /** Compiles a predicate. */
    public static CellFilter of(Schema schema, Predicate predicate) {
        return new CellFilter(schema, predicate);
    }

    private static int kind(Predicate predicate, ColumnType type, int values) {
        if (predicate instanceof IsNull) {
            return IS_NULL;
        }
        if (predicate instanceof IsNotNull) {
            return IS_NOT_NULL;
        }
        if (predicate instanceof InBloomFilters) {
            return BLOOM;
        }
        boolean isRange = predicate instanceof Range;
        if (!isRange && values == 0) {
            return NEVER;
        }
        return switch (type) {
            case FLOAT, DOUBLE -> isRange || values == 1 ? DOUBLE_RANGE : DOUBLE_IN;
            case DECIMAL128 -> isRange || values == 1 ? WIDE_RANGE : WIDE_IN;
            case STRING, BINARY, VARCHAR -> isRange ? BYTES_RANGE : BYTES_IN;
            default -> isRange || values == 1 ? LONG_RANGE : LONG_IN;
        };
    }

    private static long[] twice(List<CellValue> values) {
        long value = values.getFirst().toLong();
        return new long[] {value, value};
    }

    private static double[] twiceDouble(List<CellValue> values) {
        double value = values.getFirst().toDouble();
        return new double[] {value, value};
    }

    private static long[] longBounds(Range range) {
        long lower = range.lower() == null ? Long.MIN_VALUE : range.lower().toLong();
        long upper = range.upper() == null ? Long.MAX_VALUE : range.upper().toLong();
        if (range.upper() != null && upper == Long.MIN_VALUE) {
            return new long[] {1, 0};
        }
        return new long[] {lower, range.upper() == null ? upper : upper - 1};
    }

    private static double[] doubleBounds(Range range, ColumnType type) {
        double lower =
                range.lower() == null ? Double.NEGATIVE_INFINITY : range.lower().toDouble();
        double upper =
                range.upper() == null ? Double.POSITIVE_INFINITY : range.upper().toDouble();
        if (range.upper() == null) {
            return new double[] {lower, upper};
        }
        if (upper == Double.NEGATIVE_INFINITY) {
            return new double[] {1, 0};
        }
        return new double[] {lower, type == ColumnType.FLOAT ? Math.nextDown((float) upper) : Math.nextDown(upper)};
    }

    private static long[] wideBounds(Range range) {
        long[] bounds = {Long.MIN_VALUE, 0, Long.MAX_VALUE, -1};
        if (range.lower() != null) {
            wide(range.lower(), bounds, 0);
        }
        if (range.upper() != null) {
            wide(range.upper(), bounds, 2);
            if (bounds[2] == Long.MIN_VALUE && bounds[3] == 0) {
                return new long[] {1, 0, 0, 0};
            }
            bounds[2] -= bounds[3] == 0 ? 1 : 0;
            bounds[3]--;
        }
        return bounds;
    }

    private static long[] wide(List<CellValue> values) {
        long[] pairs = new long[2 * values.size()];
        for (int i = 0; i < values.size(); i++) {
            wide(values.get(i), pairs, 2 * i);
        }
        return pairs;
    }

    private static void wide(CellValue value, long[] target, int index) {
        MemorySegment cell = value.segment();
        target[index] = cell.get(LittleEndian.LONG, Long.BYTES);
        target[index + 1] = cell.get(LittleEndian.LONG, 0);
    }

    /** Index in the schema. */
    public int column() {
        return column;
    }

    public ColumnType type() {
        return type;
    }

    /** Whether it is decided by being NULL or not alone. */
    public boolean ignoresValue() {
        return kind <= IS_NOT_NULL;
    }

    /** Whether a packed row's cell matches. */
    public boolean matches(RowLayout layout, MemorySegment memory, long row) {
        if (layout.isNull(memory, row, column)) {
            return kind == IS_NULL;
        }
        return switch (kind) {
            case NEVER, IS_NULL -> false;
            case IS_NOT_NULL -> true;
            case LONG_RANGE, LONG_IN -> matchesLong(layout.getInteger(memory, row, column));
            case DOUBLE_RANGE, DOUBLE_IN ->
                matchesDouble(
                        type == ColumnType.FLOAT
                                ? layout.getFloat(memory, row, column)
                                : layout.getDouble(memory, row, column));
            case WIDE_RANGE, WIDE_IN ->
                matchesWide(layout.getHighLong(memory, row, column), layout.getLong(memory, row, column));
            case BLOOM ->
                isInFilters(memory, layout.valueOffset(memory, row, column), layout.valueBytes(memory, row, column));
            default ->
                matchesBytes(
                        memory,
                        row + layout.variableOffset(memory, row, column),
                        layout.variableBytes(memory, row, column));
        };
    }

    /** Whether an integer-like cell of at most 8 bytes, or a BOOL, that is not NULL matches. */
    public boolean matchesLong(long value) {
        return switch (kind) {
            case LONG_RANGE -> longs[0] <= value && value <= longs[1];
            case LONG_IN -> Arrays.binarySearch(longs, value) >= 0;
            case BLOOM -> isInFilters(value);
            default -> kind == IS_NOT_NULL;
        };
    }

    /** Whether a FLOAT or DOUBLE cell that is not NULL matches. */
    public boolean matchesDouble(double value) {
        return switch (kind) {
            case DOUBLE_RANGE -> doubles[0] <= value && value <= doubles[1];
            // The list has 0.0 only, and adding it makes 0.0 of -0.0.
            case DOUBLE_IN -> !Double.isNaN(value) && Arrays.binarySearch(doubles, value + 0.0) >= 0;
            default -> kind == IS_NOT_NULL;
        };
    }

    /** Whether a DECIMAL128 cell that is not NULL matches. */
    public boolean matchesWide(long high, long low) {
        return switch (kind) {
            case WIDE_RANGE ->
                compareWide(longs[0], longs[1], high, low) <= 0 && compareWide(high, low, longs[2], longs[3]) <= 0;
            case WIDE_IN -> containsWide(high, low);
            default -> kind == IS_NOT_NULL;
        };
    }

    private boolean isInFilters(MemorySegment memory, long offset, int count) {
        for (BloomFilter filter : filters) {
            if (!filter.mayContain(memory, offset, count)) {
                return false;
            }
        }
        return true;
    }

    private boolean isInFilters(long value) {
        for (BloomFilter filter : filters) {
            if (!filter.mayContain(value, type.cellBytes())) {
                return false;
            }
        }
        return true;
    }

    private boolean containsWide(long high, long low) {
        int from = 0;
        int to = longs.length / 2 - 1;
        while (from <= to) {
            int middle = (from + to) >>> 1;
            int order = compareWide(longs[2 * middle], longs[2 * middle + 1], high, low);
            if (order == 0) {
                return true;
            }
            if (order < 0) {
                from = middle + 1;
            } else {
                to = middle - 1;
            }
        }
        return false;
    }

    private static int compareWide(long leftHigh, long leftLow, long rightHigh, long rightLow) {
        return leftHigh == rightHigh ? Long.compareUnsigned(leftLow, rightLow) : Long.compare(leftHigh, rightHigh);
    }

    /** Whether a variable-length cell that is not NULL matches. */
    public boolean matchesBytes(MemorySegment memory, long offset, int length) {
        return switch (kind) {
            case BYTES_RANGE ->
                (lowerBytes == null || KeyCodec.compare(memory, offset, length, lowerBytes) >= 0)
                        && (upperBytes == null || KeyCodec.compare(memory, offset, length, upperBytes) < 0);
            case BYTES_IN -> containsBytes(memory, offset, length);
            default -> kind == IS_NOT_NULL;
        };
    }

    private boolean containsBytes(MemorySegment memory, long offset, int length) {
        int from = 0;
        int to = bytes.length - 1;
        while (from <= to) {
            int middle = (from + to) >>> 1;
            int order = KeyCodec.compare(memory, offset, length, bytes[middle]);
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

    /**
     * Clears the bits of the cells that do not match; bits that are clear stay clear.
     *
     * @param vector of this predicate's column
     * @param count rows of the vector
     * @param bitmap of {@code ceil(count / 64)} 64-bit words, bit {@code i % 64} of word {@code i / 64} for row {@code
     *     i}; bits from {@code count} on are cleared
     */
    public void evaluate(ColumnVector vector, int count, MemorySegment bitmap) {
        assert vector.type() == type : vector.type() + " for a filter on " + type;
        keepByNull(vector.validity(), count, bitmap);
        if (ignoresValue() || evaluateByKernel(vector, count, bitmap)) {
            return;
        }
        for (int first = 0; first < count; first += Long.SIZE) {
            long at = first / Byte.SIZE;
            long candidates = bitmap.get(LittleEndian.LONG, at);
            if (candidates != 0) {
                bitmap.set(LittleEndian.LONG, at, matching(vector, first, candidates));
            }
        }
    }

    /** Whether it was one of those for which there is a kernel. */
    private boolean evaluateByKernel(ColumnVector vector, int count, MemorySegment bitmap) {
        if (kind == LONG_RANGE && type.cellBytes() == Long.BYTES) {
            KERNELS.rangeLong(vector.values(), 0, count, longs[0], longs[1], bitmap, 0);
        } else if (kind == LONG_RANGE && type.cellBytes() == Integer.BYTES) {
            if (longs[0] > Integer.MAX_VALUE || longs[1] < Integer.MIN_VALUE) {
                KERNELS.rangeInt(vector.values(), 0, count, 1, 0, bitmap, 0);
            } else {
                int low = (int) Math.max(longs[0], Integer.MIN_VALUE);
                int high = (int) Math.min(longs[1], Integer.MAX_VALUE);
                KERNELS.rangeInt(vector.values(), 0, count, low, high, bitmap, 0);
            }
        } else if (kind == DOUBLE_RANGE && type == ColumnType.DOUBLE) {
            KERNELS.rangeDouble(vector.values(), 0, count, doubles[0], doubles[1], bitmap, 0);
        } else if (kind == DOUBLE_RANGE) {
            KERNELS.rangeFloat(vector.values(), 0, count, (float) doubles[0], (float) doubles[1], bitmap, 0);
        } else {
            return false;
        }
        return true;
    }

    private void keepByNull(MemorySegment validity, int count, MemorySegment bitmap) {
        for (int first = 0; first < count; first += Long.SIZE) {
            long at = first / Byte.SIZE;
            long rows = count - first >= Long.SIZE ? -1L : (1L << (count - first)) - 1;
            long valid = validity.get(LittleEndian.LONG, at);
            long kept = kind == NEVER ? 0 : kind == IS_NULL ? ~valid : valid;
            bitmap.set(LittleEndian.LONG, at, bitmap.get(LittleEndian.LONG, at) & rows & kept);
        }
    }

    private long matching(ColumnVector vector, int first, long candidates) {
        long matching = 0;
        for (long rest = candidates; rest != 0; rest &= rest - 1) {
            int bit = Long.numberOfTrailingZeros(rest);
            if (matchesValue(vector, first + bit)) {
                matching |= 1L << bit;
            }
        }
        return matching;
    }

    private boolean matchesValue(ColumnVector vector, int row) {
        return switch (kind) {
            case LONG_RANGE, LONG_IN -> matchesLong(vector.integerAt(row));
            case DOUBLE_RANGE, DOUBLE_IN ->
                matchesDouble(type == ColumnType.FLOAT ? vector.floatAt(row) : vector.doubleAt(row));
            case WIDE_RANGE, WIDE_IN -> matchesWide(vector.highLongAt(row), vector.lowLongAt(row));
            case BLOOM ->
                type.isVariable()
                        ? isInFilters(vector.bytes(), vector.offsetAt(row), vector.bytesAt(row))
                        : isInFilters(vector.values(), (long) row * type.cellBytes(), type.cellBytes());
            default -> matchesBytes(vector.bytes(), vector.offsetAt(row), vector.bytesAt(row));
        };
    }
}
