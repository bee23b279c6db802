package io.nyala.io;

import io.nyala.io.DiskException.Kind;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;

/** Names and directories of the real file system, for the disks that carry transfers in different ways. Stateless. */
final class HostFiles {
    private HostFiles() {}

    static void delete(Path path) {
        change("delete", path, () -> Files.delete(path));
    }

    static void rename(Path from, Path to) {
        change("rename to " + to, from, () -> Files.move(from, to, StandardCopyOption.ATOMIC_MOVE));
    }

    static boolean exists(Path path) {
        try {
            Files.readAttributes(path, BasicFileAttributes.class);
            return true;
        } catch (IOException e) {
            DiskException failure = DiskException.of("existence query", path, e);
            if (failure.kind() == Kind.NOT_FOUND || failure.kind() == Kind.NOT_A_DIRECTORY) {
                return false;
            }
            throw failure; // Files.exists would say that there is none.
        }
    }

    static List<Path> list(Path directory) {
        List<Path> paths = new ArrayList<>();
        change("list", directory, () -> {
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
                for (Path path : entries) {
                    if (!path.endsWith(HostLock.FILE_NAME)) {
                        paths.add(path);
                    }
                }
            } catch (DirectoryIteratorException e) {
                throw e.getCause();
            }
        });
        paths.sort(null);
        return paths;
    }

    static void createDirectories(Path directory) {
        change("create directory", directory, () -> Files.createDirectories(directory));
    }

    static void syncDirectory(Path directory) {
        // A directory can be opened like a file, for reading, and fsync'ed, which is what makes its entries durable.
        boolean isInterrupted = Thread.interrupted(); // Would close the channel under our feet.
        try {
            change("sync", directory, () -> {
                try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                    channel.force(true);
                }
            });
        } finally {
            if (isInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    static long usableBytes(Path directory) {
        long[] bytes = new long[1];
        change(
                "free space query",
                directory,
                () -> bytes[0] = Files.getFileStore(directory).getUsableSpace());
        return bytes[0];
    }

    private static void change(String operation, Path path, Change change) {
        try {
            change.run();
        } catch (IOException e) {
            throw DiskException.of(operation, path, e);
        }
    }

    @FunctionalInterface
    private interface Change {
        void run() throws IOException;
    }
}
