package io.nyala.wire;

import com.google.protobuf.ByteString;
import io.nyala.partition.PartitionLimits;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.Schema;
import io.nyala.wire.WireException.Fault;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Bounds of ranges and points where they are split, as rows of a {@link RowOperationsPB}: the layout of written rows,
 * with other types, and with the columns of the range level set only. For the control plane: values become objects.
 * Stateless.
 */
final class RangeRows {
    static final int SPLIT = RowOperationsPB.Type.SPLIT_ROW_VALUE;
    static final int LOWER = RowOperationsPB.Type.RANGE_LOWER_BOUND_VALUE;
    static final int UPPER = RowOperationsPB.Type.RANGE_UPPER_BOUND_VALUE;
    static final int EXCLUSIVE_LOWER = RowOperationsPB.Type.EXCLUSIVE_RANGE_LOWER_BOUND_VALUE;
    static final int INCLUSIVE_UPPER = RowOperationsPB.Type.INCLUSIVE_RANGE_UPPER_BOUND_VALUE;

    /** Of a request: a lower and an upper bound of each range. */
    private static final int ROWS_MAX = 2 * PartitionLimits.RANGES_MAX;

    /**
     * Of all values of variable length of a request. They may point to the same bytes, and each is a copy: so a small
     * request could ask for a large heap. Of clients, which send the bytes of each value, no request has a quarter of
     * it.
     */
    static final int VALUE_BYTES_MAX = 16 << 20;

    private RangeRows() {}

    /**
     * A bound or a split point.
     *
     * @param type one of the numbers above
     * @param values by the index of the table's column; null where none is set
     * @param valueBytes of those of variable length
     */
    record Row(int type, List<@Nullable Object> values, int valueBytes) {
        boolean isLower() {
            return type == LOWER || type == EXCLUSIVE_LOWER;
        }

        boolean isUpper() {
            return type == UPPER || type == INCLUSIVE_UPPER;
        }
    }

    static List<Row> read(RowOperationsPB operations, ClientColumns columns) {
        ByteBuffer cells = operations.getRows().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        List<Row> rows = new ArrayList<>();
        long valueBytes = 0;
        while (cells.hasRemaining()) {
            if (rows.size() == ROWS_MAX) {
                throw tooMuch("more than " + ROWS_MAX + " bounds and split rows");
            }
            Row row = row(cells, operations.getIndirectData(), columns);
            valueBytes += row.valueBytes();
            if (valueBytes > VALUE_BYTES_MAX) {
                throw tooMuch("values of more than " + VALUE_BYTES_MAX + " bytes in its bounds and split rows");
            }
            rows.add(row);
        }
        return rows;
    }

    private static WireException tooMuch(String what) {
        return new WireException(Fault.ARGUMENT, "the request has " + what + "; ask for fewer ranges at a time");
    }

    private static Row row(ByteBuffer cells, ByteString indirect, ClientColumns columns) {
        int type = Byte.toUnsignedInt(cells.get());
        if (RowOperationsPB.Type.forNumber(type) == null) {
            throw corruption("Unknown operation type: " + type);
        }
        if (type != SPLIT && (type < LOWER || type > INCLUSIVE_UPPER)) {
            throw new WireException(Fault.ARGUMENT, "Invalid split row type " + RowOperationsPB.Type.forNumber(type));
        }
        byte[] isSet = bitmap(cells, columns, "Cannot find isset bitmap");
        byte[] isNull = columns.hasNullable() ? bitmap(cells, columns, "Cannot find null bitmap") : new byte[0];
        @Nullable Object[] values = new Object[columns.schema().columnCount()];
        int valueBytes = 0;
        for (int i = 0; i < columns.count(); i++) {
            if (!hasBit(isSet, i)) {
                continue;
            }
            Column column = columns.column(i);
            if (columns.hasNullable() && hasBit(isNull, i)) {
                throw new WireException(Fault.ARGUMENT, "column is NULL: " + WireTypes.describe(column));
            }
            Object value = value(cells, indirect, column, PartitionLimits.BOUND_BYTES_MAX - valueBytes);
            valueBytes += value instanceof byte[] bytes ? bytes.length : 0;
            values[columns.tableIndex(i)] = value;
        }
        return new Row(type, Arrays.asList(values), valueBytes);
    }

