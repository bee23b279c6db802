package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the example that people see first works as it stands.
 * Method: it is run.
 */
final class EmbeddingExampleTest {
    @TempDir
    private Path directory;

    @Test
    void theExampleWorks() {
        assertEquals(75 + 76 + 77 + 78 + 79, EmbeddingExample.run(directory));
    }
}
