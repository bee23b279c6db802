package io.nyala.partition;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowLayout;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The ranges of a table made ready to be searched for a row: binary search by lower bound, comparing column by column,
 * so that no row's range key is ever written down.
 *
 * <p>Immutable and shared; searching allocates nothing.
 */
final class RangeIndex {
    /** No range has the row. */
    static final int NOT_FOUND = -1;

    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN)
            .withInvokeExactBehavior();

    private final KeyCells cells;
    private final int[] columns;
    private final @Nullable Bound[] lowers;
    private final @Nullable Bound[] uppers;

    /**
     * @param keys null if the table has no range level; then there is at most one range, and it is unbounded
     * @param ranges disjoint, in order
     */
    RangeIndex(KeyCells cells, @Nullable RangeKeys keys, List<RangePartition> ranges) {
        this.cells = cells;
        this.columns = keys == null
                ? new int[0]
                : keys.columns().stream()
                        .mapToInt(column -> cells.layout().schema().indexOfId(column.id()))
                        .toArray();
        this.lowers = bounds(
                keys, ranges.stream().map(range -> range.bounds().lower()).toList());
        this.uppers = bounds(
                keys, ranges.stream().map(range -> range.bounds().upper()).toList());
    }

    private static @Nullable Bound[] bounds(@Nullable RangeKeys keys, List<byte[]> bounds) {
        return bounds.stream()
                .map(bound -> keys == null || bound.length == 0 ? null : Bound.of(keys.columns(), keys.decode(bound)))
                .toArray(Bound[]::new);
    }

    /** The range that has the row, or the row with this key, or {@link #NOT_FOUND}. */
    int find(MemorySegment memory, long base, int keyBytes) {
        int from = 0;
        int to = lowers.length - 1;
        while (from <= to) {
            int middle = (from + to) >>> 1;
            Bound lower = lowers[middle];
            if (lower == null || compare(memory, base, keyBytes, lower) >= 0) {
                from = middle + 1;
            } else {
                to = middle - 1;
            }
        }
        if (to < 0) {
            return NOT_FOUND;
        }
        Bound upper = uppers[to];
        return upper == null || compare(memory, base, keyBytes, upper) < 0 ? to : NOT_FOUND;
    }

    /** How the row's range key compares with a bound. */
    private int compare(MemorySegment memory, long base, int keyBytes, Bound bound) {
        RowLayout layout = cells.layout();
        for (int i = 0; i < columns.length; i++) {
            int column = columns[i];
            int order;
            if (layout.isVariable(column)) {
                long start = cells.start(memory, base, keyBytes, column);
                long end = cells.end(memory, base, keyBytes, column, start);
                byte[] value = cells.isEscaped(keyBytes, column) ? bound.escaped[i] : bound.raw[i];
                order = compare(memory, start, end, value);
            } else {
                order = Long.compare(cells.high(memory, base, keyBytes, column), bound.highs[i]);
                if (order == 0 && layout.cellBytes(column) > Long.BYTES) {
                    order = Long.compareUnsigned(cells.low(memory, base, keyBytes, column), bound.lows[i]);
                }
            }
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }

    /** As unsigned bytes. */
    private static int compare(MemorySegment memory, long start, long end, byte[] value) {
        int bytes = (int) (end - start);
        int common = Math.min(bytes, value.length);
        int at = 0;
        for (; at + Long.BYTES <= common; at += Long.BYTES) {
            long a = memory.get(LittleEndian.LONG, start + at);
            long b = (long) LONG.get(value, at);
            if (a != b) {
                return Long.compareUnsigned(Long.reverseBytes(a), Long.reverseBytes(b));
            }
        }
        for (; at < common; at++) {
            int difference = (memory.get(JAVA_BYTE, start + at) & 0xff) - (value[at] & 0xff);
            if (difference != 0) {
                return difference;
            }
        }
        return bytes - value.length;
    }

    /**
     * The values of a bound, as a row's would be read.
     *
     * @param highs of fixed-width columns, as {@link KeyCells#high}
     * @param lows of the widest ones, as {@link KeyCells#low}
     * @param raw of variable-length columns
     * @param escaped the same as it stands in a key, but for what marks its end
     */
    @SuppressWarnings("ArrayRecordComponent") // Nobody compares them.
    private record Bound(long[] highs, long[] lows, byte[][] raw, byte[][] escaped) {
        static Bound of(List<Column> columns, List<CellValue> values) {
            int count = columns.size();
            var bound = new Bound(new long[count], new long[count], new byte[count][], new byte[count][]);
            for (int i = 0; i < count; i++) {
                Column column = columns.get(i);
                CellValue value = values.get(i);
                bound.raw[i] = KeyBytes.NONE;
                bound.escaped[i] = KeyBytes.NONE;
                if (column.type().isVariable()) {
                    bound.raw[i] = value.toByteArray();
                    bound.escaped[i] = escaped(column, bound.raw[i]);
                } else if (value.bytes() <= Long.BYTES) {
                    bound.highs[i] = value.toLong();
                } else {
                    bound.highs[i] = value.toBigInteger().shiftRight(Long.SIZE).longValue();
                    bound.lows[i] = value.toBigInteger().longValue();
                }
            }
            return bound;
        }

        private static byte[] escaped(Column column, byte[] raw) {
            var key = new ByteArrayOutputStream();
            KeyBytes.append(key, column.type(), raw, false);
            byte[] marked = key.toByteArray();
            return Arrays.copyOf(marked, marked.length - Short.BYTES);
        }
    }
}
