package io.nyala.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.io.DiskFile.Lifetime;
import io.nyala.io.SystemCallFilter.Refusal;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: whatever the system refuses, no descriptor stays open, and no file that could not be created stays behind.
 * Method: a thread does with a disk what can be done with one, while the system refuses it one kind of call, and then
 * another; the descriptors of this process are counted before and after.
 */
final class FileLeakTest {
    private static final int PAGE = Disk.ALIGNMENT_BYTES;
    private static final boolean IS_ARM = System.getProperty("os.arch").equals("aarch64");
    private static final int ROUNDS_MAX = 3;
    private static final int EIO = 5;
    private static final int ENOMEM = 12;
    private static final int FCNTL = IS_ARM ? 25 : 72;
    private static final int MMAP = IS_ARM ? 222 : 9;

    private static final List<Refusal> REFUSALS = List.of(
            new Refusal("fcntl(F_SETFL)", FCNTL, 1, 4, EIO),
            new Refusal("fcntl(F_SETLK)", FCNTL, 1, 6, EIO),
            new Refusal("fcntl(F_SET_RW_HINT)", FCNTL, 1, 1036, EIO),
            new Refusal("mmap of a ring", MMAP, 3, 0x8001, ENOMEM),
            Refusal.of("statx", IS_ARM ? 291 : 332, EIO),
            Refusal.of("lseek", IS_ARM ? 62 : 8, EIO),
            Refusal.of("ftruncate", IS_ARM ? 46 : 77, EIO),
            Refusal.of("fallocate", IS_ARM ? 47 : 285, EIO),
            Refusal.of("fsync", IS_ARM ? 82 : 74, EIO),
            Refusal.of("fdatasync", SystemCallFilter.FDATASYNC, EIO),
            Refusal.of("preadv2", IS_ARM ? 286 : 327, EIO),
            Refusal.of("pwritev2", SystemCallFilter.PWRITEV2, EIO),
            Refusal.of("pread64", IS_ARM ? 67 : 17, EIO),
            Refusal.of("pwrite64", IS_ARM ? 68 : 18, EIO),
            Refusal.of("write", IS_ARM ? 64 : 1, EIO),
            Refusal.of("eventfd2", IS_ARM ? 19 : 290, ENOMEM),
            Refusal.of("io_uring_setup", 425, ENOMEM),
            Refusal.of("io_uring_enter", 426, ENOMEM),
            Refusal.of("getdents64", IS_ARM ? 61 : 217, EIO),
            Refusal.of("openat", IS_ARM ? 56 : 257, EIO)); // The last: by now all classes are loaded.

    private final Path directory = memoryDirectory();

    private int failureCount;
    private Throwable lastFailure = new Throwable();

