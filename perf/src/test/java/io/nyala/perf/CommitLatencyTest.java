package io.nyala.perf;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Goal: the driver does not rot. Method: runs it for a moment. */
final class CommitLatencyTest {
    private static final long NANOS = 50_000_000;

    @Test
    void commitsAreCounted(@TempDir Path directory) throws Exception {
        for (CommitLatency.Result result : new CommitLatency.Result[] {
            CommitLatency.log(directory, "best", 4, NANOS), CommitLatency.forcedFile(directory, 2, NANOS)
        }) {
            assertTrue(result.nanos().getTotalCount() > 0, result.toString());
            assertTrue(result.flushes() > 0, result.toString());
        }
    }
}
