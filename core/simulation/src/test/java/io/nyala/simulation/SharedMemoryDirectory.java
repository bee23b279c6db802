package io.nyala.simulation;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A temporary directory on Linux' file system in memory, if there is one. For one test. */
final class SharedMemoryDirectory {
    private static final Path PARENT = Path.of("/dev/shm");

    private @Nullable Path path;

    Path create() {
        assumeTrue(Files.isDirectory(PARENT) && Files.isWritable(PARENT), "no " + PARENT + " here");
        try {
            Path created = Files.createTempDirectory(PARENT, "nyala");
            path = created;
            return created;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void delete() throws IOException {
        if (path == null) {
            return;
        }
        try (Stream<Path> below = Files.walk(path)) {
            for (Path each : below.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }
}
