package io.nyala.cfile;

import io.nyala.memory.Check;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * Tells for most keys that a file does not have them, without reading a page: a Bloom filter whose bits for one key all
 * lie in one block of 32 bytes (Putze, Sanders, Singler 2007), so that a probe costs one cache miss.
 *
 * <pre>{@code
 *   0         4        8                    32         64
 *   +---------+--------+--------------------+----------+----------+-- - -
 *   | version | blocks |        zero        | block 0  | block 1  |
 *   +---------+--------+--------------------+----------+----------+-- - -
 *      u32       u32         u8[24]           u32[8]     u32[8]
 * }</pre>
 *
 * With {@code hash} the {@link KeyHash} of a key: its block is {@code (hash >>> 32) * blocks >>> 32}, and word {@code
 * i} of the block has bit {@code (int) hash * SALT[i] >>> 27} set. 16 bits per key give about 1 false positive in 700;
 * the test demands less than 1 in 100.
 *
 * <p>Immutable view of memory that somebody else owns; shared by threads.
 */
public final class KeyFilter {
    static final int VERSION = 1;

    /** False positives are a page read each; at 16 bits about 0.15 %. */
    static final int BITS_PER_KEY = 16;

    /** 16 million keys at full rate, far beyond what a rowset of 32 MiB has; more keys make it weaker, not larger. */
    static final int BLOCKS_MAX = 1 << 20;

    static final int BLOCK_BYTES = 32;
    static final int HEADER_BYTES = 32;

    private static final int WORDS = BLOCK_BYTES / Integer.BYTES;

    /** Odd numbers, the ones of Impala, Kudu and Parquet. */
    private static final int[] SALT = {
        0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31
    };

    private final MemorySegment memory;
    private final int blockCount;

    private KeyFilter(MemorySegment memory, int blockCount) {
        this.memory = memory;
        this.blockCount = blockCount;
    }

    /** Blocks for so many keys. */
    static int blockCount(long keyCount) {
        long bits = Math.max(1, keyCount) * BITS_PER_KEY;
        return (int) Math.min(BLOCKS_MAX, (bits + BLOCK_BYTES * 8 - 1) / (BLOCK_BYTES * 8));
    }

    static long bytes(int blockCount) {
        return HEADER_BYTES + (long) blockCount * BLOCK_BYTES;
    }

    /** Starts an empty filter in {@code memory}, which has {@link #bytes} of {@code blockCount}. */
    static KeyFilter create(MemorySegment memory, int blockCount) {
        assert memory.byteSize() == bytes(blockCount) : memory.byteSize() + " for " + blockCount;
        memory.fill((byte) 0);
        memory.set(Cells.INT, 0, VERSION);
        memory.set(Cells.INT, 4, blockCount);
        return new KeyFilter(memory, blockCount);
    }

    /** The filter that {@code memory} holds, exactly. */
    static KeyFilter wrap(MemorySegment memory) {
        Check.that(memory.byteSize() > HEADER_BYTES, "a filter has at least one block");
        int version = memory.get(Cells.INT, 0);
        int blockCount = memory.get(Cells.INT, 4);
        Check.inRange("version of the key filter", version, VERSION, VERSION);
        Check.inRange("blocks of the key filter", blockCount, 1, BLOCKS_MAX);
        Check.inRange("bytes of the key filter", memory.byteSize(), bytes(blockCount), bytes(blockCount));
        Check.that(Cells.isZero(memory, 8, HEADER_BYTES - 8), "the unused part of a key filter must be zero");
        return new KeyFilter(memory, blockCount);
    }

    void add(long hash) {
        long block = block(hash);
        for (int i = 0; i < WORDS; i++) {
            long word = block + (long) i * Integer.BYTES;
            memory.set(Cells.INT, word, memory.get(Cells.INT, word) | 1 << (((int) hash * SALT[i]) >>> 27));
        }
    }

    /** False if the file surely does not have the key. */
    public boolean mayContain(MemorySegment key, long offset, int bytes) {
        return mayContain(KeyHash.of(key, offset, bytes));
    }

    boolean mayContain(long hash) {
        long block = block(hash);
        int missing = 0;
        for (int i = 0; i < WORDS; i++) {
            int bit = 1 << (((int) hash * SALT[i]) >>> 27);
            missing |= ~memory.get(Cells.INT, block + (long) i * Integer.BYTES) & bit;
        }
        return missing == 0;
    }

    private long block(long hash) {
        return HEADER_BYTES + (((hash >>> 32) * blockCount) >>> 32) * BLOCK_BYTES;
    }

    static void annotate(MemorySegment memory, long offset, Notes notes) {
        int blocks = memory.get(Cells.INT, offset + 4);
        notes.note(offset, 4, "version: " + memory.get(Cells.INT, offset));
        notes.note(offset + 4, 4, "blocks: " + blocks);
        notes.note(offset + 8, HEADER_BYTES - 8, "zero");
        for (int i = 0; i < blocks; i++) {
            notes.note(offset + HEADER_BYTES + (long) i * BLOCK_BYTES, BLOCK_BYTES, "block " + i);
        }
    }
}
