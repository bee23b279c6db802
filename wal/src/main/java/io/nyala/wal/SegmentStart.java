package io.nyala.wal;

import java.lang.foreign.MemorySegment;

/**
 * The START record of a segment.
 *
 * @param sequence its own
 * @param durableUpTo the log was known to be durable up to this sequence when it was built
 * @param oldestSegment segments from this number on are needed
 * @param continuesAfter last sequence of the segment before
 * @param previousCrc of that record
 * @param previousEnd where in the segment before the log ended
 * @param streamsBefore which streams that segment holds, see {@link StreamIndex#read}
 * @param needs which records were still needed
 */
record SegmentStart(
        long sequence,
        long durableUpTo,
        long oldestSegment,
        long continuesAfter,
        int previousCrc,
        long previousEnd,
        MemorySegment streamsBefore,
        StreamNeeds needs) {}
