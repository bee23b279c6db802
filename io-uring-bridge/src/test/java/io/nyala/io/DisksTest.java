package io.nyala.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Goal: the best disk is chosen, and where it cannot be had the reason is said. Method: children with other rights. */
final class DisksTest {
    @TempDir
    Path directory = Path.of("");

    @Test
    void namesLeadToDisks() {
        assertTrue(Disks.named("channel").description().startsWith("AsynchronousFileChannel"));
        assertTrue(Disks.named("syscall").description().startsWith("pwritev2"));
        assertEquals(Disks.best().description(), Disks.named("best").description());
        IllegalArgumentException unknown = assertThrows(IllegalArgumentException.class, () -> Disks.named("mmap"));
        assertTrue(String.valueOf(unknown.getMessage()).contains("best, ring, syscall, channel"));
    }

    @Test
    void withoutNativeAccessFallsBackAndSaysWhy() throws IOException, InterruptedException {
        String said = child(List.of("--illegal-native-access=deny"), "best");
        assertTrue(said.contains("FileChannel"), said);
        assertTrue(said.contains("io_uring is not used"), said);
        assertTrue(said.contains("--enable-native-access"), said);
        String forced = child(List.of("--illegal-native-access=deny"), "ring");
        assertTrue(forced.contains("UnsupportedOperationException: io_uring cannot be used here"), forced);
    }

    @Test
    void anotherProcessIsLockedOutAndToldByWhom() throws IOException, InterruptedException {
        try (Disk disk = Disks.channel();
                DirectoryLock lock = disk.lock(directory)) {
            String said = child(List.of(), "lock", lock.directory().toString());
            assertTrue(said.contains("DirectoryLockedException"), said);
            assertTrue(said.contains("process " + ProcessHandle.current().pid()), said);
        }
        assertTrue(child(List.of(), "lock", directory.toString()).contains("locked"));
    }

    private static String child(List<String> flags, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Child.class.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(120, TimeUnit.SECONDS), said);
        return said;
    }

    /** Another process. */
    static final class Child {
        private Child() {}

        public static void main(String[] arguments) {
            if (arguments[0].equals("lock")) {
                Disks.channel().lock(Path.of(arguments[1]));
                System.out.println("locked");
            } else {
                System.out.println(Disks.named(arguments[0]).description());
            }
        }
    }
}
