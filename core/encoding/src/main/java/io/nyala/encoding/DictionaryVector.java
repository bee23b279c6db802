package io.nyala.encoding;

import io.nyala.memory.Kernels;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * A vector with few distinct values: these once, then for each value its number among them in as few bits as the
 * largest number needs.
 *
 * <pre>{@code
 *   0        h         h+2     h+3           h+4
 *   +--------+---------+-------+-------------+----------------------------+------------- - -
 *   | header | entries | width | entry width | codes                      | values
 *   +--------+---------+-------+-------------+----------------------------+------------- - -
 *                u16      u8         u8        ceil(count * width / 8) bytes
 *
 *   values, entry width 0: cell[entries], or strings (entries)
 *   else                   0         8
 *                          +---------+-----------
 *                          | minimum | distances    of integers of 4 or 8 bytes
 *                          +---------+-----------
 *                              i64     ceil(entries * entry width / 8) bytes
 * }</pre>
 *
 * Header: {@link VectorFormat}, {@code h} bytes. {@code width} is that of {@code entries - 1}, so 0 for one entry.
 * Codes: {@link PackedInts}, each less than {@code entries}. Strings: {@link ByteStrings}. Entry {@code i} is {@code
 * minimum + distances[i]}, {@link PackedInts}, cut to the size of a cell, as in {@link FrameOfReferenceVector}.
 * Entries are distinct and in no promised order; this writer puts them in order of first use.
 *
 * <p>Example, the 4-byte cells {@code [9, 5, 9, 9]}: {@code 05 04 04 00 | 02 00 | 01 | 00 | 02 | 09 00 00 00 | 05 00
 * 00 00}. Of 8 bytes, they are packed: {@code 05 08 04 00 | 02 00 | 01 | 03 | 02 | 05 00 00 00 00 00 00 00 | 04}.
 */
final class DictionaryVector {
    /** Longer strings are copied by what is best at that. */
    private static final int WORDWISE_BYTES_MAX = 32;

    private static final Kernels KERNELS = Kernels.best();

    private static final long ENTRIES = 0;
    private static final long WIDTH = 2;
    private static final long ENTRY_WIDTH = 3;
    private static final long CODES = 4;

    private DictionaryVector() {}

    static void read(EncodedVector vector) {
        long body = vector.body();
        vector.checkReaches(body + CODES);
        int entries = vector.u16(body + ENTRIES);
        vector.check("entries", body + ENTRIES, entries, 1, vector.count());
        vector.width = vector.u8(body + WIDTH);
        int width = PackedInts.width(entries - 1L);
        vector.check("width", body + WIDTH, vector.width, width, width);
        readEntryWidth(vector, body + ENTRY_WIDTH);
        long values = body + CODES + PackedInts.bytes(vector.count(), width);
        vector.entryCount = entries;
        vector.packed = vector.offset + body + CODES;
        vector.cells = vector.offset + values;
        if (isPacked(vector)) {
            long distances = values + Long.BYTES;
            vector.checkEnd(distances + PackedInts.bytes(entries, vector.baseWidth));
            vector.minimum = vector.source.get(Cells.LONG, vector.cells);
            vector.bases = vector.offset + distances;
            vector.checkPacked(distances, entries, vector.baseWidth);
        } else if (vector.isBinary()) {
            vector.strings.read(vector, values, entries);
            vector.checkDecodedBytes(0, vector.count() * vector.strings.longestMax());
        } else {
            vector.checkEnd(values + (long) entries * vector.cellBytes());
        }
        vector.checkPacked(body + CODES, vector.count(), width);
    }

    private static void readEntryWidth(EncodedVector vector, long at) {
        boolean mayPack = !vector.isBinary() && vector.cellBytes() <= Long.BYTES;
        int most = mayPack ? Math.min(FrameOfReferenceVector.WIDTH_MAX, vector.cellBytes() * Byte.SIZE) : 0;
        vector.baseWidth = vector.u8(at);
        vector.check("entry width", at, vector.baseWidth, 0, most);
    }

    /** Whether the entries are distances from the least. */
    static boolean isPacked(EncodedVector vector) {
        return vector.baseWidth > 0;
    }

    /** An entry of those that are packed, not yet cut to the size of a cell. */
    static long entry(EncodedVector vector, int code) {
        return vector.minimum + PackedInts.get(vector.source, vector.bases, vector.baseWidth, code);
    }

