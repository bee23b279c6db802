package io.nyala.memrowset;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Readers of a {@link DeltaMemStore} beside its writer; run by {@code RacesTest}. */
public final class DeltaMemStoreRaces {
    private static final long BUDGET_BYTES = 1L << 30;
    private static final MemoryAccount ACCOUNT =
            MemoryBudget.open(PageSource.jdk(), BUDGET_BYTES).account("races", 0); // Of the whole process.
    private static final MemorySegment MEMORY = ACCOUNT.budget().memory();
    private static final int COLUMN_ID = 70; // Beyond the first word of the columns that were touched.
    private static final Slab UPDATE = ACCOUNT.take(MemoryBudget.SLAB_BYTES_MIN);
    private static final int UPDATE_BYTES = writeUpdate();

    private DeltaMemStoreRaces() {}

    private static int writeUpdate() {
        long change = UPDATE.offset();
        long cell = RowChange.startUpdate(MEMORY, change, 1);
        RowChange.startCell(MEMORY, cell, COLUMN_ID, true, 0);
        return RowChange.bytes(MEMORY, change);
    }

    /** A store in which row 1 has no change yet. */
    @State
    public static class Store {
        static final int ROW = 1;
        static final long TIME = 7;

        final DeltaMemStore store = new DeltaMemStore(1, ACCOUNT);

        final boolean seesTheChange() {
            return store.find(ROW) != 0;
        }
    }

    /** Who sees a deletion is told that the row is deleted, though that is only asked where a count is not 0. */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "before the deletion")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "it came in between")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "after it")
    @Outcome(expect = FORBIDDEN, desc = "the row has a change, but is not deleted")
    public static class AskingBesideADeletion extends Store {
        @Actor
        public void writer() {
            store.delete(ROW, TIME);
        }

        @Actor
        public void reader(II_Result result) {
            result.r1 = seesTheChange() ? 1 : 0;
            result.r2 = store.isDeleted(ROW) ? 1 : 0;
        }

        @Arbiter
        public void end() {
            store.close();
        }
    }

    /** Who sees a change is told that its column was touched, and finds its cell. */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "before the change")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "it came in between")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "after it")
    @Outcome(expect = FORBIDDEN, desc = "a change whose column is not known")
    public static class AskingBesideAnUpdate extends Store {
        @Actor
        public void writer() {
            store.update(ROW, MEMORY, UPDATE.offset(), UPDATE_BYTES, TIME);
        }

        @Actor
        public void reader(II_Result result) {
            result.r1 = seesTheChange() ? 1 : 0;
            result.r2 = store.touches(COLUMN_ID) && store.newestCell(ROW, COLUMN_ID) != 0 ? 1 : 0;
        }

        @Arbiter
        public void end() {
            store.close();
        }
    }
}
