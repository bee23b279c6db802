package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.DiskException;
import io.nyala.memory.Crc32c;
import io.nyala.memory.Notes;
import io.nyala.simulation.Operation;
import io.nyala.simulation.ReadDamage;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: whatever happens to a file, reading it answers what was written or says what is wrong and where. Method: a
 * small file with every kind of section, of which every byte is changed, parts are cut off or swapped, or another is
 * put in its place.
 */
final class DamagedFileTest {
    /** Two vectors, and a file of few kilobytes. */
    private static final int ROWS = 1_100;

    private final Files files = new Files(new SplittableRandom(1));
    private byte[] good = {};

    @BeforeEach
    void write() {
        good = write(Files.FILE_ID, ROWS);
    }

    @AfterEach
    void close() {
        files.close();
    }

    private byte[] write(long fileId, int rowCount) {
        if (files.disk.exists(Files.PATH)) {
            files.disk.delete(Files.PATH);
        }
        try (CFileWriter writer = new CFileWriter(files.account)) {
            ColumnWriter numbers =
                    writer.addColumn(ColumnSpec.of(1, "number", CellKind.INT64).key());
            ColumnWriter names = writer.addColumn(
                    ColumnSpec.of(2, "name", CellKind.BINARY).nullable().withCompression(CompressionHint.LZ4));
            ColumnWriter prices = writer.addColumn(ColumnSpec.of(3, "price", CellKind.DOUBLE)
                    .nullable()
                    .withCompression(CompressionHint.ZSTD)
                    .withPageBytes(4096));
            KeyWriter keys = writer.addKeys(KeyFilter.RATE_DEFAULT);
            for (int row = 0; row < rowCount; row++) {
                append(numbers, ofLong(row * 3L));
                if (row % 5 == 0) {
                    names.appendNull();
                    prices.appendNull();
                } else {
                    append(names, ("name " + row % 7).getBytes(StandardCharsets.UTF_8));
                    append(prices, ofLong(Double.doubleToLongBits(row % 3 / 4.0)));
                }
                byte[] key = ofLong(Long.reverseBytes(row * 3L));
                keys.append(MemorySegment.ofArray(key), 0, key.length);
            }
            writer.addRaw(9, "raw", MemorySegment.ofArray(new byte[] {1, 2, 3, 4, 5}), 0, 5);
            files.finish(writer, fileId);
        }
        return files.disk.contents(Files.PATH);
    }

    private static void append(ColumnWriter column, byte[] cell) {
        column.append(MemorySegment.ofArray(cell), 0, cell.length);
    }

    private static byte[] ofLong(long value) {
        byte[] cell = new byte[Long.BYTES];
        MemorySegment.ofArray(cell).set(Cells.LONG, 0, value);
        return cell;
    }

    private void readAll() {
        try (CFileReader reader = files.open()) {
            assertEquals(ROWS, reader.rowCount());
            reader.verify();
        }
    }

    @Test
    void theFileIsGoodToBeginWith() {
        readAll();
        assertTrue(good.length <= 3 * 4096, "small, so that every byte can be tried: " + good.length);
    }

    /** Every byte, padding included: here there is none that may be anything. */
    @Test
    void everyFlippedByteIsDetected(@Seed SplittableRandom random) {
        List<Integer> missed = new ArrayList<>();
        for (int at = 0; at < good.length; at++) {
            int bit = random.nextInt(Byte.SIZE);
            files.disk.flipBit(Files.PATH, at, bit);
            try {
                readAll();
                missed.add(at);
            } catch (CorruptPageException e) {
                assertEquals(Files.PATH, e.file());
            }
            files.disk.flipBit(Files.PATH, at, bit);
        }
        assertEquals(List.of(), missed);
        assertEquals(0, files.disk.openFileCount());
    }

