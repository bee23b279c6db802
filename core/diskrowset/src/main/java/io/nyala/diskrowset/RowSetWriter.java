package io.nyala.diskrowset;

import io.nyala.cfile.CFileWriter;
import io.nyala.cfile.CellKind;
import io.nyala.cfile.ColumnSpec;
import io.nyala.cfile.ColumnWriter;
import io.nyala.cfile.KeyFilter;
import io.nyala.cfile.KeyWriter;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSource;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes one rowset file of rows that come in key order: their newest values as columns, and how they came to be as
 * history.
 *
 * <p>Belongs to one thread. Holds the encoded pages in memory of the account until {@link #finish}; whoever made it
 * closes it.
 */
public final class RowSetWriter implements AutoCloseable {
    private final Schema schema;
    private final CFileWriter file;
    private final HistoryWriter history;

    /** Of the rows that come. */
    private final RowLayout layout;

    /** Where the columns that are written are in {@link #layout}. */
    private final int[] indexes;

    private final ColumnWriter[] columns;
    private final ColumnWriter deleted;

    // Null if they are copied.
    private final @Nullable ColumnWriter insertTimes;
    private final @Nullable KeyWriter keys;

    private final Opened opened = new Opened();
    private final Slab cell;
    private int rowCount;
    private long deletedCount;
    private long newestChange;

    /** With the default rate of {@link KeyFilter}. */
    public RowSetWriter(Schema schema, MemoryAccount account) {
        this(schema, account, KeyFilter.RATE_DEFAULT);
    }

    /** {@code filterRate}: part of the keys that it does not have which its key filter may let through. */
    public RowSetWriter(Schema schema, MemoryAccount account, double filterRate) {
        this(schema, new RowLayout(schema), null, filterRate, account);
    }

    /**
     * Takes rows of some columns only; the others are written one by one when the rows are there.
     *
     * @param ofRows the columns of rows, those of the key first
     */
    public RowSetWriter(Schema schema, Schema ofRows, MemoryAccount account, double filterRate) {
        this(schema, new RowLayout(ofRows), null, filterRate, account);
    }

    /** Takes all rows of the source of a rewrite, and copies what that leaves out. */
    RowSetWriter(RowSetRewrite rewrite, MemoryAccount account) {
        this(rewrite.schema(), rewrite.shape().layout(), rewrite, KeyFilter.RATE_DEFAULT, account);
    }

    private RowSetWriter(
            Schema schema,
            RowLayout layout,
            @Nullable RowSetRewrite rewrite,
            double filterRate,
            MemoryAccount account) {
        this.schema = schema;
        this.layout = layout;
        try {
            Slab taken = account.take(Long.BYTES);
            opened.add(() -> account.giveBack(taken));
            cell = taken;
            file = new CFileWriter(account);
            opened.add(file::close);
            List<ColumnWriter> written = new ArrayList<>();
            List<Integer> writtenIndexes = new ArrayList<>();
            for (int i = 0; i < schema.columnCount(); i++) {
                ColumnSpec spec = ColumnSpec.of(schema.column(i));
                int index = layout.schema().indexOfId(spec.id());
                if (rewrite != null && !rewrite.changed().contains(i)) {
                    file.copyColumn(spec, rewrite.rowSet().column(i));
                } else if (index >= 0) {
                    written.add(file.addColumn(spec));
                    writtenIndexes.add(index);
                } else {
                    int place = file.reserveColumn(spec);
                    assert place == i : "columns of the table come first";
                }
            }
            columns = written.toArray(ColumnWriter[]::new);
            indexes = writtenIndexes.stream().mapToInt(Integer::intValue).toArray();
            insertTimes = addInsertTimes(rewrite);
            deleted = file.addColumn(ColumnSpec.of(RowSetFormat.DELETED_ID, "deleted", CellKind.INT8));
            if (rewrite == null) {
                keys = file.addKeys(filterRate);
            } else {
                keys = null;
                file.copyKeys(rewrite.rowSet().file());
            }
            history = new HistoryWriter(file, account);
            opened.add(history::close);
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    private @Nullable ColumnWriter addInsertTimes(@Nullable RowSetRewrite rewrite) {
        ColumnSpec spec = ColumnSpec.of(RowSetFormat.INSERT_TIME_ID, "insert time", CellKind.INT64);
        if (rewrite == null) {
            return file.addColumn(spec);
        }
        file.copyColumn(spec, rewrite.rowSet().file().column(spec.id()));
        return null;
    }

    /** Adds the present row of {@code source}, whose key is larger than that of the row before. */
    public void append(RowSource source) {
        MemorySegment memory = source.memory();
        long row = source.rowOffset();
        for (int i = 0; i < columns.length; i++) {
            int column = indexes[i];
            if (layout.isNull(memory, row, column)) {
                columns[i].appendNull();
            } else {
                columns[i].append(
                        memory, layout.valueOffset(memory, row, column), layout.valueBytes(memory, row, column));
            }
        }
        if (insertTimes != null) {
            LittleEndian.setLong(cell.segment(), 0, source.insertTime());
            insertTimes.append(cell.segment(), 0, Long.BYTES);
        }
        LittleEndian.setByte(cell.segment(), 0, source.isDeleted() ? 1 : 0);
        deleted.append(cell.segment(), 0, Byte.BYTES);
        if (keys != null) {
            keys.append(memory, source.keyOffset(), source.keyBytes());
        }
        history.append(rowCount, source);
        deletedCount += source.isDeleted() ? 1 : 0;
        newestChange = Math.max(newestChange, source.newestChange());
        rowCount++;
    }

    /** Begins a column that rows do not have; it is to get the cells of all rows, and then to be {@link #end ended}. */
    public ColumnWriter begin(int column) {
        return file.begin(column);
    }

    /** Gives back what a column takes that is written, but for its pages. */
    public void end(int column) {
        file.end(column);
    }

    /** Rows appended so far. */
    public int rowCount() {
        return rowCount;
    }

    /** About the size of the file if it were finished now. */
    public long estimatedBytes() {
        return file.estimatedBytes() + history.pendingBytes();
    }

    /** Memory that it takes, in one piece, to finish the file, besides buffers. */
    public long finishingBytes() {
        return keys == null ? 0 : keys.filterBytes();
    }

    /** Creates the file and writes it. When this returns its content is durable, but not yet its name. */
    public RowSetOutput finish(RowSetFile target, IoQueue queue) {
        List<RowSetFormat.Chunk> chunks = new ArrayList<>(history.finish());
        byte[] metadata =
                RowSetFormat.metadata(new RowSetFormat.Metadata(schema.version(), deletedCount, newestChange, chunks));
        var destination = new CFileWriter.Destination(target.disk(), target.path(), target.fileId(), target.ownerId());
        CFileWriter.Written written = file.finish(destination, metadata, queue);
        return new RowSetOutput(target.fileId(), rowCount, written.bytes());
    }

    @Override
    public void close() {
        opened.close();
    }
}
