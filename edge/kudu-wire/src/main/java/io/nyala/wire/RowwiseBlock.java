package io.nyala.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.MemoryAccount;
import io.nyala.protocol.WireProtocol.RowwiseRowBlockPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.GrowingBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Rows one after the other, as clients have always had them.
 *
 * <pre>{@code
 *   rows       row | row | ...             row: cells in the order of the columns, no padding | null bitmap
 *   indirect   bytes of variable cells
 *
 *   fixed-width cell      little-endian; zero if it is NULL
 *   variable cell         u64 offset in indirect, u64 bytes; zero if it is NULL
 *   padded time           a UNIXTIME_MICROS, and 8 bytes of zero behind it
 *   null bitmap           only if a column is nullable: bit i % 8 of byte i / 8 is 1 if column i is NULL
 * }</pre>
 *
 * <p>Without columns rows have no bytes, and are counted only. Cells are copied column by column.
 */
public final class RowwiseBlock implements ResultBlock {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int VARIABLE_CELL_BYTES = 2 * Long.BYTES;

    private final List<Column> columns;
    private final int[] sources;
    private final int[] cellOffsets;
    private final int bitmapOffset;
    private final int rowBytes;
    private final boolean hasGaps;
    private final GrowingBuffer rows;
    private final GrowingBuffer indirect;
    private long rowCount;
    private long indirectBytes;

    /**
     * @param batchColumns of the batches that will come
     * @param sources which of them the rows have, in this order
     * @param isPadded whether times have 16 bytes
     */
    RowwiseBlock(List<Column> batchColumns, int[] sources, boolean isPadded, MemoryAccount account) {
        this.columns = ResultBlock.columns(batchColumns, sources);
        this.sources = sources.clone();
        this.cellOffsets = new int[sources.length];
        int offset = 0;
        boolean anyNullable = false;
        boolean anyPadded = false;
        for (int i = 0; i < cellOffsets.length; i++) {
            Column column = columns.get(i);
            cellOffsets[i] = offset;
            boolean isPaddedTime = isPadded && column.type() == ColumnType.UNIXTIME_MICROS;
            offset += column.type().isVariable()
                    ? VARIABLE_CELL_BYTES
                    : column.type().cellBytes();
            offset += isPaddedTime ? Long.BYTES : 0;
            anyPadded |= isPaddedTime;
            anyNullable |= column.isNullable();
        }
        this.bitmapOffset = offset;
        this.rowBytes = offset + (anyNullable ? (cellOffsets.length + Byte.SIZE - 1) / Byte.SIZE : 0);
        this.hasGaps = anyNullable || anyPadded || IntStream.of(sources).anyMatch(source -> source == NOT_DELETED);
        this.rows = new GrowingBuffer(account);
        this.indirect = new GrowingBuffer(account);
    }

    @Override
    public void add(ColumnBatch batch, int firstRow, int count) {
        assert firstRow >= 0 && count >= 0 && firstRow + count <= batch.rowCount() : firstRow + " " + count;
        long start = rowCount * rowBytes;
        long end = start + (long) count * rowBytes;
        if (end > start) {
            rows.ensure(start, end);
            if (hasGaps) {
                rows.memory().asSlice(start, end - start).fill((byte) 0);
            }
        }
        long indirectBefore = indirectBytes;
        try {
            for (int i = 0; i < cellOffsets.length; i++) {
                if (sources[i] != NOT_DELETED) { // Those are zero.
                    ColumnVector vector = batch.column(sources[i]);
                    assert vector.type() == columns.get(i).type() : vector.type() + " for " + columns.get(i);
                    addColumn(vector, i, firstRow, count, start);
                }
            }
        } catch (RuntimeException e) {
            indirectBytes = indirectBefore;
            throw e;
        }
        rowCount += count;
    }

    private void addColumn(ColumnVector vector, int column, int firstRow, int count, long start) {
        boolean isNullable = columns.get(column).isNullable();
        boolean isVariable = vector.type().isVariable();
        long indirectShift = isVariable ? addIndirect(vector, firstRow, count) : 0;
        for (int done = 0; done < count; done += Long.SIZE) {
            int some = Math.min(Long.SIZE, count - done);
            int row = firstRow + done;
            long first = start + (long) done * rowBytes;
            long cell = first + cellOffsets[column];
            if (isVariable) {
                copyVariable(vector, row, some, cell, indirectShift);
            } else {
                copyFixed(vector, row, some, cell);
            }
            long valid = isNullable ? Validity.bits(vector.validity(), row, some) : -1L;
            if ((~valid & Validity.below(some)) != 0) {
                setNulls(~valid & Validity.below(some), column, first);
            }
        }
    }

    /** Copies the bytes of variable cells; answers what lies between their offsets in the vector and here. */
    private long addIndirect(ColumnVector vector, int firstRow, int count) {
        MemorySegment offsets = vector.offsets();
        int from = offsets.get(INT, (long) firstRow * Integer.BYTES);
        int bytes = offsets.get(INT, (long) (firstRow + count) * Integer.BYTES) - from;
        long shift = indirectBytes - from;
        if (bytes > 0) {
            indirect.ensure(indirectBytes, indirectBytes + bytes);
            MemorySegment.copy(vector.bytes(), from, indirect.memory(), indirectBytes, bytes);
            indirectBytes += bytes;
        }
        return shift;
    }

