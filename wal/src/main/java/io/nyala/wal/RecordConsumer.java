package io.nyala.wal;

import java.lang.foreign.MemorySegment;

/** Takes the records that a log gives back, in their order. Called by the thread that replays. */
@FunctionalInterface
public interface RecordConsumer {
    /**
     * One record. Its bytes are valid only during the call.
     *
     * @param sequence greater than that of all records before
     */
    void record(long sequence, MemorySegment memory, long offset, int bytes);
}
