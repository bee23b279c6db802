package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergePolicy;
import io.nyala.io.DiskException.Kind;
import io.nyala.memory.MemoryLeakException;
import io.nyala.simulation.PowerCutException;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: whichever call of the disk fails while delta files become one, or a rowset is written again with its changes,
 * and whenever the power is cut, each state of the rows is there as before, and no file stays that nobody has.
 * Method: the same few changes and their merge by seed, once for each call of the merge.
 */
final class DeltaMergeFaultsTest {
    private static final int FILES = 4;

    /** A table with a rowset and some delta files. */
    private static final class Story {
        private final World world;
        private final TreeMap<Long, TreeMap<Long, String>> rounds = new TreeMap<>();
        private final TreeMap<Long, String> rows = new TreeMap<>();
        private World.Running running;
        private Table table;

        /** Whether the rowset is written again; else its delta files become one. */
        private final boolean isMajor;

        Story(long seed, boolean isMajor) {
            this.isMajor = isMajor;
            world = new World(new SplittableRandom(seed)).withoutOwnFlushes();
            running = world.open();
            table = running.engine().createTable("t", Numbers.SCHEMA);
            Numbers.insertRange(table, 0, 20);
            for (long id = 0; id < 20; id++) {
                rows.put(id, Numbers.text(id));
            }
            flush();
            for (int i = 0; i < FILES; i++) {
                change(i);
            }
            assertEquals(FILES, rowSet().deltas().size());
        }

        private void change(int round) {
            try (WriteBatch batch = table.newBatch()) {
                for (long id = round; id < 20; id += 3) {
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
                batch.rows().start(DELETE).setLong(0, 19 - round).end();
                rows.remove(19L - round);
                batch.commit().orThrow();
            }
            flush();
        }

        private void flush() {
            Numbers.flush(running, table);
            rounds.put(table.latest(), new TreeMap<>(rows));
        }

        private Tablet tablet() {
            return table.state().tablets().getFirst().tablet();
        }

        private RowSetEntry rowSet() {
            return TabletView.rowSets(tablet()).getFirst();
        }

        /** Until the files that were merged are deleted. */
        void merge() {
            mergeOnly();
            for (int i = 0; i < 100; i++) {
                running.host().step();
            }
        }

        private void mergeOnly() {
            List<Long> files = isMajor
                    ? List.of()
                    : rowSet().deltas().stream().map(DeltaFileEntry::fileId).toList();
            var choice = new MergePolicy.Choice(List.of(rowSet().fileId()), files, 1, 1, "asked for");
            CompletableFuture<Boolean> merged = running.engine().maintenance().merge(tablet(), choice);
            running.host().await(merged::isDone);
            assertTrue(merged.isCompletedExceptionally() || merged.join());
        }

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
        }

        void check() {
            for (Map.Entry<Long, TreeMap<Long, String>> round : rounds.entrySet()) {
                TreeMap<Long, String> found = new TreeMap<>();
                try (Scan scan = table.scan().at(round.getKey()).open()) {
                    while (scan.next()) {
                        for (int row = 0; row < scan.batch().rowCount(); row++) {
                            found.put(
                                    scan.batch().column(0).getLong(row),
                                    scan.batch().column(1).getString(row));
                        }
                    }
                }
                assertEquals(round.getValue(), found, () -> "at " + round.getKey());
            }
        }

        void checkFiles() {
            Path directory =
                    Objects.requireNonNull(tablet().files().getFirst().getParent(), "files are in a directory");
            Set<Path> owned = new HashSet<>(tablet().files());
            assertEquals(owned, new HashSet<>(world.disk().list(directory)));
        }
    }

    /** Calls of the disk of a merge that nothing happens to. */
    private static long callCount(long seed, boolean isMajor) {
        var story = new Story(seed, isMajor);
        long before = story.world.disk().callCount();
        story.merge();
        long count = story.world.disk().callCount() - before;
        assertEquals(isMajor ? 0 : 1, story.rowSet().deltas().size());
        long copied = story.running.engine().view().counters().getOrDefault("pages copied by merges", -1L);
        assertTrue(isMajor ? copied > 2 : copied == 0, () -> copied + " pages");
        story.check();
        story.checkFiles();
        story.restart();
        story.check();
        story.checkFiles();
        story.running.engine().close();
        assertEquals(0, story.world.disk().openFileCount());
        assertTrue(count >= 8, () -> count + " calls");
        return count;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void wheneverThePowerIsCutTheStatesOfTheRowsAreThere(boolean isMajor, @Seed SplittableRandom random) {
        long seed = random.nextLong();
        Set<Integer> fileCounts = new HashSet<>();
        for (long call = callCount(seed, isMajor) - 1; call >= 0; call--) {
            var story = new Story(seed, isMajor);
            story.world.disk().cutPowerAtCall(story.world.disk().callCount() + call);
            try {
                story.merge();
            } catch (PowerCutException _) {
                // As planned.
            }
            story.restart();
            fileCounts.add(story.rowSet().deltas().size());
            story.check();
            story.checkFiles();
            Verification.of(World.DIRECTORY, story.world.disk()).assertAllInOrder();
            story.running.engine().close();
            assertEquals(0, story.world.disk().openFileCount(), "call " + call);
        }
        assertEquals(Set.of(isMajor ? 0 : 1, FILES), fileCounts, "it is as before the merge, or as after it");
    }

    /** Of what is not synced each cut lets something else survive. */
    @RepeatedTest(8)
    void whatWasMergedOutlivesAPowerCut(@Seed SplittableRandom random) {
        boolean isMajor = random.nextBoolean();
        var story = new Story(random.nextLong(), isMajor);
        story.mergeOnly();
        story.world.disk().powerCut();
        story.restart();
        story.check();
        assertEquals(isMajor ? 0 : 1, story.rowSet().deltas().size());
        story.running.engine().close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whicheverCallFailsTheStatesOfTheRowsAreThere(boolean isMajor, @Seed SplittableRandom random) {
        long seed = random.nextLong();
        for (long call = callCount(seed, isMajor) - 1; call >= 0; call--) {
            var story = new Story(seed, isMajor);
            Kind kind = random.nextBoolean() ? Kind.IO_ERROR : Kind.NO_SPACE;
            story.world.disk().failCall(story.world.disk().callCount() + call, kind);
            story.merge();
            story.check();
            story.restart();
            story.check();
            story.checkFiles();
            story.merge();
            story.check();
            story.running.engine().close();
            assertEquals(0, story.world.disk().openFileCount(), "call " + call);
        }
    }
}
