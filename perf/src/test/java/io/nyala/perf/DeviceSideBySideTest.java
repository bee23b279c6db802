package io.nyala.perf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.perf.DeviceSideBySide.Contender;
import io.nyala.perf.DeviceSideBySide.Contender.Job.Kind;
import io.nyala.perf.DeviceSideBySide.Contender.Sample;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: the driver does not rot, and takes the right figures from what fio says. Method: each job for a moment, and
 * fio's real answers to a read and to a write.
 */
final class DeviceSideBySideTest {
    private static final int FILE_BYTES = 4 << 20;
    private static final long NANOS = 5_000_000;
    private static final int FIELDS_OF_A_DIRECTION = 41;

    @Test
    void everyJobRuns(@TempDir Path directory) throws Exception {
        DeviceSideBySide.print(directory, FILE_BYTES, 1, NANOS, Pattern.compile(""));
        try (var left = Files.list(directory)) {
            assertEquals(0, left.count(), "files left behind");
        }
    }

    @Test
    void takesPerSecondAndCpuFromWhatFioSays() {
        String reads = ";1000;2000;500;700" + ";0".repeat(FIELDS_OF_A_DIRECTION - 4);
        String writes = ";3000;4000;250;900" + ";0".repeat(FIELDS_OF_A_DIRECTION - 4);
        String answer = "a warning\n3;fio-3.33;job;0;0" + reads + writes + ";10.5%;14.5%;77;0;1;100.0%\n";
        Sample read = FioContender.parse(new Contender.Job(Kind.READ, true, 4096, 1), 0, answer);
        assertEquals(500, read.perSecond());
        assertEquals(500, read.cpuMicros()); // A quarter of a second of CPU in each, for 500.
        Sample write = FioContender.parse(new Contender.Job(Kind.WRITE_DURABLE, false, 4096, 1), 0, answer);
        assertEquals(250, write.perSecond());
        assertEquals(1000, write.cpuMicros());
    }

    @Test
    void aFailureOfFioIsToldInItsWords() {
        Contender.Job job = new Contender.Job(Kind.READ, false, 4096, 1);
        var failure = assertThrows(
                IllegalStateException.class, () -> FioContender.parse(job, 1, "fio: no such engine io_urin\n"));
        assertTrue(String.valueOf(failure.getMessage()).contains("no such engine"), failure.getMessage());
    }
}
