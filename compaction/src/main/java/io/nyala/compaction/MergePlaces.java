package io.nyala.compaction;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.util.ArrayList;
import java.util.List;

/**
 * Where each row of the inputs of a merge went: 4 bytes per row, by which what happens to a row while it is merged
 * finds the row that takes its place.
 *
 * <pre>{@code
 *    31        22                          0
 *   +-+---------+---------------------------+
 *   |0| output  | ordinal in the output     |     or -1: the row is in no output
 *   +-+---------+---------------------------+
 * }</pre>
 *
 * <p>Written by the merge, then read by one thread after the other; whoever hands it over sees to that. Whoever made it
 * closes it.
 */
public final class MergePlaces implements AutoCloseable {
    /** Answer of {@link #place}: the row was dropped, since nobody can see it any more. */
    public static final int NONE = -1;

    /** Outputs of one merge. */
    static final int OUTPUTS_MAX = 1 << 9;

    private static final int ORDINAL_BITS = 22;
    private static final int ENTRIES_PER_SLAB = 1 << 18; // 1 MiB.

    private final MemoryAccount account;
    private final List<List<Slab>> slabs = new ArrayList<>();

    static {
        Check.that(Flush.ROWS_PER_ROWSET_MAX <= 1 << ORDINAL_BITS, "an ordinal of an output has 22 bits");
    }

    /** @param rowCounts of the inputs */
    public MergePlaces(List<Long> rowCounts, MemoryAccount account) {
        this.account = account;
        try {
            for (long rowCount : rowCounts) {
                List<Slab> ofInput = new ArrayList<>();
                slabs.add(ofInput);
                for (long first = 0; first < rowCount; first += ENTRIES_PER_SLAB) {
                    long entries = Math.min(ENTRIES_PER_SLAB, rowCount - first);
                    Slab slab = account.take(entries * Integer.BYTES);
                    ofInput.add(slab);
                    slab.segment().fill((byte) 0xff);
                }
            }
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /** Bytes that it takes for so many rows. */
    public static long bytes(long rowCount) {
        return rowCount * Integer.BYTES;
    }

    void set(int input, long row, int output, int ordinal) {
        Check.inRange("outputs of a merge", output, 0, OUTPUTS_MAX - 1);
        Slab slab = slabs.get(input).get((int) (row / ENTRIES_PER_SLAB));
        slab.segment().set(JAVA_INT, row % ENTRIES_PER_SLAB * Integer.BYTES, output << ORDINAL_BITS | ordinal);
    }

    /** The place of a row of an input, for {@link #output} and {@link #ordinal}; or {@link #NONE}. */
    public int place(int input, long row) {
        Slab slab = slabs.get(input).get((int) (row / ENTRIES_PER_SLAB));
        return slab.segment().get(JAVA_INT, row % ENTRIES_PER_SLAB * Integer.BYTES);
    }

    /** Index of the output. */
    public static int output(int place) {
        return place >>> ORDINAL_BITS;
    }

    /** Of the row in its output. */
    public static int ordinal(int place) {
        return place & (1 << ORDINAL_BITS) - 1;
    }

    @Override
    public void close() {
        slabs.forEach(ofInput -> ofInput.forEach(account::giveBack));
        slabs.clear();
    }
}
