package io.nyala.tablet;

import io.nyala.diskrowset.CellTests;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.RowChange;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The conditions of a batch, numbered through, and of each whether it holds by what the files of its row say. That is
 * found out by the probe, since it may read; the writer asks memory first, and for this only where memory has no newer
 * value of the cell.
 *
 * <p>Belongs to its batch, and is used again with it; allocates nothing once its arrays are large enough.
 */
final class BatchConditions {
    /** By operation, and one more: the number of its first condition. */
    private int[] firsts = {};

    // By condition.
    private int[] columns = {};
    private long[] cells = {};
    private boolean[] isMet = {};
    private int count;

    /** A bit for each column of the schema that a condition is on. */
    private long[] usedColumns = {};

    private final CellTests tests = new CellTests();

    /** Forgets all: the batch has no conditions. */
    void clear() {
        count = 0;
    }

    /** Takes the conditions of all operations. */
    void collect(TabletWrite write) {
        Schema schema = write.operations().layout().schema();
        MemorySegment memory = write.operations().memory();
        int operationCount = write.operationCount();
        if (firsts.length <= operationCount) {
            firsts = new int[Math.max(operationCount + 1, 2 * firsts.length)];
        }
        int words = (schema.columnCount() + Long.SIZE - 1) / Long.SIZE;
        usedColumns = usedColumns.length < words ? new long[words] : usedColumns;
        Arrays.fill(usedColumns, 0);
        count = 0;
        for (int i = 0; i < operationCount; i++) {
            firsts[i] = count;
            long operation = write.operationOffset(i);
            if (OperationFormat.hasConditions(memory, operation)) {
                collect(schema, memory, OperationFormat.conditionsOffset(memory, operation));
            }
        }
        firsts[operationCount] = count;
    }

    private void collect(Schema schema, MemorySegment memory, long conditions) {
        long cell = RowChange.firstCell(conditions);
        for (int i = RowChange.cellCount(memory, conditions); i > 0; i--) {
            if (count == columns.length) {
                int larger = Math.max(64, 2 * count);
                columns = Arrays.copyOf(columns, larger);
                cells = Arrays.copyOf(cells, larger);
                isMet = Arrays.copyOf(isMet, larger);
            }
            int column = schema.indexOfId(RowChange.cellColumnId(memory, cell));
            usedColumns[column / Long.SIZE] |= 1L << column; // Modulo 64.
            columns[count] = column;
            cells[count++] = cell;
            cell = RowChange.nextCell(memory, cell);
        }
    }

    int count() {
        return count;
    }

    /** The number of an operation's first condition; {@code first(operation + 1)} is behind its last one. */
    int first(int operation) {
        return count == 0 ? 0 : firsts[operation];
    }

    /** Index of the column in the schema. */
    int column(int condition) {
        return columns[condition];
    }

    /** What the row must have, as a cell of a {@link RowChange} in the memory of the batch. */
    long cell(int condition) {
        return cells[condition];
    }

    /** Whether the files of the row that the probe has found say so. */
    boolean isMetByFiles(int condition) {
        return isMet[condition];
    }

    /**
     * Asks the files of one rowset, column by column.
     *
     * @param operations in the order of their keys, and so of their rows
     * @param ordinals of the rows of those that have this rowset as their home
     * @param operationCount how many; the arrays may be longer
     */
    void askFiles(TabletWrite write, LiveRowSet rowSet, int[] operations, long[] ordinals, int operationCount) {
        tests.clear(write.operations().memory());
        for (int word = 0; word < usedColumns.length; word++) {
            for (long rest = usedColumns[word]; rest != 0; rest &= rest - 1) {
                int column = word * Long.SIZE + Long.numberOfTrailingZeros(rest);
                for (int i = 0; i < operationCount; i++) {
                    if (write.home(operations[i]) == rowSet) {
                        ask(operations[i], ordinals[i], column);
                    }
                }
            }
        }
        rowSet.answer(tests, write.operations().layout().schema());
        for (int i = 0; i < tests.count(); i++) {
            isMet[tests.token(i)] = tests.isEqual(i);
        }
    }

    private void ask(int operation, long ordinal, int column) {
        for (int i = firsts[operation]; i < firsts[operation + 1]; i++) {
            if (columns[i] == column) {
                tests.add(column, ordinal, cells[i], i);
            }
        }
    }
}
