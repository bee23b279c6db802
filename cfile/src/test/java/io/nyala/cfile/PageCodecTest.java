package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnCompression;
import io.nyala.rows.ColumnType;
import io.nyala.testkit.Seed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: each codec restores what it packed, is the one that was asked for, and answers damage with words.
 * Method: pages of any entropy; flipped and cut bytes, whose payload must be refused or have its length.
 */
final class PageCodecTest {
    private static final Map<CompressionHint, Integer> CODECS = Map.of(
            CompressionHint.AUTO, PageCodec.LZ4,
            CompressionHint.NONE, PageCodec.NONE,
            CompressionHint.LZ4, PageCodec.LZ4,
            CompressionHint.ZSTD, PageCodec.ZSTD,
            CompressionHint.ZSTD_DICTIONARY, PageCodec.ZSTD,
            CompressionHint.SNAPPY, PageCodec.SNAPPY,
            CompressionHint.ZLIB, PageCodec.ZLIB);

    @ParameterizedTest
    @EnumSource
    void packsByTheCodecThatIsAskedFor(CompressionHint hint) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment payload = arena.allocate(30_000).fill((byte) 'x');
            MemorySegment target = arena.allocate(PageCodec.packedBytesMax(30_000));
            PageCodec.Packed packed = new PageCodec(hint).pack(payload, target);
            assertEquals(CODECS.get(hint), packed.compression());
            assertTrue(hint == CompressionHint.NONE || packed.storedBytes() < 2000, packed.toString());
        }
    }

    @RepeatedTest(40)
    void restoresWhatItPacked(@Seed SplittableRandom random) {
        List<CompressionHint> hints = List.of(CompressionHint.values());
        CompressionHint hint = hints.get(random.nextInt(hints.size()));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment payload = payload(arena, random);
            MemorySegment target = arena.allocate(PageCodec.packedBytesMax(payload.byteSize()));
            PageCodec.Packed packed = new PageCodec(hint).pack(payload, target);
            MemorySegment stored =
                    packed.compression() == PageCodec.NONE ? payload : target.asSlice(0, packed.storedBytes());
            MemorySegment restored = arena.allocate(payload.byteSize());
            assertNull(PageCodec.unpack(packed.compression(), stored, restored, null), hint.toString());
            assertEquals(-1, payload.mismatch(restored), hint.toString());
            damage(packed, stored, restored, random, arena);
        }
    }

    private static void damage(
            PageCodec.Packed packed, MemorySegment stored, MemorySegment target, SplittableRandom random, Arena arena) {
        for (int i = 0; i < 20 && packed.compression() != PageCodec.NONE; i++) {
            MemorySegment bad = arena.allocate(stored.byteSize()).copyFrom(stored);
            long at = random.nextLong(bad.byteSize());
            bad.set(Cells.BYTE, at, (byte) random.nextInt());
            PageCodec.unpack(
                    packed.compression(), bad, target, null); // Words or other bytes: a checksum comes before it.
            MemorySegment cut = bad.asSlice(0, random.nextLong(bad.byteSize()));
            assertNotNull(PageCodec.unpack(packed.compression(), cut, target, null), "of " + cut.byteSize() + " bytes");
        }
    }

    /** Of some letters, and half of the time with what was there before again and again, which all codecs shrink. */
    private static MemorySegment payload(Arena arena, SplittableRandom random) {
        int bytes = random.nextInt(1, 40_000);
        int letters = random.nextInt(1, 256);
        MemorySegment payload = arena.allocate(bytes);
        int distance = random.nextBoolean() ? bytes : random.nextInt(1, 500);
        for (int i = 0; i < bytes; i++) {
            boolean isNew = i < distance || random.nextInt(100) == 0;
            byte letter = isNew ? (byte) random.nextInt(letters) : payload.get(Cells.BYTE, i - distance);
            payload.set(Cells.BYTE, i, letter);
        }
        return payload;
    }

    @Test
    void aTablesAttributeIsTheCodec() {
        Map<ColumnCompression, CompressionHint> hints = Map.of(
                ColumnCompression.DEFAULT, CompressionHint.AUTO,
                ColumnCompression.NONE, CompressionHint.NONE,
                ColumnCompression.LZ4, CompressionHint.LZ4,
                ColumnCompression.SNAPPY, CompressionHint.SNAPPY,
                ColumnCompression.ZSTD, CompressionHint.ZSTD,
                ColumnCompression.ZSTD_DICTIONARY, CompressionHint.ZSTD_DICTIONARY,
                ColumnCompression.ZLIB, CompressionHint.ZLIB);
        for (ColumnCompression asked : ColumnCompression.values()) {
            Column column = Column.of("text", ColumnType.STRING).withId(1).compression(asked);
            assertEquals(hints.get(asked), ColumnSpec.of(column).effectiveCompression());
        }
        ColumnSpec key = ColumnSpec.of(0, "key", CellKind.BINARY).key();
        assertEquals(CompressionHint.NONE, key.effectiveCompression());
        assertEquals(
                CompressionHint.ZSTD, key.withCompression(CompressionHint.ZSTD).effectiveCompression());
    }
}
