package io.nyala.diskrowset;

import io.nyala.cfile.Prefetch;
import io.nyala.io.IoQueue;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Makes one delta file of several that lie one behind another beside a rowset: a minor delta compaction. Every change
 * stays, at its time; only cells of columns that the table has dropped go.
 *
 * <pre>{@code
 *   file 1:  a: row 2 at T1, row 9 at T1     b: row 2 at T1                 deleted: row 9 at T2
 *   file 2:  a: row 2 at T3                                                 deleted: row 5 at T3
 *
 *   answer:  a: row 2 at T1, T3, row 9 at T1     b: row 2 at T1     deleted: row 5 at T3, row 9 at T2
 * }</pre>
 *
 * <p>One column is merged after the other, entry by entry. So memory is that of one page of one column of each input,
 * whatever the number of columns, and of the pages of the output, which are about those of the inputs: choose these by
 * their bytes.
 *
 * <p>One thread. Whoever made it closes it, before the inputs.
 */
public final class DeltaFileMerge implements AutoCloseable {
    /** A step is some hundreds of microseconds, so that a worker stays responsive. */
    private static final int ENTRIES_PER_STEP = 4096;

    /** Two transfers. */
    private static final long BYTES_PER_STEP = 1 << 20;

    /** Pages of one column are read ahead, those of all inputs together. */
    private static final int PAGES_AHEAD = Prefetch.PAGES_MAX;

    private static final int END = Integer.MAX_VALUE;

    private final Schema schema;
    private final List<DeltaFile> inputs;
    private final ReaderMemory memory;
    private final DeltaFileBuilder builder;

    /** Those that are to be merged yet, in their order. */
    private final TreeSet<Integer> columnIds = new TreeSet<>();

    private final Prefetch[] prefetches;
    private @Nullable ColumnMerge present;
    private long entryCount;

    /**
     * Opens it; nothing is read yet.
     *
     * @param schema of the table, with the columns that count
     * @param inputs of one rowset, the oldest first; must stay open
     * @param account pays for everything until {@link #close}
     */
    public DeltaFileMerge(Schema schema, List<DeltaFile> inputs, MemoryAccount account) {
        Check.that(!inputs.isEmpty(), "nothing is to be merged");
        DeltaBase base = inputs.getFirst().base();
        this.schema = schema;
        this.inputs = List.copyOf(inputs);
        this.memory = new ReaderMemory(account); // Takes nothing yet.
        this.prefetches = new Prefetch[inputs.size()];
        for (int i = 0; i < prefetches.length; i++) {
            DeltaFile input = inputs.get(i);
            Check.that(
                    input.base().equals(base),
                    input.path() + " is about " + input.base() + ", and merged with changes of " + base);
            prefetches[i] = input.prefetch();
            for (DeltaColumn column : input.columns()) {
                if (column.isDeletions() || schema.indexOfId(column.id()) >= 0) {
                    columnIds.add(column.id());
                }
            }
        }
        this.builder = new DeltaFileBuilder(schema, base, account);
    }

    /** Does one bounded piece; false when all entries are in memory, and {@link #create} is next. */
    public boolean step() {
        for (int left = ENTRIES_PER_STEP; left > 0; ) {
            ColumnMerge column = present;
            if (column == null) {
                if (columnIds.isEmpty()) {
                    return false;
                }
                column = new ColumnMerge(columnIds.removeFirst());
                present = column;
                column.open();
            }
            int done = column.append(left);
            entryCount += done;
            left -= done;
            if (column.isAtEnd()) {
                builder.add(column.writer);
                present = null;
                column.close();
            }
        }
        return true;
    }

    /** Entries of columns so far. */
    public long entryCount() {
        return entryCount;
    }

    /** Bytes so far of the file, while it is being written. */
    public long writtenBytes() {
        return builder.writtenBytes();
    }

