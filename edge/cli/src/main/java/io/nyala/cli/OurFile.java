package io.nyala.cli;

import io.nyala.cfile.CFileDump;
import io.nyala.engine.DirectoryInspection;
import io.nyala.memory.Notes;
import io.nyala.text.Figures;
import io.nyala.wal.PayloadNotes;
import io.nyala.wal.SegmentFormat;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A file of ours as a tool finds it: what kind it is by its first bytes (or its name, if it has no format), and the
 * engine's directory around it, if it lies in one. Immutable.
 *
 * @param path absolute
 * @param root directory of the engine, or null
 */
record OurFile(Path path, Kind kind, @Nullable Path root) {
    private static final int HEAD_BYTES = 4096;

    /** What there is. */
    enum Kind {
        ROWSET("rowset"),
        DELTA("delta file"),
        LOG_SEGMENT("segment of the write-ahead log"),
        STORAGE_SEGMENT("segment of the storage log"),
        COUNTERS("counters"),
        LOCK("lock");

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
        if (directory != null && Files.isDirectory(directory.resolve("storage"))) {
            if (path.endsWith("counters") || path.endsWith("LOCK")) {
                return new OurFile(path, path.endsWith("LOCK") ? Kind.LOCK : Kind.COUNTERS, directory);
            }
        }
        if (root != null && !Files.isDirectory(root.resolve("storage"))) {
            root = null;
        }
        try (DirectoryInspection inspection = DirectoryInspection.of(root == null ? path : root)) {
            MemorySegment head = inspection.read(path, HEAD_BYTES);
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

    /** What there is to say of a file that has no format of ours, and no checksum; null if it has. */
    @Nullable
    String withoutFormat() {
        return switch (kind) {
            case COUNTERS ->
                "what an engine has done since it was opened, for other processes to watch: see `nyala counters "
                        + path.getParent() + "`. Nothing reads it back, and it is made anew at each open";
            case LOCK ->
                "it is locked while an engine has the directory open, and means nothing otherwise. The last to lock it"
                        + " was process " + lockedBy();
            case ROWSET, DELTA, LOG_SEGMENT, STORAGE_SEGMENT -> null;
        };
    }

    private String lockedBy() {
        try {
            return Files.readString(path).strip();
        } catch (IOException e) {
            return "of which it cannot be read: " + e.getMessage();
        }
    }

    /** How the file is shorter than it should be, or its end damaged; null if nothing is known of that. */
    @Nullable
    String cut(DirectoryInspection inspection, MemorySegment whole) {
        boolean isSegment = kind == Kind.LOG_SEGMENT || kind == Kind.STORAGE_SEGMENT;
        long bytes = path.toFile().length();
        long expected =
                isSegment ? SegmentFormat.segmentBytes(whole) : root == null ? -1 : inspection.expectedBytes(path);
        if (expected > bytes) {
            return "it is cut: it ends at byte " + Figures.count(bytes) + ", " + Figures.count(expected)
                    + " bytes were expected";
        }
        if (bytes < HEAD_BYTES || bytes % HEAD_BYTES != 0) {
            return "it is cut, or was never finished: it ends at byte " + Figures.count(bytes)
                    + ", where no file of ours ends";
        }
        boolean isAllRead = bytes == whole.byteSize();
        return isSegment || !isAllRead ? null : DirectoryInspection.footerDefect(path, whole);
    }

    /** Explains all of it. */
    void annotate(DirectoryInspection inspection, MemorySegment whole, boolean hasCatalog, Notes notes) {
        switch (kind) {
            case ROWSET, DELTA -> inspection.annotateRowSet(path, whole, notes);
            case STORAGE_SEGMENT -> SegmentFormat.annotate(whole, DirectoryInspection::annotateEdit, notes);
            case LOG_SEGMENT ->
                SegmentFormat.annotate(whole, hasCatalog ? inspection::annotateRecord : PayloadNotes.RAW, notes);
            case COUNTERS, LOCK -> throw new IllegalStateException(kind.words() + " have no format");
        }
    }
}
