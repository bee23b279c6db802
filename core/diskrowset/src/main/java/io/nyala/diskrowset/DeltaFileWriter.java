package io.nyala.diskrowset;

import io.nyala.io.IoQueue;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Makes one delta file of the changes of a rowset's rows, column by column.
 *
 * <p>Changes come by ordinal, of each row in the order in which they are applied: REDO oldest first, UNDO newest first.
 * Of changes of one row at one time the last of each column counts. Cells of columns that the schema does not have are
 * left out.
 *
 * <p>Belongs to one thread. Holds the pages in memory of the account until {@link #finish}; whoever made it closes it.
 */
public final class DeltaFileWriter implements AutoCloseable {
    private static final int NONE = -1;

    private final Schema schema;
    private final RowLayout layout;
    private final DeltaKind kind;
    private final DeltaBase base;
    private final DeltaFileBuilder builder;
    private final @Nullable DeltaColumnWriter[] columns;
    private final int liveRows;
    private final int deletions;
    private final Opened opened = new Opened();
    private long lastOrdinal = NONE;
    private long lastTime = Long.MIN_VALUE;
    private boolean isLastDeleted;
    private boolean isLastLive; // Without cells that say so.

    /**
     * Opens one, which has no file yet.
     *
     * @param schema of the table
     * @param base whose rows the changes are of
     * @param account pays for everything until {@link #close}
     */
    public DeltaFileWriter(Schema schema, DeltaKind kind, DeltaBase base, MemoryAccount account) {
        this.schema = schema;
        this.layout = new RowLayout(schema);
        this.kind = kind;
        this.base = base;
        this.columns = new @Nullable DeltaColumnWriter[schema.columnCount() + 2];
        this.liveRows = schema.columnCount();
        this.deletions = liveRows + 1;
        this.builder = new DeltaFileBuilder(schema, kind, base, account);
        opened.add(builder::close);
    }

    /**
     * Writes all changes of a source down as REDO: a flush of a sealed memory store. When this returns the content of
     * the file is durable, but not yet its name.
     *
     * @param source of one row it has no changes after a deletion, and it answers each change by itself at the largest
     *     snapshot
     * @return null, and no file, if there is nothing to write, since all changes set only columns that the schema does
     *     not have
     */
    public static @Nullable DeltaFileOutput write(
            Schema schema,
            DeltaBase base,
            DeltaSource source,
            RowSetFile target,
            IoQueue queue,
            MemoryAccount account) {
        try (var writer = new DeltaFileWriter(schema, DeltaKind.REDO, base, account)) {
            writer.appendAll(source);
            return writer.isEmpty() ? null : writer.finish(target, queue);
        }
    }

    /** Adds all changes of a source. */
    public void appendAll(DeltaSource source) {
        try (DeltaSource.Cursor changes = source.changes(0, base.rowCount(), kind.everySnapshot())) {
            while (changes.next()) {
                append(changes);
            }
        }
    }

    /** Adds the change that a cursor stands on. */
    public void append(DeltaSource.Cursor change) {
        MemorySegment memory = change.memory();
        long at = change.changeOffset();
        RowChange.check(layout, memory, at, change.changeBytes());
        long ordinal = change.ordinal();
        long time = change.time();
        Check.inRange("ordinal of a change", ordinal, Math.max(0, lastOrdinal), base.rowCount() - 1);
        startChange(ordinal, time);
        switch (RowChange.kind(memory, at)) {
            case RowChange.UPDATE -> isLastLive = !appendCells(memory, at) && kind == DeltaKind.UNDO;
            case RowChange.DELETE -> isLastDeleted = true;
            default -> {
                if (kind == DeltaKind.REDO) {
                    throw new IllegalArgumentException(
                            "row " + ordinal + " is inserted again at " + time + "; only a MemRowSet takes inserts");
                }
                isLastLive = !appendRow(memory, RowChange.rowOffset(at));
            }
        }
    }

    private void startChange(long ordinal, long time) {
        boolean isSameRow = ordinal == lastOrdinal;
        if (isSameRow && kind.isBefore(time, lastTime)) {
            throw new IllegalArgumentException(kind + ": row " + ordinal + " changes at " + time
                    + ", which is to be applied before its change at " + lastTime);
        }
        if (isSameRow && isLastDeleted && kind == DeltaKind.REDO) {
            throw new IllegalArgumentException(
                    "row " + ordinal + " changes at " + time + ", after it was deleted at " + lastTime);
        }
        if (!isSameRow || time != lastTime) {
            endChange();
        }
        lastOrdinal = ordinal;
        lastTime = time;
        isLastLive = false;
        isLastDeleted = false;
    }

    /** Writes whether the last row is there, which a further change at the same time might have turned over. */
    private void endChange() {
        if (isLastLive || isLastDeleted) {
            column(isLastDeleted ? deletions : liveRows).appendWithoutValue((int) lastOrdinal, lastTime);
            builder.note(lastOrdinal, lastTime);
        }
        isLastLive = false;
        isLastDeleted = false;
    }

    /** Adds the cells of an UPDATE that the schema has; false if there are none. */
    private boolean appendCells(MemorySegment memory, long change) {
        boolean isAny = false;
        long cell = RowChange.firstCell(change);
        for (int i = RowChange.cellCount(memory, change); i > 0; i--) {
            int index = schema.indexOfId(RowChange.cellColumnId(memory, cell));
            if (index >= 0) {
                boolean isNull = RowChange.cellIsNull(memory, cell);
                appendCell(index, isNull, memory, RowChange.cellValue(cell), RowChange.cellBytes(memory, cell));
                isAny = true;
            }
            cell = RowChange.nextCell(memory, cell);
        }
        return isAny;
    }

    /** Adds all cells of a packed row but its key, which the base has; false if there are none. */
    private boolean appendRow(MemorySegment memory, long row) {
        for (int i = schema.keyColumnCount(); i < schema.columnCount(); i++) {
            boolean isNull = layout.isNull(memory, row, i);
            long value = isNull ? 0 : layout.valueOffset(memory, row, i);
            appendCell(i, isNull, memory, value, isNull ? 0 : layout.valueBytes(memory, row, i));
        }
        return schema.keyColumnCount() < schema.columnCount();
    }

    private void appendCell(int index, boolean isNull, MemorySegment memory, long value, int valueBytes) {
        DeltaColumnWriter column = column(index);
        if (isNull) {
            column.appendWithoutValue((int) lastOrdinal, lastTime);
        } else {
            column.append((int) lastOrdinal, lastTime, memory, value, valueBytes);
        }
        builder.note(lastOrdinal, lastTime);
    }

    private DeltaColumnWriter column(int index) {
        DeltaColumnWriter writer = columns[index];
        if (writer == null) {
            if (index == deletions) {
                writer = builder.marks(DeltaFileFormat.DELETED_ID);
            } else {
                writer = index == liveRows
                        ? builder.marks(DeltaFileFormat.LIVE_ID)
                        : builder.column(schema.column(index));
            }
            columns[index] = writer;
            opened.add(writer::close);
        }
        return writer;
    }

    /** Whether there is nothing to write: no change sets a cell of the schema, or deletes a row. */
    public boolean isEmpty() {
        return builder.isEmpty() && !isLastLive && !isLastDeleted;
    }

    /** About the size of the file if it were finished now. */
    public long estimatedBytes() {
        long sum = builder.estimatedBytes();
        for (DeltaColumnWriter column : columns) {
            sum += column == null ? 0 : column.pendingBytes();
        }
        return sum;
    }

    /** Creates the file and writes it. When this returns its content is durable, but not yet its name. */
    public DeltaFileOutput finish(RowSetFile target, IoQueue queue) {
        endChange();
        for (DeltaColumnWriter column : columns) {
            if (column != null) {
                builder.add(column);
            }
        }
        return builder.finish(target, queue);
    }

    @Override
    public void close() {
        Arrays.fill(columns, null);
        opened.close();
    }
}
