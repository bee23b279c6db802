package io.nyala.io;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link SyscallQueue} was asked for, used again and again. Belongs to its queue, but while it is handed over to
 * {@link IoThreads} to the thread that carries it out.
 */
final class SyscallTransfer {
    /** Kinds; that of a write is the flags of {@code pwritev2}. */
    static final int SYNC = -2;

    static final int READ = -1;
    static final int WRITE = 0;
    static final int WRITE_DURABLE = Ring.RWF_DSYNC;

    final SyscallQueue queue;

    @Nullable
    SyscallTransfer next; // In the list that it is in.

    int kind;

    @Nullable
    DescriptorFile file; // Kept open while it is here.

    long position;
    MemorySegment memory = MemorySegment.NULL; // Only kept reachable; the address is what is used.
    long address;
    int bytes;
    long token;

    // When it is over.
    int doneBytes;

    @Nullable
    DiskException failure;

    SyscallTransfer(SyscallQueue queue) {
        this.queue = queue;
    }
}
