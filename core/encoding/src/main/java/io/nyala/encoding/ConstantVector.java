package io.nyala.encoding;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * A vector whose values are all the same: the value once.
 *
 * <pre>{@code
 *   fixed cells           byte strings
 *   0        4            0        8
 *   +--------+------+     +--------+-------------------------+
 *   | header | cell |     | header | strings (one)           |
 *   +--------+------+     +--------+-------------------------+
 * }</pre>
 *
 * Header: {@link VectorFormat}. Strings: {@link ByteStrings}, a list of one, so its stride is the length of the
 * string and no bits are packed.
 *
 * <p>Example, the 2-byte cells {@code [5, 5]}: {@code 01 02 02 00 | 05 00}.
 */
final class ConstantVector {
    private ConstantVector() {}

    static void read(EncodedVector vector) {
        vector.entryCount = 1;
        if (vector.isBinary()) {
            vector.strings.read(vector, VectorFormat.BINARY_BODY, 1);
            long decoded = vector.strings.bytes(vector, 0) * (long) vector.count();
            vector.checkDecodedBytes(decoded, decoded);
        } else {
            vector.cells = vector.offset + VectorFormat.FIXED_BODY;
            vector.checkEnd(VectorFormat.FIXED_BODY + vector.cellBytes());
        }
    }

    static void decodeFixed(EncodedVector vector, MemorySegment target, long targetOffset) {
        Cells.fill(vector.source, vector.cells, vector.cellBytes(), target, targetOffset, vector.count());
    }

    static void decodeBinary(EncodedVector vector, FlatBinary target) {
        int bytes = vector.strings.bytes(vector, 0);
        long start = vector.strings.start(vector, 0);
        for (int i = 0; i < vector.count(); i++) {
            target.offset(i, i * bytes);
            MemorySegment.copy(vector.source, start, target.bytes(), target.bytesOffset() + i * (long) bytes, bytes);
        }
        target.offset(vector.count(), vector.count() * bytes);
    }

    static long fixedBytes(int cellBytes) {
        return VectorFormat.FIXED_BODY + cellBytes;
    }

    static long encodeFixed(FixedShape shape, MemorySegment target, long offset) {
        long at =
                VectorFormat.putFixedHeader(target, offset, VectorEncoding.CONSTANT, shape.cellBytes(), shape.count());
        Cells.copy(shape.values(), shape.offset(0), target, at, shape.cellBytes());
        return fixedBytes(shape.cellBytes());
    }

    static long encodeBinary(BinaryShape shape, EncoderScratch scratch, MemorySegment target, long offset) {
        long at =
                VectorFormat.putBinaryHeader(target, offset, VectorEncoding.CONSTANT, shape.count(), shape.dataBytes());
        return VectorFormat.BINARY_BODY + ByteStrings.write(shape.source(), shape.runs(), scratch, target, at);
    }

    static void annotate(EncodedVector vector, Notes notes) {
        if (vector.isBinary()) {
            vector.strings.annotate(vector, notes);
        } else {
            notes.note(vector.cells, vector.cellBytes(), "cell: " + Annotation.cell(vector, vector.cells));
        }
    }
}
