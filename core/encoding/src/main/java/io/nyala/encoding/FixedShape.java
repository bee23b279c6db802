package io.nyala.encoding;

import java.lang.foreign.MemorySegment;

/**
 * What the encoder needs to know of a vector of fixed cells to choose: smallest and largest as signed integers, runs,
 * and on demand the distinct values.
 *
 * <p>A reusable part of {@link EncoderScratch}, for one thread.
 */
final class FixedShape {
    private final EncoderScratch scratch;
    private final int[] runStarts = new int[VectorFormat.VALUES_MAX];

    private MemorySegment values = MemorySegment.NULL;
    private long valuesOffset;
    private int cellBytes;
    private int count;
    private int runCount;
    private long min;
    private long max;
    private long leastStep;
    private long mostStep;

    FixedShape(EncoderScratch scratch) {
        this.scratch = scratch;
    }

    void take(MemorySegment values, long valuesOffset, int cellBytes, int count) {
        this.values = values;
        this.valuesOffset = valuesOffset;
        this.cellBytes = cellBytes;
        this.count = count;
        if (cellBytes == 16) {
            takeWide();
        } else {
            takeNarrow();
        }
    }

    private void takeNarrow() {
        long least = Long.MAX_VALUE;
        long most = Long.MIN_VALUE;
        long shortest = Long.MAX_VALUE;
        long longest = Long.MIN_VALUE;
        long previous = 0;
        int runs = 0;
        for (int i = 0; i < count; i++) {
            long value = Cells.signed(values, offset(i), cellBytes);
            least = Math.min(least, value);
            most = Math.max(most, value);
            if (i == 0) {
                runStarts[runs++] = i;
            } else {
                long step = value - previous;
                shortest = Math.min(shortest, step);
                longest = Math.max(longest, step);
                if (step != 0) {
                    runStarts[runs++] = i;
                }
            }
            previous = value;
        }
        min = least;
        max = most;
        leastStep = shortest;
        mostStep = longest;
        runCount = runs;
    }

    private void takeWide() {
        int runs = 0;
        for (int i = 0; i < count; i++) {
            if (i == 0 || !Cells.equal(values, offset(i), offset(i - 1), cellBytes)) {
                runStarts[runs++] = i;
            }
        }
        runCount = runs;
    }

    /**
     * Collects distinct values in {@link EncoderScratch#distinct} and the code of each row at {@link
     * EncoderScratch#CODES}. False if there are more than {@code limit}, or if {@code thorough} is not set and there
     * seem to be.
     */
    boolean findDistinct(int limit, boolean thorough) {
        DistinctTable table = scratch.distinct;
        table.clear();
        for (int run = 0; run < runCount; run++) {
            int code = code(table, runStarts[run]);
            if (table.count() > limit || (!thorough && table.looksHopeless(run + 1))) {
                return false;
            }
            int end = run + 1 < runCount ? runStarts[run + 1] : count;
            long at = EncoderScratch.CODES + runStarts[run] * 4L;
            Cells.fill(code, Integer.BYTES, scratch.segment(), at, end - runStarts[run]);
        }
        return true;
    }

    private int code(DistinctTable table, int row) {
        int slot = DistinctTable.slot(hash(row));
        while (table.code(slot) >= 0) {
            int code = table.code(slot);
            if (Cells.equal(values, offset(table.rows()[code]), offset(row), cellBytes)) {
                return code;
            }
            slot = DistinctTable.next(slot);
        }
        return table.add(slot, row);
    }

    private long hash(int row) {
        if (cellBytes == 16) {
            long high = values.get(Cells.LONG, offset(row) + 8);
            return values.get(Cells.LONG, offset(row)) ^ high * 0xC2B2_AE3D_27D4_EB4FL;
        }
        return Cells.signed(values, offset(row), cellBytes);
    }

    MemorySegment values() {
        return values;
    }

    /** Where cell {@code row} is in {@link #values}. */
    long offset(int row) {
        return valuesOffset + (long) row * cellBytes;
    }

    int cellBytes() {
        return cellBytes;
    }

    int count() {
        return count;
    }

    int runCount() {
        return runCount;
    }

    /** Where each of the {@link #runCount} runs starts. */
    int[] runStarts() {
        return runStarts;
    }

    /** The smallest, as a signed integer; nothing for cells of 16 bytes. */
    long min() {
        return min;
    }

    /** Bits of the largest distance from the smallest. */
    int width() {
        return PackedInts.width(max - min);
    }

    /** The smallest difference of a value from the one before; wraps around where {@link #width} is 64. */
    long leastStep() {
        return leastStep;
    }

    /** Bits of the largest distance of a step from the smallest. */
    int stepWidth() {
        return PackedInts.width(mostStep - leastStep);
    }
}
