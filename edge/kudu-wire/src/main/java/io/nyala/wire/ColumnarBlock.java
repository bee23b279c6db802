package io.nyala.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.MemoryAccount;
import io.nyala.protocol.WireProtocol.ColumnarRowBlockPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.GrowingBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows as columns, for clients that want them so.
 *
 * <pre>{@code
 *   of each column:
 *     data       cells, little-endian, one behind the other; those of NULLs are zero
 *                variable length: u32 offsets, one more than rows; a NULL has no bytes
 *     varlen     bytes of variable cells
 *     non-null   of a nullable column: bit i % 8 of byte i / 8 is 1 if row i is not NULL
 * }</pre>
 */
public final class ColumnarBlock implements ResultBlock {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Bits are written in words, which may reach behind the last row. */
    private static final int BITMAP_SLACK_BYTES = 2 * Long.BYTES;

    private final Part[] parts;
    private final int[] sources;
    private long rowCount;

    /**
     * @param batchColumns of the batches that will come
     * @param sources which of them the rows have, in this order
     */
    ColumnarBlock(List<Column> batchColumns, int[] sources, MemoryAccount account) {
        this.parts = new Part[sources.length];
        this.sources = sources.clone();
        List<Column> columns = ResultBlock.columns(batchColumns, sources);
        for (int i = 0; i < parts.length; i++) {
            parts[i] = new Part(columns.get(i), account);
        }
    }

    /** One column of the block. */
    private static final class Part {
        private final Column column;
        private final int width;
        private final GrowingBuffer data;
        private final GrowingBuffer varlen;
        private final GrowingBuffer nonNull;
        private long varlenBytes;

        Part(Column column, MemoryAccount account) {
            this.column = column;
            this.width =
                    column.type().isVariable() ? Integer.BYTES : column.type().cellBytes();
            this.data = new GrowingBuffer(account);
            this.varlen = new GrowingBuffer(account);
            this.nonNull = new GrowingBuffer(account);
        }

        boolean isVariable() {
            return column.type().isVariable();
        }

        void add(ColumnVector vector, int firstRow, int count, long before) {
            assert vector.type() == column.type() : vector.type() + " for " + column;
            if (isVariable()) {
                addVariable(vector, firstRow, count, before);
            } else {
                data.ensure(before * width, (before + count) * width);
                MemorySegment.copy(
                        vector.values(), (long) firstRow * width, data.memory(), before * width, (long) count * width);
            }
            if (column.isNullable()) {
                addValidity(vector.validity(), firstRow, count, before);
            }
        }

        void addZeros(int count, long before) {
            data.ensure(before * width, (before + count) * width);
            data.memory().asSlice(before * width, (long) count * width).fill((byte) 0);
        }

        private void addVariable(ColumnVector vector, int firstRow, int count, long before) {
            MemorySegment source = vector.offsets();
            data.ensure(dataBytes(before), (before + count + 1) * Integer.BYTES);
            MemorySegment target = data.memory();
            int from = source.get(INT, (long) firstRow * Integer.BYTES);
            int bytes = source.get(INT, (long) (firstRow + count) * Integer.BYTES) - from;
            int shift = Math.toIntExact(varlenBytes) - from;
            // The offset that the first of these rows begins at is there, but for the first of all.
            for (int i = 0; i <= count; i++) {
                target.set(
                        INT,
                        (before + i) * Integer.BYTES,
                        source.get(INT, (long) (firstRow + i) * Integer.BYTES) + shift);
            }
            if (bytes > 0) {
                varlen.ensure(varlenBytes, varlenBytes + bytes);
                MemorySegment.copy(vector.bytes(), from, varlen.memory(), varlenBytes, bytes);
                varlenBytes += bytes;
            }
        }

        /** Forgets bytes of rows behind these; all else of them is written over by the next. */
        void cutTo(long rows) {
            if (isVariable()) {
                varlenBytes = rows == 0 ? 0 : data.memory().get(INT, rows * Integer.BYTES);
            }
        }

