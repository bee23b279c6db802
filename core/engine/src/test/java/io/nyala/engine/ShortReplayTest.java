package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException.Kind;
import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: a start reads of the log what some tablet needs, and misses nothing of it.
 * Method: an idle table whose one row keeps the log, and another that is flushed again and again; the simulated disk
 * tells what the next start reads.
 */
final class ShortReplayTest {
    /** Takes the log on by more than one of its segments, which have 128 KiB. */
    private static final int ROWS_PER_SEGMENT = 2500;

    private static final int ROUNDS = 4;
    private static final long SEGMENT_BYTES = World.config().logSegmentBytes();

    /** Its header and START, of which each has a sector. */
    private static final int PEEK_BYTES = 2 * 4096;

    private static final Path WAL = World.DIRECTORY.resolve("wal");

    private OneTable one;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        one = new OneTable(random);
        Numbers.insertRange(one.create(), 0, 1); // Idle from now on.
        one.engine().createTable("busy", Numbers.SCHEMA);
        for (int round = 0; round < ROUNDS; round++) {
            Table busy = busy();
            for (int id = 0; id < ROWS_PER_SEGMENT; id += 500) {
                Numbers.insertRange(
                        busy, (long) round * ROWS_PER_SEGMENT + id, (long) round * ROWS_PER_SEGMENT + id + 500);
            }
            Numbers.flush(one.running(), busy);
            one.settle();
        }
    }

    private Table busy() {
        return one.engine().table("busy").orElseThrow();
    }

    private List<Path> segments() {
        return one.world().disk().list(WAL).stream()
                .filter(path -> path.toString().matches(".*(wal|sealed)"))
                .toList();
    }

    /** Bytes of the log that are read by what is done. Each call is looked at: the disk's trace keeps the last few. */
    private long readBytes(Runnable start) {
        long[] bytes = {0};
        Predicate<Call> counting = call -> {
            bytes[0] += call.operation() == Operation.READ && call.path().startsWith(WAL) ? call.bytes() : 0;
            return false; // Nothing fails.
        };
        one.world().disk().failNext(counting, Kind.OTHER);
        start.run();
        one.world().disk().forgetFailures();
        return bytes[0];
    }

    private void assertAllIsThere() {
        assertEquals(1, Numbers.ids(one.table().scan()).size());
        assertEquals(ROUNDS * ROWS_PER_SEGMENT, Numbers.ids(busy().scan()).size());
    }

    @Test
    void aStartReadsOnlySegmentsThatHoldSomethingNeeded() {
        int kept = segments().size();
        assertTrue(kept >= ROUNDS, segments() + " are kept by one row");
        long read = readBytes(one::reopen);
        // Of each segment its beginning; whole are the oldest, which holds the row, and the newest two.
        long atMost = 3 * SEGMENT_BYTES + (long) kept * 3 * PEEK_BYTES;
        assertTrue(read > kept * (long) PEEK_BYTES, read + " bytes read of " + kept + " segments");
        assertTrue(read <= atMost, read + " bytes read of " + kept + " segments, expected " + atMost);
        assertAllIsThere();
    }

    @Test
    void nothingIsMissedAfterAPowerCut() {
        one.powerCut();
        assertAllIsThere();
        Numbers.insertRange(busy(), 1_000_000, 1_000_001);
        one.powerCut();
        assertEquals(ROUNDS * ROWS_PER_SEGMENT + 1, Numbers.ids(busy().scan()).size());
        assertEquals(1, Numbers.ids(one.table().scan()).size());
    }
}
