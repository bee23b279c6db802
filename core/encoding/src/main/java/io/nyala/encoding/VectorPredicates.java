package io.nyala.encoding;

import io.nyala.memory.Kernels;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Predicates on encoded vectors: a constant is asked once, runs and dictionary entries once each, packed numbers
 * without adding the minimum.
 *
 * <p>The answer is a bitmap as {@link Kernels} has it: bit {@code i % 64} of word {@code i / 64} stands for value
 * {@code i}, and the bits behind the last value are zero, before and after. The bits of values that do not match are
 * cleared, the others stay. Nulls are the caller's to clear.
 *
 * <p>Stateless. The handles passed belong to the calling thread.
 */
public final class VectorPredicates {
    private static final Kernels KERNELS = Kernels.best();

    private VectorPredicates() {}

    /** Clears the bits of the values that are not in {@code range}. */
    public static void and(EncodedVector vector, ValueRange range, MemorySegment bitmap, long bitmapOffset) {
        range.checkApplies(vector);
        switch (vector.encoding()) {
            case CONSTANT -> {
                if (!matchesEntry(vector, range, 0)) {
                    clear(vector, bitmap, bitmapOffset);
                }
            }
            case PLAIN -> andPlain(vector, range, bitmap, bitmapOffset);
            case RUN_LENGTH -> {
                matchEntries(vector, range);
                andRuns(vector, bitmap, bitmapOffset);
            }
            case FRAME_OF_REFERENCE -> andPacked(vector, range, bitmap, bitmapOffset);
            case DICTIONARY -> {
                matchEntries(vector, range);
                andDictionary(vector, bitmap, bitmapOffset);
            }
            case DELTA -> andSteps(vector, range, bitmap, bitmapOffset);
            case PREFIX -> andEach(vector, range, bitmap, bitmapOffset);
            case FSST -> andSymbols(vector, range, bitmap, bitmapOffset);
            case ALP -> andDecimals(vector, range, bitmap, bitmapOffset);
        }
    }

    private static boolean matchesEntry(EncodedVector vector, ValueRange range, int entry) {
        if (VectorDecoder.isComposed(vector)) {
            return range.matchesOrders(
                    range.lowString() == null ? 1 : compare(vector, entry, range.lowString()),
                    range.highString() == null ? -1 : compare(vector, entry, range.highString()));
        }
        if (vector.isBinary()) {
            int bytes = vector.strings.bytes(vector, entry);
            return range.matchesString(vector.source, vector.strings.start(vector, entry), bytes);
        }
        if (vector.encoding() == VectorEncoding.DICTIONARY && DictionaryVector.isPacked(vector)) {
            int cut = Long.SIZE - vector.cellBytes() * Byte.SIZE;
            return range.matchesLong(DictionaryVector.entry(vector, entry) << cut >> cut);
        }
        long cell = vector.cells + (long) entry * vector.cellBytes();
        return range.matchesCell(vector.source, cell, vector.cellBytes());
    }

    private static int compare(EncodedVector vector, int index, MemorySegment bound) {
        return VectorDecoder.compareBinary(vector, index, bound, 0, bound.byteSize());
    }

    static void clear(EncodedVector vector, MemorySegment bitmap, long bitmapOffset) {
        KERNELS.clearAll(bitmap, bitmapOffset, vector.count());
    }

    private static void andWord(MemorySegment bitmap, long bitmapOffset, int first, long word) {
        long at = bitmapOffset + first / Byte.SIZE;
        bitmap.set(Cells.LONG, at, bitmap.get(Cells.LONG, at) & word);
    }

    private static void andPlain(EncodedVector vector, ValueRange range, MemorySegment bitmap, long bitmapOffset) {
        if (range.kind == ValueRange.Kind.BINARY || range.kind == ValueRange.Kind.DECIMAL) {
            andEach(vector, range, bitmap, bitmapOffset);
        } else {
            andCells(vector, range, vector.source, vector.cells, bitmap, bitmapOffset);
        }
    }

