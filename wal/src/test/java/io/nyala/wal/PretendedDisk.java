package io.nyala.wal;

import io.nyala.io.Access;
import io.nyala.io.Completions;
import io.nyala.io.DirectoryLock;
import io.nyala.io.Disk;
import io.nyala.io.DiskFile;
import io.nyala.io.IoQueue;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/**
 * A disk that is always empty, takes everything at once and forgets it, and allocates nothing for a transfer. One
 * thread.
 */
final class PretendedDisk implements Disk {
    @Override
    public String description() {
        return "pretended";
    }

    @Override
    public DiskFile create(Path path) {
        return new PretendedFile(path);
    }

    @Override
    public DiskFile open(Path path, Access access) {
        return new PretendedFile(path);
    }

    @Override
    public void delete(Path path) {}

    @Override
    public void rename(Path from, Path to) {}

    @Override
    public boolean exists(Path path) {
        return false;
    }

    @Override
    public List<Path> list(Path directory) {
        return List.of();
    }

    @Override
    public void createDirectories(Path directory) {}

    @Override
    public void syncDirectory(Path directory) {}

    @Override
    public DirectoryLock lock(Path directory) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long usableBytes(Path directory) {
        return Long.MAX_VALUE;
    }

    @Override
    public IoQueue newQueue(int depthMax) {
        return new PretendedQueue(depthMax);
    }

    @Override
    public void close() {}

    private record PretendedFile(Path path) implements DiskFile {
        @Override
        public Access access() {
            return Access.READ_WRITE;
        }

        @Override
        public long bytes() {
            return TestLog.SEGMENT_BYTES;
        }

        @Override
        public void truncate(long bytes) {}

        @Override
        public void allocate(long bytes) {}

        @Override
        public boolean punchHole(long position, long bytes) {
            return false;
        }

        @Override
        public void close() {}
    }

    private static final class PretendedQueue implements IoQueue {
        private final int depthMax;
        private final long[] tokens;
        private final int[] byteCounts;
        private int inFlight;

        PretendedQueue(int depthMax) {
            this.depthMax = depthMax;
            this.tokens = new long[depthMax];
            this.byteCounts = new int[depthMax];
        }

        private void add(int bytes, long token) {
            tokens[inFlight] = token;
            byteCounts[inFlight++] = bytes;
        }

        @Override
        public void read(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void write(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
            add(bytes, token);
        }

        @Override
        public void writeDurable(
                DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
            add(bytes, token);
        }

        @Override
        public void sync(DiskFile file, long token) {
            add(0, token);
        }

        @Override
        public int inFlight() {
            return inFlight;
        }

        @Override
        public int depthMax() {
            return depthMax;
        }

        @Override
        public int poll(Completions completions) {
            int count = inFlight;
            inFlight = 0;
            for (int i = 0; i < count; i++) {
                completions.completed(tokens[i], byteCounts[i], null);
            }
            return count;
        }

        @Override
        public void await(long nanosMax) {}

        @Override
        public void wake() {}

        @Override
        public void close() {}
    }
}
