package io.nyala.wal;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.simulation.Call;
import io.nyala.simulation.Operation;
import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import io.nyala.wal.TestLog.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/**
 * Goal: each sync of the log is needed, and a test is red without it.
 * Method: a scenario for each kind of sync, many seeds, ended by a power cut: nothing may be lost; and the same with
 * that one kind of sync made a lie: then something must be.
 */
final class SyncTest {
    private static final int HONEST_RUNS = 100;
    private static final int LYING_RUNS_MAX = 400;

    private final List<TestLog> opened = new ArrayList<>();

    /**
     * Does something with a log, with a lie at its time, and says what must be there after the power cut at its end.
     */
    @FunctionalInterface
    private interface Scenario {
        List<Entry> run(SimulatedDisk disk, SplittableRandom random, boolean isLying);
    }

    @Test
    void powerCutKeepsRecordsThatWereWrittenDurably(@Seed SplittableRandom random) {
        isNeeded(random, (disk, draws, isLying) -> {
            TestLog log = start(disk);
            log.settle();
            lie(disk, isLying, call -> call.operation() == Operation.WRITE_DURABLE);
            List<Entry> entries = log.appendDurably(draws, 5, 500);
            return entries;
        });
    }

    @Test
    void powerCutKeepsWrittenRecordsBeforeOneThatWasSynced(@Seed SplittableRandom random) {
        isNeeded(random, (disk, draws, isLying) -> {
            TestLog log = start(disk);
            log.settle();
            lie(disk, isLying, call -> call.operation() == Operation.SYNC);
            List<Entry> entries = new ArrayList<>();
            entries.add(log.append("written", Durability.WRITTEN));
            log.settle();
            entries.add(log.append("synced", Durability.SYNC));
            log.await(entries.getLast().sequence());
            return entries;
        });
    }

    @Test
    void powerCutKeepsWrittenRecordsOfTheSegmentBefore(@Seed SplittableRandom random) {
        isNeeded(random, (disk, draws, isLying) -> {
            TestLog log = start(disk);
            log.settle();
            lie(
                    disk,
                    isLying,
                    call -> call.operation() == Operation.SYNC
                            && call.fileName().startsWith("000000000001"));
            List<Entry> entries = new ArrayList<>();
            entries.add(log.append("written", Durability.WRITTEN));
            log.settle();
            log.log().roll();
            entries.add(log.append("synced", Durability.SYNC));
            log.await(entries.getLast().sequence());
            return entries;
        });
    }

    @Test
    void powerCutKeepsTheHeaderOfASegment(@Seed SplittableRandom random) {
        isNeeded(random, (disk, draws, isLying) -> {
            lie(disk, isLying, call -> call.operation() == Operation.SYNC);
            TestLog log = start(disk);
            disk.ignoreSyncs(_ -> false);
            List<Entry> entries = log.appendDurably(draws, 5, 500);
            return entries;
        });
    }

    @Test
    void powerCutKeepsTheNameOfASegment(@Seed SplittableRandom random) {
        isNeeded(random, (disk, draws, isLying) -> {
            TestLog log = start(disk);
            lie(disk, isLying, call -> isAfterRename(disk, call, ".wal"));
            log.settle();
            disk.ignoreSyncs(_ -> false);
            List<Entry> entries = log.appendDurably(draws, 2, 500);
            log.log().roll();
            entries.addAll(log.appendDurably(draws, 2, 500));
            return entries;
        });
    }

    @Test
    void powerCutKeepsReleasedSegmentsOutOfTheLog(@Seed SplittableRandom random) {
        isNeeded(random, (disk, draws, isLying) -> {
            TestLog log = start(disk);
            log.appendDurably(draws, 2, 500);
            log.settle();
            log.log().roll();
            List<Entry> entries = log.appendDurably(draws, 2, 500);
            log.settle();
            lie(disk, isLying, call -> isAfterRename(disk, call, ".spare"));
            log.log().releaseUpTo(entries.getFirst().sequence() - 1);
            log.settle();
            disk.cutPowerAtCall(disk.callCount() + draws.nextInt(8));
            log.log().roll(); // The next segment is made of the released one.
            log.settle();
            return entries;
        });
    }

