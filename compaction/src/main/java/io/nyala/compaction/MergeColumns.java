package io.nyala.compaction;

import io.nyala.cfile.ColumnReader;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.RowSetSource;
import io.nyala.diskrowset.RowSetWriter;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.Column;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowSource;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.List;

/**
 * How a merge is divided: into rows of the key columns and of those that have changed since the files were written, and
 * into columns in which nothing has, which are written when the rows are ({@link LaterColumns}).
 *
 * <pre>{@code
 *   inputs   k | a | b | c | insert times | deleted | history      since: b
 *            '---|---'---|---------|----------|----------' rows, merged by key --> k, b, insert times, deleted, history
 *                '-------'-------- a, then c, along the origins of the rows -----> a, c
 * }</pre>
 *
 * Immutable; the rowsets stay open as long as it is used.
 */
final class MergeColumns {
    /** All inputs together read ahead about so much. */
    private static final long READ_BYTES_MAX = 12 << 20;

    /** Each takes 4 KiB at least: beyond so many, changes are collected some rows at a time, which takes longer. */
    private static final long CURSORS_MAX = 1024;

    private final List<MergeSource.Input> inputs;
    private final Schema schema;
    private final Schema ofRows;
    private final List<Column> later;
    private final double[] laterBytesPerRow;

    MergeColumns(List<MergeSource.Input> inputs, Schema schema) {
        this.inputs = List.copyOf(inputs);
        this.schema = schema;
        this.later = schema.columns().stream()
                .filter(column -> !column.isKey() && !isChanged(column, inputs))
                .toList();
        List<Column> rest = new ArrayList<>(schema.columns());
        rest.removeAll(later);
        this.ofRows = new Schema(schema.version(), schema.nextColumnId(), rest);
        this.laterBytesPerRow =
                inputs.stream().mapToDouble(input -> laterBytes(input.rowSet())).toArray();
    }

    private static boolean isChanged(Column column, List<MergeSource.Input> inputs) {
        return inputs.stream().flatMap(input -> input.since().stream()).anyMatch(source -> source.touches(column.id()));
    }

    private double laterBytes(DiskRowSet rowSet) {
        long bytes = 0;
        for (Column column : later) {
            ColumnReader stored = rowSet.stored(column);
            bytes += stored == null ? 0 : stored.bytes();
        }
        return rowSet.rowCount() == 0 ? 0 : (double) bytes / rowSet.rowCount();
    }

    /** Of columns of changes since, if all of them were read side by side. */
    private long cursorCount() {
        long count = 0;
        for (MergeSource.Input input : inputs) {
            for (DeltaSource source : input.since()) {
                count += ofRows.columns().stream()
                        .filter(column -> source.touches(column.id()))
                        .count();
            }
        }
        return count;
    }

    /** All rows of each input. */
    List<RowSource> openRows(long mark, MemoryAccount account) {
        long bytesMax = READ_BYTES_MAX / Math.max(1, inputs.size());
        var reading = new RowSetSource.Reading(ofRows, mark, bytesMax, cursorCount() > CURSORS_MAX ? bytesMax / 8 : 0);
        List<RowSource> sources = new ArrayList<>();
        try {
            for (MergeSource.Input input : inputs) {
                sources.add(new RowSetSource(input.rowSet(), schema, reading, input.since(), account));
            }
            return sources;
        } catch (RuntimeException | Error e) {
            sources.forEach(RowSource::close);
            throw e;
        }
    }

    /** Takes the rows, and then the later columns. */
    RowSetWriter newWriter(MemoryAccount account, double filterRate) {
        return new RowSetWriter(schema, ofRows, account, filterRate);
    }

    /** Columns that are written when the rows are; there may be none. */
    List<Column> later() {
        return later;
    }

    /** Where a column is in the table. */
    int index(Column column) {
        return schema.indexOfId(column.id());
    }

    int inputCount() {
        return inputs.size();
    }

    DiskRowSet input(int index) {
        return inputs.get(index).rowSet();
    }

    /** What the later columns of a row of an input take, as its file has them. */
    double laterBytesPerRow(int input) {
        return laterBytesPerRow[input];
    }
}
