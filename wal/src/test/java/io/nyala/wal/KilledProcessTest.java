package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: what was acknowledged survives a process that is killed. Method: a child appends to a log on a real disk,
 * releases what is old, so that files are used again, and says what is acknowledged; it is killed, and the log is read;
 * again and again, on the same log, by each kind of disk in turn.
 */
final class KilledProcessTest {
    private static final Logger LOG = System.getLogger(KilledProcessTest.class.getName());
    private static final int ACKNOWLEDGED_MAX = 400;
    private static final long SEGMENT_BYTES = 128 << 10;

    /** Records that a child keeps; a few segments. */
    private static final int KEPT = 300;

    /** Where one does not work here, the next best takes its turn. */
    private static final List<String> DISKS = List.of("ring", "syscall", "channel");

    /** Payloads say which record they are, so that one that is lost or doubled shows. */
    private static String payload(long number) {
        return number + " " + "x".repeat((int) (number * 31 % 1_500));
    }

    private static WalConfig config(Path directory) {
        return WalConfig.in(directory).withSegmentBytes(SEGMENT_BYTES);
    }

    private static Disk open(String name) {
        try {
            return Disks.named(name);
        } catch (UnsupportedOperationException _) {
            return Disks.best();
        }
    }

    /** Appends for ever. Its arguments: directory, disk, number of the first record. */
    static final class Child {
        private Child() {}

        public static void main(String[] arguments) {
            try (Disk disk = open(arguments[1]);
                    TestLog log = TestLog.start(disk, config(Path.of(arguments[0])))) {
                var random = new SplittableRandom(Long.parseLong(arguments[2]));
                long[] kept = new long[KEPT]; // Sequences of the last records.
                for (long number = Long.parseLong(arguments[2]); ; number++) {
                    boolean isSynced = random.nextInt(4) > 0;
                    Entry entry = log.append(payload(number), isSynced ? Durability.SYNC : Durability.WRITTEN);
                    if (random.nextInt(3) == 0) {
                        while ((isSynced ? log.log().durableUpTo() : log.log().writtenUpTo()) < entry.sequence()) {
                            log.work();
                        }
                        System.out.println(number);
                    }
                    if (random.nextInt(50) == 0) {
                        log.log().roll();
                        log.log().releaseUpTo(kept[(int) (number % KEPT)]);
                    }
                    kept[(int) (number % KEPT)] = entry.sequence();
                }
            }
        }
    }

    @Test
    void acknowledgedRecordsSurviveAKilledProcess(@Seed SplittableRandom random, @TempDir Path directory)
            throws IOException, InterruptedException {
        killAndRead(random, directory, 3);
    }

    @Tag("soak")
    @Test
    void acknowledgedRecordsSurviveAKilledProcessSoak(@Seed SplittableRandom random, @TempDir Path directory)
            throws IOException, InterruptedException {
        killAndRead(random, directory, 200);
    }

    private static void killAndRead(SplittableRandom random, Path directory, int rounds)
            throws IOException, InterruptedException {
        long next = 0;
        long oldest = 0;
        for (int round = 0; round < rounds; round++) {
            String diskName = DISKS.get(round % DISKS.size());
            long acknowledged = runAndKill(directory, diskName, next, random.nextInt(1, ACKNOWLEDGED_MAX));
            List<String> read;
            try (Disk disk = open(diskName)) {
                read = TestLog.readAll(disk, config(directory)).stream()
                        .map(Entry::payload)
                        .toList();
            }
            assertFalse(read.isEmpty(), "nothing is left");
            long from = Long.parseLong(read.getFirst().split(" ", 2)[0]);
            next = from + read.size();
            String what = from + " to " + next + " on " + diskName;
            assertTrue(next > acknowledged, what + " found, acknowledged up to " + acknowledged);
            assertTrue(from >= oldest && from <= Math.max(0, next - KEPT), what + " found, was from " + oldest);
            for (int i = 0; i < read.size(); i++) {
                assertEquals(payload(from + i), read.get(i), what);
            }
            oldest = from;
        }
        LOG.log(Level.INFO, "{0} processes were killed; {1} records found", rounds, next);
    }

    /** Answers the number of the last record that was acknowledged. */
    private static long runAndKill(Path directory, String diskName, long first, int lines)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--"))
                .forEach(command::add);
        command.addAll(List.of("-ea", "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path")));
        command.addAll(List.of(Child.class.getName(), directory.toString(), diskName, "" + first));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        long last = -1;
        try (BufferedReader output = process.inputReader()) {
            for (int i = 0; i < lines; i++) {
                String line = output.readLine();
                assertNotEquals(null, line, "the child ended by itself");
                last = Long.parseLong(line);
            }
            process.toHandle().destroyForcibly(); // SIGKILL; its output stays open.
            for (String line = output.readLine(); line != null && !line.isEmpty(); line = output.readLine()) {
                last = Math.max(last, Long.parseLong(line)); // What it said before it heard of that; perhaps cut off.
            }
        } finally {
            process.destroyForcibly();
        }
        process.waitFor();
        return last;
    }
}
