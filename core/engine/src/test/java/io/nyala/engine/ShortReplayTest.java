package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
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
                .filter(path -> !path.toString().endsWith(".spare"))
                .toList();
    }

    /** Bytes of the log that are read by what is done. */
    private long readBytes(Runnable start) {
        int before = one.world().disk().trace().size();
        start.run();
        List<Call> trace = one.world().disk().trace();
        return trace.subList(before, trace.size()).stream()
                .filter(call ->
                        call.operation() == Operation.READ && call.path().startsWith(WAL))
                .mapToLong(Call::bytes)
                .sum();
    }

    private void assertAllIsThere() {
        assertEquals(1, Numbers.ids(one.table().scan()).size());
        assertEquals(ROUNDS * ROWS_PER_SEGMENT, Numbers.ids(busy().scan()).size());
    }

    @Test
    void aStartReadsOnlySegmentsThatHoldSomethingNeeded() {
        long kept = segments().stream()
                .mapToLong(path -> one.world().disk().contents(path).length)
                .sum();
        assertTrue(segments().size() >= ROUNDS, segments() + " are kept by one row");
        long read = readBytes(one::reopen);
        assertTrue(read < kept * 2 / 3, read + " bytes read of " + kept);
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