    /**
     * The file is as it was, but one read lies: each read of it all once, in each way. Reads bring more than was asked
     * for, to the ends of sectors: a bit there, or the end, may be wrong.
     */
    @Test
    void aReadThatGoesWrongUnseenIsDetected() {
        for (ReadDamage damage : ReadDamage.values()) {
            boolean isReached = true;
            int detected = 0;
            for (int read = 0; isReached; read++) {
                int index = read;
                int[] seen = {0};
                files.disk.damageNextRead(_ -> seen[0]++ == index, damage);
                String what = damage + " of read " + index;
                try {
                    readAll();
                    isReached = seen[0] > index;
                    assertFalse(isReached && damage == ReadDamage.MISDIRECTED, what + " went unseen");
                } catch (CorruptPageException e) {
                    assertEquals(Files.PATH, e.file(), what);
                    assertTrue(e.offset() >= 0 && e.offset() < good.length, what + ": " + e);
                    detected++;
                }
                files.disk.forgetFailures();
            }
            assertTrue(
                    detected > 1 || damage == ReadDamage.FLIPPED, damage + " was detected in " + detected + " reads");
        }
        assertEquals(0, files.disk.openFileCount());
        readAll();
    }

    @RepeatedTest(20)
    void aCutFileIsDetected(@Seed SplittableRandom random) {
        int kept = random.nextInt(good.length);
        files.disk.setContents(Files.PATH, Arrays.copyOf(good, random.nextBoolean() ? kept : kept & -4096));
        Failure.expect(CorruptPageException.class, this::readAll, Files.PATH.toString(), "cut");
    }

    @RepeatedTest(20)
    void anythingInPlaceOfAFileIsRefused(@Seed SplittableRandom random) {
        byte[] bytes = new byte[random.nextInt(1, 5) * 4096];
        random.nextBytes(bytes);
        if (random.nextBoolean()) { // A header that is right, and a trailer, with anything between.
            System.arraycopy(good, 0, bytes, 0, 4096);
            System.arraycopy(good, good.length - 64, bytes, bytes.length - 64, 64);
        }
        files.disk.setContents(Files.PATH, bytes);
        Failure.expect(CorruptPageException.class, this::readAll, Files.PATH.toString());
    }

    @Test
    void aPageOfAnotherFileIsDetected() {
        byte[] file = good.clone();
        byte[] other = write(8, ROWS);
        System.arraycopy(other, 4096, file, 4096, slotBytes(file, 4096));
        files.disk.setContents(Files.PATH, file);
        Failure.expect(
                CorruptPageException.class,
                this::readAll,
                "at byte 4,096",
                "this is a part of file 8, expected one of file 7");
    }

    @Test
    void swappedPagesAreDetected() {
        files.disk.delete(Files.PATH);
        try (CFileWriter writer = new CFileWriter(files.account)) {
            ColumnWriter column = writer.addColumn(ColumnSpec.of(1, "constant", CellKind.INT8));
            for (int row = 0; row < 3 * ColumnSpec.PAGE_VECTORS_MAX * ColumnSpec.VECTOR_ROWS; row++) {
                append(column, new byte[1]);
            }
            files.finish(writer, Files.FILE_ID);
        }
        byte[] file = files.disk.contents(Files.PATH);
        int bytes = slotBytes(file, 4096);
        byte[] first = Arrays.copyOfRange(file, 4096, 4096 + bytes);
        System.arraycopy(file, 4096 + bytes, file, 4096, bytes);
        System.arraycopy(first, 0, file, 4096 + bytes, bytes);
        files.disk.setContents(Files.PATH, file);
        try (CFileReader reader = files.open()) {
            Failure.expect(CorruptPageException.class, reader::verify, "byte 4,096: position is", "expected 4,096");
        }
    }

    private static int slotBytes(byte[] file, int at) {
        return PageFormat.slotBytes(PageFormat.storedBytes(MemorySegment.ofArray(file), at));
    }

    private void verifyAs(long fileId) {
        var source = new CFileReader.Source(files.disk, Files.PATH, fileId, Files.OWNER_ID);
        try (CFileReader reader = CFileReader.open(source, files.cache, files.account)) {
            reader.verify();
        }
    }

    @Test
    void anotherFileIsNotTakenForThisOne() {
        write(8, ROWS);
        Failure.expect(
                CorruptPageException.class,
                this::readAll,
                "this is file 8 of owner 3, expected file 7 of owner 3",
                "another file has its name");
    }

