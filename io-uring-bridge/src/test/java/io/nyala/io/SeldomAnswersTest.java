package io.nyala.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.io.SeldomKernel.Answer;
import io.nyala.testkit.Seed;
import io.nyala.testkit.Spin;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: data is whole and where it belongs though the kernel does transfers in part, is interrupted, or does nothing
 * for now; and who asks for it does not spin. Method: a {@link SeldomKernel} below each kind of disk, with random
 * transfers held against arrays.
 */
@Timeout(300)
final class SeldomAnswersTest {
    private static final int PAGE = Disk.ALIGNMENT_BYTES;
    private static final int SLOTS = 12;
    private static final int SLOT_PAGES = 4;
    private static final int ROUNDS = 6;

    @TempDir
    Path directory = Path.of("");

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory = arena.allocate(2L * SLOTS * SLOT_PAGES * PAGE, PAGE);
    private final SeldomKernel kernel = new SeldomKernel(new SplittableRandom(1));

    /** What carries the transfers. */
    enum Way {
        RING(SLOTS),
        DEEP_RING(100),
        SYSTEM_CALLS(SLOTS),
        CHANNEL(SLOTS);

        private final int depth;

        Way(int depth) {
            this.depth = depth;
        }

        Disk newDisk(SeldomKernel kernel) {
            String obstacle =
                    switch (this) {
                        case RING, DEEP_RING -> RingDisk.obstacle();
                        case SYSTEM_CALLS -> RingDisk.nativeObstacle();
                        case CHANNEL -> null;
                    };
            assumeTrue(obstacle == null, obstacle);
            return switch (this) {
                case RING, DEEP_RING -> new RingDisk(kernel);
                case SYSTEM_CALLS ->
                    new SyscallDisk(
                            "", new IoThreads(Thread.ofPlatform().daemon().factory(), kernel));
                case CHANNEL -> SeldomChannel.newDisk(kernel);
            };
        }
    }

    @AfterEach
    void close() {
        arena.close();
    }

    @ParameterizedTest
    @EnumSource
    void dataIsWholeAndWhereItBelongs(Way way, @Seed SplittableRandom random) throws IOException {
        SeldomKernel seldom = new SeldomKernel(random.split());
        byte[][] models = new byte[2][SLOTS * SLOT_PAGES * PAGE];
        try (Disk disk = way.newDisk(seldom);
                DiskFile first = disk.create(directory.resolve("0"));
                DiskFile second = disk.create(directory.resolve("1"));
                IoQueue queue = disk.newQueue(way.depth)) {
            List<DiskFile> files = List.of(first, second);
            seldom.answerSeldom(true);
            for (int round = 0; round < ROUNDS; round++) {
                for (int slot = 0; slot < SLOTS; slot++) {
                    write(queue, files, models, slot, random);
                }
                drain(queue);
                queue.sync(first, 0);
                queue.sync(second, 0);
                drain(queue);
                readBack(queue, files, models, random);
            }
            seldom.answerSeldom(false);
            for (int i = 0; i < 2; i++) {
                assertArrayEquals(
                        Arrays.copyOf(models[i], (int) files.get(i).bytes()),
                        Files.readAllBytes(files.get(i).path()));
            }
        }
        for (Answer answer : Answer.values()) {
            assertTrue(seldom.given(answer) > 0, () -> answer + " was never given");
        }
    }

    /** Some pages of a slot, of which each has its own in both files. */
    private void write(IoQueue queue, List<DiskFile> files, byte[][] models, int slot, SplittableRandom random) {
        int file = random.nextInt(files.size());
        int page = random.nextInt(SLOT_PAGES);
        int bytes = random.nextInt(1, SLOT_PAGES - page + 1) * PAGE;
        int position = (slot * SLOT_PAGES + page) * PAGE;
        for (int i = position; i < position + bytes; i++) {
            models[file][i] = (byte) random.nextInt();
        }
        MemorySegment.copy(models[file], position, memory, ValueLayout.JAVA_BYTE, position, bytes);
        if (random.nextBoolean()) {
            queue.write(files.get(file), position, memory, position, bytes, bytes);
        } else {
            queue.writeDurable(files.get(file), position, memory, position, bytes, bytes);
        }
    }

    /** All slots of one file, which is cut somewhere before. */
    private void readBack(IoQueue queue, List<DiskFile> files, byte[][] models, SplittableRandom random) {
        int file = random.nextInt(files.size());
        int end = random.nextInt(models[file].length);
        files.get(file).truncate(end);
        Arrays.fill(models[file], end, models[file].length, (byte) 0);
        long half = models[file].length;
        memory.asSlice(half).fill((byte) 0);
        int slotBytes = SLOT_PAGES * PAGE;
        for (int slot = 0; slot < SLOTS; slot++) {
            int position = slot * slotBytes;
            int expected = Math.clamp(end - position, 0, slotBytes);
            queue.read(files.get(file), position, memory, half + position, slotBytes, expected);
        }
        drain(queue);
        assertEquals(
                -1,
                memory.asSlice(half, end)
                        .mismatch(MemorySegment.ofArray(models[file]).asSlice(0, end)));
    }