    /** Where nothing has to wait for a device, if there is such a place. */
    private static Path memoryDirectory() {
        Path memory = Path.of("/dev/shm");
        try {
            return Files.isWritable(memory)
                    ? Files.createTempDirectory(memory, "nyala")
                    : Files.createTempDirectory("nyala");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @AfterEach
    void deleteDirectory() throws IOException {
        deleteFiles();
        Files.deleteIfExists(directory.resolve("below"));
        Files.deleteIfExists(directory.resolve(HostLock.FILE_NAME));
        Files.delete(directory);
    }

    private void deleteFiles() throws IOException {
        Files.deleteIfExists(directory.resolve("file"));
        Files.deleteIfExists(directory.resolve("other"));
    }

    @BeforeEach
    void needsNativeCalls() {
        String obstacle = RingDisk.nativeObstacle();
        assumeTrue(obstacle == null, obstacle);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ring", "syscall", "channel"})
    void nothingStaysOpenWhateverIsRefused(String name) throws IOException, InterruptedException {
        try (Disk disk = Disks.named(name)) {
            useAll(disk);
            assertEquals(0, failureCount);
        }
        int refused = 0;
        for (Refusal refusal : REFUSALS) {
            failureCount = 0;
            try (Disk disk = Disks.named(name)) {
                assertNoneIsLeftOpen(refusal, () -> useAll(disk));
            }
            refused += failureCount > 0 ? 1 : 0;
        }
        assertTrue(refused >= 7, "only " + refused + " kinds of calls were missed");
    }

    @Test
    void aDiskThatCannotBeOpenedLeavesNothingOpen() throws IOException, InterruptedException {
        for (Refusal refusal : REFUSALS) {
            assertNoneIsLeftOpen(refusal, () -> failing(() -> Disks.ring().close()));
        }
        assertTrue(failureCount > 0, "nothing failed");
    }

    /** Several times: something of the JDK's may be opened once and for all, or closed late. */
    private void assertNoneIsLeftOpen(Refusal refusal, Runnable use) throws IOException, InterruptedException {
        SystemCallFilter.refusing(refusal, use);
        deleteFiles();
        long more = Long.MAX_VALUE;
        for (int i = 0; i < ROUNDS_MAX && more > 0; i++) {
            long before = descriptorCount();
            SystemCallFilter.refusing(refusal, use);
            deleteFiles();
            more = Math.min(more, descriptorCount() - before);
        }
        assertTrue(more <= 0, more + " descriptors are left open each time, where there is no " + refusal.name());
    }

    private static long descriptorCount() throws IOException {
        try (Stream<Path> each = Files.list(Path.of("/proc/self/fd"))) {
            return each.count();
        }
    }

    /** Everything that a disk can do, whether or not what came before has worked; and closes what it has opened. */
    private void useAll(Disk disk) {
        Path path = directory.resolve("file");
        List<AutoCloseable> opened = new ArrayList<>();
        try (Arena arena = Arena.ofShared()) {
            MemorySegment memory = arena.allocate(4L * PAGE, PAGE);
            failing(() -> opened.add(disk.lock(directory)));
            failing(() -> disk.createDirectories(directory.resolve("below")));
            boolean isCreated = failing(() -> opened.addFirst(disk.create(path)));
            if (!isCreated && Files.exists(path)) {
                assertNotEquals(0, lastFailure.getSuppressed().length, "it stays behind, and nobody says so");
            }
            failing(() -> opened.addFirst(disk.open(path, Access.READ)));
            failing(() -> opened.addFirst(disk.open(path, Access.READ_WRITE)));
            for (AutoCloseable each : List.copyOf(opened)) {
                if (each instanceof DiskFile file && file.access() == Access.READ_WRITE) {
                    useFile(disk, file, memory);
                }
            }
            failing(() -> disk.list(directory));
            failing(() -> disk.syncDirectory(directory));
            failing(() -> disk.usableBytes(directory));
            opened.forEach(each -> failing(each::close));
            failing(() -> disk.rename(path, directory.resolve("other")));
            failing(() -> disk.delete(directory.resolve("other")));
            assertFalse(Files.exists(path));
        }
    }

    private void useFile(Disk disk, DiskFile file, MemorySegment memory) {
        file.expectLifetime(Lifetime.SHORT);
        failing(file::bytes);
        failing(() -> file.allocate(4L * PAGE));
        failing(() -> file.punchHole(0, PAGE));
        failing(() -> file.truncate(PAGE));
        failing(() -> transfer(disk.newQueue(4), file, memory));
        failing(() -> transfer(disk.newMovableQueue(4), file, memory));
    }

    private void transfer(IoQueue queue, DiskFile file, MemorySegment memory) {
        try (queue) {
            queue.write(file, 0, memory, 0, PAGE, 0);
            queue.writeDurable(file, PAGE, memory, PAGE, PAGE, 1);
            queue.sync(file, 2);
            queue.read(file, 0, memory, 2L * PAGE, PAGE, 3);
            queue.wake();
            while (queue.inFlight() > 0) {
                queue.await(Long.MAX_VALUE);
                queue.poll((_, _, failure) -> failureCount += failure == null ? 0 : 1);
            }
        }
    }

    /** False if it fails. */
    private boolean failing(Step step) {
        try {
            step.run();
            return true;
        } catch (DiskException | RingException | UnsupportedOperationException e) {
            lastFailure = e;
            failureCount++;
            return false;
        } catch (Exception e) {
            throw new AssertionError("this is no failure of a disk: " + e, e);
        }
    }

    private interface Step {
        void run() throws Exception;
    }
}
