package io.nyala.wal;

import org.jspecify.annotations.Nullable;

/** What a record of the log is for. Only {@link #DATA} is shown to those who replay. */
enum RecordKind {
    /** What a caller appended. */
    DATA(1),
    /**
     * First of each segment: after which record the log goes on, which segment is the oldest one needed, and which
     * streams the segment before holds.
     */
    START(2),
    /** Evidence, written when the log falls idle or before segments are released, that all before it was durable. */
    MARK(3),
    /** Last of a segment: the log goes on in the next one, which therefore must exist. */
    ROLL(4),
    /** Last of a log that was closed cleanly. */
    SEAL(5);

    private static final RecordKind[] ALL = values(); // In the order of their codes.

    private final int code;

    RecordKind(int code) {
        this.code = code;
    }

    /** The byte on disk; 0 is none. */
    int code() {
        return code;
    }

    static @Nullable RecordKind ofCode(int code) {
        return code >= 1 && code <= ALL.length ? ALL[code - 1] : null;
    }
}
