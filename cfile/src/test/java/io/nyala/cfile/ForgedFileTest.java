package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.encoding.EncodingHint;
import io.nyala.encoding.VectorEncoding;
import io.nyala.memory.Crc32c;
import io.nyala.memory.MemoryLimitException;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.Limits;
import io.nyala.rows.Predicate;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: pages that are not what was written, though their checksums are right, end in a clear exception or an answer,
 * and take no more memory than they may. Method: random changes of each kind of page of a small file with every
 * encoding, sealed again, then read in every way there is.
 */
final class ForgedFileTest {
    private static final int ROWS = 1_500;
    private static final int FORGERIES = 250;
    private static final int KEY_ID = 0;
    private static final int RAW_ID = 99;

    /** In the order of the columns of a batch. */
    private static final List<CellKind> KINDS = List.of(CellKind.values());

    private final Files files = new Files(new SplittableRandom(1));
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment bitmap = arena.allocate(ColumnSpec.VECTOR_ROWS / Byte.SIZE);
    private final MemorySegment selection = arena.allocate(ColumnSpec.VECTOR_ROWS * 4L);
    private final int[] counts = new int[ColumnSpec.VECTOR_ROWS];
    private final List<ColumnSpec> specs = new ArrayList<>();
    private MemorySegment good = MemorySegment.NULL;

    @BeforeEach
    void write() {
        try (CFileWriter writer = new CFileWriter(files.account)) {
            add(ColumnSpec.of(KEY_ID, "key", CellKind.INT64).key());
            for (CellKind kind : CellKind.values()) {
                add(ColumnSpec.of(specs.size(), kind + " of any", kind));
                add(ColumnSpec.of(specs.size(), kind + " of few", kind)
                        .withEncoding(EncodingHint.DICTIONARY)
                        .nullable());
            }
            add(ColumnSpec.of(specs.size(), "runs", CellKind.BINARY).withEncoding(EncodingHint.RUN_LENGTH));
            add(ColumnSpec.of(specs.size(), "prefixes", CellKind.BINARY).withEncoding(EncodingHint.PREFIX));
            add(ColumnSpec.of(specs.size(), "texts", CellKind.BINARY).nullable());
            add(ColumnSpec.of(specs.size(), "decimals", CellKind.DOUBLE));
            add(ColumnSpec.of(specs.size(), "small", CellKind.INT32));
            add(ColumnSpec.of(specs.size(), "constant", CellKind.BINARY));
            add(ColumnSpec.of(specs.size(), "compressed", CellKind.BINARY));
            KeyWriter keys = writer.addKeys(KeyFilter.RATE_DEFAULT);
            for (ColumnSpec spec : specs) {
                boolean isCompressed = spec.name().equals("compressed");
                append(writer.addColumn(
                        spec.withCompression(isCompressed ? CompressionHint.LZ4 : CompressionHint.NONE)));
            }
            for (int row = 0; row < ROWS; row++) {
                Files.append(keys, key(row));
            }
            writer.addRaw(RAW_ID, "raw", MemorySegment.ofArray(new byte[] {1, 2, 3, 4, 5}), 0, 5);
            files.finish(writer, Files.FILE_ID);
        }
        byte[] contents = files.disk.contents(Files.PATH);
        good = arena.allocate(contents.length).copyFrom(MemorySegment.ofArray(contents));
    }

    private void add(ColumnSpec spec) {
        specs.add(spec);
    }

    private void append(ColumnWriter column) {
        ColumnSpec spec = specs.get(column.spec().id());
        SplittableRandom random = new SplittableRandom(spec.id());
        for (int row = 0; row < ROWS; row++) {
            if (spec.isNullable() && row % 7 == 3) {
                column.appendNull();
            } else {
                byte[] cell = cell(spec, row, random);
                column.append(MemorySegment.ofArray(cell), 0, cell.length);
            }
        }
    }

    private static byte[] cell(ColumnSpec spec, int row, SplittableRandom random) {
        byte[] fixed = new byte[Math.max(12, spec.kind().cellBytes())];
        MemorySegment memory = MemorySegment.ofArray(fixed);
        String text = "";
        switch (spec.name()) {
            case "key" -> memory.set(Cells.LONG, 0, row * 3L);
            case "runs" -> text = "run ".repeat(row / 100 % 5);
            case "prefixes" -> text = "a key that begins like others, %08d".formatted(row);
            case "texts" -> {
                for (int i = random.nextInt(12); i > 0; i--) {
                    text += List.of("the ", "carefully ", "ironic ", "sleep ").get(random.nextInt(4));
                }
            }
            case "decimals" -> memory.set(Cells.DOUBLE, 0, random.nextInt(10_000) / 100.0);
            case "small" -> memory.set(Cells.INT, 0, random.nextInt(1_000));
            case "constant" -> text = "the same";
            case "compressed" -> text = "the same but for " + row % 3 + row % 100;
            default -> {
                new SplittableRandom(spec.name().endsWith("few") ? random.nextInt(9) : row).nextBytes(fixed);
                return Arrays.copyOf(
                        fixed,
                        spec.kind().isBinary() ? fixed[0] & 7 : spec.kind().cellBytes());
            }
        }
        return spec.kind().isBinary()
                ? text.getBytes(StandardCharsets.UTF_8)
                : Arrays.copyOf(fixed, spec.kind().cellBytes());
    }

