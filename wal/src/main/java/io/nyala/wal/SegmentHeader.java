package io.nyala.wal;

/**
 * Whose file a segment is. Immutable.
 *
 * @param opening a random number of the epoch, 0 before version 3
 */
record SegmentHeader(long logId, int epoch, int opening, long number, long segmentBytes) {}
