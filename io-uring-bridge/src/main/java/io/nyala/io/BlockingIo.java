package io.nyala.io;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One transfer at a time, waiting for each: for the control plane, where nothing else could go on meanwhile. Failures
 * are thrown.
 *
 * <p>Belongs to one thread, as the queue it owns.
 */
public final class BlockingIo implements AutoCloseable {
    private final IoQueue queue;
    private final Completions receiver = this::completed;
    private int completedBytes;
    private @Nullable DiskException failure;

    public BlockingIo(Disk disk) {
        this.queue = disk.newQueue(1);
    }

    /** Fills the bytes asked for, or throws if the file ends before. */
    public void readFully(DiskFile file, long position, MemorySegment memory, long offset, int bytes) {
        int done = read(file, position, memory, offset, bytes);
        if (done < bytes) {
            throw DiskException.ofTransfer(
                    "read",
                    file.path(),
                    position,
                    bytes,
                    DiskException.Kind.OTHER,
                    "the file ends at byte " + (position + done)
                            + ": it was cut, or its reader is wrong about its length");
        }
    }

    /** Returns the bytes read, fewer than asked only at the end of the file. */
    public int read(DiskFile file, long position, MemorySegment memory, long offset, int bytes) {
        queue.read(file, position, memory, offset, bytes, 0);
        return complete();
    }

    /** Writes; not durable before a {@link #sync}. */
    public void write(DiskFile file, long position, MemorySegment memory, long offset, int bytes) {
        queue.write(file, position, memory, offset, bytes, 0);
        complete();
    }

    public void writeDurable(DiskFile file, long position, MemorySegment memory, long offset, int bytes) {
        queue.writeDurable(file, position, memory, offset, bytes, 0);
        complete();
    }

    /** Makes all completed writes to a file, and its length, durable. */
    public void sync(DiskFile file) {
        queue.sync(file, 0);
        complete();
    }

    @Override
    public void close() {
        queue.close();
    }

    private int complete() {
        while (queue.poll(receiver) == 0) {
            queue.await(Long.MAX_VALUE);
        }
        DiskException thrown = failure;
        if (thrown != null) {
            failure = null;
            throw thrown;
        }
        return completedBytes;
    }

    private void completed(long token, int bytes, @Nullable DiskException cause) {
        assert token == 0 : "one at a time";
        completedBytes = bytes;
        failure = cause;
    }
}