    /** Else its number would stand for the next file that is opened, and the rest would be written there. */
    @ParameterizedTest
    @EnumSource
    void theRestGoesToTheSameFileAlthoughItWasClosedMeanwhile(Way way) throws IOException {
        int bytes = SLOT_PAGES * PAGE;
        memory.asSlice(0, bytes).fill((byte) 7);
        List<DiskFile> opened = new ArrayList<>();
        try (Disk disk = way.newDisk(kernel);
                IoQueue queue = disk.newQueue(way.depth)) {
            DiskFile file = disk.create(directory.resolve("file"));
            kernel.answerNext(Answer.PART, 2);
            kernel.answerNext(Answer.AGAIN, 1);
            kernel.afterNext(() -> {
                Thread closing = Thread.ofPlatform().start(file::close); // That of a channel waits for its users.
                Spin.until(() -> !closing.isAlive() || closing.getState() == Thread.State.WAITING);
                opened.add(disk.create(directory.resolve("other")));
            });
            queue.write(file, 0, memory, 0, bytes, bytes);
            drain(queue);
            assertEquals(1, opened.size());
            opened.getFirst().close();
        }
        byte[] expected = new byte[bytes];
        Arrays.fill(expected, (byte) 7);
        assertArrayEquals(expected, Files.readAllBytes(directory.resolve("file")));
        assertEquals(0, Files.size(directory.resolve("other")));
    }

    /** What is asked for, and answered so for ever, and how often at once. */
    static Stream<Arguments> endless() {
        return Stream.of(
                Arguments.of(Way.RING, Answer.AGAIN, false, "temporarily unavailable"),
                Arguments.of(Way.RING, Answer.NOTHING, false, "EIO"),
                Arguments.of(Way.RING, Answer.INTERRUPTED, true, "EINTR"),
                Arguments.of(Way.SYSTEM_CALLS, Answer.AGAIN, false, "temporarily unavailable"),
                Arguments.of(Way.SYSTEM_CALLS, Answer.INTERRUPTED, true, "EINTR"),
                Arguments.of(Way.CHANNEL, Answer.AGAIN, false, "temporarily unavailable"));
    }

    @ParameterizedTest
    @MethodSource("endless")
    void aTransferThatNeverGetsOnFailsWithoutSpinning(Way way, Answer answer, boolean isAtOnce, String reason) {
        List<@Nullable DiskException> failures = new ArrayList<>();
        int times = Progress.RETRIES_MAX + 1;
        try (Disk disk = way.newDisk(kernel);
                DiskFile file = disk.create(directory.resolve("file"));
                IoQueue queue = disk.newQueue(way.depth)) {
            kernel.answerNext(answer, times);
            long before = pauseCount();
            queue.write(file, PAGE, memory, 0, PAGE, 0);
            while (queue.inFlight() > 0) {
                queue.await(Long.MAX_VALUE);
                queue.poll((_, _, failure) -> failures.add(failure));
            }
            long pauses = pauseCount() - before;
            assertEquals(times, kernel.given(answer));
            assertTrue(isAtOnce == (pauses < Progress.RETRIES_MAX), () -> times + " answers and " + pauses + " pauses");
            String message = String.valueOf(failures.getFirst());
            assertTrue(message.contains("write of 4,096 bytes at byte 4,096 of " + file.path()), message);
            assertTrue(message.contains(reason), message);
            queue.write(file, PAGE, memory, 0, PAGE, PAGE); // The next is another matter.
            drain(queue);
        }
    }

    /** Of rings, and of this thread. */
    private long pauseCount() {
        ThreadInfo self = ManagementFactory.getThreadMXBean()
                .getThreadInfo(Thread.currentThread().threadId());
        return kernel.pauseCount() + self.getWaitedCount();
    }

    @Test
    void pausesLastLongerEachTimeAndHalfASecondInAll() {
        long all = 0;
        for (int retries = 1; retries <= Progress.RETRIES_MAX; retries++) {
            long nanos = Progress.pauseNanos(retries);
            assertTrue(nanos >= Progress.pauseNanos(retries - 1) && nanos >= 10_000, nanos + " ns");
            all += nanos;
        }
        assertEquals(500, all / 1e6, 50);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "CHANNEL") // It is not told what the system answers there.
    void lengthsAndRoomAreChangedAlthoughInterrupted(Way way) throws IOException {
        try (Disk disk = way.newDisk(kernel);
                DiskFile file = disk.create(directory.resolve("file"))) {
            kernel.answerNext(Answer.INTERRUPTED, 3);
            file.allocate(8 * PAGE);
            kernel.answerNext(Answer.INTERRUPTED, 3);
            assertTrue(file.punchHole(0, PAGE));
            kernel.answerNext(Answer.INTERRUPTED, 3);
            file.truncate(PAGE);
            assertEquals(9, kernel.given(Answer.INTERRUPTED));
            kernel.keepNoRoom();
            kernel.answerNext(Answer.INTERRUPTED, 1);
            kernel.answerNext(Answer.PART, 3);
            kernel.answerNext(Answer.AGAIN, 1);
            file.allocate(64 * PAGE);
            assertEquals(0, kernel.given(Answer.NOTHING));
            assertArrayEquals(new byte[64 * PAGE], Files.readAllBytes(file.path()));
        }
    }

    private static void drain(IoQueue queue) {
        while (queue.inFlight() > 0) {
            queue.await(Long.MAX_VALUE);
            queue.poll((expected, bytes, failure) -> {
                assertNull(failure);
                assertEquals(expected, bytes);
            });
        }
    }
}
