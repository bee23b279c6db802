package io.nyala.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.io.SystemCallFilter.Refusal;
import io.nyala.testkit.Allocation;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: what only a ring can get wrong: allocation, the thread it is tied to, kernel resources. What all disks have in
 * common is in DiskContract.
 */
@Timeout(300)
final class RingQueueTest {
    private static final int PAGE = Disk.ALIGNMENT_BYTES;
    private static final int DEPTH = 16;

    @TempDir
    Path directory = Path.of("");

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory = arena.allocate((long) DEPTH * PAGE, PAGE);

    @BeforeEach
    void needsIoUring() {
        String obstacle = RingDisk.obstacle();
        assumeTrue(obstacle == null, obstacle);
    }

    @AfterEach
    void close() {
        arena.close();
    }

    /** Reads of an empty file are done in the call that submits them, so that a poll hands out several. */
    @ParameterizedTest
    @ValueSource(ints = {DEPTH, 4 * DEPTH, 8 * DEPTH})
    void aShallowQueueSubmitsAtOnceWhatItsReceiverQueues(int depth) {
        try (RingDisk disk = new RingDisk();
                DiskFile file = disk.create(directory.resolve("file"));
                RingQueue queue = new RingQueue(disk, depth, RingSetup.DEFERRED, false)) {
            for (int i = 0; i < DEPTH; i++) {
                queue.read(file, 0, memory, i * (long) PAGE, PAGE, i);
            }
            int[] unsubmittedMost = {0};
            int[] done = {0};
            while (queue.inFlight() > 0) {
                queue.await(Long.MAX_VALUE);
                queue.poll((token, _, failure) -> {
                    assertNull(failure);
                    unsubmittedMost[0] =
                            Math.max(unsubmittedMost[0], queue.ring().unsubmitted());
                    if (done[0]++ < DEPTH) {
                        queue.read(file, 0, memory, token * PAGE, PAGE, token);
                    }
                });
            }
            assertEquals(2 * DEPTH, done[0]);
            if (depth <= 64) {
                assertEquals(0, unsubmittedMost[0]);
            }
        }
    }

    /** As kernels of all ages would have it: what an older one grants works, too, and the disk says what is lost. */
    @ParameterizedTest
    @EnumSource
    void worksWithEachSetup(RingSetup setup) {
        try (RingDisk disk = new RingDisk();
                DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = new RingQueue(disk, DEPTH, setup, false)) {
            int[] done = {0};
            for (int round = 0; round < 20; round++) {
                for (int i = 0; i < DEPTH; i++) {
                    queue.writeDurable(file, i * (long) PAGE, memory, i * (long) PAGE, PAGE, i);
                }
                queue.wake();
                while (queue.inFlight() > 0) {
                    queue.await(Long.MAX_VALUE);
                    done[0] += queue.poll((_, bytes, failure) -> {
                        assertNull(failure);
                        assertEquals(PAGE, bytes);
                    });
                }
            }
            assertEquals(20 * DEPTH, done[0]);
        }
        try (Ring ring = new Ring(KernelCalls.REAL, 1, setup)) {
            assertTrue(ring.setup().compareTo(setup) >= 0, "more than was asked for: " + ring.setup());
        }
        assertEquals(setup == RingSetup.DEFERRED, setup.lost().isEmpty());
    }

    @Test
    void asksOlderKernelsForLess() {
        assertEquals(RingSetup.COOPERATIVE, RingSetup.DEFERRED.next());
        assertEquals(RingSetup.INTERRUPTING, RingSetup.COOPERATIVE.next());
        assertEquals(0, RingSetup.INTERRUPTING.flags()); // Any kernel that has rings has this.
    }

    @Test
    @Tag("allocation")
    void allocatesNothing() {
        try (Disk disk = Disks.ring();
                DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(DEPTH)) {
            Completions receiver = (_, bytes, failure) -> {
                assert failure == null && bytes == PAGE;
            };
            Allocation.assertNone(DEPTH + " writes and reads", () -> {
                for (int i = 0; i < DEPTH; i++) {
                    queue.write(file, i * (long) PAGE, memory, i * (long) PAGE, PAGE, i);
                }
                drain(queue, receiver);
                for (int i = 0; i < DEPTH; i++) {
                    queue.read(file, i * (long) PAGE, memory, i * (long) PAGE, PAGE, i);
                }
                drain(queue, receiver);
            });
        }
    }

