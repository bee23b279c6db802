package io.nyala.io;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Transfers through a channel of the JDK, which are done when they are queued; only their completions wait, in order,
 * until they are handed out. One thread, but for {@code wake}.
 */
final class ChannelQueue implements IoQueue {
    private final int depthMax;
    private final long[] tokens;
    private final int[] byteCounts;
    private final @Nullable DiskException[] failures;
    private final ThreadParker parker = new ThreadParker();
    private int first;
    private int inFlight;
    private boolean isClosed;

    ChannelQueue(int depthMax) {
        this.depthMax = depthMax;
        this.tokens = new long[depthMax];
        this.byteCounts = new int[depthMax];
        this.failures = new DiskException[depthMax];
    }

    @Override
    public void read(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        ChannelFile target = checked(file);
        Transfers.checkRead(file, position, memory, offset, bytes);
        try {
            complete(token, target.read(memory.asSlice(offset, bytes).asByteBuffer(), position), null);
        } catch (IOException e) {
            complete(token, 0, failure("read", file, position, bytes, e));
        }
    }

    @Override
    public void write(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        ChannelFile target = checked(file);
        Transfers.checkWrite(file, position, memory, offset, bytes);
        try {
            target.write(memory.asSlice(offset, bytes).asByteBuffer(), position);
            complete(token, bytes, null);
        } catch (IOException e) {
            complete(token, 0, failure("write", file, position, bytes, e));
        }
    }

    @Override
    public void writeDurable(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        ChannelFile target = checked(file);
        Transfers.checkWrite(file, position, memory, offset, bytes);
        try {
            target.write(memory.asSlice(offset, bytes).asByteBuffer(), position);
            target.sync();
            complete(token, bytes, null);
        } catch (IOException e) {
            complete(token, 0, failure("durable write", file, position, bytes, e));
        }
    }

    @Override
    public void sync(DiskFile file, long token) {
        ChannelFile target = checked(file);
        try {
            target.sync();
            complete(token, 0, null);
        } catch (IOException e) {
            complete(token, 0, DiskException.of("sync", file.path(), e));
        }
    }

    private ChannelFile checked(DiskFile file) {
        if (!(file instanceof ChannelFile target)) {
            throw ofAnotherDisk(file);
        }
        target.checkOpen();
        throwUnlessRoom();
        return target;
    }

    private static DiskException failure(String operation, DiskFile file, long position, int bytes, IOException cause) {
        String reason = DiskException.reason(cause);
        return DiskException.ofTransfer(
                operation, file.path(), position, bytes, DiskException.kind(cause, reason), reason);
    }

    @Override
    public int inFlight() {
        return inFlight;
    }

    @Override
    public int depthMax() {
        return depthMax;
    }

    @Override
    public int poll(Completions completions) {
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
    public void await(long nanosMax) {
        if (inFlight == 0) {
            parker.park(nanosMax);
        }
    }

    @Override
    public void wake() {
        parker.wake();
    }

    @Override
    public void close() {
        isClosed = true;
        inFlight = 0;
    }

    private void throwUnlessRoom() {
        if (isClosed) {
            throw new IllegalStateException("the queue is closed");
        }
        Transfers.checkRoom(inFlight, depthMax);
    }

    private static IllegalArgumentException ofAnotherDisk(DiskFile file) {
        return new IllegalArgumentException(file.path() + " was opened by another kind of disk: "
                + file.getClass().getSimpleName());
    }

    private void complete(long token, int bytes, @Nullable DiskException failure) {
        int slot = first + inFlight < depthMax ? first + inFlight : first + inFlight - depthMax;
        tokens[slot] = token;
        byteCounts[slot] = bytes;
        failures[slot] = failure;
        inFlight++;
    }
}
