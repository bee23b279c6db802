package io.nyala.testkit;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.function.Executable;

/**
 * Fails if code leaves behind what it should have given back: open file descriptors, threads, native memory. Stateless.
 * Counts the whole process, so nothing else may run beside the test.
 *
 * <pre>{@code
 * Leaks.assertNone("open and close", budget::usedBytes, () -> Engine.open(config).close());
 * }</pre>
 */
public final class Leaks {
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

    private Leaks() {}

    /**
     * Runs the code once and compares before and after.
     *
     * @param nativeBytes what the owner of native memory counts as in use; {@code () -> 0} if there is none
     */
    public static void assertNone(String what, LongSupplier nativeBytes, Executable code) throws Throwable {
        long bytesBefore = nativeBytes.getAsLong();
        Set<String> filesBefore = openFiles();
        Set<Thread> threadsBefore = threads();
        code.execute();
        List<String> left = new ArrayList<>();
        long bytesAfter = nativeBytes.getAsLong();
        if (bytesAfter != bytesBefore) {
            left.add("%,d bytes of native memory (%,d before, %,d after)"
                    .formatted(bytesAfter - bytesBefore, bytesBefore, bytesAfter));
        }
        openFiles().stream().filter(f -> !filesBefore.contains(f)).sorted().forEach(f -> left.add("open file " + f));
        threads().stream().filter(t -> !threadsBefore.contains(t)).forEach(t -> left.add("thread " + t.getName()));
        if (!left.isEmpty()) {
            throw new AssertionError(what + " leaves behind: " + String.join("; ", left));
        }
    }

    /**
     * Descriptor and target of each open file, but those that the JVM opens for itself at any moment. Empty off Linux.
     */
    static Set<String> openFiles() throws IOException {
        Set<String> files = new HashSet<>();
        if (!Files.isDirectory(DESCRIPTORS)) {
            return files;
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(DESCRIPTORS)) {
            for (Path entry : entries) {
                String target = target(entry);
                if (!target.matches(".*\\.(jar|so|class)|/dev/u?random|/proc/\\d+/fd|")) {
                    files.add(entry.getFileName() + " -> " + target);
                }
            }
        }
        return files;
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException _) {
            return ""; // Closed meanwhile: the one that listed the directory.
        }
    }

    /** Live threads, but those of the JVM, of the common pool, and Netty's for all, which ends and begins by itself. */
    private static Set<Thread> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getThreadGroup() != null
                        && t.getThreadGroup().getParent() != null
                        && !t.getThreadGroup().getName().equals("InnocuousThreadGroup")
                        && !t.getName().startsWith("ForkJoinPool")
                        && !t.getName().startsWith("globalEventExecutor"))
                .collect(Collectors.toSet());
    }
}
