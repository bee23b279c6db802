package io.nyala.wal;

import io.nyala.io.Disk;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The names in a log's directory, and their changes.
 *
 * <pre>{@code
 *   000000000007.wal      segment 7; has a valid header
 *   000000000007.sealed   segment 7; a session of the log ended in it, with a SEAL
 *   000000000007.begun    empty; an epoch began in segment 7, so that one exists, or later ones
 *   000000000003.spare    a file to reuse; what it holds means nothing
 *
 *   (new) -> spare <-> wal -> sealed -> spare
 * }</pre>
 *
 * Other names are left alone. A released segment's directory entry is made durable before anything is written into the
 * file: otherwise a power cut could bring back the old name with the new content. One thread at a time; owns nothing.
 */
final class SegmentFiles {
    private static final Pattern NAME = Pattern.compile("(\\d{12})\\.(wal|sealed|begun|spare)");

    private final Disk disk;
    private final Path directory;
    private final int sparesMax;
    private final LinkedHashSet<Path> spares = new LinkedHashSet<>();
    private final List<Path> begun = new ArrayList<>();
    private long newestBegun;
    private long nextSpare = 1;

    SegmentFiles(Disk disk, Path directory, int sparesMax) {
        this.disk = disk;
        this.directory = directory;
        this.sparesMax = sparesMax;
    }

    /** A file that is named as a segment. */
    record Named(long number, Path path, boolean isSealed) {}

    /** Segments by number; notes all else. */
    List<Named> list() {
        spares.clear();
        begun.clear();
        List<Named> segments = new ArrayList<>();
        for (Path path : disk.list(directory)) {
            Matcher matcher = NAME.matcher(path.getFileName().toString());
            if (!matcher.matches()) {
                continue;
            }
            if (matcher.group(2).equals("spare")) {
                spares.add(path);
                nextSpare = Math.max(nextSpare, Long.parseLong(matcher.group(1)) + 1);
            } else if (matcher.group(2).equals("begun")) {
                begun.add(path);
                newestBegun = Math.max(newestBegun, Long.parseLong(matcher.group(1)));
            } else {
                boolean isSealed = matcher.group(2).equals("sealed");
                segments.add(new Named(Long.parseLong(matcher.group(1)), path, isSealed));
            }
        }
        return segments;
    }

    Path segment(long number) {
        return directory.resolve(String.format("%012d.wal", number));
    }

    Path sealed(long number) {
        return directory.resolve(String.format("%012d.sealed", number));
    }

    /**
     * A name for a spare that no file has. It says nothing of the segment: a spare keeps its name while it is prepared,
     * and a segment of the number that it once had may be released meanwhile.
     */
    Path newSpare() {
        return directory.resolve(String.format("%012d.spare", nextSpare++));
    }

    /** A file to reuse, now the caller's, or null. */
    @Nullable
    Path takeSpare() {
        return spares.isEmpty() ? null : spares.removeFirst();
    }

    /**
     * Deletes the spares of a log that was not closed. A sync of the directory may have failed or never happened, so
     * their old names might come back after a power cut; as long as their contents are left alone, that does no harm.
     */
    void deleteSpares() {
        spares.forEach(disk::delete);
        spares.clear();
    }

    /** Takes a file out of the log; durable when it returns. */
    void recycle(Path path) {
        if (spares.size() < sparesMax) {
            Path spare = newSpare();
            disk.rename(path, spare);
            disk.syncDirectory(directory);
            spares.add(spare);
        } else {
            disk.delete(path);
            disk.syncDirectory(directory);
        }
    }

    /**
     * Makes a prepared file a segment of the log, in place of one of that number if there is; durable when it returns.
     */
    Path admit(Path prepared, long number) {
        Path path = segment(number);
        disk.rename(prepared, path);
        disk.syncDirectory(directory);
        return path;
    }

    /** The newest segment in which an epoch is known to have begun, or 0. */
    long newestBegun() {
        return newestBegun;
    }

    /**
     * Notes that an epoch begins in a segment, whose name is durable: who finds neither that one nor later ones has
     * lost them. Durable when it returns. A file of its own, as a note that comes back after a power cut is still true.
     */
    void begin(long number) {
        Path note = directory.resolve(String.format("%012d.begun", number));
        if (begun.remove(note)) {
            disk.delete(note); // Of a start that failed: it may not be durable, and only a change makes it so.
        }
        disk.create(note).close();
        disk.syncDirectory(directory);
        begun.forEach(disk::delete);
        begun.clear();
    }

    /** Says in the name that a segment ends with a SEAL; durable when it returns. */
    void seal(Segment segment) {
        disk.rename(segment.path, sealed(segment.number));
        disk.syncDirectory(directory);
    }

    /** Where the segments are. */
    Path directory() {
        return directory;
    }
}
