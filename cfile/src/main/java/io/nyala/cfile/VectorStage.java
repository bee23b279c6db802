package io.nyala.cfile;

import io.nyala.encoding.FlatBinary;
import io.nyala.encoding.VectorFormat;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.memory.Zeros;
import java.lang.foreign.MemorySegment;

/**
 * The rows of the vector that a column writer is collecting, in flat form. Null rows hold zero or an empty string, so
 * that what is written does not depend on what the caller left there.
 *
 * <p>For one thread. Owns its memory.
 */
final class VectorStage implements AutoCloseable {
    private static final int ROWS = ColumnSpec.VECTOR_ROWS;
    private static final int VALIDITY_BYTES = ROWS / Byte.SIZE;

    private final MemoryAccount account;
    private final CellKind kind;
    private final int cellBytes;
    private final Slab slab;
    private final MemorySegment memory;
    private final long validity;
    private final long zones;
    private final ByteSink strings;
    private final FlatBinary flat = new FlatBinary();
    private int rowCount;
    private int nullCount;

    VectorStage(CellKind kind, MemoryAccount account) {
        this.account = account;
        this.kind = kind;
        this.cellBytes = kind.cellBytes();
        long valueBytes = kind.isBinary() ? (ROWS + 1L) * Integer.BYTES : (long) ROWS * cellBytes;
        this.validity = Cells.pad8(valueBytes + VectorFormat.READ_PADDING_BYTES);
        this.zones = validity + VALIDITY_BYTES;
        this.slab = account.take(zones + 2L * Zone.MEMORY_BYTES);
        this.memory = slab.segment();
        this.strings = new ByteSink(account);
        clear();
    }

    /** Zone {@code index} of two, in this memory. */
    Zone zone(int index) {
        return new Zone(kind, memory, zones + (long) index * Zone.MEMORY_BYTES);
    }

    void clear() {
        rowCount = 0;
        nullCount = 0;
        strings.truncate(0);
        Zeros.fill(memory, validity, VALIDITY_BYTES);
        if (kind.isBinary()) {
            memory.set(Cells.INT, 0, 0);
        }
    }

    boolean isFull() {
        return rowCount == ROWS;
    }

    int rowCount() {
        return rowCount;
    }

    int nullCount() {
        return nullCount;
    }

    /** Bytes of the values, as they are. */
    long rawBytes() {
        return kind.isBinary() ? strings.bytes() : (long) rowCount * cellBytes;
    }

    MemorySegment memory() {
        return memory;
    }

    /** Where the validity bitmap is. */
    long validity() {
        return validity;
    }

    void append(MemorySegment source, long offset, int bytes) {
        if (kind.isBinary()) {
            strings.put(source, offset, bytes);
            endString();
        } else {
            MemorySegment.copy(source, offset, memory, cell(rowCount), cellBytes);
        }
        setValid(1);
        rowCount++;
    }

    void appendNull() {
        if (kind.isBinary()) {
            endString();
        } else {
            Zeros.fill(memory, cell(rowCount), cellBytes);
        }
        rowCount++;
        nullCount++;
    }

    /** Copies {@code count} cells, all valid, for which there is room. */
    void appendAll(MemorySegment source, long offset, int count) {
        assert !kind.isBinary() && count <= ROWS - rowCount : count + " after " + rowCount;
        MemorySegment.copy(source, offset, memory, cell(rowCount), (long) count * cellBytes);
        for (int left = count; left > 0; ) {
            int some = Math.min(left, Long.SIZE - rowCount % Long.SIZE);
            setValid(-1L >>> (Long.SIZE - some));
            rowCount += some;
            left -= some;
        }
    }

    private void endString() {
        memory.set(Cells.INT, (rowCount + 1L) * Integer.BYTES, Math.toIntExact(strings.bytes()));
    }

    /** Of the next rows those that have a bit, all of which are of one word of the bitmap. */
    private void setValid(long rows) {
        long word = validity + (rowCount >>> 6) * (long) Long.BYTES;
        memory.set(Cells.LONG, word, memory.get(Cells.LONG, word) | rows << rowCount);
    }

    boolean isValid(int row) {
        return (memory.get(Cells.LONG, validity + (row >>> 6) * (long) Long.BYTES) >>> row & 1) != 0;
    }

    long cell(int row) {
        return (long) row * cellBytes;
    }

    long integer(int row) {
        return switch (cellBytes) {
            case 1 -> memory.get(Cells.BYTE, row);
            case 2 -> memory.get(Cells.SHORT, row * 2L);
            case 4 -> memory.get(Cells.INT, row * 4L);
            default -> memory.get(Cells.LONG, row * 8L);
        };
    }

    MemorySegment strings() {
        return strings.memory();
    }

    long stringStart(int row) {
        return memory.get(Cells.INT, (long) row * Integer.BYTES);
    }

    int stringBytes(int row) {
        return memory.get(Cells.INT, (row + 1L) * Integer.BYTES) - (int) stringStart(row);
    }

    /** All strings, for the encoder, with the padding that it reads behind them. */
    FlatBinary flat() {
        strings.reserve(VectorFormat.READ_PADDING_BYTES);
        return flat.wrap(memory, 0, strings.memory(), 0);
    }

    @Override
    public void close() {
        strings.close();
        account.giveBack(slab);
    }
}
