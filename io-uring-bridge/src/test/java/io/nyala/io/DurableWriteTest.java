package io.nyala.io;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a durable write asks the kernel for durability, which no process can see from what it reads back.
 * Method: for the ring the submission, as it lies there for the kernel; for the others a child process, to which the
 * kernel refuses each pwritev2 with RWF_DSYNC and no other, or fdatasync.
 */
final class DurableWriteTest {
    private static final int RWF_DSYNC = 2; // As in linux/fs.h, not as in our code.

    /** Of a submission; see {@link Ring}. */
    private static final long SUBMISSION_BYTES = 64;

    private static final long OPERATION_FLAGS_AT = 28;

    @TempDir
    private Path directory;

    @Test
    void theRingAsksForADurableWrite() {
        try (RingDisk disk = new RingDisk();
                Arena arena = Arena.ofShared();
                DiskFile file = disk.create(directory.resolve("file"));
                var queue = new RingQueue(disk, 3, RingSetup.DEFERRED, false)) {
            MemorySegment page = arena.allocate(Disk.ALIGNMENT_BYTES, Disk.ALIGNMENT_BYTES);
            queue.write(file, 0, page, 0, Disk.ALIGNMENT_BYTES, 0);
            queue.writeDurable(file, 0, page, 0, Disk.ALIGNMENT_BYTES, 1);
            queue.write(file, 0, page, 0, Disk.ALIGNMENT_BYTES, 2);
            MemorySegment submissions = queue.ring().submissions();
            assertEquals(
                    List.of(0, RWF_DSYNC, 0),
                    List.of(flags(submissions, 0), flags(submissions, 1), flags(submissions, 2)));
        }
    }

    private static int flags(MemorySegment submissions, int index) {
        return submissions.get(JAVA_INT, index * SUBMISSION_BYTES + OPERATION_FLAGS_AT);
    }

    /** By pwritev2 it is a flag of the write, by channels a call of its own behind it. */
    @ParameterizedTest
    @ValueSource(strings = {"syscall", "channel"})
    void theSystemIsAskedForADurableWrite(String disk) throws IOException, InterruptedException {
        String said = SystemCallFilter.child(
                Child.class, disk, directory.resolve("file").toString());
        assertTrue(said.contains("plain: written"), said);
        assertTrue(said.contains("durable: durable write of 4,096 bytes"), said);
    }

    /** Forbids itself what makes a write durable, and writes both ways. */
    static final class Child {
        private static final int FLAGS = 5; // Argument of pwritev2: file, vector, its length, position in two, flags.

        private Child() {}

        public static void main(String[] arguments) {
            boolean isForbidden = arguments[0].equals("syscall")
                    ? SystemCallFilter.forbid(SystemCallFilter.PWRITEV2, FLAGS, RWF_DSYNC)
                    : SystemCallFilter.forbid(SystemCallFilter.FDATASYNC);
            if (isForbidden) {
                write(arguments[0], Path.of(arguments[1]));
            }
        }

        private static void write(String name, Path path) {
            try (Disk disk = Disks.named(name);
                    Arena arena = Arena.ofShared();
                    BlockingIo io = new BlockingIo(disk);
                    DiskFile file = disk.create(path)) {
                MemorySegment page = arena.allocate(Disk.ALIGNMENT_BYTES, Disk.ALIGNMENT_BYTES);
                io.write(file, 0, page, 0, Disk.ALIGNMENT_BYTES);
                System.out.println("plain: written");
                io.writeDurable(file, 0, page, 0, Disk.ALIGNMENT_BYTES);
                System.out.println("durable: written");
            } catch (DiskException e) {
                System.out.println("durable: " + e.getMessage());
            }
        }
    }
}
