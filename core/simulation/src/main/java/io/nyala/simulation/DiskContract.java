package io.nyala.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Access;
import io.nyala.io.BlockingIo;
import io.nyala.io.DiskException;
import io.nyala.io.DiskFile;
import io.nyala.io.IoQueue;
import io.nyala.testkit.Seed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: what one disk does, all do. Method: one test class that each kind of disk passes, with random transfers held
 * against a plain array.
 */
public abstract class DiskContract extends FileContract {
    private static final int FILE_PAGES = 32;

    @RepeatedTest(8)
    void readsBackWhatWasWritten(@Seed SplittableRandom random) {
        byte[] model = new byte[FILE_PAGES * PAGE];
        int modelBytes = 0;
        MemorySegment memory = memory(FILE_PAGES + 1);
        try (DiskFile file = disk.create(directory.resolve("file"));
                BlockingIo io = new BlockingIo(disk)) {
            for (int step = 0; step < 60; step++) {
                int position = random.nextInt(FILE_PAGES) * PAGE;
                int bytes = random.nextInt(1, FILE_PAGES - position / PAGE + 1) * PAGE;
                int offset = random.nextInt(FILE_PAGES + 2 - bytes / PAGE) * PAGE;
                switch (random.nextInt(4)) {
                    case 0, 1 -> {
                        fill(memory, random);
                        if (random.nextBoolean()) {
                            io.write(file, position, memory, offset, bytes);
                        } else {
                            io.writeDurable(file, position, memory, offset, bytes);
                        }
                        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, offset, model, position, bytes);
                        modelBytes = Math.max(modelBytes, position + bytes);
                    }
                    case 2 -> io.sync(file);
                    default -> {
                        fill(memory, random);
                        int expected = Math.clamp(modelBytes - position, 0, bytes);
                        assertEquals(expected, io.read(file, position, memory, offset, bytes));
                        assertEquals(
                                MemorySegment.ofArray(model)
                                        .asSlice(position, expected)
                                        .mismatch(memory.asSlice(offset, expected)),
                                -1,
                                "at " + position + " + " + bytes);
                    }
                }
                assertEquals(modelBytes, file.bytes());
            }
        }
    }

    @RepeatedTest(4)
    void everyTokenComesBackOnce(@Seed SplittableRandom random) {
        int depth = random.nextInt(1, 65);
        int count = 500;
        BitSet done = new BitSet(count);
        MemorySegment memory = memory(depth * 2);
        long[] slotOf = new long[count];
        BitSet busy = new BitSet(depth);
        try (DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(depth)) {
            int next = 0;
            while (done.cardinality() < count) {
                while (next < count && queue.inFlight() < depth && random.nextInt(8) != 0) {
                    int slot = busy.nextClearBit(0);
                    busy.set(slot);
                    slotOf[next] = slot;
                    long position = random.nextInt(FILE_PAGES) * (long) PAGE;
                    int bytes = random.nextInt(1, 3) * PAGE;
                    long offset = slot * 2L * PAGE;
                    switch (random.nextInt(4)) {
                        case 0 -> queue.read(file, position, memory, offset, bytes, next);
                        case 1 -> queue.write(file, position, memory, offset, bytes, next);
                        case 2 -> queue.writeDurable(file, position, memory, offset, bytes, next);
                        default -> queue.sync(file, next);
                    }
                    next++;
                }
                int before = queue.inFlight();
                int[] handedOut = {0};
                int polled = queue.poll((token, _, failure) -> {
                    assertNull(failure);
                    assertFalse(done.get((int) token), "token " + token + " came twice");
                    done.set((int) token);
                    busy.clear((int) slotOf[(int) token]);
                    handedOut[0]++;
                });
                assertEquals(handedOut[0], polled);
                assertEquals(before - polled, queue.inFlight());
                if (polled == 0 && queue.inFlight() > 0) {
                    queue.await(Long.MAX_VALUE);
                }
            }
            assertEquals(0, queue.inFlight());
            assertEquals(0, queue.poll((_, _, _) -> {}));
        }
    }

    @Test
    void receiverMayQueueMore() {
        MemorySegment memory = memory(1);
        try (DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(1)) {
            int[] left = {20};
            queue.write(file, 0, memory, 0, PAGE, 7);
            while (queue.inFlight() > 0) {
                queue.await(Long.MAX_VALUE);
                queue.poll((token, _, failure) -> {
                    assertEquals(7, token);
                    assertNull(failure);
                    if (--left[0] > 0) {
                        queue.write(file, left[0] * (long) PAGE, memory, 0, PAGE, 7);
                    }
                });
            }
            assertEquals(0, left[0]);
        }
    }

    @Test
    void pollingAloneGetsThere() {
        MemorySegment memory = memory(8);
        try (DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(8)) {
            for (int round = 0; round < 20; round++) {
                for (int i = 0; i < 8; i++) {
                    queue.writeDurable(file, i * (long) PAGE, memory, i * (long) PAGE, PAGE, i);
                }
                while (queue.inFlight() > 0) {
                    queue.poll((_, bytes, failure) -> {
                        assertNull(failure);
                        assertEquals(PAGE, bytes);
                    });
                }
            }
        }
    }

    @Test
    void readEndsWithTheFile() {
        MemorySegment memory = memory(4);
        try (DiskFile file = disk.create(directory.resolve("file"));
                BlockingIo io = new BlockingIo(disk)) {
            io.write(file, 0, memory, 0, 3 * PAGE);
            assertEquals(2 * PAGE, io.read(file, PAGE, memory, 0, 4 * PAGE));
            assertEquals(0, io.read(file, 3 * PAGE, memory, 0, PAGE));
            assertEquals(0, io.read(file, 99 * PAGE, memory, 0, PAGE));
            file.truncate(PAGE + 100); // As after damage: no length of ours.
            assertEquals(PAGE + 100, file.bytes());
            assertEquals(PAGE + 100, io.read(file, 0, memory, 0, 4 * PAGE));
            assertEquals(100, io.read(file, PAGE, memory, 0, 2 * PAGE));
            DiskException failure =
                    assertThrows(DiskException.class, () -> io.readFully(file, PAGE, memory, 0, 2 * PAGE));
            assertMentions("ends at byte " + (PAGE + 100), failure);
        }
    }

    @Test
    void truncationExtendsWithZeros() {
        MemorySegment memory = memory(4);
        memory.fill((byte) 1);
        try (DiskFile file = disk.create(directory.resolve("file"));
                BlockingIo io = new BlockingIo(disk)) {
            io.write(file, 0, memory, 0, 2 * PAGE);
            file.truncate(PAGE);
            file.truncate(4 * PAGE);
            assertEquals(4 * PAGE, file.bytes());
            io.readFully(file, 0, memory, 0, 4 * PAGE);
            for (int i = 0; i < 4 * PAGE; i++) {
                assertEquals(i < PAGE ? 1 : 0, memory.get(ValueLayout.JAVA_BYTE, i), "byte " + i);
            }
        }
    }

    @Test
    void refusesWhatDirectTransfersCannotDo() {
        MemorySegment memory = memory(2);
        try (DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(1)) {
            for (Runnable refused : List.<Runnable>of(
                    () -> queue.write(file, 512, memory, 0, PAGE, 0),
                    () -> queue.write(file, 0, memory, 8, PAGE, 0),
                    () -> queue.read(file, 0, memory, 0, PAGE - 1, 0),
                    () -> queue.read(file, 0, memory, 0, 0, 0),
                    () -> queue.read(file, -PAGE, memory, 0, PAGE, 0),
                    () -> queue.writeDurable(file, 0, memory, PAGE, 2 * PAGE, 0),
                    () -> queue.read(file, 0, MemorySegment.ofArray(new long[2 * PAGE / 8]), 0, PAGE, 0))) {
                IllegalArgumentException failure = assertThrows(IllegalArgumentException.class, refused::run);
                assertMentions("multiples of " + PAGE, failure);
                assertMentions(file.path().toString(), failure);
            }
            assertEquals(0, queue.inFlight());
        }
    }

    @Test
    void refusesToWriteWhatIsOpenForReading() {
        MemorySegment memory = memory(1);
        disk.create(directory.resolve("file")).close();
        try (DiskFile file = disk.open(directory.resolve("file"), Access.READ);
                IoQueue queue = disk.newQueue(1)) {
            assertEquals(Access.READ, file.access());
            assertThrows(IllegalArgumentException.class, () -> queue.write(file, 0, memory, 0, PAGE, 0));
            assertThrows(IllegalArgumentException.class, () -> queue.writeDurable(file, 0, memory, 0, PAGE, 0));
            assertThrows(IllegalArgumentException.class, () -> file.truncate(0));
            assertEquals(0, queue.inFlight());
        }
    }

    @Test
    void refusesMoreThanItsDepth() {
        MemorySegment memory = memory(3);
        try (DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(2)) {
            assertEquals(2, queue.depthMax());
            queue.write(file, 0, memory, 0, PAGE, 0);
            queue.write(file, PAGE, memory, PAGE, PAGE, 1);
            IllegalStateException failure =
                    assertThrows(IllegalStateException.class, () -> queue.write(file, 0, memory, 2 * PAGE, PAGE, 2));
            assertMentions("at most 2", failure);
            assertEquals(2, queue.inFlight());
        }
        assertThrows(IllegalArgumentException.class, () -> disk.newQueue(0));
        assertThrows(IllegalArgumentException.class, () -> disk.newQueue(IoQueue.DEPTH_LIMIT + 1));
    }

    @Test
    void deletedFileStaysReadable() {
        MemorySegment memory = memory(1);
        memory.fill((byte) 5);
        try (DiskFile file = disk.create(directory.resolve("file"));
                BlockingIo io = new BlockingIo(disk)) {
            io.write(file, 0, memory, 0, PAGE);
            disk.delete(file.path());
            memory.fill((byte) 0);
            io.readFully(file, 0, memory, 0, PAGE);
            assertEquals(5, memory.get(ValueLayout.JAVA_BYTE, PAGE - 1));
        }
    }

    @Test
    void usersOfWhatIsClosedAreRefused() {
        MemorySegment memory = memory(1);
        DiskFile file = disk.create(directory.resolve("file"));
        IoQueue queue = disk.newQueue(1);
        file.close();
        file.close();
        assertThrows(IllegalStateException.class, () -> queue.read(file, 0, memory, 0, PAGE, 0));
        assertThrows(IllegalStateException.class, () -> queue.sync(file, 0));
        assertThrows(IllegalStateException.class, file::bytes);
        queue.close();
        queue.close();
        queue.wake();
        try (DiskFile other = disk.open(file.path(), Access.READ)) {
            assertThrows(IllegalStateException.class, () -> queue.read(other, 0, memory, 0, PAGE, 0));
        }
    }

    @RepeatedTest(4)
    void fileMayBeClosedUnderItsTransfers(@Seed SplittableRandom random) {
        int depth = 16;
        MemorySegment memory = memory(depth);
        try (IoQueue queue = disk.newQueue(depth)) {
            DiskFile file = disk.create(directory.resolve("file"));
            for (int i = 0; i < depth; i++) {
                queue.write(file, i * (long) PAGE, memory, i * (long) PAGE, PAGE, i);
                if (random.nextInt(8) == 0) {
                    queue.poll((_, _, failure) -> assertNull(failure));
                }
            }
            file.close();
            while (queue.inFlight() > 0) {
                queue.await(Long.MAX_VALUE);
                queue.poll((_, _, failure) -> assertNull(failure));
            }
        }
    }

    @Test
    void fileMayBeClosedUnderAReadOfItsUnalignedEnd() {
        MemorySegment memory = memory(2);
        try (DiskFile file = disk.create(directory.resolve("file"))) {
            file.truncate(PAGE - 100);
        }
        try (IoQueue queue = disk.newQueue(1)) {
            DiskFile file = disk.open(directory.resolve("file"), Access.READ);
            queue.read(file, 0, memory, 0, 2 * PAGE, 7);
            file.close();
            int[] done = {-1};
            while (queue.inFlight() > 0) {
                queue.await(Long.MAX_VALUE);
                queue.poll((_, bytes, failure) -> {
                    assertNull(failure);
                    done[0] = bytes;
                });
            }
            assertEquals(PAGE - 100, done[0]);
        }
    }

    @RepeatedTest(4)
    void queueMayBeClosedWithTransfersInFlight(@Seed SplittableRandom random) {
        try (DiskFile file = disk.create(directory.resolve("file"))) {
            for (int round = 0; round < 10; round++) {
                try (Arena own = Arena.ofConfined()) {
                    MemorySegment memory = own.allocate(32L * PAGE, PAGE);
                    IoQueue queue = disk.newQueue(32);
                    for (int i = 0; i < 32; i++) {
                        queue.write(file, i * (long) PAGE, memory, i * (long) PAGE, PAGE, i);
                        if (random.nextInt(16) == 0) {
                            queue.poll((_, _, failure) -> assertNull(failure));
                        }
                    }
                    queue.close();
                } // The memory is unmapped here: a write still in flight would crash, or write garbage.
            }
        }
    }

    @Test
    void wakeEndsAwait() throws InterruptedException {
        CountDownLatch started = new CountDownLatch(1);
        try (IoQueue queue = newQueueThatBlocks()) {
            Thread waker = Thread.ofPlatform().start(() -> {
                try {
                    assertTrue(started.await(10, TimeUnit.SECONDS));
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                queue.wake();
            });
            started.countDown();
            queue.await(Long.MAX_VALUE);
            waker.join();
            queue.wake();
            queue.wake();
            queue.await(Long.MAX_VALUE); // Woken before: returns at once.
        }
    }

    @Test
    void awaitEndsWithTime() {
        try (IoQueue queue = newQueueThatBlocks()) {
            queue.await(0);
            queue.await(1_000_000);
            assertEquals(0, queue.poll((_, _, _) -> {}));
        }
    }

    private IoQueue newQueueThatBlocks() {
        if (disk instanceof SimulatedDisk simulated) {
            simulated.blockWhenIdle();
        }
        return disk.newQueue(4);
    }

    private static void fill(MemorySegment memory, SplittableRandom random) {
        for (long at = 0; at < memory.byteSize(); at += Long.BYTES) {
            memory.set(ValueLayout.JAVA_LONG, at, random.nextLong());
        }
    }
}
