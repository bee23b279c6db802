package io.nyala.io;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The disk that works everywhere: {@code FileChannel}, with direct I/O where the file system allows it. A transfer is
 * done when it is queued, by the calling thread. Shared by threads.
 */
final class ChannelDisk implements Disk {
    private final String reason;
    private volatile @Nullable String bufferedBecause;

    /**
     * @param reason why this disk and not a better one, or empty if it was asked for
     */
    ChannelDisk(String reason) {
        this.reason = reason;
    }

    @Override
    public String description() {
        String buffered = bufferedBecause;
        return "FileChannel, "
                + (buffered == null ? "O_DIRECT" : "buffered by the page cache (" + buffered + ")")
                + ", one transfer at a time"
                + (reason.isEmpty() ? "" : "; io_uring is not used: " + reason);
    }

    @Override
    public DiskFile create(Path path) {
        return ChannelFile.create(this, path);
    }

    @Override
    public DiskFile open(Path path, Access access) {
        return ChannelFile.open(this, path, access);
    }

    @Override
    public void delete(Path path) {
        HostFiles.delete(path);
    }

    @Override
    public void rename(Path from, Path to) {
        HostFiles.rename(from, to);
    }

    @Override
    public boolean exists(Path path) {
        return HostFiles.exists(path);
    }

    @Override
    public List<Path> list(Path directory) {
        return HostFiles.list(directory);
    }

    @Override
    public void createDirectories(Path directory) {
        HostFiles.createDirectories(directory);
    }

    @Override
    public void syncDirectory(Path directory) {
        HostFiles.syncDirectory(directory);
    }

    @Override
    public DirectoryLock lock(Path directory) {
        return HostLock.lock(directory);
    }

    @Override
    public long usableBytes(Path directory) {
        return HostFiles.usableBytes(directory);
    }

    @Override
    public IoQueue newQueue(int depthMax) {
        Transfers.checkDepth(depthMax);
        return new ChannelQueue(depthMax);
    }

    @Override
    public void close() {}

    /** Notes that a file could not be opened for direct I/O, which {@link #description} then says. */
    void fellBackToBuffered(Path path, String why) {
        bufferedBecause = "direct I/O on " + path + ": " + why;
    }
}
