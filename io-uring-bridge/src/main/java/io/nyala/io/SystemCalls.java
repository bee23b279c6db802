package io.nyala.io;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Carries out transfers by system calls that wait for the device. One thread at a time; allocates nothing but for
 * failures.
 *
 * <p>The few bytes of native memory it needs are its own, not of the memory budget.
 */
final class SystemCalls implements AutoCloseable {
    /** Of an {@code iovec}: address, then length. */
    private static final long LENGTH_AT = Long.BYTES;

    /** What became of a transfer if there is no memory for more words. */
    private final DiskException noMemory = DiskException.of(
            "transfer", Path.of("(unknown)"), DiskException.Kind.OTHER, "no heap left to say what failed, and where");

    private final KernelCalls kernel;
    private final Progress progress = new Progress();
    private final Arena arena = Arena.ofShared();
    private final MemorySegment vector = arena.allocate(2L * Long.BYTES, Long.BYTES);
    private final MemorySegment errno = Kernel.newErrnoMemory(arena);

    SystemCalls(KernelCalls kernel) {
        this.kernel = kernel;
    }

    /** Leaves what has become of it in the transfer, and does not throw. */
    void carryOut(SyscallTransfer transfer) {
        DescriptorFile file = Objects.requireNonNull(transfer.file, "a transfer without a file");
        transfer.failure = null;
        int failed = move(transfer.kind, file.fd(), transfer.position, transfer.address, transfer.bytes);
        transfer.doneBytes = failed == 0 ? progress.doneBytes() : 0;
        if (failed != 0) {
            try {
                transfer.failure = failure(transfer, file, failed);
            } catch (OutOfMemoryError _) { // Whoever waits for the transfer would do so for ever.
                transfer.failure = noMemory;
            }
        }
    }

    /** Transfers all of it, but for what a read finds beyond the end of the file; 0, or the errno of a failure. */
    int move(int kind, int fd, long position, long address, int bytes) {
        progress.begin(kind == SyscallTransfer.READ, position, bytes);
        while (true) {
            int done = progress.doneBytes();
            int outcome = progress.settle(attempt(kind, fd, position + done, address + done, bytes - done));
            if (outcome == Progress.END_UNKNOWN) {
                outcome = progress.settleWithin(Kernel.bytes(fd));
            }
            if (outcome >= Progress.OVER) {
                return outcome;
            }
            if (outcome == Progress.LATER) {
                Progress.pause(progress.pauseNanos());
            }
        }
    }

    private long attempt(int kind, int fd, long position, long address, long bytes) {
        if (kind == SyscallTransfer.SYNC) {
            return kernel.syncData(errno, fd);
        }
        vector.set(JAVA_LONG, 0, address);
        vector.set(JAVA_LONG, LENGTH_AT, bytes);
        return kind == SyscallTransfer.READ
                ? kernel.readVector(errno, fd, vector, position)
                : kernel.writeVector(errno, fd, vector, position, kind);
    }

    private static DiskException failure(SyscallTransfer transfer, DescriptorFile file, int errno) {
        return switch (transfer.kind) {
            case SyscallTransfer.SYNC -> Errno.exception("sync", file.path(), errno);
            case SyscallTransfer.READ -> failure("read", transfer, file, errno);
            case SyscallTransfer.WRITE -> failure("write", transfer, file, errno);
            default -> failure("durable write", transfer, file, errno);
        };
    }

    private static DiskException failure(String operation, SyscallTransfer transfer, DescriptorFile file, int errno) {
        return DiskException.ofTransfer(
                operation, file.path(), transfer.position, transfer.bytes, Errno.kind(errno), Errno.text(errno));
    }

    @Override
    public void close() {
        arena.close();
    }
}
