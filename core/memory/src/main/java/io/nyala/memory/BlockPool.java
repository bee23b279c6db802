package io.nyala.memory;

import java.util.BitSet;

/**
 * Shares out a set of 2 MiB blocks: as runs of whole blocks, or split into slots, whose sizes are powers of two of 16
 * KiB units. Slots of all sizes share blocks, each at a multiple of its size: a small reservation is not used up by one
 * slot of each size. A block whose last slot comes back is free again, for any size. A slot of one unit may itself be
 * split, into quarters and halves; it comes back with the last of them.
 *
 * <pre>{@code
 *   block     | 16K | 16K |    32K    |          64K          |     free: 128K, for one slot or several ...
 *   units        1     1     1     1     1     1     1     1     0     0     0     0     0     0     0     0
 *   quarters   0011  0000  0000  0000  ...
 *                ^-- two of 4 KiB, or one of 8, are out of a unit that is split
 * }</pre>
 *
 * <p>A slot comes from the tightest room that there is, so that wide rooms stay for wide slots; among those, and for
 * single blocks, from the lowest address. Runs of several blocks come from the highest, so that small pieces gather at
 * one end and do not cut up the other. Everything depends only on the order of the calls.
 *
 * <p>Not thread-safe: the budget's lock guards it.
 */
final class BlockPool {
    static final long BLOCK_BYTES = PageSource.REGION_BYTES;
    static final long UNIT_BYTES = 16 << 10;
    static final long SLOT_BYTES_MIN = UNIT_BYTES / 4;
    static final long NONE = -1;

    private static final int SLOTS_MAX = (int) (BLOCK_BYTES / UNIT_BYTES);
    private static final int WORDS = SLOTS_MAX / Long.SIZE;

    // Of a unit: as many bits, and those that a pair may begin with.
    private static final int QUARTERS = 4;
    private static final int ALL_QUARTERS = 0b1111;
    private static final int PAIRS = 0b0101;
    private static final int NIBBLES = Long.SIZE / QUARTERS;

    /** Of the table, for a block: its units, and behind them the quarters of each. */
    private static final int TABLE_WORDS = WORDS + SLOTS_MAX / NIBBLES;

    private static final int SIZES = Long.numberOfTrailingZeros(SLOTS_MAX);

    static {
        Check.that(WORDS == 2 && SIZES == 7, "a block is split into at most 128 slots, in 7 sizes");
        Check.that(1 << (SIZES - 1) == Long.SIZE, "the widest slot is a word of units");
        Check.that(UNIT_BYTES / SLOT_BYTES_MIN == QUARTERS, "a unit is split into quarters");
    }

    /** By size: units at which a slot may begin. */
    private static final long[] ALIGNED = {
        -1L,
        0x5555_5555_5555_5555L,
        0x1111_1111_1111_1111L,
        0x0101_0101_0101_0101L,
        0x0001_0001_0001_0001L,
        0x0000_0001_0000_0001L,
        1L
    };

    private final BitSet free = new BitSet();
    private final BitSet[] rooms =
            new BitSet[SIZES]; // By size: split blocks that have room for one slot, and no wider.
    private final BitSet roomsForPairs = new BitSet(); // Units that are split, and have a half free.
    private final BitSet roomsForOne = new BitSet(); // Those that have a quarter free, and no half.
    private final long[] units; // TABLE_WORDS a block, shared by all pools: which units, and quarters, are out.

    BlockPool(long[] units) {
        this.units = units;
        for (int i = 0; i < SIZES; i++) {
            rooms[i] = new BitSet();
        }
    }

