package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.Slab;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: pages that only their writer understands come back through the cache as they were written, however many a
 * section has. Method: random pages against the arrays they came from, read in random order, alone and ahead.
 */
final class RawSectionTest {
    @RepeatedTest(8)
    void pagesComeBackAsTheyWereWritten(@Seed SplittableRandom random) {
        List<List<byte[]>> sections = new ArrayList<>();
        try (var files = new Files(random.split())) {
            try (CFileWriter writer = new CFileWriter(files.account)) {
                for (int id = 0; id < 4; id++) {
                    sections.add(write(files, writer, id, random));
                }
                files.finish(writer, Files.FILE_ID);
            }
            try (CFileReader reader = files.open()) {
                reader.verify();
                for (int id = 0; id < sections.size(); id++) {
                    check(reader, id, sections.get(id), random);
                }
            }
        }
    }

    private static List<byte[]> write(Files files, CFileWriter writer, int id, SplittableRandom random) {
        List<CompressionHint> hints = List.of(CompressionHint.values());
        CompressionHint hint = hints.get(random.nextInt(hints.size()));
        CFileWriter.RawSection section = writer.addRaw(id, "raw " + id, hint);
        List<byte[]> pages = new ArrayList<>();
        for (int i = random.nextInt(1, 40); i > 0; i--) {
            byte[] page = new byte[random.nextInt(1 << random.nextInt(1, 17))];
            if (random.nextBoolean()) {
                random.nextBytes(page);
            }
            Slab slab = files.account.take(1 << 17);
            section.add(slab.segment().asSlice(0, page.length).copyFrom(MemorySegment.ofArray(page)));
            files.account.giveBack(slab);
            pages.add(page);
        }
        return pages;
    }

    private static void check(CFileReader reader, int id, List<byte[]> pages, SplittableRandom random) {
        RawReader section = reader.rawPages(id);
        assertEquals(id, section.id());
        assertEquals("raw " + id, section.name());
        assertEquals(pages.size(), section.pageCount());
        Prefetch prefetch = reader.prefetch();
        try (RawReader.Cursor cursor = section.cursor()) {
            for (int i = 0; i < 60; i++) {
                int page = random.nextInt(pages.size());
                if (random.nextInt(4) == 0) {
                    prefetch.add(section, page);
                    prefetch.add(section, Math.min(page + 1, pages.size() - 1));
                    prefetch.run();
                    assertTrue(section.isCached(page), "a page that was read ahead is not in the cache");
                }
                cursor.seek(page);
                byte[] expected = pages.get(page);
                assertEquals(expected.length, cursor.bytes());
                assertArrayEquals(
                        expected, cursor.memory().asSlice(0, expected.length).toArray(ValueLayout.JAVA_BYTE));
                if (random.nextInt(4) == 0) {
                    cursor.release();
                    assertEquals(0, cursor.bytes());
                }
            }
            assertThrows(IllegalArgumentException.class, () -> cursor.seek(pages.size()));
            assertThrows(IllegalArgumentException.class, () -> cursor.seek(-1));
        }
    }

    @Test
    void aSectionWithoutPagesIsRefused(@Seed SplittableRandom random) {
        try (var files = new Files(random);
                CFileWriter writer = new CFileWriter(files.account)) {
            writer.addRaw(3, "nothing", CompressionHint.NONE);
            Failure.expect(
                    IllegalArgumentException.class, () -> files.finish(writer, Files.FILE_ID), "pages", "nothing");
            assertTrue(!files.disk.exists(Files.PATH), "a file was begun");
        }
    }
}
