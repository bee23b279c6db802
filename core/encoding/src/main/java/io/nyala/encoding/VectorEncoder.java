package io.nyala.encoding;

import io.nyala.memory.Check;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Values to a vector, in the smallest encoding or the one that is hinted. Sizes are computed, not guessed, from one
 * pass over the values (smallest, largest, runs); only the search for distinct values is given up early where they
 * are clearly many, and symbols of strings are looked for now and then, in a sample.
 *
 * <p>Targets have room for {@link VectorFormat#maxFixedBytes} or {@link VectorFormat#maxBinaryBytes}; what is behind
 * the bytes written is undefined. Sources have {@link VectorFormat#READ_PADDING_BYTES} readable bytes behind the
 * values.
 *
 * <p>Cheap to create, one per column; the {@link EncoderScratch} is shared among those of one thread, and owned by
 * the caller.
 */
public final class VectorEncoder {
    /** Sums take twice the time of unpacking, so steps must save this part of what else would be taken. */
    private static final int STEPS_SAVE_PART = 8;

    /** The same of strings in two pieces. */
    private static final int PIECES_SAVE_PART = 8;

    /** The same of symbols, which take several times the time of a copy. */
    private static final int SYMBOLS_SAVE_PART = 4;

    /** With fewer bytes a table of symbols is hardly worth its room. */
    private static final int SYMBOLS_DATA_BYTES_MIN = 1 << 10;

    /**
     * Twice as much is what codes may take while they are made, and a reader may have to decode all of it to find one
     * string. Longer strings are left to compressors.
     */
    private static final int SYMBOLS_DATA_BYTES_MAX = 128 << 10;

    /** Symbols are found anew after so many vectors, or when a vector takes so much more than the first by them. */
    private static final int SYMBOLS_VECTORS_MAX = 64;

    private static final double SYMBOLS_RATIO_MAX = 1.1;

    /** The same of scaled integers. */
    private static final int DECIMALS_SAVE_PART = 8;

    /** Powers of ten are chosen anew for a vector that takes so much more by those of the one before. */
    private static final double DECIMALS_RATIO_MAX = 1.2;

    /** Vectors left alone after one that symbols, or scaling, made no smaller. */
    private static final int SKIPPED_VECTORS = 15;

    private final EncoderScratch scratch;
    private final EncodingHint hint;
    private final boolean isCompressedAfterwards;

    // The symbols found last. They serve several vectors, each of which has them in itself.
    private @Nullable SymbolTable symbols;
    private int symbolVectors;
    private double symbolRatio;
    private int symbolsSkipped;

    // The powers of ten chosen last, or -1.
    private int exponent = -1;
    private int factor;
    private double decimalRatio;
    private int decimalsSkipped;

    public VectorEncoder(EncoderScratch scratch, EncodingHint hint) {
        this(scratch, hint, false);
    }

    /**
     * @param isCompressedAfterwards whether the vectors go to a compressor that does with strings as they are what
     *     symbols do, and more
     */
    public VectorEncoder(EncoderScratch scratch, EncodingHint hint, boolean isCompressedAfterwards) {
        this.scratch = scratch;
        this.hint = hint;
        this.isCompressedAfterwards = isCompressedAfterwards;
    }

    /** Writes {@code count} cells of {@code cellBytes} bytes as one vector; answers its bytes. */
    public long encodeFixed(
            MemorySegment values, long valuesOffset, int cellBytes, int count, MemorySegment target, long offset) {
        Check.inRange("count", count, 0, VectorFormat.VALUES_MAX);
        Check.that(VectorFormat.isCellBytes(cellBytes), "a cell is 1, 2, 4, 8 or 16 bytes");
        FixedShape shape = scratch.fixed;
        shape.take(values, valuesOffset, cellBytes, count);
        long written =
                switch (chooseFixed(shape)) {
                    case CONSTANT -> ConstantVector.encodeFixed(shape, target, offset);
                    case PLAIN -> PlainVector.encodeFixed(shape, target, offset);
                    case RUN_LENGTH -> RunLengthVector.encodeFixed(shape, target, offset);
                    case FRAME_OF_REFERENCE -> FrameOfReferenceVector.encodeFixed(shape, scratch, target, offset);
                    case DICTIONARY -> DictionaryVector.encodeFixed(shape, scratch, target, offset);
                    case DELTA -> DeltaVector.encodeFixed(shape, scratch, target, offset);
                    case ALP -> AlpVector.encodeFixed(shape, scratch, target, offset);
                    case PREFIX, FSST -> throw new AssertionError("cells are no strings");
                };
        assert written <= VectorFormat.maxFixedBytes(count, cellBytes) : written + " bytes";
        return written;
    }

    private VectorEncoding chooseFixed(FixedShape shape) {
        long plain = PlainVector.fixedBytes(shape.count(), shape.cellBytes());
        if (shape.count() == 0) {
            return VectorEncoding.PLAIN;
        }
        long runs = RunLengthVector.fixedBytes(shape.runCount(), shape.cellBytes());
        boolean canPack = FrameOfReferenceVector.isPossible(shape);
        long packed = canPack ? FrameOfReferenceVector.fixedBytes(shape) : Long.MAX_VALUE;
        switch (hint) {
            case PLAIN -> {
                return VectorEncoding.PLAIN;
            }
            case RUN_LENGTH -> {
                if (runs <= plain) {
                    return VectorEncoding.RUN_LENGTH;
                }
            }
            case BIT_PACKED -> {
                if (packed <= plain) {
                    return VectorEncoding.FRAME_OF_REFERENCE;
                }
            }
            case DICTIONARY -> {
                if (dictionaryBytes(shape, plain, true) <= plain) {
                    return VectorEncoding.DICTIONARY;
                }
            }
            case AUTO, PREFIX -> {}
        }
        if (shape.runCount() == 1) {
            return VectorEncoding.CONSTANT;
        }
        // On a tie the encoding that is read faster wins: plain, then packed, then runs, then the dictionary.
        long best = Math.min(plain, Math.min(packed, runs));
        long steps = DeltaVector.isPossible(shape) ? DeltaVector.fixedBytes(shape) : Long.MAX_VALUE;
        VectorEncoding other = best == plain
                ? VectorEncoding.PLAIN
                : best == packed ? VectorEncoding.FRAME_OF_REFERENCE : VectorEncoding.RUN_LENGTH;
        if (steps < best - best / STEPS_SAVE_PART) {
            best = steps;
            other = VectorEncoding.DELTA;
        }
        long entries = dictionaryBytes(shape, best - 1, false);
        if (entries < best) {
            best = entries;
            other = VectorEncoding.DICTIONARY;
        }
        return isDecimal(shape, best) ? VectorEncoding.ALP : other;
    }

    /** Whether scaled integers take a part less than {@code best} bytes; if so, they are in the scratch. */
    private boolean isDecimal(FixedShape shape, long best) {
        if (!AlpShape.isPlausible(shape)) {
            return false;
        }
        if (decimalsSkipped > 0) {
            decimalsSkipped--;
            return false;
        }
        AlpShape decimals = scratch.decimals;
        long most = best - best / DECIMALS_SAVE_PART;
        long bytes = Long.MAX_VALUE;
        if (exponent >= 0) {
            decimals.use(exponent, factor);
            bytes = decimals.take(shape);
        }
        if (bytes > most || bytes > DECIMALS_RATIO_MAX * decimalRatio * shape.count()) {
            decimals.choose(shape);
            bytes = decimals.take(shape);
            exponent = decimals.exponent();
            factor = decimals.factor();
            decimalRatio = (double) bytes / shape.count();
        }
        if (bytes <= most) {
            return true;
        }
        exponent = -1;
        decimalsSkipped = SKIPPED_VECTORS;
        return false;
    }

    /** What a dictionary takes, or a very large number if it is surely more than {@code most}. */
    private long dictionaryBytes(FixedShape shape, long most, boolean thorough) {
        if (!DictionaryVector.isPossible(shape.cellBytes())) {
            return Long.MAX_VALUE;
        }
        int limit = (int) Math.min(VectorFormat.VALUES_MAX, most * Byte.SIZE / DictionaryVector.entryBits(shape));
        if (!shape.findDistinct(limit, thorough)) {
            return Long.MAX_VALUE;
        }
        return DictionaryVector.fixedBytes(shape, scratch.distinct.count());
    }

    /** Writes the first {@code count} strings of {@code source} as one vector; answers its bytes. */
    public long encodeBinary(FlatBinary source, int count, MemorySegment target, long offset) {
        Check.inRange("count", count, 0, VectorFormat.VALUES_MAX);
        BinaryShape shape = scratch.binary;
        shape.take(source, count);
        long written =
                switch (chooseBinary(shape)) {
                    case CONSTANT -> ConstantVector.encodeBinary(shape, scratch, target, offset);
                    case PLAIN -> PlainVector.encodeBinary(shape, scratch, target, offset);
                    case RUN_LENGTH -> RunLengthVector.encodeBinary(shape, scratch, target, offset);
                    case DICTIONARY -> DictionaryVector.encodeBinary(shape, scratch, target, offset);
                    case PREFIX -> PrefixVector.encodeBinary(shape, scratch, target, offset);
                    case FSST -> FsstVector.encodeBinary(shape, symbolTable(), scratch, target, offset);
                    case FRAME_OF_REFERENCE, DELTA, ALP -> throw new AssertionError("byte strings are no numbers");
                };
        assert written <= VectorFormat.maxBinaryBytes(count, shape.dataBytes()) : written + " bytes";
        return written;
    }

    private VectorEncoding chooseBinary(BinaryShape shape) {
        if (shape.count() == 0) {
            return VectorEncoding.PLAIN;
        }
        long plain = VectorFormat.BINARY_BODY + shape.all().encodedBytes();
        long runs = RunLengthVector.binaryBytes(shape.runs());
        switch (hint) {
            case PLAIN -> {
                return VectorEncoding.PLAIN;
            }
            case RUN_LENGTH -> {
                if (runs <= plain) {
                    return VectorEncoding.RUN_LENGTH;
                }
            }
            case DICTIONARY -> {
                if (dictionaryBytes(shape, plain, true) <= plain) {
                    return VectorEncoding.DICTIONARY;
                }
            }
            case PREFIX -> {
                if (scratch.prefixes.take(shape) <= plain) {
                    return VectorEncoding.PREFIX;
                }
            }
            case AUTO, BIT_PACKED -> {}
        }
        if (shape.runs().count() == 1) {
            return VectorEncoding.CONSTANT;
        }
        // As above: with prefixes each string is two pieces, so they must save more.
        long best = Math.min(plain, runs);
        long prefixed = shape.sharedBytes() > best / PIECES_SAVE_PART ? scratch.prefixes.take(shape) : Long.MAX_VALUE;
        VectorEncoding other = best == plain ? VectorEncoding.PLAIN : VectorEncoding.RUN_LENGTH;
        if (prefixed < best - best / PIECES_SAVE_PART) {
            best = prefixed;
            other = VectorEncoding.PREFIX;
        }
        long entries = dictionaryBytes(shape, best - 1, false);
        if (entries < best) {
            best = entries;
            other = VectorEncoding.DICTIONARY;
        }
        return hasSymbols(shape, best) ? VectorEncoding.FSST : other;
    }

    /** Whether symbols take a part less than {@code best} bytes; if so, the codes are in the scratch. */
    private boolean hasSymbols(BinaryShape shape, long best) {
        long dataBytes = shape.dataBytes();
        boolean isWorthIt = !isCompressedAfterwards && 2 * best >= dataBytes;
        if (!isWorthIt || dataBytes < SYMBOLS_DATA_BYTES_MIN || dataBytes > SYMBOLS_DATA_BYTES_MAX) {
            return false;
        }
        if (symbolsSkipped > 0) {
            symbolsSkipped--;
            return false;
        }
        long most = best - best / SYMBOLS_SAVE_PART;
        SymbolTable table = symbolTable();
        long bytes = table.count() == 0 || symbolVectors >= SYMBOLS_VECTORS_MAX
                ? Long.MAX_VALUE
                : scratch.symbols.take(shape, table, most);
        symbolVectors++;
        if (bytes > shape.dataBytes() * symbolRatio * SYMBOLS_RATIO_MAX) {
            scratch.symbols.trainer().train(shape.source(), shape.count(), table);
            bytes = scratch.symbols.take(shape, table, most);
            symbolRatio = (double) bytes / shape.dataBytes();
            symbolVectors = 1;
        }
        if (bytes <= most) {
            return true;
        }
        symbolsSkipped = SKIPPED_VECTORS;
        table.clear();
        return false;
    }

    private SymbolTable symbolTable() {
        SymbolTable made = symbols;
        if (made == null) {
            made = new SymbolTable();
            symbols = made;
        }
        return made;
    }

    private long dictionaryBytes(BinaryShape shape, long most, boolean thorough) {
        if (!shape.findDistinct(most, thorough)) {
            return Long.MAX_VALUE;
        }
        return DictionaryVector.binaryBytes(shape.count(), shape.entries());
    }
}
