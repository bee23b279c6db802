package io.nyala.engine;

import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where things are in an engine's directory:
 *
 * <pre>{@code
 *   storage/      storage log: catalog, manifests
 *   wal/          write-ahead log
 *   rowsets/      N.rowset, N the file id
 *   quarantine/   files that were found in rowsets/ and that no log knows
 * }</pre>
 */
record DirectoryLayout(Path root) {
    private static final String ROWSET_SUFFIX = ".rowset";

    /** An ext file system has it at its root. */
    private static final String LOST_AND_FOUND = "lost+found";

    private static final int SHOWN_MAX = 3;

    Path storage() {
        return root.resolve("storage");
    }

    Path wal() {
        return root.resolve("wal");
    }

    Path rowSets() {
        return root.resolve("rowsets");
    }

    /** The file of that id, of a rowset or of its changes. */
    Path rowSet(long fileId) {
        return rowSets().resolve(fileId + ROWSET_SUFFIX);
    }

    /** The file id that a path names, if it is the name of a rowset. */
    static Optional<Long> fileId(Path path) {
        String name = path.getFileName().toString();
        if (!name.matches("[1-9][0-9]{0,17}\\Q" + ROWSET_SUFFIX + "\\E")) {
            return Optional.empty();
        }
        return Optional.of(Long.parseLong(name.substring(0, name.length() - ROWSET_SUFFIX.length())));
    }

    Path quarantine() {
        return root.resolve("quarantine");
    }

    /**
     * Makes the root and what is missing above it, durably.
     *
     * @throws EngineOpenException if there is something in it that is not an engine's; nothing is changed then
     */
    void createRoot(Disk disk) {
        checkRoot(disk);
        Deque<Path> missing = new ArrayDeque<>();
        for (Path path = root.toAbsolutePath(); path != null && !disk.exists(path); path = path.getParent()) {
            missing.push(path);
        }
        if (missing.isEmpty() && !disk.exists(storage())) {
            missing.push(root.toAbsolutePath()); // Perhaps from a process that ended before it was durable.
        }
        for (Path path : missing) {
            make(disk, List.of(path), path.getParent());
        }
    }

    /** A directory of somebody's is not filled with ours because of a slip in a path. */
    private void checkRoot(Disk disk) {
        if (!disk.exists(root) || disk.exists(storage())) {
            return; // An engine's, though it may have lost something.
        }
        refuseToForget(disk);
        List<String> strange = disk.list(root).stream()
                .filter(path -> !isHarmless(disk, path))
                .map(path -> path.getFileName().toString())
                .toList();
        if (!strange.isEmpty()) {
            throw new EngineOpenException(root + " is not empty, and no engine's directory: it has no storage/ but "
                    + String.join(", ", strange.subList(0, Math.min(SHOWN_MAX, strange.size())))
                    + (strange.size() > SHOWN_MAX ? " and " + (strange.size() - SHOWN_MAX) + " more" : "")
                    + ". Name a directory that is empty or missing, or the one that has the tables");
        }
    }

    /**
     * The storage log is the first thing that a host makes: a directory that has none, but other files, has lost it.
     *
     * @throws EngineOpenException if so
     */
    void refuseToForget(Disk disk) {
        for (Path directory : List.of(wal(), rowSets())) {
            if (!isEmpty(disk, directory)) {
                throw new EngineOpenException("the storage log in " + storage() + " is missing, but there are files in "
                        + directory + "; put its files back, restore a backup, or name another directory if these are"
                        + " not of an engine");
            }
        }
    }

    /** Of the file system, or of a start that did not get far. */
    private boolean isHarmless(Disk disk, Path path) {
        boolean isOurs = path.equals(wal()) || path.equals(rowSets()) || path.equals(quarantine());
        return path.endsWith(LOST_AND_FOUND) || (isOurs && isEmpty(disk, path));
    }

    private static boolean isEmpty(Disk disk, Path directory) {
        return !disk.exists(directory) || disk.list(directory).isEmpty();
    }

    /** Makes the directories below the root, durably. The root is locked. */
    void create(Disk disk) {
        make(disk, List.of(storage(), wal(), rowSets(), quarantine()), root);
    }

    /**
     * The parent is synced even if nothing was missing, because the process that made it may have ended before its
     * sync. If that fails, what was made is taken back: a later sync might not make it durable, and everything in it
     * would go with it.
     */
    private static void make(Disk disk, List<Path> directories, @Nullable Path parent) {
        List<Path> made = new ArrayList<>();
        for (Path directory : directories) {
            if (!disk.exists(directory)) {
                disk.createDirectories(directory);
                made.add(directory);
            }
        }
        try {
            if (parent != null) {
                disk.syncDirectory(parent);
            }
        } catch (DiskException e) {
            for (Path directory : made) {
                try {
                    disk.delete(directory);
                } catch (DiskException deletion) {
                    e.addSuppressed(deletion);
                }
            }
            throw e;
        }
    }
}
