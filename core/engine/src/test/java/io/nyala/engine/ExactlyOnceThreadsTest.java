package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: of threads that commit the same request at the same time one takes effect, and all get its answer.
 * Method: real threads and a real disk; all make all requests, while some flush.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class ExactlyOnceThreadsTest {
    private static final int THREADS = 3;
    private static final int REQUESTS = 300;
    private static final int REQUESTS_PER_FLUSH = 60;

    @TempDir
    private Path directory;

    @Test
    void concurrentDuplicatesTakeEffectOnce() throws Exception {
        EngineConfig config =
                EngineConfig.in(directory).withMemoryBytes(256 << 20).withLogSegmentBytes(1 << 20);
        try (Engine engine = Engine.open(config);
                ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            Table table = engine.createTable("t", Numbers.SCHEMA);
            Numbers.insertRange(table, Requests.PRESENT, Requests.PRESENT + 1);
            List<Future<List<Requests.Answer>>> futures = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                int flushAt = i;
                futures.add(threads.submit(() -> requestAll(table, flushAt)));
            }
            List<Requests.Answer> expected = futures.getFirst().get();
            expected.forEach(Requests.Answer::assertIsOfFirst);
            for (Future<List<Requests.Answer>> future : futures) {
                assertEquals(expected, future.get());
            }
            assertEquals(1 + 2L * REQUESTS, table.statistics().liveRowCount());
        }
        try (Engine engine = Engine.open(config)) {
            Table table = engine.table("t").orElseThrow();
            requestAll(table, -1).forEach(Requests.Answer::assertIsOfFirst);
            assertEquals(1 + 2L * REQUESTS, table.statistics().liveRowCount());
        }
    }

    private static List<Requests.Answer> requestAll(Table table, int flushAt) {
        List<Requests.Answer> answers = new ArrayList<>();
        List<CompletableFuture<Void>> flushes = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) {
            answers.add(Requests.commit(table, Requests.name(1, i), 10L * i));
            if (i % REQUESTS_PER_FLUSH == flushAt) {
                flushes.add(table.flush());
            }
        }
        flushes.forEach(CompletableFuture::join);
        return answers;
    }
}
