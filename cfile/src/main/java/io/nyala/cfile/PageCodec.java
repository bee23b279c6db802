package io.nyala.cfile;

import com.github.luben.zstd.Zstd;
import io.airlift.compress.v3.lz4.Lz4Compressor;
import io.airlift.compress.v3.lz4.Lz4Decompressor;
import java.lang.foreign.MemorySegment;
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

    /** Made when first needed: it loads a native library. */
    private @Nullable Lz4Compressor lz4;

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
            default -> "unknown " + compression;
        };
    }

    /** Room that {@link #pack} needs at its target, which may be more than the payload. */
    static long packedBytesMax(long payloadBytes) {
        return Math.max(payloadBytes + payloadBytes / 255 + 64, Zstd.compressBound(payloadBytes));
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
        int bytes = hint == CompressionHint.ZSTD ? zstd(payload, target) : lz4(payload, target);
        double ratioMax = hint == CompressionHint.AUTO ? AUTO_RATIO_MAX : ASKED_RATIO_MAX;
        if (bytes > payloadBytes * ratioMax) {
            skip = hint == CompressionHint.AUTO ? SKIPPED_PAGES : 0;
            return plain;
        }
        return new Packed(hint == CompressionHint.ZSTD ? ZSTD : LZ4, bytes, payloadBytes);
    }

    private int lz4(MemorySegment payload, MemorySegment target) {
        Lz4Compressor compressor = lz4;
        if (compressor == null) {
            compressor = Lz4Compressor.create();
            lz4 = compressor;
        }
        return compressor.compress(payload, target);
    }

    private static int zstd(MemorySegment payload, MemorySegment target) {
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
     * @return null, or what is wrong
     */
    static @Nullable String unpack(int compression, MemorySegment stored, MemorySegment target) {
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
                long bytes =
                        Zstd.decompressUnsafe(target.address(), target.byteSize(), stored.address(), stored.byteSize());
                return Zstd.isError(bytes)
                        ? "zstd could not decompress it: " + Zstd.getErrorName(bytes)
                        : wrongLength(bytes, target);
            }
            default -> {
                return "compression is " + compression + ", expected 0 to 2";
            }
        }
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
}
