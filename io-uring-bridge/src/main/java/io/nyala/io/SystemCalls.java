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

    /** How often a transfer is asked for again without getting on, before this is its failure. */
    private static final int RETRIES_MAX = 100;

    /** What became of a transfer if there is no memory for more words. */
    private final DiskException noMemory = DiskException.of(
            "transfer", Path.of("(unknown)"), DiskException.Kind.OTHER, "no heap left to say what failed, and where");

    private final Arena arena = Arena.ofShared();
    private final MemorySegment vector = arena.allocate(2L * Long.BYTES, Long.BYTES);
    private final MemorySegment errno = Kernel.newErrnoMemory(arena);

    /** Leaves what has become of it in the transfer, and does not throw. */
    void carryOut(SyscallTransfer transfer) {
        DescriptorFile file = Objects.requireNonNull(transfer.file, "a transfer without a file");
        transfer.doneBytes = 0;
        transfer.failure = null;
        int failed = transfer.kind == SyscallTransfer.SYNC ? sync(file.fd()) : move(transfer, file.fd());
        if (failed != 0) {
            transfer.doneBytes = 0;
            try {
                transfer.failure = failure(transfer, file, failed);
            } catch (OutOfMemoryError _) { // Whoever waits for the transfer would do so for ever.
                transfer.failure = noMemory;
            }
        }
    }

    private int sync(int fd) {
        long answer = Kernel.syncData(errno, fd);
        for (int i = 0; i < RETRIES_MAX && answer == -Errno.INTERRUPTED; i++) {
            answer = Kernel.syncData(errno, fd);
        }
        return answer < 0 ? (int) -answer : 0;
    }

    /** Answers 0, or the errno of a failure. */
    private int move(SyscallTransfer transfer, int fd) {
        boolean isRead = transfer.kind == SyscallTransfer.READ;
        int bytes = transfer.bytes;
        int done = 0;
        for (int retries = 0; done < bytes; ) {
            int before = done;
            long position = transfer.position + done;
            long answer = attempt(transfer.kind, fd, position, transfer.address + done, bytes - done);
            if (answer < 0 && answer != -Errno.INTERRUPTED && answer != -Errno.AGAIN) {
                return (int) -answer;
            }
            done += (int) Math.max(0, answer);
            int whole = done & -Disk.ALIGNMENT_BYTES;
            if (isRead && (answer == 0 || (whole != done && transfer.position + done >= Kernel.bytes(fd)))) {
                break; // The end of the file.
            }
            done = done == bytes ? done : whole; // Direct transfers go on at a whole sector.
            if (done == before && ++retries > RETRIES_MAX) {
                return Errno.IO;
            }
        }
        transfer.doneBytes = done;
        return 0;
    }

    private long attempt(int kind, int fd, long position, long address, long bytes) {
        vector.set(JAVA_LONG, 0, address);
        vector.set(JAVA_LONG, LENGTH_AT, bytes);
        return kind == SyscallTransfer.READ
                ? Kernel.readVector(errno, fd, vector, position)
                : Kernel.writeVector(errno, fd, vector, position, kind);
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
