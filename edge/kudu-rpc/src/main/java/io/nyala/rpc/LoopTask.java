package io.nyala.rpc;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What an event loop is to do whenever somebody asks for it: it does so at least once after that, however many ask
 * meanwhile.
 *
 * <p>The task is there before it is needed, so nobody needs heap to ask. The queue of the event loop may, and if there
 * is none, the task is left over and not lost: whoever has to do with the server next hands it over once more, see
 * {@link Leftovers}. Thread-safe.
 */
final class LoopTask implements Runnable {
    private final Consumer<Runnable> loop;
    private final Leftovers leftovers;
    private final Runnable action;
    private final Runnable whenGone;
    private final AtomicBoolean isAskedFor = new AtomicBoolean();

    /** Whether it is in the list of those left over; it is there once at most. */
    private final AtomicBoolean isLeftOver = new AtomicBoolean();

    private @Nullable LoopTask older; // In that list; of whoever has it.

    /**
     * @param loop hands something over: {@link java.util.concurrent.Executor#execute} of an event loop
     * @param whenGone runs in its place, where it was asked for, if there is no event loop any more
     */
    LoopTask(Consumer<Runnable> loop, Leftovers leftovers, Runnable action, Runnable whenGone) {
        this.loop = loop;
        this.leftovers = leftovers;
        this.action = action;
        this.whenGone = whenGone;
    }

    /** Has it done soon; any thread. */
    void ask() {
        if (isAskedFor.compareAndSet(false, true)) {
            handOver();
        }
    }

    private void handOver() {
        try {
            loop.accept(this);
        } catch (RejectedExecutionException _) {
            if (isAskedFor.getAndSet(false)) {
                whenGone.run();
            }
        } catch (RuntimeException | Error _) { // No heap for the queue. Words for a log may find none either.
            leftovers.add(this);
        }
    }

    /** Does it, unless nobody asks any more. Of the event loop: also where it is there anyway, for the last time. */
    @Override
    public void run() {
        if (isAskedFor.getAndSet(false)) { // Before it is done: who asks from here on may come too late for it.
            action.run();
        }
    }

    /**
     * The tasks of a server that could not be handed over. There is no timer for them, as that needed heap, too: they
     * are tried again with each answer, each piece that comes in, and each look after clients that are quiet, of
     * whatever connection. Looking whether there are any is one read. Thread-safe.
     */
    static final class Leftovers {
        private final AtomicReference<@Nullable LoopTask> newest = new AtomicReference<>();

        private void add(LoopTask task) {
            if (task.isLeftOver.compareAndSet(false, true)) {
                do {
                    task.older = newest.get();
                } while (!newest.compareAndSet(task.older, task));
            }
        }

        /** Hands over what is left; what fails again stays so. */
        void tryAgain() {
            if (newest.get() == null) {
                return;
            }
            LoopTask task = newest.getAndSet(null);
            while (task != null) {
                LoopTask next = task.older;
                task.older = null;
                task.isLeftOver.set(false); // From here on, it may be in the list again.
                task.handOver();
                task = next;
            }
        }
    }
}
