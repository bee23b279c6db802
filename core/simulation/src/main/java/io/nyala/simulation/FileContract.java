package io.nyala.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.io.Access;
import io.nyala.io.BlockingIo;
import io.nyala.io.DiskException;
import io.nyala.io.DiskException.Kind;
import io.nyala.io.DiskFile;
import io.nyala.io.DiskFile.Lifetime;
import io.nyala.testkit.Seed;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/**
 * Goal: length and room of a file are the same on all disks, and whatever fails says what, where, how much and why.
 * Method: one test class that each kind of disk passes, as a part of {@link DiskContract}; a real disk fails at files
 * that are none.
 */
public abstract class FileContract extends NamesContract {
    private static final int FILE_PAGES = 40;

    @RepeatedTest(4)
    void lengthRoomAndHolesAreAsInAnArray(@Seed SplittableRandom random) {
        byte[] model = new byte[FILE_PAGES * PAGE];
        int length = 0;
        MemorySegment memory = memory(FILE_PAGES);
        try (DiskFile file = disk.create(directory.resolve("file"));
                BlockingIo io = new BlockingIo(disk)) {
            for (Lifetime lifetime : Lifetime.values()) {
                file.expectLifetime(lifetime);
            }
            for (int step = 0; step < 40; step++) {
                int position = random.nextInt(FILE_PAGES) * PAGE;
                int bytes = random.nextInt(1, FILE_PAGES - position / PAGE + 1) * PAGE;
                switch (random.nextInt(4)) {
                    case 0 -> {
                        memory.fill((byte) (step + 1));
                        io.write(file, position, memory, 0, bytes);
                        Arrays.fill(model, position, position + bytes, (byte) (step + 1));
                        length = Math.max(length, position + bytes);
                    }
                    case 1 -> {
                        int cut = random.nextInt(FILE_PAGES * PAGE);
                        file.truncate(cut);
                        Arrays.fill(model, Math.min(cut, length), model.length, (byte) 0);
                        length = cut;
                    }
                    case 2 -> {
                        file.allocate(position);
                        length = Math.max(length, position);
                    }
                    default -> {
                        if (file.punchHole(position, bytes)) {
                            Arrays.fill(model, position, position + bytes, (byte) 0);
                        }
                    }
                }
                assertEquals(length, file.bytes());
                assertEquals(length, io.read(file, 0, memory, 0, FILE_PAGES * PAGE));
                assertEquals(
                        -1,
                        MemorySegment.ofArray(model).asSlice(0, length).mismatch(memory.asSlice(0, length)),
                        "after step " + step);
            }
        }
    }

    @Test
    void refusesLengthsAndHolesThatNoFileHas() {
        try (DiskFile file = disk.create(directory.resolve("file"))) {
            assertThrows(IllegalArgumentException.class, () -> file.truncate(-1));
            assertThrows(IllegalArgumentException.class, () -> file.allocate(-PAGE));
            assertThrows(IllegalArgumentException.class, () -> file.allocate(PAGE + 1));
            assertThrows(IllegalArgumentException.class, () -> file.punchHole(-PAGE, PAGE));
            assertThrows(IllegalArgumentException.class, () -> file.punchHole(1, PAGE));
            assertThrows(IllegalArgumentException.class, () -> file.punchHole(0, 0));
            assertThrows(IllegalArgumentException.class, () -> file.punchHole(PAGE, Long.MAX_VALUE - PAGE + 1));
            assertEquals(0, file.bytes());
        }
        try (DiskFile file = disk.open(directory.resolve("file"), Access.READ)) {
            assertThrows(IllegalArgumentException.class, () -> file.allocate(PAGE));
            assertThrows(IllegalArgumentException.class, () -> file.punchHole(0, PAGE));
        }
        DiskFile closed = disk.open(directory.resolve("file"), Access.READ_WRITE);
        closed.close();
        assertThrows(IllegalStateException.class, () -> closed.allocate(PAGE));
        assertThrows(IllegalStateException.class, () -> closed.punchHole(0, PAGE));
        assertThrows(IllegalStateException.class, () -> closed.truncate(0));
        assertThrows(IllegalStateException.class, closed::bytes);
    }

    @Test
    void everyFailedTransferSaysWhatWhereHowMuchAndWhy() {
        MemorySegment memory = memory(2);
        try (DiskFile file = withoutMemory();
                BlockingIo io = new BlockingIo(disk)) {
            assertFails(file, "read of 4,096 bytes at byte 8,192", () -> io.read(file, 8192, memory, 0, PAGE));
            assertFails(file, "write of 8,192 bytes at byte 0", () -> io.write(file, 0, memory, 0, 2 * PAGE));
            assertFails(
                    file,
                    "durable write of 4,096 bytes at byte 4,096",
                    () -> io.writeDurable(file, PAGE, memory, PAGE, PAGE));
        }
    }

