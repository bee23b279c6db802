package io.nyala.encoding;

import io.nyala.memory.Kernels;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Predicates on encoded vectors that no range says: constants, runs and dictionary entries are asked once each, of
 * other vectors each value whose bit is set. Bitmaps are those of {@link VectorPredicates}.
 *
 * <p>Stateless. The handles passed belong to the calling thread.
 */
public final class EntryPredicates {
    private static final Kernels KERNELS = Kernels.best();

    /** Where a value is that is asked. */
    private enum Place {
        /** Among the entries of the vector. */
        ENTRY,
        /** A cell that is computed, by itself. */
        COMPUTED,
        /** A cell, in the scratch, where all are. */
        DECODED,
        /** A string that is put together in the scratch, by itself. */
        COMPOSED,
        /** A string, in the scratch, where all are. */
        DECODED_STRING
    }

    private EntryPredicates() {}

    /** Clears the bits of the values that do not match. */
    public static void and(EncodedVector vector, ValueTest test, MemorySegment bitmap, long bitmapOffset) {
        int left = KERNELS.popCount(bitmap, bitmapOffset, vector.count());
        if (left == 0) {
            return;
        }
        switch (vector.encoding()) {
            case CONSTANT -> {
                if (!matchesEntry(vector, test, 0)) {
                    VectorPredicates.clear(vector, bitmap, bitmapOffset);
                }
            }
            case RUN_LENGTH -> andRuns(vector, test, bitmap, bitmapOffset);
            case DICTIONARY -> {
                if (left < vector.entryCount) {
                    andEach(vector, test, Place.ENTRY, bitmap, bitmapOffset);
                } else {
                    andDictionary(vector, test, bitmap, bitmapOffset);
                }
            }
            case PLAIN -> andEach(vector, test, Place.ENTRY, bitmap, bitmapOffset);
            case FRAME_OF_REFERENCE, DELTA, ALP -> {
                boolean isDense = VectorDecoder.isDense(vector, left);
                if (isDense) {
                    VectorDecoder.decodeFixed(vector, vector.scratch.segment(), DecoderScratch.VALUES);
                }
                andEach(vector, test, isDense ? Place.DECODED : Place.COMPUTED, bitmap, bitmapOffset);
            }
            case PREFIX, FSST -> {
                boolean isDense = VectorDecoder.isDecodedWhole(vector, left);
                if (isDense) {
                    VectorDecoder.decodeToScratch(vector);
                }
                andEach(vector, test, isDense ? Place.DECODED_STRING : Place.COMPOSED, bitmap, bitmapOffset);
            }
        }
    }

    private static boolean matchesEntry(EncodedVector vector, ValueTest test, int entry) {
        if (vector.isBinary()) {
            int bytes = vector.strings.bytes(vector, entry);
            return test.matchesBytes(vector.source, vector.strings.start(vector, entry), bytes);
        }
        int cellBytes = vector.cellBytes();
        if (vector.encoding() == VectorEncoding.DICTIONARY && DictionaryVector.isPacked(vector)) {
            int cut = Long.SIZE - cellBytes * Byte.SIZE;
            return test.matchesLong(DictionaryVector.entry(vector, entry) << cut >> cut);
        }
        long cell = vector.cells + (long) entry * cellBytes;
        return cellBytes > Long.BYTES
                ? test.matchesBytes(vector.source, cell, cellBytes)
                : test.matchesLong(Cells.signed(vector.source, cell, cellBytes));
    }

    private static void andDictionary(EncodedVector vector, ValueTest test, MemorySegment bitmap, long bitmapOffset) {
        long[] matching = vector.scratch.matches;
        Arrays.fill(matching, 0);
        for (int entry = 0; entry < vector.entryCount; entry++) {
            matching[entry >>> 6] |= (matchesEntry(vector, test, entry) ? 1L : 0) << entry;
        }
        VectorPredicates.andDictionary(vector, bitmap, bitmapOffset);
    }

    /** Runs of which no value is left are not asked. */
    private static void andRuns(EncodedVector vector, ValueTest test, MemorySegment bitmap, long bitmapOffset) {
        long[] matching = vector.scratch.matches;
        Arrays.fill(matching, 0);
        int start = 0;
        for (int run = 0; run < vector.entryCount; run++) {
            int end = RunLengthVector.end(vector, run, start);
            boolean matches = isAny(bitmap, bitmapOffset, start, end) && matchesEntry(vector, test, run);
            matching[run >>> 6] |= (matches ? 1L : 0) << run;
            start = end;
        }
        VectorPredicates.andRuns(vector, bitmap, bitmapOffset);
    }

    /** Whether any bit from {@code start} up to before {@code end} is set. */
    private static boolean isAny(MemorySegment bitmap, long bitmapOffset, int start, int end) {
        for (int first = start & -Long.SIZE; first < end; first += Long.SIZE) {
            long word = bitmap.get(Cells.LONG, bitmapOffset + first / Byte.SIZE);
            word = first < start ? word & -1L << start : word;
            if ((end - first < Long.SIZE ? word & (1L << end) - 1 : word) != 0) {
                return true;
            }
        }
        return false;
    }

    private static void andEach(
            EncodedVector vector, ValueTest test, Place place, MemorySegment bitmap, long bitmapOffset) {
        for (int first = 0; first < vector.count(); first += Long.SIZE) {
            long at = bitmapOffset + first / Byte.SIZE;
            long kept = 0;
            for (long rest = bitmap.get(Cells.LONG, at); rest != 0; rest &= rest - 1) {
                int i = first + Long.numberOfTrailingZeros(rest);
                kept |= (matches(vector, test, place, i) ? 1L : 0) << i;
            }
            bitmap.set(Cells.LONG, at, kept);
        }
    }

    private static boolean matches(EncodedVector vector, ValueTest test, Place place, int index) {
        return switch (place) {
            case ENTRY -> matchesEntry(vector, test, VectorDecoder.entry(vector, index));
            case COMPUTED -> test.matchesLong(VectorDecoder.longAt(vector, index));
            case DECODED -> {
                int cellBytes = vector.cellBytes();
                long cell = DecoderScratch.VALUES + (long) index * cellBytes;
                yield test.matchesLong(Cells.signed(vector.scratch.segment(), cell, cellBytes));
            }
            case COMPOSED -> {
                int bytes = VectorDecoder.binaryCellBytes(vector, index);
                long at = VectorDecoder.binaryCellOffset(vector, index);
                yield test.matchesBytes(vector.cellMemory, at, bytes);
            }
            case DECODED_STRING -> {
                FlatBinary whole = vector.scratch.flat;
                yield test.matchesBytes(whole.bytes(), whole.start(index), whole.bytes(index));
            }
        };
    }
}