    private static byte[] key(int row) {
        byte[] key = new byte[Long.BYTES];
        MemorySegment.ofArray(key).set(Cells.LONG, 0, Long.reverseBytes(row * 3L));
        return key;
    }

    @AfterEach
    void close() {
        arena.close();
        files.close(); // Which finds memory that was not given back.
    }

    /** Where each page begins, the footer included. */
    private List<Long> pages() {
        List<Long> pages = new ArrayList<>();
        for (long at = FileFormat.HEADER_BYTES; PageFormat.isHeader(good, at, Files.FILE_ID); ) {
            pages.add(at);
            at += PageFormat.slotBytes(PageFormat.storedBytes(good, at));
        }
        return pages;
    }

    private static int sectionId(MemorySegment file, long page) {
        return file.get(Cells.INT, page + 36);
    }

    private static void seal(MemorySegment file, long page) {
        var identity = new FileFormat.Identity(Files.FILE_ID, Files.OWNER_ID);
        PageFormat.seal(file, page, identity, sectionId(file, page), page);
    }

    /** Puts a changed copy of the file in its place. */
    private void put(MemorySegment file) {
        files.disk.setContents(Files.PATH, file.toArray(Cells.BYTE));
    }

    private MemorySegment copy(Arena of) {
        return of.allocate(good.byteSize()).copyFrom(good);
    }

    @Test
    void everyForgeryEndsInAnExceptionOrAnAnswer(@Seed SplittableRandom random) {
        List<Long> pages = pages();
        List<Column> types = new ArrayList<>();
        for (CellKind kind : KINDS) {
            types.add(Column.of(kind.name(), TestColumn.type(kind)).nullable());
        }
        int refused = 0;
        try (ColumnBatch batch = new ColumnBatch(types, false, files.account)) {
            assertTrue(readAll(random, batch, -1), "the file is good to begin with");
            for (int i = 0; i < FORGERIES; i++) {
                int which = random.nextInt(pages.size() + 1);
                try (Arena own = Arena.ofConfined()) {
                    MemorySegment file = copy(own);
                    int section = which == pages.size() ? PageFormat.FOOTER_ID : sectionId(file, pages.get(which));
                    if (which == pages.size()) {
                        forgeTrailer(random, file);
                    } else {
                        forge(random, file, pages.get(which));
                        seal(file, pages.get(which));
                    }
                    put(file);
                    refused += readAll(random, batch, section) ? 0 : 1;
                } catch (MemoryLimitException e) {
                    assertEquals(pages.size() - 1, which, "only the footer says how much memory a page takes: " + e);
                    refused++;
                }
                assertEquals(0, files.disk.openFileCount());
            }
        }
        assertTrue(refused > FORGERIES / 4, refused + " were refused");
    }

    private static void forgeTrailer(SplittableRandom random, MemorySegment file) {
        long trailer = file.byteSize() - FileFormat.TRAILER_BYTES;
        change(random, file, trailer + random.nextInt(52));
        file.set(Cells.INT, trailer + 52, Crc32c.of(file, trailer, 52));
    }

    /** Where a vector begins, a page, or anywhere in it; its header but what is sealed anew now and then. */
    private static void forge(SplittableRandom random, MemorySegment file, long page) {
        long payload = page + PageFormat.HEADER_BYTES;
        int stored = PageFormat.storedBytes(file, page);
        int vectors = PageFormat.vectorCount(file, page);
        boolean isPlain = PageFormat.compression(file, page) == PageCodec.NONE;
        for (int i = random.nextInt(3); i >= 0; i--) {
            long at = payload + random.nextInt(stored);
            int place = random.nextInt(8);
            if (place < 4 && vectors > 0 && isPlain) {
                int begin = PageFormat.vectorOffset(file, payload, random.nextInt(vectors));
                at = payload + Math.clamp(begin + random.nextInt(-20, 24), 0, stored - 1);
            } else if (place == 5) {
                at = payload + random.nextInt(Math.min(stored, 60));
            } else if (place == 6) {
                at = page + List.of(4, 5, 6, 7, 28, 32, 33, 40).get(random.nextInt(8));
            }
            change(random, file, at);
        }
    }

