package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergePolicy;
import io.nyala.io.DiskException.Kind;
import io.nyala.memory.MemoryLeakException;
import io.nyala.simulation.PowerCutException;
import io.nyala.table.AncientSnapshotException;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: whichever call of the disk fails while rowsets or delta files become others, or give up their history, and
 * whenever the power is cut, each state of the rows is there as before, but for what was to be forgotten, and no file
 * stays that nobody has.
 * Method: the same few changes and their merge by seed, once for each call of the merge, or for every few of them.
 */
final class MergeFaultsTest {
    private static final int FILES = 4;
    private static final int ROWS = 20;

    /** Of so many calls of a merge one is tried in each build, all in the long run. */
    private static final int STRIDE_MAX = 4;

    /** What becomes what. */
    enum What {
        /** Delta files become one. */
        MINOR(1, 1),
        /** A rowset is written again with its changes. */
        MAJOR(1, 0),
        /** Rowsets that overlap become one, with their changes. */
        SEVERAL(1, 0),
        /** A rowset without changes is written again without what was before. */
        SPACE(1, 0),
        /** A rowset of which all rows are deleted goes unread. */
        DROPPED(0, 0);

        private final int rowSets;
        private final int deltaFiles;

        /** What is left of it. */
        What(int rowSets, int deltaFiles) {
            this.rowSets = rowSets;
            this.deltaFiles = deltaFiles;
        }

        boolean forgets() {
            return this == SPACE || this == DROPPED;
        }
    }

    /** Files of a tablet: of rowsets, and of changes beside them. */
    private record Shape(List<Long> rowSets, List<Long> deltaFiles) {
        static Shape of(Tablet tablet) {
            List<RowSetEntry> entries = TabletView.rowSets(tablet);
            return new Shape(
                    entries.stream().map(RowSetEntry::fileId).toList(),
                    entries.stream()
                            .flatMap(entry -> entry.deltas().stream().map(DeltaFileEntry::fileId))
                            .toList());
        }
    }

    /** A table with rowsets and delta files that are to be merged. */
    private static final class Story {
        private final World world;
        private final TreeMap<Long, TreeMap<Long, String>> rounds = new TreeMap<>();
        private final TreeMap<Long, String> rows = new TreeMap<>();
        private final What what;
        private final Shape before;
        private World.Running running;
        private Table table;
        private boolean isForgotten;

        Story(long seed, What what) {
            this.what = what;
            world = new World(new SplittableRandom(seed)).withoutOwnFlushes();
            running = world.open();
            table = running.engine().createTable("t", Numbers.SCHEMA);
            int parts = what == What.SEVERAL ? 2 : 1;
            for (int i = 0; i < parts; i++) {
                int part = i;
                insert(LongStream.range(0, ROWS)
                        .filter(id -> id % parts == part)
                        .toArray());
            }
            for (int i = 0; i < FILES; i++) {
                change(i);
            }
            if (what == What.SPACE) {
                merge(choice(shape().rowSets(), List.of())); // Its changes are history in its file now.
                assertEquals(0, shape().deltaFiles().size());
            } else if (what == What.DROPPED) {
                deleteAll();
            }
            before = shape();
        }

        private void insert(long... ids) {
            Numbers.insert(table, ids).orThrow();
            for (long id : ids) {
                rows.put(id, Numbers.text(id));
            }
            flush();
        }

        private void change(int round) {
            try (WriteBatch batch = table.newBatch()) {
                for (long id = round; id < ROWS; id += 3) {
                    if (rows.containsKey(id)) {
                        String text = "round " + round + " of " + id;
                        batch.rows()
                                .start(UPDATE)
                                .setLong(0, id)
                                .setString(1, text)
                                .end();
                        rows.put(id, text);
                    }
                }
                batch.rows().start(DELETE).setLong(0, ROWS - 1 - round).end();
                rows.remove(ROWS - 1L - round);
                batch.commit().orThrow();
            }
            flush();
        }

        private void deleteAll() {
            try (WriteBatch batch = table.newBatch()) {
                rows.keySet()
                        .forEach(id -> batch.rows().start(DELETE).setLong(0, id).end());
                batch.commit().orThrow();
            }
            rows.clear();
            flush();
        }

        private void flush() {
            Numbers.flush(running, table);
            rounds.put(table.latest(), new TreeMap<>(rows));
        }

        private Tablet tablet() {
            return table.state().tablets().getFirst().tablet();
        }

        Shape shape() {
            return Shape.of(tablet());
        }

        private static MergePolicy.Choice choice(List<Long> rowSets, List<Long> deltaFiles) {
            return new MergePolicy.Choice(rowSets, deltaFiles, 1, 1, "asked for");
        }

        /** Until the files that were merged are deleted. */
        void merge() {
            mergeOnly();
            for (int i = 0; i < 100; i++) {
                running.host().step();
            }
        }

        private void mergeOnly() {
            Shape present = shape();
            if (what.forgets()) {
                isForgotten = true;
                await(table.vacuum().thenApply(_ -> true));
            } else {
                merge(choice(present.rowSets(), what == What.MINOR ? present.deltaFiles() : List.of()));
            }
        }

        private void merge(MergePolicy.Choice choice) {
            await(running.engine().maintenance().merge(tablet(), choice));
        }

        private void await(CompletableFuture<Boolean> merged) {
            running.host().await(merged::isDone);
            assertTrue(merged.isCompletedExceptionally() || merged.join());
        }