    /** The table of units for blocks {@code 0..blocks}, for all pools that share these blocks. */
    static long[] unitTable(int blocks) {
        return new long[Math.multiplyExact(blocks, TABLE_WORDS)];
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

    /** Whether so many bytes are there in whole blocks, side by side. */
    boolean hasRun(long bytes) {
        return findRun(Math.toIntExact((bytes + BLOCK_BYTES - 1) / BLOCK_BYTES)) >= 0;
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
        if (bytes < UNIT_BYTES) {
            return takeOfUnit(bytes);
        }
        int size = sizeIndex(bytes);
        int block = -1;
        for (int room = size; room < SIZES && block < 0; room++) {
            block = rooms[room].nextSetBit(0);
        }
        if (block < 0) {
            block = free.nextSetBit(0);
            if (block < 0) {
                return NONE;
            }
        }
        int unit = tightestRoom(block, size);
        units[block * TABLE_WORDS + unit / Long.SIZE] |= mask(unit, size);
        sort(block);
        return block * BLOCK_BYTES + unit * UNIT_BYTES;
    }

    /** One quarter of a unit, or two. */
    private long takeOfUnit(long bytes) {
        boolean isPair = bytes > SLOT_BYTES_MIN;
        int unit = isPair ? -1 : roomsForOne.nextSetBit(0);
        if (unit < 0) {
            unit = roomsForPairs.nextSetBit(0);
        }
        if (unit < 0) {
            long whole = takeSlot(UNIT_BYTES);
            if (whole == NONE) {
                return NONE;
            }
            unit = Math.toIntExact(whole / UNIT_BYTES);
        }
        int free = ALL_QUARTERS & ~quarters(unit);
        int pairs = free & free >>> 1 & PAIRS;
        int single = free & ~(pairs | pairs << 1);
        int first = Integer.numberOfTrailingZeros(isPair ? pairs : single != 0 ? single : free);
        setQuarters(unit, quarters(unit) | (isPair ? 0b11 : 1) << first);
        return unit * UNIT_BYTES + first * SLOT_BYTES_MIN;
    }

    private void giveBackOfUnit(int unit, long offsetInUnit, long bytes) {
        int mask = (bytes > SLOT_BYTES_MIN ? 0b11 : 1) << (int) (offsetInUnit / SLOT_BYTES_MIN);
        int inUse = quarters(unit);
        assert offsetInUnit % bytes == 0 && (inUse & mask) == mask
                : "a slot at " + offsetInUnit + " of unit " + unit + " was not out";
        setQuarters(unit, inUse & ~mask);
        if (inUse == mask) {
            roomsForPairs.clear(unit);
            giveBackSlot(unit / SLOTS_MAX, unit % SLOTS_MAX * UNIT_BYTES, UNIT_BYTES);
        }
    }

    private int quarters(int unit) {
        return (int) (units[quartersWord(unit)] >>> (QUARTERS * (unit % NIBBLES))) & ALL_QUARTERS;
    }

    private void setQuarters(int unit, int inUse) {
        int word = quartersWord(unit);
        int shift = QUARTERS * (unit % NIBBLES);
        units[word] = (units[word] & ~((long) ALL_QUARTERS << shift)) | ((long) inUse << shift);
        int free = ALL_QUARTERS & ~inUse;
        boolean hasPair = (free & free >>> 1 & PAIRS) != 0;
        roomsForPairs.set(unit, hasPair);
        roomsForOne.set(unit, free != 0 && !hasPair);
    }

    private static int quartersWord(int unit) {
        return unit / SLOTS_MAX * TABLE_WORDS + WORDS + unit % SLOTS_MAX / NIBBLES;
    }

    private void giveBackSlot(int block, long offsetInBlock, long bytes) {
        int unit = (int) (offsetInBlock / UNIT_BYTES);
        if (bytes < UNIT_BYTES) {
            giveBackOfUnit(block * SLOTS_MAX + unit, offsetInBlock % UNIT_BYTES, bytes);
            return;
        }
        int word = block * TABLE_WORDS + unit / Long.SIZE;
        long mask = mask(unit, sizeIndex(bytes));
        assert offsetInBlock % bytes == 0 && (units[word] & mask) == mask
                : "a slot at " + offsetInBlock + " was not out";
        units[word] &= ~mask;
        sort(block);
    }

    /** The units of a slot, in their word. */
    private static long mask(int firstUnit, int size) {
        return -1L >>> (Long.SIZE - (1 << size)) << firstUnit % Long.SIZE;
    }

    /** The first unit of a room for a slot that is part of no wider room, if there is one, else of the least wide. */
    private int tightestRoom(int block, int size) {
        for (int room = size; room < SIZES; room++) {
            for (int word = 0; word < WORDS; word++) {
                long inUse = units[block * TABLE_WORDS + word];
                long firsts = firstUnits(~inUse, room);
                if (room + 1 < SIZES) {
                    long wider = firstUnits(~inUse, room + 1);
                    firsts &= ~(wider | wider << (1 << room));
                }
                if (firsts != 0) {
                    return word * Long.SIZE + Long.numberOfTrailingZeros(firsts);
                }
            }
        }
        throw new AssertionError("a block was thought to have room: " + block);
    }

    /** Where slots of a size would fit into a word of units. */
    private static long firstUnits(long freeUnits, int size) {
        long firsts = freeUnits;
        for (int i = 0; i < size; i++) {
            firsts &= firsts >>> (1 << i);
        }
        return firsts & ALIGNED[size];
    }

    /** Puts a block where its room says that it belongs. */
    private void sort(int block) {
        long low = units[block * TABLE_WORDS];
        long high = units[block * TABLE_WORDS + 1];
        boolean isFree = (low | high) == 0;
        free.set(block, isFree);
        boolean isSorted = isFree;
        for (int room = SIZES - 1; room >= 0; room--) {
            boolean fits = !isSorted && (firstUnits(~low, room) | firstUnits(~high, room)) != 0;
            rooms[room].set(block, fits);
            isSorted |= fits;
        }
    }

    private static int sizeIndex(long bytes) {
        return Long.numberOfTrailingZeros(bytes / UNIT_BYTES);
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
