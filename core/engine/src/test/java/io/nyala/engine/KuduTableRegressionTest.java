package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static io.nyala.rows.OperationKind.UPDATE;
import static io.nyala.rows.OperationKind.UPSERT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergePolicy;
import io.nyala.maintenance.Maintenance;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Predicate;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: what once went wrong in Kudu with tables that are cut up, altered or dropped does not go wrong here.
 * Method: one short story for each, on a simulated host; the number is that of Kudu's issue.
 */
final class KuduTableRegressionTest {
    private OneTable one;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        one = new OneTable(random);
    }

    /** KUDU-3564: IN lists were pruned by the hash schema of the table where a range had its own: rows were missed. */
    @RepeatedTest(4)
    void anInListFindsRowsOfARangeWithHashLevelsOfItsOwn(@Seed SplittableRandom random) {
        PartitionSchema partitioning =
                PartitionSchema.of(Numbers.SCHEMA).hash(2, "id").range("id").build();
        Table table = one.engine()
                .createTable(TableSpec.of("t", partitioning)
                        .withRanges(List.of(
                                partitioning.between(0L, 50L),
                                partitioning
                                        .newRange()
                                        .from(50L)
                                        .before(100L)
                                        .hash(5, "id")
                                        .build())));
        Numbers.insertRange(table, 0, 100);
        for (int i = 0; i < 20; i++) {
            List<Long> wanted = LongStream.generate(() -> random.nextLong(100))
                    .limit(6)
                    .boxed()
                    .toList();
            assertEquals(
                    wanted.stream().distinct().sorted().toList(),
                    Numbers.ids(table.scan().where(Predicate.in(Numbers.SCHEMA, "id", wanted))));
        }
        one.engine().close();
    }

    /** KUDU-3569, KUDU-3570: a scan with an IN list met an ALTER, and crashed. */
    @Test
    void aScanWithAnInListGoesOnWhileItsColumnIsDropped() {
        one.create();
        one.insertMany(0, 3000);
        one.flush();
        one.insertMany(3000, 4000);
        List<String> texts = LongStream.range(0, 4000)
                .filter(id -> id % 3 == 0)
                .mapToObj(id -> "number " + id * id)
                .toList();
        List<Long> seen = new ArrayList<>();
        try (Scan scan = one.table()
                .scan()
                .where(Predicate.in(Numbers.SCHEMA, "text", texts))
                .open()) {
            assertTrue(scan.next());
            for (int row = 0; row < scan.batch().rowCount(); row++) {
                seen.add(scan.batch().column(0).getLong(row));
            }
            one.table().alter().dropColumn("text").commit();
            one.settle();
            Numbers.read(scan, seen);
        }
        seen.sort(null);
        assertEquals(LongStream.range(0, 4000).filter(id -> id % 3 == 0).boxed().toList(), seen);
        one.engine().close();
    }

    /** KUDU-3569: a scan with an IN list on a column whose changes went to other files meanwhile crashed. */
    @RepeatedTest(4)
    void aScanWithAnInListGoesOnWhileChangesOfItsColumnAreFlushed(@Seed SplittableRandom random) {
        scanWhile(random, () -> {});
    }

    /** KUDU-3569, the larger part: the same when rows and their changes were written to another file. */
    @RepeatedTest(4)
    void aScanWithAnInListGoesOnWhileItsRowSetIsWrittenAgain(@Seed SplittableRandom random) {
        scanWhile(random, () -> {
            CompletableFuture<?> compaction = one.table().compact();
            one.running().host().await(compaction::isDone);
            compaction.join();
            Map<String, Long> counters = one.engine().view().counters();
            assertEquals(1, counters.get("merges of one rowset with its changes"), counters::toString);
        });
    }

    /** The rows that are wanted change, and something happens then, in the middle of a scan of them. */
    private void scanWhile(SplittableRandom random, Runnable happening) {
        one.create();
        one.insertMany(0, 3000);
        one.flush();
        change(random, "wanted");
        one.flush(); // There is a delta file, and there will be another.
        List<Long> wanted = change(random, "wanted");
        List<Long> seen = new ArrayList<>();
        try (Scan scan = wantedOnes()) {
            assertTrue(scan.next());
            addIds(scan, seen);
            change(random, "unwanted");
            one.flush();
            happening.run();
            while (scan.next()) {
                addIds(scan, seen);
            }
        }
        seen.sort(null);
        assertEquals(wanted, seen);
        one.engine().close();
    }

    /** Sets the text of every second row or so; answers which rows are wanted now. */
    private List<Long> change(SplittableRandom random, String text) {
        try (WriteBatch batch = one.table().newBatch()) {
            for (long id = 0; id < 3000; id++) {
                if (random.nextBoolean()) {
                    batch.rows().start(UPDATE).setLong(0, id).setString(1, text).end();
                }
            }
            batch.commit().orThrow();
        }
        List<Long> wanted = new ArrayList<>();
        try (Scan scan = one.table().scan().open()) { // Looks at each text by itself.
            while (scan.next()) {
                for (int row = 0; row < scan.batch().rowCount(); row++) {
                    if (scan.batch().column(1).getString(row).equals("wanted")) {
                        wanted.add(scan.batch().column(0).getLong(row));
                    }
                }
            }
        }
        wanted.sort(null);
        return wanted;
    }

    private Scan wantedOnes() {
        return one.table()
                .scan()
                .where(Predicate.in(Numbers.SCHEMA, "text", List.of("wanted", "number 1", "nothing")))
                .where(Predicate.atLeast(Numbers.SCHEMA, "id", 0L))
                .where(Predicate.in(Numbers.SCHEMA, "text", List.of("wanted", "nothing")))
                .open();
    }

    private static void addIds(Scan scan, List<Long> target) {
        for (int row = 0; row < scan.batch().rowCount(); row++) {
            target.add(scan.batch().column(0).getLong(row));
        }
    }

    /** KUDU-1978: what was deleted was rounded up to whole blocks, and bytes of its neighbour went with it. */
    @Test
    void aDeletedFileTakesNothingFromItsNeighbours() {
        Path rowSets = World.DIRECTORY.resolve("rowsets");
        Map<Path, byte[]> kept = new HashMap<>();
        for (int i = 0; i < 6; i++) {
            Table table = one.engine().createTable("t" + i, Numbers.SCHEMA);
            Numbers.insertRange(table, 0, 100 + i);
            Numbers.flush(one.running(), table);
            for (Path file : one.world().disk().list(rowSets)) {
                if (i % 2 == 1) {
                    kept.computeIfAbsent(file, one.world().disk()::contents);
                }
            }
            if (i % 2 == 0) {
                one.engine().dropTable("t" + i);
                one.settle();
            }
        }
        assertEquals(3, kept.size());
        kept.forEach(
                (file, bytes) -> assertArrayEquals(bytes, one.world().disk().contents(file), file::toString));
        one.reopen();
        for (int i = 1; i < 6; i += 2) {
            Table table = one.engine().table("t" + i).orElseThrow();
            assertEquals(Numbers.list(0, 100 + i), Numbers.ids(table.scan()));
        }
        one.engine().close();
    }

    /** KUDU-3619: deltas that only deleted rows, and set no column, broke what was made of them. */
    @Test
    void changesMayBeDeletionsOnly() {
        one.create();
        one.insertMany(0, 1500);
        one.flush();
        delete(LongStream.range(0, 1500).filter(id -> id % 3 != 0));
        one.flush();
        List<Long> left =
                LongStream.range(0, 1500).filter(id -> id % 3 == 0).boxed().toList();
        assertEquals(left, Numbers.ids(one.table().scan()));
        delete(left.stream().mapToLong(Long::longValue));
        one.flush();
        one.reopen();
        assertEquals(List.of(), Numbers.ids(one.table().scan()));
        assertEquals(0, one.table().statistics().liveRowCount());
        one.insertMany(0, 1500); // All of them may come back.
        assertEquals(Numbers.list(0, 1500), Numbers.ids(one.table().scan()));
        one.engine().close();
    }

    /** The same where what is made of them are other delta files, a rowset, or nothing. */
    @ParameterizedTest
    @EnumSource
    void deltaFilesWithDeletionsOnlyAreCompacted(DeletionsBecome become) {
        Table table = one.create();
        one.insertMany(0, 1500);
        one.flush();
        long whole = table.latest();
        TreeSet<Long> left = new TreeSet<>(Numbers.list(0, 1500));
        for (long round = 0; round < 3; round++) {
            List<Long> gone = round == 2 && become == DeletionsBecome.NOTHING
                    ? List.copyOf(left)
                    : LongStream.iterate(round, id -> id < 1500, id -> id + 4)
                            .boxed()
                            .toList();
            delete(gone.stream().mapToLong(Long::longValue));
            gone.forEach(left::remove);
            one.flush();
        }
        long deleted = table.latest();
        RowSetEntry rowSet = onlyRowSet(table).orElseThrow();
        assertEquals(3, rowSet.deltas().size());
        List<Long> deltaFiles =
                rowSet.deltas().stream().map(DeltaFileEntry::fileId).toList();
        compact(become, table, List.of(rowSet.fileId()), deltaFiles);
        for (int i = 0; i < 2; i++) {
            assertEquals(List.copyOf(left), Numbers.ids(one.table().scan()));
            assertEquals(left.size(), one.table().statistics().liveRowCount());
            Optional<RowSetEntry> after = onlyRowSet(one.table());
            switch (become) {
                case ONE_FILE -> assertEquals(1, after.orElseThrow().deltas().size());
                case ROWSET -> assertEquals(List.of(), after.orElseThrow().deltas());
                case NOTHING -> assertEquals(Optional.empty(), after);
            }
            if (become != DeletionsBecome.NOTHING) {
                assertEquals(List.copyOf(left), Numbers.ids(one.table().scan().at(deleted)));
                assertEquals(
                        Numbers.list(0, 1500), Numbers.ids(one.table().scan().at(whole)));
            }
            one.reopen();
        }
        Numbers.insert(
                        one.table(),
                        LongStream.range(0, 1500)
                                .filter(id -> !left.contains(id))
                                .toArray())
                .orThrow();
        assertEquals(Numbers.list(0, 1500), Numbers.ids(one.table().scan()));
        one.engine().close();
    }

    private void compact(DeletionsBecome become, Table table, List<Long> rowSet, List<Long> deltaFiles) {
        Maintenance maintenance = one.engine().maintenance();
        CompletableFuture<?> compaction =
                switch (become) {
                    case ONE_FILE ->
                        maintenance.merge(tablet(table), new MergePolicy.Choice(rowSet, deltaFiles, 1, 1, "asked for"));
                    case ROWSET -> maintenance.merge(tablet(table), rowSet);
                    case NOTHING -> table.vacuum();
                };
        one.running().host().await(compaction::isDone);
        compaction.join();
    }

    /** What delta files become that have nothing but deletions. */
    enum DeletionsBecome {
        ONE_FILE,
        ROWSET,
        NOTHING
    }

    private static Tablet tablet(Table table) {
        return table.state().tablets().getFirst().tablet();
    }

    private static Optional<RowSetEntry> onlyRowSet(Table table) {
        List<RowSetEntry> entries = TabletView.rowSets(tablet(table));
        assertTrue(entries.size() <= 1, entries::toString);
        return entries.stream().findFirst();
    }

    private void delete(LongStream ids) {
        try (WriteBatch batch = one.table().newBatch()) {
            ids.forEach(id -> batch.rows().start(DELETE).setLong(0, id).end());
            batch.commit().orThrow();
        }
    }

    /** KUDU-3495: an UPSERT that was put together for an older schema set columns that it did not know to NULL. */
    @Test
    void anUpsertOfAnOlderSchemaSetsNothingThatItDoesNotKnow() {
        one.create();
        try (WriteBatch old = one.table().newBatch()) {
            one.table()
                    .alter()
                    .addColumn(Column.of("price", ColumnType.INT64).nullable())
                    .commit();
            try (WriteBatch batch = one.table().newBatch()) {
                batch.rows().start(UPSERT).setLong(0, 1).setLong(2, 99).end();
                batch.commit().orThrow();
            }
            old.rows().start(UPSERT).setLong(0, 1).setString(1, "one").end();
            assertThrows(TableChangedException.class, old::commit);
        }
        try (Scan scan = one.table().scan().project("price").open()) {
            assertTrue(scan.next());
            assertEquals(99, scan.batch().column(0).getLong(0));
        }
        one.engine().close();
    }

    /** KUDU-3535: what had been dropped still kept the log in memory and on disk. */
    @Test
    void aDroppedTableKeepsNothingOfTheLog() {
        Table other = one.engine().createTable("other", Numbers.SCHEMA);
        one.create();
        Numbers.insertRange(one.table(), 0, 10); // Never flushed: the log is needed for it.
        long rows = 0;
        while (segments() < 5) {
            Numbers.insertRange(other, rows, rows + 100);
            rows += 100;
        }
        Numbers.flush(one.running(), other);
        one.settle();
        assertEquals(0, one.table().statistics().rowSetCount());
        int before = segments();
        one.engine().dropTable("t");
        Numbers.insertRange(other, rows, rows + 100);
        Numbers.flush(one.running(), other);
        one.settle();
        assertTrue(segments() < before, () -> segments() + " files of the log, there were " + before);
        one.reopen();
        assertEquals(
                Numbers.list(0, rows + 100),
                Numbers.ids(one.engine().table("other").orElseThrow().scan()));
        one.engine().close();
    }

    private int segments() {
        return (int) one.world().disk().list(World.DIRECTORY.resolve("wal")).stream()
                .filter(path -> path.toString().matches(".*(wal|sealed)"))
                .count();
    }

    /** KUDU-3268: a tablet was taken from maintenance while one of its operations was about to run, or a merge. */
    @RepeatedTest(10)
    void aTabletMayLeaveMaintenanceAtAnyMoment(@Seed SplittableRandom random) {
        Table other = one.engine().createTable("other", Numbers.SCHEMA);
        for (int i = 0; i < 8; i++) {
            one.create();
            if (i % 2 == 1) {
                Numbers.insert(one.table(), 0, 20).orThrow();
                one.flush();
                Numbers.insert(one.table(), 10, 30).orThrow();
                one.flush();
                var _ = one.table().compact();
            }
            Numbers.insertRange(one.table(), 1, 10);
            Numbers.insertRange(other, i * 20L, (i + 1) * 20L);
            var _ = one.table().flush();
            var _ = other.flush();
            for (int step = random.nextInt(60); step > 0; step--) {
                one.running().host().step();
            }
            one.engine().dropTable("t");
        }
        Numbers.flush(one.running(), other);
        one.settle();
        assertEquals(other.statistics().rowSetCount(), one.files().size());
        assertEquals(Numbers.list(0, 160), Numbers.ids(other.scan()));
        one.engine().close();
    }
}