    /** The value at {@code index} of a vector whose entries are packed, not yet cut to the size of a cell. */
    static long value(EncodedVector vector, int index) {
        return entry(vector, code(vector, index));
    }

    /** The entry that the value at {@code index} is. */
    static int code(EncodedVector vector, int index) {
        return checkCode(vector, index, (int) PackedInts.get(vector.source, vector.packed, vector.width, index));
    }

    static int checkCode(EncodedVector vector, int index, int code) {
        if (code >= vector.entryCount) {
            throw new CorruptVectorException(
                    "code of value " + index, vector.packed - vector.offset, code, 0, vector.entryCount - 1L);
        }
        return code;
    }

    /** Unpacks the codes into the last bytes of the target, where they stay ahead of the cells that replace them. */
    static void decodeFixed(EncodedVector vector, MemorySegment target, long targetOffset) {
        int count = vector.count();
        int cellBytes = vector.cellBytes();
        vector.check("cell", VectorFormat.CELL_BYTES, cellBytes, Integer.BYTES, 16);
        long codes = targetOffset + (long) count * (cellBytes - Integer.BYTES);
        PackedInts.unpackInts(vector.source, vector.packed, vector.width, count, target, codes);
        boolean isPacked = isPacked(vector);
        MemorySegment source = isPacked ? unpackedEntries(vector) : vector.source;
        long cells = isPacked ? DecoderScratch.ENTRIES : vector.cells;
        switch (cellBytes) {
            case 4 -> lookUpInts(vector, source, cells, codes, target, targetOffset);
            case 8 -> lookUpLongs(vector, source, cells, codes, target, targetOffset);
            default -> lookUpCells(vector, codes, target, targetOffset);
        }
    }

    /** The cells of the entries at {@link DecoderScratch#ENTRIES}. */
    private static MemorySegment unpackedEntries(EncodedVector vector) {
        DecoderScratch scratch = vector.scratch;
        MemorySegment memory = scratch.segment();
        if (!scratch.hasEntriesOf(vector)) {
            unpackEntries(vector, memory, DecoderScratch.ENTRIES);
        }
        return memory;
    }

    /** Writes the cells of entries that are packed, and padding. */
    static void unpackEntries(EncodedVector vector, MemorySegment target, long at) {
        int width = vector.baseWidth;
        if (vector.cellBytes() == Integer.BYTES) {
            int minimum = (int) vector.minimum;
            KERNELS.unpackInt(vector.source, vector.bases, width, vector.entryCount, minimum, target, at);
        } else {
            KERNELS.unpack(vector.source, vector.bases, width, vector.entryCount, vector.minimum, target, at);
        }
    }

    private static void lookUpInts(
            EncodedVector vector,
            MemorySegment source,
            long cells,
            long codes,
            MemorySegment target,
            long targetOffset) {
        int count = vector.count();
        for (int i = 0; i < count; i++) {
            int code = checkCode(vector, i, target.get(Cells.INT, codes + i * 4L));
            target.set(Cells.INT, targetOffset + i * 4L, source.get(Cells.INT, cells + code * 4L));
        }
    }

    private static void lookUpLongs(
            EncodedVector vector,
            MemorySegment source,
            long cells,
            long codes,
            MemorySegment target,
            long targetOffset) {
        int count = vector.count();
        for (int i = 0; i < count; i++) {
            int code = checkCode(vector, i, target.get(Cells.INT, codes + i * 4L));
            target.set(Cells.LONG, targetOffset + i * 8L, source.get(Cells.LONG, cells + code * 8L));
        }
    }

    private static void lookUpCells(EncodedVector vector, long codes, MemorySegment target, long targetOffset) {
        int cellBytes = vector.cellBytes();
        for (int i = 0; i < vector.count(); i++) {
            int code = checkCode(vector, i, target.get(Cells.INT, codes + i * 4L));
            long cell = vector.cells + (long) code * cellBytes;
            Cells.copy(vector.source, cell, target, targetOffset + (long) i * cellBytes, cellBytes);
        }
    }

