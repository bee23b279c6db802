package io.nyala.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadFactory;
import org.junit.jupiter.api.Test;

/**
 * Goal: records of one stream are applied in order and by one thread, all of them before the end, and what goes wrong
 * is told. Method: random records of many streams, some larger than what is handed over at a time, through several
 * threads.
 */
final class ParallelReplayTest {
    private static final int LANES = 3;
    private static final RecordStreams FIRST_BYTE = (memory, payload, _) -> memory.get(JAVA_BYTE, payload);

    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private ThreadFactory factory = work -> {
        Thread thread = new Thread(work);
        threads.add(thread);
        return thread;
    };

    /** A record as it came out, and by which thread. */
    private record Applied(long sequence, int bytes, byte last, Thread thread) {}

    private static MemorySegment payload(SplittableRandom random, int bytesMax) {
        byte[] bytes = new byte[random.nextInt(1, bytesMax + 1)];
        random.nextBytes(bytes);
        return TestLog.segmentOf(bytes);
    }

    private void replay(int lanes, RecordConsumer consumer, RecordConsumer source, List<MemorySegment> records) {
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 << 20)) {
            try (MemoryAccount account = budget.account("replay", ParallelReplay.memoryBytes(lanes))) {
                try (var replay = new ParallelReplay(FIRST_BYTE, consumer, account, lanes, factory)) {
                    for (int i = 0; i < records.size(); i++) {
                        MemorySegment record = records.get(i);
                        source.record(i + 1, record, 0, (int) record.byteSize());
                        replay.record(i + 1, record, 0, (int) record.byteSize());
                    }
                    replay.finish();
                }
            }
        }
        for (Thread thread : threads) {
            assertTrue(!thread.isAlive(), "a thread is left");
        }
    }

    @Test
    void eachStreamIsAppliedInOrderByOneThread(@Seed SplittableRandom random) {
        List<MemorySegment> records = new ArrayList<>();
        for (int i = 0; i < 3_000; i++) {
            records.add(payload(random, random.nextInt(200) == 0 ? 2 * ParallelReplay.CHUNK_BYTES : 3_000));
        }
        Map<Byte, List<Applied>> applied = new ConcurrentHashMap<>();
        Map<Byte, List<Long>> expected = new ConcurrentHashMap<>();
        replay(
                LANES,
                (sequence, memory, offset, bytes) -> applied.computeIfAbsent(
                                memory.get(JAVA_BYTE, offset), _ -> new ArrayList<>())
                        .add(new Applied(
                                sequence, bytes, memory.get(JAVA_BYTE, offset + bytes - 1), Thread.currentThread())),
                (sequence, memory, offset, _) -> expected.computeIfAbsent(
                                memory.get(JAVA_BYTE, offset), _ -> new ArrayList<>())
                        .add(sequence),
                records);
        assertEquals(expected.keySet(), applied.keySet());
        applied.forEach((stream, of) -> {
            assertEquals(
                    expected.get(stream), of.stream().map(Applied::sequence).toList());
            long workers = of.stream()
                    .map(Applied::thread)
                    .filter(thread -> !thread.equals(Thread.currentThread()))
                    .distinct()
                    .count();
            assertTrue(workers <= 1, "a stream of " + workers + " threads");
            for (Applied each : of) {
                MemorySegment record = records.get((int) each.sequence() - 1);
                assertEquals(record.byteSize(), each.bytes());
                assertEquals(record.get(JAVA_BYTE, each.bytes() - 1), each.last());
            }
        });
        assertEquals(LANES, threads.size());
    }

    @Test
    void withOneThreadItIsTheReaders(@Seed SplittableRandom random) {
        List<Long> applied = new ArrayList<>();
        replay(
                1,
                (sequence, _, _, _) -> applied.add(sequence),
                (_, _, _, _) -> {},
                List.of(payload(random, 10), payload(random, 10)));
        assertEquals(List.of(1L, 2L), applied);
        assertEquals(List.of(), threads);
    }

    /** At a limit of processes, {@link Thread#start} throws an error: as many lanes as there are threads do it all. */
    @Test
    void withoutMoreThreadsItGoesOnWithThoseThereAre(@Seed SplittableRandom random) {
        List<MemorySegment> records = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            records.add(payload(random, 3_000));
        }
        for (int allowed = 0; allowed < LANES; allowed++) {
            int most = allowed;
            threads.clear();
            factory = work -> {
                Thread thread = threads.size() < most ? new Thread(work) : new RefusedThread(work);
                threads.add(thread);
                return thread;
            };
            List<Long> applied = new CopyOnWriteArrayList<>();
            replay(LANES, (sequence, _, _, _) -> applied.add(sequence), (_, _, _, _) -> {}, records);
            assertEquals(records.size(), applied.size());
            assertEquals(allowed + 1, threads.size(), "it is tried once");
        }
    }

    /** As one that the system refuses. */
    private static final class RefusedThread extends Thread {
        RefusedThread(Runnable work) {
            super(work);
        }

        @Override
        public synchronized void start() {
            throw new OutOfMemoryError("unable to create native thread");
        }
    }

    /** No thread is left, and no memory. */
    @Test
    void anErrorWhileItStartsIsTold() {
        factory = work -> {
            Thread thread = new Thread(work);
            threads.add(thread);
            if (threads.size() == 2) {
                throw new AssertionError("a factory that is broken");
            }
            return thread;
        };
        AssertionError thrown = assertThrows(
                AssertionError.class, () -> replay(LANES, (_, _, _, _) -> {}, (_, _, _, _) -> {}, List.of()));
        assertEquals("a factory that is broken", thrown.getMessage());
        assertTrue(threads.stream().noneMatch(Thread::isAlive), "a thread is left");
    }

    @Test
    void whatGoesWrongIsToldAndNothingFollows(@Seed SplittableRandom random) {
        List<MemorySegment> records = new ArrayList<>();
        for (int i = 0; i < 2_000; i++) {
            records.add(payload(random, 3_000));
        }
        long bad = random.nextInt(1, 2_000);
        byte badStream = records.get((int) bad - 1).get(JAVA_BYTE, 0);
        var failure = new IllegalStateException("makes no sense");
        Map<Byte, Long> last = new ConcurrentHashMap<>();
        RuntimeException thrown = assertThrows(
                RuntimeException.class,
                () -> replay(
                        LANES,
                        (sequence, memory, offset, _) -> {
                            if (sequence == bad) {
                                throw failure;
                            }
                            last.put(memory.get(JAVA_BYTE, offset), sequence);
                        },
                        (_, _, _, _) -> {},
                        records));
        assertSame(failure, thrown);
        assertTrue(last.getOrDefault(badStream, 0L) < bad, "applied after the one that failed");
        assertNotEquals(List.of(), threads);
    }
}
