package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.CFileDump;
import io.nyala.cfile.CFileReader;
import io.nyala.cfile.CFileWriter;
import io.nyala.cfile.CompressionHint;
import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.RawReader;
import io.nyala.cfile.UnsupportedFormatException;
import io.nyala.diskrowset.DeltaFileFormat.ColumnEntry;
import io.nyala.diskrowset.DeltaFileFormat.Metadata;
import io.nyala.diskrowset.DeltaFileFormat.PageEntry;
import io.nyala.diskrowset.ListedDeltas.Change;
import io.nyala.encoding.DecoderScratch;
import io.nyala.hexdump.HexDump;
import io.nyala.io.IoQueue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowChange;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Script;
import io.nyala.testkit.Seed;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Goal: a delta file has the bytes that its format promises, and what does not is refused. Method: golden script of
 * whole files; fields of metadata changed; files of another version, kind and rowset.
 */
final class DeltaFileFormatTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32),
            Column.of("n", ColumnType.INT64),
            Column.of("s", ColumnType.STRING).nullable());

    @Test
    void writesTheBytesOfTheScript() {
        Script.check("diskrowset/delta", DeltaFileFormatTest::run);
    }

    /**
     * {@code redo BASE_ROWS}, then a line for each change: {@code ORDINAL TIME CELL...} with cells as {@code n=5},
     * {@code s=text} or {@code s=null}; or {@code delete}.
     */
    private static String run(String command) {
        String[] lines = command.split("\n", -1);
        String[] words = lines[0].split(" ", -1);
        List<Change> changes =
                Arrays.stream(lines).skip(1).map(DeltaFileFormatTest::change).toList();
        var disk = new SimulatedDisk(new SplittableRandom(1));
        disk.createDirectories(DIRECTORY);
        var base = new DeltaBase(7, Long.parseLong(words[1]));
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            files.write(SCHEMA, base, listed(changes), 8);
            try (DeltaFile file = files.openDelta(8, base)) {
                file.verify();
            }
            MemorySegment whole =
                    MemorySegment.ofArray(disk.contents(files.file(8).path()));
            assertTrue(
                    DeltaFileNotes.isDeltaFile(CFileDump.metadata(files.file(8).path(), whole)));
            try (var scratch = new DecoderScratch(files.account)) {
                return HexDump.text(
                        whole,
                        notes -> CFileDump.annotate(files.file(8).path(), whole, scratch, new DeltaFileNotes(), notes));
            }
        }
    }

    private static ListedDeltas listed(List<Change> changes) {
        return new ListedDeltas(changes, RedoModel.always());
    }

    private static Change change(String line) {
        String[] words = line.split(" ", -1);
        List<String> cells = Arrays.asList(words).subList(2, words.length);
        byte[] bytes = cells.equals(List.of("delete")) ? new byte[] {RowChange.DELETE, 0, 0, 0} : update(cells);
        return new Change(Long.parseLong(words[0]), Long.parseLong(words[1]), bytes);
    }

    private static byte[] update(List<String> cells) {
        byte[] header = new byte[RowChange.HEADER_BYTES];
        RowChange.startUpdate(MemorySegment.ofArray(header), 0, cells.size());
        var bytes = new ByteArrayOutputStream();
        bytes.writeBytes(header);
        for (String cell : cells) {
            String[] parts = cell.split("=", -1);
            byte[] value = value(parts[0], parts[1]);
            byte[] written = new byte[RowChange.CELL_HEADER_BYTES + (value == null ? 0 : value.length)];
            int id = parts[0].equals("n") ? 1 : 2;
            RowChange.startCell(MemorySegment.ofArray(written), 0, id, value == null, value == null ? 0 : value.length);
            if (value != null) {
                System.arraycopy(value, 0, written, RowChange.CELL_HEADER_BYTES, value.length);
            }
            bytes.writeBytes(written);
        }
        return bytes.toByteArray();
    }

    private static byte @Nullable [] value(String name, String text) {
        if (text.equals("null")) {
            return null;
        }
        if (name.equals("s")) {
            return text.getBytes(StandardCharsets.UTF_8);
        }
        byte[] value = new byte[Long.BYTES];
        LittleEndian.setLong(MemorySegment.ofArray(value), 0, Long.parseLong(text));
        return value;
    }

    private static byte[] metadata() {
        List<PageEntry> numbers = List.of(new PageEntry(3, 1, 40, 5, 9), new PageEntry(1, 40, 40, 10, 10));
        List<PageEntry> deleted = List.of(new PageEntry(2, 0, 49, 6, 7));
        var columns = List.of(new ColumnEntry(1, 8, numbers), new ColumnEntry(DeltaFileFormat.DELETED_ID, 0, deleted));
        return DeltaFileFormat.metadata(new Metadata(3, new DeltaBase(7, 50), 5, 10, 0, 1, new long[] {1}, columns));
    }

    @Test
    void readsBackTheMetadataThatItWrote() {
        Metadata read = DeltaFileFormat.readMetadata(metadata());
        assertEquals(3, read.schemaVersion());
        assertEquals(new DeltaBase(7, 50), read.base());
        assertEquals(2, read.columns().size());
        assertEquals(8, read.columns().getFirst().cellBytes());
        assertEquals(
                new PageEntry(1, 40, 40, 10, 10),
                read.columns().getFirst().pages().getLast());
        assertEquals(
                List.of(new PageEntry(2, 0, 49, 6, 7)), read.columns().getLast().pages());
    }

    @Test
    void refusesMetadataThatMakesNoSense() {
        refuse(0, 0, "begin");
        refuse(4, 2, "version 2", "reads 1");
        refuse(12, 2, "kind is 2", "expected 1");
        refuse(31, 0x80, "rows of the base");
        refuse(24, 49, "last ordinal", "49");
        refuse(48, 3, "bytes");
        refuse(48, 1, "bytes", "end");
        refuse(52, 1, "vectors");
        refuse(56, 2, "vectors");
        refuse(60, 1, "unused");
        refuse(72 + 4, 3, "cells of 3");
        refuse(72 + 8, 0, "pages");
        refuse(72 + 12, 1, "unused");
        refuse(88, 0, "entries");
        refuse(88 + 5, 5, "ordinal");
        refuse(88 + 12, 1, "unused");
        refuse(88 + 16, 11, "oldest time");
        refuse(120 + 4, 39, "first ordinal", "39");
        refuse(120 + 8, 39, "last ordinal", "39");
        refuse(152, 2, "column id");
        refuse(152, 0, "no section", "65536");
        refuse(32, 6, "times");
        refuse(40, 9, "times");
    }

    private static void refuse(int at, int value, String... parts) {
        byte[] changed = metadata();
        changed[at] = (byte) value;
        Failure.expect(IllegalArgumentException.class, () -> DeltaFileFormat.readMetadata(changed), parts);
    }

    @Test
    void metadataThatIsCutIsRefused() {
        byte[] whole = metadata();
        for (int bytes = 0; bytes < whole.length; bytes++) {
            byte[] cut = Arrays.copyOf(whole, bytes);
            Failure.expect(IllegalArgumentException.class, () -> DeltaFileFormat.readMetadata(cut));
        }
    }

    @Test
    void whatIsNoDeltaFileOfTheRowSetIsRefused(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        var base = new DeltaBase(7, 50);
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            long usedBefore = files.budget.usedBytes();
            files.write(SCHEMA, base, listed(List.of(change("4 1000 n=5"))), 8);
            byte[] metadata = metadata();
            metadata[4] = 2;
            write(files, 9, metadata, Map.of());
            write(files, 10, new byte[100], Map.of());
            write(files, 11, metadata(), Map.of(1, new byte[8], DeltaFileFormat.DELETED_ID, new byte[8]));
            write(files, 12, metadata(), Map.of(1, new byte[8]));
            Failure.expect(
                    CorruptPageException.class,
                    () -> files.openDelta(8, new DeltaBase(7, 51)),
                    "8.delta",
                    "rowCount=50",
                    "rowCount=51");
            Failure.expect(CorruptPageException.class, () -> files.openDelta(8, new DeltaBase(6, 50)), "fileId=7");
            Failure.expect(
                    UnsupportedFormatException.class,
                    () -> files.openDelta(9, base),
                    "9.delta",
                    "version 2",
                    "reads version 1");
            Failure.expect(CorruptPageException.class, () -> files.openDelta(10, base), "10.delta", "begin");
            Failure.expect(CorruptPageException.class, () -> files.openDelta(11, base), "11.delta", "pages");
            Failure.expect(CorruptPageException.class, () -> files.openDelta(12, base), "12.delta");
            assertEquals(usedBefore, files.budget.usedBytes());
        }
        assertEquals(0, disk.openFileCount());
    }

    private static final DeltaBase BASE = new DeltaBase(7, 3_000);

    /** What a good file consists of. */
    @SuppressWarnings("ArrayRecordComponent") // Nobody compares them.
    private record Content(byte[] metadata, byte[] page) {
        static Content of(RowSetFiles files) {
            var changes = Stream.of("4 10 s=a", "4 11 s=null", "900 10 s=bcd", "901 9 s=bcd", "902 9 s=e")
                    .map(DeltaFileFormatTest::change)
                    .toList();
            files.write(SCHEMA, BASE, listed(changes), 8);
            RowSetFile file = files.file(8);
            var source = new CFileReader.Source(file.disk(), file.path(), 8, RowSetFiles.TABLET_ID);
            try (CFileReader reader = CFileReader.open(source, files.cache, files.account);
                    RawReader.Cursor cursor = reader.rawPages(2).cursor()) {
                cursor.seek(0);
                byte[] page = cursor.memory().asSlice(0, cursor.bytes()).toArray(ValueLayout.JAVA_BYTE);
                return new Content(reader.metadata(), page);
            }
        }
    }

    @Test
    void aPageThatMakesNoSenseIsRefused(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random.split());
        disk.createDirectories(DIRECTORY);
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            Content content = Content.of(files);
            int refused = 0;
            for (int at = 0; at < content.page().length; at++) {
                byte[] changed = content.page().clone();
                changed[at] ^= (byte) (1 << random.nextInt(8));
                write(files, 9, content.metadata(), Map.of(2, changed));
                try (DeltaFile file = files.openDelta(9, BASE)) {
                    file.verify();
                    assertTrue(
                            at >= DeltaFileFormat.PAGE_HEADER_BYTES, "byte " + at + " of the header does not matter");
                } catch (CorruptPageException e) {
                    assertEquals(files.file(9).path(), e.file());
                    refused++;
                }
                disk.delete(files.file(9).path());
            }
            assertTrue(refused > content.page().length / 2, refused + " of " + content.page().length);
        }
        assertEquals(0, disk.openFileCount());
    }

    @Test
    void verifyFindsWhatTheMetadataSaysWrongly(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(DIRECTORY);
        try (var files = new RowSetFiles(disk, DIRECTORY, 16 << 20)) {
            Content content = Content.of(files);
            byte[] denied = content.metadata().clone();
            denied[64] = 0; // Vector 0 has no changes.
            expectFound(files, denied, content.page(), "denies", "row 4");
            byte[] older = content.metadata().clone();
            older[32] = 8; // Of the file, and of its page.
            older[104] = 8;
            expectFound(files, older, content.page(), "times are 9 to 11", "oldestTime=8");
            write(files, 10, content.metadata(), Map.of(2, content.page()));
            try (DeltaFile file = files.openDelta(10, BASE)) {
                file.verify();
            }
        }
    }

    private static void expectFound(RowSetFiles files, byte[] metadata, byte[] page, String... parts) {
        write(files, 9, metadata, Map.of(2, page));
        try (DeltaFile file = files.openDelta(9, BASE)) {
            Failure.expect(CorruptPageException.class, file::verify, parts);
        }
        RowSetFile file = files.file(9);
        file.disk().delete(file.path());
    }

    /** A file with sections of one page each, and this metadata. */
    private static void write(RowSetFiles files, long fileId, byte[] metadata, Map<Integer, byte[]> sections) {
        try (var writer = new CFileWriter(files.account)) {
            sections.forEach((id, page) ->
                    writer.addRaw(id, "section " + id, CompressionHint.NONE).add(MemorySegment.ofArray(page)));
            IoQueue queue = files.io.borrow();
            try {
                RowSetFile file = files.file(fileId);
                writer.finish(
                        new CFileWriter.Destination(file.disk(), file.path(), file.fileId(), file.ownerId()),
                        metadata,
                        queue);
            } finally {
                files.io.giveBack(queue);
            }
        }
    }
}