    /** If only some of several deleted files came back, there would be a gap between them and the rest. */
    @Test
    void powerCutKeepsDeletedSegmentsInOrder(@Seed SplittableRandom random) {
        isNeeded(random, (disk, draws, isLying) -> {
            TestLog log = new TestLog(disk, TestLog.config().withSparesMax(0));
            opened.add(log);
            log.start();
            for (int i = 0; i < 3; i++) {
                log.appendDurably(draws, 2, 500);
                log.settle();
                log.log().roll();
            }
            List<Entry> entries = log.appendDurably(draws, 2, 500);
            log.settle();
            lie(disk, isLying, call -> isAfter(disk, call, Operation.DELETE, ".wal"));
            log.log().releaseUpTo(entries.getFirst().sequence() - 1);
            log.settle();
            return entries;
        });
    }

    @Test
    void powerCutKeepsTheMarkBeforeSegmentsAreReleased(@Seed SplittableRandom random) {
        isNeeded(random, (disk, draws, isLying) -> {
            TestLog log = start(disk);
            log.appendDurably(draws, 2, 500);
            log.settle();
            log.log().roll();
            List<Entry> entries = log.appendDurably(draws, 2, 500);
            log.settle();
            lie(disk, isLying, call -> call.operation() == Operation.WRITE_DURABLE);
            log.log().releaseUpTo(entries.getFirst().sequence() - 1);
            log.settle();
            return entries;
        });
    }

    @Test
    void powerCutKeepsTheSeal(@Seed SplittableRandom random) {
        isNeeded(random, (disk, draws, isLying) -> {
            TestLog log = start(disk);
            List<Entry> entries = log.appendDurably(draws, 5, 500);
            log.settle();
            lie(disk, isLying, call -> call.operation() == Operation.WRITE_DURABLE);
            log.close();
            return entries;
        });
    }

    @Test
    void powerCutKeepsTheNameThatSaysSealed(@Seed SplittableRandom random) {
        isNeeded(random, (disk, draws, isLying) -> {
            TestLog log = start(disk);
            List<Entry> entries = log.appendDurably(draws, 5, 500);
            log.settle();
            lie(disk, isLying, call -> isAfterRename(disk, call, ".sealed"));
            log.close();
            disk.powerCut();
            disk.restart();
            boolean isNamed = disk.exists(TestLog.DIRECTORY.resolve("000000000001.sealed"));
            return isNamed ? entries : List.of(new Entry(1, "a name that says sealed"));
        });
    }

    @Test
    void powerCutKeepsWhatRecoveryRead(@Seed SplittableRandom random) {
        isNeeded(random, (disk, draws, isLying) -> {
            TestLog log = start(disk);
            log.settle();
            List<Entry> entries = new ArrayList<>();
            entries.add(log.append("only written", Durability.WRITTEN));
            log.settle();
            log.kill();
            lie(disk, isLying, call -> call.operation() == Operation.WRITE_DURABLE);
            log = open(disk); // Who reads it may act on it.
            assertTrue(log.read.equals(entries));
            return entries;
        });
    }

    /** The process ends between renaming a released segment and making that durable. */
    @Test
    void aSpareOfALogThatDiedIsNotWrittenTo(@Seed SplittableRandom random) {
        holds(random, (disk, draws, _) -> {
            TestLog log = start(disk);
            log.appendDurably(draws, 2, 500);
            log.settle();
            log.log().roll();
            List<Entry> entries = log.appendDurably(draws, 2, 500);
            log.settle();
            disk.ignoreSyncs(call -> isAfterRename(disk, call, ".spare"));
            log.log().releaseUpTo(entries.getFirst().sequence() - 1);
            log.settle();
            log.kill();
            disk.ignoreSyncs(_ -> false);
            TestLog reopened = open(disk);
            disk.cutPowerAtCall(disk.callCount() + draws.nextInt(12));
            reopened.start();
            return entries;
        });
    }

