package io.nyala.simulation;

import io.nyala.io.Access;
import io.nyala.io.DiskFile;
import io.nyala.io.Transfers;
import java.nio.file.Path;

/** An open file of a simulated disk; dead after a power cut. Shared by threads. */
final class SimulatedFile implements DiskFile {
    private final SimulatedDisk disk;
    private final Path path;
    private final Access access;
    private final Inode inode;
    private final long boot;
    private volatile boolean isClosed;

    SimulatedFile(SimulatedDisk disk, Path path, Access access, Inode inode) {
        this.disk = disk;
        this.path = path;
        this.access = access;
        this.inode = inode;
        this.boot = disk.boot();
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public Access access() {
        return access;
    }

    @Override
    public long bytes() {
        checkOpen();
        return disk.bytes(this);
    }

    @Override
    public void truncate(long bytes) {
        checkOpen();
        Transfers.checkTruncate(this, bytes);
        disk.change(Operation.TRUNCATE, this, bytes, 0, () -> inode.truncate(bytes));
    }

    @Override
    public void allocate(long bytes) {
        checkOpen();
        Transfers.checkAllocate(this, bytes);
        disk.allocate(this, bytes);
    }

    @Override
    public boolean punchHole(long position, long bytes) {
        checkOpen();
        Transfers.checkHole(this, position, bytes);
        disk.change(Operation.PUNCH_HOLE, this, position, bytes, () -> inode.punchHole(position, bytes));
        return true;
    }

    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            disk.closed(this, boot);
        }
    }

    Inode inode() {
        return inode;
    }

    SimulatedDisk disk() {
        return disk;
    }

    void checkOpen() {
        disk.checkBoot(boot);
        if (isClosed) {
            throw new IllegalStateException(path + " is closed");
        }
    }
}
