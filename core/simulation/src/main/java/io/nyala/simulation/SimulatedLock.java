package io.nyala.simulation;

import io.nyala.io.DirectoryLock;
import java.nio.file.Path;

/** A locked directory of a simulated disk, until it is closed or the process is gone. Shared by threads. */
final class SimulatedLock implements DirectoryLock {
    private final SimulatedDisk disk;
    private final Path directory;
    private final long boot;
    private boolean isClosed;

    SimulatedLock(SimulatedDisk disk, Path directory, long boot) {
        this.disk = disk;
        this.directory = directory;
        this.boot = boot;
    }

    @Override
    public Path directory() {
        return directory;
    }

    @Override
    public synchronized void close() {
        if (!isClosed) {
            isClosed = true;
            disk.unlock(directory, boot);
        }
    }
}
