package io.nyala.io;

import org.jspecify.annotations.Nullable;

/**
 * Transfers that are done when they are queued; only their completions wait, in order, until they are handed out. One
 * thread, but for {@code wake}.
 */
abstract sealed class DoneQueue implements IoQueue permits ChannelQueue, SyscallQueue {
    private final int depthMax;
    private final long[] tokens;
    private final int[] byteCounts;
    private final @Nullable DiskException[] failures;
    private final ThreadParker parker = new ThreadParker();
    private int first;
    private int inFlight;
    private boolean isClosed;

    DoneQueue(int depthMax) {
        this.depthMax = depthMax;
        this.tokens = new long[depthMax];
        this.byteCounts = new int[depthMax];
        this.failures = new DiskException[depthMax];
    }

    @Override
    public final int inFlight() {
        return inFlight;
    }

    @Override
    public final int depthMax() {
        return depthMax;
    }

    @Override
    public final int poll(Completions completions) {
        int count = inFlight; // Not what the receiver queues meanwhile: a poll is bounded.
        for (int i = 0; i < count; i++) {
            int slot = first;
            DiskException failure = failures[slot];
            failures[slot] = null;
            first = slot + 1 == depthMax ? 0 : slot + 1;
            inFlight--;
            completions.completed(tokens[slot], byteCounts[slot], failure);
        }
        return count;
    }

    @Override
    public final void await(long nanosMax) {
        if (inFlight == 0) {
            parker.park(nanosMax);
        }
    }

    @Override
    public final void wake() {
        parker.wake();
    }

    @Override
    public void close() {
        isClosed = true;
        inFlight = 0;
    }

    final void throwUnlessRoom() {
        if (isClosed) {
            throw new IllegalStateException("the queue is closed");
        }
        Transfers.checkRoom(inFlight, depthMax);
    }

    static IllegalArgumentException ofAnotherDisk(DiskFile file) {
        return new IllegalArgumentException(file.path() + " was opened by another kind of disk: "
                + file.getClass().getSimpleName());
    }

    final void complete(long token, int bytes, @Nullable DiskException failure) {
        int slot = first + inFlight < depthMax ? first + inFlight : first + inFlight - depthMax;
        tokens[slot] = token;
        byteCounts[slot] = bytes;
        failures[slot] = failure;
        inFlight++;
    }
}
