package io.nyala.cfile;

import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Reads some bytes of a file at any position, by the aligned range around them, and waits for it.
 *
 * <p>For one thread. Owns its buffer, and does not give it back where the kernel may still write to it.
 */
final class AlignedRead implements AutoCloseable {
    private final OpenFile file;
    private final long position;
    private final int bytes;
    private final Slab buffer;
    private final MemoryAccount account;
    private boolean isReading;
    private int readBytes = -1;
    private @Nullable DiskException failure;

    /** Takes over {@code buffer}, which has {@link #bufferBytes}. */
    AlignedRead(OpenFile file, long position, int bytes, Slab buffer, MemoryAccount account) {
        this.file = file;
        this.position = position;
        this.bytes = bytes;
        this.buffer = buffer;
        this.account = account;
    }

    /** The most that an unaligned range touches. */
    static long bufferBytes(long bytes) {
        return alignUp(bytes) + Disk.ALIGNMENT_BYTES;
    }

    static long alignDown(long position) {
        return position & -Disk.ALIGNMENT_BYTES;
    }

    static long alignUp(long position) {
        return alignDown(position + Disk.ALIGNMENT_BYTES - 1);
    }

    /** Reads with a borrowed queue, all of them at once; throws the failure of the first that failed. */
    static void run(IoPool io, AlignedRead... reads) {
        IoQueue queue = io.borrow();
        try {
            for (int i = 0; i < reads.length; i++) {
                reads[i].start(queue, i);
            }
            while (queue.inFlight() > 0) {
                if (queue.poll((token, bytes, cause) -> reads[(int) token].end(bytes, cause)) == 0) {
                    queue.await(Long.MAX_VALUE);
                }
            }
        } finally {
            io.giveBack(queue); // Waits for what is in flight, or throws.
            for (AlignedRead read : reads) {
                read.isReading = false;
            }
        }
        for (AlignedRead read : reads) {
            read.check();
        }
    }

    private void start(IoQueue queue, int token) {
        long start = alignDown(position);
        int aligned = Math.toIntExact(alignUp(position + bytes) - start);
        queue.read(file.file(), start, buffer.segment(), 0, aligned, token);
        isReading = true;
    }

    private void end(int endBytes, @Nullable DiskException cause) {
        readBytes = endBytes;
        failure = cause;
    }

    private void check() {
        DiskException thrown = failure;
        if (thrown != null) {
            throw thrown;
        }
        if (readBytes < offset() + bytes) {
            throw new CorruptPageException(
                    file.path(),
                    position,
                    "the file ends at byte "
                            + Cells.number(alignDown(position) + readBytes) + ", expected at least "
                            + Cells.number(position + bytes));
        }
    }

    MemorySegment memory() {
        return buffer.segment();
    }

    /** Where in {@link #memory} the bytes asked for begin. */
    long offset() {
        return offset(position);
    }

    /** Where in {@link #memory} a position of the file is, of what {@link #has} says is there. */
    long offset(long at) {
        return at - alignDown(position);
    }

    /** Whether so many bytes of the file were asked for. */
    boolean has(long at, int wanted) {
        return position <= at && at + wanted <= position + bytes;
    }

    @Override
    public void close() {
        if (isReading) {
            return;
        }
        account.giveBack(buffer);
    }
}
