package io.nyala.cli;

import java.util.concurrent.CountDownLatch;
import java.util.logging.LogManager;
import org.jspecify.annotations.Nullable;

/**
 * Java's logging, which can be had to last until a server has stopped. Else the first thing that happens when a process
 * is told to end is that handlers are closed, by a hook of the JDK beside all others; and what is logged while calls
 * end and files are closed is lost. Public for the JDK, which makes it by its name. Thread-safe.
 */
public final class PatientLogging extends LogManager {
    private volatile @Nullable CountDownLatch awaited;

    /** Handlers stay until that has happened: it must, once the process is told to end. */
    void lastUntil(CountDownLatch stopped) {
        awaited = stopped;
    }

    /** Of the JDK's hook, for one. Whoever logs meanwhile needs no lock that it holds. */
    @Override
    public void reset() {
        CountDownLatch stopped = awaited;
        if (stopped != null) {
            try {
                stopped.await();
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
        super.reset();
    }
}
