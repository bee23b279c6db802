package io.nyala.io;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
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
    private static final String NO_FILTER = "no filter here: ";

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
        assumeTrue(System.getProperty("os.name").equals("Linux"), "filters of system calls are Linux'");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Child.class.getName(),
                        disk,
                        directory.resolve("file").toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        assumeFalse(said.contains(NO_FILTER), said);
        return said;
    }

    /** Forbids itself io_uring, opens a disk and writes to it. */
    static final class Child {
        private static final long SECCOMP = System.getProperty("os.arch").equals("aarch64") ? 277 : 317;
        private static final long SET_MODE_FILTER = 1;
        private static final long ALL_THREADS = 1;
        private static final int NO_NEW_PRIVILEGES = 38;
        private static final int IO_URING_SETUP = 425;

        private Child() {}

        @SuppressWarnings("restricted") // Two calls that only this test makes.
        public static void main(String[] arguments) throws Throwable {
            Linker linker = Linker.nativeLinker();
            MethodHandle control = linker.downcallHandle(
                    linker.defaultLookup().findOrThrow("prctl"),
                    FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
                    Linker.Option.firstVariadicArg(1));
            MethodHandle call = linker.downcallHandle(
                    linker.defaultLookup().findOrThrow("syscall"),
                    FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS),
                    Linker.Option.firstVariadicArg(1));
            try (Arena arena = Arena.ofConfined()) {
                int confined = (int) control.invokeExact(NO_NEW_PRIVILEGES, 1L, 0L, 0L, 0L);
                long filtered = (long) call.invokeExact(SECCOMP, SET_MODE_FILTER, ALL_THREADS, program(arena));
                if (confined != 0 || filtered != 0) {
                    System.out.println(NO_FILTER + confined + ", " + filtered);
                    return;
                }
            }
            write(arguments[0], Path.of(arguments[1]));
        }

        /** Loads the number of the call; answers it with EPERM if it is that of io_uring, else lets it pass. */
        private static MemorySegment program(Arena arena) {
            MemorySegment filter = arena.allocate(4 * 8L, 8);
            step(filter, 0, 0x20, 0, 0);
            step(filter, 1, 0x15, 1, IO_URING_SETUP);
            step(filter, 2, 0x06, 0, 0x0005_0000 | 1);
            step(filter, 3, 0x06, 0, 0x7fff_0000);
            MemorySegment program = arena.allocate(16, 8);
            program.set(JAVA_SHORT, 0, (short) 4);
            program.set(ADDRESS, 8, filter);
            return program;
        }

        private static void step(MemorySegment filter, int index, int code, int stepsIfFalse, int value) {
            filter.set(JAVA_SHORT, index * 8L, (short) code);
            filter.set(JAVA_BYTE, index * 8L + 3, (byte) stepsIfFalse);
            filter.set(JAVA_INT, index * 8L + 4, value);
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
