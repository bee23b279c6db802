package io.nyala.table;

import io.nyala.memory.Kernels;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Count, sum and bounds of the cells of one column that are not NULL. Sums of integers have 192 bits, which no number
 * of rows fills. One thread; allocates only where a least or greatest string becomes another one.
 */
final class ColumnTotals {
    /** Where no value is beyond, the sum of a vector fits in 64 bits. */
    private static final long SMALL_MAX = 1L << 52;

    private static final Kernels KERNELS = Kernels.best();

    private final Column column;
    private final ColumnType type;
    private final Cells cells;
    private boolean hasSum;
    private boolean hasBounds;
    private long count;

    // The sum of integers, as one number of 192 bits.
    private long sumLow;
    private long sumMiddle;
    private long sumHigh;

    private double sumReal;

    // Bounds of what has come so far, if there was a value: as the kind of cells has them.
    private boolean isAny;
    private long leastLong;
    private long greatestLong;
    private long leastHigh; // Of wide integers, whose lower halves are the above.
    private long greatestHigh;
    private double leastReal;
    private double greatestReal;
    private byte[] leastText = {};
    private byte[] greatestText = {};

    /** How cells are looked at. */
    private enum Cells {
        INTEGERS,
        WIDE,
        REALS,
        TEXTS;

        static Cells of(ColumnType type) {
            return switch (type) {
                case BOOL, INT8, INT16, INT32, INT64, DATE, UNIXTIME_MICROS, DECIMAL32, DECIMAL64 -> INTEGERS;
                case DECIMAL128 -> WIDE;
                case FLOAT, DOUBLE -> REALS;
                case STRING, BINARY, VARCHAR -> TEXTS;
            };
        }
    }

    ColumnTotals(Column column) {
        this.column = column;
        this.type = column.type();
        this.cells = Cells.of(type);
    }

    /** Says what will be asked. */
    void want(Aggregate.Kind kind) {
        switch (kind) {
            case COUNT -> {}
            case SUM -> {
                checkHasSum();
                hasSum = true;
            }
            case MIN, MAX -> hasBounds = true;
        }
    }

    private void checkHasSum() {
        switch (type) {
            case INT8, INT16, INT32, INT64, DECIMAL32, DECIMAL64, DECIMAL128, FLOAT, DOUBLE -> {}
            case BOOL, DATE, UNIXTIME_MICROS, STRING, BINARY, VARCHAR ->
                throw new IllegalArgumentException(column.describe() + " has no sum: it is no column of numbers");
        }
    }

    boolean hasSum() {
        return hasSum;
    }

    boolean hasBounds() {
        return hasBounds;
    }

    long count() {
        return count;
    }

    // ---- Adding ----

    /** Adds so many cells, of which the bounds are known; there are none where there is no cell. */
    void add(long cellCount, @Nullable MemorySegment least, @Nullable MemorySegment greatest) {
        assert !hasSum || cellCount == 0 : "bounds tell no sum of " + column.name();
        count += cellCount;
        if (hasBounds && least != null && greatest != null) {
            bound(least, 0, least.byteSize());
            bound(greatest, 0, greatest.byteSize());
        }
    }

    private void bound(MemorySegment memory, long at, long bytes) {
        switch (cells) {
            case INTEGERS -> boundLong(integer(memory, at));
            case WIDE -> boundWide(LittleEndian.getLong(memory, at + Long.BYTES), LittleEndian.getLong(memory, at));
            case REALS -> boundReal(real(memory, at));
            case TEXTS -> boundText(memory, at, bytes);
        }
        isAny = true;
    }

    /** Adds the cells of the first rows of a vector. */
    void add(ColumnVector values, int rows) {
        MemorySegment validity = values.validity();
        int cellCount = KERNELS.popCount(validity, 0, rows);
        count += cellCount;
        if (cellCount == 0 || (!hasSum && !hasBounds)) {
            return;
        }
        switch (cells) {
            case INTEGERS -> addIntegers(values, rows);
            case WIDE -> addWide(values, rows);
            case REALS -> addReals(values, rows);
            case TEXTS -> addTexts(values, rows);
        }
        isAny = true;
    }

    /** Adds as many cells of each of the first values of a vector as {@code counts} says. */
    void add(ColumnVector values, int entryCount, int[] counts) {
        for (int i = 0; i < entryCount; i++) {
            if (counts[i] == 0) {
                continue;
            }
            count += counts[i];
            long at = (long) i * type.cellBytes();
            if (hasSum) {
                addTimes(values.values(), at, counts[i]);
            }
            if (hasBounds && cells == Cells.TEXTS) {
                int start = LittleEndian.getInt(values.offsets(), (long) i * Integer.BYTES);
                bound(values.bytes(), start, LittleEndian.getInt(values.offsets(), (i + 1L) * Integer.BYTES) - start);
            } else if (hasBounds) {
                bound(values.values(), at, type.cellBytes());
            }
        }
    }

