package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.Notes;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import io.nyala.wal.CorruptLogException;
import io.nyala.wal.SegmentFormat;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: a flipped byte in a log of an engine is an error that names file and offset, or the log was not closed, and a
 * prefix is found that has everything acknowledged, also the answers; verify says which; and an open that was refused
 * has changed nothing. Method: two sessions with tables, flushes and commits, closed in order or cut off by a power
 * cut; then each byte of the storage log, or of the write-ahead log, is wrong once, on a copy of the disk of its own.
 */
final class FlippedLogTest {
    /** One of so many bytes is flipped, those of padding left out, of which it is one of each; in the soak all. */
    private static final int STRIDE = 83;

    private static final String NOTHING = "nothing is wrong";

    /** Histories that are drawn to find one that fits; most do. */
    private static final int DRAWS_MAX = 100;

    /** Two sessions on one disk, and what must be found there. */
    private static final class History {
        final SplittableRandom random;
        final World world;
        final List<Long> acknowledged = new ArrayList<>();
        final List<Long> other = new ArrayList<>();

        /** Commits that nobody was told of, in their order, each of two ids. */
        final List<List<Long>> unacknowledged = new ArrayList<>();

        boolean hasFreshAnswers;

        static History of(SplittableRandom random, boolean isClosed) {
            for (int i = 0; i < DRAWS_MAX; i++) {
                var history = new History(random, isClosed);
                if (!history.hasFreshAnswers) {
                    return history;
                }
            }
            throw new AssertionError("each of " + DRAWS_MAX + " power cuts came just behind an answer");
        }

        private History(SplittableRandom random, boolean isClosed) {
            this.random = random;
            this.world = new World(random.split()).withoutOwnFlushes();
            World.Running running = world.open();
            Table numbers = running.engine().createTable("numbers", Numbers.SCHEMA);
            commit(numbers, acknowledged, 20);
            Numbers.flush(running, numbers);
            commit(numbers, acknowledged, 5);
            running.engine().close();

            running = world.open();
            numbers = running.engine().table("numbers").orElseThrow();
            Table others = running.engine().createTable("others", Numbers.SCHEMA);
            commit(others, other, 10);
            commit(numbers, acknowledged, 10);
            Numbers.flush(running, others);
            commit(numbers, acknowledged, 5);
            running.engine().createTable("last", Numbers.SCHEMA);
            settle(running);
            if (isClosed) {
                running.engine().close();
            } else {
                cutPower(running, numbers);
            }
        }

        private void commit(Table table, List<Long> target, int count) {
            for (int i = 0; i < count; i++) {
                long id = target.size();
                insert(table, id).orThrow();
                target.add(id);
            }
        }

        /** Under a name of its own: an answer that was lost would be an error the second time. */
        static CommitResult insert(Table table, long id) {
            try (WriteBatch batch = table.newBatch()) {
                Numbers.fill(batch, id);
                return batch.request(Requests.name(7, id)).commit();
            }
        }

        /** Lets the logs note that everything is durable, as they do when nothing else is to be done. */
        private static void settle(World.Running running) {
            for (int i = 0; i < 2000; i++) {
                running.host().step();
            }
        }

        private void cutPower(World.Running running, Table numbers) {
            long next = acknowledged.size();
            List<CompletableFuture<CommitResult>> results = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                WriteBatch batch = numbers.newBatch();
                unacknowledged.add(List.of(next, next + 1));
                Numbers.fill(batch, next, next + 1);
                results.add(batch.commitAsync());
                next += 2;
            }
            for (int i = random.nextInt(60); i > 0; i--) {
                running.host().step();
            }
            // What was answered just now is acknowledged, but no record says so yet: a flip there could not be noticed.
            hasFreshAnswers = results.stream().anyMatch(CompletableFuture::isDone);
            world.disk().powerCut();
            try {
                running.engine().close();
            } catch (PowerCutException | IllegalStateException _) {
                // What it can do without power does not matter.
            }
            world.disk().restart();
        }

