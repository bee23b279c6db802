package io.nyala.cfile;

import io.nyala.memory.Check;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * Tells in which vector of rows a key is, or would be: of every vector, the shortest byte string that separates it from
 * the one before. The key itself is then searched in the key columns, in place; the file has no second copy of its
 * keys.
 *
 * <pre>{@code
 *   0         4           8           12     16
 *   +---------+-----------+-----------+------+----------------------+--------------- - -+---------+---------+------+
 *   | vectors | min bytes | max bytes | zero | end[vectors]         | separators        | min key | max key | zero |
 *   +---------+-----------+-----------+------+----------------------+--------------- - -+---------+---------+------+
 *      u32        u32         u32       u32    u32                    u8[end[vectors-1]]                      to 8
 * }</pre>
 *
 * {@code end i} is where separator {@code i} ends in {@code separators}. Separator 0 is empty. Separator {@code i} is
 * larger than the last key of vector {@code i - 1} and not larger than the first of vector {@code i}. Keys are encoded
 * so that their unsigned bytes compare as the keys do.
 *
 * <p>Immutable view of memory that somebody else owns; shared by threads.
 */
public final class KeyIndex {
    static final int HEADER_BYTES = 16;

    private final MemorySegment memory;
    private final int vectorCount;
    private final long separators;
    private final long minKey;
    private final int minKeyBytes;
    private final long maxKey;
    private final int maxKeyBytes;

    private KeyIndex(MemorySegment memory) {
        this.memory = memory;
        this.vectorCount = memory.get(Cells.INT, 0);
        this.minKeyBytes = memory.get(Cells.INT, 4);
        this.maxKeyBytes = memory.get(Cells.INT, 8);
        Check.inRange("vectors of the key index", vectorCount, 0, memory.byteSize() / Integer.BYTES);
        this.separators = HEADER_BYTES + (long) vectorCount * Integer.BYTES;
        Check.that(separators <= memory.byteSize(), "the key index must have an end for each vector");
        long previous = 0;
        for (int i = 0; i < vectorCount; i++) {
            long end = end(i);
            Check.inRange("end of a separator", end, previous, memory.byteSize() - separators);
            previous = end;
        }
        this.minKey = separators + previous;
        Check.within("smallest key", minKey, minKeyBytes, memory.byteSize());
        this.maxKey = minKey + minKeyBytes;
        Check.within("largest key", maxKey, maxKeyBytes, memory.byteSize());
        long end = maxKey + maxKeyBytes;
        Check.inRange("bytes of the key index", memory.byteSize(), Cells.pad8(end), Cells.pad8(end));
        Check.that(
                memory.get(Cells.INT, 12) == 0 && Cells.isZero(memory, end, memory.byteSize() - end),
                "the unused part of a key index must be zero");
    }

    /** The index that {@code memory} holds, exactly. */
    static KeyIndex wrap(MemorySegment memory) {
        Check.that(memory.byteSize() >= HEADER_BYTES, "a key index has a header");
        return new KeyIndex(memory);
    }

    private long end(int vector) {
        return vector < 0 ? 0 : memory.get(Cells.INT, HEADER_BYTES + (long) vector * Integer.BYTES) & 0xFFFF_FFFFL;
    }

    /** The only vector that may have the key, or -1 if it is outside of what the file has. */
    public int find(MemorySegment key, long offset, int bytes) {
        if (vectorCount == 0 || compareMin(key, offset, bytes) > 0 || compareMax(key, offset, bytes) < 0) {
            return -1;
        }
        return floor(key, offset, bytes);
    }

    /**
     * The vector in which the first row with this key or a larger one is; if there is none there, it is the first of
     * the next.
     */
    public int floor(MemorySegment key, long offset, int bytes) {
        int low = 0;
        int high = vectorCount - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            long start = separators + end(middle - 1);
            long separatorBytes = separators + end(middle) - start;
            if (Cells.compareBytes(memory, start, separatorBytes, key, offset, bytes) <= 0) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    /** What no key of a vector is below, and all of the one before are: of the first, the smallest key. */
    public byte[] lowest(int vector) {
        if (vector == 0) {
            return minKey();
        }
        long start = end(vector - 1);
        return memory.asSlice(separators + start, end(vector) - start).toArray(Cells.BYTE);
    }

    /** Compares the smallest key with this one. */
    public int compareMin(MemorySegment key, long offset, int bytes) {
        return Cells.compareBytes(memory, minKey, minKeyBytes, key, offset, bytes);
    }

    /** Compares the largest key with this one. */
    public int compareMax(MemorySegment key, long offset, int bytes) {
        return Cells.compareBytes(memory, maxKey, maxKeyBytes, key, offset, bytes);
    }

    public byte[] minKey() {
        return memory.asSlice(minKey, minKeyBytes).toArray(Cells.BYTE);
    }

    public byte[] maxKey() {
        return memory.asSlice(maxKey, maxKeyBytes).toArray(Cells.BYTE);
    }

    public int vectorCount() {
        return vectorCount;
    }

    static void annotate(MemorySegment whole, long offset, long bytes, Notes notes) {
        KeyIndex index = wrap(whole.asSlice(offset, bytes));
        notes.note(offset, 4, "vectors: " + index.vectorCount);
        notes.note(offset + 4, 4, "min bytes: " + index.minKeyBytes);
        notes.note(offset + 8, 4, "max bytes: " + index.maxKeyBytes);
        notes.note(offset + 12, 4, "zero");
        for (int i = 0; i < index.vectorCount; i++) {
            notes.note(offset + HEADER_BYTES + i * 4L, 4, "end " + i + ": " + index.end(i));
        }
        for (int i = 0; i < index.vectorCount; i++) {
            noteUnlessEmpty(
                    offset + index.separators + index.end(i - 1),
                    index.end(i) - index.end(i - 1),
                    "separator " + i,
                    notes);
        }
        noteUnlessEmpty(offset + index.minKey, index.minKeyBytes, "min key", notes);
        noteUnlessEmpty(offset + index.maxKey, index.maxKeyBytes, "max key", notes);
        long end = index.maxKey + index.maxKeyBytes;
        noteUnlessEmpty(offset + end, bytes - end, "zero", notes);
    }

    private static void noteUnlessEmpty(long offset, long bytes, String text, Notes notes) {
        if (bytes > 0) {
            notes.note(offset, (int) bytes, text);
        }
    }
}
