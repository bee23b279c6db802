package io.nyala.wal;

import io.nyala.io.DiskFile;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A segment that is part of the log now. {@code firstSequence} and {@code lastSequence} are set by whoever appends
 * (under the buffer's lock) before the agent is handed the writes that hold these records; all else belongs to the
 * agent.
 */
final class Segment {
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

    void closeFile() {
        DiskFile open = file;
        if (open != null) {
            file = null;
            open.close();
        }
    }
}
