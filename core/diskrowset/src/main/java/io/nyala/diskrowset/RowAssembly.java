package io.nyala.diskrowset;

import io.nyala.cfile.ColumnCursor;
import io.nyala.memory.Zeros;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.Limits;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowPatch;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One row of a scan's shape at a time: first what changes say of it, then, of the columns that no change has set, what
 * the file says. For rows that have changes, and for keys; everything else stays in columns.
 *
 * <pre>{@code
 *   begin() -> apply(change)... -> complete(tested columns) -> match? -> complete(the others)
 * }</pre>
 *
 * <p>Belongs to one cursor. A row is good within one call: it lies in memory that all cursors of a reader share.
 * Allocates nothing once that has the size of the largest row.
 */
final class RowAssembly {
    /** An UPDATE of no cells. */
    private static final MemorySegment NO_CHANGE = noChange();

    private final RowShape shape;
    private final RowLayout layout;
    private final RowLayout fileLayout;
    private final KeyCodec keys;
    private final RowPatch patch;
    private final GrowingBuffer keyBuffer;
    private final boolean[] isSet;
    private GrowingBuffer present;
    private GrowingBuffer spare;
    private long bytes;
    private boolean isLive;

    RowAssembly(RowShape shape, RowLayout fileLayout, ReaderMemory memory) {
        this.shape = shape;
        this.layout = shape.layout();
        this.fileLayout = fileLayout;
        this.keys = new KeyCodec(layout);
        this.patch = new RowPatch(layout);
        this.isSet = new boolean[layout.columnCount()];
        this.keyBuffer = memory.key();
        this.present = memory.row();
        this.spare = memory.spareRow();
    }

    private static MemorySegment noChange() {
        MemorySegment change = MemorySegment.ofArray(new byte[RowChange.HEADER_BYTES]);
        RowChange.startUpdate(change, 0, 0);
        return change.asReadOnly();
    }

    /** Where the row is, at offset 0. */
    MemorySegment memory() {
        return present.memory();
    }

    /** Of the row. */
    long bytes() {
        return bytes;
    }

    boolean isLive() {
        return isLive;
    }

    /** Begins a row of which nothing is known yet. */
    void begin(boolean newIsLive) {
        isLive = newIsLive;
        startFromTemplate();
        for (int i = 0; i < isSet.length; i++) {
            isSet[i] = shape.isPreset(i);
        }
    }

    private void startFromTemplate() {
        bytes = shape.template().byteSize();
        present.ensure(0, bytes);
        MemorySegment.copy(shape.template(), 0, present.memory(), 0, bytes);
    }

    /** Applies an UNDO; a change that must not be there is refused. */
    void undo(DeltaSource.Cursor history) {
        RowChange.check(fileLayout, history.memory(), history.changeOffset(), history.changeBytes());
        if (RowChange.kind(history.memory(), history.changeOffset()) == RowChange.REINSERT) {
            replace(history.memory(), RowChange.rowOffset(history.changeOffset()));
        } else {
            apply(history);
        }
    }

    /** Applies a REDO; a change that must not be there is refused. */
    void redo(DeltaSource.Cursor changes) {
        RowChange.check(layout, changes.memory(), changes.changeOffset(), changes.changeBytes());
        if (RowChange.kind(changes.memory(), changes.changeOffset()) == RowChange.REINSERT) {
            throw new IllegalArgumentException("row " + changes.ordinal() + " of a rowset is inserted again at "
                    + changes.time() + "; only a MemRowSet takes inserts");
        }
        apply(changes);
    }

    /** Makes the row that a REINSERT of a history says, in these columns; answers its bytes. */
    int reinserted(DeltaSource.Cursor history) {
        begin(false);
        undo(history);
        pack();
        return (int) bytes;
    }

    private void apply(DeltaSource.Cursor changes) {
        MemorySegment memory = changes.memory();
        long change = changes.changeOffset();
        if (RowChange.kind(memory, change) == RowChange.DELETE) {
            isLive = false;
            return;
        }
        isLive = true;
        if (markCells(memory, change)) {
            patch(memory, change);
        }
    }

    /** Notes which columns an UPDATE sets; answers whether any of them matters here. */
    private boolean markCells(MemorySegment memory, long change) {
        boolean isAny = false;
        long cell = RowChange.firstCell(change);
        for (int i = RowChange.cellCount(memory, change); i > 0; i--) {
            int column = layout.schema().indexOfId(RowChange.cellColumnId(memory, cell));
            if (column >= 0) {
                isSet[column] = true;
                isAny = true;
            }
            cell = RowChange.nextCell(memory, cell);
        }
        return isAny;
    }

    /** Takes all values from a packed row of the file's own columns. */
    private void replace(MemorySegment memory, long row) {
        isLive = true;
        startFromTemplate();
        Arrays.fill(isSet, true);
        for (int i = 0; i < isSet.length; i++) {
            int source = fileLayout.schema().indexOfId(layout.columnId(i));
            if (source < 0 || shape.isPreset(i)) {
                continue;
            }
            if (fileLayout.isNull(memory, row, source)) {
                layout.setNull(present.memory(), 0, i);
            } else {
                int cellBytes = fileLayout.valueBytes(memory, row, source);
                long at = room(i, cellBytes);
                MemorySegment.copy(
                        memory, fileLayout.valueOffset(memory, row, source), present.memory(), at, cellBytes);
            }
        }
    }

