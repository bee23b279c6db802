package io.nyala.perf;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Goal: the driver does not rot, and leaves nothing behind. Method: runs it with a little data. */
final class ColdReadsTest {
    @Test
    void runsToItsEnd(@TempDir Path directory) throws IOException {
        ColdReads.print(directory, 4, 1, 1_000_000);
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(), left.toList());
        }
    }
}
