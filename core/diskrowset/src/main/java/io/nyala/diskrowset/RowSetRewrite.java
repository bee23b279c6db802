package io.nyala.diskrowset;

import io.nyala.memory.MemoryAccount;
import io.nyala.rows.Column;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowSource;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * How a rowset is written again with its changes where all of its rows stay: of the columns that have changed, and of
 * history and deletions, row by row; all other columns, the keys and their index and filter among them, are copied as
 * pages, and nobody looks into them.
 *
 * <pre>{@code
 *   file     k | a | b | c | insert times | deleted | history | key filter, key index      since: b
 *            |   |   '---|--------|-----------|---------'  rows --> b, deleted, history
 *            '---'-------'--------'------------------------ pages, copied ----------'
 * }</pre>
 *
 * <p>The history of rows that were inserted again has whole rows as the columns of the file are, and is copied, too: so
 * the file must have the columns of the table, in their order. Immutable; the rowset stays open as long as it is used.
 */
public final class RowSetRewrite {
    private final DiskRowSet rowSet;
    private final Schema schema;
    private final List<DeltaSource> since;
    private final List<Integer> changed;

    private RowSetRewrite(DiskRowSet rowSet, Schema schema, List<DeltaSource> since) {
        this.rowSet = rowSet;
        this.schema = schema;
        this.since = List.copyOf(since);
        this.changed = IntStream.range(schema.keyColumnCount(), schema.columnCount())
                .filter(i -> since.stream()
                        .anyMatch(source -> source.touches(schema.column(i).id())))
                .boxed()
                .toList();
    }

    /**
     * Of a rowset that can be written again so; of others nothing.
     *
     * @param schema of the table
     * @param since what happened to the rows since the file was written, oldest first; must not change any more
     */
    public static Optional<RowSetRewrite> of(DiskRowSet rowSet, Schema schema, List<DeltaSource> since) {
        boolean isPossible = rowSet.file().hasKeys() && hasSameColumns(rowSet.fileColumns(), schema);
        return isPossible ? Optional.of(new RowSetRewrite(rowSet, schema, since)) : Optional.empty();
    }

    private static boolean hasSameColumns(FileColumns file, Schema schema) {
        List<Column> columns = file.layout().schema().columns();
        return columns.size() == schema.columnCount()
                && IntStream.range(0, columns.size()).allMatch(i -> isSame(columns.get(i), schema.column(i)));
    }

    private static boolean isSame(Column one, Column other) {
        return one.id() == other.id() && one.isKey() == other.isKey() && one.isNullable() == other.isNullable();
    }

    DiskRowSet rowSet() {
        return rowSet;
    }

    Schema schema() {
        return schema;
    }

    /** What is written row by row: columns of the schema, by index, ascending. */
    List<Integer> changed() {
        return changed;
    }

    /** Rows of {@link #source}: of the columns that have changed, and room for keys, which nobody reads. */
    RowShape shape() {
        return new RowShape(ScanSpec.all(schema, Long.MAX_VALUE).withProjection(changed), rowSet.fileColumns());
    }

    /**
     * All rows, without keys, and of the others with those columns only that {@link #writer} does not copy.
     *
     * @param mark no snapshot before it is read any more: what happened at or before it needs no record
     * @param account pays for all that it needs until it is closed
     */
    public RowSource source(long mark, MemoryAccount account) {
        return new RowSetSource(this, mark, since, account);
    }

    /** Takes all rows of {@link #source}, and copies the rest. */
    public RowSetWriter writer(MemoryAccount account) {
        return new RowSetWriter(this, account);
    }

    public long rowCount() {
        return rowSet.rowCount();
    }

    /** Pages that are copied as they are. */
    public int copiedPageCount() {
        int written = rowSet.history().chunkCount() + pages(RowSetFormat.DELETED_ID);
        for (int column : changed) {
            written += pages(schema.column(column).id());
        }
        return rowSet.file().pageCount() - written;
    }

    private int pages(int columnId) {
        return rowSet.file().column(columnId).pageCount();
    }
}
