package io.nyala.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * A file behind a channel of the JDK. Shared by threads.
 *
 * <p>It is an asynchronous one, used synchronously. A {@code FileChannel} is closed when a thread that uses it is
 * interrupted, for all who have it, and could only be opened again by a name that may stand for another file by then.
 */
final class ChannelFile implements DiskFile {
    // By name, because javac warns of it as internal, which cannot be suppressed; its module may also be missing from
    // an image.
    private static final @Nullable OpenOption DIRECT = direct();

    private static final int ZEROS_BYTES = 256 << 10; // Only while they are written; not of the memory budget.

    private final Path path;
    private final Access access;
    private final AsynchronousFileChannel channel;

    /** Closing waits for who uses the channel: what they do would fail. */
    private final ReadWriteLock use = new ReentrantReadWriteLock();

    private volatile boolean isClosed;

    private ChannelFile(Path path, Access access, AsynchronousFileChannel channel) {
        this.path = path;
        this.access = access;
        this.channel = channel;
    }

    static ChannelFile create(ChannelDisk disk, Path path) {
        try {
            Files.createFile(path);
        } catch (IOException e) {
            throw DiskException.of("create", path, e);
        }
        try {
            return new ChannelFile(path, Access.READ_WRITE, channel(disk, path, Access.READ_WRITE));
        } catch (IOException e) {
            DiskException failure = DiskException.of("create", path, e);
            try {
                Files.delete(path); // Nobody has it, and who tries again shall not find it in the way.
            } catch (IOException also) {
                failure.addSuppressed(also);
            }
            throw failure;
        }
    }

    static ChannelFile open(ChannelDisk disk, Path path, Access access) {
        try {
            if (Files.isDirectory(path)) {
                throw DiskException.of("open", path, DiskException.Kind.OTHER, "is a directory");
            }
            return new ChannelFile(path, access, channel(disk, path, access));
        } catch (IOException e) {
            throw DiskException.of("open", path, e);
        }
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
        try {
            return call(channel::size);
        } catch (IOException e) {
            throw DiskException.of("length query", path, e);
        }
    }

    @Override
    public void truncate(long bytes) {
        Transfers.checkTruncate(this, bytes);
        try {
            call(() -> {
                if (bytes > channel.size()) {
                    extend(bytes);
                }
                channel.truncate(bytes);
                return bytes;
            });
        } catch (IOException e) {
            throw DiskException.ofLength("truncate", path, bytes, e);
        }
    }

    @Override
    public void allocate(long bytes) {
        Transfers.checkAllocate(this, bytes);
        long before = bytes();
        try {
            writeZeros(before, bytes);
        } catch (IOException e) {
            DiskException failure = DiskException.ofLength("allocation", path, bytes, e);
            try {
                truncate(before); // To what it was.
            } catch (DiskException also) {
                failure.addSuppressed(also);
            }
            throw failure;
        }
    }

    /** A channel can do no such thing. */
    @Override
    public boolean punchHole(long position, long bytes) {
        Transfers.checkHole(this, position, bytes);
        checkOpen();
        return false;
    }

    @Override
    public void close() {
        use.writeLock().lock();
        try {
            isClosed = true;
            channel.close();
        } catch (IOException e) {
            throw DiskException.of("close", path, e);
        } finally {
            use.writeLock().unlock();
        }
    }

    /** Fills the buffer from the file; returns the bytes read, fewer only at the end of the file. */
    int read(ByteBuffer buffer, long position) throws IOException {
        return (int) call(() -> transfer(true, buffer, position));
    }

    void write(ByteBuffer buffer, long position) throws IOException {
        call(() -> transfer(false, buffer, position));
    }

    void sync() throws IOException {
        call(() -> {
            // By fdatasync: also the length, if it changed, for without it the data could not be read.
            channel.force(false);
            return 0;
        });
    }

    void checkOpen() {
        if (isClosed) {
            throw new IllegalStateException(path + " is closed");
        }
    }

