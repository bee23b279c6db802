package io.nyala.wire;

import com.google.protobuf.ByteString;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.rows.Column;
import io.nyala.rows.Schema;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows as a simple client writes them: cell by cell, in the order of its columns. */
final class WireRows {
    /** In the place of a cell: none is sent. */
    static final byte[] UNSET = new byte[0];

    private final List<Column> view;
    private final ByteArrayOutputStream rows = new ByteArrayOutputStream();
    private final ByteArrayOutputStream indirect = new ByteArrayOutputStream();

    /** @param view the client's columns, in its order */
    WireRows(List<Column> view) {
        this.view = view;
    }

    /**
     * Adds a row.
     *
     * @param cells one for each column of the view: its bytes, null for NULL, {@link #UNSET}
     */
    WireRows add(int type, byte[] @Nullable [] cells) {
        boolean hasNullable = view.stream().anyMatch(Column::isNullable);
        int count = view.size();
        byte[] isSet = new byte[(count + 7) / 8];
        byte[] isNull = new byte[(count + 7) / 8];
        var data = new ByteArrayOutputStream();
        for (int i = 0; i < count; i++) {
            byte @Nullable [] cell = cells[i];
            if (isUnset(cell)) {
                continue;
            }
            isSet[i / 8] |= (byte) (1 << i % 8);
            if (cell == null) {
                isNull[i / 8] |= (byte) (1 << i % 8);
                if (!view.get(i).isNullable()) {
                    data.writeBytes(
                            new byte
                                    [view.get(i).type().isVariable()
                                            ? 16
                                            : view.get(i).type().cellBytes()]);
                }
            } else if (view.get(i).type().isVariable()) {
                data.writeBytes(ByteBuffer.allocate(16)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(indirect.size())
                        .putLong(cell.length)
                        .array());
                indirect.writeBytes(cell);
            } else {
                data.writeBytes(cell);
            }
        }
        rows.write(type);
        rows.writeBytes(isSet);
        if (hasNullable) {
            rows.writeBytes(isNull);
        }
        rows.writeBytes(data.toByteArray());
        return this;
    }

    @SuppressWarnings("ReferenceEquality") // An empty cell is another one.
    static boolean isUnset(byte @Nullable [] cell) {
        return cell == UNSET;
    }

    RowOperationsPB operations() {
        return RowOperationsPB.newBuilder()
                .setRows(ByteString.copyFrom(rows.toByteArray()))
                .setIndirectData(ByteString.copyFrom(indirect.toByteArray()))
                .build();
    }

    /** The request of a client that knows the table so. */
    WriteRequestPB request() {
        return request(view, operations());
    }

    static WriteRequestPB request(List<Column> view, RowOperationsPB operations) {
        return WriteRequestPB.newBuilder()
                .setTabletId(ByteString.copyFromUtf8("1cdc35ae0f684f0ebd8025fe288e0889"))
                .setSchema(viewOf(view))
                .setRowOperations(operations)
                .build();
    }

    static SchemaPB viewOf(List<Column> columns) {
        SchemaPB.Builder view = SchemaPB.newBuilder();
        for (Column column : columns) {
            view.addColumns(WireSchema.toProto(column).toBuilder().clearId());
        }
        return view.build();
    }

    static SchemaPB viewOf(Schema schema) {
        return viewOf(schema.columns());
    }
}
