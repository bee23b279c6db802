package io.nyala.cfile;

import io.nyala.io.Completions;
import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import io.nyala.io.DiskFile;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.memory.Zeros;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A file written from the start to the end, in large aligned writes of which some are in flight while the next is
 * filled.
 *
 * <p>For one thread. Owns its buffers; the queue and the file are the caller's. A failure is thrown by a later call at
 * the latest by {@link #finish}; {@link #close} waits until no write uses a buffer.
 */
final class FileOutput implements Completions, AutoCloseable {
    /** Where one writer is as fast as the device with one more in flight. */
    private static final int BUFFER_BYTES = 512 << 10;

    private static final int BUFFER_COUNT = 3;

    private final IoQueue queue;
    private final DiskFile file;
    private final MemoryAccount account;
    private final Slab[] buffers = new Slab[BUFFER_COUNT];
    private final boolean[] inFlight = new boolean[BUFFER_COUNT];
    private int taken;
    private int current;
    private int filled;
    private long writtenBytes;
    private @Nullable DiskException failure;

    FileOutput(IoQueue queue, DiskFile file, MemoryAccount account) {
        this.queue = queue;
        this.file = file;
        this.account = account;
        try {
            for (; taken < BUFFER_COUNT; taken++) {
                buffers[taken] = account.take(BUFFER_BYTES);
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Where the next byte goes. */
    long position() {
        return writtenBytes + filled;
    }

    void append(MemorySegment source, long offset, long bytes) {
        for (long done = 0; done < bytes; ) {
            int part = (int) Math.min(bytes - done, BUFFER_BYTES - filled);
            MemorySegment.copy(source, offset + done, buffers[current].segment(), filled, part);
            done += part;
            filled += part;
            if (filled == BUFFER_BYTES) {
                write(BUFFER_BYTES);
            }
        }
    }

    void appendZeros(long bytes) {
        for (long done = 0; done < bytes; ) {
            int part = (int) Math.min(bytes - done, BUFFER_BYTES - filled);
            Zeros.fill(buffers[current].segment(), filled, part);
            done += part;
            filled += part;
            if (filled == BUFFER_BYTES) {
                write(BUFFER_BYTES);
            }
        }
    }

    /** Writes what is left, a multiple of the alignment, waits for all writes, and makes the file durable. */
    void finish() {
        assert filled % Disk.ALIGNMENT_BYTES == 0 : "unaligned end at " + position();
        if (filled > 0) {
            write(filled);
        }
        drain();
        queue.sync(file, BUFFER_COUNT);
        drain();
    }

    private void write(int bytes) {
        inFlight[current] = true;
        queue.write(file, writtenBytes, buffers[current].segment(), 0, bytes, current);
        writtenBytes += bytes;
        filled = 0;
        current = (current + 1) % BUFFER_COUNT;
        queue.poll(this);
        while (inFlight[current]) {
            queue.await(Long.MAX_VALUE);
            queue.poll(this);
        }
        throwFailure();
    }

    private void drain() {
        waitForAll();
        throwFailure();
    }

    private void waitForAll() {
        while (queue.inFlight() > 0) {
            if (queue.poll(this) == 0) {
                queue.await(Long.MAX_VALUE);
            }
        }
    }

    private void throwFailure() {
        DiskException thrown = failure;
        if (thrown != null) {
            throw thrown;
        }
    }

    @Override
    public void completed(long token, int bytes, @Nullable DiskException cause) {
        if (token < BUFFER_COUNT) {
            inFlight[(int) token] = false;
        }
        if (cause != null && failure == null) {
            failure = cause;
        }
    }

    @Override
    public void close() {
        waitForAll();
        while (taken > 0) {
            account.giveBack(buffers[--taken]);
        }
    }
}
