package io.nyala.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: what one mapping writes another sees, and none outlives its close. Method: two mappings of one file, and what
 * the system says that this process has mapped.
 */
final class MappedFileTest {
    @TempDir
    private Path directory;

    @Test
    void oneMappingSeesWhatTheOtherWrites() throws IOException {
        Path path = Files.write(directory.resolve("watched"), new byte[4096]);
        try (MappedFile writer = MappedFile.toWrite(path);
                MappedFile reader = MappedFile.toRead(path)) {
            writer.memory().set(ValueLayout.JAVA_LONG, 8, 17);
            assertEquals(17, reader.memory().get(ValueLayout.JAVA_LONG, 8));
            assertEquals(4096, reader.memory().byteSize());
            assertThrows(RuntimeException.class, () -> reader.memory().set(ValueLayout.JAVA_LONG, 8, 18));
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void closingUnmapsAtOnceAndStopsWhoeverIsLate() throws IOException {
        Path path = Files.write(directory.resolve("watched"), new byte[4096]);
        MappedFile file = MappedFile.toWrite(path);
        MemorySegment memory = file.memory();
        assertTrue(isMapped(path));
        file.close();
        assertFalse(isMapped(path));
        assertThrows(IllegalStateException.class, () -> memory.set(ValueLayout.JAVA_LONG, 0, 1));
    }

    @Test
    void aFileThatIsNotThereIsRefused() {
        assertThrows(NoSuchFileException.class, () -> MappedFile.toRead(directory.resolve("none")));
    }

    private static boolean isMapped(Path path) throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
            String real = path.toRealPath().toString();
            return lines.anyMatch(line -> line.endsWith(real));
        }
    }
}
