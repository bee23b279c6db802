package io.nyala.io;

import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * A disk of this host: names and directories are those of its file system, whatever carries the transfers. Shared by
 * threads.
 */
abstract sealed class HostDisk implements Disk permits RingDisk, SyscallDisk, ChannelDisk {
    private static final System.Logger LOG = System.getLogger(HostDisk.class.getName());

    private final AtomicReference<@Nullable String> bufferedBecause = new AtomicReference<>();

    @Override
    public final void delete(Path path) {
        HostFiles.delete(path);
    }

    @Override
    public final void rename(Path from, Path to) {
        HostFiles.rename(from, to);
    }

    @Override
    public final boolean exists(Path path) {
        return HostFiles.exists(path);
    }

    @Override
    public final List<Path> list(Path directory) {
        return HostFiles.list(directory);
    }

    @Override
    public final void createDirectories(Path directory) {
        HostFiles.createDirectories(directory);
    }

    @Override
    public final void syncDirectory(Path directory) {
        HostFiles.syncDirectory(directory);
    }

    @Override
    public final DirectoryLock lock(Path directory) {
        return HostLock.lock(directory);
    }

    @Override
    public final long usableBytes(Path directory) {
        return HostFiles.usableBytes(directory);
    }

    @Override
    public void close() {}

    /** Notes that a file cannot be read and written directly, which is said once, and in {@link #description}. */
    final void fellBackToBuffered(Path path, String why) {
        String reason = "direct I/O on " + path + ": " + why;
        if (bufferedBecause.compareAndSet(null, reason)) {
            LOG.log(Level.WARNING, "files are {0}, which takes more CPU and memory", mode());
        }
    }

    /** How transfers reach the device, for {@link #description}. */
    final String mode() {
        String buffered = bufferedBecause.get();
        return buffered == null ? "O_DIRECT" : "buffered by the page cache (" + buffered + ")";
    }
}
