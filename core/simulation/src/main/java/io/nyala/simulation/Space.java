package io.nyala.simulation;

import io.nyala.simulation.SimulatedQueue.Transfer;

/** Room for files on a simulated disk, as much as one likes unless a test limits it. Guarded by the disk's monitor. */
final class Space {
    private final FileTree tree;
    private long capacityBytes = Long.MAX_VALUE;

    Space(FileTree tree) {
        this.tree = tree;
    }

    /** Only so many bytes more. */
    void limitTo(long bytes) {
        capacityBytes = tree.usedBytes() + bytes;
    }

    void unlimit() {
        capacityBytes = Long.MAX_VALUE;
    }

    long usableBytes() {
        return Math.max(0, capacityBytes - tree.usedBytes());
    }

    /** Whether there is room for what a transfer writes. */
    boolean has(Transfer transfer) {
        return capacityBytes == Long.MAX_VALUE
                || !transfer.isWrite()
                || has(transfer.file.inode().newPageCount(transfer.position, transfer.bytes()));
    }

    boolean has(int newPages) {
        return newPages == 0 || tree.usedBytes() + (long) newPages * Inode.PAGE_BYTES <= capacityBytes;
    }
}
