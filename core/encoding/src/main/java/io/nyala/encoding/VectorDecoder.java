package io.nyala.encoding;

import io.nyala.memory.Check;
import io.nyala.memory.Kernels;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * From a vector to values: all of them, the selected ones, or one without decoding the others.
 *
 * <p>Targets hold what their method says plus {@link VectorFormat#WRITE_PADDING_BYTES}, which are left undefined. A
 * selection is an array of ascending 32-bit indexes, as {@link Kernels#bitmapToSelection} writes it. Every method may
 * throw {@link CorruptVectorException}; the target is undefined then.
 *
 * <p>Stateless. The handles passed belong to the calling thread.
 */
public final class VectorDecoder {
    /** From one selected cell in so many on, it is cheaper to decode them all and gather. */
    private static final int DENSE_PART = 8;

    private static final int DENSE_PART_OF_SUMS = 128;

    private static final int DENSE_PART_OF_STRINGS = 2;

    /** Strings of more bytes are not decoded only to be copied. */
    private static final int WHOLE_BYTES_MAX = 256 << 10;

    private static final Kernels KERNELS = Kernels.best();

    private VectorDecoder() {}

    /** Writes all cells to {@code target}, back to back: {@link EncodedVector#decodedBytes}. */
    public static void decodeFixed(EncodedVector vector, MemorySegment target, long targetOffset) {
        assert !vector.isBinary() : "byte strings have no fixed cells";
        switch (vector.encoding()) {
            case CONSTANT -> ConstantVector.decodeFixed(vector, target, targetOffset);
            case PLAIN -> PlainVector.decodeFixed(vector, target, targetOffset);
            case RUN_LENGTH -> RunLengthVector.decodeFixed(vector, target, targetOffset);
            case FRAME_OF_REFERENCE -> FrameOfReferenceVector.decodeFixed(vector, target, targetOffset);
            case DICTIONARY -> DictionaryVector.decodeFixed(vector, target, targetOffset);
            case DELTA -> DeltaVector.decodeFixed(vector, target, targetOffset);
            case ALP -> AlpVector.decodeFixed(vector, target, targetOffset);
            case PREFIX, FSST -> throw new AssertionError("refused when wrapped");
        }
    }

    /**
     * Writes all strings to {@code target}: {@code count + 1} offsets from 0 on, and {@link
     * EncodedVector#decodedBytes} bytes.
     */
    public static void decodeBinary(EncodedVector vector, FlatBinary target) {
        assert vector.isBinary() : "fixed cells are no byte strings";
        switch (vector.encoding()) {
            case CONSTANT -> ConstantVector.decodeBinary(vector, target);
            case PLAIN -> PlainVector.decodeBinary(vector, target);
            case RUN_LENGTH -> RunLengthVector.decodeBinary(vector, target);
            case DICTIONARY -> DictionaryVector.decodeBinary(vector, target);
            case PREFIX -> PrefixVector.decodeBinary(vector, target);
            case FSST -> FsstVector.decodeBinary(vector, target);
            case FRAME_OF_REFERENCE, DELTA, ALP -> throw new AssertionError("refused when wrapped");
        }
    }

    /** Writes the cells at the {@code count} indexes at {@code selection}, back to back. */
    public static void decodeFixedSelected(
            EncodedVector vector,
            MemorySegment selection,
            long selectionOffset,
            int count,
            MemorySegment target,
            long targetOffset) {
        if (count == 0) {
            return;
        }
        checkSelection(vector, selection, selectionOffset, count);
        if (vector.encoding() == VectorEncoding.PLAIN) {
            gather(vector, selection, selectionOffset, count, target, targetOffset);
        } else if (isDense(vector, count)) {
            decodeFixed(vector, vector.scratch.segment(), DecoderScratch.VALUES);
            gather(vector, selection, selectionOffset, count, target, targetOffset);
        } else {
            pick(vector, selection, selectionOffset, count, target, targetOffset);
        }
    }

    /** Whether so many are selected that all are decoded. A single sum of steps costs as much as many of a block. */
    static boolean isDense(EncodedVector vector, int count) {
        int part = vector.encoding() == VectorEncoding.DELTA ? DENSE_PART_OF_SUMS : DENSE_PART;
        return count >= vector.count() / part;
    }

    /** The same of strings: those of a dictionary have ways of their own, and a constant needs none. */
    static boolean isDecodedWhole(EncodedVector vector, int count) {
        boolean isWorthIt =
                switch (vector.encoding()) {
                    case PLAIN, PREFIX, FSST -> count >= vector.count() / DENSE_PART_OF_STRINGS;
                    case CONSTANT, RUN_LENGTH, DICTIONARY -> false;
                    case FRAME_OF_REFERENCE, DELTA, ALP -> throw new AssertionError("refused when wrapped");
                };
        return isWorthIt && fitsScratch(vector);
    }

    /** Whether all strings together are so few bytes that {@link #decodeToScratch} takes them. */
    static boolean fitsScratch(EncodedVector vector) {
        return vector.decodedBytes() <= WHOLE_BYTES_MAX;
    }

    private static void pick(
            EncodedVector vector,
            MemorySegment selection,
            long selectionOffset,
            int count,
            MemorySegment target,
            long targetOffset) {
        int cellBytes = vector.cellBytes();
        boolean isComputed = isComputed(vector);
        int entry = 0;
        for (int i = 0; i < count; i++) {
            int index = selected(vector, selection, selectionOffset, i);
            long at = targetOffset + (long) i * cellBytes;
            if (isComputed) {
                Cells.put(target, at, cellBytes, computed(vector, index));
            } else {
                entry = entryFrom(vector, entry, index);
                Cells.copy(vector.source, vector.cells + (long) entry * cellBytes, target, at, cellBytes);
            }
        }
    }

    /**
     * From where the cells lie back to back: in the vector if it is plain, else in the scratch, where they were
     * decoded.
     */
    private static void gather(
            EncodedVector vector,
            MemorySegment selection,
            long selectionOffset,
            int count,
            MemorySegment target,
            long targetOffset) {
        boolean isPlain = vector.encoding() == VectorEncoding.PLAIN;
        MemorySegment source = isPlain ? vector.source : vector.scratch.segment();
        long sourceOffset = isPlain ? vector.cells : DecoderScratch.VALUES;
        switch (vector.cellBytes()) {
            case 1 -> KERNELS.gather1(source, sourceOffset, selection, selectionOffset, count, target, targetOffset);
            case 2 -> KERNELS.gather2(source, sourceOffset, selection, selectionOffset, count, target, targetOffset);
            case 4 -> KERNELS.gather4(source, sourceOffset, selection, selectionOffset, count, target, targetOffset);
            case 8 -> KERNELS.gather8(source, sourceOffset, selection, selectionOffset, count, target, targetOffset);
            default -> KERNELS.gather16(source, sourceOffset, selection, selectionOffset, count, target, targetOffset);
        }
    }

    /** Of ascending indexes the last is the largest, so this is enough. */
    private static void checkSelection(EncodedVector vector, MemorySegment selection, long selectionOffset, int count) {
        Check.inRange("count", count, 1, vector.count());
        int last = selected(vector, selection, selectionOffset, count - 1);
        Check.inRange("selected index", last, count - 1L, vector.count() - 1L);
    }

    /**
     * Room that {@link #decodeBinarySelected} needs for bytes: what it will write, or, where that is quicker to tell
     * and not much, what all strings of the vector have.
     */
    public static long selectedRoom(EncodedVector vector, MemorySegment selection, long selectionOffset, int count) {
        if (count == 0) {
            return 0;
        }
        checkSelection(vector, selection, selectionOffset, count);
        if (isDecodedWhole(vector, count)) {
            return vector.decodedBytes();
        }
        if (vector.encoding() == VectorEncoding.DICTIONARY) {
            return DictionaryVector.selectedBytes(vector, selection, selectionOffset, count);
        }
        long sum = 0;
        if (isComposed(vector)) {
            for (int i = 0; i < count; i++) {
                sum += composedBytes(vector, selected(vector, selection, selectionOffset, i));
            }
            return sum;
        }
        int entry = 0;
        for (int i = 0; i < count; i++) {
            entry = entryFrom(vector, entry, selected(vector, selection, selectionOffset, i));
            sum += vector.strings.bytes(vector, entry);
        }
        return sum;
    }

    /**
     * Writes the strings at the {@code count} indexes at {@code selection}, and {@code count + 1} offsets from 0 on;
     * answers the bytes of the strings.
     */
    public static long decodeBinarySelected(
            EncodedVector vector, MemorySegment selection, long selectionOffset, int count, FlatBinary target) {
        if (count == 0) {
            target.offset(0, 0);
            return 0;
        }
        checkSelection(vector, selection, selectionOffset, count);
        if (isDecodedWhole(vector, count)) {
            return copyOfWhole(vector, selection, selectionOffset, count, target);
        }
        if (vector.encoding() == VectorEncoding.DICTIONARY) {
            return DictionaryVector.decodeBinarySelected(vector, selection, selectionOffset, count, target);
        }
        if (isComposed(vector)) {
            return composeSelected(vector, selection, selectionOffset, count, target);
        }
        ByteStrings strings = vector.strings;
        long position = 0;
        int entry = 0;
        for (int i = 0; i < count; i++) {
            entry = entryFrom(vector, entry, selected(vector, selection, selectionOffset, i));
            int bytes = strings.bytes(vector, entry);
            target.offset(i, (int) position);
            MemorySegment.copy(
                    vector.source,
                    strings.start(vector, entry),
                    target.bytes(),
                    target.bytesOffset() + position,
                    bytes);
            position += bytes;
        }
        target.offset(count, (int) position);
        return position;
    }

    private static long copyOfWhole(
            EncodedVector vector, MemorySegment selection, long selectionOffset, int count, FlatBinary target) {
        FlatBinary whole = decodeToScratch(vector);
        MemorySegment source = whole.bytes();
        long position = 0;
        for (int i = 0; i < count; i++) {
            int index = selected(vector, selection, selectionOffset, i);
            int bytes = whole.bytes(index);
            target.offset(i, (int) position);
            MemorySegment.copy(source, whole.start(index), target.bytes(), target.bytesOffset() + position, bytes);
            position += bytes;
        }
        target.offset(count, (int) position);
        return position;
    }

    /** Decodes all strings to where they are until strings of another vector are. */
    static FlatBinary decodeToScratch(EncodedVector vector) {
        assert fitsScratch(vector) : vector.decodedBytes() + " bytes";
        long offsetBytes = (vector.count() + 1L) * Integer.BYTES + VectorFormat.WRITE_PADDING_BYTES;
        long bytes = vector.decodedBytes() + VectorFormat.WRITE_PADDING_BYTES;
        MemorySegment memory = vector.scratch.strings(offsetBytes + bytes);
        FlatBinary whole = vector.scratch.flat.wrap(memory, 0, memory, offsetBytes);
        decodeBinary(vector, whole);
        return whole;
    }

    private static long composeSelected(
            EncodedVector vector, MemorySegment selection, long selectionOffset, int count, FlatBinary target) {
        long position = 0;
        for (int i = 0; i < count; i++) {
            int index = selected(vector, selection, selectionOffset, i);
            target.offset(i, (int) position);
            long at = target.bytesOffset() + position;
            position += vector.encoding() == VectorEncoding.FSST
                    ? FsstVector.copyPadded(vector, index, target.bytes(), at)
                    : PrefixVector.copy(vector, index, target.bytes(), at);
        }
        target.offset(count, (int) position);
        return position;
    }

    private static int selected(EncodedVector vector, MemorySegment selection, long selectionOffset, int index) {
        int selected = selection.get(Cells.INT, selectionOffset + index * 4L);
        return Objects.checkIndex(selected, vector.count());
    }

    /** The cell at {@code index}, as a signed integer. */
    public static long longAt(EncodedVector vector, int index) {
        assert vector.cellBytes() >= 1 && vector.cellBytes() <= Long.BYTES : "cells of " + vector.cellBytes();
        Objects.checkIndex(index, vector.count());
        int cellBytes = vector.cellBytes();
        if (isComputed(vector)) {
            int cut = Long.SIZE - cellBytes * Byte.SIZE;
            return computed(vector, index) << cut >> cut;
        }
        return Cells.signed(vector.source, vector.cells + (long) entry(vector, index) * cellBytes, cellBytes);
    }

    /** Writes the cell at {@code index}. */
    public static void fixedCell(EncodedVector vector, int index, MemorySegment target, long targetOffset) {
        assert !vector.isBinary() : "byte strings have no fixed cells";
        Objects.checkIndex(index, vector.count());
        int cellBytes = vector.cellBytes();
        if (isComputed(vector)) {
            Cells.put(target, targetOffset, cellBytes, computed(vector, index));
        } else {
            long cell = vector.cells + (long) entry(vector, index) * cellBytes;
            Cells.copy(vector.source, cell, target, targetOffset, cellBytes);
        }
    }

    /** Bytes of the string at {@code index}. */
    public static int binaryCellBytes(EncodedVector vector, int index) {
        assert vector.isBinary() : "fixed cells are no byte strings";
        Objects.checkIndex(index, vector.count());
        if (isComposed(vector)) {
            return composedBytes(vector, index);
        }
        return vector.strings.bytes(vector, entry(vector, index));
    }

    /**
     * Where the string at {@code index}, of which {@link #binaryCellBytes} has been asked, lies in {@link
     * EncodedVector#cellMemory}, which is in the vector, or, until the next is asked for, in the scratch.
     */
    public static long binaryCellOffset(EncodedVector vector, int index) {
        assert vector.isBinary() : "fixed cells are no byte strings";
        Objects.checkIndex(index, vector.count());
        if (isComposed(vector)) {
            vector.cellMemory = vector.scratch.strings(composedBytes(vector, index));
            compose(vector, index, vector.cellMemory, 0);
            return 0;
        }
        vector.cellMemory = vector.source;
        return vector.strings.start(vector, entry(vector, index));
    }

    /** Writes the string at {@code index}, exactly {@link #binaryCellBytes}, which it answers. */
    public static int binaryCell(EncodedVector vector, int index, MemorySegment target, long targetOffset) {
        assert vector.isBinary() : "fixed cells are no byte strings";
        Objects.checkIndex(index, vector.count());
        if (isComposed(vector)) {
            return compose(vector, index, target, targetOffset);
        }
        int entry = entry(vector, index);
        int bytes = vector.strings.bytes(vector, entry);
        MemorySegment.copy(vector.source, vector.strings.start(vector, entry), target, targetOffset, bytes);
        return bytes;
    }

    /** Compares the string at {@code index} with {@code key}, as unsigned bytes: negative if the string is smaller. */
    public static int compareBinary(EncodedVector vector, int index, MemorySegment key, long keyOffset, long keyBytes) {
        assert vector.isBinary() : "fixed cells are no byte strings";
        Objects.checkIndex(index, vector.count());
        if (vector.encoding() == VectorEncoding.PREFIX) {
            return PrefixVector.compare(vector, index, key, keyOffset, keyBytes);
        }
        if (vector.encoding() == VectorEncoding.FSST) {
            return FsstVector.compare(vector, index, key, keyOffset, keyBytes);
        }
        int entry = entry(vector, index);
        int bytes = vector.strings.bytes(vector, entry);
        return Cells.compare(vector.source, vector.strings.start(vector, entry), bytes, key, keyOffset, keyBytes);
    }

    /**
     * In a vector of ascending strings, the index of the first that is not smaller than {@code key}; the count if
     * there is none. Searched in place.
     */
    public static int lowerBoundBinary(EncodedVector vector, MemorySegment key, long keyOffset, long keyBytes) {
        int low = 0;
        int high = vector.count();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (compareBinary(vector, middle, key, keyOffset, keyBytes) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /**
     * In a vector of ascending signed integers, the index of the first that is not smaller than {@code key}; the
     * count if there is none.
     */
    public static int lowerBoundLong(EncodedVector vector, long key) {
        if (vector.encoding() == VectorEncoding.DELTA && DeltaVector.isAscending(vector)) {
            return DeltaVector.lowerBound(vector, key);
        }
        int low = 0;
        int high = vector.count();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (longAt(vector, middle) < key) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Whether values are not stored as cells but computed, each by itself. */
    private static boolean isComputed(EncodedVector vector) {
        return switch (vector.encoding()) {
            case FRAME_OF_REFERENCE, DELTA, ALP -> true;
            case DICTIONARY -> DictionaryVector.isPacked(vector);
            case CONSTANT, PLAIN, RUN_LENGTH, PREFIX, FSST -> false;
        };
    }

    /** Such a value, not yet cut to the size of a cell. */
    private static long computed(EncodedVector vector, int index) {
        return switch (vector.encoding()) {
            case DELTA -> DeltaVector.value(vector, index);
            case ALP -> AlpVector.value(vector, index);
            case DICTIONARY -> DictionaryVector.value(vector, index);
            default -> FrameOfReferenceVector.value(vector, index);
        };
    }

    /** Whether strings are not stored whole. */
    static boolean isComposed(EncodedVector vector) {
        return vector.encoding() == VectorEncoding.PREFIX || vector.encoding() == VectorEncoding.FSST;
    }

    /** Bytes of such a string. */
    private static int composedBytes(EncodedVector vector, int index) {
        return vector.encoding() == VectorEncoding.FSST
                ? FsstVector.bytes(vector, index)
                : PrefixVector.bytes(vector, index);
    }

    /** Writes such a string; answers its bytes. */
    private static int compose(EncodedVector vector, int index, MemorySegment target, long targetOffset) {
        return vector.encoding() == VectorEncoding.FSST
                ? FsstVector.copy(vector, index, target, targetOffset)
                : PrefixVector.copy(vector, index, target, targetOffset);
    }

    /** Which of the stored entries the value at {@code index} is. */
    static int entry(EncodedVector vector, int index) {
        return switch (vector.encoding()) {
            case CONSTANT -> 0;
            case PLAIN -> index;
            case RUN_LENGTH -> RunLengthVector.run(vector, index);
            case DICTIONARY -> DictionaryVector.code(vector, index);
            case FRAME_OF_REFERENCE, DELTA, PREFIX, FSST, ALP ->
                throw new AssertionError("no entries, but numbers or pieces");
        };
    }

    /** As {@link #entry}, starting the search for a run at {@code hint}. */
    private static int entryFrom(EncodedVector vector, int hint, int index) {
        return vector.encoding() == VectorEncoding.RUN_LENGTH
                ? RunLengthVector.runFrom(vector, hint, index)
                : entry(vector, index);
    }

    /** Requires that strings up to {@code position} fit what the header promised. */
    static void checkRoom(EncodedVector vector, long position) {
        vector.check("decoded bytes", VectorFormat.DECODED_BYTES, vector.decodedBytes(), position, Integer.MAX_VALUE);
    }

    /** Requires that all strings together are what the header promised. */
    static void checkFull(EncodedVector vector, long position) {
        vector.check("decoded bytes", VectorFormat.DECODED_BYTES, vector.decodedBytes(), position, position);
    }
}
