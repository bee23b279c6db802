package io.nyala.encoding;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * A vector as runs of equal values: where each ends, and its value. Suits sorted columns and columns that change
 * rarely.
 *
 * <pre>{@code
 *   0        h      h+2    h+4                   h+4+2r
 *   +--------+------+------+---------------------+---------------------------------- - -
 *   | header | runs | zero | end[runs]           | cell[runs], or strings (runs)
 *   +--------+------+------+---------------------+---------------------------------- - -
 *             u16     u16    u16
 * }</pre>
 *
 * Header: {@link VectorFormat}, {@code h} bytes. {@code end i} is the index after the last value of run {@code i}:
 * ends ascend strictly, and the last is {@code count}. Strings: {@link ByteStrings}.
 *
 * <p>Example, the 1-byte cells {@code [9, 9, 9, 4]}: {@code 03 01 04 00 | 02 00 00 00 | 03 00 04 00 | 09 04}.
 */
final class RunLengthVector {
    private static final long RUNS = 0;
    private static final long ZERO = 2;
    private static final long ENDS = 4;

    private RunLengthVector() {}

    static void read(EncodedVector vector) {
        long body = vector.body();
        vector.checkReaches(body + ENDS);
        int runs = vector.u16(body + RUNS);
        vector.check("runs", body + RUNS, runs, 1, vector.count());
        vector.check("zero", body + ZERO, vector.u16(body + ZERO), 0, 0);
        long values = body + ENDS + runs * 2L;
        vector.entryCount = runs;
        vector.packed = vector.offset + body + ENDS;
        vector.cells = vector.offset + values;
        if (vector.isBinary()) {
            vector.strings.read(vector, values, runs);
            long once = vector.strings.dataBytes();
            vector.checkDecodedBytes(once, once + (vector.count() - runs) * vector.strings.longestMax());
        } else {
            vector.checkEnd(values + (long) runs * vector.cellBytes());
        }
        int last = rawEnd(vector, runs - 1);
        vector.check("last end", values - 2, last, vector.count(), vector.count());
    }

    private static int rawEnd(EncodedVector vector, int run) {
        return vector.source.get(Cells.SHORT, vector.packed + run * 2L) & 0xFFFF;
    }

    /** Where {@code run} ends; it begins at {@code start}, where the one before ended. */
    static int end(EncodedVector vector, int run, int start) {
        int end = rawEnd(vector, run);
        if (end <= start || end > vector.count()) {
            throw new CorruptVectorException(
                    "end of run " + run, vector.packed + run * 2L - vector.offset, end, start + 1L, vector.count());
        }
        return end;
    }

    /** The run that holds the value at {@code index}. */
    static int run(EncodedVector vector, int index) {
        int low = 0;
        int high = vector.entryCount - 1;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (rawEnd(vector, middle) > index) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    /**
     * The run that holds {@code index}, if {@code hint} is one that holds a smaller or equal one; cheap when they are
     * near.
     */
    static int runFrom(EncodedVector vector, int hint, int index) {
        if (rawEnd(vector, hint) > index) {
            return hint == 0 || rawEnd(vector, hint - 1) <= index ? hint : run(vector, index);
        }
        int next = hint + 1;
        return next < vector.entryCount && rawEnd(vector, next) > index ? next : run(vector, index);
    }

    static void decodeFixed(EncodedVector vector, MemorySegment target, long targetOffset) {
        int cellBytes = vector.cellBytes();
        int start = 0;
        for (int run = 0; run < vector.entryCount; run++) {
            int end = end(vector, run, start);
            long cell = vector.cells + (long) run * cellBytes;
            Cells.fill(vector.source, cell, cellBytes, target, targetOffset + (long) start * cellBytes, end - start);
            start = end;
        }
    }

    static void decodeBinary(EncodedVector vector, FlatBinary target) {
        ByteStrings strings = vector.strings;
        long position = 0;
        int start = 0;
        for (int run = 0; run < vector.entryCount; run++) {
            int end = end(vector, run, start);
            int bytes = strings.bytes(vector, run);
            long string = strings.start(vector, run);
            VectorDecoder.checkRoom(vector, position + (long) bytes * (end - start));
            for (int i = start; i < end; i++) {
                target.offset(i, (int) position);
                MemorySegment.copy(vector.source, string, target.bytes(), target.bytesOffset() + position, bytes);
                position += bytes;
            }
            start = end;
        }
        VectorDecoder.checkFull(vector, position);
        target.offset(vector.count(), (int) position);
    }

    static long fixedBytes(int runs, int cellBytes) {
        return VectorFormat.FIXED_BODY + ENDS + runs * (2L + cellBytes);
    }

    static long binaryBytes(StringShape runs) {
        return VectorFormat.BINARY_BODY + ENDS + runs.count() * 2L + runs.encodedBytes();
    }

    static long encodeFixed(FixedShape shape, MemorySegment target, long offset) {
        int cellBytes = shape.cellBytes();
        long body = VectorFormat.putFixedHeader(target, offset, VectorEncoding.RUN_LENGTH, cellBytes, shape.count());
        putEnds(shape.runStarts(), shape.runCount(), shape.count(), target, body);
        long at = body + ENDS + shape.runCount() * 2L;
        for (int run = 0; run < shape.runCount(); run++) {
            Cells.copy(shape.values(), shape.offset(shape.runStarts()[run]), target, at, cellBytes);
            at += cellBytes;
        }
        return at - offset;
    }

    static long encodeBinary(BinaryShape shape, EncoderScratch scratch, MemorySegment target, long offset) {
        StringShape runs = shape.runs();
        long body = VectorFormat.putBinaryHeader(
                target, offset, VectorEncoding.RUN_LENGTH, shape.count(), shape.dataBytes());
        putEnds(shape.runStarts(), runs.count(), shape.count(), target, body);
        long at = body + ENDS + runs.count() * 2L;
        return at - offset + ByteStrings.write(shape.source(), runs, scratch, target, at);
    }

    private static void putEnds(int[] runStarts, int runs, int count, MemorySegment target, long body) {
        target.set(Cells.SHORT, body + RUNS, (short) runs);
        target.set(Cells.SHORT, body + ZERO, (short) 0);
        for (int run = 0; run < runs; run++) {
            int end = run + 1 < runs ? runStarts[run + 1] : count;
            target.set(Cells.SHORT, body + ENDS + run * 2L, (short) end);
        }
    }

    static void annotate(EncodedVector vector, Notes notes) {
        notes.note(vector.offset + vector.body() + RUNS, 2, "runs: " + vector.entryCount);
        notes.note(vector.offset + vector.body() + ZERO, 2, "zero");
        var ends = new StringBuilder("ends:");
        int start = 0;
        for (int run = 0; run < vector.entryCount; run++) {
            start = end(vector, run, start);
            if (run < Annotation.SHOWN_MAX) {
                ends.append(' ').append(start);
            }
        }
        notes.note(vector.packed, vector.entryCount * 2, ends.toString());
        if (vector.isBinary()) {
            vector.strings.annotate(vector, notes);
        } else {
            Annotation.cells(vector, "values", notes);
        }
    }
}
