package io.nyala.encoding;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * A vector of byte strings as codes of symbols, each a sequence of up to 8 bytes that is frequent in them (FSST: Boncz,
 * Neumann, Leis, VLDB 2020). Suits text; each string can be read by itself.
 *
 * <pre>{@code
 *   0        8         9      10             12           20
 *   +--------+---------+------+--------------+------------+------------------+---------------------- - -
 *   | header | symbols | zero | symbol bytes |  lengths   | symbols          | strings (count), codes
 *   +--------+---------+------+--------------+------------+------------------+---------------------- - -
 *                u8       u8        u16          u8[8]      u8[symbol bytes]
 * }</pre>
 *
 * Header: {@link VectorFormat}; codes: {@link ByteStrings}. {@code lengths[i]} symbols have {@code i + 1} bytes; they
 * are numbered from 0 on, and lie back to back, the shortest first. Code 255 stands for the byte behind it, each other
 * for the symbol of that number. At each place the writer takes the longest symbol that the string goes on with, and
 * 255 only where there is none, so that equal strings have equal codes, and a reader may compare these.
 *
 * <p>Example, the symbols {@code "a"} and {@code "bc"}, and the strings {@code ["abc", "xa"]}: {@code 08 00 02 00 05 00
 * 00 00 | 02 | 00 | 03 00 | 01 01 00 00 00 00 00 00 | 61 62 63 | 05 00 00 00 | 02 00 00 00 | 01 | 00 00 00 | 02 | 00 01
 * ff 78 00}.
 */
final class FsstVector {
    private static final long SYMBOLS = 8;
    private static final long ZERO = 9;
    private static final long SYMBOL_BYTES = 10;
    private static final long LENGTHS = 12;
    private static final long WORDS = 20;

    private FsstVector() {}

    static void read(EncodedVector vector) {
        vector.check("cell", VectorFormat.CELL_BYTES, vector.cellBytes(), 0, 0);
        vector.checkReaches(WORDS);
        int symbols = vector.u8(SYMBOLS);
        vector.check("zero", ZERO, vector.u8(ZERO), 0, 0);
        int symbolBytes = vector.u16(SYMBOL_BYTES);
        int sum = 0;
        int bytes = 0;
        for (int i = 0; i < SymbolTable.SYMBOL_BYTES_MAX; i++) {
            sum += vector.u8(LENGTHS + i);
            bytes += vector.u8(LENGTHS + i) * (i + 1);
        }
        vector.check("symbols", SYMBOLS, symbols, sum, sum);
        vector.check("symbol bytes", SYMBOL_BYTES, symbolBytes, bytes, bytes);
        vector.entryCount = symbols;
        vector.cells = vector.offset + WORDS;
        vector.strings.read(vector, WORDS + symbolBytes, vector.count());
        vector.checkDecodedBytes(0, vector.strings.dataBytes() * SymbolTable.SYMBOL_BYTES_MAX);
    }

    /** The symbols of the vector, in the scratch, where they stay until those of another are asked for. */
    private static DecoderScratch symbols(EncodedVector vector) {
        DecoderScratch scratch = vector.scratch;
        if (!scratch.hasSymbolsOf(vector)) {
            long at = vector.cells;
            int code = 0;
            for (int bytes = 1; bytes <= SymbolTable.SYMBOL_BYTES_MAX; bytes++) {
                int end = code + vector.u8(LENGTHS + bytes - 1);
                for (; code < end; code++) {
                    scratch.symbols[code] = vector.source.get(Cells.LONG, at) & SymbolTable.mask(bytes);
                    scratch.symbolBytes[code] = bytes;
                    at += bytes;
                }
            }
        }
        return scratch;
    }

    private static CorruptVectorException badCode(EncodedVector vector, long at, int code) {
        return new CorruptVectorException("code", at - vector.offset, code, 0, vector.entryCount - 1L);
    }

