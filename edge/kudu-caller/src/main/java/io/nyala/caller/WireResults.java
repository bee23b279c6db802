package io.nyala.caller;

import io.nyala.protocol.WireProtocol.ColumnarRowBlockPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.rows.Column;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows of answers to scans, read byte by byte as a client does, in both layouts. Stateless. */
public final class WireResults {
    private WireResults() {}

    /** The rows of an answer: the bytes of each cell, null for NULL. */
    public static List<byte[] @Nullable []> rows(WireClient.Reply reply, ScanResponsePB answer, List<Column> columns) {
        return answer.hasColumnarData()
                ? columnar(reply, answer.getColumnarData(), columns)
                : rowwise(reply, answer, columns);
    }

    private static List<byte[] @Nullable []> rowwise(
            WireClient.Reply reply, ScanResponsePB answer, List<Column> columns) {
        List<byte[] @Nullable []> rows = new ArrayList<>();
        ByteBuffer in = sidecar(reply, answer.getData().getRowsSidecar());
        ByteBuffer indirect = answer.getData().hasIndirectDataSidecar()
                ? sidecar(reply, answer.getData().getIndirectDataSidecar())
                : ByteBuffer.allocate(0);
        boolean hasNullable = columns.stream().anyMatch(Column::isNullable);
        for (int i = 0; i < answer.getData().getNumRows(); i++) {
            byte[] @Nullable [] row = new byte[columns.size()][];
            for (int c = 0; c < row.length; c++) {
                if (columns.get(c).type().isVariable()) {
                    row[c] = take(indirect, (int) in.getLong(), (int) in.getLong());
                } else {
                    row[c] = new byte[columns.get(c).type().cellBytes()];
                    in.get(row[c]);
                }
            }
            byte[] isNull = new byte[hasNullable ? (row.length + 7) / 8 : 0];
            in.get(isNull);
            for (int c = 0; c < row.length; c++) {
                if (hasNullable && (isNull[c / 8] >> c % 8 & 1) != 0) {
                    checkZero(row[c]);
                    row[c] = null;
                }
            }
            rows.add(row);
        }
        if (in.hasRemaining()) {
            throw new AssertionError(in.remaining() + " bytes behind the rows");
        }
        return rows;
    }

    private static List<byte[] @Nullable []> columnar(
            WireClient.Reply reply, ColumnarRowBlockPB block, List<Column> columns) {
        int count = (int) block.getNumRows();
        List<byte[] @Nullable []> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            rows.add(new byte[columns.size()][]);
        }
        for (int c = 0; c < columns.size(); c++) {
            ColumnarRowBlockPB.Column column = block.getColumns(c);
            ByteBuffer data = sidecar(reply, column.getDataSidecar());
            boolean isVariable = columns.get(c).type().isVariable();
            ByteBuffer texts = isVariable ? sidecar(reply, column.getVarlenDataSidecar()) : ByteBuffer.allocate(0);
            for (int i = 0; i < count; i++) {
                int bytes = columns.get(c).type().cellBytes();
                byte[] cell = isVariable
                        ? take(texts, data.getInt(4 * i), data.getInt(4 * i + 4) - data.getInt(4 * i))
                        : take(data, bytes * i, bytes);
                boolean isNull = columns.get(c).isNullable()
                        && (sidecar(reply, column.getNonNullBitmapSidecar()).get(i / 8) >> i % 8 & 1) == 0;
                if (isNull) {
                    checkZero(cell);
                }
                rows.get(i)[c] = isNull ? null : cell;
            }
        }
        return rows;
    }

    private static void checkZero(byte @Nullable [] cell) {
        if (cell != null && !Arrays.equals(cell, new byte[cell.length])) {
            throw new AssertionError("a cell of NULL has " + Arrays.toString(cell));
        }
    }

    private static ByteBuffer sidecar(WireClient.Reply reply, int index) {
        return reply.sidecar(index).slice().order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] take(ByteBuffer source, int at, int bytes) {
        byte[] taken = new byte[bytes];
        source.get(at, taken);
        return taken;
    }
}