    /** A sync fails; the process is started again on the same machine, whose memory still has what the disk has not. */
    @Test
    void whatASyncThatFailedLeftInMemoryIsWrittenAgain(@Seed SplittableRandom random) {
        holds(random, (disk, draws, _) -> {
            TestLog log = start(disk);
            log.settle();
            List<Entry> entries = new ArrayList<>();
            entries.add(log.append("only written", Durability.WRITTEN));
            log.settle();
            disk.failNext(Operation.SYNC, DiskException.Kind.IO_ERROR);
            log.append("fails", Durability.SYNC);
            log.settle();
            log.kill();
            TestLog reopened = open(disk);
            reopened.start();
            entries.clear();
            entries.addAll(reopened.read);
            entries.addAll(reopened.appendDurably(draws, 2, 500));
            return entries;
        });
    }

    private TestLog start(SimulatedDisk disk) {
        TestLog log = open(disk);
        log.start();
        return log;
    }

    private TestLog open(SimulatedDisk disk) {
        TestLog log = new TestLog(disk, TestLog.config());
        opened.add(log);
        return log;
    }

    private void holds(SplittableRandom random, Scenario scenario) {
        for (int i = 0; i < HONEST_RUNS; i++) {
            long seed = random.nextLong();
            String problem = problem(seed, scenario, false);
            assertTrue(problem.isEmpty(), () -> "with every sync, seed " + seed + ": " + problem);
        }
    }

    private void isNeeded(SplittableRandom random, Scenario scenario) {
        holds(random, scenario);
        for (int i = 0; i < LYING_RUNS_MAX; i++) {
            if (!problem(random.nextLong(), scenario, true).isEmpty()) {
                return;
            }
        }
        assertFalse(true, "nothing is lost without this sync");
    }

    /** What is wrong after the power cut, or nothing. */
    private String problem(long seed, Scenario scenario, boolean isLying) {
        SplittableRandom random = new SplittableRandom(seed);
        SimulatedDisk disk = TestLog.newDisk(random);
        List<Entry> expected = new ArrayList<>();
        try {
            expected.addAll(scenario.run(disk, random, isLying));
        } catch (PowerCutException _) {
            // As planned.
        } finally {
            opened.forEach(TestLog::kill);
            opened.clear();
        }
        disk.ignoreSyncs(_ -> false);
        disk.powerCut();
        disk.restart();
        disk.cutPowerAtCall(Long.MAX_VALUE);
        try {
            List<Entry> read = TestLog.readAll(disk, TestLog.config());
            boolean isThere = read.size() >= expected.size()
                    && read.subList(read.size() - expected.size(), read.size()).equals(expected);
            return isThere
                    ? ""
                    : "found only " + read.stream().map(Entry::sequence).toList();
        } catch (CorruptLogException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static void lie(SimulatedDisk disk, boolean isLying, Predicate<Call> which) {
        if (isLying) {
            disk.ignoreSyncs(which);
        }
    }

    /** A sync of the directory that follows on a file's getting a name of some kind. */
    private static boolean isAfterRename(SimulatedDisk disk, Call call, String suffix) {
        return isAfter(disk, call, Operation.RENAME, suffix);
    }

    /** A sync of the directory that follows on a change of a name of some kind. */
    private static boolean isAfter(SimulatedDisk disk, Call call, Operation change, String suffix) {
        List<Call> trace = disk.trace();
        if (call.operation() != Operation.SYNC_DIRECTORY || trace.size() < 2) {
            return false;
        }
        Call before = trace.get(trace.size() - 2);
        return before.operation() == change && before.fileName().endsWith(suffix);
    }
}