    /** Bytes of string {@code index}. */
    static int bytes(EncodedVector vector, int index) {
        int[] symbolBytes = symbols(vector).symbolBytes;
        long end = vector.strings.bytes(vector, index);
        long at = vector.strings.start(vector, index);
        long sum = 0;
        for (end += at; at < end; at++) {
            int code = vector.source.get(Cells.BYTE, at) & 0xFF;
            if (code < vector.entryCount) {
                sum += symbolBytes[code];
            } else if (code == SymbolTable.ESCAPE && ++at < end) {
                sum++;
            } else {
                throw badCode(vector, at, code);
            }
        }
        VectorDecoder.checkRoom(vector, sum);
        return (int) sum;
    }

    /** Writes string {@code index}, which has {@link #bytes}, and nothing behind it; answers its bytes. */
    static int copy(EncodedVector vector, int index, MemorySegment target, long targetOffset) {
        DecoderScratch scratch = symbols(vector);
        long end = vector.strings.bytes(vector, index);
        long at = vector.strings.start(vector, index);
        long position = targetOffset;
        for (end += at; at < end; at++) {
            int code = vector.source.get(Cells.BYTE, at) & 0xFF;
            if (code < vector.entryCount) {
                long word = scratch.symbols[code];
                for (int i = scratch.symbolBytes[code]; i > 0; i--) {
                    target.set(Cells.BYTE, position++, (byte) word);
                    word >>>= Byte.SIZE;
                }
            } else if (code == SymbolTable.ESCAPE && ++at < end) {
                target.set(Cells.BYTE, position++, vector.source.get(Cells.BYTE, at));
            } else {
                throw badCode(vector, at, code);
            }
        }
        return (int) (position - targetOffset);
    }

    /** As {@link #copy}, with the padding of a target of many strings behind; faster. */
    static long copyPadded(EncodedVector vector, int index, MemorySegment target, long targetOffset) {
        long bytes = vector.strings.bytes(vector, index);
        long start = vector.strings.start(vector, index);
        return decode(vector, start, start + bytes, target, targetOffset, Long.MAX_VALUE) - targetOffset;
    }

    static int compare(EncodedVector vector, int index, MemorySegment key, long keyOffset, long keyBytes) {
        DecoderScratch scratch = symbols(vector);
        long end = vector.strings.bytes(vector, index);
        long at = vector.strings.start(vector, index);
        long next = keyOffset;
        long keyEnd = keyOffset + keyBytes;
        for (end += at; at < end; at++) {
            int code = vector.source.get(Cells.BYTE, at) & 0xFF;
            long word;
            int bytes = 1;
            if (code < vector.entryCount) {
                word = scratch.symbols[code];
                bytes = scratch.symbolBytes[code];
            } else if (code == SymbolTable.ESCAPE && ++at < end) {
                word = vector.source.get(Cells.BYTE, at);
            } else {
                throw badCode(vector, at, code);
            }
            for (; bytes > 0; bytes--) {
                if (next == keyEnd) {
                    return 1;
                }
                int order = Byte.compareUnsigned((byte) word, key.get(Cells.BYTE, next++));
                if (order != 0) {
                    return order;
                }
                word >>>= Byte.SIZE;
            }
        }
        return next < keyEnd ? -1 : 0;
    }

    /** Stores whole words, the last of which ends in the padding. */
    static void decodeBinary(EncodedVector vector, FlatBinary target) {
        ByteStrings strings = vector.strings;
        strings.decodeOffsets(vector, target); // Those of the codes at first.
        MemorySegment bytes = target.bytes();
        long limit = target.bytesOffset() + vector.decodedBytes();
        long position = target.bytesOffset();
        long start = 0;
        for (int i = 0; i < vector.count(); i++) {
            long end = target.offset(i + 1);
            target.offset(i, (int) (position - target.bytesOffset()));
            position = decode(vector, strings.data() + start, strings.data() + end, bytes, position, limit);
            start = end;
        }
        VectorDecoder.checkFull(vector, position - target.bytesOffset());
        target.offset(vector.count(), (int) (position - target.bytesOffset()));
    }