    @Test
    @Tag("allocation")
    void awaitAllocatesNothing() {
        try (Disk disk = Disks.ring();
                IoQueue queue = disk.newQueue(1)) {
            Allocation.assertNone("an await that times out and one that is woken", () -> {
                queue.await(1_000);
                queue.wake();
                queue.await(Long.MAX_VALUE);
            });
        }
    }

    @Test
    void belongsToTheThreadThatUsesItFirst() throws InterruptedException {
        try (Disk disk = Disks.ring();
                DiskFile file = disk.create(directory.resolve("file"))) {
            IoQueue queue = disk.newQueue(DEPTH); // Made here, used there.
            AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
            Thread first = Thread.ofPlatform()
                    .uncaughtExceptionHandler((_, e) -> failure.set(e))
                    .start(() -> {
                        queue.write(file, 0, memory, 0, PAGE, 1);
                        drain(queue, (_, _, e) -> assertNull(e));
                        queue.await(1);
                    });
            first.join();
            assertNull(failure.get());
            IllegalStateException refused =
                    assertThrows(IllegalStateException.class, () -> queue.poll((_, _, _) -> {}));
            assertTrue(String.valueOf(refused.getMessage()).contains("belongs to thread"), refused::toString);
            queue.wake();
            queue.close(); // With nothing in flight, any thread may.
        }
    }

    /** Reads of a pipe to which nobody writes, by a queue that is closed where the system refuses to wait for them. */
    @Test
    void memoryThatTheKernelMayStillUseIsLostAndNotForgotten() throws IOException, InterruptedException {
        Path pipe = directory.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        try (Disk disk = Disks.ring();
                DiskFile empty = disk.open(pipe, Access.READ_WRITE);
                DiskFile file = disk.create(directory.resolve("file"))) {
            String before = disk.description();
            IoQueue queue = disk.newMovableQueue(DEPTH);
            queue.write(file, 0, memory, 0, PAGE, 0);
            drain(queue, (_, _, failure) -> assertNull(failure));
            for (int i = 0; i < 3; i++) {
                queue.read(empty, 0, memory, i * 2L * PAGE, 2 * PAGE, i);
            }
            assertEquals(0, queue.poll((_, _, failure) -> assertNull(failure)));
            SystemCallFilter.refusing(Refusal.of("io_uring_enter", 426, 12), () -> {
                RingException failure = assertThrows(RingException.class, queue::close);
                String message = String.valueOf(failure.getMessage());
                assertTrue(message.contains("3 transfers are in flight for ever, and 24,576 bytes"), message);
                assertTrue(message.contains("ENOMEM"), message);
            });
            assertEquals(
                    before + "; 24,576 bytes of memory are lost to 3 transfers that the kernel never finished",
                    disk.description());
            assertEquals(0, queue.inFlight());
            queue.close();
        }
    }

    @Test
    void servesVirtualThreads() throws InterruptedException {
        try (Disk disk = Disks.ring();
                DiskFile file = disk.create(directory.resolve("file"))) {
            AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
            Thread[] threads = new Thread[8];
            for (int t = 0; t < threads.length; t++) {
                long position = t * (long) PAGE;
                threads[t] = Thread.ofVirtual()
                        .uncaughtExceptionHandler((_, e) -> failure.set(e))
                        .start(() -> {
                            try (BlockingIo io = new BlockingIo(disk)) {
                                for (int i = 0; i < 20; i++) {
                                    io.writeDurable(file, position, memory, position, PAGE);
                                    LockSupport.parkNanos(1_000); // Goes on on another kernel thread.
                                    io.readFully(file, position, memory, position, PAGE);
                                }
                            }
                        });
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertNull(failure.get());
        }
    }

    @Test
    void describesFailuresOfTheKernel() {
        try (Disk disk = Disks.ring();
                DiskFile file = disk.create(directory.resolve("file"));
                BlockingIo io = new BlockingIo(disk)) {
            long beyond = Long.MAX_VALUE & -PAGE; // Larger than any file.
            DiskException failure =
                    assertThrows(DiskException.class, () -> io.write(file, beyond - PAGE, memory, 0, PAGE));
            assertEquals(beyond - PAGE, failure.position());
            assertEquals(file.path(), failure.path());
            assertTrue(String.valueOf(failure.getMessage()).matches("write of 4,096 bytes at byte [0-9,]+ of .*E.*"));
        }
    }

    private static void drain(IoQueue queue, Completions receiver) {
        while (queue.inFlight() > 0) {
            queue.await(Long.MAX_VALUE);
            queue.poll(receiver);
        }
    }
}
