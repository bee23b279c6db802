package io.nyala.diskrowset;

import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.ColumnReader;
import io.nyala.cfile.KeyFilter;
import io.nyala.cfile.KeySearch;
import io.nyala.cfile.Prefetch;
import io.nyala.encoding.DecoderScratch;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.Limits;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Finds keys in the key columns of a rowset. Each look-up under way uses cursors of its own, which are kept for the
 * next one: as many as there were threads at a time. They take no native memory; a key is decoded in memory that all
 * rowsets share.
 *
 * <p>Thread-safe.
 */
final class Lookups {
    /** Look-ups that keep their cursors, as many as threads that look up at a time; more of them make new ones. */
    private static final int IDLE_MAX = 32;

    /** Keys whose vectors are kept in mind at a time. */
    private static final int KEYS_MAX = KeyFilter.Batch.KEYS_MAX;

    private static final int NO_VECTOR = -1;

    private final DiskRowSet rowSet;
    private final LookupMemory memory;
    private final KeyCodec keys;
    private final int keyColumnCount;
    private final AtomicReferenceArray<@Nullable Lookup> idle = new AtomicReferenceArray<>(IDLE_MAX);

    Lookups(DiskRowSet rowSet, LookupMemory memory) {
        this.rowSet = rowSet;
        this.memory = memory;
        this.keys = new KeyCodec(rowSet.layout());
        this.keyColumnCount = rowSet.layout().schema().keyColumnCount();
        int decodedBytesMax = keys.decodedBytesMax(Limits.KEY_BYTES_MAX);
        assert decodedBytesMax <= LookupMemory.SLAB_BYTES : "a decoded key has up to " + decodedBytesMax + " bytes";
    }

    /** What the rowset knows of a key that can only be in {@code vector}, as {@link DiskRowSet#find} answers. */
    long find(int vector, MemorySegment memory, long key, int keyBytes) {
        Lookup lookup = borrow();
        try {
            return lookup.find(vector, memory, key, keyBytes);
        } finally {
            giveBack(lookup);
        }
    }

    /** As {@link DiskRowSet#findAll}. */
    int findAll(MemorySegment memory, long[] keys, int[] keyBytes, int count, long[] ordinals) {
        Lookup lookup = borrow();
        int lookedUp = 0;
        try {
            for (int from = 0; from < count; from += KEYS_MAX) {
                int to = Math.min(count, from + KEYS_MAX);
                lookedUp += lookup.begin(memory, keys, keyBytes, from, to);
                lookup.findAll(memory, keys, keyBytes, from, to, ordinals);
            }
        } finally {
            giveBack(lookup);
        }
        return lookedUp;
    }

    /** For one look-up after the other; {@link #giveBack} follows. */
    Lookup borrow() {
        LookupMemory.Space space = memory.borrow();
        for (int i = 0; i < IDLE_MAX; i++) {
            if (idle.getPlain(i) != null) {
                Lookup lookup = idle.getAndSet(i, null);
                if (lookup != null) {
                    return lookup.begin(space);
                }
            }
        }
        return new Lookup().begin(space);
    }

    void giveBack(Lookup lookup) {
        memory.giveBack(lookup.end());
        for (int i = 0; i < IDLE_MAX; i++) {
            if (idle.getPlain(i) == null && idle.compareAndSet(i, null, lookup)) {
                return;
            }
        }
    }

    /** One look-up at a time. */
    final class Lookup {
        private final ColumnCursor[] columns = new ColumnCursor[keyColumnCount];
        private final DecoderScratch scratch = DecoderScratch.forCells();
        private final ColumnCursor deleted =
                rowSet.file().column(RowSetFormat.DELETED_ID).cursor(scratch);
        private final long[] offsets = new long[keyColumnCount];
        private final int[] byteCounts = new int[keyColumnCount];
        private int[] vectors = {}; // Of many keys.
        private @Nullable Prefetch prefetch; // Only ever needed where pages are not cached.
        private final ColumnReader[] needed = new ColumnReader[keyColumnCount + (rowSet.deletedCount() == 0 ? 0 : 1)];
        private final int vectorsMax = Math.max(1, Prefetch.PAGES_MAX / needed.length);
        private LookupMemory.@Nullable Space space;
        private MemorySegment decoded = MemorySegment.NULL;

        Lookup() {
            needed[needed.length - 1] = rowSet.file().column(RowSetFormat.DELETED_ID); // Unless a key column is last.
            for (int i = 0; i < keyColumnCount; i++) {
                needed[i] = rowSet.column(i);
                columns[i] = needed[i].cursor(scratch);
            }
        }

        Lookup begin(LookupMemory.Space borrowed) {
            space = borrowed;
            decoded = borrowed.key().segment();
            return this;
        }

        private Prefetch prefetch() {
            if (prefetch == null) {
                prefetch = rowSet.file().prefetch();
            }
            return prefetch;
        }