    /**
     * Puts rows of all columns together, where those that are read have some: one by one, for few are asked for. Holds
     * no page between two of them, and takes no memory. One thread.
     */
    static final class Whole {
        private final DiskRowSet rowSet;
        private final Schema schema;
        private final RowAssembly assembly;
        private @Nullable ScanColumns columns;

        Whole(DiskRowSet rowSet, Schema schema, ReaderMemory memory) {
            this.rowSet = rowSet;
            this.schema = schema;
            var shape = RowShape.of(schema, schema, rowSet);
            this.assembly = new RowAssembly(shape, rowSet.fileColumns().layout(), memory);
        }

        RowAssembly assembly() {
            return assembly;
        }

        /** The row of which a packed one has some columns, with those that the file has of the others; its bytes. */
        int assemble(RowLayout some, MemorySegment memory, long row, long ordinal) {
            ScanColumns cells = columns;
            if (cells == null) {
                cells = new ScanColumns(rowSet, schema, true);
                columns = cells;
            }
            assembly.begin(true);
            assembly.take(some, memory, row);
            int vector = (int) (ordinal / Limits.VECTOR_ROWS);
            try {
                int[] wanted = assembly.shape.untested();
                assembly.complete(wanted, cells, vector, (int) (ordinal % Limits.VECTOR_ROWS));
            } finally {
                cells.release();
            }
            assembly.packAnew();
            return (int) assembly.bytes();
        }
    }

    /** Takes the cells of a packed row of fewer columns, before those of the others are read from the file. */
    private void take(RowLayout some, MemorySegment memory, long row) {
        for (int i = 0; i < some.columnCount(); i++) {
            int column = layout.schema().indexOfId(some.columnId(i));
            isSet[column] = true;
            if (some.isNull(memory, row, i)) {
                layout.setNull(present.memory(), 0, column);
                Zeros.fill(present.memory(), layout.cellOffset(column), layout.cellBytes(column)); // Of a default.
            } else {
                layout.setNotNull(present.memory(), 0, column);
                int cellBytes = some.valueBytes(memory, row, i);
                long at = room(column, cellBytes);
                MemorySegment.copy(memory, some.valueOffset(memory, row, i), present.memory(), at, cellBytes);
            }
        }
    }

    /** As {@link #pack}, of a row whose cells have come in another order than that of the columns. */
    private void packAnew() {
        patch(NO_CHANGE, 0);
    }

    /**
     * Brings the cells of the row into the order of a packed row that is stored: those that were read lie behind
     * defaults of columns that the file does not have.
     */
    void pack() {
        if (shape.hasPresetText()) {
            packAnew();
        }
    }

    private void patch(MemorySegment memory, long change) {
        spare.ensure(0, patch.appliedBytesMax(present.memory(), 0, memory, change));
        bytes = patch.apply(present.memory(), 0, memory, change, spare.memory(), 0);
        GrowingBuffer before = present;
        present = spare;
        spare = before;
    }

    /** Where the bytes of a cell go. */
    private long room(int column, int cellBytes) {
        if (!layout.isVariable(column)) {
            return layout.cellOffset(column);
        }
        long at = bytes;
        present.ensure(bytes, bytes + cellBytes);
        layout.setVariable(present.memory(), 0, column, (int) at, cellBytes);
        bytes += cellBytes;
        return at;
    }

    /** Reads the cells of some columns, but those that a change has set, from the file. */
    void complete(int[] wanted, ScanColumns columns, int vector, int row) {
        for (int column : wanted) {
            if (!isSet[column]) {
                isSet[column] = true;
                read(column, columns.at(shape.schemaColumn(column), vector), row);
            }
        }
    }

    private void read(int column, ColumnCursor cursor, int row) {
        if (cursor.isNull(row)) {
            layout.setNull(present.memory(), 0, column);
            return;
        }
        long at = room(column, cursor.cellBytes(row));
        cursor.readCell(row, present.memory(), at);
    }

    /** Puts the key of a row together, and nothing else. */
    void assembleKey(ColumnCursor[] keyColumns, int row) {
        startFromTemplate();
        for (int i = 0; i < keyColumns.length; i++) {
            read(i, keyColumns[i], row);
        }
    }

    /** Encodes the present row's key at the start of {@link #keyMemory}; answers its bytes. */
    int encodeKey() {
        return encodeKey(present.memory(), 0);
    }

    /** Encodes the key of a row of this shape at the start of {@link #keyMemory}; answers its bytes. */
    int encodeKey(MemorySegment memory, long row) {
        keyBuffer.ensure(0, keys.encodedBytesMax(memory, row));
        return keys.encode(memory, row, keyBuffer.memory(), 0);
    }

    MemorySegment keyMemory() {
        return keyBuffer.memory();
    }
}
