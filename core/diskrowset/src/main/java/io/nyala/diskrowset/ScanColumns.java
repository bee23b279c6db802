package io.nyala.diskrowset;

import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.ColumnReader;
import io.nyala.cfile.ReadAhead;
import io.nyala.cfile.VectorSelection;
import io.nyala.encoding.DecoderScratch;
import io.nyala.rows.Schema;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The columns of a scan, opened when they are first needed, and moved to a vector when they are needed there: a vector
 * in which no row is left costs nothing in the columns that come later.
 *
 * <p>Belongs to one cursor.
 */
final class ScanColumns implements AutoCloseable {
    private final DiskRowSet rowSet;
    private final Schema schema;
    private final @Nullable VectorSelection vectors;
    private final @Nullable ReaderMemory memory;
    private @Nullable DecoderScratch scratch;
    private final @Nullable ReadAhead ahead;
    private final boolean isForward;
    private final @Nullable ColumnCursor[] columns;
    private final int insertTime;
    private final int deleted;
    private ColumnCursor @Nullable [] keys;

    /**
     * @param schema in which columns are named
     * @param ahead of the scan; closed by the caller, as the memory is, after this
     */
    ScanColumns(DiskRowSet rowSet, Schema schema, VectorSelection vectors, ReaderMemory memory, ReadAhead ahead) {
        this(rowSet, schema, vectors, memory, ahead, true);
    }

    /**
     * Reads nothing ahead, and takes no native memory.
     *
     * @param isForward whether rows are asked for in their order, and once; look-ups go to any vector at any time
     */
    ScanColumns(DiskRowSet rowSet, Schema schema, boolean isForward) {
        this(rowSet, schema, null, null, null, isForward);
    }

    private ScanColumns(
            DiskRowSet rowSet,
            Schema schema,
            @Nullable VectorSelection vectors,
            @Nullable ReaderMemory memory,
            @Nullable ReadAhead ahead,
            boolean isForward) {
        this.rowSet = rowSet;
        this.schema = schema;
        this.vectors = vectors;
        this.memory = memory;
        this.scratch = memory == null ? DecoderScratch.forCells() : null;
        this.ahead = ahead;
        this.isForward = isForward;
        int schemaColumns = schema.columnCount();
        this.columns = new @Nullable ColumnCursor[schemaColumns + 2];
        this.insertTime = schemaColumns;
        this.deleted = schemaColumns + 1;
    }

    /** Where columns are decoded; taken with the first of them. */
    private DecoderScratch scratch() {
        DecoderScratch taken = scratch;
        if (taken == null) {
            taken = Objects.requireNonNull(memory, "a look-up has a scratch").scratch();
            scratch = taken;
        }
        return taken;
    }

    /** Whether the file has a column of the schema; if not, it has no cursor. */
    boolean has(int column) {
        return rowSet.fileColumns().has(schema.column(column));
    }

    /** What the file has of a column of the schema. */
    ColumnReader stored(int column) {
        return rowSet.fileColumns().reader(schema.column(column));
    }

    /** The cursor of a column of the schema that the file has, on {@code vector}. */
    ColumnCursor at(int column, int vector) {
        ColumnCursor cursor = cursor(column);
        if (cursor.vector() != vector) {
            cursor.seek(vector);
        }
        return cursor;
    }

    private ColumnCursor cursor(int column) {
        ColumnCursor cursor = columns[column];
        if (cursor == null) {
            cursor = open(reader(column));
            columns[column] = cursor;
        }
        return cursor;
    }

    private ColumnCursor open(ColumnReader column) {
        if (ahead != null) {
            return column.cursor(scratch(), ahead, vectors);
        }
        return isForward ? column.forwardCursor(scratch()) : column.cursor(scratch());
    }

    /** Starts reading what {@link #at} will need of a column that the file has, if it is not in memory. */
    void prepare(int column, int vector) {
        cursor(column).prepare(vector);
    }

    /** Whether fewer reads are ahead of the scan than the device can do with. */
    boolean hasRoom() {
        return ahead != null && ahead.hasRoom();
    }

    /** As {@link ColumnCursor#prepareMore}, of a column that the file has. */
    boolean prepareMore(int column, int vector) {
        return cursor(column).prepareMore(vector);
    }

    /** Likewise of insert times. */
    boolean prepareMoreInsertTimes(int vector) {
        return cursor(insertTime).prepareMore(vector);
    }

    /** Likewise of what says which rows are deleted. */
    boolean prepareMoreDeleted(int vector) {
        return cursor(deleted).prepareMore(vector);
    }

    /** As {@link #prepare}, of the key columns, and, if rows are deleted, of what says so. */
    void prepareKeys(int vector) {
        for (int i = 0; i < schema.keyColumnCount(); i++) {
            prepare(i, vector);
        }
        if (rowSet.deletedCount() > 0) {
            prepare(deleted, vector);
        }
    }

    private ColumnReader reader(int column) {
        if (column == insertTime) {
            return rowSet.file().column(RowSetFormat.INSERT_TIME_ID);
        }
        return column == deleted ? rowSet.file().column(RowSetFormat.DELETED_ID) : stored(column);
    }

    ColumnCursor insertTimeAt(int vector) {
        return at(insertTime, vector);
    }

    ColumnCursor deletedAt(int vector) {
        return at(deleted, vector);
    }

    /** The cursors of the key columns, on {@code vector}; the same array each time. */
    ColumnCursor[] keysAt(int vector) {
        if (keys == null) {
            keys = new ColumnCursor[schema.keyColumnCount()];
        }
        for (int i = 0; i < keys.length; i++) {
            keys[i] = at(i, vector);
        }
        return keys;
    }

    /** Unpins all pages. */
    void release() {
        for (ColumnCursor column : columns) {
            if (column != null) {
                column.release();
            }
        }
    }

    @Override
    public void close() {
        for (ColumnCursor column : columns) {
            if (column != null) {
                column.close();
            }
        }
    }
}
