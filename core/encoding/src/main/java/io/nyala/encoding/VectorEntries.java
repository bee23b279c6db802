package io.nyala.encoding;

import io.nyala.memory.Kernels;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * What a vector says once of values that come again and again: the value of a constant, those of runs, the entries of a
 * dictionary. For who counts values, adds them or looks for the least, and need not have each of them.
 *
 * <p>Entries are in the order in which the vector has them; those of runs may be equal to others. Stateless. The
 * handles passed belong to the calling thread.
 */
public final class VectorEntries {
    /** Where so many values, or more, share an entry, it costs less to count them than to decode them. */
    private static final int FIXED_PER_ENTRY = 4;

    private static final int STRINGS_PER_ENTRY = 2;

    private static final Kernels KERNELS = Kernels.best();

    private VectorEntries() {}

    /** Whether there are entries, and so few that of {@code values} of the vector they are worth to be asked for. */
    public static boolean areFew(EncodedVector vector, int values) {
        return switch (vector.encoding()) {
            case CONSTANT -> true;
            case RUN_LENGTH, DICTIONARY ->
                vector.entryCount * (vector.isBinary() ? STRINGS_PER_ENTRY : FIXED_PER_ENTRY) <= values;
            case PLAIN, FRAME_OF_REFERENCE, DELTA, PREFIX, FSST, ALP -> false;
        };
    }

    /** How many there are, in a vector that has any. */
    public static int count(EncodedVector vector) {
        assert hasEntries(vector) : vector.encoding() + " has no entries";
        return vector.entryCount;
    }

    /** Whether there are entries, however many. */
    public static boolean hasEntries(EncodedVector vector) {
        return switch (vector.encoding()) {
            case CONSTANT, RUN_LENGTH, DICTIONARY -> true;
            case PLAIN, FRAME_OF_REFERENCE, DELTA, PREFIX, FSST, ALP -> false;
        };
    }

    /** Writes the cells of the entries, back to back, and up to {@link VectorFormat#WRITE_PADDING_BYTES} more. */
    public static void readFixed(EncodedVector vector, MemorySegment target, long targetOffset) {
        assert hasEntries(vector) && !vector.isBinary() : vector.encoding() + " has no fixed entries";
        if (vector.encoding() == VectorEncoding.DICTIONARY && DictionaryVector.isPacked(vector)) {
            DictionaryVector.unpackEntries(vector, target, targetOffset);
        } else {
            long bytes = (long) vector.entryCount * vector.cellBytes();
            MemorySegment.copy(vector.source, vector.cells, target, targetOffset, bytes);
        }
    }

    /** Bytes of all entries of strings. */
    public static long binaryBytes(EncodedVector vector) {
        assert hasEntries(vector) && vector.isBinary() : vector.encoding() + " has no strings as entries";
        return vector.strings.dataBytes();
    }

    /** Writes the strings of the entries, {@link #binaryBytes}, and an offset more than there are. */
    public static void readBinary(EncodedVector vector, FlatBinary target) {
        long bytes = binaryBytes(vector);
        vector.strings.decodeOffsets(vector, target);
        MemorySegment.copy(vector.source, vector.strings.data(), target.bytes(), target.bytesOffset(), bytes);
    }

    /**
     * Counts how many values each entry has.
     *
     * @param counted values whose bit in this bitmap is 0 are left out; bits behind the last value are 0
     * @param counts one for each entry; what is behind them is anything
     */
    public static void count(EncodedVector vector, MemorySegment counted, long countedOffset, int[] counts) {
        switch (vector.encoding()) {
            case CONSTANT -> counts[0] = KERNELS.popCount(counted, countedOffset, vector.count());
            case RUN_LENGTH -> countRuns(vector, counted, countedOffset, counts);
            case DICTIONARY -> countCodes(vector, counted, countedOffset, counts);
            case PLAIN, FRAME_OF_REFERENCE, DELTA, PREFIX, FSST, ALP ->
                throw new IllegalArgumentException(vector.encoding() + " has no entries");
        }
    }

    private static void countRuns(EncodedVector vector, MemorySegment counted, long countedOffset, int[] counts) {
        int start = 0;
        for (int run = 0; run < vector.entryCount; run++) {
            int end = RunLengthVector.end(vector, run, start);
            int sum = 0;
            for (int first = start & -Long.SIZE; first < end; first += Long.SIZE) {
                long word = word(counted, countedOffset, first);
                word = first < start ? word & -1L << start : word;
                sum += Long.bitCount(end - first < Long.SIZE ? word & (1L << end) - 1 : word);
            }
            counts[run] = sum;
            start = end;
        }
    }

    private static void countCodes(EncodedVector vector, MemorySegment counted, long countedOffset, int[] counts) {
        Arrays.fill(counts, 0, vector.entryCount, 0);
        boolean isDense = VectorDecoder.isDense(vector, KERNELS.popCount(counted, countedOffset, vector.count()));
        MemorySegment codes = vector.scratch.segment();
        long at = DecoderScratch.VALUES;
        if (isDense) {
            PackedInts.unpackInts(vector.source, vector.packed, vector.width, vector.count(), codes, at);
        }
        for (int first = 0; first < vector.count(); first += Long.SIZE) {
            for (long left = word(counted, countedOffset, first); left != 0; left &= left - 1) {
                int index = first + Long.numberOfTrailingZeros(left);
                int code = isDense
                        ? DictionaryVector.checkCode(vector, index, codes.get(Cells.INT, at + index * 4L))
                        : DictionaryVector.code(vector, index);
                counts[code]++;
            }
        }
    }

    private static long word(MemorySegment bitmap, long offset, int first) {
        return bitmap.get(Cells.LONG, offset + first / Byte.SIZE);
    }
}
