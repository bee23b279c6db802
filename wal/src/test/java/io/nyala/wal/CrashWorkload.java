package io.nyala.wal;

import io.nyala.simulation.PowerCutException;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.wal.TestLog.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A few sessions of random use of a log on a simulated disk, and what must be found of it if they end at any moment.
 * Driven by one thread; repeats itself for the same seed.
 */
final class CrashWorkload {
    private static final int SMALL_BYTES = 200;
    private static final int LARGE_BYTES = 8_000;

    final SimulatedDisk disk;
    final WalConfig config;
    private final SplittableRandom random;
    private final List<Entry> published = new ArrayList<>();
    private long durable;
    private long written;
    private final long[] neededFrom = new long[TestLog.STREAM_COUNT];

    CrashWorkload(SplittableRandom random) {
        this.random = random;
        this.disk = TestLog.newDisk(random);
        this.config = TestLog.config().withInFlightMax(random.nextInt(1, 4)).withSparesMax(random.nextInt(3));
    }

    /** Runs until it is over or the power fails. */
    void run(int sessions, int steps) {
        run(sessions, steps, () -> {});
    }

    /**
     * Runs until it is over or the power fails.
     *
     * @param afterStep called after each step of a session
     */
    void run(int sessions, int steps, Runnable afterStep) {
        try {
            for (int i = 0; i < sessions; i++) {
                session(steps, afterStep);
            }
        } catch (PowerCutException _) {
            disk.restart();
        }
    }

    private void session(int steps, Runnable afterStep) {
        TestLog log = TestLog.start(disk, config);
        boolean isKilled = false;
        try {
            afterRestart(log, written);
            for (int i = 0; i < steps; i++) {
                step(log);
                note(log);
                afterStep.run();
            }
            isKilled = random.nextInt(3) == 0;
            if (!isKilled) {
                log.agent().onClose();
            }
        } finally {
            note(log);
            log.kill();
        }
    }

    private void note(TestLog log) {
        durable = Math.max(durable, log.log().durableUpTo());
        written = Math.max(written, log.log().writtenUpTo());
    }

    private void step(TestLog log) {
        switch (random.nextInt(16)) {
            case 0, 1, 2, 3, 4, 5 -> publish(log, SMALL_BYTES);
            case 6 -> publish(log, LARGE_BYTES);
            case 7 -> log.settle();
            case 8 -> log.log().roll();
            case 9 -> release(log);
            default -> log.work();
        }
    }

    private void publish(TestLog log, int bytesMax) {
        String payload = TestLog.randomText(random, random.nextInt(bytesMax));
        published.add(log.append(payload, random.nextInt(4) == 0 ? Durability.WRITTEN : Durability.SYNC));
    }

    /** Some streams need less from now on; what is not durable is needed in any case. */
    private void release(TestLog log) {
        long asOf = log.log().durableUpTo();
        var needs = new StreamNeeds.Builder(asOf);
        for (int stream = 0; stream < neededFrom.length; stream++) {
            if (asOf > neededFrom[stream] && random.nextBoolean()) {
                neededFrom[stream] = random.nextLong(neededFrom[stream], asOf + 1) + 1;
            }
            needs.add(stream, neededFrom[stream]);
        }
        log.log().release(needs.build());
    }

    private boolean isNeeded(Entry entry) {
        return entry.sequence() >= neededFrom[entry.stream()];
    }

    /** Checks what is found after the power was cut. */
    void checkAfterPowerCut(SimulatedDisk found) {
        List<Entry> kept = TestLog.readAll(found, config);
        check(kept, durable);
        List<Entry> needed = TestLog.readNeeded(found, config);
        check(needed, durable);
        kept.removeIf(entry -> !isNeeded(entry));
        kept.removeAll(needed);
        if (!kept.isEmpty()) {
            throw new AssertionError("needed, there, and not read: " + sequences(kept));
        }
    }

    /** Checks, and goes on from, what is found after the process ended, or the power was cut. */
    void afterRestart(TestLog log, long promised) {
        check(log.read, promised);
        published.removeIf(entry -> entry.sequence() > log.recovery.lastSequence());
        durable = published.isEmpty() ? durable : published.getLast().sequence();
        written = durable;
    }

    /** Checks what is found after the process was killed: all that was written, durable or not. */
    void checkAfterKill() {
        check(TestLog.readAll(disk, config), written);
    }

    /** After the power was cut: opens, goes on, and checks that nothing is forgotten. */
    void goOn() {
        written = durable;
        goOnAfterKill();
    }

    /** As above, after the process was killed: what was written is there, too. */
    void goOnAfterKill() {
        disk.cutPowerAtCall(Long.MAX_VALUE);
        session(10, () -> {});
        checkAfterPowerCut(disk.afterPowerCut(random.nextLong()));
    }

    /** What was read is what was appended, in order; what is missing was promised to nobody, and ends it. */
    private void check(List<Entry> read, long promised) {
        int found = 0;
        for (Entry entry : published) {
            if (found < read.size() && read.get(found).equals(entry)) {
                found++;
            } else if (isNeeded(entry) && (entry.sequence() <= promised || found < read.size())) {
                throw new AssertionError(
                        "lost: " + entry.sequence() + ", promised up to " + promised + ", found " + sequences(read));
            }
        }
        if (found < read.size()) {
            throw new AssertionError(
                    "not a part of what was appended: " + sequences(read) + " of " + sequences(published));
        }
    }

    private static List<Long> sequences(List<Entry> entries) {
        return entries.stream().map(Entry::sequence).toList();
    }
}
