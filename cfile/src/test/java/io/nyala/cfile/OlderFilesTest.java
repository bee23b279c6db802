package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.encoding.VectorEncoding;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: yesterday's files are read, with each encoding that there was.
 * Method: files that the last build of an older version wrote, two vectors of each column, cell by cell. No newer build
 * can write them again.
 */
final class OlderFilesTest {
    private static final int ROWS = 1_100;
    private static final List<String> WORDS = List.of("carefully ", "ironic ", "deposits ", "sleep ", "furiously ");

    private final Files files = new Files(new SplittableRandom(1));

    @AfterEach
    void close() {
        files.close();
    }

    /** It had the first five encodings, and the key filter as one page. */
    @Test
    void version1IsRead() throws IOException {
        check(
                1,
                EnumSet.of(
                        VectorEncoding.CONSTANT,
                        VectorEncoding.PLAIN,
                        VectorEncoding.RUN_LENGTH,
                        VectorEncoding.FRAME_OF_REFERENCE,
                        VectorEncoding.DICTIONARY));
    }

    /** It had all encodings, but dictionaries of integers with whole cells only. */
    @Test
    void version3IsRead() throws IOException {
        check(3, EnumSet.allOf(VectorEncoding.class));
    }

    private void check(int version, Set<VectorEncoding> expected) throws IOException {
        byte[] contents =
                java.nio.file.Files.readAllBytes(Path.of("src/test/resources/cfile/version-" + version + ".cfile"));
        files.write(List.of(), null); // Which the older one takes the place of.
        files.disk.setContents(Files.PATH, contents);
        assertEquals(version, MemorySegment.ofArray(contents).get(Cells.INT, 8), "version in the header");
        Set<VectorEncoding> met = EnumSet.noneOf(VectorEncoding.class);
        try (CFileReader reader = files.open()) {
            reader.verify();
            for (TestColumn column : columns()) {
                ColumnReader read = reader.column(column.spec().id());
                try (ColumnCursor cursor = read.cursor(files.scratch)) {
                    column.check(read, cursor, new SplittableRandom(1));
                    for (int vector = 0; vector < read.vectorCount(); vector++) {
                        cursor.seek(vector);
                        met.add(cursor.values().encoding());
                    }
                }
            }
            KeyFilter filter = Objects.requireNonNull(reader.keyFilter());
            for (byte[] key : keys()) {
                assertTrue(filter.mayContain(MemorySegment.ofArray(key), 0, key.length));
            }
        }
        assertEquals(expected, met);
    }

    /** What is in the files: each column for the sake of an encoding. */
    private static List<TestColumn> columns() {
        var random = new SplittableRandom(17);
        return List.of(
                column(ColumnSpec.of(1, "id", CellKind.INT64).key(), row -> number(3L * row, Long.BYTES)),
                column(ColumnSpec.of(2, "one value", CellKind.INT32), _ -> number(7, Integer.BYTES)),
                column(ColumnSpec.of(3, "runs", CellKind.INT32), row -> number(row / 100 * 1_000_003L, Integer.BYTES)),
                column(ColumnSpec.of(4, "small", CellKind.INT16), _ -> number(random.nextInt(500), Short.BYTES)),
                column(
                        ColumnSpec.of(5, "few", CellKind.INT64),
                        row -> number(row * 7 % 5 * 1_000_000_007L, Long.BYTES)),
                column(ColumnSpec.of(6, "any", CellKind.INT64), _ -> number(random.nextLong(), Long.BYTES)),
                column(ColumnSpec.of(7, "prices", CellKind.DOUBLE), row -> price(random.nextInt(1_000_000))),
                column(
                        ColumnSpec.of(8, "words", CellKind.BINARY).nullable(),
                        row -> row % 10 == 3 ? null : bytes(WORDS.get(row % WORDS.size()))),
                column(ColumnSpec.of(9, "names", CellKind.BINARY), row -> bytes("name %07d".formatted(row * 11))),
                column(ColumnSpec.of(10, "texts", CellKind.BINARY), _ -> text(random)));
    }

    private static List<byte[]> keys() {
        List<byte[]> keys = new ArrayList<>();
        for (int row = 0; row < ROWS; row++) {
            keys.add(bytes("k%07d".formatted(row)));
        }
        return keys;
    }

    private static TestColumn column(ColumnSpec spec, IntFunction<byte @Nullable []> cell) {
        List<byte @Nullable []> cells = new ArrayList<>();
        for (int row = 0; row < ROWS; row++) {
            cells.add(cell.apply(row));
        }
        return new TestColumn(spec, cells);
    }

    private static byte[] number(long value, int cellBytes) {
        byte[] cell = new byte[cellBytes];
        for (int i = 0; i < cellBytes; i++) {
            cell[i] = (byte) (value >> (i * Byte.SIZE));
        }
        return cell;
    }

    private static byte[] price(int cents) {
        return number(Double.doubleToRawLongBits(cents / 100.0), Double.BYTES);
    }

    private static byte[] text(SplittableRandom random) {
        var text = new StringBuilder();
        for (int i = random.nextInt(6); i >= 0; i--) {
            text.append(WORDS.get(random.nextInt(WORDS.size())));
        }
        return bytes(text.toString());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
