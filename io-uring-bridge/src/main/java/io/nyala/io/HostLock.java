package io.nyala.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A locked file in the directory, with the pid of its holder in it. The system drops the lock when the process ends,
 * however it ends; the file stays and means nothing.
 *
 * <p>Locks belong to the process, and closing <em>any</em> descriptor of the file would drop them. Therefore those of
 * this process are also kept in a set, and looked up before the file is touched.
 */
final class HostLock implements DirectoryLock {
    static final String FILE_NAME = "LOCK";

    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path directory;
    private final Path realDirectory;
    private final FileChannel channel;

    private HostLock(Path directory, Path realDirectory, FileChannel channel) {
        this.directory = directory;
        this.realDirectory = realDirectory;
        this.channel = channel;
    }

    static HostLock lock(Path directory) {
        Path real;
        try {
            real = directory.toRealPath();
        } catch (IOException e) {
            throw DiskException.of("lock", directory, e);
        }
        if (!HELD.add(real)) {
            throw new DirectoryLockedException(
                    directory, ProcessHandle.current().pid());
        }
        HostLock lock = null;
        try {
            lock = new HostLock(directory, real, lockedChannel(directory));
            return lock;
        } catch (IOException e) {
            throw DiskException.of("lock", directory, e);
        } finally {
            if (lock == null) {
                HELD.remove(real);
            }
        }
    }

    private static FileChannel lockedChannel(Path directory) throws IOException {
        FileChannel channel =
                FileChannel.open(directory.resolve(FILE_NAME), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        boolean isLocked = false;
        try {
            if (channel.tryLock() == null) {
                throw new DirectoryLockedException(directory, holderPid(directory));
            }
            channel.truncate(0);
            String pid = ProcessHandle.current().pid() + "\n";
            channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)));
            isLocked = true;
            return channel;
        } finally {
            if (!isLocked) {
                channel.close();
            }
        }
    }

    @Override
    public Path directory() {
        return directory;
    }

    @Override
    public synchronized void close() {
        if (!channel.isOpen()) {
            return;
        }
        try {
            channel.close();
        } catch (IOException e) {
            throw DiskException.of("unlock", directory, e);
        } finally {
            HELD.remove(realDirectory);
        }
    }

    private static long holderPid(Path directory) {
        try {
            return Long.parseLong(Files.readString(directory.resolve(FILE_NAME)).strip());
        } catch (IOException | NumberFormatException _) {
            return -1; // It is about to write it, or we may not read it.
        }
    }
}