    private static long decode(
            EncodedVector vector, long start, long end, MemorySegment target, long targetOffset, long limit) {
        DecoderScratch scratch = symbols(vector);
        long[] words = scratch.symbols;
        int[] symbolBytes = scratch.symbolBytes;
        int symbols = vector.entryCount;
        long position = targetOffset;
        for (long at = start; at < end; at++) {
            int code = vector.source.get(Cells.BYTE, at) & 0xFF;
            if (position > limit) {
                VectorDecoder.checkRoom(vector, position - limit + vector.decodedBytes());
            }
            if (code < symbols) {
                target.set(Cells.LONG, position, words[code]);
                position += symbolBytes[code];
            } else if (code == SymbolTable.ESCAPE && ++at < end) {
                target.set(Cells.BYTE, position++, vector.source.get(Cells.BYTE, at));
            } else {
                throw badCode(vector, at, code);
            }
        }
        return position;
    }

    /** Writes the codes of a string, as the writer of the vector would; answers their bytes, at most two for each. */
    static int encode(EncodedVector vector, MemorySegment string, MemorySegment target) {
        DecoderScratch scratch = symbols(vector);
        int position = 0;
        long bytes = string.byteSize();
        for (long at = 0; at < bytes; ) {
            int code = vector.entryCount - 1; // The longest first.
            while (code >= 0 && !goesOnWith(string, at, scratch.symbols[code], scratch.symbolBytes[code])) {
                code--;
            }
            if (code >= 0) {
                target.set(Cells.BYTE, position++, (byte) code);
                at += scratch.symbolBytes[code];
            } else {
                target.set(Cells.BYTE, position++, (byte) SymbolTable.ESCAPE);
                target.set(Cells.BYTE, position++, string.get(Cells.BYTE, at++));
            }
        }
        return position;
    }

    private static boolean goesOnWith(MemorySegment string, long at, long symbol, int symbolBytes) {
        if (symbolBytes > string.byteSize() - at) {
            return false;
        }
        long word = symbol;
        for (int i = 0; i < symbolBytes; i++) {
            if ((byte) word != string.get(Cells.BYTE, at + i)) {
                return false;
            }
            word >>>= Byte.SIZE;
        }
        return true;
    }

    static long binaryBytes(SymbolTable table, StringShape codes) {
        return WORDS + table.symbolBytes() + codes.encodedBytes();
    }

    /** Writes the codes that {@link SymbolShape#take} made of the strings. */
    static long encodeBinary(
            BinaryShape shape, SymbolTable table, EncoderScratch scratch, MemorySegment target, long offset) {
        VectorFormat.putBinaryHeader(target, offset, VectorEncoding.FSST, shape.count(), shape.dataBytes());
        target.set(Cells.SHORT, offset + SYMBOLS, (short) table.count()); // And a zero.
        target.set(Cells.SHORT, offset + SYMBOL_BYTES, (short) table.symbolBytes());
        target.set(Cells.LONG, offset + LENGTHS, 0);
        long at = offset + WORDS;
        for (int code = 0; code < table.count(); code++) {
            int bytes = table.length(code);
            long count = offset + LENGTHS + bytes - 1;
            target.set(Cells.BYTE, count, (byte) (target.get(Cells.BYTE, count) + 1));
            target.set(Cells.LONG, at, table.word(code)); // What is behind the symbol is written next.
            at += bytes;
        }
        StringShape codes = scratch.symbols.strings();
        at = ByteStrings.writeEnds(codes, scratch, target, at);
        MemorySegment.copy(scratch.symbols.codes(), 0, target, at, codes.dataBytes());
        return at + codes.dataBytes() - offset;
    }

    static void annotate(EncodedVector vector, Notes notes) {
        notes.note(vector.offset + SYMBOLS, 1, "symbols: " + vector.entryCount);
        notes.note(vector.offset + ZERO, 1, "zero");
        int symbolBytes = vector.u16(SYMBOL_BYTES);
        notes.note(vector.offset + SYMBOL_BYTES, 2, "symbol bytes: " + symbolBytes);
        var lengths = new StringBuilder("symbols of 1 to 8 bytes:");
        for (int i = 0; i < SymbolTable.SYMBOL_BYTES_MAX; i++) {
            lengths.append(' ').append(vector.u8(LENGTHS + i));
        }
        notes.note(vector.offset + LENGTHS, SymbolTable.SYMBOL_BYTES_MAX, lengths.toString());
        if (symbolBytes > 0) {
            notes.note(vector.cells, symbolBytes, "symbols");
        }
        vector.strings.annotate(vector, notes);
    }
}
