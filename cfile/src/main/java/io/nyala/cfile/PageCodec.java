package io.nyala.cfile;

import com.github.luben.zstd.Zstd;
import io.airlift.compress.v3.lz4.Lz4Compressor;
import io.airlift.compress.v3.lz4.Lz4Decompressor;
import io.airlift.compress.v3.snappy.SnappyCompressor;
import io.airlift.compress.v3.snappy.SnappyDecompressor;
import java.lang.foreign.MemorySegment;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/**
 * Compression of whole pages, on top of the encoding. Whether it is worth it is decided page by page; a column on which
 * it was not is left alone for some pages, since trying costs more than writing.
 *
 * <p>Belongs to one column writer, thus to one thread; the static part is stateless.
 */
final class PageCodec {
    static final int NONE = 0;
    static final int LZ4 = 1;
    static final int ZSTD = 2;
    static final int SNAPPY = 3;
    static final int ZLIB = 4;
    static final int ZSTD_DICTIONARY = 5;

    /** What was asked for is kept if it saves a tenth: less is not worth the time of every reader. */
    private static final double ASKED_RATIO_MAX = 0.9;

    /** What nobody asked for has to save more: pages are cached decompressed, so the gain is on the device alone. */
    private static final double AUTO_RATIO_MAX = 0.7;

    /** Pages left alone after one that did not shrink. */
    private static final int SKIPPED_PAGES = 7;

    /** The level at which ZSTD is about as fast as the device writes, and 15 to 20 % smaller than the fastest. */
    private static final int ZSTD_LEVEL = 3;

    private final CompressionHint hint;
    private int skip;
    private byte @Nullable [] dictionary;

    // Made when first needed: they load native libraries.
    private @Nullable Lz4Compressor lz4;
    private @Nullable SnappyCompressor snappy;

    PageCodec(CompressionHint hint) {
        this.hint = hint;
    }

    /** How a payload is stored. */
    record Packed(int compression, int storedBytes, int payloadBytes) {}

    static String name(int compression) {
        return switch (compression) {
            case NONE -> "none";
            case LZ4 -> "lz4";
            case ZSTD -> "zstd";
            case SNAPPY -> "snappy";
            case ZLIB -> "zlib";
            case ZSTD_DICTIONARY -> "zstd with a dictionary";
            default -> "unknown " + compression;
        };
    }

    /** Room that {@link #pack} needs at its target, which may be more than the payload. */
    static long packedBytesMax(long payloadBytes) {
        // LZ4, Snappy, which grows the most, and ZLIB; then ZSTD.
        return Math.max(payloadBytes + payloadBytes / 6 + 64, Zstd.compressBound(payloadBytes));
    }

    /** From now on pages are compressed by a dictionary; by none if it is null. */
    void dictionary(byte @Nullable [] trained) {
        assert hint == CompressionHint.ZSTD_DICTIONARY : hint + " has no dictionary";
        dictionary = trained;
    }

    byte @Nullable [] dictionary() {
        return dictionary;
    }

    /** Whether {@link #pack} may do more than copy. */
    boolean mayCompress() {
        return hint != CompressionHint.NONE;
    }

    /**
     * Compresses a payload into {@code target} if that is worth it; otherwise answers {@link #NONE} and {@code target}
     * is undefined.
     */
    Packed pack(MemorySegment payload, MemorySegment target) {
        int payloadBytes = Math.toIntExact(payload.byteSize());
        Packed plain = new Packed(NONE, payloadBytes, payloadBytes);
        if (hint == CompressionHint.NONE || payloadBytes == 0) {
            return plain;
        }
        if (skip > 0) {
            skip--;
            return plain;
        }
        int bytes =
                switch (hint) {
                    case ZSTD, ZSTD_DICTIONARY -> zstd(payload, target);
                    case SNAPPY -> snappy(payload, target);
                    case ZLIB -> zlib(payload, target);
                    case AUTO, LZ4, NONE -> lz4(payload, target);
                };
        double ratioMax = hint == CompressionHint.AUTO ? AUTO_RATIO_MAX : ASKED_RATIO_MAX;
        if (bytes > payloadBytes * ratioMax) {
            skip = hint == CompressionHint.AUTO ? SKIPPED_PAGES : 0;
            return plain;
        }
        int compression =
                switch (hint) {
                    case ZSTD, ZSTD_DICTIONARY -> dictionary == null ? ZSTD : ZSTD_DICTIONARY;
                    case SNAPPY -> SNAPPY;
                    case ZLIB -> ZLIB;
                    case AUTO, LZ4, NONE -> LZ4;
                };
        return new Packed(compression, bytes, payloadBytes);
    }

