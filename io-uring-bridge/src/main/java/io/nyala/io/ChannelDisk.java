package io.nyala.io;

import java.nio.file.FileStore;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The disk that works everywhere: {@code FileChannel}, with direct I/O where the file system allows it. A transfer is
 * done when it is queued, by the calling thread. Shared by threads.
 */
final class ChannelDisk extends HostDisk {
    private final String reason;
    private final Set<String> buffered = ConcurrentHashMap.newKeySet();

    /**
     * @param reason why this disk and not a better one, or empty if it was asked for
     */
    ChannelDisk(String reason) {
        this.reason = reason;
    }

    @Override
    public String description() {
        return "FileChannel, " + mode() + ", one transfer at a time"
                + (reason.isEmpty() ? "" : "; io_uring is not used: " + reason);
    }

    /** Whether a file system has refused direct I/O before. */
    boolean isBuffered(FileStore store) {
        return buffered.contains(store.toString());
    }

    /**
     * Not asked again for direct I/O: where {@code fcntl} refuses it, {@code FileChannel.open} throws and leaves a
     * descriptor open for ever, which shall not happen with each file.
     */
    void isBuffered(FileStore store, Path path, String why) {
        buffered.add(store.toString());
        fellBackToBuffered(path, why);
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
    public IoQueue newQueue(int depthMax) {
        Transfers.checkDepth(depthMax);
        return new ChannelQueue(depthMax);
    }
}
