package io.nyala.wal;

import io.nyala.io.DiskException;
import io.nyala.io.DiskFile;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A segment that is part of the log now. {@code firstSequence} and {@code lastSequence} are set by whoever appends
 * (under the buffer's lock) before the agent is handed the writes that hold these records; all else belongs to the
 * agent.
 */
final class Segment {
    private static final Logger LOG = System.getLogger(Segment.class.getName());

    final long number;
    final Path path;
    final long bytes;
    long firstSequence;
    long lastSequence;

    private @Nullable DiskFile file;

    Segment(long number, Path path, long bytes, @Nullable DiskFile file) {
        this.number = number;
        this.path = path;
        this.bytes = bytes;
        this.file = file;
    }

    DiskFile file() {
        return Objects.requireNonNull(file, "closed");
    }

    /** Of a segment that is complete and durable: if this fails nothing is lost, and the log goes on. */
    void closeDurable() {
        try {
            closeFile();
        } catch (DiskException e) {
            LOG.log(Level.WARNING, "segment " + number + " of the log was not closed cleanly; it is on the disk", e);
        }
    }

    void closeFile() {
        DiskFile open = file;
        if (open != null) {
            file = null;
            open.close();
        }
    }
}
