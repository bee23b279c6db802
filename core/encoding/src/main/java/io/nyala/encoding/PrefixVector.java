package io.nyala.encoding;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * A vector of byte strings in blocks: the first string of a block, its head, as it is, of the others what follows the
 * beginning that they share with the head. Suits sorted strings, such as keys.
 *
 * <pre>{@code
 *   0        8       9       10     12
 *   +--------+-------+-------+------+-------------------------------+------------------------------ - -
 *   | header | width | block | zero | prefixes                      | strings (count), the suffixes
 *   +--------+-------+-------+------+-------------------------------+------------------------------ - -
 *               u8      u8     u16    ceil(count * width / 8) bytes
 * }</pre>
 *
 * Header: {@link VectorFormat}. Prefixes: {@link PackedInts}; suffixes: {@link ByteStrings}. A block has {@code 1 <<
 * block} strings, the last one perhaps fewer. String {@code i} is the first {@code prefixes[i]} bytes of the head of
 * its block, then suffix {@code i}; the prefix of a head is 0. A prefix refers to the head and not, as elsewhere, to
 * the string before: so every string is two pieces, whichever it is, and is compared where it lies.
 *
 * <p>Example, {@code ["abcdefghijkl", "abcdefghijklm", "abcdefgx"]}: {@code 07 00 03 00 21 00 00 00 | 04 | 03 | 00 00 |
 * c0 07 | 0e 00 00 00 | 01 00 00 00 | 04 | 00 00 00 | bb 0b | 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 78}; the prefixes
 * are 0, 12 and 7.
 */
final class PrefixVector {
    /** The smallest and largest blocks that the writer tries. */
    static final int BLOCK_BITS_MIN = 3;

    static final int BLOCK_BITS_MAX = 10;

    private static final long WIDTH = 8;
    private static final long BLOCK = 9;
    private static final long ZERO = 10;
    private static final long PREFIXES = 12;

    private PrefixVector() {}

    static void read(EncodedVector vector) {
        vector.check("cell", VectorFormat.CELL_BYTES, vector.cellBytes(), 0, 0);
        vector.checkReaches(PREFIXES);
        vector.width = vector.u8(WIDTH);
        vector.check("width", WIDTH, vector.width, 0, Integer.SIZE - 1);
        vector.blockBits = vector.u8(BLOCK);
        vector.check("block", BLOCK, vector.blockBits, BLOCK_BITS_MIN, BLOCK_BITS_MAX);
        vector.check("zero", ZERO, vector.u16(ZERO), 0, 0);
        vector.packed = vector.offset + PREFIXES;
        vector.strings.read(vector, PREFIXES + PackedInts.bytes(vector.count(), vector.width), vector.count());
        vector.checkPacked(PREFIXES, vector.count(), vector.width);
        long stored = vector.strings.dataBytes();
        long prefixMax = Math.min(stored, (1L << vector.width) - 1);
        int heads = Math.ceilDiv(vector.count(), 1 << vector.blockBits);
        vector.checkDecodedBytes(stored, stored + (vector.count() - heads) * prefixMax);
    }

    private static int head(EncodedVector vector, int index) {
        return index >>> vector.blockBits << vector.blockBits;
    }

    /** Bytes that the string shares with the head of its block, which has as many. */
    private static int prefix(EncodedVector vector, int index) {
        int head = head(vector, index);
        long prefix = PackedInts.get(vector.source, vector.packed, vector.width, index);
        long most = head == index ? 0 : vector.strings.bytes(vector, head);
        if (prefix > most) {
            throw new CorruptVectorException("prefix of string " + index, PREFIXES, prefix, 0, most);
        }
        return (int) prefix;
    }

    /** Bytes of string {@code index}. */
    static int bytes(EncodedVector vector, int index) {
        long bytes = (long) prefix(vector, index) + vector.strings.bytes(vector, index);
        VectorDecoder.checkRoom(vector, bytes);
        return (int) bytes;
    }

    /** Writes string {@code index}; answers its bytes. */
    static int copy(EncodedVector vector, int index, MemorySegment target, long targetOffset) {
        int prefix = prefix(vector, index);
        int suffix = vector.strings.bytes(vector, index);
        long head = vector.strings.start(vector, head(vector, index));
        MemorySegment.copy(vector.source, head, target, targetOffset, prefix);
        long start = vector.strings.start(vector, index);
        MemorySegment.copy(vector.source, start, target, targetOffset + prefix, suffix);
        return prefix + suffix;
    }

    static int compare(EncodedVector vector, int index, MemorySegment key, long keyOffset, long keyBytes) {
        int prefix = prefix(vector, index);
        int suffix = vector.strings.bytes(vector, index);
        long head = vector.strings.start(vector, head(vector, index));
        long shared = Math.min(prefix, keyBytes);
        int order = Cells.compare(vector.source, head, prefix, key, keyOffset, shared);
        if (order != 0) {
            return order;
        }
        long start = vector.strings.start(vector, index);
        return Cells.compare(vector.source, start, suffix, key, keyOffset + prefix, keyBytes - prefix);
    }

    static void decodeBinary(EncodedVector vector, FlatBinary target) {
        long position = 0;
        for (int i = 0; i < vector.count(); i++) {
            int bytes = bytes(vector, i);
            VectorDecoder.checkRoom(vector, position + bytes);
            target.offset(i, (int) position);
            copy(vector, i, target.bytes(), target.bytesOffset() + position);
            position += bytes;
        }
        VectorDecoder.checkFull(vector, position);
        target.offset(vector.count(), (int) position);
    }

    static long binaryBytes(PrefixShape shape) {
        return PREFIXES
                + PackedInts.bytes(shape.count(), shape.width())
                + shape.suffixes().encodedBytes();
    }

    static long encodeBinary(BinaryShape shape, EncoderScratch scratch, MemorySegment target, long offset) {
        PrefixShape parts = scratch.prefixes;
        int count = shape.count();
        VectorFormat.putBinaryHeader(target, offset, VectorEncoding.PREFIX, count, shape.dataBytes());
        target.set(Cells.BYTE, offset + WIDTH, (byte) parts.width());
        target.set(Cells.BYTE, offset + BLOCK, (byte) parts.blockBits());
        target.set(Cells.SHORT, offset + ZERO, (short) 0);
        MemorySegment numbers = scratch.segment();
        for (int i = 0; i < count; i++) {
            numbers.set(Cells.INT, EncoderScratch.INTS + i * 4L, parts.prefix(i));
        }
        PackedInts.packInts(numbers, EncoderScratch.INTS, count, parts.width(), target, offset + PREFIXES);
        long strings = PREFIXES + PackedInts.bytes(count, parts.width());
        long at = ByteStrings.writeEnds(parts.suffixes(), scratch, target, offset + strings);
        FlatBinary source = shape.source();
        for (int i = 0; i < count; i++) {
            int prefix = parts.prefix(i);
            int suffix = source.bytes(i) - prefix;
            MemorySegment.copy(source.bytes(), source.start(i) + prefix, target, at, suffix);
            at += suffix;
        }
        return at - offset;
    }

    static void annotate(EncodedVector vector, Notes notes) {
        notes.note(vector.offset + WIDTH, 1, "width: " + vector.width);
        notes.note(vector.offset + BLOCK, 1, "block: " + (1 << vector.blockBits) + " strings");
        notes.note(vector.offset + ZERO, 2, "zero");
        Annotation.packed(vector, "prefixes", vector.count(), notes);
        vector.strings.annotate(vector, notes);
    }
}
