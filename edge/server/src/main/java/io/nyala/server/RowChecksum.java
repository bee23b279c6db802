package io.nyala.server;

import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * A number for a set of rows, whatever their order: the sum of a mixed checksum of each. Replicas with the same rows
 * have the same. One thread.
 */
final class RowChecksum {
    /** Of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
    private static final long MIX_1 = 0xBF58476D1CE4E5B9L;

    private static final long MIX_2 = 0x94D049BB133111EBL;

    private final CRC32C crc = new CRC32C();
    private long[] rows = {};
    private long sum;

    /** Adds the rows of a batch. */
    void add(ColumnBatch batch) {
        int count = batch.rowCount();
        if (rows.length < count) {
            rows = new long[count];
        }
        Arrays.fill(rows, 0, count, 1);
        for (int i = 0; i < batch.columnCount(); i++) {
            addColumn(batch.column(i), count);
        }
        for (int row = 0; row < count; row++) {
            sum += rows[row];
        }
    }

    private void addColumn(ColumnVector column, int count) {
        boolean isVariable = column.type().isVariable();
        int width = isVariable ? 0 : column.type().cellBytes();
        MemorySegment cells = isVariable ? column.bytes() : column.values();
        ByteBuffer bytes = cells.asByteBuffer();
        for (int row = 0; row < count; row++) {
            long value = -1;
            if (!column.isNull(row)) {
                int from = isVariable ? column.variableOffset(row) : row * width;
                int length = isVariable ? column.variableBytes(row) : width;
                value = length <= Integer.BYTES && !isVariable ? small(cells, from, length) : crc(bytes, from, length);
            }
            rows[row] = mix(rows[row] ^ value);
        }
    }

    private static long small(MemorySegment cells, int from, int length) {
        long value = 0;
        for (int i = 0; i < length; i++) {
            value = value << Byte.SIZE | (cells.get(ValueLayout.JAVA_BYTE, from + i) & 0xFF);
        }
        return value;
    }

    private long crc(ByteBuffer bytes, int from, int length) {
        crc.reset();
        crc.update(bytes.limit(from + length).position(from));
        return (long) length << Integer.SIZE | crc.getValue();
    }

    private static long mix(long value) {
        long mixed = (value ^ value >>> 30) * MIX_1;
        mixed = (mixed ^ mixed >>> 27) * MIX_2;
        return mixed ^ mixed >>> 31;
    }

    /** Of all rows that were added. */
    long sum() {
        return sum;
    }
}
