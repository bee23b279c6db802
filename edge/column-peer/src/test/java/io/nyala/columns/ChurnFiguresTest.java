package io.nyala.columns;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Goal: the driver does not rot, and leaves nothing behind. Method: runs it with few rows, all of which it counts. */
final class ChurnFiguresTest {
    @Test
    void rowsAreThereAfterAllChanges(@TempDir Path directory) throws IOException {
        ChurnFigures.print(directory, 2_000);
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(), left.toList());
        }
    }
}
