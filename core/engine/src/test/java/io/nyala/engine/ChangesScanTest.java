package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static io.nyala.rows.OperationKind.UPSERT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.PageCache;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnEncoding;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.table.AncientSnapshotException;
import io.nyala.table.HostedTablet;
import io.nyala.table.ScanToken;
import io.nyala.tablet.RowSetEntry;
import io.nyala.testkit.Seed;
import io.nyala.time.HybridTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/**
 * Goal: what changed between two times is told once for each key, wherever the key has lived meanwhile, and without
 * reading what did not change. Method: stories of some rows on a simulated host; ones that were drawn by lot are in
 * {@link EngineModelTest}.
 */
final class ChangesScanTest {
    private static final long SECOND = 1_000_000;
    private static final int ROWS = 20_000;
    /** Each vector has pages of its own. */
    private static final int PAGE_BYTES = 4 << 10;

    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64).encoding(ColumnEncoding.PLAIN).blockBytes(PAGE_BYTES),
            Column.of("number", ColumnType.INT32).encoding(ColumnEncoding.PLAIN).blockBytes(PAGE_BYTES),
            Column.of("text", ColumnType.STRING).nullable().blockBytes(PAGE_BYTES));

    private final OneTable one;
    private final Table table;

    ChangesScanTest(@Seed SplittableRandom random) {
        one = new OneTable(random);
        table = one.engine().createTable(TableSpec.of("t", SCHEMA).withHistory(Duration.ofMinutes(1)));
    }

    private long set(long id, int number) {
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(UPSERT).setLong(0, id).setInt(1, number).end();
            return commit(batch);
        }
    }

    private long delete(long id) {
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(DELETE).setLong(0, id).end();
            return commit(batch);
        }
    }

    private static long commit(WriteBatch batch) {
        CommitResult result = batch.commit();
        result.orThrow();
        return result.timestamp();
    }

    private List<String> changes(long start, long end) {
        return read(table.scan().changedSince(start).at(end).open());
    }

    private static List<String> read(Scan scan) {
        List<String> rows = new ArrayList<>();
        try (scan) {
            while (scan.next()) {
                addAll(scan.batch(), rows);
            }
        }
        return rows;
    }

    private static void addAll(ColumnBatch batch, List<String> target) {
        for (int row = 0; row < batch.rowCount(); row++) {
            target.add((batch.isDeleted(row) ? "-" : "+") + batch.column(0).getLong(row) + "="
                    + batch.column(1).getInt(row));
        }
    }

    /** Each wherever rows and changes can be: in memory, in files, and merged. */
    @Test
    void aKeyIsToldOnceWhereverItLived() {
        long before = set(0, 0);
        set(1, 10);
        set(2, 20);
        long start = set(3, 30);
        one.flush();
        set(1, 11);
        set(1, 10); // Back to what it was.
        set(2, 21);
        delete(2);
        set(4, 40);
        delete(4); // Nobody has seen it.
        delete(3);
        set(3, 31); // In another rowset.
        long end = set(5, 50);
        List<String> expected = List.of("+1=10", "-2=21", "+3=31", "+5=50");
        assertEquals(expected, changes(start, end));
        assertEquals(List.of(), changes(end, end + 1));
        delete(5);
        assertEquals(expected, changes(start, end), "what happened later");
        one.flush();
        assertEquals(expected, changes(start, end), "on disk");
        assertEquals(List.of("+0=0", "+1=10", "+2=20", "+3=30"), changes(before - 1, start));
        merge();
        assertEquals(expected, changes(start, end), "merged");
        assertEquals(List.of("+1=10", "-2=21", "+3=31"), changes(start, table.latest()), "and later");
        one.reopen();
        assertEquals(
                expected, read(one.table().scan().changedSince(start).at(end).open()), "opened again");
    }

    private void merge() {
        HostedTablet tablet = table.state().tablets().getFirst();
        List<Long> rowSets =
                table.rowSets(tablet.id()).stream().map(RowSetEntry::fileId).toList();
        CompletableFuture<Boolean> merged = one.engine().maintenance().merge(tablet.tablet(), rowSets);
        one.running().host().await(merged::isDone);
        assertTrue(merged.join());
    }

    /** As it would be read: of one that is deleted the last values, of others those at the end. */
    @Test
    void predicatesProjectionsKeysAndLimitsHoldForWhatIsTold() {
        set(1, 10);
        set(2, 20);
        set(3, 30);
        long start = set(4, 40);
        set(1, 99);
        set(2, 99);
        delete(2);
        delete(3);
        long end = set(5, 50);
        ScanBuilder equal = table.scan().changedSince(start).at(end).where(Predicate.equal(SCHEMA, "number", 99));
        assertEquals(List.of("+1=99", "-2=99"), read(equal.open()));
        ScanBuilder range = table.scan().changedSince(start).at(end).where(Predicate.atLeast(SCHEMA, "number", 50));
        assertEquals(List.of("+1=99", "-2=99", "+5=50"), read(range.open()));
        byte[] second = new KeyCodec(new RowLayout(SCHEMA)).encodeValues(2L);
        ScanBuilder keys = table.scan().changedSince(start).keys(new KeyRange(second, null));
        assertEquals(List.of("-2=99", "-3=30"), read(keys.limit(2).open()));
        try (Scan scan = table.scan().project().changedSince(start).open()) {
            assertTrue(scan.next());
            assertEquals(1, scan.batch().columnCount(), "whether it is deleted");
            assertEquals(4, scan.batch().rowCount());
        }
    }

    @Test
    void aStartBeforeTheMarkIsRefusedWithBothTimes() {
        long start = set(1, 10);
        one.world().clock().advanceMicros(61 * SECOND);
        long end = set(2, 20);
        AncientSnapshotException refusal = assertThrows(
                AncientSnapshotException.class,
                () -> table.scan().changedSince(start).open());
        String message = String.valueOf(refusal.getMessage());
        assertTrue(message.startsWith("the start " + HybridTime.format(start)), message);
        assertTrue(message.contains(HybridTime.format(refusal.mark())), message);
        assertEquals(List.of("+2=20"), changes(refusal.mark(), end));
        assertThrows(IllegalArgumentException.class, () -> table.scan().changedSince(-1));
    }

    /** The snapshot of each scan is the start of the next, from before anything was written on. */
    @Test
    void aTableIsFollowedFromEmpty() {
        List<String> seen = new ArrayList<>();
        long start = follow(0, seen);
        assertEquals(start, follow(start, seen), "nothing happened");
        assertEquals(List.of(), seen);
        set(1, 10);
        set(2, 20);
        one.flush();
        delete(2);
        set(3, 30);
        one.world().clock().advanceMicros(61 * SECOND); // What was before is given up.
        set(2, 21);
        set(3, 31);
        one.flush();
        merge();
        List<String> first = List.of("+1=10", "+2=21", "+3=31");
        start = follow(start, seen);
        assertEquals(first, seen);
        delete(1);
        delete(3); // Of whose beginning nothing is left.
        set(1, 11);
        assertEquals(table.latest(), follow(start, seen));
        assertEquals(List.of("+1=11", "-3=31"), seen.subList(first.size(), seen.size()));
        assertEquals(List.of("+1=11", "+2=21"), changes(0, table.latest()));
        one.flush();
        merge();
        assertEquals(List.of("+1=11", "+2=21"), changes(0, table.latest()));
        assertEquals(first, changes(0, start));
    }

    private long follow(long start, List<String> seen) {
        try (Scan scan = table.scan().changedSince(start).open()) {
            while (scan.next()) {
                addAll(scan.batch(), seen);
            }
            return scan.snapshot();
        }
    }

    /** Or whoever follows the table would be sent back. */
    @Test
    void theSnapshotIsNotBeforeTheStartWhichIsNotInTheFuture() {
        long last = set(1, 10);
        one.world().clock().advanceMicros(SECOND);
        long later = last + HybridTime.ofMicros(SECOND / 2);
        List<String> seen = new ArrayList<>();
        assertEquals(later, follow(later, seen));
        long next = set(1, 11);
        assertTrue(next > later, next + " is promised to be after " + later);
        assertEquals(List.of(), seen);
        assertEquals(next, follow(later, seen));
        assertEquals(List.of("+1=11"), seen);
        long future = next + HybridTime.ofMicros(3600 * SECOND);
        IllegalArgumentException refusal = assertThrows(
                IllegalArgumentException.class,
                () -> table.scan().changedSince(future).open());
        String message = String.valueOf(refusal.getMessage());
        assertTrue(message.contains(HybridTime.format(future)) && message.contains("future"), message);
    }

    /** A key that was deleted in one file and is live in another, which cannot be read, would be told as deleted. */
    @Test
    void rowsAreNotLeftOutOfChanges() {
        long start = set(1, 10);
        ScanBuilder both = table.scan().changedSince(start).allowPartial();
        assertThrows(IllegalArgumentException.class, both::open);
        assertThrows(IllegalArgumentException.class, both::tokens);
        ScanToken token = table.scan().changedSince(start).tokens().getFirst();
        ScanSpec spec = token.spec(SCHEMA);
        ScanToken elsewhere =
                ScanToken.of(token.hostId(), token.tableId(), token.tabletId(), spec, token.limit(), true);
        String message = String.valueOf(
                assertThrows(IllegalArgumentException.class, () -> one.engine().open(elsewhere))
                        .getMessage());
        assertTrue(message.contains("allowPartial") && message.contains("changedSince"), message);
        assertEquals(List.of(), read(one.engine().open(token)));
    }

    /** It goes on where it was, whatever becomes of what it reads. */
    @Test
    void anOpenScanSurvivesWhatHappensMeanwhile() {
        fill();
        long start = table.latest();
        for (long id = 0; id < 5_000; ) {
            try (WriteBatch batch = table.newBatch()) {
                for (long to = id + 1_000; id < to; id += 2) {
                    batch.rows().start(UPSERT).setLong(0, id).setInt(1, -1).end();
                }
                commit(batch);
            }
        }
        one.flush();
        long end = delete(1);
        List<String> expected = new ArrayList<>(List.of("+0=-1", "-1=1"));
        for (long id = 2; id < 5_000; id += 2) {
            expected.add("+" + id + "=-1");
        }
        ScanToken token = ScanToken.fromBytes(
                table.scan().changedSince(start).tokens().getFirst().toBytes());
        assertEquals(start, token.start().orElseThrow());
        assertEquals(end, token.snapshot());
        List<String> found = new ArrayList<>();
        try (Scan scan = table.scan().changedSince(start).open()) {
            assertTrue(scan.next());
            addAll(scan.batch(), found);
            one.flush();
            delete(4_000);
            assertTrue(scan.next());
            addAll(scan.batch(), found);
            merge();
            table.alter()
                    .addColumn(Column.of("more", ColumnType.INT32).nullable())
                    .commit();
            while (scan.next()) {
                addAll(scan.batch(), found);
            }
        }
        assertEquals(expected, found);
        assertEquals(expected, read(one.engine().open(token)));
    }

    private void fill() {
        for (long id = 0; id < ROWS; ) {
            try (WriteBatch batch = table.newBatch()) {
                for (long to = id + 500; id < to; id++) {
                    batch.rows()
                            .start(UPSERT)
                            .setLong(0, id)
                            .setInt(1, (int) id)
                            .setString(2, "some text " + id)
                            .end();
                }
                commit(batch);
            }
        }
        one.flush();
    }

    private long pagesRead() {
        PageCache.Statistics cache = one.engine().view().cache();
        return cache.hits() + cache.misses();
    }

    /** A rowset without a change is not opened, and of one with a few changes the vectors without are not read. */
    @Test
    void whatDidNotChangeIsNotRead() {
        long beginning = set(0, -1);
        fill();
        long start = table.latest();
        one.reopen();
        Table again = one.table();
        long before = pagesRead();
        assertEquals(List.of(), read(again.scan().changedSince(start).open()));
        assertEquals(before, pagesRead(), "nothing has changed");
        try (WriteBatch batch = again.newBatch()) {
            batch.rows().start(UPSERT).setLong(0, ROWS / 2).setInt(1, -1).end();
            commit(batch);
        }
        one.flush();
        long base = pagesRead();
        assertEquals(
                List.of("+" + ROWS / 2 + "=-1"),
                read(again.scan().changedSince(start).open()));
        long some = pagesRead() - base;
        List<String> all = read(again.scan().changedSince(beginning).open());
        assertEquals(ROWS, all.size());
        long rest = pagesRead() - base - some;
        assertTrue(some > 0 && some * 4 < rest, some + " pages for one row, " + rest + " more for all");
    }
}
