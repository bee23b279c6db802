package io.nyala.wal;

/** What the log and its agent share. */
record LogParts(
        LogBuffer buffer,
        LogProgress progress,
        Retention retention,
        SegmentPreparer preparer,
        SegmentFiles files,
        SegmentHeader header,
        LogCounters counters) {}
