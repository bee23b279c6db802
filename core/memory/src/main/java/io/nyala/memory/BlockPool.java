package io.nyala.memory;

import java.util.BitSet;

/**
 * Shares out a set of 2 MiB blocks: as runs of whole blocks, or split into slots of one size each. A block whose last
 * slot comes back is free again, for any size.
 *
 * <p>Slots and single blocks come from the lowest address that has room, runs of several from the highest, so that
 * small pieces gather at one end and do not cut up the other. Everything depends only on the order of the calls.
 *
 * <p>Not thread-safe: the budget's lock guards it.
 */
final class BlockPool {
    static final long BLOCK_BYTES = PageSource.REGION_BYTES;
    static final long SLOT_BYTES_MIN = 16 << 10;
    static final long NONE = -1;

    private static final int SLOTS_MAX = (int) (BLOCK_BYTES / SLOT_BYTES_MIN);
    private static final int WORDS = SLOTS_MAX / Long.SIZE;
    private static final int SIZES = Long.numberOfTrailingZeros(SLOTS_MAX);

    static {
        Check.that(WORDS == 2 && SIZES == 7, "a block is split into at most 128 slots, in 7 sizes");
    }

    private final BitSet free = new BitSet();
    private final BitSet[] partial = new BitSet[SIZES]; // By size: split blocks that have a free slot.
    private final long[] slots; // Two words a block, shared by all pools: which slots are out.

    BlockPool(long[] slots) {
        this.slots = slots;
        for (int i = 0; i < SIZES; i++) {
            partial[i] = new BitSet();
        }
    }

    /** The table of slots for blocks {@code 0..blocks}, for all pools that share these blocks. */
    static long[] slotTable(int blocks) {
        return new long[Math.multiplyExact(blocks, WORDS)];
    }

    /** What a demand for {@code bytes} really takes. */
    static long roundUp(long bytes) {
        if (bytes <= SLOT_BYTES_MIN) {
            return SLOT_BYTES_MIN;
        }
        if (bytes <= BLOCK_BYTES) {
            return Long.highestOneBit(bytes - 1) << 1;
        }
        return (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    }

    void addBlocks(int first, int count) {
        free.set(first, first + count);
    }

    int freeBlocks() {
        return free.cardinality();
    }

    /** Moves free blocks to another pool: adjacent ones if there are, so that the other can give out runs. */
    void moveBlocks(BlockPool target, int count) {
        assert count <= freeBlocks() : count + " of " + freeBlocks();
        int first = findRun(count);
        if (first >= 0) {
            free.clear(first, first + count);
            target.free.set(first, first + count);
            return;
        }
        for (int i = 0; i < count; i++) {
            int block = free.previousSetBit(free.length());
            free.clear(block);
            target.free.set(block);
        }
    }

    /** Offset of {@code bytes} (as {@link #roundUp} answers them), or {@link #NONE}. */
    long take(long bytes) {
        assert bytes == roundUp(bytes) : "not a size: " + bytes;
        if (bytes < BLOCK_BYTES) {
            return takeSlot(bytes);
        }
        int count = Math.toIntExact(bytes / BLOCK_BYTES);
        int first = count == 1 ? free.nextSetBit(0) : findRun(count);
        if (first < 0) {
            return NONE;
        }
        free.clear(first, first + count);
        return first * BLOCK_BYTES;
    }

    void giveBack(long offset, long bytes) {
        assert bytes == roundUp(bytes) : "not a size: " + bytes;
        int block = Math.toIntExact(offset / BLOCK_BYTES);
        if (bytes < BLOCK_BYTES) {
            giveBackSlot(block, offset % BLOCK_BYTES, bytes);
            return;
        }
        int end = block + Math.toIntExact(bytes / BLOCK_BYTES);
        assert free.get(block, end).isEmpty() : "freed twice: block " + block;
        free.set(block, end);
    }

    private long takeSlot(long bytes) {
        BitSet withRoom = partial[sizeIndex(bytes)];
        int block = withRoom.nextSetBit(0);
        if (block < 0) {
            block = free.nextSetBit(0);
            if (block < 0) {
                return NONE;
            }
            free.clear(block);
            withRoom.set(block);
        }
        int count = (int) (BLOCK_BYTES / bytes);
        int word = block * WORDS;
        if (slots[word] == -1L) {
            word++;
        }
        int slot = (word - block * WORDS) * Long.SIZE + Long.numberOfTrailingZeros(~slots[word]);
        assert slot < count : "a full block was thought to have room: " + block;
        slots[word] |= 1L << slot;
        if (slotsOut(block) == count) {
            withRoom.clear(block);
        }
        return block * BLOCK_BYTES + slot * bytes;
    }

    private void giveBackSlot(int block, long offsetInBlock, long bytes) {
        int slot = (int) (offsetInBlock / bytes);
        int word = block * WORDS + slot / Long.SIZE;
        assert offsetInBlock % bytes == 0 && (slots[word] & 1L << slot) != 0 : "slot " + slot + " was not out";
        slots[word] &= ~(1L << slot);
        boolean empty = slotsOut(block) == 0;
        partial[sizeIndex(bytes)].set(block, !empty);
        free.set(block, empty);
    }

    private int slotsOut(int block) {
        return Long.bitCount(slots[block * WORDS]) + Long.bitCount(slots[block * WORDS + 1]);
    }

    private static int sizeIndex(long bytes) {
        return Long.numberOfTrailingZeros(bytes / SLOT_BYTES_MIN);
    }

    /** First block of the highest run of {@code count} free blocks, or -1. */
    private int findRun(int count) {
        int last = free.previousSetBit(free.length());
        while (last >= 0) {
            int before = free.previousClearBit(last);
            if (last - before >= count) {
                return last - count + 1;
            }
            last = before < 0 ? -1 : free.previousSetBit(before);
        }
        return -1;
    }
}