    private void copyVariable(ColumnVector vector, int firstRow, int count, long cell, long shift) {
        MemorySegment source = vector.offsets();
        MemorySegment target = rows.memory();
        int stride = rowBytes;
        int from = source.get(INT, (long) firstRow * Integer.BYTES);
        for (int i = 0; i < count; i++) {
            int to = source.get(INT, (firstRow + i + 1L) * Integer.BYTES);
            target.set(LONG, cell + (long) i * stride, from + shift);
            target.set(LONG, cell + (long) i * stride + Long.BYTES, to - from);
            from = to;
        }
    }

    private void copyFixed(ColumnVector vector, int firstRow, int count, long cell) {
        MemorySegment source = vector.values();
        MemorySegment target = rows.memory();
        switch (vector.type().cellBytes()) {
            case Byte.BYTES -> copyBytes(source, firstRow, count, target, cell);
            case Short.BYTES -> copyShorts(source, firstRow, count, target, cell);
            case Integer.BYTES -> copyInts(source, firstRow, count, target, cell);
            case Long.BYTES -> copyLongs(source, firstRow, count, target, cell);
            default -> copyWides(source, firstRow, count, target, cell);
        }
    }

    private void copyBytes(MemorySegment source, int firstRow, int count, MemorySegment target, long cell) {
        int stride = rowBytes;
        for (int i = 0; i < count; i++) {
            target.set(JAVA_BYTE, cell + (long) i * stride, source.get(JAVA_BYTE, firstRow + i));
        }
    }

    private void copyShorts(MemorySegment source, int firstRow, int count, MemorySegment target, long cell) {
        int stride = rowBytes;
        for (int i = 0; i < count; i++) {
            target.set(SHORT, cell + (long) i * stride, source.get(SHORT, (long) (firstRow + i) * Short.BYTES));
        }
    }

    private void copyInts(MemorySegment source, int firstRow, int count, MemorySegment target, long cell) {
        int stride = rowBytes;
        for (int i = 0; i < count; i++) {
            target.set(INT, cell + (long) i * stride, source.get(INT, (long) (firstRow + i) * Integer.BYTES));
        }
    }

    private void copyLongs(MemorySegment source, int firstRow, int count, MemorySegment target, long cell) {
        int stride = rowBytes;
        for (int i = 0; i < count; i++) {
            target.set(LONG, cell + (long) i * stride, source.get(LONG, (long) (firstRow + i) * Long.BYTES));
        }
    }

    private void copyWides(MemorySegment source, int firstRow, int count, MemorySegment target, long cell) {
        int stride = rowBytes;
        for (int i = 0; i < count; i++) {
            long from = (long) (firstRow + i) * VARIABLE_CELL_BYTES;
            long to = cell + (long) i * stride;
            target.set(LONG, to, source.get(LONG, from));
            target.set(LONG, to + Long.BYTES, source.get(LONG, from + Long.BYTES));
        }
    }

    /** Zeroes what was copied for NULLs, which may be anything, and sets their bits. */
    private void setNulls(long nulls, int column, long first) {
        MemorySegment target = rows.memory();
        int cellBytes = columns.get(column).type().isVariable()
                ? VARIABLE_CELL_BYTES
                : columns.get(column).type().cellBytes();
        for (long rest = nulls; rest != 0; rest &= rest - 1) {
            long row = first + (long) Long.numberOfTrailingZeros(rest) * rowBytes;
            long cell = row + cellOffsets[column];
            for (int i = 0; i < cellBytes; i++) {
                target.set(JAVA_BYTE, cell + i, (byte) 0);
            }
            long at = row + bitmapOffset + (column >> 3);
            target.set(JAVA_BYTE, at, (byte) (target.get(JAVA_BYTE, at) | 1 << (column & 7)));
        }
    }

    @Override
    public long rowCount() {
        return rowCount;
    }

    @Override
    public long bytes() {
        return rowCount * rowBytes + indirectBytes;
    }

    @Override
    public void describe(ScanResponsePB.Builder response) {
        RowwiseRowBlockPB.Builder block = response.getDataBuilder();
        block.setNumRows(Math.toIntExact(rowCount)).setRowsSidecar(0);
        if (indirectBytes > 0) {
            block.setIndirectDataSidecar(1);
        }
    }

    @Override
    public List<MemorySegment> sidecars() {
        MemorySegment data = rows.memory().asSlice(0, rowCount * rowBytes);
        return indirectBytes == 0
                ? List.of(data)
                : List.of(data, indirect.memory().asSlice(0, indirectBytes));
    }

    @Override
    public void clear() {
        rowCount = 0;
        indirectBytes = 0;
    }

    @Override
    public void close() {
        clear();
        rows.close();
        indirect.close();
    }
}
