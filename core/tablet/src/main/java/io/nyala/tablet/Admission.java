package io.nyala.tablet;

import io.nyala.compaction.WritePace;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Who may have a batch in the {@link WriteQueue} of a tablet, and who waits for that. Places are given in the order in
 * which callers came, by who frees one: a caller that finds others waiting waits behind them, even if there is a place
 * just now.
 *
 * <p>No caller waits where there is a place for him: he puts himself in the line and then looks for a place, who frees
 * one does so and then looks at the line, so one of the two sees the other. Whoever gives places takes one, and then
 * who is first out of the line; if there is nobody, he frees it again, and looks at the line once more.
 *
 * <p>While the tablet's pace is slow, who finds no room for his batch waits as well, and asks the writer for some; that
 * gives places whenever there is.
 *
 * <p>For any thread, but for {@link #hold}, {@link #release}, {@link #takeRoom} and {@link #keepRoom}, which are the
 * writer's.
 */
final class Admission {
    private final int admittedMax;
    private final WritePace pace;
    private final Runnable paceWanted;
    private final AtomicInteger admittedCount = new AtomicInteger();
    private final ConcurrentLinkedQueue<Caller> line = new ConcurrentLinkedQueue<>();
    private volatile boolean isHeld;

    /** One who waits, or will. Reusable. */
    static final class Caller {
        private static final long NOTHING = 0;
        private static final long HAS_GIVEN_UP = -1;

        private volatile boolean isAdmitted;
        private long bytes;

        /** Room that his batch has taken; or that he wants none any more. */
        private final AtomicLong taken = new AtomicLong();

        /** Of his batch, before he asks for a place. */
        void bytes(long newBytes) {
            bytes = newBytes;
        }

        /** Whether there is a place for him now. */
        boolean isAdmitted() {
            return isAdmitted;
        }
    }

    /** {@code paceWanted} is called where somebody waits for room. */
    Admission(int admittedMax, WritePace pace, Runnable paceWanted) {
        this.admittedMax = admittedMax;
        this.pace = pace;
        this.paceWanted = paceWanted;
    }

    /**
     * Takes a place; false if there is none, batches that came before wait for memory, or callers wait for a place.
     * {@link #leave} follows.
     */
    boolean tryAdmit(Caller caller) {
        long taken = line.isEmpty() ? tryTake(caller.bytes) : WritePace.NO_ROOM;
        caller.taken.set(Math.max(Caller.NOTHING, taken));
        return taken != WritePace.NO_ROOM;
    }

    /** Not by adding and looking: what is taken for a moment only would be missing to who looks meanwhile. */
    private long tryTake(long bytes) {
        long taken = pace.tryEnter(bytes);
        if (taken == WritePace.NO_ROOM) {
            return taken;
        }
        while (!isHeld) {
            int count = admittedCount.get();
            if (count >= admittedMax) {
                break;
            }
            if (admittedCount.compareAndSet(count, count + 1)) {
                return taken;
            }
        }
        pace.leave(taken);
        return WritePace.NO_ROOM;
    }

    /** Waits in the line for a place; if {@code await} throws, the caller is in it no more, and has no place. */
    void admit(Caller caller, Consumer<BooleanSupplier> await) {
        boolean isOver = false;
        lineUp(caller);
        try {
            await.accept(() -> caller.isAdmitted);
            isOver = true;
        } finally {
            if (!isOver) {
                giveUp(caller);
            }
        }
    }

    /** Goes to the end of the line; a place, or {@link #giveUp}, follows. */
    void lineUp(Caller caller) {
        caller.isAdmitted = false;
        caller.taken.set(Caller.NOTHING);
        line.add(caller);
        int _ = give();
        if (isPaced()) {
            paceWanted.run();
        }
    }

    /** A caller wants no place any more; if there was one for him, it is the next one's. */
    void giveUp(Caller caller) {
        if (!line.remove(caller)) {
            leave(caller.taken.getAndSet(Caller.HAS_GIVEN_UP)); // Who gives it to him just now sees that.
        }
    }

    /** Gives a place back, and the room that was taken for a batch. */
    void leave(Caller caller) {
        leave(takeRoom(caller));
    }

    /** As above, what {@link #takeRoom} has answered: nothing if there was a batch. */
    void leave(long taken) {
        pace.leave(taken);
        admittedCount.decrementAndGet();
        int _ = give();
    }

    /** The room that was taken for a batch: once that is decided, its caller may be here with the next one. */
    long takeRoom(Caller caller) {
        return caller.taken.getAndSet(Caller.NOTHING);
    }

    /** It is not decided yet. */
    void keepRoom(Caller caller, long taken) {
        caller.taken.set(taken);
    }

    /** Gives places to those who wait, while there are some; answers to how many. */
    int give() {
        int count = 0;
        for (Caller next = line.peek(); next != null; next = line.peek()) {
            long taken = tryTake(next.bytes);
            if (taken == WritePace.NO_ROOM) {
                break;
            }
            Caller first = line.poll();
            if (first != null) {
                long his = first == next ? taken : pace.passOn(taken, first.bytes);
                if (!first.taken.compareAndSet(Caller.NOTHING, his)) {
                    pace.leave(his);
                }
                first.isAdmitted = true;
                count++;
            } else {
                admittedCount.decrementAndGet();
                pace.leave(taken);
            }
        }
        return count;
    }

    /** Whether somebody waits for room, or may. */
    boolean isPaced() {
        return pace.isSlow() && !line.isEmpty();
    }

    /** No more places until {@link #release}. */
    void hold() {
        isHeld = true;
    }

    void release() {
        if (isHeld) {
            isHeld = false;
            int _ = give();
        }
    }

    boolean isHeld() {
        return isHeld;
    }

    int admittedCount() {
        return admittedCount.get();
    }
}
