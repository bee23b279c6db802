package io.nyala.wal;

import java.util.List;

/**
 * From where a new epoch starts.
 *
 * @param sequence the next one is greater
 * @param header of the epoch's first segment
 * @param segments kept from before, ascending, without open files
 * @param streams of the last of them; the epoch's own from then on
 * @param needs as far as they are known
 */
record StartPoint(
        LogEnd end,
        long sequence,
        SegmentHeader header,
        SegmentFiles files,
        List<Segment> segments,
        StreamIndex streams,
        StreamNeeds needs) {}