    @Test
    void everyOtherFailureOfAFileSaysWhatWhereHowMuchAndWhy() throws IOException, InterruptedException {
        try (DiskFile file = pipe();
                BlockingIo io = new BlockingIo(disk)) {
            assertFails(file, "sync", () -> io.sync(file));
            assertFails(file, "truncate to 12,345 bytes", () -> file.truncate(12_345));
            if (disk instanceof SimulatedDisk) {
                assertFails(file, "allocation to 40,960 bytes", () -> file.allocate(10 * PAGE));
            }
            if (!disk.description()
                    .startsWith("AsynchronousFileChannel")) { // Which answers false, and has nothing to fail.
                assertFails(file, "hole of 8,192 bytes at byte 4,096", () -> file.punchHole(PAGE, 2 * PAGE));
            }
            if (!disk.description().startsWith("AsynchronousFileChannel")) { // Which says that a pipe has 0 bytes.
                assertFails(file, "length query", file::bytes);
            }
        }
    }

    private void assertFails(DiskFile file, String operation, Executable attempt) {
        if (disk instanceof SimulatedDisk simulated) {
            simulated.failNext(_ -> true, Kind.IO_ERROR);
            simulated.failNext(Operation.LENGTH, Kind.IO_ERROR);
        }
        DiskException failure = assertThrows(DiskException.class, attempt, operation);
        assertMentions(operation + " of " + file.path() + " failed: ", failure);
        assertEquals(file.path(), failure.path());
        String reason = String.valueOf(failure.getMessage()).split(" failed: ", 2)[1];
        assertTrue(reason.matches(errnoText() + "[^.]*\\. .+"), reason);
    }

    /** A file whose first bytes can neither be read nor written: no process has memory there. */
    private DiskFile withoutMemory() {
        if (disk instanceof SimulatedDisk) {
            return disk.create(directory.resolve("file"));
        }
        Path memory = Path.of("/proc/self/mem");
        assumeTrue(Files.isWritable(memory), "no " + memory + " here");
        return disk.open(memory, Access.READ_WRITE);
    }

    /** A file with which nothing can be done but reading and writing. */
    private DiskFile pipe() throws IOException, InterruptedException {
        Path path = directory.resolve("pipe");
        if (disk instanceof SimulatedDisk) {
            return disk.create(path);
        }
        Process made = new ProcessBuilder("mkfifo", path.toString()).start();
        assertEquals(0, made.waitFor());
        return disk.open(path, Access.READ_WRITE);
    }

    @Test
    void everyFailureOfANameSaysWhatAndWhere() {
        Path none = directory.resolve("none");
        Path below = none.resolve("file");
        disk.create(directory.resolve("inTheWay")).close();
        Map<String, Runnable> tried = new LinkedHashMap<>();
        tried.put("create of " + below, () -> disk.create(below));
        tried.put("open of " + none, () -> disk.open(none, Access.READ));
        tried.put("delete of " + none, () -> disk.delete(none));
        tried.put("rename", () -> disk.rename(none, below));
        tried.put("list of " + none, () -> disk.list(none));
        tried.put("sync of " + none, () -> disk.syncDirectory(none));
        tried.put("lock of " + none, () -> disk.lock(none));
        tried.put(
                "create directory of " + directory.resolve("inTheWay"),
                () -> disk.createDirectories(directory.resolve("inTheWay").resolve("below")));
        tried.forEach((operation, attempt) -> {
            DiskException failure = assertThrows(DiskException.class, attempt::run, operation);
            assertMentions(operation, failure);
            assertMentions(" failed: ", failure);
            assertTrue(failure.kind() != Kind.OTHER || operation.contains("inTheWay"), failure::toString);
        });
    }

    @Test
    void whatCannotBeToldIsNotAnswered() {
        Path file = directory.resolve("file");
        assertFalse(disk.exists(file));
        disk.create(file).close();
        assertTrue(disk.exists(file));
        assertFalse(disk.exists(file.resolve("below")));
        Path beyond = directory.resolve("x".repeat(300)); // Longer than a name can be.
        if (disk instanceof SimulatedDisk simulated) {
            simulated.failNext(Operation.EXISTS, Kind.IO_ERROR);
        }
        DiskException failure = assertThrows(DiskException.class, () -> disk.exists(beyond));
        assertMentions("existence query of " + beyond + " failed: ", failure);
        assertEquals(beyond, failure.path());
    }

    /** How the reason of a failure begins: by the kernel's word, and its number's name where it is ours to say. */
    private String errnoText() {
        if (disk instanceof SimulatedDisk) {
            return "injected into #";
        }
        return disk.description().startsWith("AsynchronousFileChannel") ? "[A-Z][a-z/]+ " : "[a-z/ ]+\\(E[A-Z]+\\)";
    }
}
