package io.nyala.cli;

import io.nyala.cfile.CFileDump;
import io.nyala.engine.DirectoryInspection;
import io.nyala.memory.Notes;
import io.nyala.wal.PayloadNotes;
import io.nyala.wal.SegmentFormat;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A file of ours as a tool finds it: what kind it is by its first bytes, and the engine's directory around it, if it
 * lies in one. Immutable.
 *
 * @param path absolute
 * @param root directory of the engine, or null
 */
record OurFile(Path path, Kind kind, @Nullable Path root) {
    /** What there is. */
    enum Kind {
        ROWSET("rowset"),
        DELTA("delta file"),
        LOG_SEGMENT("segment of the write-ahead log"),
        STORAGE_SEGMENT("segment of the storage log");

        private final String words;

        Kind(String words) {
            this.words = words;
        }

        String words() {
            return words;
        }
    }

    /**
     * Recognizes a file.
     *
     * @throws UsageException if there is none, or it is not ours
     */
    static OurFile recognize(Path named) {
        Path path = named.toAbsolutePath().normalize();
        if (!Files.exists(path)) {
            throw new UsageException("there is no file " + named);
        }
        if (!Files.isRegularFile(path)) {
            throw new UsageException(named + " is not a file; for an engine's directory there is `nyala verify`");
        }
        Path directory = path.getParent();
        Path root = directory == null ? null : directory.getParent();
        if (root != null && !Files.isDirectory(root.resolve("storage"))) {
            root = null;
        }
        try (DirectoryInspection inspection = DirectoryInspection.of(root == null ? path : root)) {
            long bytes = path.toFile().length();
            MemorySegment head = bytes < HEAD_BYTES ? MemorySegment.NULL : inspection.read(path, HEAD_BYTES);
            boolean isStorage = directory != null && directory.endsWith("storage");
            if (CFileDump.isColumnFile(head)) {
                return new OurFile(path, inspection.isDeltaFile(path) ? Kind.DELTA : Kind.ROWSET, root);
            }
            if (SegmentFormat.isSegment(head)) {
                return new OurFile(path, isStorage ? Kind.STORAGE_SEGMENT : Kind.LOG_SEGMENT, root);
            }
        }
        throw new UsageException(
                named + " is none of our files: it begins neither as a rowset or delta file (NYALACF) nor as a segment"
                        + " of a log (NYALAWAL)");
    }

    private static final int HEAD_BYTES = 4096;

    /** Explains all of it. */
    void annotate(DirectoryInspection inspection, MemorySegment whole, boolean hasCatalog, Notes notes) {
        switch (kind) {
            case ROWSET, DELTA -> inspection.annotateRowSet(path, whole, notes);
            case STORAGE_SEGMENT -> SegmentFormat.annotate(whole, DirectoryInspection::annotateEdit, notes);
            case LOG_SEGMENT ->
                SegmentFormat.annotate(whole, hasCatalog ? inspection::annotateRecord : PayloadNotes.RAW, notes);
        }
    }
}
