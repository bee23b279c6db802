package io.nyala.encoding;

import java.lang.foreign.MemorySegment;

/**
 * What the encoder needs to know of a vector of byte strings to choose: lengths, runs, and on demand the distinct
 * values.
 *
 * <p>A reusable part of {@link EncoderScratch}, for one thread.
 */
final class BinaryShape {
    private final EncoderScratch scratch;
    private final int[] runStarts = new int[VectorFormat.VALUES_MAX];
    private final int[] shared = new int[VectorFormat.VALUES_MAX];
    private final StringShape all = new StringShape();
    private final StringShape runs = new StringShape();
    private final StringShape entries = new StringShape();

    private FlatBinary source = new FlatBinary();
    private int count;
    private long sharedBytes;

    BinaryShape(EncoderScratch scratch) {
        this.scratch = scratch;
    }

    void take(FlatBinary source, int count) {
        this.source = source;
        this.count = count;
        all.ofAll(source, count);
        int runCount = 0;
        long sum = 0;
        for (int i = 0; i < count; i++) {
            shared[i] = i == 0 ? 0 : sharedWithTheOneBefore(i);
            if (i == 0 || shared[i] < source.bytes(i) || shared[i] < source.bytes(i - 1)) {
                runStarts[runCount++] = i;
            }
            sum += shared[i];
        }
        sharedBytes = sum;
        runs.ofRows(source, runStarts, runCount);
    }

    private int sharedWithTheOneBefore(int row) {
        MemorySegment bytes = source.bytes();
        long start = source.start(row);
        long before = source.start(row - 1);
        int most = Math.min(source.bytes(row), source.bytes(row - 1));
        for (int i = 0; i < most; i += Long.BYTES) { // The last word may reach into the padding.
            long difference = bytes.get(Cells.LONG, start + i) ^ bytes.get(Cells.LONG, before + i);
            if (difference != 0) {
                return Math.min(most, i + Long.numberOfTrailingZeros(difference) / Byte.SIZE);
            }
        }
        return most;
    }

    private boolean equal(int row, int other) {
        long start = source.start(row);
        long otherStart = source.start(other);
        int bytes = source.bytes(row);
        return bytes == source.bytes(other)
                && MemorySegment.mismatch(
                                source.bytes(), start, start + bytes, source.bytes(), otherStart, otherStart + bytes)
                        < 0;
    }

    /**
     * Collects distinct values in {@link EncoderScratch#distinct} and {@link #entries}, and the code of each row at
     * {@link EncoderScratch#CODES}. False if their bytes are more than {@code bytesLimit} together, or if {@code
     * thorough} is not set and they seem to be.
     */
    boolean findDistinct(long bytesLimit, boolean thorough) {
        DistinctTable table = scratch.distinct;
        table.clear();
        long bytes = 0;
        for (int run = 0; run < runs.count(); run++) {
            int before = table.count();
            int code = code(table, runStarts[run]);
            bytes += table.count() == before ? 0 : source.bytes(runStarts[run]);
            if (bytes > bytesLimit || (!thorough && table.looksHopeless(run + 1))) {
                return false;
            }
            int end = run + 1 < runs.count() ? runStarts[run + 1] : count;
            long at = EncoderScratch.CODES + runStarts[run] * 4L;
            Cells.fill(code, Integer.BYTES, scratch.segment(), at, end - runStarts[run]);
        }
        entries.ofRows(source, table.rows(), table.count());
        return true;
    }

    private int code(DistinctTable table, int row) {
        int slot = DistinctTable.slot(hash(row));
        while (table.code(slot) >= 0) {
            int code = table.code(slot);
            if (equal(table.rows()[code], row)) {
                return code;
            }
            slot = DistinctTable.next(slot);
        }
        return table.add(slot, row);
    }

    private long hash(int row) {
        MemorySegment bytes = source.bytes();
        long at = source.start(row);
        long end = at + source.bytes(row);
        long hash = source.bytes(row);
        for (; at + Long.BYTES <= end; at += Long.BYTES) {
            hash = (hash ^ bytes.get(Cells.LONG, at)) * 0xC2B2_AE3D_27D4_EB4FL;
            hash ^= hash >>> 29;
        }
        for (; at < end; at++) {
            hash = (hash ^ bytes.get(Cells.BYTE, at)) * 0x0000_0100_0000_01B3L;
        }
        return hash ^ hash >>> 32;
    }

    FlatBinary source() {
        return source;
    }

    int count() {
        return count;
    }

    long dataBytes() {
        return all.dataBytes();
    }

    /** Bytes at its beginning that string {@code row} shares with the one before; 0 for the first. */
    int shared(int row) {
        return shared[row];
    }

    /** All of them together. */
    long sharedBytes() {
        return sharedBytes;
    }

    int[] runStarts() {
        return runStarts;
    }

    /** All strings. */
    StringShape all() {
        return all;
    }

    /** The first string of each run. */
    StringShape runs() {
        return runs;
    }

    /** The distinct strings, after {@link #findDistinct} found them. */
    StringShape entries() {
        return entries;
    }
}
