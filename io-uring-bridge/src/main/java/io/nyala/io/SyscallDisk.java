package io.nyala.io;

import java.nio.file.Path;

/**
 * The disk of a Linux host that forbids io_uring, as most containers do: {@code preadv2} and {@code pwritev2}, with
 * direct I/O where the file system allows it. One transfer alone is carried out by the thread that asked for it,
 * several by threads of the disk; a durable write is one call, where a channel of the JDK needs two. Shared by
 * threads; owns those that it has made, which end with it.
 */
final class SyscallDisk extends HostDisk {
    private final String reason;
    private final IoThreads threads;

    /**
     * Only where there is no {@link RingDisk#nativeObstacle}.
     *
     * @param reason why this disk and not a better one, or empty if it was asked for
     */
    SyscallDisk(String reason) {
        this(reason, new IoThreads());
    }

    SyscallDisk(String reason, IoThreads threads) {
        this.reason = reason;
        this.threads = threads;
    }

    @Override
    public String description() {
        String shortage = threads.shortage();
        return "pwritev2, " + mode() + ", up to " + IoThreads.THREAD_COUNT_MAX + " transfers at a time by threads"
                + (shortage == null ? "" : " (" + shortage + ")")
                + (reason.isEmpty() ? "" : "; io_uring is not used: " + reason);
    }

    @Override
    public DiskFile create(Path path) {
        return DescriptorFile.create(this, threads.kernel(), path);
    }

    @Override
    public DiskFile open(Path path, Access access) {
        return DescriptorFile.open(this, threads.kernel(), path, access);
    }

    @Override
    public IoQueue newQueue(int depthMax) {
        Transfers.checkDepth(depthMax);
        return new SyscallQueue(depthMax, threads);
    }

    /** Transfers of several under way by the disk's threads. */
    IoThreads threads() {
        return threads;
    }

    @Override
    public void close() {
        threads.close();
    }
}
