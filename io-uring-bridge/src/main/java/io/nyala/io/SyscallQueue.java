package io.nyala.io;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/**
 * Transfers by system calls that wait for the device. One thread at a time, but for {@code wake}; allocates nothing but
 * for failures.
 *
 * <p>The few bytes of native memory it needs are its own, not of the memory budget.
 */
final class SyscallQueue extends DoneQueue {
    /** Of an {@code iovec}: address, then length. */
    private static final long LENGTH_AT = Long.BYTES;

    private static final int READ = -1;
    private static final int WRITE = 0;
    private static final int WRITE_DURABLE = Ring.RWF_DSYNC;

    /** How often a transfer is asked for again without getting on, before this is its failure. */
    private static final int RETRIES_MAX = 100;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment vector = arena.allocate(2L * Long.BYTES, Long.BYTES);
    private final MemorySegment errno = Kernel.newErrnoMemory(arena);

    SyscallQueue(int depthMax) {
        super(depthMax);
    }

    @Override
    public void read(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        Transfers.checkRead(file, position, memory, offset, bytes);
        transfer(READ, file, position, memory.asSlice(offset, bytes), token);
    }

    @Override
    public void write(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        Transfers.checkWrite(file, position, memory, offset, bytes);
        transfer(WRITE, file, position, memory.asSlice(offset, bytes), token);
    }

    @Override
    public void writeDurable(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        Transfers.checkWrite(file, position, memory, offset, bytes);
        transfer(WRITE_DURABLE, file, position, memory.asSlice(offset, bytes), token);
    }

    @Override
    public void sync(DiskFile file, long token) {
        DescriptorFile target = checked(file);
        int fd = target.acquire();
        try {
            long answer = Kernel.syncData(errno, fd);
            for (int i = 0; i < RETRIES_MAX && answer == -Errno.INTERRUPTED; i++) {
                answer = Kernel.syncData(errno, fd);
            }
            complete(token, 0, answer < 0 ? Errno.exception("sync", file.path(), -answer) : null);
        } finally {
            target.release();
        }
    }

    private void transfer(int kind, DiskFile file, long position, MemorySegment memory, long token) {
        DescriptorFile target = checked(file);
        int bytes = (int) memory.byteSize();
        int fd = target.acquire();
        try {
            int done = 0;
            for (int retries = 0; done < bytes; ) {
                int before = done;
                long answer = attempt(kind, fd, position + done, memory.address() + done, bytes - done);
                if (answer < 0 && answer != -Errno.INTERRUPTED && answer != -Errno.AGAIN) {
                    complete(token, 0, failure(kind, file, position, bytes, (int) -answer));
                    return;
                }
                done += (int) Math.max(0, answer);
                int whole = done & -Disk.ALIGNMENT_BYTES;
                if (kind == READ && (answer == 0 || (whole != done && position + done >= Kernel.bytes(fd)))) {
                    break; // The end of the file.
                }
                done = done == bytes ? done : whole; // Direct transfers go on at a whole sector.
                if (done == before && ++retries > RETRIES_MAX) {
                    complete(token, 0, failure(kind, file, position, bytes, Errno.IO));
                    return;
                }
            }
            complete(token, done, null);
        } finally {
            Reference.reachabilityFence(memory);
            target.release();
        }
    }

    private long attempt(int kind, int fd, long position, long address, long bytes) {
        vector.set(JAVA_LONG, 0, address);
        vector.set(JAVA_LONG, LENGTH_AT, bytes);
        return kind == READ
                ? Kernel.readVector(errno, fd, vector, position)
                : Kernel.writeVector(errno, fd, vector, position, kind);
    }

    private static DiskException failure(int kind, DiskFile file, long position, int bytes, int errno) {
        String operation = kind == READ ? "read" : kind == WRITE ? "write" : "durable write";
        return DiskException.ofTransfer(operation, file.path(), position, bytes, Errno.kind(errno), Errno.text(errno));
    }

    private DescriptorFile checked(DiskFile file) {
        if (!(file instanceof DescriptorFile target)) {
            throw ofAnotherDisk(file);
        }
        throwUnlessRoom();
        return target;
    }

    /** Closing twice does nothing. */
    @Override
    public void close() {
        super.close();
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
