package io.nyala.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a sync reaches the operating system, which a process cannot see from a file that it reads back.
 * Method: a pipe with a name, which the system refuses to sync.
 */
final class DiskSyncTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"ring", "syscall", "channel"})
    void aSyncOfAFileReachesTheSystem(String name) throws Exception {
        try (Disk disk = Disks.named(name);
                DiskFile pipe = disk.open(pipe(), Access.READ_WRITE);
                var io = new BlockingIo(disk)) {
            assertThrows(DiskException.class, () -> io.sync(pipe));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ring", "syscall", "channel"})
    void aSyncOfADirectoryReachesTheSystem(String name) throws Exception {
        Path path = pipe();
        try (Disk disk = Disks.named(name);
                DiskFile _ = disk.open(path, Access.READ_WRITE)) { // Or opening it again would wait for a writer.
            assertThrows(DiskException.class, () -> disk.syncDirectory(path));
        }
    }

    private Path pipe() throws Exception {
        Path path = directory.resolve("pipe");
        Process made = new ProcessBuilder("mkfifo", path.toString()).start();
        assertEquals(0, made.waitFor());
        return path;
    }
}
