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
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * System calls that a process or a thread forbids to itself. It needs no rights and ends with the process, for which a
 * child is made, or with the thread. What a call was asked for is seen there as the kernel sees it. Stateless.
 */
final class SystemCallFilter {
    private static final String NO_FILTER = "no filter here: ";

    private static final boolean IS_ARM = System.getProperty("os.arch").equals("aarch64");
    static final int PWRITEV2 = IS_ARM ? 287 : 328;
    static final int FDATASYNC = IS_ARM ? 83 : 75;
    private static final long SECCOMP = IS_ARM ? 277 : 317;
    private static final long SET_MODE_FILTER = 1;
    private static final long ALL_THREADS = 1;
    private static final long THIS_THREAD = 0;
    private static final int NO_NEW_PRIVILEGES = 38;
    private static final int F_GET_RW_HINT = 1035;

    private static final int LOAD = 0x20;
    private static final int SKIP_UNLESS = 0x15;
    private static final int ANSWER = 0x06;
    private static final int ERRNO = 0x0005_0000;
    private static final int EPERM = ERRNO | 1;
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

    /**
     * A system call that fails with a number of an error, or with an argument only those that have this value (of 32
     * bits) there.
     */
    record Refusal(String name, int number, int argument, int value, int errno) {
        static final int ANY = -1;

        static Refusal of(String name, int number, int errno) {
            return new Refusal(name, number, ANY, 0, errno);
        }

        private List<Step> steps() {
            List<Step> steps = new ArrayList<>();
            steps.add(new Step(LOAD, 0, NUMBER_AT));
            steps.add(new Step(SKIP_UNLESS, argument == ANY ? 1 : 3, number));
            if (argument != ANY) {
                steps.add(new Step(LOAD, 0, ARGUMENTS_AT + argument * Long.BYTES));
                steps.add(new Step(SKIP_UNLESS, 1, value));
            }
            steps.add(new Step(ANSWER, 0, ERRNO | errno));
            steps.add(new Step(ANSWER, 0, ALLOWED));
            return steps;
        }
    }

    /**
     * Does something on a thread to which, and to those that it makes, the system refuses a call; it ends with the
     * thread. The test is skipped if there can be no filter.
     */
    static void refusing(Refusal refusal, Runnable action) throws InterruptedException {
        AtomicBoolean isFiltered = new AtomicBoolean();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread.ofPlatform()
                .uncaughtExceptionHandler((_, e) -> failure.set(e))
                .start(() -> {
                    isFiltered.set(filter(refusal.steps(), THIS_THREAD));
                    if (isFiltered.get()) {
                        action.run();
                    }
                })
                .join();
        Throwable thrown = failure.get();
        if (thrown != null) {
            throw new AssertionError("where " + refusal + ": " + thrown, thrown);
        }
        assumeTrue(isFiltered.get(), NO_FILTER);
    }

    /** Forbids this process a system call; false, and said, if that cannot be. */
    static boolean forbid(int number) {
        return filter(
                List.of(
                        new Step(LOAD, 0, NUMBER_AT),
                        new Step(SKIP_UNLESS, 1, number),
                        new Step(ANSWER, 0, EPERM),
                        new Step(ANSWER, 0, ALLOWED)),
                ALL_THREADS);
    }

    /** As {@link #forbid(int)}, of calls with this value (of 32 bits) as the argument of that index. */
    static boolean forbid(int number, int argument, int value) {
        return filter(
                List.of(
                        new Step(LOAD, 0, NUMBER_AT),
                        new Step(SKIP_UNLESS, 3, number),
                        new Step(LOAD, 0, ARGUMENTS_AT + argument * Long.BYTES),
                        new Step(SKIP_UNLESS, 1, value),
                        new Step(ANSWER, 0, EPERM),
                        new Step(ANSWER, 0, ALLOWED)),
                ALL_THREADS);
    }

    @SuppressWarnings("restricted") // Two calls that only tests make.
    private static boolean filter(List<Step> steps, long threads) {
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
            long filtered = (long) call.invokeExact(SECCOMP, SET_MODE_FILTER, threads, program(arena, steps));
            if (confined != 0 || filtered != 0) {
                System.out.println(NO_FILTER + confined + ", " + filtered);
                return false;
            }
            return true;
        } catch (Throwable e) {
            throw new AssertionError("a native call was made wrongly", e);
        }
    }

    /** What the kernel was told of a file's lifetime, or -1. */
    @SuppressWarnings("restricted") // A call that only a test makes.
    static long lifetimeHint(int fd) {
        Linker linker = Linker.nativeLinker();
        MethodHandle control = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("fcntl"),
                FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS),
                Linker.Option.firstVariadicArg(2));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment hint = arena.allocate(JAVA_LONG);
            int answer = (int) control.invokeExact(fd, F_GET_RW_HINT, hint);
            return answer < 0 ? answer : hint.get(JAVA_LONG, 0);
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
