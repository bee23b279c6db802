package io.nyala.compaction;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The place of the one worker that decides what is done next, which is given to another one if it hangs in a call to a
 * device.
 *
 * <pre>{@code
 *   working(2n) ---- begins a call ---> calling(2n + 1) ---- it returns ---> working(2n + 2)
 *                                            |
 *                                            '---- takeOver ---> working(2n + 2), another worker
 * }</pre>
 *
 * <p>It is never taken from a worker that works, only from one within a call, where that touches nothing but what is
 * its own. One of both has it after that, by compare-and-set: either the call counts, or its worker hears at the call's
 * end, before it touches anything, that its place is another one's. What it did before the call is seen by its
 * successor.
 *
 * <p>Who watches need not do so while nothing is called: it is woken by the first call after its {@link #rest}.
 *
 * <p>Thread-safe; nothing blocks, and a call allocates nothing.
 */
public final class Seat {
    private final LongSupplier micros;
    private final Runnable wakeWatcher;

    /** Odd within a call; never the same again. */
    private final AtomicLong state = new AtomicLong();

    /** When the present call began, or the last one. */
    private volatile long since;

    private volatile boolean isWatched;

    /**
     * @param micros the time of day
     * @param wakeWatcher has somebody look whether it is to be taken over
     */
    public Seat(LongSupplier micros, Runnable wakeWatcher) {
        this.micros = micros;
        this.wakeWatcher = wakeWatcher;
    }

    /** What a worker hears at the end of a call that has lost its place meanwhile. */
    public static final class LostException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        LostException(@Nullable Throwable cause) {
            super("another worker has taken the place of this one, which was not heard of for too long", cause);
        }
    }

    /** The seat as its worker has it, until it loses it. Belongs to that worker. */
    public final class Hold implements DeviceCalls {
        private boolean isLost;

        private Hold() {}

        @Override
        public void run(Runnable call) {
            long mine = begin();
            try {
                call.run();
            } catch (RuntimeException | Error e) {
                end(mine, e);
                throw e;
            }
            end(mine, null);
        }

        private long begin() {
            if (isLost) {
                throw new LostException(null);
            }
            long mine = state.get() + 1;
            assert isCalling(mine) : "a call within a call";
            since = micros.getAsLong();
            state.set(mine);
            if (!isWatched) { // Volatile as the state is: either this is seen false here, or the call by who rests.
                isWatched = true;
                wakeWatcher.run();
            }
            return mine;
        }

        private void end(long mine, @Nullable Throwable failure) {
            isLost = !state.compareAndSet(mine, mine + 1);
            if (isLost) {
                throw new LostException(failure);
            }
        }
    }

    /** For the first worker. Once. */
    public Hold first() {
        return new Hold();
    }

    /** For how long its worker has been within its present call, 0 if it is in none. Any thread. */
    public long stuckMicros(long now) {
        long seen = state.get();
        long begun = since;
        return isCalling(seen) && state.get() == seen ? Math.max(0, now - begun) : 0;
    }

    /** Takes it from a worker that has been within one call for so long; null if none is. Any thread. */
    public @Nullable Hold takeOver(long now, long stuckMicros) {
        long seen = state.get();
        long begun = since; // Of a later call, if of another: then it is not long enough.
        boolean isStuck = isCalling(seen) && now - begun >= stuckMicros;
        return isStuck && state.compareAndSet(seen, seen + 1) ? new Hold() : null;
    }

    /** Changes with each call. By who watches. */
    public long state() {
        return state.get();
    }

    /** Whether nothing was called since the state was {@code seen}: then the next call wakes who watches. */
    public boolean rest(long seen) {
        isWatched = false;
        boolean isQuiet = !isCalling(seen) && state.get() == seen;
        if (!isQuiet) {
            isWatched = true;
        }
        return isQuiet;
    }

    private static boolean isCalling(long state) {
        return (state & 1) != 0;
    }
}