    private void addTimes(MemorySegment memory, long at, int times) {
        switch (cells) {
            case INTEGERS -> {
                long value = integer(memory, at);
                add(Math.multiplyHigh(value, times), value * times);
            }
            case WIDE -> {
                long low = LittleEndian.getLong(memory, at);
                long high = LittleEndian.getLong(memory, at + Long.BYTES);
                add(Math.unsignedMultiplyHigh(low, times), low * times); // Not negative: times is small.
                addToMiddle(Math.multiplyHigh(high, times), high * times);
            }
            case REALS -> sumReal += real(memory, at) * times;
            case TEXTS -> throw new AssertionError("texts have no sum");
        }
    }

    private void addIntegers(ColumnVector vector, int rows) {
        MemorySegment values = vector.values();
        MemorySegment validity = vector.validity();
        if (type.cellBytes() < Long.BYTES) {
            addNarrow(values, validity, rows);
            return;
        }
        long least = KERNELS.minLong(values, 0, rows, validity, 0);
        long greatest = KERNELS.maxLong(values, 0, rows, validity, 0);
        if (hasBounds) {
            boundLong(least);
            isAny = true;
            boundLong(greatest);
        }
        if (!hasSum) {
            return;
        }
        if (least >= -SMALL_MAX && greatest <= SMALL_MAX) {
            addLong(KERNELS.sumLong(values, 0, rows, validity, 0));
            return;
        }
        for (int row = 0; row < rows; row++) {
            if (isValid(validity, row)) {
                addLong(LittleEndian.getLong(values, (long) row * Long.BYTES));
            }
        }
    }

    private void addNarrow(MemorySegment values, MemorySegment validity, int rows) {
        long sum = 0;
        long least = Long.MAX_VALUE;
        long greatest = Long.MIN_VALUE;
        int width = type.cellBytes();
        for (int row = 0; row < rows; row++) {
            if (isValid(validity, row)) {
                long value = integer(values, (long) row * width);
                sum += value; // Of up to 32 bits each: a vector does not overflow.
                least = Math.min(least, value);
                greatest = Math.max(greatest, value);
            }
        }
        addLong(sum);
        boundLong(least);
        isAny = true;
        boundLong(greatest);
    }

    private static boolean isValid(MemorySegment validity, int row) {
        return (validity.get(ValueLayout.JAVA_BYTE, row >>> 3) >>> (row & 7) & 1) != 0;
    }

    private long integer(MemorySegment memory, long at) {
        return switch (type.cellBytes()) {
            case Byte.BYTES -> memory.get(ValueLayout.JAVA_BYTE, at);
            case Short.BYTES -> memory.get(LittleEndian.SHORT, at);
            case Integer.BYTES -> LittleEndian.getInt(memory, at);
            default -> LittleEndian.getLong(memory, at);
        };
    }

    private void addLong(long value) {
        add(value >> (Long.SIZE - 1), value);
    }

    private void add(long high, long low) {
        long carry = sumLow;
        sumLow += low;
        carry = Long.compareUnsigned(sumLow, carry) < 0 ? 1 : 0;
        addToMiddle(high >> (Long.SIZE - 1), high);
        addToMiddle(0, carry);
    }

    /** Adds 2<sup>64</sup> times a number. */
    private void addToMiddle(long high, long low) {
        long before = sumMiddle;
        sumMiddle += low;
        sumHigh += high + (Long.compareUnsigned(sumMiddle, before) < 0 ? 1 : 0);
    }

    private void boundLong(long value) {
        leastLong = isAny ? Math.min(leastLong, value) : value;
        greatestLong = isAny ? Math.max(greatestLong, value) : value;
    }

    private void addWide(ColumnVector vector, int rows) {
        MemorySegment values = vector.values();
        for (int row = 0; row < rows; row++) {
            if (isValid(vector.validity(), row)) {
                long low = LittleEndian.getLong(values, (long) row * 2 * Long.BYTES);
                long high = LittleEndian.getLong(values, (long) row * 2 * Long.BYTES + Long.BYTES);
                add(high, low);
                boundWide(high, low);
                isAny = true;
            }
        }
    }

