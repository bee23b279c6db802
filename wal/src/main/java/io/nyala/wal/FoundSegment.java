package io.nyala.wal;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A segment found on disk, whose header is valid. Its sequences are known once it was read, or skipped. One thread. */
final class FoundSegment {
    final Path path;
    final boolean isSealed;
    final SegmentHeader header;

    /** Of its START, or 0 if there is no valid one. */
    long firstSequence;

    /** What the START says; null if there is no valid one. */
    @Nullable
    SegmentStart start;

    /** 0 while unknown. */
    long lastSequence;

    /** Behind the write that holds the last record. */
    long endPosition;

    FoundSegment(SegmentFiles.Named named, SegmentHeader header) {
        this.path = named.path();
        this.isSealed = named.isSealed();
        this.header = header;
    }

    long number() {
        return header.number();
    }
}