    /** One comparison per value whose bit is set, for the kinds that have no kernel. */
    private static void andEach(EncodedVector vector, ValueRange range, MemorySegment bitmap, long bitmapOffset) {
        for (int first = 0; first < vector.count(); first += Long.SIZE) {
            long at = bitmapOffset + first / Byte.SIZE;
            long kept = 0;
            for (long rest = bitmap.get(Cells.LONG, at); rest != 0; rest &= rest - 1) {
                int i = first + Long.numberOfTrailingZeros(rest);
                kept |= (matchesEntry(vector, range, i) ? 1L : 0) << i;
            }
            bitmap.set(Cells.LONG, at, kept);
        }
    }

    /** Compares cells of 1 to 8 bytes that lie back to back. */
    private static void andCells(
            EncodedVector vector,
            ValueRange range,
            MemorySegment cells,
            long cellsOffset,
            MemorySegment bitmap,
            long bitmapOffset) {
        int count = vector.count();
        switch (range.kind) {
            case SIGNED -> {
                if (vector.cellBytes() == Long.BYTES) {
                    KERNELS.rangeLong(cells, cellsOffset, count, range.low, range.high, bitmap, bitmapOffset);
                } else if (vector.cellBytes() == Integer.BYTES) {
                    andInts(vector, range, cells, cellsOffset, bitmap, bitmapOffset);
                } else {
                    MemorySegment ints = vector.scratch.segment();
                    widen(cells, cellsOffset, vector.cellBytes(), count, ints);
                    andInts(vector, range, ints, DecoderScratch.VALUES, bitmap, bitmapOffset);
                }
            }
            case FLOAT -> {
                float low = (float) range.lowDouble;
                float high = (float) range.highDouble;
                KERNELS.rangeFloat(cells, cellsOffset, count, low, high, bitmap, bitmapOffset);
            }
            case DOUBLE -> {
                double low = range.lowDouble;
                double high = range.highDouble;
                KERNELS.rangeDouble(cells, cellsOffset, count, low, high, bitmap, bitmapOffset);
            }
            case DECIMAL, BINARY -> throw new AssertionError("no cells of up to 8 bytes");
        }
    }

    private static void andInts(
            EncodedVector vector,
            ValueRange range,
            MemorySegment ints,
            long intsOffset,
            MemorySegment bitmap,
            long bitmapOffset) {
        if (range.low > Integer.MAX_VALUE || range.high < Integer.MIN_VALUE) {
            clear(vector, bitmap, bitmapOffset);
            return;
        }
        int least = (int) Math.max(range.low, Integer.MIN_VALUE);
        int most = (int) Math.min(range.high, Integer.MAX_VALUE);
        KERNELS.rangeInt(ints, intsOffset, vector.count(), least, most, bitmap, bitmapOffset);
    }

    private static void widen(MemorySegment cells, long cellsOffset, int cellBytes, int count, MemorySegment ints) {
        if (cellBytes == 1) {
            for (int i = 0; i < count; i++) {
                ints.set(Cells.INT, DecoderScratch.VALUES + i * 4L, cells.get(Cells.BYTE, cellsOffset + i));
            }
        } else {
            for (int i = 0; i < count; i++) {
                ints.set(Cells.INT, DecoderScratch.VALUES + i * 4L, cells.get(Cells.SHORT, cellsOffset + i * 2L));
            }
        }
    }

    /** Sets the bits of the entries that match, in the scratch. */
    private static void matchEntries(EncodedVector vector, ValueRange range) {
        long[] matching = vector.scratch.matches;
        Arrays.fill(matching, 0);
        for (int entry = 0; entry < vector.entryCount; entry++) {
            matching[entry >>> 6] |= (matchesEntry(vector, range, entry) ? 1L : 0) << entry;
        }
    }

    /** Clears the bits of the values in runs that have none in the scratch. */
    static void andRuns(EncodedVector vector, MemorySegment bitmap, long bitmapOffset) {
        long[] matching = vector.scratch.matches;
        int start = 0;
        long word = 0;
        for (int run = 0; run < vector.entryCount; run++) {
            int end = RunLengthVector.end(vector, run, start);
            boolean matches = (matching[run >>> 6] >>> run & 1) != 0;
            while (start < end) {
                int first = start & -Long.SIZE;
                int wordEnd = Math.min(end, first + Long.SIZE);
                word |= matches ? ones(wordEnd - start) << start : 0;
                start = wordEnd;
                if (start == first + Long.SIZE || start == vector.count()) {
                    andWord(bitmap, bitmapOffset, first, word);
                    word = 0;
                }
            }
        }
    }

