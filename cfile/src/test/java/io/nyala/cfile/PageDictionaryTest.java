package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.encoding.EncodingHint;
import io.nyala.memory.Notes;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a column with a dictionary is read back as it was written, and smaller than without one; one that gains nothing
 * has none; what is damaged is refused or detected. Method: texts that have much in common, and such that have nothing;
 * each byte of a dictionary is flipped, and dictionaries and frames that have right checksums are changed at random.
 */
final class PageDictionaryTest {
    private static final int PAGE_BYTES = 4 << 10;

    private final Files files = new Files(new SplittableRandom(1));

    @AfterEach
    void close() {
        files.close();
    }

    /**
     * Texts as services log them: of some words, and of numbers that are never the same; {@code nullShare} rows of 1000
     * have none, and the more there are the less a page can know of texts by itself.
     */
    private static TestColumn texts(SplittableRandom random, int rows, int nullShare) {
        ColumnSpec spec = ColumnSpec.of(1, "text", CellKind.BINARY)
                .nullable()
                .withEncoding(EncodingHint.PLAIN)
                .withCompression(CompressionHint.ZSTD_DICTIONARY)
                .withPageBytes(PAGE_BYTES);
        String[] verbs = {"accepted", "refused", "forwarded", "answered", "cancelled", "repeated"};
        List<byte @Nullable []> cells = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            String text = "{\"request\":" + Long.toString(random.nextLong(1L << 40), 36) + ",\"state\":\""
                    + verbs[random.nextInt(verbs.length)] + "\",\"milliseconds\":" + random.nextInt(10_000)
                    + ",\"client\":\"10.1." + random.nextInt(256) + '.' + random.nextInt(256) + "\"}";
            cells.add(random.nextInt(1000) < nullShare ? null : text.getBytes(StandardCharsets.UTF_8));
        }
        return new TestColumn(spec, cells);
    }

    private static TestColumn sparse(SplittableRandom random) {
        return texts(random, 50_000, 970);
    }

    private static TestColumn with(TestColumn column, CompressionHint hint) {
        return new TestColumn(column.spec().withCompression(hint), column.cells());
    }

    private void write(TestColumn column) {
        if (files.disk.exists(Files.PATH)) {
            files.disk.delete(Files.PATH);
        }
        files.write(List.of(column), null);
    }

    private long bytes(TestColumn column) {
        write(column);
        try (CFileReader reader = files.open()) {
            return reader.column(1).bytes();
        }
    }

    private boolean hasDictionary() {
        try (CFileReader reader = files.open()) {
            return reader.column(1).hasDictionary();
        }
    }

    private void check(TestColumn column, SplittableRandom random) {
        try (CFileReader reader = files.open();
                ColumnCursor cursor = reader.column(1).cursor(files.scratch)) {
            column.check(reader.column(1), cursor, random);
            reader.verify();
        }
    }

    /** Some end before there is a dictionary, most have pages before and after it. */
    @RepeatedTest(5)
    void readsBackWhatWasWritten(@Seed SplittableRandom random) {
        TestColumn column =
                texts(random, random.nextInt(2 * PageDictionary.Trainer.BYTES_MAX / 80), random.nextInt(1000));
        write(column);
        check(column, random);
    }

    @Test
    void isSmallerThanWithoutADictionary(@Seed SplittableRandom random) {
        TestColumn column = sparse(random);
        long with = bytes(column);
        assertTrue(hasDictionary());
        long without = bytes(with(column, CompressionHint.ZSTD));
        assertFalse(hasDictionary());
        assertTrue(with < 0.97 * without, with + " with, " + without + " without");
    }

    /** Of which each alone holds less than it may. */
    @Test
    void manyColumnsHoldNoMoreThanAFileMay() {
        var held = new PageDictionary.Trainer.Held();
        int bytes = PageDictionary.Trainer.BYTES_MAX * 3 / 4;
        long most = 0;
        List<PageDictionary.Trainer> columns = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment page = arena.allocate(bytes);
            for (int column = 0; column < 12; column++) {
                PageDictionary.Trainer trainer = new PageDictionary.Trainer(files.account, held);
                columns.add(trainer);
                trainer.add(page, 1, 1, 0, 0);
                if (trainer.isFull()) {
                    trainer.close();
                }
                most = Math.max(most, held.bytes());
            }
        }
        columns.forEach(PageDictionary.Trainer::close);
        assertEquals(0, held.bytes());
        long limit = PageDictionary.Trainer.Held.BYTES_MAX;
        assertTrue(most > limit - 2L * bytes && most <= limit, most + " bytes, " + limit + " is the limit");
    }

    /** As a merge does with columns of which no row changed. */
    @Test
    void aCopiedColumnHasItsDictionary(@Seed SplittableRandom random) {
        TestColumn column = sparse(random);
        write(column);
        Path original = Files.DIRECTORY.resolve("original");
        files.disk.rename(Files.PATH, original);
        var source = new CFileReader.Source(files.disk, original, Files.FILE_ID, Files.OWNER_ID);
        try (CFileReader reader = CFileReader.open(source, files.cache, files.account);
                CFileWriter writer = new CFileWriter(files.account)) {
            writer.copyColumn(column.spec(), reader.column(1));
            files.finish(writer, Files.FILE_ID);
        }
        assertTrue(hasDictionary());
        check(column, random);
    }

    @Test
    void whereItDoesNotPayThereIsNone(@Seed SplittableRandom random) {
        List<byte @Nullable []> noise = new ArrayList<>();
        for (int row = 0; row < 20_000; row++) {
            byte[] cell = new byte[80];
            random.nextBytes(cell);
            noise.add(cell);
        }
        TestColumn column = new TestColumn(texts(random, 0, 0).spec(), noise);
        long bytes = bytes(column);
        assertFalse(hasDictionary());
        check(column, random);
        assertEquals(bytes(with(column, CompressionHint.ZSTD)), bytes);
        TestColumn few = texts(random, 100, 0);
        write(few);
        assertFalse(hasDictionary(), "of one page");
        check(few, random);
    }

    /** Who does not know of dictionaries reads all files that have none, and names the version of the others. */
    @Test
    void onlyFilesWithADictionaryAreOfTheNewVersion(@Seed SplittableRandom random) {
        TestColumn column = sparse(random);
        write(with(column, CompressionHint.ZSTD));
        assertEquals(4, files.disk.contents(Files.PATH)[8]);
        write(column);
        assertTrue(hasDictionary());
        assertEquals(5, files.disk.contents(Files.PATH)[8]);
    }

    @Test
    void everyFlippedByteOfADictionaryIsDetectedAtTheOpening(@Seed SplittableRandom random) {
        write(sparse(random));
        int end = 4096
                + PageFormat.slotBytes(
                        PageFormat.storedBytes(MemorySegment.ofArray(files.disk.contents(Files.PATH)), 4096));
        assertTrue(end > 4096 + 1024, "the dictionary comes first");
        List<Integer> missed = new ArrayList<>();
        for (int at = 4096; at < end; at++) {
            int bit = random.nextInt(Byte.SIZE);
            files.disk.flipBit(Files.PATH, at, bit);
            try (CFileReader _ = files.open()) {
                missed.add(at);
            } catch (CorruptPageException e) {
                assertEquals(Files.PATH, e.file());
            }
            files.disk.flipBit(Files.PATH, at, bit);
        }
        assertEquals(0, missed.size(), () -> missed.subList(0, 1).toString());
        assertEquals(0, files.disk.openFileCount());
    }

    @Test
    void aPageWithoutItsDictionaryIsRefused() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(64);
            assertEquals(
                    "it is compressed by a dictionary, but the file has none of its column",
                    PageCodec.unpack(PageCodec.ZSTD_DICTIONARY, memory, memory, null));
        }
    }

    /** Changed dictionaries and frames, as they would be after a checksum that fits by chance, or a mistake of ours. */
    @RepeatedTest(6)
    void damagedDictionariesAndFramesAreRefusedOrGiveOtherBytes(@Seed SplittableRandom random) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment samples = arena.allocate(64 << 10);
            byte[] text =
                    "all that pages have in common, said once and for all of them ".getBytes(StandardCharsets.UTF_8);
            for (int at = 0; at < samples.byteSize(); at++) {
                boolean isCommon = random.nextInt(10) != 0;
                samples.set(Cells.BYTE, at, isCommon ? text[at % text.length] : (byte) random.nextInt());
            }
            byte[] trained = Objects.requireNonNull(PageDictionary.train(samples, files.account));
            MemorySegment payload = samples.asSlice(0, PAGE_BYTES);
            MemorySegment target = arena.allocate(PageCodec.packedBytesMax(PAGE_BYTES));
            MemorySegment stored = target.asSlice(0, PageDictionary.compress(trained, 3, payload, target));
            MemorySegment restored = arena.allocate(PAGE_BYTES);
            try (PageDictionary good = PageDictionary.wrap(arena.allocateFrom(Cells.BYTE, trained))) {
                assertNull(PageCodec.unpack(PageCodec.ZSTD_DICTIONARY, stored, restored, good));
                assertEquals(-1, payload.mismatch(restored));
                for (int i = 0; i < 20; i++) {
                    MemorySegment bad = arena.allocate(stored.byteSize()).copyFrom(stored);
                    bad.set(Cells.BYTE, random.nextLong(bad.byteSize()), (byte) random.nextInt());
                    PageCodec.unpack(PageCodec.ZSTD_DICTIONARY, bad, restored, good);
                    MemorySegment cut = bad.asSlice(0, random.nextLong(bad.byteSize()));
                    assertNotNull(PageCodec.unpack(PageCodec.ZSTD_DICTIONARY, cut, restored, good));
                }
            }
            for (int i = 0; i < 20; i++) {
                byte[] bad = trained.clone();
                bad[random.nextInt(Math.min(bad.length, 200))] = (byte) random.nextInt();
                unpackBy(arena.allocateFrom(Cells.BYTE, bad), stored, restored);
            }
        }
    }

    private static void unpackBy(MemorySegment dictionary, MemorySegment stored, MemorySegment restored) {
        try (PageDictionary opened = PageDictionary.wrap(dictionary)) {
            PageCodec.unpack(PageCodec.ZSTD_DICTIONARY, stored, restored, opened);
        } catch (IllegalArgumentException e) {
            assertTrue(String.valueOf(e.getMessage()).startsWith("zstd does not take it"), e.getMessage());
        }
    }

    @Test
    void aDictionaryOfNoColumnIsRefused(@Seed SplittableRandom random) {
        write(sparse(random));
        MemorySegment file = contents();
        long footer = footer(file);
        long id = footer + PageFormat.HEADER_BYTES + FooterFormat.HEADER_BYTES + Long.BYTES + 4;
        assertEquals(1, file.get(Cells.INT, id));
        file.set(Cells.INT, id, 2);
        replaceBy(file, footer);
        Failure.expect(
                CorruptPageException.class,
                () -> files.open().close(),
                Files.PATH.toString(),
                "text makes no sense: there is no column 2, or it has two dictionaries");
    }

    /** Footers with a right checksum, of a file with a dictionary. */
    @Test
    void aFooterThatMakesNoSenseIsRefused(@Seed SplittableRandom random) {
        write(sparse(random));
        MemorySegment file = contents();
        long footer = footer(file);
        for (int i = 0; i < 80; i++) {
            long at = footer + PageFormat.HEADER_BYTES + random.nextInt(PageFormat.storedBytes(file, footer));
            byte before = file.get(Cells.BYTE, at);
            file.set(Cells.BYTE, at, (byte) random.nextInt());
            replaceBy(file, footer);
            try (CFileReader reader = files.open()) {
                reader.verify();
            } catch (CorruptPageException e) {
                assertEquals(Files.PATH, e.file());
            }
            file.set(Cells.BYTE, at, before);
        }
    }

    private MemorySegment contents() {
        byte[] contents = files.disk.contents(Files.PATH);
        return Arena.ofAuto().allocate(contents.length).copyFrom(MemorySegment.ofArray(contents));
    }

    private static long footer(MemorySegment file) {
        return file.get(Cells.LONG, file.byteSize() - 64 + 32);
    }

    private void replaceBy(MemorySegment file, long footer) {
        PageFormat.seal(file, footer, new FileFormat.Identity(Files.FILE_ID, Files.OWNER_ID), -1, footer);
        files.disk.setContents(Files.PATH, file.toArray(Cells.BYTE));
    }

    /**
     * A file as it was written when there were the first dictionaries; {@code -Drewrite=true} writes another, which is
     * for another version of the format only: what is in it is ZSTD's affair.
     */
    @Test
    void theFirstFileWithADictionaryIsRead() throws IOException {
        Path golden = Path.of("src/test/resources/cfile/version-5.cfile");
        TestColumn column = sparse(new SplittableRandom(5));
        write(texts(new SplittableRandom(1), 1, 0));
        if (Boolean.getBoolean("rewrite")) {
            write(column);
            java.nio.file.Files.write(golden, files.disk.contents(Files.PATH));
        }
        byte[] contents = java.nio.file.Files.readAllBytes(golden);
        files.disk.setContents(Files.PATH, contents);
        assertTrue(hasDictionary());
        check(column, new SplittableRandom(1));
        MemorySegment whole = contents();
        List<String> titles = new ArrayList<>();
        CFileDump.annotate(Files.PATH, whole, files.scratch, new Notes() {
            @Override
            public void note(long offset, int bytes, String text) {
                if (text.startsWith("kind") || text.startsWith("dictionary") || text.startsWith("compression")) {
                    titles.add(text);
                }
            }

            @Override
            public void section(String title) {}

            @Override
            public void endSection() {}
        });
        assertEquals(
                List.of("compression: none", "dictionary of zstd", "compression: zstd with a dictionary"),
                titles.subList(0, 3));
        assertTrue(titles.containsAll(List.of("kind: DICTIONARY", "kind: COLUMN")), titles::toString);
    }
}