        private void addValidity(MemorySegment validity, int firstRow, int count, long before) {
            nonNull.ensure(bitmapBytes(before), bitmapBytes(before + count) + BITMAP_SLACK_BYTES);
            for (int done = 0; done < count; done += Long.SIZE) {
                int some = Math.min(Long.SIZE, count - done);
                long valid = Validity.bits(validity, firstRow + done, some);
                appendBits(nonNull.memory(), before + done, valid);
                long nulls = ~valid & Validity.below(some);
                if (nulls != 0 && !isVariable()) {
                    zero(nulls, before + done);
                }
            }
        }

        private static void appendBits(MemorySegment target, long row, long bits) {
            long at = row >> 3;
            int shift = (int) row & 7;
            long present = shift == 0 ? 0 : target.get(JAVA_BYTE, at) & Validity.below(shift);
            target.set(LONG, at, present | bits << shift);
            target.set(JAVA_BYTE, at + Long.BYTES, (byte) (shift == 0 ? 0 : bits >>> (Long.SIZE - shift)));
        }

        /** What was copied for NULLs may be anything. */
        private void zero(long nulls, long firstRow) {
            MemorySegment target = data.memory();
            for (long rest = nulls; rest != 0; rest &= rest - 1) {
                long cell = (firstRow + Long.numberOfTrailingZeros(rest)) * width;
                for (int i = 0; i < width; i++) {
                    target.set(JAVA_BYTE, cell + i, (byte) 0);
                }
            }
        }

        long dataBytes(long rows) {
            return rows == 0 ? 0 : (isVariable() ? rows + 1 : rows) * width;
        }

        long bytes(long rows) {
            return dataBytes(rows) + varlenBytes + (column.isNullable() ? bitmapBytes(rows) : 0);
        }

        int describe(ColumnarRowBlockPB.Column.Builder target, int sidecar) {
            int next = sidecar;
            target.setDataSidecar(next++);
            if (isVariable()) {
                target.setVarlenDataSidecar(next++);
            }
            if (column.isNullable()) {
                target.setNonNullBitmapSidecar(next++);
            }
            return next;
        }

        void addSidecars(long rows, List<MemorySegment> target) {
            target.add(data.memory().asSlice(0, dataBytes(rows)));
            if (isVariable()) {
                target.add(varlen.memory().asSlice(0, varlenBytes));
            }
            if (column.isNullable()) {
                target.add(nonNull.memory().asSlice(0, bitmapBytes(rows)));
            }
        }

        void close() {
            data.close();
            varlen.close();
            nonNull.close();
        }
    }

    private static long bitmapBytes(long rows) {
        return (rows + Byte.SIZE - 1) / Byte.SIZE;
    }

    @Override
    public void add(ColumnBatch batch, int firstRow, int count) {
        assert firstRow >= 0 && count >= 0 && firstRow + count <= batch.rowCount() : firstRow + " " + count;
        if (count == 0) {
            return;
        }
        try {
            for (int i = 0; i < parts.length; i++) {
                if (sources[i] == NOT_DELETED) {
                    parts[i].addZeros(count, rowCount);
                } else {
                    parts[i].add(batch.column(sources[i]), firstRow, count, rowCount);
                }
            }
        } catch (RuntimeException e) {
            for (Part part : parts) {
                part.cutTo(rowCount);
            }
            throw e;
        }
        rowCount += count;
    }

    @Override
    public long rowCount() {
        return rowCount;
    }

    @Override
    public long bytes() {
        long bytes = 0;
        for (Part part : parts) {
            bytes += part.bytes(rowCount);
        }
        return bytes;
    }

    @Override
    public void describe(ScanResponsePB.Builder response) {
        ColumnarRowBlockPB.Builder block = response.getColumnarDataBuilder().setNumRows(rowCount);
        int sidecar = 0;
        for (Part part : parts) {
            sidecar = part.describe(block.addColumnsBuilder(), sidecar);
        }
    }

    @Override
    public List<MemorySegment> sidecars() {
        List<MemorySegment> sidecars = new ArrayList<>();
        for (Part part : parts) {
            part.addSidecars(rowCount, sidecars);
        }
        return sidecars;
    }

    @Override
    public void clear() {
        rowCount = 0;
        for (Part part : parts) {
            part.varlenBytes = 0;
        }
    }

    @Override
    public void close() {
        clear();
        for (Part part : parts) {
            part.close();
        }
    }
}
