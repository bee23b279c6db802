package io.nyala.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.testkit.Allocation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: what only a disk with threads can get wrong: how many there are, when they are used, that they end, and that
 * nothing is lost between them and the queues. What all disks have in common is in DiskContract.
 * Method: the number of threads after loads that are known, and several owners with all their queues hold at once.
 */
@Timeout(300)
final class SyscallQueueTest {
    private static final int PAGE = Disk.ALIGNMENT_BYTES;
    private static final int DEPTH = 16;
    private static final int OWNERS = 4;
    private static final int ROUNDS = 200;

    @TempDir
    Path directory = Path.of("");

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory = arena.allocate((long) OWNERS * 4 * DEPTH * PAGE, PAGE);

    @BeforeEach
    void needsNativeCalls() {
        String obstacle = RingDisk.nativeObstacle();
        assumeTrue(obstacle == null, obstacle);
    }

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void oneTransferAtATimeNeedsNoThread() {
        try (SyscallDisk disk = new SyscallDisk("");
                DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(DEPTH)) {
            for (int i = 0; i < DEPTH; i++) {
                queue.writeDurable(file, i * (long) PAGE, memory, 0, PAGE, i);
                assertEquals(1, queue.poll((_, _, failure) -> assertNull(failure)));
                queue.sync(file, i);
                queue.await(Long.MAX_VALUE);
                assertEquals(1, queue.poll((_, _, failure) -> assertNull(failure)));
            }
            assertEquals(0, disk.threads().threadCount());
        }
    }

    @Test
    void severalGetAThreadEachWhileThereAreAny() {
        try (SyscallDisk disk = new SyscallDisk("");
                DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(4 * DEPTH)) {
            write(queue, file, DEPTH);
            assertEquals(DEPTH, disk.threads().threadCount());
            drain(queue);
            write(queue, file, 4 * DEPTH);
            drain(queue);
            assertEquals(IoThreads.THREAD_COUNT_MAX, disk.threads().threadCount());
        }
    }

    @Test
    void threadsEndWithTheDisk() {
        SyscallDisk disk = new SyscallDisk("");
        try (DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(DEPTH)) {
            write(queue, file, DEPTH);
            drain(queue);
            assertTrue(hasThreads());
            disk.close();
            assertFalse(hasThreads());
            disk.close();
            write(queue, file, 1); // Needs none.
            drain(queue);
            IllegalStateException refused = assertThrows(IllegalStateException.class, () -> write(queue, file, 2));
            assertTrue(String.valueOf(refused.getMessage()).contains("closed"), refused::toString);
        }
    }

    @Test
    void aClosedDiskStillFinishesWhatItsThreadsHave() {
        SyscallDisk disk = new SyscallDisk("");
        try (DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(4 * DEPTH)) {
            write(queue, file, 4 * DEPTH);
            disk.close();
            drain(queue);
            assertEquals(4L * DEPTH * PAGE, file.bytes());
        }
    }

