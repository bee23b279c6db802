package io.nyala.server;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A number for a set of rows, whatever their order, and the same as a real Kudu's: the sum of a CRC32C of each. A row
 * goes into its CRC column by column:
 *
 * <pre>{@code
 *   0            4              5
 *   +------------+--------------+--------------- - -
 *   |   column   |   is there   |  cell
 *   +------------+--------------+--------------- - -
 *        u32            u8         its bytes
 * }</pre>
 *
 * <p>{@code column} is its place among those that are read. {@code is there} is left out of a column that cannot be
 * NULL; it is 0 for NULL, which has no cell. One thread.
 */
final class RowChecksum {
    /** Pieces of rows are gathered to this size, since a CRC of a few bytes costs as much as one of many. */
    private static final int PIECE_BYTES = 4096;

    private final CRC32C crc = new CRC32C();
    private final byte[] piece = new byte[PIECE_BYTES];
    private int pieceBytes;
    private long sum;

    /** Adds the rows of a batch. */
    void add(ColumnBatch batch) {
        List<Column> columns = batch.columns();
        for (int row = 0; row < batch.rowCount(); row++) {
            for (int i = 0; i < columns.size(); i++) {
                addCell(i, columns.get(i).isNullable(), batch.column(i), row);
            }
            take();
            sum += crc.getValue();
            crc.reset();
        }
    }

    private void addCell(int index, boolean isNullable, ColumnVector column, int row) {
        if (pieceBytes + Integer.BYTES + 1 > PIECE_BYTES) {
            take();
        }
        for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
            piece[pieceBytes++] = (byte) (index >>> shift);
        }
        boolean isThere = !column.isNull(row);
        if (isNullable) {
            piece[pieceBytes++] = (byte) (isThere ? 1 : 0);
        }
        if (isThere && column.type().isVariable()) {
            addBytes(column.bytes(), column.variableOffset(row), column.variableBytes(row));
        } else if (isThere) {
            int bytes = column.type().cellBytes();
            addBytes(column.values(), (long) row * bytes, bytes);
        }
    }

    private void addBytes(MemorySegment source, long offset, int bytes) {
        if (pieceBytes + bytes > PIECE_BYTES) {
            take();
        }
        if (bytes > PIECE_BYTES) {
            crc.update(source.asSlice(offset, bytes).asByteBuffer());
            return;
        }
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, offset, piece, pieceBytes, bytes);
        pieceBytes += bytes;
    }

    private void take() {
        crc.update(piece, 0, pieceBytes);
        pieceBytes = 0;
    }

    /** Of all rows that were added. */
    long sum() {
        return sum;
    }
}
