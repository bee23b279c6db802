package io.nyala.io;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: where the kernel forbids io_uring, as in most containers, transfers go by system calls, and the reason is said.
 * Method: a child process that forbids it to itself by a filter of system calls, which needs no rights and ends with
 * it.
 */
final class ForbiddenRingTest {
    @TempDir
    private Path directory;

    @Test
    void goesByPwritev2AndSaysWhy() throws Exception {
        String said = child("best");
        assertTrue(said.contains("pwritev2, "), said);
        assertTrue(said.contains("; io_uring is not used: "), said);
        assertTrue(said.contains("EPERM"), said);
        assertTrue(said.contains("read back"), said);
    }

    @Test
    void theRingThatWasAskedForIsRefusedWithTheReason() throws Exception {
        String said = child("ring");
        assertTrue(said.contains("UnsupportedOperationException: io_uring cannot be used here: "), said);
        assertTrue(said.contains("EPERM"), said);
    }

    private String child(String disk) throws IOException, InterruptedException {
        return SystemCallFilter.child(
                Child.class, disk, directory.resolve("file").toString());
    }

    /** Forbids itself io_uring, opens a disk and writes to it. */
    static final class Child {
        private static final int IO_URING_SETUP = 425;

        private Child() {}

        public static void main(String[] arguments) {
            if (SystemCallFilter.forbid(IO_URING_SETUP)) {
                write(arguments[0], Path.of(arguments[1]));
            }
        }

        private static void write(String name, Path path) {
            try (Disk disk = Disks.named(name);
                    Arena arena = Arena.ofShared();
                    BlockingIo io = new BlockingIo(disk);
                    DiskFile file = disk.create(path)) {
                MemorySegment memory = arena.allocate(2L * Disk.ALIGNMENT_BYTES, Disk.ALIGNMENT_BYTES);
                memory.asSlice(0, Disk.ALIGNMENT_BYTES).fill((byte) 7);
                io.writeDurable(file, 0, memory, 0, Disk.ALIGNMENT_BYTES);
                io.readFully(file, 0, memory, Disk.ALIGNMENT_BYTES, Disk.ALIGNMENT_BYTES);
                List<byte[]> both = List.of(
                        memory.asSlice(0, Disk.ALIGNMENT_BYTES).toArray(JAVA_BYTE),
                        memory.asSlice(Disk.ALIGNMENT_BYTES).toArray(JAVA_BYTE));
                System.out.println(disk.description());
                System.out.println(Arrays.equals(both.getFirst(), both.getLast()) ? "read back" : "lost");
            }
        }
    }
}
