package io.nyala.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Access;
import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import io.nyala.io.DiskException.Kind;
import io.nyala.io.DiskFile;
import io.nyala.io.IoQueue;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Goal: questions to a simulated disk fail when told, by themselves and not instead of other calls; a file is closed
 * also where that fails; and a queue whose kernel does not answer keeps what is in flight.
 * Method: each question asked where it fails, and once more.
 */
final class FailingQueriesTest {
    private static final Path DATA = Path.of("/data");
    private static final Path FILE = DATA.resolve("file");

    private final SimulatedDisk disk = new SimulatedDisk(new SplittableRandom(1));

    @Test
    void eachQueryFailsOnceAndIsCountedByItself() {
        disk.createDirectories(DATA);
        DiskFile file = disk.create(FILE);
        long calls = disk.callCount();
        Map<Operation, Runnable> queries = new LinkedHashMap<>();
        queries.put(Operation.EXISTS, () -> assertTrue(disk.exists(FILE)));
        queries.put(Operation.USABLE_BYTES, () -> assertTrue(disk.usableBytes(FILE) > 0));
        queries.put(Operation.LENGTH, () -> assertEquals(0, file.bytes()));
        disk.failNext(_ -> true, Kind.NO_SPACE); // Of no query.
        disk.cutPowerAtCall(calls);
        queries.forEach((operation, query) -> {
            disk.failNext(operation, Kind.IO_ERROR);
            DiskException failure = assertThrows(DiskException.class, query::run);
            assertTrue(String.valueOf(failure.getMessage()).startsWith(operation + " of /data/file failed"));
            query.run();
            disk.failCall(-1 - disk.queryCount(), Kind.NO_SPACE);
            failure = assertThrows(DiskException.class, query::run);
            assertEquals(Kind.NO_SPACE, failure.kind());
            query.run();
            assertEquals(4, disk.callCount(operation));
        });
        assertEquals(12, disk.queryCount());
        assertEquals(calls, disk.callCount());
        assertTrue(disk.trace().stream().noneMatch(call -> call.operation().isQuery()));
        assertThrows(PowerCutException.class, () -> disk.list(DATA));
    }

    @Test
    void aFileIsClosedAlsoWhereThatFails() {
        disk.createDirectories(DATA);
        DiskFile file = disk.create(FILE);
        disk.failNext(Operation.CLOSE, Kind.IO_ERROR);
        DiskException failure = assertThrows(DiskException.class, file::close);
        assertTrue(String.valueOf(failure.getMessage()).startsWith("close of /data/file failed: injected"));
        assertEquals(0, disk.openFileCount());
        file.close();
        assertThrows(IllegalStateException.class, file::bytes);
        DiskFile again = disk.open(FILE, Access.READ);
        disk.powerCut();
        disk.failNext(Operation.CLOSE, Kind.IO_ERROR);
        again.close(); // Nobody is there who could be told.
    }

    @Test
    void aQueueThatIsNotAnsweredKeepsWhatIsInFlight() {
        disk.createDirectories(DATA);
        try (Arena arena = Arena.ofConfined();
                DiskFile file = disk.create(FILE)) {
            MemorySegment memory = arena.allocate(Disk.ALIGNMENT_BYTES, Disk.ALIGNMENT_BYTES);
            IoQueue queue = disk.newQueue(1);
            disk.failQueues(true);
            assertEquals(0, queue.poll((_, _, _) -> {})); // Nothing to ask for.
            queue.write(file, 0, memory, 0, Disk.ALIGNMENT_BYTES, 0);
            assertThrows(IllegalStateException.class, () -> queue.await(1));
            assertThrows(IllegalStateException.class, () -> queue.poll((_, _, failure) -> assertNull(failure)));
            assertThrows(IllegalStateException.class, queue::close);
            disk.failQueues(false);
            queue.close();
            assertEquals(1, queue.inFlight());
            memory.fill((byte) 1);
            assertThrows(AssertionError.class, () -> cutPower(disk)); // Somebody uses what is in flight for ever.
        }
    }

    /** Often enough that what is in flight has reached the disk once. */
    private static void cutPower(SimulatedDisk disk) {
        for (int seed = 0; seed < 64; seed++) {
            disk.afterPowerCut(seed);
        }
    }
}
