package io.nyala.io;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Transfers by system calls that wait for the device. One alone is carried out by the thread that polls or awaits it,
 * which has nothing else to wait for; of several, the disk's {@link IoThreads} take one each. Where there can be none
 * of those, several are carried out like one.
 *
 * <pre>{@code
 *   read, write, sync     poll, await               IoThreads                  poll
 *   free ------------> queued ------> handed over ------------> done (a stack) ------> ready ------> free
 *                         '------ carried out here, if alone or no thread is there ---->'
 * }</pre>
 *
 * One thread at a time, but for {@code wake}; allocates nothing but for failures, and one object for each transfer in
 * flight when it is made.
 */
final class SyscallQueue implements IoQueue {
    private static final VarHandle DONE;

    static {
        try {
            DONE = MethodHandles.lookup()
                    .findVarHandle(SyscallQueue.class, "done", SyscallTransfer.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final IoThreads threads;
    private final SystemCalls calls;
    private final ThreadParker parker = new ThreadParker();
    private final SyscallTransfer[] free;
    private int inFlight;
    private boolean isClosed;

    // Asked for and not started: a list, oldest first.
    private @Nullable SyscallTransfer firstQueued;
    private @Nullable SyscallTransfer lastQueued;
    private int queuedCount;

    /** With the threads, or in the stack below. */
    private int startedCount;

    /** Over, and not yet handed out: a list. */
    private @Nullable SyscallTransfer ready;

    /** Over: a stack that threads push to and the owner takes as a whole. */
    @SuppressWarnings("unused") // Used through DONE.
    private volatile @Nullable SyscallTransfer done;

    SyscallQueue(int depthMax, IoThreads threads) {
        this.threads = threads;
        this.calls = threads.newCalls();
        this.free = new SyscallTransfer[depthMax];
        for (int i = 0; i < depthMax; i++) {
            free[i] = new SyscallTransfer(this);
        }
    }

    @Override
    public void read(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        Transfers.checkRead(file, position, memory, offset, bytes);
        queue(place(take(SyscallTransfer.READ, file, token), position, memory, offset, bytes));
    }

    @Override
    public void write(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        Transfers.checkWrite(file, position, memory, offset, bytes);
        queue(place(take(SyscallTransfer.WRITE, file, token), position, memory, offset, bytes));
    }

    @Override
    public void writeDurable(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        Transfers.checkWrite(file, position, memory, offset, bytes);
        queue(place(take(SyscallTransfer.WRITE_DURABLE, file, token), position, memory, offset, bytes));
    }

    @Override
    public void sync(DiskFile file, long token) {
        queue(take(SyscallTransfer.SYNC, file, token));
    }

    private SyscallTransfer take(int kind, DiskFile file, long token) {
        if (isClosed) {
            throw new IllegalStateException("the queue is closed");
        }
        if (!(file instanceof DescriptorFile target)) {
            throw new IllegalArgumentException(file.path() + " was opened by another kind of disk: "
                    + file.getClass().getSimpleName());
        }
        Transfers.checkRoom(inFlight, free.length);
        target.acquire(); // Until free.
        SyscallTransfer transfer = free[inFlight++];
        transfer.kind = kind;
        transfer.bytes = 0;
        transfer.file = target;
        transfer.token = token;
        return transfer;
    }

    private static SyscallTransfer place(
            SyscallTransfer transfer, long position, MemorySegment memory, long offset, int bytes) {
        transfer.position = position;
        transfer.memory = memory;
        transfer.address = memory.address() + offset;
        transfer.bytes = bytes;
        return transfer;
    }

    private void queue(SyscallTransfer transfer) {
        SyscallTransfer before = lastQueued;
        if (before == null) {
            firstQueued = transfer;
        } else {
            before.next = transfer;
        }
        lastQueued = transfer;
        queuedCount++;
    }

    @Override
    public int inFlight() {
        return inFlight;
    }

    @Override
    public int depthMax() {
        return free.length;
    }

    @Override
    public int poll(Completions completions) {
        start();
        collect();
        int count = 0;
        for (SyscallTransfer transfer = ready; transfer != null; transfer = ready) {
            ready = transfer.next;
            handOut(transfer, completions);
            count++;
        }
        if (queuedCount + startedCount > 1) {
            start(); // What the receiver has queued. One alone waits for the next call, which waits for it.
        }
        return count;
    }

    private void handOut(SyscallTransfer transfer, Completions completions) {
        long token = transfer.token;
        int bytes = transfer.doneBytes;
        DiskException failure = transfer.failure;
        free(transfer); // First, so that the receiver can queue another.
        completions.completed(token, bytes, failure);
    }

    private void free(SyscallTransfer transfer) {
        Objects.requireNonNull(transfer.file, "the transfer is free").release();
        transfer.file = null;
        transfer.memory = MemorySegment.NULL;
        transfer.failure = null;
        transfer.next = null;
        free[--inFlight] = transfer;
    }

    @Override
    public void await(long nanosMax) {
        start();
        collect();
        if (ready == null) {
            parker.park(nanosMax);
        }
    }

    @Override
    public void wake() {
        parker.wake();
    }

    /** Carries one alone out, and hands several over, if there is a thread for them. */
    private void start() {
        SyscallTransfer head = firstQueued;
        SyscallTransfer tail = lastQueued;
        if (head == null || tail == null) {
            return;
        }
        boolean isAlone = queuedCount + startedCount == 1 && ready == null;
        if (!isAlone && threads.start(head, tail, queuedCount)) {
            startedCount += queuedCount;
        } else {
            for (SyscallTransfer transfer = head; transfer != null; transfer = transfer.next) {
                calls.carryOut(transfer);
            }
            tail.next = ready;
            ready = head;
        }
        firstQueued = null;
        lastQueued = null;
        queuedCount = 0;
    }

    /** Takes what the threads have done since the last time, to what is ready, oldest first. */
    private void collect() {
        if (ready != null || startedCount == 0) {
            return;
        }
        // Acquires what completed() released.
        SyscallTransfer newest = (SyscallTransfer) DONE.getAndSetAcquire(this, (SyscallTransfer) null);
        for (SyscallTransfer transfer = newest; transfer != null; ) {
            SyscallTransfer older = transfer.next;
            transfer.next = ready;
            ready = transfer;
            startedCount--;
            transfer = older;
        }
    }

    /** From a thread that has carried it out. */
    void completed(SyscallTransfer transfer) {
        SyscallTransfer before;
        do {
            before = (SyscallTransfer) DONE.getAcquire(this);
            transfer.next = before;
        } while (!DONE.weakCompareAndSetRelease(this, before, transfer)); // collect() acquires it.
        parker.wake();
    }

    /** Closing twice does nothing. */
    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        boolean isInterrupted = Thread.interrupted(); // Or parking would be spinning.
        for (SyscallTransfer transfer = firstQueued; transfer != null; transfer = firstQueued) {
            firstQueued = transfer.next;
            free(transfer);
        }
        freeReady();
        while (startedCount > 0) {
            collect();
            if (ready == null) {
                parker.park(Long.MAX_VALUE);
                isInterrupted |= Thread.interrupted();
            }
            freeReady();
        }
        calls.close();
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void freeReady() {
        for (SyscallTransfer transfer = ready; transfer != null; transfer = ready) {
            ready = transfer.next;
            free(transfer);
        }
    }
}
