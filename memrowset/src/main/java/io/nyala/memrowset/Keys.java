package io.nyala.memrowset;

import io.nyala.rows.KeyCodec;
import java.lang.foreign.MemorySegment;

/** Encoded keys as the tree compares them. Pure functions. */
final class Keys {
    private Keys() {}

    /** The first 8 bytes as a signed number that orders as the bytes do; what is missing counts as zero. */
    static long prefix(MemorySegment memory, long key, int keyBytes) {
        return KeyCodec.prefix(memory, key, keyBytes) ^ Long.MIN_VALUE;
    }

    /** Compares a key with that of a row. */
    static int compare(MemorySegment keyMemory, long key, int keyBytes, MemorySegment memory, long row) {
        return KeyCodec.compare(
                keyMemory, key, keyBytes, memory, RowHeader.keyOffset(row), RowHeader.keyBytes(memory, row));
    }
}
