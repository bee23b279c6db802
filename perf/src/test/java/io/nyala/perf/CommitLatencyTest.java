package io.nyala.perf;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.perf.CommitLoad.Callers;
import io.nyala.perf.CommitLoad.Committer;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Goal: the driver of commits and its peers do not rot. Method: each runs for a moment. */
final class CommitLatencyTest {
    private static final long NANOS = 50_000_000;
    private static final int ROWS = 3;

    @Test
    void commitsAreCounted(@TempDir Path directory) throws Exception {
        List<Function<Path, Committer>> makers = List.of(
                place -> new LogCommitter(place, "best", ROWS),
                place -> new EngineCommitter(place, ROWS),
                place -> new RocksCommitter(place, ROWS),
                place -> new MvStoreCommitter(place, ROWS),
                place -> new FileCommitter(place, ROWS));
        for (Function<Path, Committer> maker : makers) {
            try (Committer committer = maker.apply(directory)) {
                run(committer, Callers.PLATFORM);
                if (committer instanceof Committer.Asynchronous) {
                    run(committer, Callers.VIRTUAL);
                    run(committer, Callers.ASYNCHRONOUS);
                }
                committer.settle();
            }
        }
    }

    private static void run(Committer committer, Callers kind) throws InterruptedException {
        CommitLoad.Result result = CommitLoad.run(committer, kind, 4, NANOS);
        assertTrue(result.nanos().getTotalCount() >= 4, committer.name() + " " + kind);
        assertTrue(result.corrected().getTotalCount() >= result.nanos().getTotalCount());
        assertTrue(result.flushes() > 0, committer.name() + " " + kind);
    }
}
