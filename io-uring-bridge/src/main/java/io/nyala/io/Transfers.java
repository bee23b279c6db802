package io.nyala.io;

import java.lang.foreign.MemorySegment;

/**
 * The checks of what a caller asks a queue for; the same on every disk, so that what works on one works on all.
 * Stateless.
 */
public final class Transfers {
    private static final int UNALIGNED = Disk.ALIGNMENT_BYTES - 1;

    private Transfers() {}

    /** Refuses a transfer into memory that direct I/O could not do. */
    public static void checkRead(DiskFile file, long position, MemorySegment memory, long offset, int bytes) {
        if (((position | (memory.address() + offset) | bytes) & UNALIGNED) != 0
                || position < 0
                || bytes <= 0
                || offset < 0
                || offset > memory.byteSize() - bytes
                || !memory.isNative()) {
            throw refused("read", file, position, memory, offset, bytes);
        }
    }

    /** Refuses a transfer out of memory that direct I/O could not do, and any to a file open for reading only. */
    public static void checkWrite(DiskFile file, long position, MemorySegment memory, long offset, int bytes) {
        checkWritable("write", file);
        if (((position | (memory.address() + offset) | bytes) & UNALIGNED) != 0
                || position < 0
                || bytes <= 0
                || offset < 0
                || offset > memory.byteSize() - bytes
                || !memory.isNative()) {
            throw refused("write", file, position, memory, offset, bytes);
        }
    }

    /** Refuses a length that no file has, and any of a file open for reading only. */
    public static void checkTruncate(DiskFile file, long bytes) {
        checkWritable("truncate", file);
        if (bytes < 0) {
            throw new IllegalArgumentException("truncate of " + file.path() + " to " + bytes + " bytes");
        }
    }

    /** Refuses what no file can be allocated to, and any of a file open for reading only. */
    public static void checkAllocate(DiskFile file, long bytes) {
        checkWritable("allocation", file);
        if (bytes < 0 || (bytes & UNALIGNED) != 0) {
            throw new IllegalArgumentException("allocation of " + bytes + " bytes for " + file.path()
                    + ": must be a multiple of " + Disk.ALIGNMENT_BYTES);
        }
    }

    /** Refuses a hole that no file has, and any in a file open for reading only. */
    public static void checkHole(DiskFile file, long position, long bytes) {
        checkWritable("hole", file);
        if (((position | bytes) & UNALIGNED) != 0 || position < 0 || bytes <= 0 || bytes > Long.MAX_VALUE - position) {
            throw new IllegalArgumentException("hole of " + bytes + " bytes at byte " + position + " of " + file.path()
                    + ": both must be multiples of " + Disk.ALIGNMENT_BYTES + ", and the bytes more than 0");
        }
    }

    private static void checkWritable(String operation, DiskFile file) {
        if (file.access() != Access.READ_WRITE) {
            throw new IllegalArgumentException(operation + " of " + file.path() + ", which is open for reading only");
        }
    }

    /** Refuses a depth that no queue has. */
    public static void checkDepth(int depthMax) {
        if (depthMax < 1 || depthMax > IoQueue.DEPTH_LIMIT) {
            throw new IllegalArgumentException("depthMax must be 1 to " + IoQueue.DEPTH_LIMIT + ", was " + depthMax);
        }
    }

    /** Refuses a transfer more than a queue holds. */
    public static void checkRoom(int inFlight, int depthMax) {
        if (inFlight >= depthMax) {
            throw new IllegalStateException(
                    "the queue is full: " + inFlight + " transfers in flight of at most " + depthMax + "; poll first");
        }
    }

    private static IllegalArgumentException refused(
            String operation, DiskFile file, long position, MemorySegment memory, long offset, int bytes) {
        return new IllegalArgumentException(String.format(
                "%s of %d bytes at byte %d of %s with offset %d of a segment at 0x%x of %d bytes (%s): position,"
                        + " address and bytes must be multiples of %d, bytes more than 0, and memory native and large"
                        + " enough",
                operation,
                bytes,
                position,
                file.path(),
                offset,
                memory.address(),
                memory.byteSize(),
                memory.isNative() ? "native" : "heap",
                Disk.ALIGNMENT_BYTES));
    }
}
