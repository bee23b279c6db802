package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Failure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a slip in a path does not fill somebody's directory with ours. Method: directories with things in them that no
 * engine left, or that a start left which did not get far.
 */
final class ForeignDirectoryTest {
    @TempDir
    private Path directory = Path.of("");

    private EngineConfig config() {
        return EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(1 << 20);
    }

    @Test
    void isRefusedByWhatIsInItAndNotTouched() throws IOException {
        for (String name : List.of("letters", "photos", "taxes.ods", "wal", "zebra")) {
            Files.createDirectory(directory.resolve(name));
        }
        List<Path> before = names();
        EngineOpenException e = assertThrows(EngineOpenException.class, () -> Engine.open(config()));
        assertEquals(
                directory + " is not empty, and no engine's directory: it has no storage/ but letters, photos,"
                        + " taxes.ods and 1 more. Name a directory that is empty or missing, or the one that has the"
                        + " tables",
                e.getMessage());
        assertEquals(before, names());
    }

    /** An engine's, that has lost its catalog: to begin with an empty one would set its rows aside. */
    @ParameterizedTest
    @ValueSource(strings = {"wal", "rowsets"})
    void soIsOneThatHasLostItsStorageLogByWhatItHas(String subdirectory) throws IOException {
        Path file = Files.createDirectory(directory.resolve(subdirectory)).resolve("7.rowset");
        Files.createFile(file);
        Files.createFile(directory.resolve("notes.txt"));
        List<Path> before = names();
        Failure.expect(
                EngineOpenException.class,
                () -> Engine.open(config()),
                "the storage log in " + directory.resolve("storage") + " is missing, but there are files in "
                        + directory.resolve(subdirectory));
        assertTrue(Files.exists(file));
        assertEquals(before, names());
    }

    @Test
    void whatAFileSystemOrAnEarlierStartLeavesIsNoHindrance() throws IOException {
        for (String name : List.of("lost+found", "wal", "rowsets", "quarantine")) {
            Files.createDirectory(directory.resolve(name));
        }
        Files.createFile(directory.resolve("LOCK"));
        Engine.open(config()).close();
        Files.createFile(directory.resolve("notes.txt")); // It is an engine's by now.
        Engine.open(config()).close();
    }

    private List<Path> names() throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.sorted().toList();
        }
    }
}