    /** The lowest {@code count} bits, 1 to 64. */
    private static long ones(int count) {
        return -1L >>> (Long.SIZE - count);
    }

    private static void andDecoded(EncodedVector vector, ValueRange range, MemorySegment bitmap, long bitmapOffset) {
        MemorySegment cells = vector.scratch.segment();
        VectorDecoder.decodeFixed(vector, cells, DecoderScratch.VALUES);
        if (vector.cellBytes() < Integer.BYTES) {
            // To widen them in place, the last first, would need a loop of its own; there is room behind them.
            long aside = DecoderScratch.ASIDE;
            MemorySegment.copy(cells, DecoderScratch.VALUES, cells, aside, vector.decodedBytes());
            andCells(vector, range, cells, aside, bitmap, bitmapOffset);
        } else {
            andCells(vector, range, cells, DecoderScratch.VALUES, bitmap, bitmapOffset);
        }
    }

    /** Ascending values that are in the range lie together; others are decoded. */
    private static void andSteps(EncodedVector vector, ValueRange range, MemorySegment bitmap, long bitmapOffset) {
        if (range.kind != ValueRange.Kind.SIGNED || !DeltaVector.isAscending(vector)) {
            andDecoded(vector, range, bitmap, bitmapOffset);
            return;
        }
        int count = vector.count();
        int first = DeltaVector.lowerBound(vector, range.low);
        int end = range.high == Long.MAX_VALUE ? count : DeltaVector.lowerBound(vector, range.high + 1);
        for (int start = 0; start < count; start += Long.SIZE) {
            int from = Math.max(first, start);
            int to = Math.min(end, start + Long.SIZE);
            andWord(bitmap, bitmapOffset, start, from < to ? ones(to - from) << from : 0);
        }
    }

    /** Bounds become integers, since scaling keeps the order; exceptions are asked one by one. */
    private static void andDecimals(EncodedVector vector, ValueRange range, MemorySegment bitmap, long bitmapOffset) {
        if (range.kind != ValueRange.Kind.DOUBLE) {
            andDecoded(vector, range, bitmap, bitmapOffset);
            return;
        }
        long[] before = vector.scratch.matches;
        for (int word = 0; word * Long.SIZE < vector.count(); word++) {
            before[word] = bitmap.get(Cells.LONG, bitmapOffset + word * 8L);
        }
        long end = 1L << vector.width;
        long low = AlpVector.distance(vector, range.lowDouble, false);
        long high = AlpVector.distance(vector, range.highDouble, true) - 1;
        if (low > high || !range.matchesDouble(range.lowDouble)) { // A bound that is NaN matches nothing.
            clear(vector, bitmap, bitmapOffset);
        } else if (low > 0 || high < end - 1) {
            andPackedRange(vector, low, high, bitmap, bitmapOffset);
        }
        AlpVector.andExceptions(vector, range, before, bitmap, bitmapOffset);
    }

    /** Equality is asked of the codes; for another range the strings are decoded, unless they are very long. */
    private static void andSymbols(EncodedVector vector, ValueRange range, MemorySegment bitmap, long bitmapOffset) {
        MemorySegment equal = range.equalString();
        if (equal == null && !VectorDecoder.fitsScratch(vector)) {
            andEach(vector, range, bitmap, bitmapOffset);
            return;
        }
        if (equal == null) {
            FlatBinary whole = VectorDecoder.decodeToScratch(vector);
            for (int first = 0; first < vector.count(); first += Long.SIZE) {
                long at = bitmapOffset + first / Byte.SIZE;
                long kept = 0;
                for (long rest = bitmap.get(Cells.LONG, at); rest != 0; rest &= rest - 1) {
                    int i = first + Long.numberOfTrailingZeros(rest);
                    kept |= (range.matchesString(whole.bytes(), whole.start(i), whole.bytes(i)) ? 1L : 0) << i;
                }
                bitmap.set(Cells.LONG, at, kept);
            }
            return;
        }
        MemorySegment codes = vector.scratch.strings(2 * equal.byteSize() + 1);
        int codeBytes = FsstVector.encode(vector, equal, codes);
        for (int first = 0; first < vector.count(); first += Long.SIZE) {
            long at = bitmapOffset + first / Byte.SIZE;
            long kept = 0;
            for (long rest = bitmap.get(Cells.LONG, at); rest != 0; rest &= rest - 1) {
                int i = first + Long.numberOfTrailingZeros(rest);
                kept |= (hasCodes(vector, i, codes, codeBytes) ? 1L : 0) << i;
            }
            bitmap.set(Cells.LONG, at, kept);
        }
    }

