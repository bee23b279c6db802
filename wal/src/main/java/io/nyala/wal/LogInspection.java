package io.nyala.wal;

import org.jspecify.annotations.Nullable;

/**
 * What a log that was read from end to end looks like. Immutable.
 *
 * @param segmentCount files, 0 if there is no log
 * @param firstSequence of the oldest record there is, 0 if there is none
 * @param lastSequence of the newest record, 0 if there is none
 * @param wasClosedCleanly it ends with a seal
 * @param tornTail what lies behind the end and was never acknowledged, if something does
 */
public record LogInspection(
        int segmentCount,
        long firstSequence,
        long lastSequence,
        boolean wasClosedCleanly,
        @Nullable TornTail tornTail) {}