    private int lz4(MemorySegment payload, MemorySegment target) {
        Lz4Compressor compressor = lz4;
        if (compressor == null) {
            compressor = Lz4Compressor.create();
            lz4 = compressor;
        }
        return compressor.compress(payload, target);
    }

    private int snappy(MemorySegment payload, MemorySegment target) {
        SnappyCompressor compressor = snappy;
        if (compressor == null) {
            compressor = SnappyCompressor.create();
            snappy = compressor;
        }
        return compressor.compress(payload, target);
    }

    /** The JDK's, which is made for each page: so slow a compressor need not be kept, and cannot leak. */
    private static int zlib(MemorySegment payload, MemorySegment target) {
        Deflater deflater = new Deflater();
        try {
            deflater.setInput(payload.asByteBuffer());
            deflater.finish();
            int bytes = deflater.deflate(target.asByteBuffer());
            // What does not fit has not shrunk.
            return deflater.finished() ? bytes : Integer.MAX_VALUE;
        } finally {
            deflater.end();
        }
    }

    private int zstd(MemorySegment payload, MemorySegment target) {
        byte[] trained = dictionary;
        if (trained != null) {
            return PageDictionary.compress(trained, ZSTD_LEVEL, payload, target);
        }
        long bytes = Zstd.compressUnsafe(
                target.address(), target.byteSize(), payload.address(), payload.byteSize(), ZSTD_LEVEL);
        if (Zstd.isError(bytes)) {
            throw new IllegalStateException("zstd could not compress a page: " + Zstd.getErrorName(bytes));
        }
        return Math.toIntExact(bytes);
    }

    /**
     * Restores a payload.
     *
     * @param dictionary of the column; null if it has none
     * @return null, or what is wrong
     */
    static @Nullable String unpack(
            int compression, MemorySegment stored, MemorySegment target, @Nullable PageDictionary dictionary) {
        switch (compression) {
            case NONE -> {
                if (stored.byteSize() != target.byteSize()) {
                    return "stored bytes are " + stored.byteSize() + ", expected " + target.byteSize();
                }
                target.copyFrom(stored);
                return null;
            }
            case LZ4 -> {
                try {
                    return wrongLength(Decompressor.LZ4.decompress(stored, target), target);
                } catch (RuntimeException e) {
                    return "lz4 could not decompress it: " + e.getMessage();
                }
            }
            case ZSTD -> {
                return wrongFrame(
                        Zstd.decompressUnsafe(target.address(), target.byteSize(), stored.address(), stored.byteSize()),
                        target);
            }
            case SNAPPY -> {
                try {
                    return wrongLength(SnappyPages.DECOMPRESSOR.decompress(stored, target), target);
                } catch (RuntimeException e) {
                    return "snappy could not decompress it: " + e.getMessage();
                }
            }
            case ZLIB -> {
                return unzip(stored, target);
            }
            case ZSTD_DICTIONARY -> {
                return dictionary == null
                        ? "it is compressed by a dictionary, but the file has none of its column"
                        : wrongFrame(dictionary.decompress(stored, target), target);
            }
            default -> {
                return "compression is " + compression + ", expected 0 to 5";
            }
        }
    }

    private static @Nullable String unzip(MemorySegment stored, MemorySegment target) {
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(stored.asByteBuffer());
            int bytes = inflater.inflate(target.asByteBuffer());
            if (bytes == target.byteSize() && !inflater.finished()) {
                inflater.inflate(new byte[1]); // The end of the stream, which has no bytes, is yet to be seen.
            }
            return inflater.finished() ? wrongLength(bytes, target) : "zlib's stream does not end where the page does";
        } catch (DataFormatException e) {
            return "zlib could not decompress it: " + e.getMessage();
        } finally {
            inflater.end();
        }
    }

    private static @Nullable String wrongFrame(long bytes, MemorySegment target) {
        return Zstd.isError(bytes)
                ? "zstd could not decompress it: " + Zstd.getErrorName(bytes)
                : wrongLength(bytes, target);
    }

    private static @Nullable String wrongLength(long bytes, MemorySegment target) {
        return bytes == target.byteSize()
                ? null
                : "it decompresses to " + bytes + " bytes, expected " + target.byteSize();
    }

    /** Made when first needed. The decompressor has no state and is shared by all threads. */
    private static final class Decompressor {
        static final Lz4Decompressor LZ4 = Lz4Decompressor.create();
    }

    /** The same of Snappy. */
    private static final class SnappyPages {
        static final SnappyDecompressor DECOMPRESSOR = SnappyDecompressor.create();
    }
}