    @Test
    void anotherVersionIsNamed() {
        setVersion(MemorySegment.ofArray(good), FileFormat.VERSION + 1);
        files.disk.setContents(Files.PATH, good);
        Failure.expect(
                UnsupportedFormatException.class,
                this::readAll,
                Files.PATH.toString(),
                "is of format version 6, this build reads versions 1 to 5");
    }

    /** By the dump of one, whose lines say which bytes are where; what is left out is zero. */
    @Test
    void filesOfTheVersionBeforeAreRead() throws IOException {
        Pattern line = Pattern.compile("(\\d+)-(\\d+) +([0-9a-f]+) +#.*");
        MemorySegment file = MemorySegment.ofArray(new byte[8192]);
        for (String text : java.nio.file.Files.readAllLines(Path.of("src/test/resources/cfile/version-2.dump"))) {
            Matcher field = line.matcher(text);
            if (field.matches()) {
                byte[] bytes = HexFormat.of().parseHex(field.group(3));
                MemorySegment.copy(
                        MemorySegment.ofArray(bytes), 0, file, Integer.parseInt(field.group(1)), bytes.length);
            }
        }
        files.disk.setContents(Files.PATH, file.toArray(Cells.BYTE));
        try (CFileReader reader = files.open();
                ColumnCursor ids = reader.column(1).cursor(files.scratch)) {
            reader.verify();
            assertEquals(3, reader.rowCount());
            ids.seek(0);
            assertEquals(13, ids.longAt(2));
            KeyFilter filter = Objects.requireNonNull(reader.keyFilter());
            for (String key : List.of("ka", "kab", "kb")) {
                byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
                assertTrue(filter.mayContain(MemorySegment.ofArray(bytes), 0, bytes.length), key);
            }
            assertFalse(filter.mayContain(MemorySegment.ofArray(new byte[2]), 0, 2));
        }
        files.cacheBytes(256);
        try (CFileReader reader = files.open()) {
            assertNull(reader.keyFilter(), "larger than an eighth of the cache");
        }
    }

    /** Whose checksum is right, but who is not what the footer says. */
    @Test
    void aFilterPageThatMakesNoSenseIsRefused() {
        MemorySegment file = Arena.ofAuto().allocate(good.length).copyFrom(MemorySegment.ofArray(good));
        long page = FileFormat.HEADER_BYTES;
        while (file.get(Cells.INT, page + 36) != CFileWriter.KEY_FILTER_ID) {
            page += slotBytes(good, (int) page);
        }
        for (long at = page + PageFormat.HEADER_BYTES; at < page + PageFormat.HEADER_BYTES + 64; at++) {
            byte before = file.get(Cells.BYTE, at);
            file.set(Cells.BYTE, at, (byte) (before ^ 0x80));
            PageFormat.seal(
                    file,
                    page,
                    new FileFormat.Identity(Files.FILE_ID, Files.OWNER_ID),
                    CFileWriter.KEY_FILTER_ID,
                    page);
            files.disk.setContents(Files.PATH, file.toArray(Cells.BYTE));
            long offset = at - page - PageFormat.HEADER_BYTES;
            if (offset < 16 || offset >= 23) { // The lower bytes of a rate make another one.
                Failure.expect(CorruptPageException.class, this::readAll, "the key filter makes no sense");
            } else {
                readAll();
            }
            file.set(Cells.BYTE, at, before);
        }
    }

    /** It spares reads, and all that it could tell is told by the keys. */
    @Test
    void aDamagedFilterIsNotAskedAndKeepsNobodyFromAKey() {
        int page = FileFormat.HEADER_BYTES;
        while (MemorySegment.ofArray(good).get(Cells.INT, page + 36) != CFileWriter.KEY_FILTER_ID) {
            page += slotBytes(good, page);
        }
        byte[] damaged = good.clone();
        damaged[page + PageFormat.HEADER_BYTES + 70] ^= 4;
        files.disk.setContents(Files.PATH, damaged);
        byte[] absent = "no such key".getBytes(StandardCharsets.UTF_8);
        try (CFileReader reader = files.open()) {
            KeyFilter filter = Objects.requireNonNull(reader.keyFilter());
            Prefetch prefetch = reader.prefetch();
            assertTrue(prefetch.add(filter, 0));
            prefetch.run();
            assertTrue(filter.mayContain(MemorySegment.ofArray(absent), 0, absent.length));
            long reads = files.disk.callCount(Operation.READ);
            assertTrue(prefetch.add(filter, 0));
            prefetch.run();
            assertTrue(filter.mayContain(MemorySegment.ofArray(absent), 0, absent.length));
            assertEquals(reads, files.disk.callCount(Operation.READ), "reads of what is known to be damaged");
            Failure.expect(CorruptPageException.class, reader::verify, "rs7.cfile");
        }
    }

