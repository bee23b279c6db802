package io.nyala.wal;

import java.lang.foreign.MemorySegment;

/**
 * Tells which stream a record belongs to: the tablet, say, that it is replayed into. The log notes for each segment
 * which streams it holds, so that segments of which nothing is needed are not read. Called while a record is appended
 * and when it is read, by one thread at a time; must be quick.
 */
@FunctionalInterface
public interface RecordStreams {
    /** Where all records are of one stream. */
    RecordStreams ONE = (_, _, _) -> 0;

    /** Stream of the record with this payload; always the same one. */
    long stream(MemorySegment memory, long payload, int payloadBytes);
}
