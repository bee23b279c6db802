package io.nyala.io;

import java.nio.file.Path;
import java.util.List;

/**
 * A place for files. Every read, write, sync and change of a directory goes through it, so that a simulated disk sees
 * them all and can lose what was not synced.
 *
 * <p>Names and contents become durable separately: what was written is durable after a durable write or a sync of the
 * file, but its
 * <em>name</em> only after {@link #syncDirectory} of the directory. All failures are {@link DiskException}s.
 *
 * <p>Shared by threads. Whoever opened the disk closes it, after its queues and files.
 */
public interface Disk extends AutoCloseable {
    /**
     * Positions, memory addresses and byte counts of transfers are multiples of it, on every disk; a sector of direct
     * I/O.
     */
    int ALIGNMENT_BYTES = 4096;

    /** What carries the transfers and, where this is not the best kind of disk, what is lost and why. */
    String description();

    /**
     * A new empty file, open for reading and writing. Its name is durable after {@link #syncDirectory} of its
     * directory.
     */
    DiskFile create(Path path);

    /** An existing file. */
    DiskFile open(Path path, Access access);

    /** Removes a file or an empty directory. Open handles of a removed file stay usable. */
    void delete(Path path);

    /** Gives a file or directory another name, atomically; a file of that name is replaced. */
    void rename(Path from, Path to);

    /** Whether there is a file or directory of that name; throws where that cannot be told. */
    boolean exists(Path path);

    /** The files and directories in a directory, sorted by name, without what {@link #lock} puts there. */
    List<Path> list(Path directory);

    /** Creates a directory and those above it; fine if they exist. Durable after a sync of each one's parent. */
    void createDirectories(Path directory);

    /** Makes durable which names were created, renamed and deleted in a directory. */
    void syncDirectory(Path directory);

    /**
     * Keeps others (processes, and engines in this one) out of a directory, or throws {@link DirectoryLockedException}.
     */
    DirectoryLock lock(Path directory);

    /** Bytes that can still be written below a directory. */
    long usableBytes(Path directory);

    /**
     * A queue for the transfers of one thread.
     *
     * @param depthMax most transfers in flight at a time, 1 to {@link IoQueue#DEPTH_LIMIT}
     */
    IoQueue newQueue(int depthMax);

    /**
     * A queue that may go from thread to thread, one at a time. Dearer than {@link #newQueue} where a queue gains from
     * knowing its thread.
     */
    default IoQueue newMovableQueue(int depthMax) {
        return newQueue(depthMax);
    }

    @Override
    void close();
}
