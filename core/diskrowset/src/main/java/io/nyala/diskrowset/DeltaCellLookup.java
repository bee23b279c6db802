package io.nyala.diskrowset;

import io.nyala.cfile.Prefetch;
import io.nyala.rows.ColumnType;

/**
 * Answers {@link CellTests} on one column by what a delta file sets of it: of the entries of a row, which are oldest
 * first, the last one counts. Reads the pages that have these rows, many at a time. One thread, for one use.
 */
final class DeltaCellLookup {
    private final DeltaColumn column;
    private final DeltaColumnCursor cursor;
    private final ColumnType type;
    private final Prefetch prefetch;

    /** {@code cursor}: over all entries of the column; not moved yet. */
    DeltaCellLookup(DeltaColumn column, DeltaColumnCursor cursor, ColumnType type, Prefetch prefetch) {
        this.column = column;
        this.cursor = cursor;
        this.type = type;
        this.prefetch = prefetch;
    }

    /** Answers what is open of the questions from {@code first} to {@code end}, excluded, which are on this column. */
    void answer(CellTests tests, int first, int end) {
        for (int next = first; next < end; ) {
            int windowEnd = prefetch(tests, next, end);
            while (next < windowEnd) {
                int cellEnd = tests.cellEnd(next);
                if (isOpen(tests, next, cellEnd)) {
                    answerCell(tests, next, cellEnd);
                }
                next = cellEnd;
            }
        }
    }

    /** Who answers one question on a cell answers all. */
    private static boolean isOpen(CellTests tests, int first, int end) {
        assert tests.isOpen(first) == tests.isOpen(end - 1) : "half of the questions on a cell are answered";
        return tests.isOpen(first);
    }

    /** Reads pages from one question on; answers behind the last one for whose pages there was room. */
    private int prefetch(CellTests tests, int first, int end) {
        int next = first;
        while (next < end && (!tests.isOpen(next) || add(tests.ordinal(next)))) {
            next++;
        }
        prefetch.run();
        return Math.max(next, first + 1); // A row may have more entries than one run reads: the rest comes by itself.
    }

    private boolean add(long ordinal) {
        int pageCount = column.pages().size();
        for (int page = column.pageFrom(ordinal, 0); page < pageCount; page++) {
            if (column.pages().get(page).firstOrdinal() > ordinal) {
                return true;
            }
            if (!prefetch.add(column.reader(), page)) {
                return false;
            }
        }
        return true;
    }

    private void answerCell(CellTests tests, int first, int end) {
        long ordinal = tests.ordinal(first);
        cursor.skipTo(ordinal);
        boolean isThere = cursor.isAtOrBehind(ordinal) || cursor.next(prefetch, 1);
        while (isThere && cursor.ordinal() == ordinal) {
            for (int test = first; test < end; test++) {
                tests.answer(test, cursor.isEqual(type, tests.memory(), tests.cell(test)));
            }
            isThere = cursor.next(prefetch, 1);
        }
    }
}
