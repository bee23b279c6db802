package io.nyala.cli;

import io.nyala.engine.Engine;
import io.nyala.engine.Table;
import io.nyala.tablet.TabletView;
import io.nyala.text.Figures;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Writes what is in memory to disk before an engine is closed, so that the next start has nothing to replay; and says
 * how far it is. A disk that is slow does not keep a process that was told to stop: what is left when the time is over
 * is in the log. One thread.
 */
final class LastFlush {
    /** Beside that of clients: service managers wait for a minute and a half before they kill. */
    static final int SECONDS_MAX = 60;

    /** Between two lines. */
    static final int SECONDS_OF_LINE = 5;

    private final Consumer<String> told;
    private final long sliceMillis;
    private final int slices;

    /**
     * @param told hears of each step, a line each
     * @param sliceMillis between two lines
     * @param slices after so many the time is over
     */
    LastFlush(Consumer<String> told, long sliceMillis, int slices) {
        this.told = told;
        this.sliceMillis = sliceMillis;
        this.slices = slices;
    }

    /** With the limits of a server. */
    static LastFlush of(Consumer<String> told) {
        return new LastFlush(told, TimeUnit.SECONDS.toMillis(SECONDS_OF_LINE), SECONDS_MAX / SECONDS_OF_LINE);
    }

    /**
     * Closes what writes to an engine, and flushes; also if that does not close cleanly, since the rows are there all
     * the same.
     *
     * @throws IllegalStateException if the flush fails, unless the other has failed before
     */
    void runAfter(Runnable close, Engine engine) throws InterruptedException {
        try {
            close.run();
        } catch (RuntimeException failure) {
            try {
                run(engine);
            } catch (RuntimeException another) {
                failure.addSuppressed(another);
            }
            throw failure;
        }
        run(engine);
    }

    /**
     * Flushes everything, or as much as there is time for.
     *
     * @throws IllegalStateException if it fails
     */
    void run(Engine engine) throws InterruptedException {
        told.accept("stopping: " + left(engine)
                + " in memory only; they are written to disk, so that the next start has nothing to replay");
        await(engine.flush(), () -> left(engine));
    }

    /** Waits until it is done, or the time is over. */
    void await(CompletableFuture<Void> flushed, Supplier<String> left) throws InterruptedException {
        for (int slice = 1; slice <= slices; slice++) {
            try {
                flushed.get(sliceMillis, TimeUnit.MILLISECONDS);
                told.accept("stopping: nothing is left in memory; the log is closed");
                return;
            } catch (ExecutionException e) {
                String why = e.getCause() == null ? e.toString() : e.getCause().getMessage();
                throw new IllegalStateException(
                        "not all is on disk, because a flush failed; the rest is in the log, and the next start replays"
                                + " it: " + why,
                        e.getCause());
            } catch (TimeoutException _) {
                String after = " after " + Figures.duration(TimeUnit.MILLISECONDS.toNanos(slice * sliceMillis));
                told.accept(
                        slice < slices
                                ? "stopping: " + left.get() + " are left" + after
                                : "stopping: " + left.get() + " are left" + after + ", which is as long as stopping may"
                                        + " take; they are in the log, and the next start replays them");
            }
        }
    }

    /** What is in memory of all tables, also of those that can be recalled. */
    private static String left(Engine engine) {
        long rows = 0;
        long changeBytes = 0;
        long tablets = 0;
        long left = 0;
        for (Table table : Stream.of(engine.tables(), engine.droppedTables())
                .flatMap(List::stream)
                .toList()) {
            for (TabletView view : table.views(0, Integer.MAX_VALUE)) {
                rows += view.freshRowCount();
                changeBytes += view.changeBytes();
                tablets++;
                left += view.freshRowCount() + view.changeBytes() > 0 ? 1 : 0;
            }
        }
        return Figures.count(rows, "new row", "new rows") + " and " + Figures.bytes(changeBytes)
                + " of changes of others, of " + Figures.count(left) + " of "
                + Figures.count(tablets, "tablet", "tablets");
    }
}
