package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.DiskRowSet;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.lang.ref.WeakReference;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: the snapshot that is asked for is the one that is seen, be it that before all others; and what a look-up has
 * seen goes when its rowsets go. Method: by example; what a map of rowsets no longer has, the collector takes.
 */
final class TabletLookupTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("key", ColumnType.INT64), Column.of("value", ColumnType.INT64));

    private static final ScanSpec SPEC = ScanSpec.all(SCHEMA, 0);

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 16 << 20);
    private final MemoryAccount account = budget.account("test", 0);

    @AfterEach
    void close() {
        account.close();
        budget.close();
    }

    private static void insert(OneTablet one, long key) {
        one.commit(rows -> rows.start(OperationKind.INSERT)
                .setLong(0, key)
                .setLong(1, -key)
                .end());
    }

    /** How many of the keys 1 to {@code count} have a row. */
    private int count(TabletLookup lookup, int count, long snapshot) {
        try (var keys = new OperationBatch(new RowLayout(SCHEMA), account);
                ColumnBatch batch = ColumnBatch.of(SPEC, account)) {
            for (long key = 1; key <= count; key++) {
                keys.start(OperationKind.DELETE).setLong(0, key).end();
            }
            lookup.begin(keys.memory(), count);
            keys.forEach((_, operation) -> lookup.add(operation));
            lookup.end();
            int[] keyOfRow = new int[count];
            assertTrue(lookup.next(snapshot, batch, keyOfRow));
            for (int row = 0; row < batch.rowCount(); row++) {
                assertEquals(-1L - keyOfRow[row], batch.column(1).getLong(row));
            }
            return batch.rowCount();
        }
    }

    @Test
    void theSnapshotBeforeAnythingWasWrittenHasNothing(@Seed SplittableRandom random) {
        try (var one = new OneTablet(new SimulatedDisk(random), SCHEMA);
                var lookup = new TabletLookup(one.tablet(), SPEC, account)) {
            long before = one.tablet().visible();
            insert(one, 1);
            assertEquals(0, count(lookup, 1, before), "at " + before);
            assertEquals(0, count(lookup, 1, 0));
            assertEquals(1, count(lookup, 1, TabletLookup.LATEST));
            assertEquals(one.tablet().visible(), lookup.snapshot());
        }
    }

    @Test
    void rowSetsThatAreGoneAreLetGo(@Seed SplittableRandom random) {
        try (var one = new OneTablet(new SimulatedDisk(random), SCHEMA);
                var lookup = new TabletLookup(one.tablet(), SPEC, account)) {
            insert(one, 1);
            one.flushAll();
            insert(one, 2);
            one.flushAll();
            assertEquals(2, count(lookup, 2, TabletLookup.LATEST));
            var gone = new WeakReference<DiskRowSet>(
                    one.tablet().map().rowSets().value(0).base());
            one.finish(Objects.requireNonNull(one.newMerge(one.rowSetIds()), "they can be merged"));
            assertEquals(2, count(lookup, 2, TabletLookup.LATEST));
            System.gc();
            assertNull(gone.get(), "a rowset that was merged");
        }
    }
}