    /** As a limit of processes does it. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void goesOnWithTheThreadsThatTheSystemHas(int allowed) {
        AtomicInteger left = new AtomicInteger(allowed);
        AtomicInteger refused = new AtomicInteger();
        IoThreads threads = new IoThreads(
                work -> new Thread(work, "nyala-io-few") {
                    {
                        setDaemon(true);
                    }

                    @Override
                    public void start() {
                        if (left.getAndDecrement() <= 0) {
                            refused.incrementAndGet();
                            throw new OutOfMemoryError("unable to create native thread");
                        }
                        super.start();
                    }
                },
                KernelCalls.REAL);
        try (SyscallDisk disk = new SyscallDisk("", threads);
                DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(DEPTH)) {
            assertFalse(disk.description().contains("only"), disk::description);
            for (int round = 0; round < 2; round++) {
                writeAndReadBack(queue, file, 0, round);
            }
            assertEquals(allowed, threads.threadCount());
            assertEquals(1, refused.get());
            assertTrue(
                    disk.description().contains("only " + allowed + " of them, unable to create native thread"),
                    disk::description);

            left.set(IoThreads.THREAD_COUNT_MAX); // Others have ended.
            for (int i = 0; i < IoThreads.STARTS_PER_RETRY_MIN; i++) {
                write(queue, file, 2);
                drain(queue);
            }
            write(queue, file, DEPTH);
            drain(queue);
            assertTrue(threads.threadCount() > allowed, () -> threads.threadCount() + " threads");
            assertEquals(1, refused.get());
            assertFalse(disk.description().contains("only"), disk::description);
        }
    }

    /** A failure of which nothing can be said for want of memory is one nevertheless. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3}) // Of several, some are on other threads.
    void aTransferThatFindsNoMemoryFails(int count) {
        AtomicBoolean isShort = new AtomicBoolean();
        Path real = directory.resolve("file");
        Path path = (Path) Proxy.newProxyInstance(
                SyscallQueueTest.class.getClassLoader(), new Class<?>[] {Path.class}, (_, method, arguments) -> {
                    if (isShort.get()) {
                        throw new OutOfMemoryError("on purpose");
                    }
                    return method.invoke(real, arguments);
                });
        try (SyscallDisk disk = new SyscallDisk("");
                DiskFile file = disk.create(path);
                IoQueue queue = disk.newQueue(DEPTH)) {
            isShort.set(true);
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < count; i++) {
                    queue.write(file, Long.MAX_VALUE & -PAGE, memory, (long) i * PAGE, PAGE, i);
                }
                List<String> failures = new ArrayList<>();
                while (queue.inFlight() > 0) {
                    queue.await(Long.MAX_VALUE);
                    queue.poll((_, _, failure) -> failures.add(String.valueOf(failure)));
                }
                assertEquals(count, failures.size());
                assertTrue(failures.stream().allMatch(text -> text.contains("no heap left")), failures::toString);
            }
            isShort.set(false);
        }
    }

    @Test
    void ownersDoNotMeetAtTheirThreads() throws InterruptedException {
        try (SyscallDisk disk = new SyscallDisk("");
                DiskFile file = disk.create(directory.resolve("file"))) {
            AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
            Thread[] owners = new Thread[OWNERS];
            for (int owner = 0; owner < OWNERS; owner++) {
                int own = owner;
                owners[owner] = Thread.ofPlatform()
                        .uncaughtExceptionHandler((_, e) -> failure.set(e))
                        .start(() -> writeAndReadBack(disk, file, own));
            }
            for (Thread owner : owners) {
                owner.join();
            }
            assertNull(failure.get());
        }
    }

    /** Each round writes another number to the owner's pages, and reads them into the other half of its memory. */
    private void writeAndReadBack(Disk disk, DiskFile file, int owner) {
        try (IoQueue queue = disk.newQueue(DEPTH)) {
            for (int round = 1; round <= ROUNDS; round++) {
                writeAndReadBack(queue, file, owner, round);
            }
        }
    }

    private void writeAndReadBack(IoQueue queue, DiskFile file, int owner, int round) {
        MemorySegment own = memory.asSlice((long) owner * 2 * DEPTH * PAGE, 2L * DEPTH * PAGE);
        for (int i = 0; i < DEPTH; i++) {
            own.set(ValueLayout.JAVA_INT, i * (long) PAGE, round * DEPTH + i);
            queue.write(file, (owner * DEPTH + i) * (long) PAGE, own, i * (long) PAGE, PAGE, i);
        }
        drain(queue);
        for (int i = 0; i < DEPTH; i++) {
            long position = (owner * DEPTH + i) * (long) PAGE;
            queue.read(file, position, own, (DEPTH + i) * (long) PAGE, PAGE, i);
        }
        drain(queue);
        for (int i = 0; i < DEPTH; i++) {
            assertEquals(round * DEPTH + i, own.get(ValueLayout.JAVA_INT, (DEPTH + i) * (long) PAGE));
        }
    }

    @Test
    @Tag("allocation")
    void allocatesNothing() {
        try (SyscallDisk disk = new SyscallDisk("");
                DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(DEPTH)) {
            Completions receiver = (_, bytes, failure) -> {
                assert failure == null && bytes == PAGE;
            };
            Allocation.assertNone(DEPTH + " writes by threads, and a read by this one", () -> {
                write(queue, file, DEPTH);
                drain(queue, receiver);
                queue.read(file, 0, memory, 0, PAGE, 0);
                drain(queue, receiver);
            });
        }
    }

    /** Starts so many. */
    private void write(IoQueue queue, DiskFile file, int count) {
        for (int i = 0; i < count; i++) {
            queue.write(file, i * (long) PAGE, memory, i * (long) PAGE, PAGE, i);
        }
        queue.await(0);
    }

    private static void drain(IoQueue queue) {
        drain(queue, (_, bytes, failure) -> {
            assertNull(failure);
            assertEquals(PAGE, bytes);
        });
    }

    private static void drain(IoQueue queue, Completions receiver) {
        while (queue.inFlight() > 0) {
            queue.await(Long.MAX_VALUE);
            queue.poll(receiver);
        }
    }

    private static boolean hasThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().startsWith("nyala-io-"));
    }
}
