package io.nyala.io;

import java.io.IOException;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.file.FileStore;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The disk that works everywhere: the JDK's file channels, with direct I/O where the file system allows it. A transfer
 * is done when it is queued, by the calling thread. Shared by threads.
 */
final class ChannelDisk extends HostDisk {
    /** Those of Windows are asynchronous themselves, and would make a thread for each file to use another's. */
    private static final @Nullable ExecutorService TRANSFERS =
            System.getProperty("os.name").startsWith("Windows") ? null : new CallersThread();

    private final String reason;
    private final Opener opener;
    private final Set<String> buffered = ConcurrentHashMap.newKeySet();

    /**
     * @param reason why this disk and not a better one, or empty if it was asked for
     */
    ChannelDisk(String reason) {
        this(reason, ChannelDisk::open);
    }

    ChannelDisk(String reason, Opener opener) {
        this.reason = reason;
        this.opener = opener;
    }

    /** Opens channels; a test has its own. */
    interface Opener {
        AsynchronousFileChannel open(Path path, Set<OpenOption> options) throws IOException;
    }

    static AsynchronousFileChannel open(Path path, Set<OpenOption> options) throws IOException {
        return AsynchronousFileChannel.open(path, options, TRANSFERS);
    }

    AsynchronousFileChannel openChannel(Path path, Set<OpenOption> options) throws IOException {
        return opener.open(path, options);
    }

    @Override
    public String description() {
        return "AsynchronousFileChannel, " + mode() + ", one transfer at a time"
                + (reason.isEmpty() ? "" : "; io_uring is not used: " + reason);
    }

    /** Whether a file system has refused direct I/O before. */
    boolean isBuffered(FileStore store) {
        return buffered.contains(store.toString());
    }

    /**
     * Not asked again for direct I/O: where {@code fcntl} refuses it, opening a channel throws and leaves a
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

    /** Does what it is given before it goes on. Nothing to shut down. */
    private static final class CallersThread extends AbstractExecutorService {
        @Override
        public void execute(Runnable command) {
            command.run();
        }

        @Override
        public void shutdown() {}

        @Override
        public List<Runnable> shutdownNow() {
            return List.of();
        }

        @Override
        public boolean isShutdown() {
            return false;
        }

        @Override
        public boolean isTerminated() {
            return false;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
            return false;
        }
    }
}
