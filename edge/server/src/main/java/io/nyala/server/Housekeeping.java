package io.nyala.server;

import java.util.List;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Closes what clients leave behind: a thread that looks once a second. Thread-safe. */
final class Housekeeping {
    private static final long PERIOD_MILLIS = 1_000;

    private final List<Runnable> tasks;
    private final ScheduledThreadPoolExecutor thread;

    /**
     * @param tasks each closes what is old
     */
    Housekeeping(List<Runnable> tasks) {
        this.tasks = List.copyOf(tasks);
        thread = new ScheduledThreadPoolExecutor(1, task -> new Thread(task, "nyala-housekeeping"));
        var _ = thread.scheduleWithFixedDelay(this::look, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Nothing that is thrown may leave it: the executor would never look again, and tell nobody. */
    private void look() {
        for (Runnable task : tasks) {
            try {
                task.run();
            } catch (RuntimeException | Error e) {
                ServerFaults.report("what a client left behind could not be closed", e);
            }
        }
    }

    /** What it does is short; if it is not done within that time, it is left alone. */
    void close(long nanosMax) {
        thread.shutdownNow();
        boolean isInterrupted = false;
        try {
            thread.awaitTermination(nanosMax, TimeUnit.NANOSECONDS);
        } catch (InterruptedException _) {
            isInterrupted = true;
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
