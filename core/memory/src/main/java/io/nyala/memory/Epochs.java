package io.nyala.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets readers use memory that a writer may replace, without locks: the writer first makes a thing unreachable, then
 * retires it, and it is freed once every reader that was in at that time has left.
 *
 * <pre>{@code
 *   reader                               writer
 *   int ticket = epochs.enter();         publish the new thing in place of the old
 *   try { follow offsets }               epochs.retire(() -> account.giveBack(old));
 *   finally { epochs.exit(ticket); }     epochs.reclaim();   // now and then
 * }</pre>
 *
 * <p>A reader's slot holds the epoch at which it entered, 0 if free. {@link #retire} marks the thing with the current
 * epoch and starts the next one, so a reader that entered in a later epoch has seen that the thing is gone.
 *
 * <p>Why that is enough: a reader writes its slot, then a full fence, then follows offsets; the writer unlinks, then a
 * full fence, then reads the slots. Whichever fence is first, either the writer sees the slot or the reader sees the
 * unlinking. If the reader's epoch is old because it was held up in between, the writer waits a little longer than
 * needed.
 *
 * <p>{@link #enter} and {@link #exit} may be called by any thread, do not wait and do not allocate; a ticket may even
 * change threads. {@link #retire} and {@link #reclaim} belong to one thread at a time, the writer. Being in should be
 * short: whoever stays in holds back all memory retired since.
 *
 * <p>A writer that found a reader in, and sleeps, is woken by that reader: who leaves looks at {@link #pending}
 * afterwards, from any thread, and wakes the writer if there is something to free. No such wake-up is lost: the leaving
 * clears its slot and then reads the count, both volatile; the writer writes the count, volatile, and then, behind a
 * full fence, reads the slots. In the one order of all of these either the clearing comes before the writer's look at
 * the slots, which then finds the reader gone, or the count comes before the reader's look at it, which then is not 0.
 * (A release of the slot followed by a plain read would not do: the processor may read first.)
 */
public final class Epochs {
    /** No ticket: as many readers are in as there may be. */
    private static final int FULL = -1;

    /** More slots than that make every {@link #reclaim} slow; readers are threads in the middle of one vector. */
    private static final int READERS_LIMIT = 1 << 16;

    /** Slots lie two cache lines apart, because processors fetch lines in pairs. */
    private static final int SLOT_STRIDE = 128 / Long.BYTES;

    private static final VarHandle SLOT = MethodHandles.arrayElementVarHandle(long[].class);
    private static final VarHandle CURRENT;

    static {
        try {
            CURRENT = MethodHandles.lookup().findVarHandle(Epochs.class, "current", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final int readersMax;
    private final long[] slots;
    private final ArrayDeque<Retired> retired = new ArrayDeque<>(); // Oldest first.
    private volatile long current = 1;
    private final AtomicInteger waitingCount = new AtomicInteger(); // Of those who wait for a slot.
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition left = lock.newCondition();
    private volatile int pending; // The size of retired, for other threads.

    private record Retired(long epoch, Runnable free) {}

    public Epochs(int readersMax) {
        Check.inRange("readersMax", readersMax, 1, READERS_LIMIT);
        this.readersMax = readersMax;
        this.slots = new long[(readersMax + 1) * SLOT_STRIDE];
    }

    /**
     * From here to {@link #exit} nothing is freed that can be reached now.
     *
     * @return a ticket for {@link #exit}
     * @throws IllegalStateException if as many readers are in as there may be
     */
    public int enter() {
        int ticket = tryEnter();
        if (ticket == FULL) {
            throw new IllegalStateException(
                    readersMax + " readers are in, which is the limit. Let each reader leave after"
                            + " every vector, or open with a larger readersMax");
        }
        return ticket;
    }

    /** As {@link #enter}, but waits where that throws, until another reader leaves. */
    public int enterOrWait() {
        int ticket = tryEnter();
        return ticket == FULL ? waitToEnter() : ticket;
    }

    private int waitToEnter() {
        lock.lock();
        try {
            waitingCount.incrementAndGet();
            VarHandle.fullFence(); // Partner: exit() clears its slot and then reads the count, both volatile.
            int ticket = tryEnter();
            while (ticket == FULL) {
                left.awaitUninterruptibly();
                ticket = tryEnter();
            }
            return ticket;
        } finally {
            waitingCount.decrementAndGet();
            lock.unlock();
        }
    }

    private int tryEnter() {
        int first = firstSlot();
        long epoch = current;
        for (int i = 0; i < readersMax; i++) {
            int slot = first + i < readersMax ? first + i : first + i - readersMax;
            int index = (slot + 1) * SLOT_STRIDE;
            if ((long) SLOT.getOpaque(slots, index) == 0 && SLOT.compareAndSet(slots, index, 0L, epoch)) {
                VarHandle.fullFence(); // Partner: the fence in reclaim().
                return slot;
            }
        }
        return FULL;
    }

    /** Leaves. What was reached since {@link #enter} may be freed from now on. */
    public void exit(int ticket) {
        Check.inRange("ticket", ticket, 0, readersMax - 1L);
        int index = (ticket + 1) * SLOT_STRIDE;
        if ((long) SLOT.getOpaque(slots, index) == 0) {
            throw new IllegalStateException("reader " + ticket + " is not in: it left twice, or never entered");
        }
        // Partners: getAcquire in oldestReader(), reads come before the freeing; and the caller's look at pending().
        SLOT.setVolatile(slots, index, 0L);
        if (waitingCount.get() > 0) {
            signalLeft();
        }
    }

    private void signalLeft() {
        lock.lock();
        try {
            left.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Has {@code free} run by a later {@link #reclaim}. What it frees must be unreachable for new readers already. */
    public void retire(Runnable free) {
        long epoch = current;
        retired.addLast(new Retired(epoch, free));
        pending = retired.size(); // Before the next reclaim() looks at the slots.
        CURRENT.setVolatile(this, epoch + 1);
    }

    /** Frees what no reader can see any more; answers how many things that were. */
    public int reclaim() {
        if (retired.isEmpty()) {
            return 0;
        }
        VarHandle.fullFence(); // Partner: the fence in enter().
        long oldest = oldestReader();
        int count = 0;
        for (Retired first = retired.peekFirst();
                first != null && first.epoch() < oldest;
                first = retired.peekFirst()) {
            retired.removeFirst();
            pending = retired.size();
            first.free().run();
            count++;
        }
        return count;
    }

    /** How many things are retired and not freed yet. Any thread. */
    public int pending() {
        return pending;
    }

    private long oldestReader() {
        long oldest = Long.MAX_VALUE;
        for (int i = 1; i <= readersMax; i++) {
            long epoch = (long) SLOT.getAcquire(slots, i * SLOT_STRIDE); // Partner: setRelease in exit().
            if (epoch != 0 && epoch < oldest) {
                oldest = epoch;
            }
        }
        return oldest;
    }

    /** Threads start their search at different slots, so that they seldom meet. */
    private int firstSlot() {
        long mixed = Thread.currentThread().threadId() * 0x9E37_79B9_7F4A_7C15L;
        return (int) (((mixed >>> 32) * readersMax) >>> 32);
    }
}
