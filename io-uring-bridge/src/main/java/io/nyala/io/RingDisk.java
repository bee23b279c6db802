package io.nyala.io;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The fast disk: io_uring, with direct I/O where the file system allows it. Shared by threads. */
final class RingDisk extends HostDisk {
    private final RingSetup setup;

    /** Only where there is no {@link #obstacle}. */
    RingDisk() {
        try (Ring ring = new Ring(1, RingSetup.DEFERRED)) {
            setup = ring.setup();
        }
    }

    /** Why there can be no such disk here, or null if there can. */
    static @Nullable String obstacle() {
        String obstacle = nativeObstacle();
        if (obstacle != null) {
            return obstacle;
        }
        try {
            new Ring(1, RingSetup.DEFERRED).close();
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
        return "io_uring, " + setup.lost() + mode();
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
        return new RingQueue(depthMax, RingSetup.DEFERRED, false);
    }

    @Override
    public IoQueue newMovableQueue(int depthMax) {
        Transfers.checkDepth(depthMax);
        return new RingQueue(depthMax, RingSetup.INTERRUPTING, true);
    }
}
