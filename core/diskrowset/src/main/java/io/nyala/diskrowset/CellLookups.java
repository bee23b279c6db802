package io.nyala.diskrowset;

import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.Prefetch;
import io.nyala.encoding.DecoderScratch;
import io.nyala.rows.CellEquality;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.RowChange;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Answers {@link CellTests} by the columns of a rowset's file, in place: no cell is copied but floating-point numbers.
 * Each look-up under way has cursors of its own, which are kept for the next one, as {@link Lookups} does; they take no
 * native memory.
 *
 * <p>Thread-safe.
 */
final class CellLookups {
    /** Look-ups that keep their cursors; as many as threads that write with conditions at a time. */
    private static final int IDLE_MAX = 4;

    private final DiskRowSet rowSet;
    private final Schema schema;
    private final AtomicReferenceArray<@Nullable Lookup> idle = new AtomicReferenceArray<>(IDLE_MAX);

    CellLookups(DiskRowSet rowSet) {
        this.rowSet = rowSet;
        this.schema = rowSet.layout().schema();
    }

    /** Answers what is open. */
    void answer(CellTests tests) {
        Lookup lookup = borrow();
        try {
            lookup.answer(tests);
        } finally {
            giveBack(lookup);
        }
    }

    private Lookup borrow() {
        for (int i = 0; i < IDLE_MAX; i++) {
            Lookup lookup = idle.getPlain(i) == null ? null : idle.getAndSet(i, null);
            if (lookup != null) {
                return lookup;
            }
        }
        return new Lookup();
    }

    private void giveBack(Lookup lookup) {
        lookup.end();
        for (int i = 0; i < IDLE_MAX; i++) {
            if (idle.getPlain(i) == null && idle.compareAndSet(i, null, lookup)) {
                return;
            }
        }
    }

    /** One look-up at a time. */
    private final class Lookup {
        private final DecoderScratch scratch = DecoderScratch.forCells();
        private final @Nullable ColumnCursor[] cursors = new ColumnCursor[schema.columnCount()];
        private final Prefetch prefetch = rowSet.file().prefetch();
        private final MemorySegment real = MemorySegment.ofArray(new long[1]);

        void answer(CellTests tests) {
            for (int next = 0; next < tests.count(); ) {
                int end = prefetch(tests, next);
                for (; next < end; next++) {
                    if (tests.isOpen(next)) {
                        tests.answer(next, isEqual(tests, next));
                    }
                }
            }
        }

        /** Reads pages from one question on; answers behind the last one for whose page there was room. */
        private int prefetch(CellTests tests, int first) {
            int end = first;
            while (end < tests.count() && add(tests, end)) {
                end++;
            }
            prefetch.run();
            return end;
        }

        private boolean add(CellTests tests, int test) {
            Column column = schema.column(tests.column(test));
            return !tests.isOpen(test)
                    || !rowSet.fileColumns().has(column)
                    || prefetch.add(rowSet.fileColumns().reader(column), vectorOf(tests.ordinal(test)));
        }

        private static int vectorOf(long ordinal) {
            return (int) (ordinal / Limits.VECTOR_ROWS);
        }

        private boolean isEqual(CellTests tests, int test) {
            Column column = schema.column(tests.column(test));
            MemorySegment memory = tests.memory();
            long cell = tests.cell(test);
            if (!rowSet.fileColumns().has(column)) {
                return isDefault(column, memory, cell);
            }
            ColumnCursor cursor = cursor(tests.column(test), column);
            cursor.seek(vectorOf(tests.ordinal(test)));
            int row = (int) (tests.ordinal(test) % Limits.VECTOR_ROWS);
            boolean isNull = cursor.isNull(row);
            if (isNull || RowChange.cellIsNull(memory, cell)) {
                return isNull == RowChange.cellIsNull(memory, cell);
            }
            if (column.type() == ColumnType.FLOAT || column.type() == ColumnType.DOUBLE) {
                cursor.readCell(row, real, 0); // Its order tells -0.0 from 0.0, and not NaN from NaN.
                return CellEquality.ofValue(column.type(), real, 0, cursor.cellBytes(row), memory, cell);
            }
            int bytes = RowChange.cellBytes(memory, cell);
            return cursor.compareCell(row, memory, RowChange.cellValue(cell), bytes) == 0;
        }

        /** Of a column that was added after the file was written. */
        private static boolean isDefault(Column column, MemorySegment memory, long cell) {
            CellValue value = column.readDefault();
            if (value == null || RowChange.cellIsNull(memory, cell)) {
                return (value == null) == RowChange.cellIsNull(memory, cell);
            }
            return CellEquality.ofValue(column.type(), value.segment(), 0, value.bytes(), memory, cell);
        }

        private ColumnCursor cursor(int index, Column column) {
            ColumnCursor cursor = cursors[index];
            if (cursor == null) {
                cursor = rowSet.fileColumns().reader(column).cursor(scratch);
                cursors[index] = cursor;
            }
            return cursor;
        }

        /** Unpins the pages. */
        void end() {
            for (ColumnCursor cursor : cursors) {
                if (cursor != null) {
                    cursor.release();
                }
            }
        }
    }
}
