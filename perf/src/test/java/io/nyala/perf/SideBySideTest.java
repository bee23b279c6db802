package io.nyala.perf;

import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Goal: the driver does not rot. Method: runs it with few rows; it checks what it counts itself. */
final class SideBySideTest {
    private static final int ROWS = 2_000;
    private static final long NANOS = 100_000_000;

    @Tag("soak")
    @Test
    void runsToItsEnd(@TempDir Path directory) throws Exception {
        SideBySide.print(directory, ROWS, 1, NANOS);
    }
}