    private static void change(SplittableRandom random, MemorySegment file, long at) {
        byte old = file.get(Cells.BYTE, at);
        file.set(
                Cells.BYTE,
                at,
                switch (random.nextInt(4)) {
                    case 0 -> (byte) random.nextInt();
                    case 1 -> (byte) (old ^ 1 << random.nextInt(8));
                    case 2 -> (byte) (old + random.nextInt(-2, 3));
                    default -> random.nextBoolean() ? 0 : (byte) 0xFF;
                });
    }

    /** Reads what a section has, of the footer all; false if anything was refused. */
    private boolean readAll(SplittableRandom random, ColumnBatch batch, int section) {
        boolean isGood = true;
        try (CFileReader reader = files.open()) {
            for (ColumnReader column : reader.columns()) {
                if (section < 0 || section == column.id()) {
                    isGood &= read(random, reader, column, batch.column(KINDS.indexOf(column.kind())));
                }
            }
            isGood &= isFine(() -> readKeys(random, reader));
            isGood &= isFine(() -> {
                try (RawReader.Cursor raw = reader.rawPages(RAW_ID).cursor()) {
                    raw.seek(0);
                }
            });
            isGood &= isFine(reader::verify);
        } catch (CorruptPageException | UnsupportedFormatException e) {
            return false;
        } catch (IllegalArgumentException e) { // A footer may say that there is no such section.
            assertTrue(String.valueOf(e.getMessage()).contains("has no "), e.toString());
            return false;
        }
        return isGood;
    }

    private static boolean isFine(Runnable use) {
        try {
            use.run();
            return true;
        } catch (CorruptPageException e) {
            assertEquals(Files.PATH, e.file());
            return false;
        }
    }

    private boolean read(SplittableRandom random, CFileReader reader, ColumnReader column, ColumnVector target) {
        boolean isGood = true;
        try (ReadAhead ahead = reader.readAhead(files.account);
                ColumnCursor cursor = random.nextBoolean()
                        ? column.cursor(files.scratch)
                        : column.cursor(files.scratch, ahead, null)) {
            for (int i = 0; i < column.vectorCount(); i++) {
                int vector = i;
                if (!isFine(() -> cursor.seek(vector))) {
                    isGood = false;
                    continue;
                }
                for (ColumnPredicate predicate : predicates(column.kind(), random)) {
                    column.prune(predicate, new VectorSelection(column.rowCount()));
                    bitmap.fill((byte) -1);
                    isGood &= isFine(() -> cursor.and(predicate, bitmap, 0));
                }
                isGood &= isFine(() -> readRows(cursor, target, 1));
                isGood &= isFine(() -> readRows(cursor, target, 3));
                isGood &= isFine(() -> readEntries(cursor, target));
                isGood &= isFine(() -> readCells(cursor, column.kind(), random));
            }
        }
        return isGood;
    }

