package io.nyala.record;

import java.util.Arrays;

/** An answer that is put together: refused operations, then counts. Reused; allocates only to grow. One thread. */
public final class AnswerEntries implements RequestErrors {
    private static final int CAPACITY_MIN = 16;

    private int[] indexes = {};
    private int[] codes = {};
    private int count;

    /** Begins anew. */
    public void clear() {
        count = 0;
    }

    /** An operation that was refused, by its index in the batch and its {@link io.nyala.rows.RowErrorCode#code}. */
    public void refused(int operationIndex, int code) {
        assert count == 0 || !AnswerCount.isCount(codes[count - 1]) : "an operation behind counts";
        add(operationIndex, code);
    }

    /** A number, behind all operations; nothing if it is 0. */
    public void counted(AnswerCount what, int number) {
        if (number > 0) {
            add(number, what.code());
        }
    }

    private void add(int first, int code) {
        if (count == indexes.length) {
            int capacity = Math.max(CAPACITY_MIN, 2 * count);
            indexes = Arrays.copyOf(indexes, capacity);
            codes = Arrays.copyOf(codes, capacity);
        }
        indexes[count] = first;
        codes[count++] = code;
    }

    @Override
    public int errorCount() {
        return count;
    }

    @Override
    public int errorIndex(int error) {
        return indexes[error];
    }

    @Override
    public int errorCodeNumber(int error) {
        return codes[error];
    }
}
