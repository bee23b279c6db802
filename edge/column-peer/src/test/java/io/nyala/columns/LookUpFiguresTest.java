package io.nyala.columns;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.RocksDBException;

/** Goal: the driver does not rot, and leaves nothing behind. Method: runs it with few rows; it checks each answer. */
final class LookUpFiguresTest {
    @Test
    void runsToItsEnd(@TempDir Path directory) throws IOException, RocksDBException {
        LookUpFigures.print(directory, 3000, TimeUnit.MILLISECONDS.toNanos(5));
        try (Stream<Path> left = Files.list(directory)) {
            assertEquals(List.of(), left.toList());
        }
    }
}
