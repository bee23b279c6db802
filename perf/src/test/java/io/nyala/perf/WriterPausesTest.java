package io.nyala.perf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Goal: the driver does not rot, and leaves nothing behind. Method: runs a few rounds. */
final class WriterPausesTest {
    @Test
    void stepsOfEachKindAreCounted(@TempDir Path directory) throws IOException {
        WriterPauses.measure(directory, 1)
                .forEach((phase, nanos) -> assertTrue(nanos.getTotalCount() > 0, phase::toString));
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(), left.toList());
        }
    }
}
