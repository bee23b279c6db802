package io.nyala.wal;

import static io.nyala.wal.SegmentFormat.LONG;

import java.lang.foreign.MemorySegment;
import org.agrona.collections.Long2LongHashMap;

/**
 * Which records of a log are still needed, up to one of them: of each stream those from a sequence on, of all other
 * streams none. Stands in each {@link RecordKind#START}, so that the next start of the log need not read the rest.
 * Immutable.
 */
public final class StreamNeeds {
    /** Nothing is known: all is needed. */
    static final StreamNeeds UNKNOWN = new Builder(0).build();

    private static final long NONE = 0; // No record has this sequence.

    private final long asOf;
    private final Long2LongHashMap from;

    private StreamNeeds(long asOf, Long2LongHashMap from) {
        this.asOf = asOf;
        this.from = from;
    }

    /** Collects them. One thread. */
    public static final class Builder {
        private final long asOf;
        private final Long2LongHashMap from = new Long2LongHashMap(NONE);

        /** @param asOf of later records nothing is said, so they are needed; at most durable */
        public Builder(long asOf) {
            this.asOf = asOf;
        }

        /** Records of a stream from this one on are needed. */
        public Builder add(long stream, long sequence) {
            if (sequence <= asOf) {
                from.put(stream, Math.max(1, sequence));
            }
            return this;
        }

        public StreamNeeds build() {
            return new StreamNeeds(asOf, from);
        }
    }

    long asOf() {
        return asOf;
    }

    /** First record of a stream that is needed. */
    long neededFrom(long stream) {
        long needed = from.get(stream);
        return needed == NONE ? asOf + 1 : needed;
    }

    /** Records up to this one are needed by nobody. */
    long releasable() {
        long[] least = {asOf};
        from.forEachLong((_, sequence) -> least[0] = Math.min(least[0], sequence - 1));
        return least[0];
    }

    int count() {
        return from.size();
    }

    /** As exact as it can be told with so many streams. */
    StreamNeeds atMost(int streams) {
        return count() <= streams ? this : new Builder(releasable()).build();
    }

    void write(MemorySegment memory, long at) {
        StreamIndex.write(from, memory, at);
    }

    static StreamNeeds read(long asOf, MemorySegment memory, long at, int count) {
        Builder builder = new Builder(asOf);
        for (int i = 0; i < count; i++) {
            long entry = at + (long) i * StreamIndex.ENTRY_BYTES;
            builder.add(memory.get(LONG, entry), memory.get(LONG, entry + Long.BYTES));
        }
        return builder.build();
    }
}
