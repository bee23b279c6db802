package io.nyala.diskrowset;

import io.nyala.cfile.ColumnCursor;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowPatch;
import java.lang.foreign.MemorySegment;

/**
 * One packed row at a time, put together from the columns it is stored in, then changed back step by step, with its
 * key. For rows whose history matters, and for keys; everything else stays in columns.
 *
 * <p>Belongs to one cursor. Allocates nothing once its buffers have the size of the largest row.
 */
final class RowAssembly implements AutoCloseable {
    private final RowLayout layout;
    private final KeyCodec keys;
    private final RowPatch patch;
    private final GrowingBuffer keyBuffer;
    private GrowingBuffer present;
    private GrowingBuffer spare;
    private boolean isLive;

    RowAssembly(RowLayout layout, MemoryAccount account) {
        this.layout = layout;
        this.keys = new KeyCodec(layout);
        this.patch = new RowPatch(layout);
        this.keyBuffer = new GrowingBuffer(account);
        this.present = new GrowingBuffer(account);
        this.spare = new GrowingBuffer(account);
    }

    /** Where the row is, at offset 0. */
    MemorySegment memory() {
        return present.memory();
    }

    boolean isLive() {
        return isLive;
    }

    void isLive(boolean newIsLive) {
        isLive = newIsLive;
    }

    /**
     * Puts a row together from the first {@code columnCount} columns of the schema, whose cursors stand on its vector.
     */
    void assemble(ColumnCursor[] columns, int columnCount, int row) {
        long bytes = layout.fixedBytes();
        present.ensure(0, bytes);
        present.memory().asSlice(0, bytes).fill((byte) 0);
        for (int i = 0; i < columnCount; i++) {
            ColumnCursor column = columns[i];
            if (column.isNull(row)) {
                layout.setNull(present.memory(), 0, i);
            } else if (layout.isVariable(i)) {
                int cellBytes = column.cellBytes(row);
                present.ensure(bytes, bytes + cellBytes);
                column.readCell(row, present.memory(), bytes);
                layout.setVariable(present.memory(), 0, i, (int) bytes, cellBytes);
                bytes += cellBytes;
            } else {
                column.readCell(row, present.memory(), layout.cellOffset(i));
            }
        }
    }

    /** Goes back before the change that {@code history} stands on. */
    void undo(DeltaSource.Cursor history) {
        MemorySegment memory = history.memory();
        long change = history.changeOffset();
        RowChange.check(layout, memory, change, history.changeBytes());
        switch (RowChange.kind(memory, change)) {
            case RowChange.DELETE -> isLive = false;
            case RowChange.REINSERT -> {
                int rowBytes = RowChange.rowBytes(memory, change);
                present.ensure(0, rowBytes);
                MemorySegment.copy(memory, RowChange.rowOffset(change), present.memory(), 0, rowBytes);
                isLive = true;
            }
            case RowChange.UPDATE -> {
                if (RowChange.cellCount(memory, change) > 0) {
                    spare.ensure(0, patch.appliedBytesMax(present.memory(), 0, memory, change));
                    patch.apply(present.memory(), 0, memory, change, spare.memory(), 0);
                    GrowingBuffer before = present;
                    present = spare;
                    spare = before;
                }
                isLive = true;
            }
            default -> throw new AssertionError("a checked change of kind " + RowChange.kind(memory, change));
        }
    }

    /** Encodes the row's key at the start of {@link #keyMemory}; answers its bytes. */
    int encodeKey() {
        keyBuffer.ensure(0, keys.encodedBytesMax(present.memory(), 0));
        return keys.encode(present.memory(), 0, keyBuffer.memory(), 0);
    }

    MemorySegment keyMemory() {
        return keyBuffer.memory();
    }

    @Override
    public void close() {
        keyBuffer.close();
        present.close();
        spare.close();
    }
}
