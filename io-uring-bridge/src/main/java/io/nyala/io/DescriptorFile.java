package io.nyala.io;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file behind a descriptor. Shared by threads. */
final class DescriptorFile implements DiskFile {
    private static final int PUNCH_HOLE_KEEP_SIZE = 3;
    private static final int ZEROS_BYTES = 256 << 10; // Only while they are written; not of the memory budget.
    private static final long RWH_WRITE_LIFE_SHORT = 2;
    private static final long RWH_WRITE_LIFE_LONG = 4;

    private final KernelCalls kernel;
    private final Path path;
    private final Access access;
    private final Descriptor descriptor;

    private DescriptorFile(KernelCalls kernel, Path path, Access access, Descriptor descriptor) {
        this.kernel = kernel;
        this.path = path;
        this.access = access;
        this.descriptor = descriptor;
    }

    static DescriptorFile create(HostDisk disk, KernelCalls kernel, Path path) {
        return open(disk, kernel, path, Access.READ_WRITE, true);
    }

    static DescriptorFile open(HostDisk disk, KernelCalls kernel, Path path, Access access) {
        if (Files.isDirectory(path)) { // The kernel would open it for reading.
            throw DiskException.of("open", path, DiskException.Kind.OTHER, "is a directory");
        }
        return open(disk, kernel, path, access, false);
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public Access access() {
        return access;
    }

    @Override
    public long bytes() {
        int fd = acquire();
        long answer = Kernel.bytes(fd);
        release();
        if (answer < 0) {
            throw Errno.exception("length query", path, -answer);
        }
        return answer;
    }

    @Override
    public void truncate(long bytes) {
        Transfers.checkTruncate(this, bytes);
        int fd = acquire();
        long answer = KernelCalls.uninterrupted(() -> kernel.truncate(fd, bytes));
        release();
        if (answer < 0) {
            throw lengthFailure("truncate", bytes, -answer);
        }
    }

    @Override
    public void allocate(long bytes) {
        Transfers.checkAllocate(this, bytes);
        int fd = acquire();
        try {
            long before = bytes();
            long answer = bytes <= before
                    ? 0
                    : KernelCalls.uninterrupted(() -> kernel.allocate(fd, 0, before, bytes - before));
            if (answer == -Errno.NOT_SUPPORTED || answer == -Errno.NO_SYSTEM_CALL) {
                answer = writeZeros(fd, before, bytes);
            }
            if (answer < 0) {
                KernelCalls.uninterrupted(
                        () -> kernel.truncate(fd, before)); // What was begun is as good as the failure, which is told.
                throw lengthFailure("allocation", bytes, -answer);
            }
        } finally {
            release();
        }
    }

    /** Zeros from the present end on, by whole sectors: what there is of the last one is followed by zeros anyway. */
    private long writeZeros(int fd, long before, long bytes) {
        long extended = KernelCalls.uninterrupted(() -> kernel.truncate(fd, bytes));
        if (extended < 0) {
            return extended;
        }
        try (SystemCalls calls = new SystemCalls(kernel);
                Arena arena = Arena.ofConfined()) {
            MemorySegment zeros = arena.allocate(ZEROS_BYTES, Disk.ALIGNMENT_BYTES);
            long position = (before + Disk.ALIGNMENT_BYTES - 1) & -Disk.ALIGNMENT_BYTES;
            int failed = 0;
            while (failed == 0 && position < bytes) {
                int part = (int) Math.min(ZEROS_BYTES, bytes - position);
                failed = calls.move(SyscallTransfer.WRITE, fd, position, zeros.address(), part);
                position += part;
            }
            return -failed;
        }
    }

    @Override
    public boolean punchHole(long position, long bytes) {
        Transfers.checkHole(this, position, bytes);
        int fd = acquire();
        long answer = KernelCalls.uninterrupted(() -> kernel.allocate(fd, PUNCH_HOLE_KEEP_SIZE, position, bytes));
        release();
        if (answer == -Errno.NOT_SUPPORTED || answer == -Errno.NO_SYSTEM_CALL) {
            return false;
        }
        if (answer < 0) {
            throw DiskException.ofTransfer(
                    "hole", path, position, bytes, Errno.kind((int) -answer), Errno.text((int) -answer));
        }
        return true;
    }

    @Override
    public void expectLifetime(Lifetime lifetime) {
        int fd = acquire();
        long _ = Kernel.hintLifetime( // A file system that knows no hints refuses them, and nothing is lost.
                fd,
                switch (lifetime) {
                    case SHORT -> RWH_WRITE_LIFE_SHORT;
                    case LONG -> RWH_WRITE_LIFE_LONG;
                });
        release();
    }

    private DiskException lengthFailure(String operation, long bytes, long errno) {
        return DiskException.ofLength(operation, path, bytes, Errno.kind((int) errno), Errno.text((int) errno));
    }

    @Override
    public void close() {
        descriptor.close();
    }

    /** The descriptor, which stays valid until {@link #release}. */
    int acquire() {
        if (!descriptor.acquire()) {
            throw new IllegalStateException(path + " is closed");
        }
        return descriptor.fd();
    }

    /** Only between {@link #acquire} and {@link #release}. */
    int fd() {
        return descriptor.fd();
    }

    void release() {
        descriptor.release();
    }

    private static DescriptorFile open(HostDisk disk, KernelCalls kernel, Path path, Access access, boolean isNew) {
        int fd = (int) KernelCalls.uninterrupted(() -> Kernel.open(path, access, isNew));
        if (fd < 0) {
            throw Errno.exception(isNew ? "create" : "open", path, -fd);
        }
        var descriptor = new Descriptor(fd);
        try {
            String obstacle = DirectAlignment.obstacle(fd);
            if (obstacle == null) {
                int answer = Kernel.setDirect(fd);
                obstacle = answer < 0 ? Errno.text(-answer) : null;
            }
            if (obstacle != null) {
                disk.fellBackToBuffered(path, obstacle);
            }
            return new DescriptorFile(kernel, path, access, descriptor);
        } catch (RuntimeException | Error e) {
            descriptor.close();
            throw e;
        }
    }
}
