package io.nyala.compaction;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Where the rows of an output come from, in their order: noted while their keys are merged, and read again for each
 * column that is written afterwards. A byte per row, or less, where inputs lie in each other; some bytes for each
 * stretch of rows that come from one input.
 *
 * <pre>{@code
 *   0 ... 127                              the next row of this input, no row of which was left out before it
 *   128 | input | left out | rows          so many rows of an input, behind so many that are in no output
 * }</pre>
 *
 * <p>What follows 128 are integers of 7 bits a byte, the lowest first, the highest bit of all but the last byte set.
 *
 * <p>One thread. Whoever made it closes it.
 */
final class RowOrigins implements AutoCloseable {
    private static final int SLAB_BYTES = 64 << 10;
    private static final int STRETCH = 128;

    /** A stretch takes about as much as so many rows one by one. */
    private static final int ONE_BY_ONE_MAX = 4;

    private final MemoryAccount account;
    private final List<Slab> slabs = new ArrayList<>();
    private long bytes;

    /** By input: the first row that may come, and the one after the last that came. */
    private final long[] first;

    private final long[] next;

    // The stretch that may go on.
    private int input;
    private long leftOut;
    private long count;

    RowOrigins(int inputCount, MemoryAccount account) {
        this.account = account;
        this.first = new long[inputCount];
        this.next = new long[inputCount];
    }

    /** The next row of the output is row {@code ordinal} of an input, behind those that came from it before. */
    void add(int from, long ordinal) {
        assert ordinal >= next[from] : "row " + ordinal + " of input " + from + " comes after " + next[from];
        if (from != input || ordinal != next[from]) {
            endStretch();
            input = from;
            leftOut = ordinal - next[from];
        }
        count++;
        next[from] = ordinal + 1;
    }

    private void endStretch() {
        if (count == 0) {
            return;
        }
        if (leftOut == 0 && input < STRETCH && count <= ONE_BY_ONE_MAX) {
            for (; count > 0; count--) {
                put(input);
            }
        } else {
            put(STRETCH);
            putNumber(input);
            putNumber(leftOut);
            putNumber(count);
        }
        leftOut = 0;
        count = 0;
    }

    private void putNumber(long number) {
        long left = number;
        for (; left > 0x7f; left >>>= 7) {
            put((int) (0x80 | (left & 0x7f)));
        }
        put((int) left);
    }

    private void put(int value) {
        if (bytes == (long) slabs.size() * SLAB_BYTES) {
            slabs.add(account.take(SLAB_BYTES));
        }
        slabs.getLast().segment().set(JAVA_BYTE, bytes++ % SLAB_BYTES, (byte) value);
    }

    /** The first row that an input may have given. */
    long first(int from) {
        return first[from];
    }

    /** The row after the last one that an input gave. */
    long end(int from) {
        return next[from];
    }

    /** Reads them all from the beginning on. */
    Reader reader() {
        endStretch();
        return new Reader();
    }

    /** Forgets the rows: those that come from now on are those of another output. */
    void clear() {
        bytes = 0;
        while (slabs.size() > 1) {
            account.giveBack(slabs.removeLast());
        }
        leftOut = 0;
        count = 0;
        System.arraycopy(next, 0, first, 0, next.length);
    }

    @Override
    public void close() {
        slabs.forEach(account::giveBack);
        slabs.clear();
    }

    /** Stretches of rows of one input each. */
    final class Reader {
        private final long[] following = Arrays.copyOf(first, first.length);
        private long position;
        private int from;
        private long ordinal;
        private int rows;
        private long left; // Of a stretch that is longer than what was asked for.

        /** Moves to the next rows, at most so many; false if there are none. */
        boolean next(int rowsMax) {
            if (left == 0 && !read()) {
                return false;
            }
            rows = (int) Math.min(left, rowsMax);
            ordinal = following[from];
            following[from] += rows;
            left -= rows;
            return true;
        }

        private boolean read() {
            if (position == bytes) {
                return false;
            }
            int value = get();
            if (value == STRETCH) {
                from = (int) number();
                following[from] += number();
                left = number();
                return true;
            }
            from = value;
            left = 1;
            while (position < bytes && peek() == value) {
                position++;
                left++;
            }
            return true;
        }

        private long number() {
            long number = 0;
            for (int shift = 0; ; shift += 7) {
                int value = get();
                number |= (value & 0x7fL) << shift;
                if (value < 0x80) {
                    return number;
                }
            }
        }

        private int get() {
            int value = peek();
            position++;
            return value;
        }

        private int peek() {
            Slab slab = slabs.get((int) (position / SLAB_BYTES));
            return slab.segment().get(JAVA_BYTE, position % SLAB_BYTES) & 0xff;
        }

        int input() {
            return from;
        }

        /** Of the first of these rows, in its input. */
        long ordinal() {
            return ordinal;
        }

        int rowCount() {
            return rows;
        }
    }
}
