package io.nyala.io;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.io.DiskFile.Lifetime;
import io.nyala.io.SystemCallFilter.Refusal;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: room that a file was given is taken from the disk and given back, whether the kernel can do that or zeros are
 * written; and direct I/O is used where the device takes our transfers, and only there.
 * Method: the blocks that the system counts for a file, with system calls refused, and devices that are made up.
 */
final class FileRoomTest {
    private static final long MIB = 1 << 20;
    private static final boolean IS_ARM = System.getProperty("os.arch").equals("aarch64");
    private static final int FALLOCATE = IS_ARM ? 47 : 285;
    private static final int STATX = IS_ARM ? 291 : 332;
    private static final int STATX_BLOCKS = 0x400;
    private static final long BLOCKS_AT = 48; // Of struct statx; a block is 512 bytes.
    private static final int NOT_SUPPORTED = 95;
    private static final int NO_SYSTEM_CALL = 38;

    @TempDir
    private Path directory;

    @BeforeEach
    void needsNativeCalls() {
        String obstacle = RingDisk.nativeObstacle();
        assumeTrue(obstacle == null, obstacle);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ring", "syscall", "channel"})
    void allocatedRoomIsTakenAndHolesGiveItBack(String name) {
        Path path = directory.resolve("file");
        try (Disk disk = Disks.named(name);
                DiskFile file = disk.create(path)) {
            file.allocate(4 * MIB);
            assertEquals(4 * MIB, file.bytes());
            assertTrue(roomBytes(path) >= 4 * MIB, () -> roomBytes(path) + " bytes");
            file.allocate(MIB);
            assertEquals(4 * MIB, file.bytes());
            if (file.punchHole(MIB, 2 * MIB)) {
                assertTrue(roomBytes(path) < 3 * MIB, () -> roomBytes(path) + " bytes");
            } else {
                assertEquals("channel", name);
            }
            assertEquals(4 * MIB, file.bytes());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {NOT_SUPPORTED, NO_SYSTEM_CALL})
    void zerosAreWrittenWhereTheFileSystemCannotKeepRoom(int errno) throws InterruptedException {
        Path path = directory.resolve("file");
        try (Disk disk = Disks.syscall();
                DiskFile file = disk.create(path)) {
            file.truncate(100);
            SystemCallFilter.refusing(Refusal.of("fallocate", FALLOCATE, errno), () -> {
                file.allocate(MIB);
                assertFalse(file.punchHole(0, MIB));
            });
            assertEquals(MIB, file.bytes());
            assertTrue(roomBytes(path) >= MIB - Disk.ALIGNMENT_BYTES, () -> roomBytes(path) + " bytes");
        }
    }

    @Test
    void whatCannotBeAllocatedLeavesTheFileAsItWas() throws InterruptedException {
        Path path = directory.resolve("file");
        try (Disk disk = Disks.syscall();
                DiskFile file = disk.create(path)) {
            file.allocate(MIB);
            DiskException tooLarge = assertThrows(DiskException.class, () -> file.allocate(1L << 60));
            assertTrue(
                    tooLarge.toString().contains("allocation to 1,152,921,504,606,846,976 bytes"), tooLarge::toString);
            assertTrue(tooLarge.toString().contains("(EFBIG)"), tooLarge::toString);
            assertEquals(MIB, file.bytes());
            SystemCallFilter.refusing(Refusal.of("fallocate", FALLOCATE, NOT_SUPPORTED), () -> {
                try {
                    SystemCallFilter.refusing(Refusal.of("pwritev2", SystemCallFilter.PWRITEV2, 28), () -> {
                        DiskException full = assertThrows(DiskException.class, () -> file.allocate(2 * MIB));
                        assertEquals(DiskException.Kind.NO_SPACE, full.kind());
                    });
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            });
            assertEquals(MIB, file.bytes());
        }
    }

    @Test
    void aChannelThatCannotAllocateSaysSoAndLeavesTheFileAsItWas() throws InterruptedException {
        try (Disk disk = Disks.channel();
                DiskFile file = disk.create(directory.resolve("file"))) {
            file.allocate(MIB);
            SystemCallFilter.refusing(Refusal.of("pwrite64", IS_ARM ? 68 : 18, 28), () -> {
                DiskException full = assertThrows(DiskException.class, () -> file.allocate(2 * MIB));
                assertEquals(DiskException.Kind.NO_SPACE, full.kind());
                assertTrue(full.toString().contains("allocation to 2,097,152 bytes of " + file.path()), full::toString);
            });
            assertEquals(MIB, file.bytes());
        }
    }

    private static long roomBytes(Path path) {
        int fd = Kernel.open(path, Access.READ, false);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(DirectAlignment.STATUS);
            assertEquals(0, Kernel.status(fd, STATX_BLOCKS, status));
            return status.get(JAVA_LONG, BLOCKS_AT) * 512;
        } finally {
            Kernel.close(fd);
        }
    }

    @Test
    void theKernelHearsHowLongAFileLives() {
        try (Disk disk = Disks.syscall();
                DiskFile file = disk.create(directory.resolve("file"))) {
            int fd = ((DescriptorFile) file).fd();
            assumeTrue(SystemCallFilter.lifetimeHint(fd) >= 0, "no hints here");
            file.expectLifetime(Lifetime.SHORT);
            assertEquals(2, SystemCallFilter.lifetimeHint(fd)); // RWH_WRITE_LIFE_SHORT, as in linux/fcntl.h.
            file.expectLifetime(Lifetime.LONG);
            assertEquals(4, SystemCallFilter.lifetimeHint(fd));
        }
    }

    /** Memory and position, as the device wants them, and what is said; nothing where we can do that. */
    @ParameterizedTest
    @CsvSource({
        "512, 512,",
        "4, 4096,",
        "4096, 4096,",
        "512, 8192, positions to 8192",
        "16384, 4096, memory aligned to 16384",
        "0, 0, no direct I/O"
    })
    void aDeviceThatWantsMoreThanWeDoIsNotUsedDirectly(int memory, int position, String said) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(DirectAlignment.STATUS);
            status.set(JAVA_INT, 152, memory); // As in linux/stat.h.
            status.set(JAVA_INT, 156, position);
            assertNull(DirectAlignment.obstacle(status), "an older kernel has not filled that in");
            status.set(JAVA_INT, 0, 0x2000);
            String obstacle = DirectAlignment.obstacle(status);
            if (said == null) {
                assertNull(obstacle);
            } else {
                assertTrue(String.valueOf(obstacle).contains(said), obstacle);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ring", "syscall"})
    void aFileThatHasNoDirectTransfersIsBufferedAndThatIsSaid(String name) {
        try (Disk disk = Disks.named(name)) {
            assertTrue(disk.description().contains("O_DIRECT"), disk.description());
            disk.open(Path.of("/proc/self/status"), Access.READ).close();
            assertTrue(disk.description().contains("buffered by the page cache"), disk.description());
            assertTrue(disk.description().contains("/proc/self/status"), disk.description());
            disk.open(Path.of("/proc/self/maps"), Access.READ).close();
            assertFalse(disk.description().contains("/proc/self/maps"), "once is enough");
        }
    }

    @Test
    void aKernelThatDoesNotTellAlignmentIsTriedDirectly() throws InterruptedException {
        try (Disk disk = Disks.syscall()) {
            SystemCallFilter.refusing(
                    Refusal.of("statx", STATX, NO_SYSTEM_CALL),
                    () -> disk.create(directory.resolve("file")).close());
            assertTrue(disk.description().contains("O_DIRECT"), disk.description());
        }
    }
}
