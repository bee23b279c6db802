package io.nyala.engine;

import io.nyala.catalog.TabletEntry;
import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.PageCache;
import io.nyala.diskrowset.DeltaBase;
import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.LookupMemory;
import io.nyala.diskrowset.RowSetFile;
import io.nyala.io.Disk;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryLimitException;
import io.nyala.rows.Schema;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.LiveRowSet;
import io.nyala.tablet.RowSetEntry;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongFunction;

/**
 * The files of rowsets: opened, and at start held against what the storage log knows. Thread-safe; owns nothing.
 */
final class RowSetFiles {
    private static final Logger LOG = System.getLogger(RowSetFiles.class.getName());

    private final PageCache cache;
    private final MemoryAccount memory;
    private final LookupMemory lookups;

    /** {@code memory} pays for what stays in memory of each. */
    RowSetFiles(PageCache cache, MemoryAccount memory, LookupMemory lookups) {
        this.cache = cache;
        this.memory = memory;
        this.lookups = lookups;
    }

    /** What the cache of their pages did and has. */
    PageCache.Statistics cacheStatistics() {
        return cache.statistics();
    }

    /**
     * Opens a rowset for reading.
     *
     * @throws MemoryLimitException if there is no memory for what must stay in memory of it
     */
    DiskRowSet open(RowSetFile file, Schema schema) {
        try {
            return DiskRowSet.open(file, schema, cache, memory, lookups);
        } catch (MemoryLimitException e) {
            throw noMemory(file, "directory and key index of each rowset stay", e);
        }
    }

    /** Opens a delta file of a rowset for reading; throws as {@link #open(RowSetFile, Schema)}. */
    DeltaFile openDeltas(RowSetFile file, DiskRowSet base) {
        try {
            return DeltaFile.open(file, DeltaBase.of(base), cache, memory);
        } catch (MemoryLimitException e) {
            throw noMemory(file, "directory and deletions of each delta file stay", e);
        }
    }

    private MemoryLimitException noMemory(RowSetFile file, String whatStays, MemoryLimitException cause) {
        return new MemoryLimitException(
                String.format(
                        Locale.ROOT,
                        "no memory to open %s: %s in memory, those that are open take %,d bytes, and %,d are set aside"
                                + " for them (metadataBytes). Raise metadataBytes, or memoryBytes for all: %s",
                        file.path(),
                        whatStays,
                        memory.usedBytes(),
                        memory.reservedBytes(),
                        cause.getMessage()),
                cause);
    }

    /**
     * Opens a rowset that the storage log lists, with its delta files.
     *
     * @param changes pays for what will happen to its rows
     * @throws CorruptPageException if a file is damaged, or is not the one that the log means
     */
    LiveRowSet open(LongFunction<RowSetFile> files, RowSetEntry entry, Schema schema, MemoryAccount changes) {
        DiskRowSet base = openBase(files.apply(entry.fileId()), entry, schema);
        List<DeltaFile> deltas = new ArrayList<>();
        try {
            for (DeltaFileEntry delta : entry.deltas()) {
                deltas.add(openDeltas(files.apply(delta.fileId()), delta, base));
            }
            return new LiveRowSet(base, deltas, entry.appliedUpTo(), changes);
        } catch (RuntimeException e) {
            deltas.forEach(DeltaFile::close);
            base.close();
            throw e;
        }
    }

    /** As above, of the file with the rows. */
    DiskRowSet openBase(RowSetFile file, RowSetEntry entry, Schema schema) {
        DiskRowSet rowSet = open(file, schema);
        if (rowSet.rowCount() != entry.rowCount() || rowSet.fileBytes() != entry.fileBytes()) {
            rowSet.close();
            throw new CorruptPageException(
                    file.path(),
                    0,
                    "it has %,d rows in %,d bytes, the storage log says %,d rows in %,d bytes"
                            .formatted(rowSet.rowCount(), rowSet.fileBytes(), entry.rowCount(), entry.fileBytes()));
        }
        return rowSet;
    }

    /** As above, of one of the files that correct it. */
    DeltaFile openDeltas(RowSetFile file, DeltaFileEntry entry, DiskRowSet base) {
        DeltaFile deltas = openDeltas(file, base);
        if (deltas.fileBytes() != entry.fileBytes()
                || deltas.deletedCount() != entry.deletedRowCount()
                || deltas.changeCount() != entry.changeCount()) {
            String found = describe(deltas.changeCount(), deltas.deletedCount(), deltas.fileBytes());
            deltas.close();
            throw new CorruptPageException(
                    file.path(),
                    0,
                    "it has " + found + ", the storage log says "
                            + describe(entry.changeCount(), entry.deletedRowCount(), entry.fileBytes()));
        }
        return deltas;
    }

    private static String describe(long changeCount, long deletedRowCount, long fileBytes) {
        return "%,d changes, %,d of them deletions, in %,d bytes".formatted(changeCount, deletedRowCount, fileBytes);
    }

    /**
     * Deletes files that a crash left without an owner, and sets aside what this host did not make. A name that the
     * storage log has allocated is ours to delete; anything else may be dear to somebody.
     *
     * <p>The directory itself is not synced: a name that comes back after a power cut is dealt with again, and file ids
     * are never used twice.
     */
    static void tidy(Disk disk, DirectoryLayout layout, StorageLog storage) {
        Set<Long> owned = new HashSet<>();
        for (TabletEntry tablet : storage.tablets()) {
            for (RowSetEntry rowSet : tablet.rowSets()) {
                owned.add(rowSet.fileId());
                rowSet.deltas().forEach(delta -> owned.add(delta.fileId()));
            }
        }
        for (Path path : disk.list(layout.rowSets())) {
            Optional<Long> fileId = DirectoryLayout.fileId(path);
            if (fileId.isPresent() && owned.contains(fileId.get())) {
                continue;
            }
            if (fileId.isPresent() && storage.isAllocated(fileId.get())) {
                disk.delete(path);
            } else {
                Path aside = free(disk, layout.quarantine(), path.getFileName().toString());
                disk.rename(path, aside);
                disk.syncDirectory(layout.quarantine());
                LOG.log(Level.WARNING, "{0} is not a file of this engine; it was moved to {1}", path, aside);
            }
        }
    }

    /** A name that no file in quarantine has yet: what was set aside before is as dear. */
    private static Path free(Disk disk, Path directory, String name) {
        Path path = directory.resolve(name);
        for (int i = 2; disk.exists(path); i++) {
            path = directory.resolve(name + "." + i);
        }
        return path;
    }
}
