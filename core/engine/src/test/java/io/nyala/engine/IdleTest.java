package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: an engine that is open and has nothing to do uses less than 1 % of a CPU.
 * Method: the CPU time of its threads, not the clock, so that a busy machine does not matter; the best of a few
 * windows, because what was committed just before may still be looked after in the first.
 */
final class IdleTest {
    private static final String THREAD_PREFIX = "nyala-";
    private static final long WINDOW_MILLIS = 1000;
    private static final int WINDOWS_MAX = 20;
    private static final long CPU_NANOS_MAX = TimeUnit.MILLISECONDS.toNanos(WINDOW_MILLIS) / 100;

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"best", "syscall", "channel"})
    void anOpenEngineSleeps(String disk) throws InterruptedException {
        EngineConfig config = EngineConfig.in(directory)
                .withMemoryBytes(192 << 20)
                .withLogSegmentBytes(16 << 20)
                .withDisk(disk);
        Map<Long, Long> others = cpuByThread();
        try (Engine engine = Engine.open(config)) {
            Table table = engine.createTable("t", Schema.of(Column.key("id", ColumnType.INT64)));
            try (WriteBatch batch = table.newBatch()) {
                batch.rows().start(INSERT).setLong(0, 1).end();
                batch.commit().orThrow();
            }
            table.flush().join();
            long least = Long.MAX_VALUE;
            for (int i = 0; i < WINDOWS_MAX && least > CPU_NANOS_MAX; i++) {
                least = Math.min(least, cpuOfOneWindow(others));
            }
            assertTrue(
                    least <= CPU_NANOS_MAX,
                    "the threads of an idle engine ran for " + least / 1000 + " us of " + WINDOW_MILLIS + " ms");
        }
    }

    private static long cpuOfOneWindow(Map<Long, Long> others) throws InterruptedException {
        Map<Long, Long> before = cpuByThread();
        before.keySet().removeAll(others.keySet());
        assertTrue(before.size() >= 3, "writer, log and maintenance have a thread each, found " + before.size());
        assertFalse(new CountDownLatch(1).await(WINDOW_MILLIS, TimeUnit.MILLISECONDS));
        Map<Long, Long> after = cpuByThread();
        after.keySet().removeAll(others.keySet());
        long cpu = 0;
        for (Map.Entry<Long, Long> thread : after.entrySet()) {
            cpu += thread.getValue() - before.getOrDefault(thread.getKey(), 0L);
        }
        return cpu;
    }

    private static Map<Long, Long> cpuByThread() {
        Map<Long, Long> cpu = new TreeMap<>();
        for (ThreadInfo thread : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
            if (thread != null && thread.getThreadName().startsWith(THREAD_PREFIX)) {
                cpu.put(thread.getThreadId(), Math.max(0, THREADS.getThreadCpuTime(thread.getThreadId())));
            }
        }
        return cpu;
    }
}
