package io.nyala.simulation;

import io.nyala.io.DiskException.Kind;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** All names of a simulated disk, from the root down. Guarded by the disk's monitor. */
final class FileTree {
    private final Directory root;

    FileTree(Directory root) {
        this.root = root;
    }

    Directory root() {
        return root;
    }

    @Nullable
    Node find(Path path) {
        Node node = root;
        for (Path name : absolute(path)) {
            node = node instanceof Directory directory ? directory.find(name.toString()) : null;
        }
        return node;
    }

    Node node(Call call, Path path) {
        Node node = find(path);
        if (node == null) {
            throw Faults.exception(call, Kind.NOT_FOUND, "no such file or directory: " + path);
        }
        return node;
    }

    Directory directory(Call call, Path path) {
        if (node(call, path) instanceof Directory directory) {
            return directory;
        }
        throw Faults.exception(call, Kind.OTHER, path + " is no directory");
    }

    Directory parent(Call call, Path path) {
        Path parent = absolute(path).getParent();
        return parent == null ? root : directory(call, parent);
    }

    void createDirectories(Call call, Path path) {
        Directory at = root;
        for (Path name : absolute(path)) {
            Node next = at.find(name.toString());
            if (next == null) {
                next = new Directory();
                at.put(name.toString(), next);
            }
            if (!(next instanceof Directory below)) {
                throw Faults.exception(call, Kind.EXISTS, name + " is a file");
            }
            at = below;
        }
    }

    /** What the files that have a name take. */
    long usedBytes() {
        return usedBytes(root);
    }

    static String name(Path path) {
        return String.valueOf(absolute(path).getFileName());
    }

    static Path absolute(Path path) {
        return path.toAbsolutePath().normalize();
    }

    private static long usedBytes(Directory directory) {
        long bytes = 0;
        for (Node node : directory.entries().values()) {
            bytes += switch (node) {
                case Inode inode -> (long) inode.pageCount() * Inode.PAGE_BYTES;
                case Directory below -> usedBytes(below);
            };
        }
        return bytes;
    }
}
