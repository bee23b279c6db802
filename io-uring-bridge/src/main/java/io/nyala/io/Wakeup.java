package io.nyala.io;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Whether one thread works, waits or was told that there is work. The bookkeeping of a wake-up; how the thread is
 * really stopped and started is up to the owner.
 *
 * <pre>{@code
 *             signal                      prepare
 *   RUNNING ----------> NOTIFIED        RUNNING ---> WAITING --signal--> NOTIFIED (and wake the thread)
 *      ^                   |               ^            |                   |
 *      '-- prepare (false)-'               '------------'------ finish -----'
 * }</pre>
 *
 * No wake-up is lost: a producer stores its work, fences, and reads the state; the waiter changes the state by a
 * read-modify-write (a full barrier) and then looks for work. Whichever of the two comes later in the one order of
 * fences and barriers sees the other: either the producer finds RUNNING or WAITING and signals, or the waiter finds the
 * work.
 *
 * <p>{@link #signal} is for any thread, the others for the one that waits.
 */
final class Wakeup {
    private static final int RUNNING = 0;
    private static final int WAITING = 1;
    private static final int NOTIFIED = 2;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup()
                    .findVarHandle(Wakeup.class, "state", int.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    @SuppressWarnings("FieldMayBeFinal") // Changed through STATE.
    private volatile int state = RUNNING;

    /** Notes that there is work; true if the thread waits (or is about to) and must be woken by the caller. */
    boolean signal() {
        // The work may have been published by a mere release store: without the fence the read could overtake it, find
        // the
        // notice of an earlier producer, and miss that the waiter takes it just now.
        VarHandle.fullFence();
        if (state == NOTIFIED) {
            return false;
        }
        return (int) STATE.getAndSet(this, NOTIFIED) == WAITING;
    }

    /** About to wait: false, and the notice is taken, if there is work. */
    boolean prepare() {
        if (STATE.compareAndSet(this, RUNNING, WAITING)) {
            return true;
        }
        int before = (int) STATE.getAndSet(this, RUNNING);
        assert before == NOTIFIED : "two threads wait";
        return false;
    }

    /** Still nobody has signalled since {@link #prepare}. */
    boolean isWaiting() {
        return state == WAITING;
    }

    /** No longer waiting, for whatever reason; a notice is taken. */
    void finish() {
        int before = (int) STATE.getAndSet(this, RUNNING);
        assert before != RUNNING : "finished without having prepared";
    }
}
