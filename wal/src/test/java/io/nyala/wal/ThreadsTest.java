package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.concurrent.AgentRunner;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: many threads may append; each is woken when its record is durable, and all records are there afterwards.
 * Method: real threads, a real agent that parks, each kind of real disk.
 */
final class ThreadsTest {
    private static final int THREADS = 4;
    private static final int RECORDS = 300;

    @ParameterizedTest
    @ValueSource(strings = {"best", "syscall", "channel"})
    void threadsAppendAndAreWoken(String diskName, @Seed SplittableRandom random, @TempDir Path directory)
            throws InterruptedException {
        WalConfig config = WalConfig.in(directory).withSegmentBytes(256 << 10);
        Map<Long, String> appended = new ConcurrentHashMap<>();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        try (Disk disk = Disks.named(diskName)) {
            try (TestLog log = TestLog.start(disk, config)) {
                AgentRunner runner = new AgentRunner(log.agent().idleStrategy(), failure::set, null, log.agent());
                AgentRunner.startOnThread(runner);
                List<Thread> threads = new ArrayList<>();
                for (int i = 0; i < THREADS; i++) {
                    SplittableRandom own = random.split();
                    threads.add(Thread.ofVirtual().start(() -> {
                        try {
                            append(log.log(), own, appended);
                        } catch (Throwable e) {
                            failure.set(e);
                        }
                    }));
                }
                for (Thread thread : threads) {
                    assertTrue(thread.join(java.time.Duration.ofMinutes(5)), "a caller was never woken");
                }
                log.agent().parking().stop(runner);
            }
            assertNull(failure.get());
            Map<Long, String> read = new ConcurrentHashMap<>();
            for (Entry entry : TestLog.readAll(disk, config)) {
                read.put(entry.sequence(), entry.payload());
            }
            assertEquals(THREADS * RECORDS, read.size());
            assertEquals(appended, read);
        }
    }

    private static void append(CommitLog log, SplittableRandom random, Map<Long, String> appended)
            throws InterruptedException {
        Semaphore progress = new Semaphore(0);
        log.onProgress(progress::release);
        for (int i = 0; i < RECORDS; i++) {
            String payload = TestLog.randomText(random, random.nextInt(1000));
            byte[] bytes = payload.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
            var source = TestLog.segmentOf(bytes);
            long sequence = log.append(source, 0, bytes.length, Durability.SYNC);
            while (sequence == 0) {
                await(progress);
                sequence = log.append(source, 0, bytes.length, Durability.SYNC);
            }
            appended.put(sequence, payload);
            while (log.durableUpTo() < sequence) {
                await(progress);
            }
        }
    }

    private static void await(Semaphore progress) throws InterruptedException {
        assertTrue(progress.tryAcquire(120, TimeUnit.SECONDS), "never woken");
    }
}
