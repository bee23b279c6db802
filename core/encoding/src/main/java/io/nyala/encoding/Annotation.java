package io.nyala.encoding;

import io.nyala.memory.Notes;
import java.util.Locale;

/** Explains the bytes of a vector to {@link Notes}, for the dump tool and the golden tests. Stateless. */
public final class Annotation {
    /** Most numbers of an array that are spelled out; the rest is in the bytes beside. */
    static final int SHOWN_MAX = 16;

    private Annotation() {}

    /** Notes the fields of a vector, at their offsets in its segment. */
    public static void annotate(EncodedVector vector, Notes notes) {
        long offset = vector.offset;
        notes.section(vector.encoding().name().toLowerCase(Locale.ROOT).replace('_', '-') + " vector");
        notes.note(offset + VectorFormat.ENCODING, 1, "encoding: " + vector.encoding());
        notes.note(
                offset + VectorFormat.CELL_BYTES,
                1,
                vector.isBinary() ? "cell: byte strings" : "cell: " + vector.cellBytes() + " bytes");
        notes.note(offset + VectorFormat.COUNT, 2, "count: " + vector.count());
        if (vector.isBinary()) {
            notes.note(offset + VectorFormat.DECODED_BYTES, 4, "decoded bytes: " + vector.decodedBytes());
        }
        switch (vector.encoding()) {
            case CONSTANT -> ConstantVector.annotate(vector, notes);
            case PLAIN -> PlainVector.annotate(vector, notes);
            case RUN_LENGTH -> RunLengthVector.annotate(vector, notes);
            case FRAME_OF_REFERENCE -> FrameOfReferenceVector.annotate(vector, notes);
            case DICTIONARY -> DictionaryVector.annotate(vector, notes);
            case DELTA -> DeltaVector.annotate(vector, notes);
            case PREFIX -> PrefixVector.annotate(vector, notes);
            case FSST -> FsstVector.annotate(vector, notes);
            case ALP -> AlpVector.annotate(vector, notes);
        }
        notes.endSection();
    }

    static String cell(EncodedVector vector, long at) {
        if (vector.cellBytes() < 16) {
            return Long.toString(Cells.signed(vector.source, at, vector.cellBytes()));
        }
        return Long.toHexString(vector.source.get(Cells.LONG, at + 8))
                + ':'
                + Long.toHexString(vector.source.get(Cells.LONG, at));
    }

    /** The cells of the entries. */
    static void cells(EncodedVector vector, String name, Notes notes) {
        var text = new StringBuilder(name).append(':');
        for (int i = 0; i < Math.min(vector.entryCount, SHOWN_MAX); i++) {
            text.append(' ').append(cell(vector, vector.cells + (long) i * vector.cellBytes()));
        }
        if (vector.entryCount > SHOWN_MAX) {
            text.append(" ...");
        }
        if (vector.entryCount > 0) {
            notes.note(vector.cells, vector.entryCount * vector.cellBytes(), text.toString());
        }
    }

    /** The packed numbers of the vector. */
    static void packed(EncodedVector vector, String name, int count, Notes notes) {
        packed(vector, name, vector.packed, vector.width, count, notes);
    }

    /** Packed numbers at {@code at}. */
    static void packed(EncodedVector vector, String name, long at, int width, int count, Notes notes) {
        var text = new StringBuilder(name).append(':');
        for (int i = 0; i < Math.min(count, SHOWN_MAX); i++) {
            text.append(' ').append(PackedInts.get(vector.source, at, width, i));
        }
        if (count > SHOWN_MAX) {
            text.append(" ...");
        }
        if (width > 0 && count > 0) {
            notes.note(at, (int) PackedInts.bytes(count, width), text.toString());
        }
    }
}