        /** Of states before the last, if they were to be forgotten: when that was asked for, or has come about. */
        void restart() {
            try {
                running.engine().close();
            } catch (PowerCutException | IllegalStateException | MemoryLeakException _) {
                // What it can do without power does not matter.
            }
            if (world.disk().isOff()) {
                world.disk().restart();
            }
            world.disk().cutPowerAtCall(Long.MAX_VALUE);
            world.disk().forgetFailures();
            running = world.open();
            table = running.engine().table("t").orElseThrow();
            isForgotten = what.forgets() && isMerged();
        }

        /** Whether the files are those of after the merge: if not, they are those of before. */
        boolean isMerged() {
            Shape present = shape();
            boolean isMerged = !present.equals(before);
            if (isMerged) {
                assertEquals(what.rowSets, present.rowSets().size(), "rowsets");
                assertEquals(what.deltaFiles, present.deltaFiles().size(), "delta files");
            }
            return isMerged;
        }

        void check() {
            for (Map.Entry<Long, TreeMap<Long, String>> round : rounds.entrySet()) {
                boolean isLast = round.getKey().equals(rounds.lastKey());
                if (isLast || !isForgotten) {
                    ScanBuilder builder = isLast ? table.scan() : table.scan().at(round.getKey());
                    assertEquals(round.getValue(), read(builder), () -> "at " + round.getKey());
                } else {
                    ScanBuilder refused = table.scan().at(round.getKey());
                    assertThrows(AncientSnapshotException.class, () -> read(refused));
                }
            }
        }

        private static Map<Long, String> read(ScanBuilder builder) {
            TreeMap<Long, String> found = new TreeMap<>();
            try (Scan scan = builder.open()) {
                while (scan.next()) {
                    for (int row = 0; row < scan.batch().rowCount(); row++) {
                        found.put(
                                scan.batch().column(0).getLong(row),
                                scan.batch().column(1).getString(row));
                    }
                }
            }
            return found;
        }

        void checkFiles() {
            Path directory = World.DIRECTORY.resolve("rowsets");
            assertEquals(
                    new HashSet<>(tablet().files()), new HashSet<>(world.disk().list(directory)));
        }

        void end() {
            running.engine().close();
            assertEquals(0, world.disk().openFileCount(), "files are left open");
        }
    }

    /** Calls of the disk of a merge that nothing happens to. */
    private static long callCount(long seed, What what) {
        var story = new Story(seed, what);
        long before = story.world.disk().callCount();
        story.merge();
        long count = story.world.disk().callCount() - before;
        assertTrue(story.isMerged());
        long copied = story.running.engine().view().counters().getOrDefault("pages copied by merges", -1L);
        assertTrue(what == What.MAJOR ? copied > 2 : what != What.MINOR || copied == 0, () -> copied + " pages");
        story.check();
        story.checkFiles();
        story.restart();
        assertTrue(story.isMerged());
        story.check();
        story.checkFiles();
        story.end();
        assertTrue(count >= (what == What.DROPPED ? 2 : 8), () -> count + " calls");
        return count;
    }

    @ParameterizedTest
    @EnumSource
    void wheneverThePowerIsCutTheStatesOfTheRowsAreThere(What what, @Seed SplittableRandom random) {
        cutPower(what, random, random.nextInt(2, STRIDE_MAX + 1));
    }

    @Tag("soak")
    @RepeatedTest(20)
    void wheneverThePowerIsCutTheStatesOfTheRowsAreThereSoak(@Seed SplittableRandom random) {
        EnumSet.allOf(What.class).forEach(what -> cutPower(what, random, 1));
    }

    /** At every so-manieth call, the last ones included. */
    private static void cutPower(What what, SplittableRandom random, int stride) {
        long seed = random.nextLong();
        Set<Boolean> merged = new HashSet<>();
        for (long call = callCount(seed, what) - 1; call >= 0; call -= stride) {
            var story = new Story(seed, what);
            story.world.disk().cutPowerAtCall(story.world.disk().callCount() + call);
            try {
                story.merge();
            } catch (PowerCutException _) {
                // As planned.
            }
            story.restart();
            merged.add(story.isMerged());
            story.check();
            story.checkFiles();
            Verification.of(World.DIRECTORY, story.world.disk()).assertAllInOrder();
            story.end();
        }
        assertTrue(merged.contains(true) && (stride > 1 || merged.contains(false)), () -> what + " " + merged);
    }

    /** Of what is not synced each cut lets something else survive. */
    @RepeatedTest(8)
    void whatWasMergedOutlivesAPowerCut(@Seed SplittableRandom random) {
        What what = What.values()[random.nextInt(What.values().length)];
        var story = new Story(random.nextLong(), what);
        story.mergeOnly();
        story.world.disk().powerCut();
        story.restart();
        assertTrue(story.isMerged());
        story.check();
        story.end();
    }

    @ParameterizedTest
    @EnumSource
    void whicheverCallFailsTheStatesOfTheRowsAreThere(What what, @Seed SplittableRandom random) {
        failCalls(what, random, random.nextInt(2, STRIDE_MAX + 1));
    }

    @Tag("soak")
    @RepeatedTest(20)
    void whicheverCallFailsTheStatesOfTheRowsAreThereSoak(@Seed SplittableRandom random) {
        EnumSet.allOf(What.class).forEach(what -> failCalls(what, random, 1));
    }

    private static void failCalls(What what, SplittableRandom random, int stride) {
        long seed = random.nextLong();
        for (long call = callCount(seed, what) - 1; call >= 0; call -= stride) {
            var story = new Story(seed, what);
            Kind kind = random.nextBoolean() ? Kind.IO_ERROR : Kind.NO_SPACE;
            story.world.disk().failCall(story.world.disk().callCount() + call, kind);
            story.merge();
            story.check();
            story.restart();
            story.check();
            story.checkFiles();
            story.merge();
            story.check();
            story.end();
        }
    }
}
