package io.nyala.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: never more queues than allowed, each with one borrower, whatever thread that is. Method: the disks that carry
 * several transfers at a time, by hand and by many virtual threads.
 */
@Timeout(300)
final class IoPoolTest {
    @TempDir
    Path directory = Path.of("");

    @Test
    void lendsEachQueueOnce() {
        try (Disk disk = Disks.best();
                IoPool pool = new IoPool(disk, 2, 4)) {
            IoQueue first = pool.borrow();
            IoQueue second = pool.borrow();
            assertNull(pool.tryBorrow());
            pool.giveBack(second);
            assertSame(second, pool.tryBorrow());
            assertThrows(IllegalStateException.class, pool::close);
            pool.giveBack(first);
            pool.giveBack(second);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"best", "syscall"})
    void doesNotReuseAQueueWithTransfersInFlight(String diskName) {
        try (Disk disk = Disks.named(diskName);
                Arena arena = Arena.ofShared();
                DiskFile file = disk.create(directory.resolve("file"));
                IoPool pool = new IoPool(disk, 1, 4)) {
            MemorySegment memory = arena.allocate(Disk.ALIGNMENT_BYTES, Disk.ALIGNMENT_BYTES);
            IoQueue queue = pool.borrow();
            queue.write(file, 0, memory, 0, Disk.ALIGNMENT_BYTES, 1);
            pool.giveBack(queue);
            IoQueue other = borrowIdle(pool);
            pool.giveBack(other);
        }
    }

    /** A queue that cannot be closed does not keep the others open. */
    @Test
    void closesAllQueuesWhateverBecomesOfOne() {
        List<String> closed = new ArrayList<>();
        Disk disk = (Disk) Proxy.newProxyInstance(
                IoPoolTest.class.getClassLoader(),
                new Class<?>[] {Disk.class},
                (_, _, _) -> Proxy.newProxyInstance(
                        IoPoolTest.class.getClassLoader(), new Class<?>[] {IoQueue.class}, (_, method, _) -> {
                            if (method.getName().equals("close")) {
                                closed.add("queue");
                                throw new IllegalStateException("close " + closed.size());
                            }
                            return method.getReturnType() == int.class ? 0 : null;
                        }));
        IoPool pool = new IoPool(disk, 2, 4);
        IoQueue first = pool.borrow();
        IoQueue second = pool.borrow();
        pool.giveBack(first);
        pool.giveBack(second);
        assertEquals(
                "close 1",
                assertThrows(IllegalStateException.class, pool::close).getMessage());
        assertEquals(2, closed.size());
        pool.close();
    }

    private static IoQueue borrowIdle(IoPool pool) {
        IoQueue queue = pool.borrow();
        assertEquals(0, queue.inFlight());
        return queue;
    }

    @ParameterizedTest
    @ValueSource(strings = {"best", "syscall"})
    void virtualThreadsShareFewQueues(String diskName) throws Exception {
        try (Disk disk = Disks.named(diskName);
                Arena arena = Arena.ofShared();
                DiskFile file = disk.create(directory.resolve("file"));
                IoPool pool = new IoPool(disk, 2, 4);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> done = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                int block = i;
                done.add(threads.submit(() -> write(pool, file, arena, block)));
            }
            for (Future<?> each : done) {
                each.get(120, TimeUnit.SECONDS);
            }
            assertEquals(64L * Disk.ALIGNMENT_BYTES, file.bytes());
        }
    }

    private static void write(IoPool pool, DiskFile file, Arena arena, int block) {
        MemorySegment memory = arena.allocate(Disk.ALIGNMENT_BYTES, Disk.ALIGNMENT_BYTES);
        IoQueue queue = pool.borrow();
        try {
            queue.write(file, (long) block * Disk.ALIGNMENT_BYTES, memory, 0, Disk.ALIGNMENT_BYTES, block);
            while (queue.poll((token, bytes, failure) -> {
                        assertEquals(block, token);
                        assertEquals(Disk.ALIGNMENT_BYTES, bytes);
                        assertNull(failure);
                    })
                    == 0) {
                queue.await(Long.MAX_VALUE);
            }
        } finally {
            pool.giveBack(queue);
        }
    }
}
