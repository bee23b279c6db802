package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.catalog.CatalogLimits;
import io.nyala.catalog.StorageEditFormat;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.table.AncientSnapshotException;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Goal: a state that has a name can be read as long as it has it, whatever is merged, vacuumed, altered or cut off, and
 * not longer. Method: a table that keeps a minute of history on a simulated host, whose clock is advanced by hours.
 */
final class NamedSnapshotsTest {
    private static final long ROWS = 60;
    private static final int DEFAULT_BYTES = 50_000;
    private static final long HOUR = 3_600_000_000L;

    private final OneTable one;

    NamedSnapshotsTest(@Seed SplittableRandom random) {
        one = new OneTable(random);
        one.engine().createTable(TableSpec.of("t", Numbers.SCHEMA).withHistory(Duration.ofMinutes(1)));
        Numbers.insert(table(), LongStream.range(0, ROWS).toArray()).orThrow();
        one.flush();
    }

    private Table table() {
        return one.table();
    }

    private void delete(long from, long to) {
        try (WriteBatch batch = table().newBatch()) {
            for (long id = from; id < to; id++) {
                batch.rows().start(DELETE).setLong(0, id).end();
            }
            batch.commit().orThrow();
        }
    }

    private int descriptionBytes() {
        return StorageEditFormat.bytes(table().state().description());
    }

    /** All that may forget something does. */
    private void age() {
        one.world().clock().advanceMicros(HOUR);
        one.flush();
        CompletableFuture<?> vacuum = table().vacuum();
        one.running().host().await(vacuum::isDone);
        vacuum.join();
        one.settle();
    }

    private List<Long> asOf(String name) {
        return Numbers.ids(table().scan().asOf(name));
    }

    @Test
    void aNamedStateStaysWhateverIsDoneAndGoesWithItsName() {
        long early = table().createSnapshot("early");
        delete(0, 20);
        long late = table().createSnapshot("late");
        assertEquals(Map.of("early", early, "late", late), table().snapshots());
        delete(20, 40);
        age();
        for (int i = 0; i < 3; i++) {
            assertEquals(Numbers.list(0, ROWS), asOf("early"));
            assertEquals(Numbers.list(20, ROWS), asOf("late"));
            assertEquals(Numbers.list(40, ROWS), Numbers.ids(table().scan()));
            switch (i) {
                case 0 -> one.reopen();
                case 1 -> one.powerCut();
                default ->
                    table().alter()
                            .addColumn(Column.of("more", ColumnType.INT32).nullable())
                            .commit();
            }
            age();
        }
        assertEquals(Numbers.list(0, ROWS), asOf("early"), "with a column more");
        long changed = 0;
        try (Scan scan = table().scan().changedSince(early).open()) {
            while (scan.next()) {
                changed += scan.batch().rowCount();
            }
        }
        assertEquals(40, changed, "deletions since");
        table().dropSnapshot("early");
        assertEquals(Numbers.list(20, ROWS), asOf("late"), "the other one stays");
        age();
        assertThrows(
                AncientSnapshotException.class, () -> table().scan().at(early).open());
        assertEquals(Numbers.list(20, ROWS), asOf("late"));
        one.reopen();
        table().dropSnapshot("late");
        age();
        assertEquals(Map.of(), table().snapshots());
        assertThrows(
                AncientSnapshotException.class, () -> table().scan().at(late).open());
        assertEquals(ROWS - 40, table().statistics().rowCount(), "deleted rows are gone");
    }

    @Test
    void namesAreOfOneStateEach() {
        table().createSnapshot("a");
        Failure.expect(
                IllegalArgumentException.class, () -> table().createSnapshot("a"), "has a snapshot \"a\" already");
        Failure.expect(IllegalArgumentException.class, () -> table().dropSnapshot("b"), "no snapshot \"b\"", "has a");
        Failure.expect(IllegalArgumentException.class, () -> table().scan().asOf("b"), "no snapshot \"b\"", "has a");
        assertThrows(IllegalArgumentException.class, () -> table().createSnapshot(""));
        for (int i = 1; i < CatalogLimits.SNAPSHOTS_MAX; i++) {
            table().createSnapshot("more " + i);
        }
        Failure.expect(IllegalArgumentException.class, () -> table().createSnapshot("too many"), "was 65");
        assertEquals(CatalogLimits.SNAPSHOTS_MAX, table().snapshots().size());
    }

    @Test
    void theStateOfATableToWhichNothingWasWrittenHasATimeAndIsKept() {
        one.engine().createTable(TableSpec.of("new", Numbers.SCHEMA).withHistory(Duration.ofMinutes(1)));
        Table table = one.engine().table("new").orElseThrow();
        long time = table.createSnapshot("empty");
        assertTrue(time > 0 && time <= one.engine().now(), "at " + time);
        long written = Numbers.insert(table, LongStream.range(0, 10).toArray())
                .orThrow()
                .timestamp();
        assertTrue(written > time, written + " is not after " + time);
        for (int i = 0; i < 2; i++) {
            assertEquals(List.of(), Numbers.ids(table.scan().asOf("empty")));
            try (Scan scan = table.scan().changedSince(time).open()) {
                assertTrue(scan.next());
                assertEquals(10, scan.batch().rowCount());
            }
            age();
            one.reopen();
            table = one.engine().table("new").orElseThrow();
        }
    }

    @Test
    void aNameThatIsRefusedKeepsNothing() {
        int most = CatalogLimits.DESCRIPTION_BYTES_MAX;
        int nameBytes = CatalogLimits.SNAPSHOT_NAME_BYTES_MAX;
        for (int i = 0; descriptionBytes() + nameBytes < most; i++) {
            int bytes = Math.min(DEFAULT_BYTES, most - descriptionBytes() - nameBytes);
            Column column = Column.of("more " + i, ColumnType.STRING).nullable();
            table().alter().addColumn(column.writeDefault("d".repeat(bytes))).commit();
        }
        Failure.expect(
                EngineLimitException.class,
                () -> table().createSnapshot("n".repeat(nameBytes)),
                "the description of table \"t\" takes",
                "%,d is the limit".formatted(most));
        delete(0, 20);
        age();
        assertEquals(ROWS - 20, table().statistics().rowCount(), "of the state that has no name nothing is kept");
    }

    @Test
    void aStateOfThePastCanBeNamedAsLongAsItCanBeRead() {
        long past = table().latest();
        delete(0, 20);
        table().createSnapshot("past", past);
        age();
        assertEquals(Numbers.list(0, ROWS), asOf("past"));
        delete(20, 40);
        long gone = table().latest() - 1;
        table().dropSnapshot("past");
        age();
        assertThrows(AncientSnapshotException.class, () -> table().createSnapshot("gone", gone));
        assertTrue(table().snapshots().isEmpty());
    }
}