    /** At most so many entries there will be. */
    public long entryCountMax() {
        return inputs.stream().mapToLong(DeltaFile::changeCount).sum();
    }

    /** Whether there is nothing to write: no change sets a cell that the table has, or deletes a row. */
    public boolean isEmpty() {
        return builder.isEmpty();
    }

    /** Creates the file, after all steps; {@link #write} follows, or {@link #close}, which deletes it. */
    public void create(RowSetFile target) {
        Check.that(present == null && columnIds.isEmpty(), "a merge of delta files is written after its last step");
        builder.create(target);
    }

    /**
     * Writes some of the file; null if there is more to be written. Else its content is durable, but not its name.
     *
     * @param queue of its disk, with nothing in flight, now and when this returns
     */
    public @Nullable DeltaFileOutput write(IoQueue queue) {
        return builder.write(queue, BYTES_PER_STEP);
    }

    @Override
    public void close() {
        ColumnMerge unfinished = present;
        present = null;
        if (unfinished != null) {
            unfinished.close();
        }
        builder.close();
        memory.close();
    }

    /** The entries of one column of all inputs, by ordinal, those of a row by the age of their files. */
    private final class ColumnMerge implements AutoCloseable {
        private final int id;
        private final Opened opened = new Opened();
        private final DeltaColumnWriter writer;
        private final List<DeltaColumnCursor> cursors = new ArrayList<>();
        private final List<Integer> files = new ArrayList<>();
        private final int[] ordinals; // Where the cursors stand.
        private int first;
        private int lastOrdinal = -1;
        private long lastTime;

        ColumnMerge(int id) {
            this.id = id;
            this.ordinals = new int[inputs.size()];
            this.writer = id == DeltaFileFormat.DELETED_ID
                    ? builder.deletions()
                    : builder.column(schema.column(schema.indexOfId(id)));
            opened.add(writer::close);
        }

        /** Reads the first pages. */
        void open() {
            for (int file = 0; file < inputs.size(); file++) {
                for (DeltaColumn column : inputs.get(file).columns()) {
                    if (column.id() == id) {
                        var cursor = new DeltaColumnCursor(
                                column, inputs.get(file).path(), DeltaColumnCursor.Range.EVERYTHING, memory);
                        opened.add(cursor::close);
                        cursors.add(cursor);
                        files.add(file);
                    }
                }
            }
            for (int i = 0; i < cursors.size(); i++) {
                advance(i);
            }
            findFirst();
        }

        private void advance(int index) {
            DeltaColumnCursor cursor = cursors.get(index);
            int pagesAhead = Math.max(1, PAGES_AHEAD / cursors.size());
            ordinals[index] = cursor.next(prefetches[files.get(index)], pagesAhead) ? cursor.ordinal() : END;
        }

        /** The oldest of those with the least ordinal. */
        private void findFirst() {
            first = 0;
            for (int i = 1; i < cursors.size(); i++) {
                if (ordinals[i] < ordinals[first]) {
                    first = i;
                }
            }
        }

        boolean isAtEnd() {
            return ordinals[first] == END;
        }

        /** Appends up to so many entries; answers how many. */
        int append(int countMax) {
            int count = 0;
            for (; count < countMax && !isAtEnd(); count++) {
                DeltaColumnCursor cursor = cursors.get(first);
                int ordinal = ordinals[first];
                long time = cursor.time();
                if (ordinal == lastOrdinal && time < lastTime) {
                    throw new IllegalStateException("row " + ordinal + " changes at " + time + " in "
                            + inputs.get(files.get(first)).path() + ", and at " + lastTime
                            + " in an older delta file of its rowset; check the files with `nyala verify`");
                }
                lastOrdinal = ordinal;
                lastTime = time;
                cursor.appendTo(writer);
                builder.note(ordinal, time);
                advance(first);
                findFirst();
            }
            return count;
        }

        @Override
        public void close() {
            opened.close();
        }
    }
}
