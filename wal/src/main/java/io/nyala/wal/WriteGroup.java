package io.nyala.wal;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Records that are written together, by one transfer. Filled in under the buffer's lock, then the agent's until its
 * memory is free again.
 */
final class WriteGroup {
    /** Where it starts in the buffer, counted over all rounds. */
    long bufferPosition;

    int bytes;

    @Nullable
    Segment segment;

    long filePosition;
    long lastSequence;
    /** Holds a record that is acknowledged only when durable. */
    boolean needsSync;

    // The agent's.
    boolean isDurableWrite;
    boolean isDone;

    Segment segment() {
        return Objects.requireNonNull(segment, "a group that was never closed");
    }
}