    private int transfer(boolean isRead, ByteBuffer buffer, long position) throws IOException {
        Progress progress = new Progress();
        progress.begin(isRead, position, buffer.capacity());
        while (true) {
            int done = progress.doneBytes();
            buffer.position(done);
            long from = position + done;
            int answer = completed(isRead ? channel.read(buffer, from) : channel.write(buffer, from));
            int outcome = progress.settle(asOfKernel(isRead, answer));
            if (outcome == Progress.END_UNKNOWN) {
                outcome = progress.settleWithin(channel.size());
            }
            if (outcome == Progress.OVER) {
                return progress.doneBytes();
            }
            if (outcome > Progress.OVER) { // As the JDK tells what it is told by the system.
                throw new IOException(outcome == Errno.IO ? "Input/output error" : "Resource temporarily unavailable");
            }
            if (outcome == Progress.LATER) {
                Progress.pause(progress.pauseNanos());
            }
        }
    }

    /** What the channel answers, as the kernel would: at the end of a file -1, and 0 or less for "try again". */
    private static int asOfKernel(boolean isRead, int done) {
        if (done > 0) {
            return done;
        }
        return isRead && done == -1 ? 0 : -Errno.AGAIN;
    }

    private static int completed(Future<Integer> transfer) throws IOException {
        boolean isInterrupted = false;
        try {
            while (true) {
                try {
                    return transfer.get();
                } catch (InterruptedException _) { // Where it is not done by this thread: the memory is still in use.
                    isInterrupted = true;
                }
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** A channel cannot be extended without writing: its new last sector, with what there is of it. */
    private void extend(long bytes) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            ByteBuffer sector =
                    arena.allocate(Disk.ALIGNMENT_BYTES, Disk.ALIGNMENT_BYTES).asByteBuffer();
            long position = (bytes - 1) & -Disk.ALIGNMENT_BYTES;
            transfer(true, sector, position);
            transfer(false, sector, position);
        }
    }

    /** Zeros from the present end on, by whole sectors: what there is of the last one is followed by zeros anyway. */
    private void writeZeros(long before, long bytes) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment zeros = arena.allocate(ZEROS_BYTES, Disk.ALIGNMENT_BYTES);
            long position = (before + Disk.ALIGNMENT_BYTES - 1) & -Disk.ALIGNMENT_BYTES;
            while (position < bytes) {
                long part = Math.min(ZEROS_BYTES, bytes - position);
                write(zeros.asSlice(0, part).asByteBuffer(), position);
                position += part;
            }
        }
    }

    private long call(Call call) throws IOException {
        use.readLock().lock();
        try {
            checkOpen();
            return call.run();
        } finally {
            use.readLock().unlock();
        }
    }

    private static AsynchronousFileChannel channel(ChannelDisk disk, Path path, Access access) throws IOException {
        Set<OpenOption> options = new HashSet<>();
        options.add(StandardOpenOption.READ);
        if (access == Access.READ_WRITE) {
            options.add(StandardOpenOption.WRITE);
        }
        FileStore store = Files.getFileStore(path);
        if (disk.isBuffered(store)) {
            return disk.openChannel(path, options);
        }
        long blockBytes = store.getBlockSize();
        if (blockBytes > Disk.ALIGNMENT_BYTES) {
            disk.fellBackToBuffered(path, "its blocks of " + blockBytes + " bytes are larger than our transfers");
            return disk.openChannel(path, options);
        }
        if (DIRECT == null) {
            disk.fellBackToBuffered(path, "the module jdk.unsupported is missing from this Java");
            return disk.openChannel(path, options);
        }
        options.add(DIRECT);
        try {
            return disk.openChannel(path, options);
        } catch (NoSuchFileException e) {
            throw e;
        } catch (IOException | UnsupportedOperationException e) {
            options.remove(DIRECT);
            AsynchronousFileChannel buffered =
                    disk.openChannel(path, options); // Fails likewise where direct I/O was not the reason.
            disk.isBuffered(store, path, String.valueOf(e.getMessage()));
            return buffered;
        }
    }

    private static @Nullable OpenOption direct() {
        try {
            for (Object option :
                    Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants()) {
                if (option instanceof OpenOption direct && option.toString().equals("DIRECT")) {
                    return direct;
                }
            }
        } catch (ClassNotFoundException _) {
            return null;
        }
        return null;
    }

    @FunctionalInterface
    private interface Call {
        long run() throws IOException;
    }
}
