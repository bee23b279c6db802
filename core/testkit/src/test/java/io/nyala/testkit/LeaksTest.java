package io.nyala.testkit;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: each kind of thing left behind is found by name.
 * Method: leaves one behind at a time.
 */
final class LeaksTest {
    @Test
    void passesCodeThatCleansUp(@TempDir Path directory) throws Throwable {
        Path file = directory.resolve("file");
        Leaks.assertNone("open and close", () -> 0, () -> create(file).close());
    }

    @Test
    void findsAnOpenFile(@TempDir Path directory) throws Exception {
        assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")), "counts descriptors on Linux only");
        List<FileChannel> open = new ArrayList<>();
        Executable leak = () -> open.add(create(directory.resolve("left")));
        Failure.expect(
                AssertionError.class, () -> Leaks.assertNone("open", () -> 0, leak), "open leaves behind", "/left");
        open.getFirst().close();
    }

    @Test
    void findsNativeBytes() {
        AtomicLong used = new AtomicLong(100);
        Executable leak = () -> used.addAndGet(64);
        String message = "64 bytes of native memory (100 before, 164 after)";
        Failure.expect(AssertionError.class, () -> Leaks.assertNone("allocate", used::get, leak), message);
    }

    @Test
    void findsAThread() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        Thread left = new Thread(() -> await(end), "left-behind");
        Failure.expect(
                AssertionError.class, () -> Leaks.assertNone("start", () -> 0, left::start), "thread left-behind");
        end.countDown();
        left.join();
    }

    private static FileChannel create(Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    private static void await(CountDownLatch end) {
        try {
            end.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