        /** What may be found: everything acknowledged, and some of the other commits, in their order. */
        boolean allows(List<Long> found) {
            List<Long> expected = new ArrayList<>(acknowledged);
            for (List<Long> commit : unacknowledged) {
                if (found.equals(expected)) {
                    return true;
                }
                expected.addAll(commit);
            }
            return found.equals(expected);
        }
    }

    @ParameterizedTest
    @CsvSource({"storage, true", "storage, false", "wal, true", "wal, false"})
    void aFlippedByteIsAnErrorOrLosesNothingAcknowledged(String log, boolean isClosed, @Seed SplittableRandom random) {
        flipAll(History.of(random, isClosed), log, isClosed, STRIDE);
    }

    @Tag("soak")
    @ParameterizedTest
    @CsvSource({"storage, true", "storage, false", "wal, true", "wal, false"})
    void aFlippedByteIsAnErrorOrLosesNothingAcknowledgedSoak(
            String log, boolean isClosed, @Seed SplittableRandom random) {
        flipAll(History.of(random, isClosed), log, isClosed, 1);
    }

    private static void flipAll(History history, String log, boolean isClosed, int stride) {
        SimulatedDisk disk = history.world.disk();
        int phase = history.random.nextInt(stride);
        boolean isAnyNoticed = false;
        for (Path path : disk.list(World.DIRECTORY.resolve(log))) {
            if (!path.toString().matches(".*(wal|sealed)")) {
                continue;
            }
            String unnoticed = null;
            for (long at : live(disk.contents(path), stride, phase)) {
                String flip = "the flip of byte " + at + " of " + path;
                if (isRefused(history, path, at)) {
                    isAnyNoticed = true;
                    assertNull(unnoticed, flip + " was noticed, but not one before it, which costs more");
                } else {
                    assertFalse(isClosed, flip + " was not noticed, and the log was closed");
                    unnoticed = flip;
                }
            }
        }
        assertTrue(isAnyNoticed);
    }

    /** Refused, for a reason that verify says too; otherwise a prefix is found that has everything acknowledged. */
    private static boolean isRefused(History history, Path path, long at) {
        SimulatedDisk disk = history.world.disk().afterPowerCut(history.random.nextLong());
        var world = new World(history.random.split(), disk).withoutOwnFlushes();
        int bit = history.random.nextInt(8);
        String what = "bit " + bit + " of byte " + at + " of " + path;
        disk.flipBit(path, at, bit);
        boolean isRefused = false;
        String said = history.random.nextInt(4) == 0 ? said(disk) : null; // It reads the rowsets as well.
        String refusal = NOTHING;
        try {
            check(history, world.open(), what);
        } catch (CorruptLogException e) {
            assertEquals(path, e.file(), what);
            assertTrue(e.offset() <= at, what + " was found at " + e.offset());
            refusal = e.toString();
            isRefused = true;
        }
        assertEquals(refusal, said == null ? refusal : said, what + ": what open says, and what verify says");
        assertEquals(0, disk.openFileCount(), what);
        if (isRefused && history.random.nextInt(16) == 0) {
            disk.flipBit(path, at, bit);
            check(history, world.open(), "after an open that was refused: " + what);
        }
        return isRefused;
    }

    private static String said(SimulatedDisk disk) {
        List<RuntimeException> defects = Verification.of(World.DIRECTORY, disk).defects();
        return defects.isEmpty() ? NOTHING : defects.getFirst().toString();
    }

    private static void check(History history, World.Running running, String what) {
        assertEquals(3, running.engine().tables().size(), what);
        List<Long> found =
                Numbers.ids(running.engine().table("numbers").orElseThrow().scan());
        assertTrue(history.allows(found), () -> what + ": " + found);
        long repeated = history.acknowledged.get(history.random.nextInt(history.acknowledged.size()));
        assertFalse(
                History.insert(running.engine().table("numbers").orElseThrow(), repeated)
                        .hasErrors(),
                () -> what + ": the answer for " + repeated);
        assertEquals(
                history.other,
                Numbers.ids(running.engine().table("others").orElseThrow().scan()),
                what);
        running.engine().close();
    }

    /** Which bytes of a segment to flip: of its header and records each {@code stride}-th, of zeros some. */
    private static List<Long> live(byte[] segment, int stride, int phase) {
        List<Long> live = new ArrayList<>();
        SegmentFormat.annotate(MemorySegment.ofArray(segment), new Notes() {
            private boolean isDead;

            @Override
            public void note(long offset, int bytes, String text) {
                boolean isPadding = stride > 1 && (text.startsWith("zero") || text.startsWith("padding"));
                for (int i = 0; i < bytes && !isDead; i++) {
                    if (isPadding ? i == phase : (offset + i) % stride == phase) {
                        live.add(offset + i);
                    }
                }
            }

            @Override
            public void section(String title) {
                isDead = title.startsWith("no record");
            }

            @Override
            public void endSection() {}
        });
        return live;
    }
}