        /**
         * Notes the only vectors that may have keys {@code from} to {@code to}, excluded: most keys are in no vector,
         * which the filter says for less than it takes to find one. Answers how many are in one.
         */
        int begin(MemorySegment memory, long[] keys, int[] keyBytes, int from, int to) {
            vectors = vectors.length == 0 ? new int[KEYS_MAX] : vectors;
            KeyFilter filter = rowSet.filter();
            KeyFilter.Batch filtered = Objects.requireNonNull(space, "begun").filtered();
            if (filter != null) {
                filtered.clear();
                for (int i = from; i < to; i++) {
                    filtered.add(KeyFilter.hash(memory, keys[i], keyBytes[i]));
                }
                if (!filtered.ask(filter)) {
                    filtered.readAndAsk(filter, prefetch());
                }
            }
            int lookedUp = 0;
            for (int i = from; i < to; i++) {
                boolean mayHave = filter == null || filtered.mayContain(i - from);
                int vector = mayHave ? rowSet.vectorOf(memory, keys[i], keyBytes[i]) : NO_VECTOR;
                vectors[i - from] = vector;
                lookedUp += vector == NO_VECTOR ? 0 : 1;
            }
            return lookedUp;
        }

        /** Looks up keys {@code from} to {@code to}, excluded, whose vectors are in {@link #vectors}. */
        void findAll(MemorySegment memory, long[] keys, int[] keyBytes, int from, int to, long[] ordinals) {
            for (int next = 0; next < to - from; ) {
                int end = windowEnd(next, to - from);
                for (ColumnReader column : needed) {
                    note(column, next, end);
                }
                prefetch().run();
                for (; next < end; next++) {
                    int key = from + next;
                    ordinals[key] = vectors[next] == NO_VECTOR
                            ? DiskRowSet.NO_ROW
                            : find(vectors[next], memory, keys[key], keyBytes[key]);
                }
            }
        }

        /** Behind the last key for whose pages there is room in one run. */
        private int windowEnd(int first, int end) {
            int vectorCount = 0;
            int last = NO_VECTOR;
            for (int i = first; i < end; i++) {
                if (vectors[i] != NO_VECTOR && vectors[i] != last) {
                    if (++vectorCount > vectorsMax) {
                        return i;
                    }
                    last = vectors[i];
                }
            }
            return end;
        }

        private void note(ColumnReader column, int first, int end) {
            int last = NO_VECTOR;
            for (int i = first; i < end; i++) {
                if (vectors[i] != NO_VECTOR && vectors[i] != last) {
                    last = vectors[i];
                    prefetch().add(column, last);
                }
            }
        }

        /** Notes the pages of a vector that tell whether it has a key; false if there is no room for all of them. */
        boolean note(Prefetch target, int vector) {
            for (ColumnReader column : needed) {
                if (!target.add(column, vector)) {
                    return false;
                }
            }
            return true;
        }

        long find(int vector, MemorySegment memory, long key, int keyBytes) {
            long ordinal = row(vector, memory, key, keyBytes);
            return ordinal >= 0 && isDeleted(ordinal) ? DiskRowSet.DELETED_ROW : ordinal;
        }

        /** The ordinal of the row with a key, be it deleted or not, or {@link DiskRowSet#NO_ROW}. */
        long row(int vector, MemorySegment memory, long key, int keyBytes) {
            RowLayout layout = rowSet.layout();
            keys.decode(memory, key, keyBytes, decoded, 0);
            for (int i = 0; i < keyColumnCount; i++) {
                columns[i].seek(vector);
                offsets[i] = layout.valueOffset(decoded, 0, i);
                byteCounts[i] = layout.valueBytes(decoded, 0, i);
            }
            int row = KeySearch.lowerBound(columns, decoded, offsets, byteCounts);
            if (row == columns[0].rowCount() || KeySearch.compare(columns, row, decoded, offsets, byteCounts) != 0) {
                return DiskRowSet.NO_ROW;
            }
            return (long) vector * Limits.VECTOR_ROWS + row;
        }

        /** Whether a row was deleted before the file was written. */
        boolean isDeleted(long ordinal) {
            if (rowSet.deletedCount() == 0) {
                return false;
            }
            deleted.seek((int) (ordinal / Limits.VECTOR_ROWS));
            return deleted.longAt((int) (ordinal % Limits.VECTOR_ROWS)) != 0;
        }

        /** Unpins the pages; answers what was borrowed. */
        LookupMemory.Space end() {
            for (ColumnCursor column : columns) {
                column.release();
            }
            deleted.release();
            if (prefetch != null) {
                prefetch.forget(); // Where it could not go on.
            }
            decoded = MemorySegment.NULL;
            return Objects.requireNonNull(space, "ended before it began");
        }
    }
}
