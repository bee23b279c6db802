package io.nyala.partition;

import io.nyala.memory.Check;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The columns of the range level as a key of their own: bounds from Java values, and back. For the control plane.
 * Immutable.
 */
final class RangeKeys {
    private final List<Column> columns;
    private final KeyCodec codec;

    /** @param columns at least one, in the order of the range level; each with its id */
    RangeKeys(Schema schema, List<Column> columns) {
        this.columns = columns;
        this.codec = new KeyCodec(new RowLayout(new Schema(0, schema.nextColumnId(), columns)));
    }

    List<Column> columns() {
        return columns;
    }

    /** A bound; empty if no value is set. */
    byte[] encode(List<? extends @Nullable Object> values) {
        List<byte @Nullable []> given = given(values);
        return given.stream().allMatch(Objects::isNull) ? KeyBytes.NONE : encoded(given);
    }

    /**
     * The bound behind one: the last column goes to its next value; one that is at its largest is left out, and the
     * column before it goes on instead. As in Kudu.
     *
     * @param isLower whether there must be a next one, and no values are the least ones; as an upper bound, no values
     *     and the largest ones are no bound
     */
    byte[] encodeBehind(List<? extends @Nullable Object> values, boolean isLower) {
        List<byte @Nullable []> given = given(values);
        if (!isLower && given.stream().allMatch(Objects::isNull)) {
            return KeyBytes.NONE;
        }
        for (int i = columns.size() - 1; i >= 0; i--) {
            Column column = columns.get(i);
            byte[] value = given.get(i);
            byte[] next = KeyBytes.increment(column, value == null ? KeyBytes.min(column) : value);
            given.set(i, next);
            if (next != null) {
                return encoded(given);
            }
        }
        if (isLower) {
            throw new IllegalArgumentException("Exclusive lower bound range partition key must not have maximum values "
                    + "for all components: no row is behind " + values);
        }
        return KeyBytes.NONE;
    }

    private List<byte @Nullable []> given(List<? extends @Nullable Object> values) {
        if (values.size() > columns.size()) {
            throw new IllegalArgumentException(
                    values.size() + " values for a bound of the " + columns.size() + " range columns " + names());
        }
        List<byte @Nullable []> given = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            Object value = i < values.size() ? values.get(i) : null;
            Column column = columns.get(i);
            given.add(
                    value == null
                            ? null
                            : KeyBytes.cut(column, KeyBytes.ofCell(column.type(), CellValue.of(column, value))));
        }
        return given;
    }

    private byte[] encoded(List<byte @Nullable []> values) {
        var key = new ByteArrayOutputStream();
        for (int i = 0; i < columns.size(); i++) {
            byte[] value = values.get(i);
            Column column = columns.get(i);
            byte[] bytes = value == null ? KeyBytes.ofUnset(column.type()) : value;
            KeyBytes.append(key, column.type(), bytes, i == columns.size() - 1);
        }
        Check.inRange("bytes of a range bound", key.size(), 0, PartitionLimits.BOUND_BYTES_MAX);
        return key.toByteArray();
    }

    /** An upper bound that was meant as one, but is the least value there is, would read as none. */
    void checkUpper(@Nullable Object[] values, byte[] upper) {
        if (upper.length == 0 && Arrays.stream(values).anyMatch(Objects::nonNull)) {
            throw new IllegalArgumentException("range partition lower bound must be less than the upper bound: "
                    + "no row is before \"\" in " + names());
        }
    }

    void checkOrder(byte[] lower, byte[] upper) {
        if (upper.length > 0 && Arrays.compareUnsigned(lower, upper) >= 0) {
            throw new IllegalArgumentException("range partition lower bound must be less than the upper bound: "
                    + PartitionText.key(this, lower) + " and " + PartitionText.key(this, upper));
        }
    }

    /** The values of a bound that is one. */
    List<CellValue> decode(byte[] bound) {
        RowLayout layout = codec.layout();
        MemorySegment row = MemorySegment.ofArray(new byte[codec.decodedBytesMax(bound.length)]);
        codec.decode(MemorySegment.ofArray(bound), 0, bound.length, row, 0);
        List<CellValue> values = new ArrayList<>();
        for (int i = 0; i < columns.size(); i++) {
            values.add(layout.value(row, 0, i));
        }
        return values;
    }

    /**
     * Guards a bound that came from elsewhere.
     *
     * @throws io.nyala.rows.MalformedBytesException if it is neither empty nor a key of the range columns
     */
    void check(MemorySegment memory, long bound, int bytes) {
        if (bytes > 0) {
            codec.check(memory, bound, bytes);
        }
    }

    private List<String> names() {
        return columns.stream().map(Column::name).toList();
    }
}
