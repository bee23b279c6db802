package io.nyala.columns;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.compression.CompressionCodec;
import org.apache.arrow.vector.compression.CompressionUtil.CodecType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: frames are as LZ4 has them, and are read back, of one block and of several.
 * Method: bytes that {@code lz4 -d} takes as well; buffers around the size of a block, some of whose blocks do not
 * shrink.
 */
final class Lz4FrameCodecTest {
    private static final int BLOCK_BYTES = 4 << 20;

    private final BufferAllocator allocator = new RootAllocator();
    private final CompressionCodec codec = Lz4FrameCodec.FACTORY.createCodec(CodecType.LZ4_FRAME);

    @AfterEach
    void close() {
        allocator.close(); // Fails if something was not given back.
    }

    @Test
    void framesAreAsDrawn() {
        byte[] plain = "a".repeat(100).getBytes(StandardCharsets.US_ASCII);
        try (ArrowBuf packed = codec.compress(allocator, buffer(plain))) {
            byte[] bytes = Lz4FrameCodec.segment(packed, packed.writerIndex()).toArray(ValueLayout.JAVA_BYTE);
            assertEquals(
                    "6400000000000000" + "04224d18" + "6070" + "73" + "0b000000" + "1f610100" + "4b506161616161"
                            + "00000000",
                    HexFormat.of().formatHex(bytes));
        }
    }

    @Test
    void readsBackWhatWasWritten(@Seed SplittableRandom random) {
        for (int bytes : new int[] {1, 1000, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES + 70_000}) {
            byte[] plain = new byte[bytes];
            byte[] noise = new byte[Math.min(bytes, BLOCK_BYTES + 100)]; // A block that does not shrink, at least.
            random.nextBytes(noise);
            System.arraycopy(noise, 0, plain, bytes - noise.length, noise.length);
            ArrowBuf packed = codec.compress(allocator, buffer(plain));
            assertTrue(packed.writerIndex() < bytes + 100, "of " + bytes + ": " + packed.writerIndex());
            try (ArrowBuf restored = codec.decompress(allocator, packed)) {
                assertEquals(bytes, restored.writerIndex());
                assertEquals(-1, Lz4FrameCodec.segment(restored, bytes).mismatch(MemorySegment.ofArray(plain)));
            }
        }
    }

    @Test
    void refusesAFrameOfAnotherKind() {
        try (ArrowBuf packed = codec.compress(allocator, buffer(new byte[1000]))) {
            packed.setByte(12, 0x40); // Linked blocks.
            assertThrows(IllegalStateException.class, () -> codec.decompress(allocator, packed));
        }
        assertThrows(IllegalArgumentException.class, () -> Lz4FrameCodec.FACTORY.createCodec(CodecType.ZSTD));
    }

    private ArrowBuf buffer(byte[] bytes) {
        ArrowBuf buffer = allocator.buffer(bytes.length);
        buffer.writeBytes(bytes);
        return buffer;
    }
}
