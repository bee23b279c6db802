package io.nyala.cli;

import io.nyala.text.Figures;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * One line on a terminal that is written over as work goes on; silent where there is no terminal.
 *
 * <pre>{@code
 * ingesting  [###########-------------]  46%  276,480 of 600,572 rows  412,345 rows/s
 * }</pre>
 *
 * One thread; {@link #close} clears the line.
 */
final class ProgressBar implements AutoCloseable {
    private static final int WIDTH = 24;

    /** Between two looks at work that says nothing itself; smooth to the eye. */
    private static final int LOOK_MILLIS = 200;

    private static final Path STANDARD_ERROR = Path.of("/proc/self/fd/2");

    private final PrintWriter target;
    private final boolean isShown;
    private final String label;
    private final String unit;
    private long startNanos = System.nanoTime();
    private long lastDone;
    private boolean isDirty;

    /** Bar on standard error, given as {@code target}, if that and standard output are a terminal. */
    static ProgressBar on(PrintWriter target, String label, String unit) {
        return new ProgressBar(target, isTerminal(), label, unit);
    }

    ProgressBar(PrintWriter target, boolean isShown, String label, String unit) {
        this.target = target;
        this.isShown = isShown;
        this.label = label;
        this.unit = unit;
    }

    /** Shows how much is done; less than before is of other work, which begins now. */
    void update(long done, long total) {
        if (!isShown) {
            return;
        }
        if (done < lastDone) {
            startNanos = System.nanoTime();
        }
        lastDone = done;
        double share = total <= 0 ? 0 : Math.min(1, (double) done / total);
        int filled = (int) (share * WIDTH);
        long perSecond = Figures.perSecond(done, System.nanoTime() - startNanos);
        target.print("\r\033[K" + label + "  [" + "#".repeat(filled) + "-".repeat(WIDTH - filled) + "]  "
                + (int) (share * 100) + "%  " + Figures.count(done) + " of " + Figures.count(total) + " " + unit + "  "
                + Figures.count(perSecond) + " " + unit + "/s");
        target.flush();
        isDirty = true;
    }

    /**
     * Does work that says nothing itself, and shows meanwhile how far it is; clears the line at its end. Another thread
     * looks and shows, and has ended when this returns.
     *
     * @param done how much is done until now; asked often
     */
    <T> T during(LongSupplier done, long total, Supplier<T> work) {
        return during(() -> update(done.getAsLong(), total), work);
    }

    /**
     * As above, of work of which it shows only meanwhile how much it is.
     *
     * @param look calls {@link #update}, or does not; called often
     */
    <T> T during(Runnable look, Supplier<T> work) {
        if (!isShown) {
            return work.get();
        }
        CountDownLatch finished = new CountDownLatch(1);
        Thread watch = Thread.ofPlatform().daemon().name("nyala-progress").start(() -> show(look, finished));
        try {
            return work.get();
        } finally {
            finished.countDown();
            join(watch);
            close();
        }
    }

    private static void show(Runnable look, CountDownLatch finished) {
        try {
            do {
                look.run();
            } while (!finished.await(LOOK_MILLIS, TimeUnit.MILLISECONDS));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt(); // It ends.
        }
    }

    private static void join(Thread watch) {
        try {
            watch.join();
        } catch (InterruptedException _) {
            watch.interrupt();
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        if (isDirty) {
            target.print("\r\033[K");
            target.flush();
            isDirty = false;
        }
    }

    private static boolean isTerminal() {
        if (!Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false)) {
            return false;
        }
        try {
            return !Files.isSymbolicLink(STANDARD_ERROR)
                    || Files.readSymbolicLink(STANDARD_ERROR).startsWith("/dev");
        } catch (IOException e) {
            return false;
        }
    }
}
