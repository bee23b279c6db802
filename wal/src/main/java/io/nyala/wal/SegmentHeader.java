package io.nyala.wal;

/** Whose file a segment is. Immutable. */
record SegmentHeader(long logId, int epoch, long number, long segmentBytes) {}
