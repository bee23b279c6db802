package io.nyala.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.testkit.Spin;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a thread that is interrupted neither fails nor closes a file for others, and stays interrupted. Method: writes
 * by threads that another interrupts all the time, to files that get another name meanwhile, or have none any more.
 */
@Timeout(300)
final class InterruptsTest {
    private static final int PAGE = Disk.ALIGNMENT_BYTES;
    private static final int WRITERS = 3;
    private static final int PAGES_EACH = 64;

    @TempDir
    Path directory = Path.of("");

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory = arena.allocate((WRITERS + 1L) * PAGE, PAGE);

    @AfterEach
    void close() {
        arena.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ring", "syscall", "channel"})
    void whoIsInterruptedBeforeWritesAllTheSame(String name) {
        try (Disk disk = disk(name);
                DiskFile file = disk.create(directory.resolve("file"));
                BlockingIo io = new BlockingIo(disk)) {
            memory.set(ValueLayout.JAVA_LONG, 0, 42);
            Thread.currentThread().interrupt();
            io.writeDurable(file, 0, memory, 0, PAGE);
            memory.set(ValueLayout.JAVA_LONG, 0, 0);
            io.readFully(file, 0, memory, 0, PAGE);
            file.truncate(2 * PAGE);
            assertEquals(2 * PAGE, file.bytes());
            disk.syncDirectory(directory);
            assertTrue(Thread.interrupted(), "the interrupt must not be lost");
            assertEquals(42, memory.get(ValueLayout.JAVA_LONG, 0));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ring", "syscall", "channel"})
    void noInterruptTakesAFileFromItsUsers(String name) throws InterruptedException, IOException {
        Path path = directory.resolve("file");
        try (Disk disk = disk(name);
                DiskFile file = disk.create(path)) {
            AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
            List<Thread> writers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                int writer = i;
                writers.add(Thread.ofPlatform()
                        .uncaughtExceptionHandler((_, e) -> failure.set(e))
                        .start(() -> write(disk, file, writer)));
            }
            disk.rename(path, directory.resolve("renamed"));
            try (DiskFile other = disk.create(path)) { // Of the same name: not a byte of the first may get there.
                Spin.until(() -> {
                    writers.forEach(Thread::interrupt);
                    return writers.stream().noneMatch(Thread::isAlive);
                });
                for (Thread writer : writers) {
                    writer.join();
                }
                assertNull(failure.get());
                assertEquals(0, other.bytes());
            }
            disk.delete(directory.resolve("renamed"));
            readBack(disk, file);
        }
        assertEquals(0, Files.size(path));
    }

    private void write(Disk disk, DiskFile file, int writer) {
        long at = writer * (long) PAGE;
        try (BlockingIo io = new BlockingIo(disk)) {
            for (int page = 0; page < PAGES_EACH; page++) {
                long position = (writer * PAGES_EACH + page) * (long) PAGE;
                memory.set(ValueLayout.JAVA_LONG, at, position);
                io.write(file, position, memory, at, PAGE);
                io.readFully(file, position, memory, at, PAGE);
                assertEquals(position, memory.get(ValueLayout.JAVA_LONG, at));
            }
            io.sync(file);
        }
    }

    /** From a file that has no name, by a thread that is interrupted. */
    private void readBack(Disk disk, DiskFile file) {
        Thread.currentThread().interrupt();
        try (BlockingIo io = new BlockingIo(disk)) {
            for (long position = 0; position < WRITERS * PAGES_EACH * (long) PAGE; position += PAGE) {
                io.readFully(file, position, memory, WRITERS * (long) PAGE, PAGE);
                assertEquals(position, memory.get(ValueLayout.JAVA_LONG, WRITERS * (long) PAGE));
            }
        } finally {
            assertTrue(Thread.interrupted(), "the interrupt must not be lost");
        }
    }

    private static Disk disk(String name) {
        String obstacle =
                name.equals("channel") ? null : name.equals("ring") ? RingDisk.obstacle() : RingDisk.nativeObstacle();
        assumeTrue(obstacle == null, obstacle);
        return Disks.named(name);
    }
}
