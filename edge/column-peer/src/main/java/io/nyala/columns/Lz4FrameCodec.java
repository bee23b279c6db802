package io.nyala.columns;

import io.airlift.compress.v3.lz4.Lz4Compressor;
import io.airlift.compress.v3.lz4.Lz4Decompressor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.compression.AbstractCompressionCodec;
import org.apache.arrow.vector.compression.CompressionCodec;
import org.apache.arrow.vector.compression.CompressionUtil;
import org.apache.arrow.vector.compression.CompressionUtil.CodecType;

/**
 * LZ4 frames for buffers of Arrow, by the native LZ4 that our own pages are compressed with. Arrow's library has a
 * codec of its own, in {@code arrow-compression}, over one of commons-compress that goes byte by byte through streams
 * in plain Java. It is known to be slow without measure: it reads these frames more than ten times slower than this
 * one. Beside that we would look better than is true.
 *
 * <pre>{@code
 *   0         8         12        14         15
 *   +---------+---------+---------+----------+-------------- - - ---+-------+
 *   |  bytes  |  magic  | FLG, BD | checksum | size, data | ...     |  end  |
 *   +---------+---------+---------+----------+-------------- - - ---+-------+
 *       i64       u32       u8[2]      u8       u32, u8[size]          u32
 * }</pre>
 *
 * <p>Integers are little-endian. {@code bytes} is Arrow's: of the buffer before. The rest is a frame: independent
 * blocks of 4 MiB, without checksums of the data, so the header is the same for all of them. The highest bit of a size
 * says that the block is stored as it is. {@code end} is 0. Blocks are as large as they can be because LZ4 looks back
 * 64 KiB at most, but not over the start of an independent block; Arrow's writers in C++ link theirs, of 64 KiB, to the
 * same end. A frame that others made otherwise is refused.
 *
 * <p>One thread.
 */
final class Lz4FrameCodec extends AbstractCompressionCodec {
    /** For writers and readers of Arrow. Stateless; each codec has a state of its own. */
    static final CompressionCodec.Factory FACTORY = new CompressionCodec.Factory() {
        @Override
        public CompressionCodec createCodec(CodecType type) {
            return switch (type) {
                case LZ4_FRAME -> new Lz4FrameCodec();
                case NO_COMPRESSION, ZSTD ->
                    throw new IllegalArgumentException("no codec for " + type + ", use LZ4_FRAME");
            };
        }

        @Override
        public CompressionCodec createCodec(CodecType type, int level) {
            return createCodec(type);
        }
    };

    /** Magic number; version 1, independent blocks, of at most 4 MiB; and the checksum of the latter two bytes. */
    private static final byte[] HEADER = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73};

    private static final int BLOCK_BYTES_MAX = 4 << 20;
    private static final int STORED = 1 << 31;
    private static final ValueLayout.OfInt SIZE = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final long START = CompressionUtil.SIZE_OF_UNCOMPRESSED_LENGTH;

    private final Lz4Compressor compressor = Lz4Compressor.create();
    private final Lz4Decompressor decompressor = Lz4Decompressor.create();

    private Lz4FrameCodec() {}

    @Override
    public CodecType getCodecType() {
        return CodecType.LZ4_FRAME;
    }

    @Override
    protected ArrowBuf doCompress(BufferAllocator allocator, ArrowBuf plain) {
        MemorySegment source = segment(plain, plain.writerIndex());
        ArrowBuf packed = allocator.buffer(roomBytes(source.byteSize()));
        MemorySegment target = segment(packed, packed.capacity());
        MemorySegment.copy(HEADER, 0, target, ValueLayout.JAVA_BYTE, START, HEADER.length);
        long at = START + HEADER.length;
        for (long from = 0; from < source.byteSize(); from += BLOCK_BYTES_MAX) {
            at = block(source.asSlice(from, Math.min(BLOCK_BYTES_MAX, source.byteSize() - from)), target, at);
        }
        target.set(SIZE, at, 0);
        packed.writerIndex(at + SIZE.byteSize());
        return packed;
    }

    /** Writes a block; answers where the next one begins. */
    private long block(MemorySegment block, MemorySegment target, long at) {
        long data = at + SIZE.byteSize();
        int bytes = compressor.compress(block, target.asSlice(data));
        if (bytes < block.byteSize()) {
            target.set(SIZE, at, bytes);
            return data + bytes;
        }
        target.set(SIZE, at, (int) block.byteSize() | STORED);
        MemorySegment.copy(block, 0, target, data, block.byteSize());
        return data + block.byteSize();
    }

    private long roomBytes(long plainBytes) {
        long blocks = (plainBytes + BLOCK_BYTES_MAX - 1) / BLOCK_BYTES_MAX;
        return START
                + HEADER.length
                + blocks * (SIZE.byteSize() + compressor.maxCompressedLength(BLOCK_BYTES_MAX))
                + SIZE.byteSize();
    }

    @Override
    protected ArrowBuf doDecompress(BufferAllocator allocator, ArrowBuf packed) {
        MemorySegment source = segment(packed, packed.writerIndex());
        long plainBytes = readUncompressedLength(packed);
        if (source.byteSize() < START + HEADER.length
                || source.asSlice(START, HEADER.length).mismatch(MemorySegment.ofArray(HEADER)) >= 0) {
            throw new IllegalStateException("a buffer of " + source.byteSize()
                    + " bytes does not begin with the header of an LZ4 frame of independent blocks of 4 MiB");
        }
        ArrowBuf plain = allocator.buffer(plainBytes);
        MemorySegment target = segment(plain, plainBytes);
        long to = 0;
        long at = START + HEADER.length;
        for (int size = source.get(SIZE, at); size != 0; size = source.get(SIZE, at)) {
            MemorySegment block = source.asSlice(at + SIZE.byteSize(), size & ~STORED);
            if (size < 0) {
                MemorySegment.copy(block, 0, target, to, block.byteSize());
                to += block.byteSize();
            } else {
                to += decompressor.decompress(block, target.asSlice(to));
            }
            at += SIZE.byteSize() + block.byteSize();
        }
        if (to != plainBytes) {
            throw new IllegalStateException(
                    "the blocks of an LZ4 frame have " + to + " bytes, the buffer " + plainBytes);
        }
        plain.writerIndex(plainBytes);
        return plain;
    }

    /** The first bytes of a buffer, wherever it is read or written. */
    static MemorySegment segment(ArrowBuf buffer, long bytes) {
        return MemorySegment.ofBuffer(buffer.nioBuffer(0, Math.toIntExact(bytes)));
    }
}
