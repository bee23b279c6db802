package io.nyala.io;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The fast disk: io_uring, with direct I/O where the file system allows it. Shared by threads. */
final class RingDisk implements Disk {
    private final boolean isFastest;
    private volatile @Nullable String bufferedBecause;

    /** Only where there is no {@link #obstacle}. */
    RingDisk() {
        try (Ring ring = new Ring(1, false)) {
            isFastest = ring.isFastest();
        }
    }

    /** Why there can be no such disk here, or null if there can. */
    static @Nullable String obstacle() {
        String obstacle = nativeObstacle();
        if (obstacle != null) {
            return obstacle;
        }
        try {
            new Ring(1, false).close();
            return null;
        } catch (RingException e) {
            return e.getMessage();
        }
    }

    /** Why no native calls can be made here, or null if they can. */
    static @Nullable String nativeObstacle() {
        if (!System.getProperty("os.name").equals("Linux")) {
            return "this is not Linux";
        }
        String architecture = System.getProperty("os.arch");
        if (!architecture.equals("amd64") && !architecture.equals("aarch64")) {
            return "its constants for " + architecture + " are not known to us";
        }
        try {
            Kernel.load();
            return null;
        } catch (LinkageError e) { // The class with the native calls could not be initialized.
            Throwable cause = e.getCause() == null ? e : e.getCause();
            return "native calls are not possible (" + cause + "); start Java with --enable-native-access=ALL-UNNAMED";
        }
    }

    @Override
    public String description() {
        String buffered = bufferedBecause;
        return "io_uring, " + (isFastest ? "" : "without SINGLE_ISSUER and DEFER_TASKRUN (before Linux 6.1), ")
                + (buffered == null ? "O_DIRECT" : "buffered by the page cache (" + buffered + ")");
    }

    @Override
    public DiskFile create(Path path) {
        return RingFile.create(this, path);
    }

    @Override
    public DiskFile open(Path path, Access access) {
        return RingFile.open(this, path, access);
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
        return new RingQueue(depthMax, false);
    }

    @Override
    public IoQueue newMovableQueue(int depthMax) {
        Transfers.checkDepth(depthMax);
        return new RingQueue(depthMax, true);
    }

    @Override
    public void close() {}

    /** Notes that a file cannot be read and written directly, which {@link #description} then says. */
    void fellBackToBuffered(Path path, String why) {
        bufferedBecause = "direct I/O on " + path + ": " + why;
    }
}