    private static boolean hasCodes(EncodedVector vector, int index, MemorySegment codes, int codeBytes) {
        if (vector.strings.bytes(vector, index) != codeBytes) {
            return false;
        }
        long start = vector.strings.start(vector, index);
        return MemorySegment.mismatch(vector.source, start, start + codeBytes, codes, 0, codeBytes) < 0;
    }

    private static void andPacked(EncodedVector vector, ValueRange range, MemorySegment bitmap, long bitmapOffset) {
        if (range.kind != ValueRange.Kind.SIGNED) {
            andDecoded(vector, range, bitmap, bitmapOffset);
            return;
        }
        long mostDistance = vector.width == 0 ? 0 : -1L >>> (Long.SIZE - vector.width);
        // What is below the minimum is no distance; what is above it is one as an unsigned number.
        long low = range.low <= vector.minimum ? 0 : range.low - vector.minimum;
        long high = range.high - vector.minimum;
        if (range.high < vector.minimum || range.low > range.high) {
            clear(vector, bitmap, bitmapOffset);
        } else if (low != 0 || Long.compareUnsigned(high, mostDistance) < 0) {
            andPackedRange(vector, low, high, bitmap, bitmapOffset);
        }
    }

    /** Clears the bits of the packed numbers that are not in {@code low <= x <= high}, all of them unsigned. */
    private static void andPackedRange(
            EncodedVector vector, long low, long high, MemorySegment bitmap, long bitmapOffset) {
        KERNELS.rangePacked(
                vector.source, vector.packed, vector.width, vector.count(), low, high, bitmap, bitmapOffset);
    }

    /** Clears the bits of the values whose entry has none in the scratch. */
    static void andDictionary(EncodedVector vector, MemorySegment bitmap, long bitmapOffset) {
        long[] matches = vector.scratch.matches;
        int least = vector.entryCount;
        int most = -1;
        int found = 0;
        for (int first = 0; first < vector.entryCount; first += Long.SIZE) {
            long word = matches[first >>> 6];
            if (word != 0) {
                least = Math.min(least, first + Long.numberOfTrailingZeros(word));
                most = first + Long.SIZE - 1 - Long.numberOfLeadingZeros(word);
                found += Long.bitCount(word);
            }
        }
        if (found == 0) {
            clear(vector, bitmap, bitmapOffset);
        } else if (found == vector.entryCount) {
            return;
        } else if (found == most - least + 1) {
            andPackedRange(vector, least, most, bitmap, bitmapOffset);
        } else {
            andCodes(vector, bitmap, bitmapOffset);
        }
    }

    /**
     * Looks up each code. One of a damaged vector may be too large for the dictionary, not for the table: it has at
     * most 10 bits.
     */
    private static void andCodes(EncodedVector vector, MemorySegment bitmap, long bitmapOffset) {
        long[] matches = vector.scratch.matches;
        MemorySegment codes = vector.scratch.segment();
        PackedInts.unpackInts(vector.source, vector.packed, vector.width, vector.count(), codes, DecoderScratch.VALUES);
        for (int first = 0; first < vector.count(); first += Long.SIZE) {
            int end = Math.min(vector.count(), first + Long.SIZE);
            long word = 0;
            for (int i = first; i < end; i++) {
                int code = codes.get(Cells.INT, DecoderScratch.VALUES + i * 4L);
                word |= (matches[code >>> 6] >>> code & 1) << i;
            }
            andWord(bitmap, bitmapOffset, first, word);
        }
    }
}
