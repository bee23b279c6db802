package io.nyala.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.io.Access;
import io.nyala.io.DirectoryLock;
import io.nyala.io.DirectoryLockedException;
import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import io.nyala.io.DiskException.Kind;
import io.nyala.io.DiskFile;
import io.nyala.io.IoQueue;
import io.nyala.testkit.Seed;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Goal: names, locks and handles are the same on all disks. Method: one test class that each kind of disk passes, as a
 * part of
 * {@link DiskContract}.
 */
@Timeout(60)
public abstract class NamesContract {
    /** What every transfer is a multiple of. */
    protected static final int PAGE = Disk.ALIGNMENT_BYTES;

    /** The disk under test. */
    protected Disk disk = new SimulatedDisk(new SplittableRandom(0));

    /** An empty directory of it. */
    protected Path directory = Path.of("");

    private Arena arena = Arena.ofShared();

    protected abstract Disk newDisk(SplittableRandom random);

    protected abstract Path newDirectory(Disk on);

    @BeforeEach
    void open(@Seed SplittableRandom random) {
        disk = newDisk(random.split());
        directory = newDirectory(disk);
        arena = Arena.ofShared();
    }

    @AfterEach
    void close() {
        disk.close();
        arena.close();
    }

    @Test
    void namesWhatIsMissingOrInTheWay() {
        Path path = directory.resolve("file");
        DiskException missing = assertThrows(DiskException.class, () -> disk.open(path, Access.READ_WRITE));
        assertEquals(Kind.NOT_FOUND, missing.kind());
        assertEquals(path, missing.path());
        assertMentions(path.toString(), missing);
        assertEquals(
                Kind.NOT_FOUND,
                assertThrows(DiskException.class, () -> disk.delete(path)).kind());
        assertEquals(
                Kind.NOT_FOUND,
                assertThrows(DiskException.class, () -> disk.rename(path, directory.resolve("other")))
                        .kind());
        assertEquals(
                Kind.NOT_FOUND,
                assertThrows(
                                DiskException.class,
                                () -> disk.create(directory.resolve("none").resolve("file")))
                        .kind());
        assertEquals(
                Kind.NOT_FOUND,
                assertThrows(DiskException.class, () -> disk.list(directory.resolve("none")))
                        .kind());
        disk.create(path).close();
        assertEquals(
                Kind.EXISTS,
                assertThrows(DiskException.class, () -> disk.create(path)).kind());
        assertThrows(DiskException.class, () -> disk.open(directory, Access.READ));
    }

    @Test
    void changesNames() {
        Path below = directory.resolve("a").resolve("b");
        disk.createDirectories(below);
        disk.createDirectories(below);
        assertEquals(List.of(), disk.list(below));
        disk.create(below.resolve("2")).close();
        disk.create(below.resolve("1")).close();
        disk.create(below.resolve("10")).close();
        assertEquals(List.of(below.resolve("1"), below.resolve("10"), below.resolve("2")), disk.list(below));
        disk.rename(below.resolve("10"), below.resolve("2"));
        disk.syncDirectory(below);
        disk.delete(below.resolve("1"));
        assertEquals(List.of(below.resolve("2")), disk.list(below));
        assertFalse(disk.exists(below.resolve("1")));
        assertTrue(disk.exists(below.resolve("2")));
        assertThrows(DiskException.class, () -> disk.delete(below));
        disk.rename(below.resolve("2"), directory.resolve("c"));
        disk.delete(below);
        disk.delete(directory.resolve("a"));
        disk.syncDirectory(directory);
        assertEquals(List.of(directory.resolve("c")), disk.list(directory));
        assertTrue(disk.usableBytes(directory) > 0);
    }

    @Test
    void locksOutASecondOwner() {
        try (DirectoryLock first = disk.lock(directory)) {
            assertEquals(directory, first.directory());
            for (int i = 0; i < 2; i++) { // Failing must not loosen it.
                DirectoryLockedException locked =
                        assertThrows(DirectoryLockedException.class, () -> disk.lock(directory));
                assertMentions(directory.toString(), locked);
                assertEquals(ProcessHandle.current().pid(), locked.holderPid());
            }
            assertEquals(List.of(), disk.list(directory));
        }
        DirectoryLock again = disk.lock(directory);
        again.close();
        again.close();
    }

    @Test
    void keepsNoDescriptors() throws IOException {
        Path descriptors = Path.of("/proc/self/fd");
        assumeTrue(Files.isDirectory(descriptors), "not Linux");
        useAndClose(0);
        long before = count(descriptors);
        for (int i = 1; i <= 50; i++) {
            useAndClose(i);
        }
        assertTrue(count(descriptors) < before + 25, "descriptors are left open");
    }

    private void useAndClose(int round) {
        Path path = directory.resolve("file" + round);
        try (DiskFile file = disk.create(path);
                DiskFile again = disk.open(path, Access.READ);
                IoQueue queue = disk.newQueue(4);
                DirectoryLock lock = disk.lock(directory)) {
            assertEquals(file.bytes(), again.bytes());
            assertNotNull(lock);
            MemorySegment memory = memory(1);
            queue.write(file, 0, memory, 0, PAGE, 0);
            queue.await(Long.MAX_VALUE);
            assertThrows(DirectoryLockedException.class, () -> disk.lock(directory));
            assertThrows(DiskException.class, () -> disk.create(path));
        }
    }

    private static long count(Path descriptors) throws IOException {
        try (Stream<Path> each = Files.list(descriptors)) {
            return each.count();
        }
    }

    @Test
    void describesItself() {
        assertNotNull(disk.description());
        assertFalse(disk.description().isBlank());
    }

    static void assertMentions(String part, RuntimeException failure) {
        assertTrue(String.valueOf(failure.getMessage()).contains(part), failure::toString);
    }

    /** Page-aligned native memory. */
    protected final MemorySegment memory(int pages) {
        return arena.allocate((long) pages * PAGE, PAGE);
    }
}
