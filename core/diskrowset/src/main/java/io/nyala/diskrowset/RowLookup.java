package io.nyala.diskrowset;

import io.nyala.cfile.ColumnReader;
import io.nyala.cfile.KeyFilter;
import io.nyala.cfile.Prefetch;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.Limits;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Rows on disk by their keys, of as many rowsets as there are, each as it is at a snapshot. What the keys of a batch
 * need is read together, in two rounds, whichever rowsets it is in; one more for filters that are not in the cache:
 *
 * <pre>{@code
 *   noteFilter ... -> read() -> mayHave ...
 *       noteKey ... -> read() -> find(key) ... -> noteRow ... -> read() -> assemble(row), append ...
 *                      one wait                                  one wait
 * }</pre>
 *
 * <p>Columns are named in the schema of the specification, which also says which of them are wanted, and what else must
 * be true of rows. One thread, for as many batches as it likes: it allocates nothing for rows that have no changes,
 * once it has seen their rowset. It takes native memory for the largest row, and for the changes of one row in one
 * source at a time, however many rowsets and delta files it meets (see {@link ReaderMemory}).
 */
public final class RowLookup implements AutoCloseable {
    private final ScanSpec spec;
    private final ReaderMemory memory;
    private final List<Form> forms = new ArrayList<>();
    private @Nullable Prefetch prefetch;

    /** What is the same for rowsets whose files have the same columns. */
    private record Form(Schema file, RowShape shape, RowAssembly assembly) {}

    /** {@code account} pays for one row, and what it takes to read it. */
    public RowLookup(ScanSpec spec, MemoryAccount account) {
        this.spec = spec;
        this.memory = new ReaderMemory(account);
    }

    /** For look-ups in a rowset; to be used no more once that is closed. */
    public InRowSet in(DiskRowSet rowSet) {
        if (prefetch == null) {
            prefetch = rowSet.file().prefetch(); // Of all rowsets: they share a cache.
        }
        return new InRowSet(rowSet, form(rowSet.fileColumns()), prefetch);
    }

    private Form form(FileColumns columns) {
        Schema schema = columns.layout().schema();
        for (Form form : forms) {
            if (form.file().equals(schema)) {
                return form;
            }
        }
        var shape = new RowShape(spec, columns);
        var made = new Form(schema, shape, new RowAssembly(shape, columns.layout(), memory));
        forms.add(made);
        return made;
    }

    /** Reads the pages that were noted, of all rowsets together, and waits for them. */
    public void read() {
        if (prefetch != null) {
            prefetch.run();
        }
    }

    /** Forgets pages that were noted and not read, for who cannot go on. */
    public void forget() {
        if (prefetch != null) {
            prefetch.forget();
        }
    }

    @Override
    public void close() {
        memory.close();
    }

    /**
     * Look-ups in one rowset, between {@link #begin} and {@link #end}, which unpins what they have pinned. Has no
     * native memory of its own.
     */
    public final class InRowSet {
        private final DiskRowSet rowSet;
        private final RowShape shape;
        private final RowAssembly assembly;
        private final Prefetch pages;
        private final ScanColumns columns;
        private final ColumnReader[] wanted;
        private final ColumnReader[] wantedOfPast;
        private Lookups.@Nullable Lookup keys;

        private InRowSet(DiskRowSet rowSet, Form form, Prefetch pages) {
            this.rowSet = rowSet;
            this.shape = form.shape();
            this.assembly = form.assembly();
            this.pages = pages;
            this.columns = new ScanColumns(rowSet, spec.schema(), false);
            this.wanted = IntStream.concat(Arrays.stream(shape.tested()), Arrays.stream(shape.untested()))
                    .mapToObj(column -> columns.stored(shape.schemaColumn(column)))
                    .toArray(ColumnReader[]::new);
            this.wantedOfPast = new ColumnReader[] {
                rowSet.file().column(RowSetFormat.INSERT_TIME_ID), rowSet.file().column(RowSetFormat.DELETED_ID)
            };
        }

        /** Notes what {@link #mayHave} needs; as {@link #noteKey}, but look-ups need not have begun. */
        public boolean noteFilter(long hash) {
            KeyFilter filter = rowSet.filter();
            return filter == null || pages.add(filter, filter.page(hash));
        }

