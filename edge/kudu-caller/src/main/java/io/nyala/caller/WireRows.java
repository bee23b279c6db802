package io.nyala.caller;

import com.google.protobuf.ByteString;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.rows.Column;
import io.nyala.rows.Schema;
import io.nyala.wire.WireSchema;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows as a simple client writes them, cell by cell in the order of the table's columns. One thread. */
public final class WireRows {
    private final List<Column> columns;
    private final ByteArrayOutputStream rows = new ByteArrayOutputStream();
    private final ByteArrayOutputStream indirect = new ByteArrayOutputStream();
    private int count;

    public WireRows(Schema schema) {
        this.columns = schema.columns();
    }

    /**
     * Adds an operation that sets the first of the columns.
     *
     * @param cells their bytes; null for NULL
     */
    public WireRows add(RowOperationsPB.Type type, byte[] @Nullable ... cells) {
        boolean hasNullable = columns.stream().anyMatch(Column::isNullable);
        byte[] isSet = new byte[(columns.size() + 7) / 8];
        byte[] isNull = new byte[isSet.length];
        var data = new ByteArrayOutputStream();
        for (int i = 0; i < cells.length; i++) {
            byte @Nullable [] cell = cells[i];
            isSet[i / 8] |= (byte) (1 << i % 8);
            if (cell == null) {
                isNull[i / 8] |= (byte) (1 << i % 8);
            } else if (columns.get(i).type().isVariable()) {
                data.writeBytes(longs(indirect.size(), cell.length));
                indirect.writeBytes(cell);
            } else {
                data.writeBytes(cell);
            }
        }
        count++;
        rows.write(type.getNumber());
        rows.writeBytes(isSet);
        if (hasNullable) {
            rows.writeBytes(isNull);
        }
        rows.writeBytes(data.toByteArray());
        return this;
    }

    /** The same, and says that the next column is NULL, though it may not be and so has a cell. */
    public WireRows addNull(RowOperationsPB.Type type, byte[] @Nullable ... cells) {
        byte[] @Nullable [] all = Arrays.copyOf(cells, cells.length + 1);
        all[cells.length] = new byte[0];
        int row = rows.size();
        add(type, all);
        byte[] changed = rows.toByteArray();
        changed[row + 1 + (columns.size() + 7) / 8 + cells.length / 8] |= (byte) (1 << cells.length % 8);
        rows.reset();
        rows.writeBytes(changed);
        return this;
    }

    public int count() {
        return count;
    }

    private static byte[] longs(long first, long second) {
        return ByteBuffer.allocate(2 * Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(first)
                .putLong(second)
                .array();
    }

    /** A cell of a 32-bit column. */
    public static byte[] cell(int value) {
        return ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }

    public RowOperationsPB operations() {
        return RowOperationsPB.newBuilder()
                .setRows(ByteString.copyFrom(rows.toByteArray()))
                .setIndirectData(ByteString.copyFrom(indirect.toByteArray()))
                .build();
    }

    public WriteRequestPB request(String tabletId) {
        return WriteRequestPB.newBuilder()
                .setTabletId(ByteString.copyFromUtf8(tabletId))
                .setSchema(view(columns))
                .setRowOperations(operations())
                .build();
    }

    /** Columns as clients name them, which know no ids. */
    public static SchemaPB view(List<Column> columns) {
        SchemaPB.Builder view = SchemaPB.newBuilder();
        for (Column column : columns) {
            view.addColumns(WireSchema.toProto(column).toBuilder().clearId());
        }
        return view.build();
    }
}
