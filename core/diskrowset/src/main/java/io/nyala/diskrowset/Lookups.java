package io.nyala.diskrowset;

import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.KeySearch;
import io.nyala.encoding.DecoderScratch;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSet;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Finds keys in the key columns of a rowset. Each look-up under way uses cursors of its own, which are kept for the
 * next one: as many as there were threads at a time.
 *
 * <p>Thread-safe.
 */
final class Lookups implements AutoCloseable {
    /** Look-ups that keep their cursors; as many as threads that write at a time. More of them make new ones. */
    private static final int IDLE_MAX = 16;

    private final DiskRowSet rowSet;
    private final MemoryAccount account;
    private final KeyCodec keys;
    private final int keyColumnCount;
    private final AtomicReferenceArray<@Nullable Lookup> idle = new AtomicReferenceArray<>(IDLE_MAX);

    Lookups(DiskRowSet rowSet, MemoryAccount account) {
        this.rowSet = rowSet;
        this.account = account;
        this.keys = new KeyCodec(rowSet.layout());
        this.keyColumnCount = rowSet.layout().schema().keyColumnCount();
    }

    /** What the rowset knows of a key that can only be in {@code vector}, as {@link RowSet#lookup} answers. */
    int find(int vector, MemorySegment memory, long key, int keyBytes) {
        Lookup lookup = borrow();
        try {
            return lookup.find(vector, memory, key, keyBytes);
        } finally {
            lookup.release();
            giveBack(lookup);
        }
    }

    private Lookup borrow() {
        for (int i = 0; i < IDLE_MAX; i++) {
            if (idle.getPlain(i) != null) {
                Lookup lookup = idle.getAndSet(i, null);
                if (lookup != null) {
                    return lookup;
                }
            }
        }
        return new Lookup();
    }

    private void giveBack(Lookup lookup) {
        for (int i = 0; i < IDLE_MAX; i++) {
            if (idle.getPlain(i) == null && idle.compareAndSet(i, null, lookup)) {
                return;
            }
        }
        lookup.close();
    }

    @Override
    public void close() {
        for (int i = 0; i < IDLE_MAX; i++) {
            Lookup lookup = idle.getAndSet(i, null);
            if (lookup != null) {
                lookup.close();
            }
        }
    }

    /** One look-up at a time. */
    private final class Lookup {
        private final ColumnCursor[] columns = new ColumnCursor[keyColumnCount];
        private final DecoderScratch scratch = new DecoderScratch(account);
        private final ColumnCursor deleted =
                rowSet.file().column(RowSetFormat.DELETED_ID).cursor(scratch);
        private final GrowingBuffer decoded = new GrowingBuffer(account);
        private final long[] offsets = new long[keyColumnCount];
        private final int[] byteCounts = new int[keyColumnCount];

        Lookup() {
            for (int i = 0; i < keyColumnCount; i++) {
                columns[i] = rowSet.column(i).cursor(scratch);
            }
        }

        int find(int vector, MemorySegment memory, long key, int keyBytes) {
            RowLayout layout = rowSet.layout();
            decoded.ensure(0, keys.decodedBytesMax(keyBytes));
            keys.decode(memory, key, keyBytes, decoded.memory(), 0);
            for (int i = 0; i < keyColumnCount; i++) {
                columns[i].seek(vector);
                offsets[i] = layout.valueOffset(decoded.memory(), 0, i);
                byteCounts[i] = layout.valueBytes(decoded.memory(), 0, i);
            }
            int row = KeySearch.lowerBound(columns, decoded.memory(), offsets, byteCounts);
            if (row == columns[0].rowCount()
                    || KeySearch.compare(columns, row, decoded.memory(), offsets, byteCounts) != 0) {
                return RowSet.ABSENT;
            }
            if (rowSet.deletedCount() == 0) {
                return RowSet.LIVE;
            }
            deleted.seek(vector);
            return deleted.longAt(row) == 0 ? RowSet.LIVE : RowSet.DELETED;
        }

        /** Unpins the pages. */
        void release() {
            for (ColumnCursor column : columns) {
                column.release();
            }
            deleted.release();
        }

        void close() {
            for (ColumnCursor column : columns) {
                column.close();
            }
            deleted.close();
            decoded.close();
            scratch.close();
        }
    }
}
