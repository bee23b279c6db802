package io.nyala.encoding;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * A vector of values as they are, for values in which no other encoding finds anything to save.
 *
 * <pre>{@code
 *   fixed cells                          byte strings
 *   0        4                           0        8
 *   +--------+----------------------+    +--------+--------------------------+
 *   | header | cell[count]          |    | header | strings (count)          |
 *   +--------+----------------------+    +--------+--------------------------+
 * }</pre>
 *
 * Header: {@link VectorFormat}. Strings: {@link ByteStrings}. The only encoding of an empty vector.
 *
 * <p>Example, the 1-byte cells {@code [1, 0, 7]}: {@code 02 01 03 00 | 01 00 07}.
 */
final class PlainVector {
    private PlainVector() {}

    static void read(EncodedVector vector) {
        vector.entryCount = vector.count();
        if (vector.isBinary()) {
            vector.strings.read(vector, VectorFormat.BINARY_BODY, vector.count());
            long decoded = vector.strings.dataBytes();
            vector.checkDecodedBytes(decoded, decoded);
        } else {
            vector.cells = vector.offset + VectorFormat.FIXED_BODY;
            vector.checkEnd(VectorFormat.FIXED_BODY + vector.decodedBytes());
        }
    }

    static void decodeFixed(EncodedVector vector, MemorySegment target, long targetOffset) {
        MemorySegment.copy(vector.source, vector.cells, target, targetOffset, vector.decodedBytes());
    }

    static void decodeBinary(EncodedVector vector, FlatBinary target) {
        ByteStrings strings = vector.strings;
        strings.decodeOffsets(vector, target);
        MemorySegment.copy(vector.source, strings.data(), target.bytes(), target.bytesOffset(), strings.dataBytes());
    }

    static long fixedBytes(int count, int cellBytes) {
        return VectorFormat.FIXED_BODY + (long) count * cellBytes;
    }

    static long encodeFixed(FixedShape shape, MemorySegment target, long offset) {
        long at = VectorFormat.putFixedHeader(target, offset, VectorEncoding.PLAIN, shape.cellBytes(), shape.count());
        long bytes = (long) shape.count() * shape.cellBytes();
        MemorySegment.copy(shape.values(), shape.offset(0), target, at, bytes);
        return VectorFormat.FIXED_BODY + bytes;
    }

    static long encodeBinary(BinaryShape shape, EncoderScratch scratch, MemorySegment target, long offset) {
        long at = VectorFormat.putBinaryHeader(target, offset, VectorEncoding.PLAIN, shape.count(), shape.dataBytes());
        return VectorFormat.BINARY_BODY + ByteStrings.write(shape.source(), shape.all(), scratch, target, at);
    }

    static void annotate(EncodedVector vector, Notes notes) {
        if (vector.isBinary()) {
            vector.strings.annotate(vector, notes);
        } else {
            Annotation.cells(vector, "cells", notes);
        }
    }
}
