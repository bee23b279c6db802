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
 * <p>{@link #enter} and {@link #exit} may be called by any thread, do not wait and do not allocate, but for the slots
 * of more readers than were ever in before: there may be many of these objects, of which few have readers. A ticket may
 * even change threads. {@link #retire} and {@link #reclaim} belong to one thread at a time, the writer. Being in should
 * be short: whoever stays in holds back all memory retired since.
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

    /** Slots come in blocks, when they are first needed. */
    private static final int BLOCK_SLOTS = 16;

    /** Nobody is in. */
    private static final long[] NO_BLOCK = new long[(BLOCK_SLOTS + 1) * SLOT_STRIDE];

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
    private final long[][] blocks; // The first blockCount of them are there.
    private volatile int blockCount;
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
        this.blocks = new long[(readersMax + BLOCK_SLOTS - 1) / BLOCK_SLOTS][];
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
        while (true) {
            int count = blockCount;
            int ticket = tryEnter(Math.min(count * BLOCK_SLOTS, readersMax));
            if (ticket != FULL || (count == blocks.length && count == blockCount)) {
                return ticket;
            }
            addBlock(count);
        }
    }

    private int tryEnter(int slotCount) {
        int first = firstSlot(slotCount);
        long epoch = current;
        for (int i = 0; i < slotCount; i++) {
            int slot = first + i < slotCount ? first + i : first + i - slotCount;
            long[] block = blocks[slot / BLOCK_SLOTS];
            int index = indexOf(slot);
            if ((long) SLOT.getOpaque(block, index) == 0 && SLOT.compareAndSet(block, index, 0L, epoch)) {
                VarHandle.fullFence(); // Partner: the fence in reclaim().
                return slot;
            }
        }
        return FULL;
    }

    private static int indexOf(int slot) {
        return (slot % BLOCK_SLOTS + 1) * SLOT_STRIDE;
    }

    /** Whoever enters in the new block has written the count before the fence, so {@link #reclaim} sees the block. */
    private void addBlock(int seenCount) {
        lock.lock();
        try {
            if (blockCount == seenCount && seenCount < blocks.length) {
                blocks[seenCount] = new long[(BLOCK_SLOTS + 1) * SLOT_STRIDE];
                blockCount = seenCount + 1;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Leaves. What was reached since {@link #enter} may be freed from now on. */
    public void exit(int ticket) {
        Check.inRange("ticket", ticket, 0, readersMax - 1L);
        long[] block = ticket < blockCount * BLOCK_SLOTS ? blocks[ticket / BLOCK_SLOTS] : NO_BLOCK;
        int index = indexOf(ticket);
        if ((long) SLOT.getOpaque(block, index) == 0) {
            throw new IllegalStateException("reader " + ticket + " is not in: it left twice, or never entered");
        }
        // Partners: getAcquire in oldestReader(), reads come before the freeing; and the caller's look at pending().
        SLOT.setVolatile(block, index, 0L);
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
        for (int i = 0; i < blockCount; i++) {
            for (int slot = 0; slot < BLOCK_SLOTS; slot++) {
                long epoch = (long) SLOT.getAcquire(blocks[i], indexOf(slot)); // Partner: setVolatile in exit().
                if (epoch != 0 && epoch < oldest) {
                    oldest = epoch;
                }
            }
        }
        return oldest;
    }

    /** Threads start their search at different slots, so that they seldom meet. */
    private static int firstSlot(int slotCount) {
        long mixed = Thread.currentThread().threadId() * 0x9E37_79B9_7F4A_7C15L;
        return (int) (((mixed >>> 32) * slotCount) >>> 32);
    }
}
