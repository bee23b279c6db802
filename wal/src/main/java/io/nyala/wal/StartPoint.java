package io.nyala.wal;

import java.util.List;

/**
 * From where a new epoch starts.
 *
 * @param sequence the next one is greater
 * @param header of the epoch's first segment
 * @param segments kept from before, ascending, without open files
 */
record StartPoint(LogEnd end, long sequence, SegmentHeader header, SegmentFiles files, List<Segment> segments) {}
