package io.nyala.io;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A file behind a {@code FileChannel}. Shared by threads.
 *
 * <p>The JDK closes a channel when a thread that uses it is interrupted. Here a file survives that: interrupts are put
 * off during a transfer, and a channel closed by one is opened again.
 */
final class ChannelFile implements DiskFile {
    // By name, because javac warns of it as internal, which cannot be suppressed; its module may also be missing from
    // an image.
    private static final @Nullable OpenOption DIRECT = direct();

    private static final int ZEROS_BYTES = 256 << 10; // Only while they are written; not of the memory budget.

    private final ChannelDisk disk;
    private final Path path;
    private final Access access;
    private volatile FileChannel channel;
    private volatile boolean isClosed;

    private ChannelFile(ChannelDisk disk, Path path, Access access, FileChannel channel) {
        this.disk = disk;
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
            return new ChannelFile(disk, path, Access.READ_WRITE, channel(disk, path, Access.READ_WRITE));
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
            return new ChannelFile(disk, path, access, channel(disk, path, access));
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
            return call(FileChannel::size);
        } catch (IOException e) {
            throw DiskException.of("length query", path, e);
        }
    }

    @Override
    public void truncate(long bytes) {
        Transfers.checkTruncate(this, bytes);
        try {
            call(open -> {
                if (bytes <= open.size()) {
                    open.truncate(bytes);
                } else {
                    extend(bytes);
                }
                return 0L;
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
    public synchronized void close() {
        isClosed = true;
        try {
            channel.close();
        } catch (IOException e) {
            throw DiskException.of("close", path, e);
        }
    }

    /** Fills the buffer from the file; returns the bytes read, fewer only at the end of the file. */
    int read(ByteBuffer buffer, long position) throws IOException {
        while (buffer.hasRemaining()) {
            int done = (int) call(open -> open.read(buffer, position + buffer.position()));
            if (done <= 0 || done % Disk.ALIGNMENT_BYTES != 0) {
                break; // The end of the file; what is left of a sector cannot be asked for with direct I/O.
            }
        }
        return buffer.position();
    }

    void write(ByteBuffer buffer, long position) throws IOException {
        while (buffer.hasRemaining()) {
            call(open -> open.write(buffer, position + buffer.position()));
        }
    }

    void sync() throws IOException {
        call(open -> {
            open.force(false); // fdatasync: also the length, if it changed, for without it the data could not be read.
            return 0L;
        });
    }

    void checkOpen() {
        if (isClosed) {
            throw new IllegalStateException(path + " is closed");
        }
    }

    /** A channel cannot be extended without writing, and direct I/O cannot write one byte. */
    private void extend(long bytes) throws IOException {
        try (FileChannel plain = FileChannel.open(path, StandardOpenOption.WRITE)) {
            plain.write(ByteBuffer.wrap(new byte[1]), bytes - 1);
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
        boolean isInterrupted = Thread.interrupted();
        try {
            while (true) {
                checkOpen();
                FileChannel open = channel;
                try {
                    return call.on(open);
                } catch (ClosedByInterruptException _) {
                    isInterrupted |= Thread.interrupted();
                    reopen(open);
                } catch (ClosedChannelException _) { // Somebody else's interrupt.
                    reopen(open);
                }
            }
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @SuppressWarnings("ReferenceEquality") // Is it still the one that was closed?
    private synchronized void reopen(FileChannel closed) throws IOException {
        if (!isClosed && channel == closed) {
            channel = channel(disk, path, access);
        }
    }

    private static FileChannel channel(ChannelDisk disk, Path path, Access access) throws IOException {
        Set<OpenOption> options = new HashSet<>();
        options.add(StandardOpenOption.READ);
        if (access == Access.READ_WRITE) {
            options.add(StandardOpenOption.WRITE);
        }
        FileStore store = Files.getFileStore(path);
        if (disk.isBuffered(store)) {
            return FileChannel.open(path, options);
        }
        long blockBytes = store.getBlockSize();
        if (blockBytes > Disk.ALIGNMENT_BYTES) {
            disk.fellBackToBuffered(path, "its blocks of " + blockBytes + " bytes are larger than our transfers");
            return FileChannel.open(path, options);
        }
        if (DIRECT == null) {
            disk.fellBackToBuffered(path, "the module jdk.unsupported is missing from this Java");
            return FileChannel.open(path, options);
        }
        options.add(DIRECT);
        try {
            return FileChannel.open(path, options);
        } catch (NoSuchFileException e) {
            throw e;
        } catch (IOException | UnsupportedOperationException e) {
            options.remove(DIRECT);
            FileChannel buffered =
                    FileChannel.open(path, options); // Fails likewise where direct I/O was not the reason.
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
        long on(FileChannel channel) throws IOException;
    }
}