    /** Where each string of the dictionary is, found once for a vector, not for each of its rows. */
    private static MemorySegment entries(EncodedVector vector) {
        DecoderScratch scratch = vector.scratch;
        MemorySegment memory = scratch.segment();
        if (!scratch.hasEntriesOf(vector)) {
            scratch.forgetEntries(); // Unless all of them are sound.
            ByteStrings strings = vector.strings;
            for (int code = 0; code < vector.entryCount; code++) {
                long bytes = strings.bytes(vector, code);
                long start = strings.start(vector, code) - strings.data();
                memory.set(Cells.LONG, DecoderScratch.ENTRIES + code * 8L, start << Integer.SIZE | bytes);
            }
            scratch.hasEntriesOf(vector);
        }
        return memory;
    }

    private static long entry(EncodedVector vector, MemorySegment entries, int index, int code) {
        return entries.get(Cells.LONG, DecoderScratch.ENTRIES + checkCode(vector, index, code) * 8L);
    }

    /** Unpacks the codes where the offsets will be, each of which replaces its code. */
    static void decodeBinary(EncodedVector vector, FlatBinary target) {
        int count = vector.count();
        MemorySegment codes = target.offsets();
        long codesOffset = target.offsetsOffset();
        PackedInts.unpackInts(vector.source, vector.packed, vector.width, count, codes, codesOffset);
        long position = copyEntries(vector, codes, codesOffset, count, target);
        VectorDecoder.checkFull(vector, position);
    }

    /** Writes strings by their codes, and their offsets; whole words, so that the last ends in the padding. */
    private static long copyEntries(
            EncodedVector vector, MemorySegment codes, long codesOffset, int count, FlatBinary target) {
        MemorySegment entries = entries(vector);
        MemorySegment source = vector.source;
        MemorySegment bytes = target.bytes();
        long data = vector.strings.data();
        long limit = vector.decodedBytes();
        long position = 0;
        for (int i = 0; i < count; i++) {
            long entry = entry(vector, entries, i, codes.get(Cells.INT, codesOffset + i * 4L));
            int length = (int) entry;
            target.offset(i, (int) position);
            if (position + length > limit) {
                VectorDecoder.checkRoom(vector, position + length);
            }
            long from = data + (entry >>> Integer.SIZE);
            long to = target.bytesOffset() + position;
            if (length > WORDWISE_BYTES_MAX) {
                MemorySegment.copy(source, from, bytes, to, length);
            } else {
                for (int done = 0; done < length; done += Long.BYTES) {
                    bytes.set(Cells.LONG, to + done, source.get(Cells.LONG, from + done));
                }
            }
            position += length;
        }
        target.offset(count, (int) position);
        return position;
    }

