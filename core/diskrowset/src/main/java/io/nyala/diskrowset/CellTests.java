package io.nyala.diskrowset;

import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Questions to one rowset whether cells of its rows equal given ones, asked together, so that the pages that answer
 * them are read together: its delta files first, the newest before the others, then the file of its rows.
 *
 * <pre>{@code
 *   tests.clear(memory);
 *   tests.add(column, ordinal, cell, token) ...     // by column, then by ordinal
 *   for (DeltaFile file : newestFirst) file.answer(tests, schema);
 *   rowSet.answer(tests);                           // whatever no delta file has said
 * }</pre>
 *
 * <p>One thread. Reused; allocates nothing once its arrays are large enough.
 */
public final class CellTests {
    private static final byte OPEN = 0;
    private static final byte EQUAL = 1;
    private static final byte DIFFERENT = 2;

    private MemorySegment memory = MemorySegment.NULL;
    private int[] columns = {};
    private long[] ordinals = {};
    private long[] cells = {};
    private int[] tokens = {};
    private byte[] answers = {};
    private int count;
    private int openCount;

    /** Forgets all questions. The cells of the next ones lie in {@code newMemory}. */
    public void clear(MemorySegment newMemory) {
        memory = newMemory;
        count = 0;
        openCount = 0;
    }

    /**
     * Asks whether a row has the value of a cell; not before those that were asked already, by column, then by row.
     *
     * @param column index in the schema, not of the key
     * @param cell as one of a {@link RowChange}
     * @param token by which the asker knows it
     */
    public void add(int column, long ordinal, long cell, int token) {
        assert count == 0
                        || columns[count - 1] < column
                        || (columns[count - 1] == column && ordinals[count - 1] <= ordinal)
                : "row " + ordinal + " of column " + column + " is out of order";
        if (count == columns.length) {
            int larger = Math.max(64, 2 * count);
            columns = Arrays.copyOf(columns, larger);
            ordinals = Arrays.copyOf(ordinals, larger);
            cells = Arrays.copyOf(cells, larger);
            tokens = Arrays.copyOf(tokens, larger);
            answers = Arrays.copyOf(answers, larger);
        }
        columns[count] = column;
        ordinals[count] = ordinal;
        cells[count] = cell;
        tokens[count] = token;
        answers[count++] = OPEN;
        openCount++;
    }

    public int count() {
        return count;
    }

    public int token(int test) {
        return tokens[test];
    }

    /** The answer, which there is. */
    public boolean isEqual(int test) {
        assert answers[test] != OPEN : "nobody has answered " + test;
        return answers[test] == EQUAL;
    }

    /** Whether there is a question without an answer. */
    public boolean isAnyOpen() {
        return openCount > 0;
    }

    boolean isOpen(int test) {
        return answers[test] == OPEN;
    }

    int column(int test) {
        return columns[test];
    }

    long ordinal(int test) {
        return ordinals[test];
    }

    MemorySegment memory() {
        return memory;
    }

    long cell(int test) {
        return cells[test];
    }

    /** Answers, or corrects an answer that was given just before. */
    void answer(int test, boolean isEqual) {
        openCount -= answers[test] == OPEN ? 1 : 0;
        answers[test] = isEqual ? EQUAL : DIFFERENT;
    }

    /** Behind the last question on the same column. */
    int columnEnd(int first) {
        int end = first + 1;
        while (end < count && columns[end] == columns[first]) {
            end++;
        }
        return end;
    }

    /** Behind the last question on the same column and row. */
    int cellEnd(int first) {
        int end = first + 1;
        while (end < count && columns[end] == columns[first] && ordinals[end] == ordinals[first]) {
            end++;
        }
        return end;
    }
}
