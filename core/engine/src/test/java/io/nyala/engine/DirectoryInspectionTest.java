package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: who looks at a directory and an engine that opens it agree: a crash leaves nothing that is called damaged, and
 * what an engine refuses is a defect, for the same reason.
 * Method: a small host, whose opening is cut off at each of its calls of the disk, or whose logs are emptied or
 * replaced; each time it is looked at, and then opened.
 */
final class DirectoryInspectionTest {
    private static final Path STORAGE = World.DIRECTORY.resolve("storage");
    private static final Path WAL = World.DIRECTORY.resolve("wal");

    /** One of so many calls of an opening is cut off in a test. */
    private static final int STRIDE = 3;

    private static final List<Long> IDS = Numbers.list(0, 20);

    @Test
    void whateverACrashWhileOpeningLeavesIsInOrder(@Seed SplittableRandom random) {
        SimulatedDisk disk = closedHost(random).disk();
        long calls = openingCalls(disk, random.nextLong());
        assertTrue(calls > 10 * STRIDE, calls + " calls");
        for (long call = random.nextLong(STRIDE); call < calls; call += STRIDE) {
            boolean isKilled = random.nextBoolean();
            String what = (isKilled ? "killed" : "without power") + " at call " + call + " of " + calls;
            SimulatedDisk crashed = cutAt(disk, random.nextLong(), call, isKilled);
            try {
                Verification.of(World.DIRECTORY, crashed).assertAllInOrder();
                World.Running running = new World(random.split(), crashed).open();
                assertEquals(IDS, ids(running));
                running.engine().close();
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError(what + ": " + e.getMessage(), e);
            }
        }
    }

    /** A host with a table: its rows are in a rowset and in the log, and its storage log begins with a checkpoint. */
    private static World closedHost(SplittableRandom random) {
        var world = new World(random.split()).withoutOwnFlushes();
        World.Running running = world.open();
        Table numbers = running.engine().createTable("numbers", Numbers.SCHEMA);
        Numbers.insertRange(numbers, 0, 15);
        Numbers.flush(running, numbers);
        Numbers.insertRange(numbers, 15, 20);
        running.engine().close();
        running = world.open();
        running.engine().close();
        return world;
    }

    private static List<Long> ids(World.Running running) {
        return Numbers.ids(running.engine().table("numbers").orElseThrow().scan());
    }

    private static long openingCalls(SimulatedDisk disk, long seed) {
        SimulatedDisk copy = disk.afterPowerCut(seed);
        World.Running running = new World(new SplittableRandom(seed), copy).open();
        long calls = copy.callCount();
        running.engine().close();
        return calls;
    }

    /** A copy of the disk, on which an opening got as far as to a call. */
    private static SimulatedDisk cutAt(SimulatedDisk disk, long seed, long call, boolean isKilled) {
        SimulatedDisk copy = disk.afterPowerCut(seed);
        var world = new World(new SplittableRandom(seed), copy);
        if (isKilled) {
            copy.killProcessAtCall(call);
        } else {
            copy.cutPowerAtCall(call);
        }
        try {
            world.open().engine().close();
        } catch (PowerCutException | IllegalStateException _) {
            // As planned.
        }
        copy.restart();
        return copy;
    }

    @ParameterizedTest
    @CsvSource({
        "no write-ahead log, wal is missing",
        "no storage log, storage is missing",
        "write-ahead log of another host, it belongs to another directory",
        "storage log from before the table, which the storage log does not know",
        "write-ahead log from before the table, its end is missing",
    })
    void whatAnEngineRefusesIsADefectForTheSameReason(String wrong, String says, @Seed SplittableRandom random) {
        SimulatedDisk disk = new SimulatedDisk(random.split());
        var world = new World(random.split(), disk).withoutOwnFlushes();
        world.open().engine().close();
        Map<Path, byte[]> early = files(disk, STORAGE);
        Map<Path, byte[]> earlyLog = files(disk, WAL);
        World.Running running = world.open();
        Table numbers = running.engine().createTable("numbers", Numbers.SCHEMA);
        Numbers.insertRange(numbers, 0, 15);
        Numbers.flush(running, numbers);
        Numbers.insertRange(numbers, 15, 20);
        running.engine().close();
        Verification.of(World.DIRECTORY, disk).assertAllInOrder();

        switch (wrong) {
            case "no write-ahead log" -> replace(disk, WAL, Map.of());
            case "no storage log" -> replace(disk, STORAGE, Map.of());
            case "write-ahead log of another host" ->
                replace(disk, WAL, files(closedHost(random).disk(), WAL));
            case "storage log from before the table" -> replace(disk, STORAGE, early);
            case "write-ahead log from before the table" -> replace(disk, WAL, earlyLog);
            default -> throw new AssertionError(wrong);
        }
        List<RuntimeException> defects = Verification.of(World.DIRECTORY, disk).defects();
        var refusal = assertThrows(EngineOpenException.class, world::open);
        assertTrue(String.valueOf(refusal.getMessage()).contains(says), refusal::toString);
        assertEquals(
                List.of(refusal.toString()),
                defects.stream().map(RuntimeException::toString).toList());
    }

    /** Which rowsets there should be is in the storage log; those there are can still be checked. */
    @Test
    void withoutAStorageLogEachRowsetIsCheckedByItself(@Seed SplittableRandom random) {
        SimulatedDisk disk = closedHost(random).disk();
        Path rowSet = World.DIRECTORY.resolve("rowsets").resolve("1.rowset");
        replace(disk, STORAGE, Map.of());
        Verification found = Verification.of(World.DIRECTORY, disk);
        assertEquals(List.of(STORAGE, WAL, rowSet), found.checked());
        assertEquals(1, found.defects().size(), found.defects()::toString);
        disk.flipBit(rowSet, 4096 + 40, 3);
        found = Verification.of(World.DIRECTORY, disk);
        assertEquals(2, found.defects().size(), found.defects()::toString);
        assertTrue(found.defects().getLast().toString().contains(rowSet.toString()), found.defects()::toString);
    }

    @Test
    void aDirectoryWithoutAnEngineIsInOrderAndStaysEmpty(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        Verification.of(World.DIRECTORY, disk).assertAllInOrder();
        assertFalse(disk.exists(World.DIRECTORY));
    }

    private static Map<Path, byte[]> files(SimulatedDisk disk, Path directory) {
        Map<Path, byte[]> files = new LinkedHashMap<>();
        disk.list(directory).forEach(path -> files.put(path, disk.contents(path)));
        return files;
    }

    private static void replace(SimulatedDisk disk, Path directory, Map<Path, byte[]> files) {
        disk.list(directory).forEach(disk::delete);
        files.forEach((path, contents) -> {
            disk.create(path).close();
            disk.setContents(path, contents);
        });
    }
}
