package io.nyala.memory;

import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/**
 * The checksum of every format: CRC32C (Castagnoli), as the processor computes it, over ranges of a segment. A range
 * may be checksummed in parts: {@code of(ab) == update(of(a), b)}.
 *
 * <p>Stateless and thread-safe. The objects made inside do not escape, so compiled code allocates nothing.
 */
public final class Crc32c {
    /** The checksum of no bytes. */
    public static final int EMPTY = 0;

    private static final int POLYNOMIAL = 0x82F6_3B78; // Castagnoli, lowest bit first.

    /** By the highest byte of a state: what one byte backwards has to take away. A constant table. */
    private static final int[] BACKWARDS = backwardsTable();

    private Crc32c() {}

    /** Checksum of {@code bytes} bytes from {@code offset}. */
    public static int of(MemorySegment segment, long offset, long bytes) {
        var crc = new CRC32C();
        crc.update(segment.asSlice(offset, bytes).asByteBuffer());
        return (int) crc.getValue();
    }

    /** Checksum of some bytes whose checksum is {@code crc}, followed by these. */
    public static int update(int crc, MemorySegment segment, long offset, long bytes) {
        // The JDK's class cannot start from a given value. But four bytes lead to any state there is: we find those
        // that lead to the
        // state of crc by going 32 bits backwards from it, and begin with them.
        int state = ~crc;
        for (int i = 0; i < Integer.BYTES; i++) {
            state = (state << 8) ^ BACKWARDS[state >>> 24];
        }
        int prefix = ~state;
        var sum = new CRC32C();
        sum.update(prefix);
        sum.update(prefix >>> 8);
        sum.update(prefix >>> 16);
        sum.update(prefix >>> 24);
        sum.update(segment.asSlice(offset, bytes).asByteBuffer());
        return (int) sum.getValue();
    }

    private static int[] backwardsTable() {
        var table = new int[256];
        for (int i = 0; i < table.length; i++) {
            int state = i << 24;
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                state = state < 0 ? ((state ^ POLYNOMIAL) << 1) | 1 : state << 1;
            }
            table[i] = state;
        }
        return table;
    }
}
