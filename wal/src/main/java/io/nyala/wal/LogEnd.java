package io.nyala.wal;

/**
 * Where a log that was read ends, and a new epoch goes on. Immutable.
 *
 * @param lastSequence of the last record, 0 if there is none
 * @param lastCrc of the last record
 * @param position in the last segment, behind the last write or where it was torn; 0 if there is no record
 * @param lastSegment number of the segment that holds the last record; one less than the first to write if there is
 *     none
 * @param oldestSegment number of the oldest segment that is needed
 */
record LogEnd(long lastSequence, int lastCrc, long position, long lastSegment, long oldestSegment) {}
