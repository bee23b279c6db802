package io.nyala.io;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
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
import java.util.List;
import java.util.stream.Stream;

/**
 * System calls that a process forbids to itself: they fail with EPERM. It needs no rights and ends with the process, so
 * it is for a child. What a call was asked for is seen there as the kernel sees it. Stateless.
 */
final class SystemCallFilter {
    private static final String NO_FILTER = "no filter here: ";

    private static final boolean IS_ARM = System.getProperty("os.arch").equals("aarch64");
    static final int PWRITEV2 = IS_ARM ? 287 : 328;
    static final int FDATASYNC = IS_ARM ? 83 : 75;
    private static final long SECCOMP = IS_ARM ? 277 : 317;
    private static final long SET_MODE_FILTER = 1;
    private static final long ALL_THREADS = 1;
    private static final int NO_NEW_PRIVILEGES = 38;

    private static final int LOAD = 0x20;
    private static final int SKIP_UNLESS = 0x15;
    private static final int ANSWER = 0x06;
    private static final int EPERM = 0x0005_0000 | 1;
    private static final int ALLOWED = 0x7fff_0000;
    private static final int NUMBER_AT = 0;
    private static final int ARGUMENTS_AT = 16;

    private SystemCallFilter() {}

    /** A step of a filter; {@code skipped} of those behind it are left out unless what was loaded is the value. */
    private record Step(int code, int skipped, int value) {}

    /** Runs a class in a child process and returns what it said; the test is skipped if there can be no filter. */
    static String child(Class<?> main, String... arguments) throws IOException, InterruptedException {
        assumeTrue(System.getProperty("os.name").equals("Linux"), "filters of system calls are Linux'");
        List<String> command = Stream.concat(
                        Stream.of(
                                Path.of(System.getProperty("java.home"), "bin", "java")
                                        .toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                main.getName()),
                        Stream.of(arguments))
                .toList();
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        assumeFalse(said.contains(NO_FILTER), said);
        return said;
    }

    /** Forbids this process a system call; false, and said, if that cannot be. */
    static boolean forbid(int number) {
        return filter(List.of(
                new Step(LOAD, 0, NUMBER_AT),
                new Step(SKIP_UNLESS, 1, number),
                new Step(ANSWER, 0, EPERM),
                new Step(ANSWER, 0, ALLOWED)));
    }

    /** As {@link #forbid(int)}, of calls with this value (of 32 bits) as the argument of that index. */
    static boolean forbid(int number, int argument, int value) {
        return filter(List.of(
                new Step(LOAD, 0, NUMBER_AT),
                new Step(SKIP_UNLESS, 3, number),
                new Step(LOAD, 0, ARGUMENTS_AT + argument * Long.BYTES),
                new Step(SKIP_UNLESS, 1, value),
                new Step(ANSWER, 0, EPERM),
                new Step(ANSWER, 0, ALLOWED)));
    }

    @SuppressWarnings("restricted") // Two calls that only tests make.
    private static boolean filter(List<Step> steps) {
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
            long filtered = (long) call.invokeExact(SECCOMP, SET_MODE_FILTER, ALL_THREADS, program(arena, steps));
            if (confined != 0 || filtered != 0) {
                System.out.println(NO_FILTER + confined + ", " + filtered);
                return false;
            }
            return true;
        } catch (Throwable e) {
            throw new AssertionError("a native call was made wrongly", e);
        }
    }

    private static MemorySegment program(Arena arena, List<Step> steps) {
        MemorySegment filter = arena.allocate(steps.size() * 8L, 8);
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i);
            filter.set(JAVA_SHORT, i * 8L, (short) step.code);
            filter.set(JAVA_BYTE, i * 8L + 3, (byte) step.skipped);
            filter.set(JAVA_INT, i * 8L + 4, step.value);
        }
        MemorySegment program = arena.allocate(16, 8);
        program.set(JAVA_SHORT, 0, (short) steps.size());
        program.set(ADDRESS, 8, filter);
        return program;
    }
}
