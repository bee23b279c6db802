package io.nyala.columns;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the driver does not rot, and leaves nothing behind. Method: runs it with few rows; it compares the answers of
 * our engine with those of DuckDB itself.
 */
final class LineItemFiguresTest {
    @Test
    void runsToItsEnd(@TempDir Path directory) throws IOException {
        LineItemFigures.print(directory, 0.001, 1, 0, false);
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(), left.toList());
        }
    }
}
