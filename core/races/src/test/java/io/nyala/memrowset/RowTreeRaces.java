package io.nyala.memrowset;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.nyala.memory.BumpArena;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Readers of a {@link RowTree} beside its writer, which splits a leaf; run by {@code RacesTest}. */
public final class RowTreeRaces {
    private static final long BUDGET_BYTES = 1L << 30;
    private static final MemoryAccount ACCOUNT =
            MemoryBudget.open(PageSource.jdk(), BUDGET_BYTES).account("races", 0); // Of the whole process.
    private static final MemorySegment MEMORY = ACCOUNT.budget().memory();
    private static final ValueLayout.OfLong BIG_ENDIAN =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int KEY_BYTES = Long.BYTES;
    private static final int FULL_LEAF = Permutation.ENTRIES_MAX;

    private RowTreeRaces() {}

    /** A tree of one leaf, which is full, and rows that are to come. */
    @State
    public static class Tree {
        static final int LATE_ROWS = 4;

        final BumpArena arena = new BumpArena(ACCOUNT, MemoryBudget.SLAB_BYTES_MIN);
        final RowTree tree = new RowTree(arena);
        final long[] late = new long[LATE_ROWS];
        final long lowest = newRow(2);
        final long highest = newRow(2 * FULL_LEAF);

        public Tree() {
            tree.insert(lowest);
            for (int i = FULL_LEAF - 1; i > 1; i--) { // Not ascending: then a full leaf would keep all.
                tree.insert(newRow(2L * i));
            }
            tree.insert(highest);
            for (int i = 0; i < LATE_ROWS; i++) {
                late[i] = newRow(FULL_LEAF - LATE_ROWS + 2L * i);
            }
        }

        private long newRow(long key) {
            long row = arena.allocate(RowHeader.PLACE_BYTES + RowHeader.BYTES + KEY_BYTES, Long.BYTES)
                    + RowHeader.PLACE_BYTES;
            RowHeader.initialize(MEMORY, row, 1, KEY_BYTES, 0);
            MEMORY.set(BIG_ENDIAN, RowHeader.keyOffset(row), key);
            return row;
        }

        final void insertLateRows() {
            for (long row : late) {
                tree.insert(row);
            }
        }

        final boolean finds(long row) {
            return tree.find(MEMORY, RowHeader.keyOffset(row), KEY_BYTES) == row;
        }

        /** The number of rows that a scan meets, or -1 if they are not in order. */
        final int scan() {
            LeafReader reader = new LeafReader(tree);
            long[] rows = new long[FULL_LEAF + LATE_ROWS + Permutation.ENTRIES_MAX];
            int count = 0;
            while (!reader.isAtEnd()) {
                count += reader.read(rows, count);
            }
            for (int i = 1; i < count; i++) {
                if (key(rows[i - 1]) >= key(rows[i])) {
                    return -1;
                }
            }
            return count;
        }

        private static long key(long row) {
            return MEMORY.get(BIG_ENDIAN, RowHeader.keyOffset(row));
        }

        /** Afterwards: gives the memory back. */
        final void close() {
            arena.close();
        }
    }

    /** A row that was there is found during a split, wherever it goes. */
    @JCStressTest
    @State
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "found")
    @Outcome(expect = FORBIDDEN, desc = "missed")
    public static class FindingBesideASplit extends Tree {
        @Actor
        public void writer() {
            insertLateRows();
        }

        @Actor
        public void reader(II_Result result) {
            result.r1 = finds(highest) ? 1 : 0;
            result.r2 = finds(lowest) ? 1 : 0;
        }

        @Arbiter
        public void end() {
            close();
        }
    }

    /** A scan meets all rows that were there, in order, none of them twice. */
    @JCStressTest
    @State
    @Outcome(id = "15", expect = ACCEPTABLE, desc = "none of the new rows")
    @Outcome(
            id = {"16", "17", "18"},
            expect = ACCEPTABLE,
            desc = "some of the new rows")
    @Outcome(id = "19", expect = ACCEPTABLE, desc = "all of the new rows")
    @Outcome(expect = FORBIDDEN, desc = "rows were missed, or met twice, or are out of order")
    public static class ScanningBesideASplit extends Tree {
        @Actor
        public void writer() {
            insertLateRows();
        }

        @Actor
        public void reader(I_Result result) {
            result.r1 = scan();
        }

        @Arbiter
        public void end() {
            close();
        }
    }

    /** Who sees a change sees all of it. */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "before the change")
    @Outcome(id = "7, 2", expect = ACCEPTABLE, desc = "after it")
    @Outcome(expect = FORBIDDEN, desc = "a part of it")
    public static class ReadingBesideAChange extends Tree {
        private static final int TIME = 7;

        private final long change = arena.allocate(Change.BYTES, Long.BYTES);

        @Actor
        public void writer() {
            Change.initialize(MEMORY, change, 0, TIME, RowChange.DELETE);
            Change.setBody(MEMORY, change, 0, 0, 0);
            RowHeader.prepend(MEMORY, lowest, change);
        }

        @Actor
        public void reader(II_Result result) {
            long newest = RowHeader.newestChange(MEMORY, lowest);
            if (newest != 0) {
                result.r1 = (int) Change.time(MEMORY, newest);
                result.r2 = Change.kind(MEMORY, newest);
            }
        }

        @Arbiter
        public void end() {
            close();
        }
    }
}
