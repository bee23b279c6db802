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
 * <p>Changes come by ordinal, of each row oldest first.
 * Of changes of one row at one time the last of each column counts. Cells of columns that the schema does not have are
 * left out.
 *
 * <p>Belongs to one thread. Holds the pages in memory of the account until {@link #finish}; whoever made it closes it.
 */
public final class DeltaFileWriter implements AutoCloseable {
    private static final int NONE = -1;

    private final Schema schema;
    private final RowLayout layout;
    private final DeltaBase base;
    private final DeltaFileBuilder builder;
    private final @Nullable DeltaColumnWriter[] columns;
    private final int deletions;
    private final Opened opened = new Opened();
    private long lastOrdinal = NONE;
    private long lastTime = Long.MIN_VALUE;
    private boolean isLastDeleted;

    /**
     * Opens one, which has no file yet.
     *
     * @param schema of the table
     * @param base whose rows the changes are of
     * @param account pays for everything until {@link #close}
     */
    public DeltaFileWriter(Schema schema, DeltaBase base, MemoryAccount account) {
        this.schema = schema;
        this.layout = new RowLayout(schema);
        this.base = base;
        this.columns = new @Nullable DeltaColumnWriter[schema.columnCount() + 1];
        this.deletions = schema.columnCount();
        this.builder = new DeltaFileBuilder(schema, base, account);
        opened.add(builder::close);
    }

    /**
     * Writes all changes of a source down: a flush of a sealed memory store. When this returns the content of
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
        try (var writer = new DeltaFileWriter(schema, base, account)) {
            writer.appendAll(source);
            return writer.isEmpty() ? null : writer.finish(target, queue);
        }
    }

    /** Adds all changes of a source. */
    public void appendAll(DeltaSource source) {
        try (DeltaSource.Cursor changes = source.changes(0, base.rowCount(), Long.MAX_VALUE)) {
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
            case RowChange.UPDATE -> appendCells(memory, at);
            case RowChange.DELETE -> appendDeletion();
            default ->
                throw new IllegalArgumentException(
                        "row " + ordinal + " is inserted again at " + time + "; only a MemRowSet takes inserts");
        }
    }

    private void startChange(long ordinal, long time) {
        boolean isSameRow = ordinal == lastOrdinal;
        if (isSameRow && time < lastTime) {
            throw new IllegalArgumentException(
                    "row " + ordinal + " changes at " + time + ", which is before its change at " + lastTime);
        }
        if (isSameRow && isLastDeleted) {
            throw new IllegalArgumentException(
                    "row " + ordinal + " changes at " + time + ", after it was deleted at " + lastTime);
        }
        lastOrdinal = ordinal;
        lastTime = time;
        isLastDeleted = false;
    }

    private void appendDeletion() {
        column(deletions).appendWithoutValue((int) lastOrdinal, lastTime);
        builder.note(lastOrdinal, lastTime);
        isLastDeleted = true;
    }

    /** Adds the cells of an UPDATE that the schema has. */
    private void appendCells(MemorySegment memory, long change) {
        long cell = RowChange.firstCell(change);
        for (int i = RowChange.cellCount(memory, change); i > 0; i--) {
            int index = schema.indexOfId(RowChange.cellColumnId(memory, cell));
            if (index >= 0) {
                boolean isNull = RowChange.cellIsNull(memory, cell);
                appendCell(index, isNull, memory, RowChange.cellValue(cell), RowChange.cellBytes(memory, cell));
            }
            cell = RowChange.nextCell(memory, cell);
        }
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
            writer = index == deletions ? builder.deletions() : builder.column(schema.column(index));
            columns[index] = writer;
            opened.add(writer::close);
        }
        return writer;
    }

    /** Whether there is nothing to write: no change sets a cell of the schema, or deletes a row. */
    public boolean isEmpty() {
        return builder.isEmpty();
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
