package io.nyala.io;

import java.nio.file.Path;

/**
 * The disk of a Linux host that forbids io_uring, as most containers do: {@code preadv2} and {@code pwritev2}, with
 * direct I/O where the file system allows it. A transfer is done when it is queued, by the calling thread; a durable
 * write is one call, where a {@code FileChannel} needs two. Shared by threads.
 */
final class SyscallDisk extends HostDisk {
    private final String reason;

    /**
     * Only where there is no {@link RingDisk#nativeObstacle}.
     *
     * @param reason why this disk and not a better one, or empty if it was asked for
     */
    SyscallDisk(String reason) {
        this.reason = reason;
    }

    @Override
    public String description() {
        return "pwritev2, " + mode() + ", one transfer at a time"
                + (reason.isEmpty() ? "" : "; io_uring is not used: " + reason);
    }

    @Override
    public DiskFile create(Path path) {
        return DescriptorFile.create(this, path);
    }

    @Override
    public DiskFile open(Path path, Access access) {
        return DescriptorFile.open(this, path, access);
    }

    @Override
    public IoQueue newQueue(int depthMax) {
        Transfers.checkDepth(depthMax);
        return new SyscallQueue(depthMax);
    }
}
