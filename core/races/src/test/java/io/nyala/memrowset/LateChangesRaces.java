package io.nyala.memrowset;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.memory.Zeros;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Effect;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Who carries late changes over beside the writer of a sealed {@link MemRowSet}; run by {@code RacesTest}. */
public final class LateChangesRaces {
    private static final long BUDGET_BYTES = 1L << 30;
    private static final MemoryAccount ACCOUNT =
            MemoryBudget.open(PageSource.jdk(), BUDGET_BYTES).account("races", 0); // Of the whole process.
    private static final MemorySegment MEMORY = ACCOUNT.budget().memory();
    private static final Schema SCHEMA = Schema.of(Column.key("id", ColumnType.INT8));
    private static final int ROWS = 16;
    private static final int EFFECT_BYTES = 64;
    private static final Slab EFFECTS = ACCOUNT.take(MemoryBudget.SLAB_BYTES_MIN);
    private static final long INSERTS = EFFECTS.offset();
    private static final long DELETES = INSERTS + ROWS * EFFECT_BYTES;

    static {
        for (int key = 0; key < ROWS; key++) {
            writeEffect(INSERTS + (long) key * EFFECT_BYTES, Effect.INSERT, key);
            writeEffect(DELETES + (long) key * EFFECT_BYTES, Effect.DELETE, key);
        }
    }

    private LateChangesRaces() {}

    private static void writeEffect(long effect, int kind, int key) {
        Zeros.fill(MEMORY, effect, EFFECT_BYTES);
        LittleEndian.setByte(MEMORY, effect, kind);
        LittleEndian.setShort(MEMORY, effect + 2, 1);
        LittleEndian.setInt(MEMORY, effect + 4, kind == Effect.INSERT ? new RowLayout(SCHEMA).fixedBytes() : 0);
        LittleEndian.setByte(MEMORY, Effect.keyOffset(effect), key);
        assert Effect.bytes(MEMORY, effect) <= EFFECT_BYTES : Effect.bytes(MEMORY, effect) + " bytes";
    }

    /** Who follows the list meets changes in their order, each complete, each with its row. */
    @JCStressTest
    @State
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "none yet")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "some, all of them complete")
    @Outcome(expect = FORBIDDEN, desc = "a change that is not complete, or not of its row")
    public static class CarryingBesideChanges {
        private final MemRowSet rows = new MemRowSet(1, SCHEMA, ACCOUNT);

        public CarryingBesideChanges() {
            for (int key = 0; key < ROWS; key++) {
                rows.apply(MEMORY, INSERTS + (long) key * EFFECT_BYTES, 1);
            }
            rows.seal();
        }

        @Actor
        public void writer() {
            for (int key = 0; key < ROWS; key++) {
                rows.apply(MEMORY, DELETES + (long) key * EFFECT_BYTES, 8 + key);
            }
        }

        @Actor
        public void carrier(II_Result result) {
            LateChanges late = rows.lateChanges();
            int count = 0;
            int wrong = 0;
            long last = 0;
            for (int looks = 0; looks < 4 * ROWS; looks++) {
                long change = late.after(last);
                if (change != 0) {
                    wrong += isWhole(change, count++) ? 0 : 1;
                    last = change;
                }
            }
            result.r1 = Math.min(1, count);
            result.r2 = wrong;
        }

        private static boolean isWhole(long change, int key) {
            long row = LateChange.row(MEMORY, change);
            return RowHeader.newestChange(MEMORY, row) == change
                    && LittleEndian.unsignedByte(MEMORY, RowHeader.keyOffset(row)) == key
                    && Change.kind(MEMORY, change) == RowChange.DELETE
                    && Change.time(MEMORY, change) == 8 + key;
        }

        @Arbiter
        public void end() {
            rows.close();
        }
    }
}