    private static byte[] bitmap(ByteBuffer cells, ClientColumns columns, String message) {
        byte[] bits = new byte[columns.bitmapBytes()];
        if (cells.remaining() < bits.length) {
            throw corruption(message);
        }
        cells.get(bits);
        return bits;
    }

    private static boolean hasBit(byte[] bits, int i) {
        return (bits[i >> 3] >> (i & 7) & 1) != 0;
    }

    private static Object value(ByteBuffer cells, ByteString indirect, Column column, int bytesMax) {
        int bytes = column.type().isVariable()
                ? ClientColumns.VARIABLE_CELL_BYTES
                : column.type().cellBytes();
        if (cells.remaining() < bytes) {
            throw corruption("Not enough data for column: " + WireTypes.describe(column));
        }
        if (!column.type().isVariable()) {
            byte[] cell = new byte[bytes];
            cells.get(cell);
            return CellValue.ofBytes(cell).toObject(column);
        }
        long offset = cells.getLong();
        long length = cells.getLong();
        if (offset < 0 || length < 0 || offset > indirect.size() - length) {
            throw corruption("Bad indirect slice");
        }
        if (length > bytesMax) {
            throw new WireException(
                    Fault.SCHEMA,
                    "a range bound has up to " + PartitionLimits.BOUND_BYTES_MAX + " bytes, this one has " + length
                            + " in column '" + column.name() + "', and " + (PartitionLimits.BOUND_BYTES_MAX - bytesMax)
                            + " before that");
        }
        return indirect.substring((int) offset, (int) (offset + length)).toByteArray();
    }

    private static WireException corruption(String message) {
        return WireException.corruption(Fault.ARGUMENT, message);
    }

    /** A lower and an upper bound; one without values is none. */
    static RowOperationsPB write(Schema schema, List<Column> columns, List<CellValue> lower, List<CellValue> upper) {
        var rows = new ByteArrayOutputStream();
        var indirect = new ByteArrayOutputStream();
        write(schema, LOWER, columns, lower, rows, indirect);
        write(schema, UPPER, columns, upper, rows, indirect);
        return RowOperationsPB.newBuilder()
                .setRows(ByteString.copyFrom(rows.toByteArray()))
                .setIndirectData(ByteString.copyFrom(indirect.toByteArray()))
                .build();
    }

    private static void write(
            Schema schema,
            int type,
            List<Column> columns,
            List<CellValue> values,
            ByteArrayOutputStream rows,
            ByteArrayOutputStream indirect) {
        ClientColumns all = ClientColumns.ofTable(schema);
        rows.write(type);
        byte[] isSet = new byte[all.bitmapBytes()];
        @Nullable CellValue[] byColumn = new CellValue[schema.columnCount()];
        for (int i = 0; i < values.size(); i++) {
            int index = schema.indexOfId(columns.get(i).id());
            isSet[index >> 3] |= (byte) (1 << (index & 7));
            byColumn[index] = values.get(i);
        }
        rows.writeBytes(isSet);
        rows.writeBytes(new byte[all.hasNullable() ? all.bitmapBytes() : 0]);
        for (int i = 0; i < byColumn.length; i++) {
            CellValue value = byColumn[i];
            if (value != null && schema.column(i).type().isVariable()) {
                rows.writeBytes(ByteBuffer.allocate(ClientColumns.VARIABLE_CELL_BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(indirect.size())
                        .putLong(value.bytes())
                        .array());
                indirect.writeBytes(value.toByteArray());
            } else if (value != null) {
                rows.writeBytes(value.toByteArray());
            }
        }
    }
}