        /** False if the rowset surely does not have the key of a {@link KeyFilter#hash}; likewise. */
        public boolean mayHave(long hash) {
            KeyFilter filter = rowSet.filter();
            return filter == null || filter.mayContain(hash);
        }

        /** Look-ups begin here; nothing happens if they have. */
        public void begin() {
            if (keys == null) {
                keys = rowSet.lookups().borrow();
            }
        }

        /** Look-ups end here; nothing happens if they have. */
        public void end() {
            Lookups.Lookup borrowed = keys;
            keys = null;
            if (borrowed != null) {
                columns.release();
                rowSet.lookups().giveBack(borrowed);
            }
        }

        private Lookups.Lookup keys() {
            Lookups.Lookup borrowed = keys;
            if (borrowed == null) {
                throw new IllegalStateException("a look-up in " + rowSet.path() + " before begin(), or after end()");
            }
            return borrowed;
        }

        /** Notes what {@link #find} needs; false if there is no room before the next {@link RowLookup#read}. */
        public boolean noteKey(int vector) {
            return keys().note(pages, vector);
        }

        /** The ordinal of the row with a key that only {@code vector} may have, be it live or not; or -1. */
        public long find(int vector, MemorySegment memory, long key, int keyBytes) {
            return keys().row(vector, memory, key, keyBytes);
        }

        /** Notes what {@link #assemble} needs of columns; as {@link #noteKey}. */
        public boolean noteRow(long ordinal, long snapshot) {
            return note(wanted, vector(ordinal)) && (!isPast(snapshot) || note(wantedOfPast, vector(ordinal)));
        }

        private boolean note(ColumnReader[] readers, int vector) {
            for (ColumnReader reader : readers) {
                if (!pages.add(reader, vector)) {
                    return false;
                }
            }
            return true;
        }

        /**
         * Puts a row together, as it is at a snapshot; false if it is not live then, or does not match.
         *
         * @param redo what has happened since the file was written, oldest first
         */
        public boolean assemble(long ordinal, long snapshot, List<DeltaSource> redo) {
            boolean isPast = isPast(snapshot);
            if (!isPast && keys().isDeleted(ordinal)) {
                return false;
            }
            assembly.begin(!isPast || isLiveInFile(ordinal, snapshot));
            if (isPast) {
                apply(rowSet.history(), ordinal, snapshot, true);
            } else {
                for (int i = 0; i < redo.size(); i++) {
                    apply(redo.get(i), ordinal, snapshot, false);
                }
            }
            if (!assembly.isLive()) {
                return false;
            }
            assembly.complete(shape.tested(), columns, vector(ordinal), row(ordinal));
            if (!shape.filter().matches(assembly.memory(), 0)) {
                return false;
            }
            assembly.complete(shape.untested(), columns, vector(ordinal), row(ordinal));
            return true;
        }

        /** Whether the snapshot is one before the newest change of the file itself. */
        private boolean isPast(long snapshot) {
            return snapshot < rowSet.newestChange();
        }

        private boolean isLiveInFile(long ordinal, long snapshot) {
            return columns.insertTimeAt(vector(ordinal)).longAt(row(ordinal)) <= snapshot && !keys().isDeleted(ordinal);
        }

        private void apply(DeltaSource source, long ordinal, long snapshot, boolean isUndo) {
            if (!source.mayChange(ordinal, ordinal + 1, snapshot)) {
                return;
            }
            try (DeltaSource.Cursor changes =
                    memory.changes(source, ordinal, ordinal + 1, snapshot, shape.deltaColumnIds())) {
                while (changes.next()) {
                    if (isUndo) {
                        assembly.undo(changes);
                    } else {
                        assembly.redo(changes);
                    }
                }
            }
        }

        /** Appends the row that was put together; false, and nothing is changed, if there is no room for it. */
        public boolean append(ColumnBatch target) {
            return target.appendRow(shape.projection(), assembly.memory(), 0);
        }

        private static int vector(long ordinal) {
            return (int) (ordinal / Limits.VECTOR_ROWS);
        }

        private static int row(long ordinal) {
            return (int) (ordinal % Limits.VECTOR_ROWS);
        }
    }
}
