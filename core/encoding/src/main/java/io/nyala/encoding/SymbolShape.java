package io.nyala.encoding;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A vector of strings as {@link FsstVector} would write them: their codes, and how long these are.
 *
 * <p>A reusable part of {@link EncoderScratch}, for one thread. Owns the memory of the codes.
 */
final class SymbolShape {
    private final MemoryAccount account;
    private final int[] codeBytes = new int[VectorFormat.VALUES_MAX];
    private final StringShape strings = new StringShape();
    private @Nullable SymbolTrainer trainer;
    private @Nullable Slab codes;

    SymbolShape(MemoryAccount account) {
        this.account = account;
    }

    /** Large, and many encoders never have strings: made when first needed. */
    SymbolTrainer trainer() {
        SymbolTrainer made = trainer;
        if (made == null) {
            made = new SymbolTrainer();
            trainer = made;
        }
        return made;
    }

    /** Encodes the strings; answers the bytes that the vector would take, or a very large number if surely more. */
    long take(BinaryShape shape, SymbolTable table, long bytesMax) {
        FlatBinary source = shape.source();
        MemorySegment target = room(2 * shape.dataBytes());
        long position = 0;
        for (int i = 0; i < shape.count(); i++) {
            long start = source.start(i);
            codeBytes[i] = table.encode(source.bytes(), start, start + source.bytes(i), target, position);
            position += codeBytes[i];
            if (position > bytesMax) {
                return Long.MAX_VALUE;
            }
        }
        strings.ofLengths(codeBytes, shape.count());
        return FsstVector.binaryBytes(table, strings);
    }

    private MemorySegment room(long bytes) {
        Slab held = codes;
        if (held != null && held.segment().byteSize() >= bytes) {
            return held.segment();
        }
        close();
        Slab taken = account.take(bytes);
        codes = taken;
        return taken.segment();
    }

    /** The codes of all strings, back to back. */
    MemorySegment codes() {
        return codes == null ? MemorySegment.NULL : codes.segment();
    }

    StringShape strings() {
        return strings;
    }

    void close() {
        if (codes != null) {
            account.giveBack(codes);
            codes = null;
        }
    }
}