    private void boundWide(long high, long low) {
        if (!isAny || isBelow(high, low, leastHigh, leastLong)) {
            leastHigh = high;
            leastLong = low;
        }
        if (!isAny || isBelow(greatestHigh, greatestLong, high, low)) {
            greatestHigh = high;
            greatestLong = low;
        }
    }

    private static boolean isBelow(long high, long low, long otherHigh, long otherLow) {
        return high < otherHigh || (high == otherHigh && Long.compareUnsigned(low, otherLow) < 0);
    }

    private void addReals(ColumnVector vector, int rows) {
        MemorySegment values = vector.values();
        if (hasSum && type == ColumnType.DOUBLE) {
            sumReal += KERNELS.sumDouble(values, 0, rows, vector.validity(), 0);
        }
        int width = type.cellBytes();
        boolean isSummed = hasSum && type == ColumnType.FLOAT;
        for (int row = 0; row < rows && (hasBounds || isSummed); row++) {
            if (isValid(vector.validity(), row)) {
                double value = real(values, (long) row * width);
                sumReal += isSummed ? value : 0;
                boundReal(value);
                isAny = true;
            }
        }
    }

    private double real(MemorySegment memory, long at) {
        return type == ColumnType.FLOAT ? memory.get(LittleEndian.FLOAT, at) : memory.get(LittleEndian.DOUBLE, at);
    }

    private void boundReal(double value) {
        double plain = value + 0.0; // -0.0 is 0.0.
        leastReal = !isAny || Double.compare(plain, leastReal) < 0 ? plain : leastReal;
        greatestReal = !isAny || Double.compare(plain, greatestReal) > 0 ? plain : greatestReal;
    }

    private void addTexts(ColumnVector vector, int rows) {
        for (int row = 0; row < rows; row++) {
            if (isValid(vector.validity(), row)) {
                long at = LittleEndian.getInt(vector.offsets(), (long) row * Integer.BYTES);
                long end = LittleEndian.getInt(vector.offsets(), (row + 1L) * Integer.BYTES);
                boundText(vector.bytes(), at, end - at);
                isAny = true;
            }
        }
    }

    private void boundText(MemorySegment memory, long at, long bytes) {
        if (!isAny || compare(memory, at, bytes, leastText) < 0) {
            leastText = memory.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE);
        }
        if (!isAny || compare(memory, at, bytes, greatestText) > 0) {
            greatestText = memory.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static int compare(MemorySegment memory, long at, long bytes, byte[] other) {
        return KeyCodec.compare(memory, at, (int) bytes, MemorySegment.ofArray(other), 0, other.length);
    }

    // ---- Answers ----

    @Nullable
    Object value(Aggregate.Kind kind) {
        return switch (kind) {
            case COUNT -> count;
            case SUM -> count == 0 ? null : sum();
            case MIN -> object(least());
            case MAX -> object(greatest());
        };
    }

    private @Nullable Object object(@Nullable CellValue cell) {
        return cell == null ? null : cell.toObject(column);
    }

    @Nullable
    CellValue least() {
        return count == 0 ? null : CellValue.ofBytes(bound(true));
    }

    @Nullable
    CellValue greatest() {
        return count == 0 ? null : CellValue.ofBytes(bound(false));
    }

    private Object sum() {
        if (cells == Cells.REALS) {
            return sumReal;
        }
        byte[] bytes = ByteBuffer.allocate(3 * Long.BYTES)
                .putLong(sumHigh)
                .putLong(sumMiddle)
                .putLong(sumLow)
                .array();
        BigInteger sum = new BigInteger(bytes);
        return type.isDecimal() ? new BigDecimal(sum, column.attributes().scale()) : sum;
    }

    private byte[] bound(boolean isLeast) {
        return switch (cells) {
            case INTEGERS -> cell(0, isLeast ? leastLong : greatestLong, type.cellBytes());
            case WIDE ->
                isLeast
                        ? cell(leastHigh, leastLong, type.cellBytes())
                        : cell(greatestHigh, greatestLong, type.cellBytes());
            case REALS -> real(isLeast ? leastReal : greatestReal);
            case TEXTS -> isLeast ? leastText : greatestText;
        };
    }

    private byte[] real(double value) {
        return type == ColumnType.FLOAT
                ? cell(0, Float.floatToRawIntBits((float) value), Float.BYTES)
                : cell(0, Double.doubleToRawLongBits(value), Double.BYTES);
    }

    private static byte[] cell(long high, long low, int bytes) {
        byte[] both = ByteBuffer.allocate(2 * Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(low)
                .putLong(high)
                .array();
        return Arrays.copyOf(both, bytes);
    }
}