    private void setVersion(MemorySegment file, int version) {
        file.set(Cells.INT, 8, version);
        file.set(Cells.INT, 4092, Crc32c.of(native4096(file), 0, 4092));
    }

    private MemorySegment native4096(MemorySegment file) {
        return Arena.ofAuto().allocate(4096).copyFrom(file.asSlice(0, 4096));
    }

    @Test
    void aMissingFileIsNamed() {
        files.disk.delete(Files.PATH);
        Failure.expect(
                DiskException.class, files::open, Path.of("/data/rs7.cfile").toString());
    }

    /** What a checksum cannot tell: a footer that is whole but makes no sense is refused, too, and never crashes. */
    @RepeatedTest(100)
    void aFooterThatMakesNoSenseIsRefused(@Seed SplittableRandom random) {
        MemorySegment file = Arena.ofAuto().allocate(good.length).copyFrom(MemorySegment.ofArray(good));
        long footer = file.get(Cells.LONG, good.length - 64 + 32);
        int stored = PageFormat.storedBytes(file, footer);
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            long at = footer + PageFormat.HEADER_BYTES + random.nextInt(stored);
            file.set(Cells.BYTE, at, (byte) random.nextInt());
        }
        PageFormat.seal(file, footer, new FileFormat.Identity(Files.FILE_ID, Files.OWNER_ID), -1, footer);
        files.disk.setContents(Files.PATH, file.toArray(Cells.BYTE));
        try {
            verifyAs(Files.FILE_ID);
        } catch (CorruptPageException e) {
            assertEquals(Files.PATH, e.file());
        }
    }

    /** For the dump tool: nothing of what is left is hidden, and each page that is whole is shown as one. */
    @Test
    void whatIsLeftOfACutFileIsExplained() {
        List<String> whole = explained(good, good.length);
        assertTrue(whole.size() > 5, whole::toString);
        int most = 0;
        for (int bytes = Long.BYTES; bytes <= good.length; bytes += 61) {
            List<String> pages = explained(good, bytes);
            int complete = Math.max(0, pages.size() - 1); // The last may be cut off.
            assertEquals(whole.subList(0, complete), pages.subList(0, complete));
            assertEquals(
                    0,
                    pages.stream()
                            .limit(complete)
                            .filter(page -> page.contains("cut off"))
                            .count());
            most = Math.max(most, pages.size());
        }
        assertEquals(whole.size(), most);
    }

    @RepeatedTest(16)
    void whatIsLeftOfADamagedFileIsExplained(@Seed SplittableRandom random) {
        byte[] bad = good.clone();
        for (int i = random.nextInt(1, 200); i > 0; i--) {
            bad[random.nextInt(bad.length)] = (byte) random.nextInt();
        }
        explained(bad, random.nextInt(Long.BYTES, bad.length + 1));
    }

    /** What is said of each page; the notes are checked to cover all bytes once, in order. */
    private static List<String> explained(byte[] contents, int bytes) {
        List<String> pages = new ArrayList<>();
        long[] end = new long[1];
        boolean[] isPage = new boolean[1];
        CFileDump.annotateWithoutFooter(MemorySegment.ofArray(Arrays.copyOf(contents, bytes)), new Notes() {
            @Override
            public void note(long offset, int noted, String text) {
                assertEquals(end[0], offset, text);
                end[0] += noted;
                if (isPage[0]) {
                    pages.add(pages.removeLast() + "; " + text);
                }
            }

            @Override
            public void section(String title) {
                isPage[0] = title.startsWith("page ");
                if (isPage[0]) {
                    pages.add(title);
                }
            }

            @Override
            public void endSection() {}
        });
        assertEquals(bytes, end[0]);
        return pages;
    }
}
