package io.nyala.wal;

import static io.nyala.wal.SegmentFormat.LONG;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import org.agrona.collections.Long2LongHashMap;

/**
 * Which streams a segment holds, each with the last of its records there. Collected while the segment is written or
 * read; stands in the {@link RecordKind#START} of the segment behind it, which is read at each start of the log.
 *
 * <pre>{@code
 *   0          8              16
 *   +----------+---------------+- - -
 *   |  stream  | last sequence |  .. for each stream, in no order
 *   +----------+---------------+- - -
 *      u64          u64
 * }</pre>
 *
 * <p>A segment that holds too many streams, or none, has no entries: then nothing is known of it, and it is read. One
 * thread at a time; allocates only while it meets more streams than ever before.
 */
final class StreamIndex {
    static final int ENTRY_BYTES = 2 * Long.BYTES;

    /** In a segment that has room for them beside the largest payload: 512 KiB, and as many needs. */
    private static final int STREAMS_MAX = 32 << 10;

    /** In smaller ones: what fits, with as many needs, into the one sector that a START takes anyway. */
    private static final int STREAMS_OF_SMALL_MAX =
            (SegmentFormat.HEADER_BYTES - RecordFormat.HEADER_BYTES - RecordFormat.START_PAYLOAD_BYTES)
                    / ENTRY_BYTES
                    / 2;

    private static final long NONE = 0; // No record has this sequence.

    private final RecordStreams streams;
    private final Long2LongHashMap lastSequences = new Long2LongHashMap(NONE);
    private final int streamsMax;
    private boolean isTooLarge;

    /** @param segmentBytes of the segment that will tell of it */
    StreamIndex(RecordStreams streams, long segmentBytes) {
        this.streams = streams;
        this.streamsMax = streamsMax(segmentBytes);
    }

    static int streamsMax(long segmentBytes) {
        return segmentBytes >= 2L * RecordFormat.PAYLOAD_BYTES_MAX ? STREAMS_MAX : STREAMS_OF_SMALL_MAX;
    }

    int streamsMax() {
        return streamsMax;
    }

    /** A new segment begins. */
    void clear() {
        lastSequences.clear();
        isTooLarge = false;
    }

    /** The segment holds this record: its stream. */
    long add(long sequence, MemorySegment memory, long payload, int payloadBytes) {
        long stream = streams.stream(memory, payload, payloadBytes);
        if (!isTooLarge) {
            lastSequences.put(stream, sequence);
            if (lastSequences.size() > streamsMax) {
                lastSequences.clear();
                isTooLarge = true;
            }
        }
        return stream;
    }

    int count() {
        return lastSequences.size();
    }

    void write(MemorySegment memory, long at) {
        write(lastSequences, memory, at);
    }

    static void write(Long2LongHashMap entries, MemorySegment memory, long at) {
        long[] next = {at};
        entries.forEachLong((stream, sequence) -> {
            memory.set(LONG, next[0], stream);
            memory.set(LONG, next[0] + Long.BYTES, sequence);
            next[0] += ENTRY_BYTES;
        });
    }

    /** The entries as they stand in a START, in memory of their own. */
    static MemorySegment read(MemorySegment memory, long at, int count) {
        return MemorySegment.ofArray(
                memory.asSlice(at, (long) count * ENTRY_BYTES).toArray(JAVA_BYTE));
    }

    /** Whether an index says that nothing of its segment is needed. */
    static boolean isUnneeded(MemorySegment entries, StreamNeeds needs) {
        boolean isUnneeded = entries.byteSize() > 0;
        for (long at = 0; at < entries.byteSize() && isUnneeded; at += ENTRY_BYTES) {
            isUnneeded = entries.get(LONG, at + Long.BYTES) < needs.neededFrom(entries.get(LONG, at));
        }
        return isUnneeded;
    }
}
