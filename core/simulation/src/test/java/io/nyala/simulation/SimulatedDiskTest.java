package io.nyala.simulation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Access;
import io.nyala.io.BlockingIo;
import io.nyala.io.DirectoryLock;
import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import io.nyala.io.DiskException.Kind;
import io.nyala.io.DiskFile;
import io.nyala.io.IoQueue;
import io.nyala.testkit.Seed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a power cut takes only what was not synced, but then anything of it; faults come when asked for. Method: many
 * cuts of one state, whose outcomes are collected.
 */
final class SimulatedDiskTest {
    private static final int PAGE = Disk.ALIGNMENT_BYTES;
    private static final Path DATA = Path.of("/data");
    private static final Path FILE = DATA.resolve("file");

    private SimulatedDisk disk = new SimulatedDisk(new SplittableRandom(0));
    private Arena arena = Arena.ofShared();
    private MemorySegment memory = MemorySegment.NULL;

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        disk = new SimulatedDisk(random.split());
        disk.createDirectories(DATA);
        disk.syncDirectory(Path.of("/"));
        arena = Arena.ofShared();
        memory = arena.allocate(8L * PAGE, PAGE);
    }

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void readsGoWrongUnseenWhenTold() {
        try (DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            for (int page = 0; page < 4; page++) {
                write(io, file, page, page + 1);
            }
            disk.damageNextRead(call -> call.position() == PAGE, ReadDamage.FLIPPED);
            assertEquals(PAGE, io.read(file, 0, memory, 0, PAGE));
            assertEquals(1, memory.get(ValueLayout.JAVA_BYTE, PAGE - 1)); // It does not fit.
            assertEquals(PAGE, io.read(file, PAGE, memory, 0, PAGE));
            byte[] read = memory.asSlice(0, PAGE).toArray(ValueLayout.JAVA_BYTE);
            int flipped = 0;
            for (byte each : read) {
                flipped += Integer.bitCount((each ^ 2) & 0xFF);
            }
            assertEquals(1, flipped);

            disk.damageNextRead(_ -> true, ReadDamage.MISDIRECTED);
            assertEquals(2 * PAGE, io.read(file, PAGE, memory, 0, 2 * PAGE));
            int first = memory.get(ValueLayout.JAVA_BYTE, 0);
            int second = memory.get(ValueLayout.JAVA_BYTE, PAGE);
            assertTrue(first != 2 && first >= 1 && first <= 4, "the page of another place: " + first);
            assertEquals(first % 4 + 1, second);

            disk.damageNextRead(_ -> true, ReadDamage.SHORT);
            assertTrue(io.read(file, 0, memory, 0, 4 * PAGE) < 4 * PAGE);

            assertEquals(4 * PAGE, io.read(file, 0, memory, 0, 4 * PAGE));
            for (int page = 0; page < 4; page++) {
                assertEquals(page + 1, memory.get(ValueLayout.JAVA_BYTE, page * (long) PAGE), "what is on the disk");
            }
        }
    }

    @Test
    void whatWasSyncedSurvives() {
        try (DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            disk.syncDirectory(DATA);
            write(io, file, 0, 1);
            write(io, file, 1, 2);
            io.sync(file);
            io.writeDurable(file, 2 * PAGE, filled(3), 0, PAGE);
        }
        for (int seed = 0; seed < 50; seed++) {
            assertArrayEquals(new byte[] {1, 2, 3}, firstBytes(disk.afterPowerCut(seed)));
        }
    }

    @Test
    void whatWasNotSyncedMayVanishOrStayOrBeTorn() {
        try (DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            disk.syncDirectory(DATA);
            io.writeDurable(file, 0, filled(1), 0, PAGE);
            write(io, file, 0, 2);
            Set<String> seen = new TreeSet<>();
            for (int seed = 0; seed < 300; seed++) {
                byte[] contents = disk.afterPowerCut(seed).contents(FILE);
                int newBytes = 0;
                for (int at = 0; at < PAGE; at += 512) {
                    assertTrue(contents[at] == 1 || contents[at] == 2);
                    newBytes += contents[at] == 2 ? 512 : 0;
                    for (int i = 1; i < 512; i++) {
                        assertEquals(contents[at], contents[at + i], "a sector is whole");
                    }
                }
                seen.add(newBytes == 0 ? "old" : newBytes == PAGE ? "new" : "torn");
            }
            assertEquals(Set.of("old", "new", "torn"), seen);
        }
    }

    @Test
    void writesSurviveIndependentlyOfTheirOrder() {
        try (DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            disk.syncDirectory(DATA);
            io.writeDurable(file, 0, filled(0), 0, PAGE);
            io.writeDurable(file, PAGE, filled(0), 0, PAGE);
            write(io, file, 0, 1);
            write(io, file, 1, 2);
        }
        Set<String> seen = new HashSet<>();
        for (int seed = 0; seed < 500; seed++) {
            seen.add(Arrays.toString(firstBytes(disk.afterPowerCut(seed))));
        }
        assertTrue(seen.containsAll(Set.of("[0, 0]", "[1, 0]", "[0, 2]", "[1, 2]")), seen.toString());
    }

    @Test
    void lengthsSurviveOrNot() {
        try (DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            disk.syncDirectory(DATA);
            io.writeDurable(file, 0, filled(1), 0, PAGE);
            write(io, file, 1, 2);
        }
        Set<String> seen = new HashSet<>();
        for (int seed = 0; seed < 500; seed++) {
            seen.add(Arrays.toString(firstBytes(disk.afterPowerCut(seed))));
        }
        assertEquals(Set.of("[1]", "[1, 0]", "[1, 2]"), seen);
    }

    @Test
    void namesNeedTheSyncOfTheirDirectory() {
        Path other = DATA.resolve("other");
        try (DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            io.writeDurable(file, 0, filled(1), 0, PAGE);
        }
        Set<Boolean> created = new HashSet<>();
        for (int seed = 0; seed < 100; seed++) {
            created.add(disk.afterPowerCut(seed).exists(FILE));
        }
        assertEquals(Set.of(true, false), created);

        disk.syncDirectory(DATA);
        disk.rename(FILE, other);
        Set<String> renamed = new HashSet<>();
        for (int seed = 0; seed < 100; seed++) {
            renamed.add(disk.afterPowerCut(seed).list(DATA).toString());
        }
        assertEquals(Set.of("[/data/file]", "[/data/other]"), renamed);

        disk.syncDirectory(DATA);
        disk.delete(other);
        Set<Boolean> deleted = new HashSet<>();
        for (int seed = 0; seed < 100; seed++) {
            deleted.add(disk.afterPowerCut(seed).exists(other));
        }
        assertEquals(Set.of(true, false), deleted);
        disk.syncDirectory(DATA);
        for (int seed = 0; seed < 100; seed++) {
            assertFalse(disk.afterPowerCut(seed).exists(other));
        }
    }

    @Test
    void handlesDieWithThePower() {
        DiskFile file = disk.create(FILE);
        IoQueue queue = disk.newQueue(2);
        DirectoryLock lock = disk.lock(DATA);
        disk.syncDirectory(DATA);
        queue.write(file, 0, filled(1), 0, PAGE, 1);
        disk.powerCut();
        assertThrows(PowerCutException.class, () -> disk.exists(FILE));
        disk.restart();
        assertThrows(PowerCutException.class, () -> queue.poll((_, _, _) -> {}));
        assertThrows(PowerCutException.class, () -> queue.read(file, 0, memory, 0, PAGE, 1));
        assertThrows(PowerCutException.class, file::bytes);
        queue.close();
        file.close();
        lock.close();
        assertEquals(0, disk.openFileCount());
        try (DirectoryLock again = disk.lock(DATA);
                DiskFile reopened = disk.open(FILE, Access.READ)) {
            assertEquals(DATA, again.directory());
            assertTrue(reopened.bytes() <= PAGE);
        }
    }

    @Test
    void syncCoversOnlyWhatWasCompletedBefore() {
        try (DiskFile file = disk.create(FILE);
                IoQueue queue = disk.newQueue(2)) {
            disk.syncDirectory(DATA);
            queue.write(file, 0, filled(1), 0, PAGE, 1);
            queue.sync(file, 2);
            drain(queue);
        }
        Set<Long> lengths = new HashSet<>();
        for (int seed = 0; seed < 100; seed++) {
            lengths.add((long) disk.afterPowerCut(seed).contents(FILE).length);
        }
        assertEquals(Set.of(0L, (long) PAGE), lengths);
    }

    @Test
    void syncsCanLie() {
        disk.ignoreSyncs(call -> call.fileName().equals("file"));
        try (DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            disk.syncDirectory(DATA);
            io.writeDurable(file, 0, filled(1), 0, PAGE);
            io.sync(file);
        }
        Set<Integer> lengths = new HashSet<>();
        for (int seed = 0; seed < 100; seed++) {
            lengths.add(disk.afterPowerCut(seed).contents(FILE).length);
        }
        assertEquals(Set.of(0, PAGE), lengths);
    }

    @Test
    void failedSyncMayLoseWhatLaterOnesSeemToSave() {
        try (DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            disk.syncDirectory(DATA);
            for (int page = 0; page < 64; page++) {
                write(io, file, page, 1);
            }
            disk.failNext(Operation.SYNC, Kind.IO_ERROR);
            DiskException failure = assertThrows(DiskException.class, () -> io.sync(file));
            assertEquals(Kind.IO_ERROR, failure.kind());
            io.sync(file);
        }
        disk.powerCut();
        disk.restart();
        byte[] pages = Arrays.copyOf(firstBytes(disk), 64);
        assertTrue(Arrays.toString(pages).contains("0"), "some of 64 pages are lost");
    }

    @RepeatedTest(8)
    void everyCallCanFailOnce(@Seed SplittableRandom random) {
        long first = disk.callCount();
        for (long failing = first; ; failing++) {
            SimulatedDisk each = new SimulatedDisk(random.split());
            each.createDirectories(DATA);
            each.syncDirectory(Path.of("/"));
            each.failCall(failing, Kind.IO_ERROR);
            try {
                script(each);
                assertEquals(failing, each.callCount(), "the last call of all did not fail");
                break;
            } catch (DiskException e) {
                assertEquals(Kind.IO_ERROR, e.kind());
                assertTrue(String.valueOf(e.getMessage()).contains("#" + failing), e::toString);
            }
        }
    }

    @Test
    void powerCanBeCutAtAnyCall() {
        disk.cutPowerAtCall(disk.callCount() + 3);
        assertThrows(PowerCutException.class, () -> script(disk));
        disk.restart();
        disk.list(DATA);
    }

    @Test
    void aProcessCanDieAtAnyCall() {
        try (DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            write(io, file, 0, 1);
        }
        disk.killProcessAtCall(disk.callCount() + 1);
        disk.list(DATA);
        assertThrows(PowerCutException.class, () -> disk.list(DATA));
        disk.restart();
        assertArrayEquals(new byte[] {1}, firstBytes(disk));
    }

    @Test
    void fillsUp() {
        try (DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            disk.noSpaceAfter(2L * PAGE);
            write(io, file, 0, 1);
            write(io, file, 1, 1);
            assertEquals(0, disk.usableBytes(DATA));
            write(io, file, 0, 2);
            DiskException full = assertThrows(DiskException.class, () -> write(io, file, 2, 1));
            assertEquals(Kind.NO_SPACE, full.kind());
            assertEquals(2L * PAGE, full.position());
            disk.delete(FILE);
            assertEquals(2L * PAGE, disk.usableBytes(DATA));
        }
    }

    @Test
    void somebodyMayMakeRoom() {
        try (DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            disk.noSpaceAfter(0);
            assertThrows(DiskException.class, () -> write(io, file, 0, 1));
            disk.unlimitSpace();
            write(io, file, 0, 1);
            assertArrayEquals(new byte[] {1}, firstBytes(disk));
        }
    }

    /** The kernel keeps what a process has written, but only a sync keeps it from a power cut. */
    @Test
    void theEndOfAProcessLosesNothingThatWasWritten() {
        Set<String> kept = new HashSet<>();
        for (int i = 0; i < 40; i++) {
            Path path = DATA.resolve("file" + i);
            DiskFile file = disk.create(path);
            disk.syncDirectory(DATA);
            IoQueue queue = disk.newQueue(2);
            write(new BlockingIo(disk), file, 0, 1);
            queue.writeDurable(file, PAGE, filled(2), 0, PAGE, 0);
            disk.killProcess();
            assertTrue(disk.isOff());
            assertThrows(PowerCutException.class, () -> disk.list(DATA));
            disk.restart();
            assertThrows(PowerCutException.class, file::bytes);
            byte[] contents = disk.contents(path);
            assertEquals(1, contents[0]);
            kept.add(contents.length > PAGE ? "in flight, kept" : "in flight, lost");
            kept.add(disk.afterPowerCut(i).contents(path).length > 0 ? "unsynced, kept" : "unsynced, lost");
        }
        assertEquals(Set.of("in flight, kept", "in flight, lost", "unsynced, kept", "unsynced, lost"), kept);
        disk.lock(DATA).close(); // Not locked any more by those who died.
    }

    @Test
    void transfersTakeAsLongAsTheyAreTold() {
        try (DiskFile file = disk.create(FILE)) {
            int longest = 0;
            for (int pollsMax : new int[] {1, 50}) {
                disk.delayTransfers(pollsMax);
                longest = 0;
                for (int i = 0; i < 30; i++) {
                    IoQueue queue = disk.newQueue(1);
                    queue.sync(file, 0);
                    int polls = 1;
                    while (queue.poll((_, _, _) -> {}) == 0) {
                        polls++;
                    }
                    longest = Math.max(longest, polls);
                    queue.close();
                }
                assertTrue(longest <= pollsMax, longest + " of " + pollsMax);
            }
            assertTrue(longest > SimulatedDisk.DELAY_POLLS, "some are slow: " + longest);
        }
    }

    @Test
    void whatIsForgottenDoesNotFail() {
        disk.failNext(Operation.CREATE, Kind.IO_ERROR);
        disk.cutPowerAtCall(disk.callCount() + 1);
        disk.forgetFailures();
        disk.create(FILE).close();
        disk.list(DATA);
    }

    @Test
    void flipsBits() {
        try (DiskFile file = disk.create(FILE);
                BlockingIo io = new BlockingIo(disk)) {
            io.writeDurable(file, 0, filled(0), 0, PAGE);
            disk.flipBit(FILE, 77, 3);
            byte[] expected = new byte[PAGE];
            expected[77] = 8;
            assertArrayEquals(expected, disk.contents(FILE));
            disk.setContents(FILE, new byte[] {1, 2, 3});
            assertEquals(3, file.bytes());
            assertEquals(3, io.read(file, 0, memory, 0, PAGE));
            assertThrows(IllegalArgumentException.class, () -> disk.flipBit(FILE, 3, 0));
        }
    }

    @Test
    void findsMemoryThatChangesInFlight() {
        try (DiskFile file = disk.create(FILE)) {
            IoQueue queue = disk.newQueue(1);
            queue.write(file, 0, filled(1), 0, PAGE, 0);
            memory.fill((byte) 2);
            assertThrows(AssertionError.class, () -> drain(queue));
        }
    }

    @Test
    void sameSeedSameStory(@Seed long seed) {
        SimulatedDisk one = new SimulatedDisk(new SplittableRandom(seed));
        SimulatedDisk two = new SimulatedDisk(new SplittableRandom(seed));
        for (SimulatedDisk each : new SimulatedDisk[] {one, two}) {
            each.createDirectories(DATA);
            each.syncDirectory(Path.of("/"));
            script(each);
            each.create(DATA.resolve("second")).close();
            each.powerCut();
            each.restart();
        }
        assertEquals(one.list(DATA), two.list(DATA));
        assertEquals(one.trace(), two.trace());
        for (Path path : one.list(DATA)) {
            assertArrayEquals(one.contents(path), two.contents(path));
        }
    }

    @Test
    void clockStandsUntilMoved() {
        SimulatedClock clock = new SimulatedClock();
        long micros = clock.micros();
        clock.advanceMicros(5);
        clock.advanceNanos(999);
        assertEquals(micros + 5, clock.micros());
        assertEquals(5_999, clock.nanosSource().getAsLong());
        clock.stepWallClock(-1_000);
        assertEquals(micros - 995, clock.microsSource().getAsLong());
        assertThrows(IllegalArgumentException.class, () -> clock.advanceNanos(-1));
    }

    private void script(SimulatedDisk on) {
        try (DiskFile file = on.create(FILE);
                BlockingIo io = new BlockingIo(on)) {
            on.syncDirectory(DATA);
            write(io, file, 0, 1);
            io.sync(file);
            io.writeDurable(file, PAGE, filled(2), 0, PAGE);
            io.readFully(file, 0, memory, 0, PAGE);
            on.rename(FILE, DATA.resolve("other"));
            on.syncDirectory(DATA);
            on.list(DATA);
        }
    }

    private void write(BlockingIo io, DiskFile file, int page, int value) {
        io.write(file, (long) page * PAGE, filled(value), 0, PAGE);
    }

    private MemorySegment filled(int value) {
        memory.fill((byte) value);
        return memory;
    }

    private static void drain(IoQueue queue) {
        while (queue.inFlight() > 0) {
            queue.await(Long.MAX_VALUE);
            queue.poll((_, _, _) -> {});
        }
    }

    private static byte[] firstBytes(SimulatedDisk from) {
        byte[] contents = from.contents(FILE);
        byte[] first = new byte[(contents.length + PAGE - 1) / PAGE];
        for (int page = 0; page < first.length; page++) {
            first[page] = contents[page * PAGE];
        }
        return first;
    }
}