    private static List<ColumnPredicate> predicates(CellKind kind, SplittableRandom random) {
        List<CellValue> values = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            byte[] value = new byte[kind.isBinary() ? i : kind.cellBytes()];
            Arrays.fill(value, (byte) (i * 40 + random.nextInt(40)));
            values.add(CellValue.ofBytes(value));
        }
        List<Predicate> predicates = List.of(
                new Predicate.Equal(0, values.get(1)),
                new Predicate.Range(0, values.get(0), values.get(2)),
                new Predicate.InList(0, values),
                new Predicate.InBloomFilters(0, List.of(new Predicate.BloomFilter(new byte[32], 1, true).with(values))),
                new Predicate.IsNull(0),
                new Predicate.IsNotNull(0));
        return predicates.stream()
                .map(predicate -> ColumnPredicate.of(predicate, kind))
                .toList();
    }

    /** All rows, or some, in as many parts as a batch has room for. */
    private void readRows(ColumnCursor cursor, ColumnVector target, int step) {
        int count = 0;
        for (int row = 0; row < cursor.rowCount(); row += step) {
            selection.set(Cells.INT, count++ * 4L, row);
        }
        for (int done = 0; done < count; ) {
            int some = cursor.fittingRows(selection, done * 4L, count - done, Limits.BATCH_VARIABLE_BYTES_MAX);
            assertTrue(some > 0, "no row fits");
            if (some == cursor.rowCount()) {
                cursor.read(target);
            } else {
                cursor.readSelected(target, selection, done * 4L, some);
            }
            done += some;
        }
    }

    private void readEntries(ColumnCursor cursor, ColumnVector target) {
        if (cursor.hasFewEntries(cursor.rowCount(), Limits.BATCH_VARIABLE_BYTES_MAX)) {
            bitmap.fill((byte) -1);
            cursor.andValid(bitmap, 0);
            cursor.readEntries(target, bitmap, 0, counts);
        }
    }

    private void readCells(ColumnCursor cursor, CellKind kind, SplittableRandom random) {
        for (int i = 0; i < 10; i++) {
            int row = random.nextInt(cursor.rowCount());
            if (!cursor.isNull(row)) {
                byte[] cell = new byte[cursor.cellBytes(row)];
                cursor.readCell(row, MemorySegment.ofArray(cell), 0);
                cursor.compareCell(row, MemorySegment.ofArray(cell), 0, cell.length);
                if (!kind.isBinary() && kind.cellBytes() <= Long.BYTES) {
                    cursor.longAt(row);
                }
            }
        }
    }

    private void readKeys(SplittableRandom random, CFileReader reader) {
        KeyIndex index = reader.keyIndex();
        KeyFilter filter = reader.keyFilter();
        try (ColumnCursor cursor = reader.column(KEY_ID).cursor(files.scratch)) {
            for (int i = 0; i < 10 && index != null && filter != null; i++) {
                int row = random.nextInt(ROWS + 1);
                MemorySegment key = MemorySegment.ofArray(key(row));
                filter.mayContain(key, 0, Long.BYTES);
                int vector = index.find(key, 0, Long.BYTES);
                if (vector >= 0) {
                    cursor.seek(vector);
                    MemorySegment cell = MemorySegment.ofArray(new byte[Long.BYTES]);
                    cell.set(Cells.LONG, 0, row * 3L);
                    KeySearch.lowerBound(new ColumnCursor[] {cursor}, cell, new long[1], new int[] {Long.BYTES});
                }
            }
        }
    }

    @Test
    void theFileHasEveryEncoding() {
        Set<VectorEncoding> seen = EnumSet.noneOf(VectorEncoding.class);
        try (CFileReader reader = files.open()) {
            for (ColumnReader column : reader.columns()) {
                try (ColumnCursor cursor = column.cursor(files.scratch)) {
                    cursor.seek(0);
                    seen.add(cursor.values().encoding());
                }
            }
        }
        assertEquals(EnumSet.allOf(VectorEncoding.class), seen);
    }

    /** Where the first page of a column begins. */
    private long page(String name) {
        int id = specs.stream()
                .filter(spec -> spec.name().equals(name))
                .findFirst()
                .orElseThrow()
                .id();
        return pages().stream()
                .filter(page -> sectionId(good, page) == id)
                .findFirst()
                .orElseThrow();
    }

    private void verify(MemorySegment file, long page) {
        seal(file, page);
        put(file);
        try (CFileReader reader = files.open()) {
            reader.verify();
        }
    }

    @Test
    void validityThatDoesNotFitIsRefused() {
        long page = page("texts");
        long payload = page + PageFormat.HEADER_BYTES;
        long last = payload + PageFormat.vectorOffset(good, payload, 1) - Long.BYTES;
        MemorySegment file = copy(arena);
        file.set(Cells.LONG, last, file.get(Cells.LONG, last) | 1L << 63);
        Failure.expect(
                CorruptPageException.class,
                () -> verify(file, page),
                "the validity of vector 1 of 476 rows has bits behind the last, 0x800000000");
        file.copyFrom(good);
        file.set(Cells.LONG, last, file.get(Cells.LONG, last) ^ 1);
        Failure.expect(
                CorruptPageException.class,
                () -> verify(file, page),
                "nulls in the validity of vector 1 is",
                "expected " + PageFormat.nullCount(good, payload, 1));
    }

    /** A scan refuses it, so whoever asks whether the file is whole is told. */
    @Test
    void whatAScanRefusesIsFoundByVerify() {
        long page = page("constant");
        long vector = page + PageFormat.HEADER_BYTES + PageFormat.vectorOffset(good, page + PageFormat.HEADER_BYTES, 0);
        MemorySegment file = copy(arena);
        file.set(Cells.BYTE, vector, (byte) 99);
        Failure.expect(CorruptPageException.class, () -> verify(file, page), "encoding at byte 0 is 99", "in vector 0");
        long runs = page("runs");
        long ends = runs + PageFormat.HEADER_BYTES + PageFormat.vectorOffset(good, runs + PageFormat.HEADER_BYTES, 0);
        file.copyFrom(good);
        file.set(Cells.SHORT, ends + 12, (short) 0);
        Failure.expect(CorruptPageException.class, () -> verify(file, runs), "end of run 0 at byte 12 is 0");
    }
}
