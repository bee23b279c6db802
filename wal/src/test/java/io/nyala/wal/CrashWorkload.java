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
    private long released;

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
            afterRestart(log.read, written);
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

    private void release(TestLog log) {
        if (!published.isEmpty()) {
            released = Math.max(
                    released, published.get(random.nextInt(published.size())).sequence());
            log.log().releaseUpTo(released);
        }
    }

    /** Checks what is found after the power was cut. */
    void checkAfterPowerCut(SimulatedDisk found) {
        check(TestLog.readAll(found, config), durable);
    }

    /** Checks, and goes on from, what is found after the process ended, or the power was cut. */
    void afterRestart(List<Entry> read, long promised) {
        check(read, promised);
        if (read.isEmpty()) {
            published.clear();
        } else {
            published.removeIf(entry -> entry.sequence() > read.getLast().sequence());
        }
        durable = published.isEmpty() ? durable : published.getLast().sequence();
        written = durable;
    }

    /** After the power was cut: opens, goes on, and checks that nothing is forgotten. */
    void goOn() {
        written = durable;
        disk.cutPowerAtCall(Long.MAX_VALUE);
        session(10, () -> {});
        checkAfterPowerCut(disk.afterPowerCut(random.nextLong()));
    }

    private void check(List<Entry> read, long promised) {
        int first = 0;
        while (!read.isEmpty()
                && first < published.size()
                && !published.get(first).equals(read.getFirst())) {
            first++;
        }
        int last = first + read.size();
        if (last > published.size() || !published.subList(first, last).equals(read)) {
            throw new AssertionError(
                    "not a part of what was appended: " + sequences(read) + " of " + sequences(published));
        }
        for (Entry missing : published.subList(0, read.isEmpty() ? published.size() : first)) {
            if (missing.sequence() > released && missing.sequence() <= promised) {
                throw new AssertionError(
                        "lost, before what is there: " + missing.sequence() + ", promised " + promised);
            }
        }
        for (Entry missing : published.subList(read.isEmpty() ? published.size() : last, published.size())) {
            if (missing.sequence() <= promised) {
                throw new AssertionError("lost: " + missing.sequence() + ", promised up to " + promised
                        + ", found up to " + read.getLast().sequence());
            }
        }
    }

    private static List<Long> sequences(List<Entry> entries) {
        return entries.stream().map(Entry::sequence).toList();
    }
}