    /** Bytes of the selected strings together, of which there is one at least. */
    static long selectedBytes(EncodedVector vector, MemorySegment selection, long selectionOffset, int count) {
        MemorySegment entries = entries(vector);
        MemorySegment codes = selectedCodes(vector, selection, selectionOffset, count);
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += (int) entry(vector, entries, i, codes.get(Cells.INT, DecoderScratch.VALUES + i * 4L));
        }
        VectorDecoder.checkRoom(vector, sum);
        return sum;
    }

    /** Writes the selected strings and their offsets; answers their bytes. */
    static long decodeBinarySelected(
            EncodedVector vector, MemorySegment selection, long selectionOffset, int count, FlatBinary target) {
        MemorySegment codes = selectedCodes(vector, selection, selectionOffset, count);
        return copyEntries(vector, codes, DecoderScratch.VALUES, count, target);
    }

    /** The codes of the selected values, back to back. */
    private static MemorySegment selectedCodes(
            EncodedVector vector, MemorySegment selection, long selectionOffset, int count) {
        MemorySegment codes = vector.scratch.segment();
        long at = DecoderScratch.VALUES;
        if (VectorDecoder.isDense(vector, count)) {
            PackedInts.unpackInts(vector.source, vector.packed, vector.width, vector.count(), codes, at);
            KERNELS.gather4(codes, at, selection, selectionOffset, count, codes, at);
        } else {
            for (int i = 0; i < count; i++) {
                int index = selection.get(Cells.INT, selectionOffset + i * 4L);
                int code = (int) PackedInts.get(vector.source, vector.packed, vector.width, index);
                codes.set(Cells.INT, at + i * 4L, code);
            }
        }
        return codes;
    }

    static boolean isPossible(int cellBytes) {
        return cellBytes == 0 || cellBytes >= Integer.BYTES;
    }

    static long fixedBytes(FixedShape shape, int entries) {
        return VectorFormat.FIXED_BODY + CODES + codeBytes(shape.count(), entries) + valueBytes(shape, entries);
    }

    private static long valueBytes(FixedShape shape, int entries) {
        return isPackedSmaller(shape, entries) ? packedBytes(shape, entries) : (long) entries * shape.cellBytes();
    }

    private static boolean isPackedSmaller(FixedShape shape, int entries) {
        return entryBits(shape) < shape.cellBytes() * Byte.SIZE
                && packedBytes(shape, entries) < (long) entries * shape.cellBytes();
    }

    private static long packedBytes(FixedShape shape, int entries) {
        return Long.BYTES + PackedInts.bytes(entries, shape.width());
    }

    /** The fewest bits that an entry may take. */
    static int entryBits(FixedShape shape) {
        boolean canPack = FrameOfReferenceVector.isPossible(shape) && shape.width() > 0;
        return canPack ? shape.width() : shape.cellBytes() * Byte.SIZE;
    }

    static long binaryBytes(int count, StringShape entries) {
        return VectorFormat.BINARY_BODY + CODES + codeBytes(count, entries.count()) + entries.encodedBytes();
    }

    private static long codeBytes(int count, int entries) {
        return PackedInts.bytes(count, PackedInts.width(entries - 1L));
    }

    static long encodeFixed(FixedShape shape, EncoderScratch scratch, MemorySegment target, long offset) {
        int cellBytes = shape.cellBytes();
        long body = VectorFormat.putFixedHeader(target, offset, VectorEncoding.DICTIONARY, cellBytes, shape.count());
        int entries = scratch.distinct.count();
        long at = putCodes(shape.count(), scratch, target, body);
        if (isPackedSmaller(shape, entries)) {
            target.set(Cells.BYTE, body + ENTRY_WIDTH, (byte) shape.width());
            return at - offset + putPacked(shape, scratch, target, at);
        }
        for (int code = 0; code < entries; code++) {
            Cells.copy(shape.values(), shape.offset(scratch.distinct.rows()[code]), target, at, cellBytes);
            at += cellBytes;
        }
        return at - offset;
    }

    private static long putPacked(FixedShape shape, EncoderScratch scratch, MemorySegment target, long at) {
        MemorySegment longs = scratch.segment();
        int entries = scratch.distinct.count();
        for (int code = 0; code < entries; code++) {
            long row = shape.offset(scratch.distinct.rows()[code]);
            long value = Cells.signed(shape.values(), row, shape.cellBytes());
            longs.set(Cells.LONG, EncoderScratch.LONGS + code * 8L, value);
        }
        target.set(Cells.LONG, at, shape.min());
        KERNELS.pack(longs, EncoderScratch.LONGS, shape.width(), entries, shape.min(), target, at + Long.BYTES);
        return packedBytes(shape, entries);
    }

    static long encodeBinary(BinaryShape shape, EncoderScratch scratch, MemorySegment target, long offset) {
        long body = VectorFormat.putBinaryHeader(
                target, offset, VectorEncoding.DICTIONARY, shape.count(), shape.dataBytes());
        long at = putCodes(shape.count(), scratch, target, body);
        return at - offset + ByteStrings.write(shape.source(), shape.entries(), scratch, target, at);
    }

    private static long putCodes(int count, EncoderScratch scratch, MemorySegment target, long body) {
        int entries = scratch.distinct.count();
        int width = PackedInts.width(entries - 1L);
        target.set(Cells.SHORT, body + ENTRIES, (short) entries);
        target.set(Cells.SHORT, body + WIDTH, (short) width); // And a zero.
        PackedInts.packInts(scratch.segment(), EncoderScratch.CODES, count, width, target, body + CODES);
        return body + CODES + PackedInts.bytes(count, width);
    }

    static void annotate(EncodedVector vector, Notes notes) {
        long body = vector.offset + vector.body();
        notes.note(body + ENTRIES, 2, "entries: " + vector.entryCount);
        notes.note(body + WIDTH, 1, "width: " + vector.width);
        notes.note(body + ENTRY_WIDTH, 1, "entry width: " + vector.baseWidth);
        Annotation.packed(vector, "codes", vector.count(), notes);
        if (isPacked(vector)) {
            notes.note(vector.cells, Long.BYTES, "minimum: " + vector.minimum);
            Annotation.packed(vector, "entries", vector.bases, vector.baseWidth, vector.entryCount, notes);
        } else if (vector.isBinary()) {
            vector.strings.annotate(vector, notes);
        } else {
            Annotation.cells(vector, "entries", notes);
        }
    }
}
