package io.nyala.simulation;

import io.nyala.io.Access;
import io.nyala.io.Completions;
import io.nyala.io.DirectoryLock;
import io.nyala.io.Disk;
import io.nyala.io.DiskFile;
import io.nyala.io.IoQueue;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/** Another disk, of which it counts the reads, and those in flight together. One thread. */
public final class CountingDisk implements Disk {
    private final Disk disk;
    private long reads;
    private long readBytes;
    private long rounds;
    private int inFlightMost;

    public CountingDisk(Disk disk) {
        this.disk = disk;
    }

    /** Begins to count anew. */
    public void reset() {
        reads = 0;
        readBytes = 0;
        rounds = 0;
        inFlightMost = 0;
    }

    public long reads() {
        return reads;
    }

    public long readBytes() {
        return readBytes;
    }

    /** Reads that were added to a queue when nothing was in flight there: how often somebody had to wait. */
    public long rounds() {
        return rounds;
    }

    /** The most reads and writes that were in flight in one queue when a read was added. */
    public int inFlightMost() {
        return inFlightMost;
    }

    @Override
    public IoQueue newQueue(int depthMax) {
        return new CountingQueue(disk.newQueue(depthMax));
    }

    @Override
    public IoQueue newMovableQueue(int depthMax) {
        return new CountingQueue(disk.newMovableQueue(depthMax));
    }

    private final class CountingQueue implements IoQueue {
        private final IoQueue queue;

        CountingQueue(IoQueue queue) {
            this.queue = queue;
        }

        @Override
        public void read(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
            queue.read(file, position, memory, offset, bytes, token);
            reads++;
            readBytes += bytes;
            rounds += queue.inFlight() == 1 ? 1 : 0;
            inFlightMost = Math.max(inFlightMost, queue.inFlight());
        }

        @Override
        public void write(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
            queue.write(file, position, memory, offset, bytes, token);
        }

        @Override
        public void writeDurable(
                DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
            queue.writeDurable(file, position, memory, offset, bytes, token);
        }

        @Override
        public void sync(DiskFile file, long token) {
            queue.sync(file, token);
        }

        @Override
        public int inFlight() {
            return queue.inFlight();
        }

        @Override
        public int depthMax() {
            return queue.depthMax();
        }

        @Override
        public int poll(Completions completions) {
            return queue.poll(completions);
        }

        @Override
        public void await(long nanosMax) {
            queue.await(nanosMax);
        }

        @Override
        public void wake() {
            queue.wake();
        }

        @Override
        public void close() {
            queue.close();
        }
    }

    @Override
    public String description() {
        return disk.description();
    }

    @Override
    public DiskFile create(Path path) {
        return disk.create(path);
    }

    @Override
    public DiskFile open(Path path, Access access) {
        return disk.open(path, access);
    }

    @Override
    public void delete(Path path) {
        disk.delete(path);
    }

    @Override
    public void rename(Path from, Path to) {
        disk.rename(from, to);
    }

    @Override
    public boolean exists(Path path) {
        return disk.exists(path);
    }

    @Override
    public List<Path> list(Path directory) {
        return disk.list(directory);
    }

    @Override
    public void createDirectories(Path directory) {
        disk.createDirectories(directory);
    }

    @Override
    public void syncDirectory(Path directory) {
        disk.syncDirectory(directory);
    }

    @Override
    public DirectoryLock lock(Path directory) {
        return disk.lock(directory);
    }

    @Override
    public long usableBytes(Path directory) {
        return disk.usableBytes(directory);
    }

    @Override
    public void close() {
        disk.close();
    }
}
