package io.nyala.io;

import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The fast disk: io_uring, with direct I/O where the file system allows it. Shared by threads. */
final class RingDisk extends HostDisk {
    private static final System.Logger LOG = System.getLogger(RingDisk.class.getName());

    private final KernelCalls kernel;
    private final RingSetup setup;

    /** What the kernel may still use, of queues that could not be closed. Guarded by this. */
    private final List<MemorySegment> kept = new ArrayList<>();

    private long keptBytes; // Guarded by this.

    /** Only where there is no {@link #obstacle}. */
    RingDisk() {
        this(KernelCalls.REAL);
    }

    RingDisk(KernelCalls kernel) {
        this.kernel = kernel;
        try (Ring ring = new Ring(kernel, 1, RingSetup.DEFERRED)) {
            setup = ring.setup();
        }
    }

    KernelCalls kernel() {
        return kernel;
    }

    /** Why there can be no such disk here, or null if there can. */
    static @Nullable String obstacle() {
        String obstacle = nativeObstacle();
        if (obstacle != null) {
            return obstacle;
        }
        try {
            new Ring(KernelCalls.REAL, 1, RingSetup.DEFERRED).close();
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
        return "io_uring, " + setup.lost() + mode() + lost();
    }

    private synchronized String lost() {
        return kept.isEmpty()
                ? ""
                : String.format(
                        Locale.ROOT,
                        "; %,d bytes of memory are lost to %,d transfers that the kernel never finished",
                        keptBytes,
                        kept.size());
    }

    /** Keeps memory reachable that a transfer may still use, though nobody can wait for it. */
    synchronized void keep(MemorySegment memory, int bytes) {
        if (kept.isEmpty()) {
            LOG.log(
                    Level.ERROR,
                    "the kernel does not let us wait for transfers in flight; the memory that it may still use is lost."
                            + " Start this process anew, and see the log of the kernel");
        }
        kept.add(memory);
        keptBytes += bytes;
    }

    @Override
    public DiskFile create(Path path) {
        return DescriptorFile.create(this, kernel, path);
    }

    @Override
    public DiskFile open(Path path, Access access) {
        return DescriptorFile.open(this, kernel, path, access);
    }

    @Override
    public IoQueue newQueue(int depthMax) {
        Transfers.checkDepth(depthMax);
        return new RingQueue(this, depthMax, RingSetup.DEFERRED, false);
    }

    @Override
    public IoQueue newMovableQueue(int depthMax) {
        Transfers.checkDepth(depthMax);
        return new RingQueue(this, depthMax, RingSetup.INTERRUPTING, true);
    }
}
