package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.CFileWriter;
import io.nyala.cfile.CellKind;
import io.nyala.cfile.ColumnSpec;
import io.nyala.cfile.KeyFilter;
import io.nyala.cfile.UnsupportedFormatException;
import io.nyala.diskrowset.RowModel.Version;
import io.nyala.diskrowset.RowSetFormat.Chunk;
import io.nyala.diskrowset.RowSetFormat.Metadata;
import io.nyala.hexdump.HexDump;
import io.nyala.io.IoQueue;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Script;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Goal: what a rowset adds to a column file has the bytes that its format promises, and what does not is refused.
 * Method: golden script of metadata and of histories of single rows; every byte of metadata changed.
 */
final class RowSetFormatTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32),
            Column.of("n", ColumnType.INT64),
            Column.of("s", ColumnType.STRING).nullable());

    @Test
    void writesTheBytesOfTheScript() {
        Script.check("diskrowset/rowset", RowSetFormatTest::run);
    }

    /**
     * {@code metadata SCHEMA_VERSION DELETED NEWEST FIRST-LAST...}, or {@code history}, then a line for each row, as
     * {@code KEY TIME=N,STRING TIME=delete ...}.
     */
    private static String run(String command) {
        String[] lines = command.split("\n", -1);
        String[] words = lines[0].split(" ", -1);
        return words[0].equals("metadata")
                ? metadata(words)
                : history(Arrays.asList(lines).subList(1, lines.length));
    }

    private static String metadata(String[] words) {
        List<Chunk> chunks = Arrays.stream(words)
                .skip(4)
                .map(word -> word.split("-", -1))
                .map(ends -> new Chunk(Integer.parseInt(ends[0]), Integer.parseInt(ends[1])))
                .toList();
        var metadata =
                new Metadata(Integer.parseInt(words[1]), Long.parseLong(words[2]), Long.parseLong(words[3]), chunks);
        byte[] bytes = RowSetFormat.metadata(metadata);
        assertEquals(metadata, RowSetFormat.readMetadata(bytes, 10_000));
        MemorySegment segment = MemorySegment.ofArray(bytes);
        return HexDump.text(segment, notes -> RowSetFormat.annotateMetadata(segment, 0, notes));
    }

    private static String history(List<String> rows) {
        var disk = new SimulatedDisk(new SplittableRandom(1));
        disk.createDirectories(Path.of("/data"));
        RowModel model = new RowModel(SCHEMA);
        rows.forEach(row -> add(model, row));
        try (var files = new RowSetFiles(disk, Path.of("/data"), 16 << 20)) {
            files.write(model);
            try (DiskRowSet rowSet = files.open(model)) {
                MemorySegment chunk =
                        MemorySegment.ofArray(new byte[(int) rowSet.file().rawBytes(RowSetFormat.HISTORY_ID)]);
                rowSet.file().readRaw(RowSetFormat.HISTORY_ID, chunk, 0);
                return HexDump.text(
                        chunk, notes -> RowSetFormat.annotateHistory(model.layout, chunk, 0, chunk.byteSize(), notes));
            }
        }
    }

    private static void add(RowModel model, String row) {
        String[] words = row.split(" ", -1);
        CellValue key = CellValue.of(SCHEMA.column(0), Integer.parseInt(words[0]));
        List<Version> versions = new ArrayList<>();
        List<@Nullable CellValue> first = List.of();
        for (String word : Arrays.asList(words).subList(1, words.length)) {
            String[] parts = word.split("[=,]", -1);
            long time = Long.parseLong(parts[0]);
            List<@Nullable CellValue> cells = parts[1].equals("delete") ? null : cells(key, parts);
            first = cells == null || !first.isEmpty() ? first : cells;
            versions.add(new Version(time, cells));
        }
        model.rows.put(model.key(first), versions);
    }

    private static List<@Nullable CellValue> cells(CellValue key, String[] parts) {
        List<@Nullable CellValue> cells = new ArrayList<>();
        cells.add(key);
        cells.add(CellValue.of(SCHEMA.column(1), Long.parseLong(parts[1])));
        cells.add(parts[2].equals("null") ? null : CellValue.ofBytes(parts[2].getBytes(StandardCharsets.UTF_8)));
        return cells;
    }

    @Test
    void refusesMetadataThatMakesNoSense() {
        byte[] bytes = RowSetFormat.metadata(new Metadata(1, 2, 3, List.of(new Chunk(0, 4), new Chunk(5, 9))));
        refuse(bytes, 10, 0, 2, "version 2", "reads 1");
        refuse(bytes, 10, 8, 11, "deleted rows", "11");
        refuse(bytes, 10, 24, 3, "48 bytes", "3 chunks");
        refuse(bytes, 10, 28, 1, "unused");
        refuse(bytes, 10, 32, 5, "chunk 0", "5");
        refuse(bytes, 10, 40, 4, "chunk 1");
        refuse(bytes, 10, 44, 10, "chunk 1", "10");
        Failure.expect(
                IllegalArgumentException.class,
                () -> RowSetFormat.readMetadata(Arrays.copyOf(bytes, 31), 10),
                "31 bytes",
                "32");
    }

    private static void refuse(byte[] bytes, long rowCount, int at, int value, String... parts) {
        byte[] changed = bytes.clone();
        changed[at] = (byte) value;
        Failure.expect(IllegalArgumentException.class, () -> RowSetFormat.readMetadata(changed, rowCount), parts);
    }

    @Test
    void aRowSetOfAnotherVersionIsRefusedByBothVersions(@Seed SplittableRandom random) {
        var disk = new SimulatedDisk(random);
        disk.createDirectories(Path.of("/data"));
        try (var files = new RowSetFiles(disk, Path.of("/data"), 16 << 20)) {
            byte[] metadata = RowSetFormat.metadata(new Metadata(0, 0, 0, List.of()));
            metadata[0] = 2;
            writeEmpty(files, metadata);
            long usedBefore = files.budget.usedBytes();
            Failure.expect(
                    UnsupportedFormatException.class,
                    () -> files.open(new RowModel(SCHEMA)),
                    "7.rowset",
                    "version 2",
                    "reads version 1",
                    "release");
            assertEquals(usedBefore, files.budget.usedBytes());
        }
        assertEquals(0, disk.openFileCount());
        assertTrue(disk.exists(Path.of("/data/7.rowset")));
    }

    private static void writeEmpty(RowSetFiles files, byte[] metadata) {
        try (var writer = new CFileWriter(files.account)) {
            SCHEMA.columns().forEach(column -> writer.addColumn(ColumnSpec.of(column)));
            writer.addColumn(ColumnSpec.of(RowSetFormat.INSERT_TIME_ID, "insert time", CellKind.INT64));
            writer.addColumn(ColumnSpec.of(RowSetFormat.DELETED_ID, "deleted", CellKind.INT8));
            writer.addKeys(KeyFilter.RATE_DEFAULT);
            IoQueue queue = files.io.borrow();
            try {
                RowSetFile file = files.file();
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
