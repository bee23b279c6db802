package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.DeltaBase;
import io.nyala.diskrowset.DeltaFileWriter;
import io.nyala.diskrowset.RowSetFile;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.io.IoPool;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memrowset.DeltaMemStore;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.tablet.MissingRowSet;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Goal: each kind of file is explained and checked, a damaged one is named, and whatever is not ours is refused.
 * Method: a small engine's directory, whole and with single bytes flipped.
 */
final class InspectionCommandsTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("name", ColumnType.STRING));

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    /** Made once; a test that changes something takes a copy. */
    @TempDir
    private static Path whole;

    @TempDir
    private Path copies;

    private Path directory = whole;

    @BeforeAll
    static void writeSomeRows() {
        try (Engine engine = Engine.open(config(whole))) {
            Table table = engine.createTable("antelopes", SCHEMA);
            insert(table, 0);
            table.flush().join();
            insert(table, 150);
        }
    }

    private static EngineConfig config(Path directory) {
        return EngineConfig.in(directory).withMemoryBytes(96 << 20).withLogSegmentBytes(1 << 20);
    }

    private static void insert(Table table, long first) {
        try (WriteBatch batch = table.newBatch()) {
            for (long id = first; id < first + 150; id++) {
                batch.rows()
                        .start(OperationKind.INSERT)
                        .setLong(0, id)
                        .setString(1, "nyala " + id)
                        .end();
            }
            batch.commit().orThrow();
        }
    }

    @Test
    void dumpsARowsetWithItsMetadata() {
        String text = dump(only("rowsets"));
        assertTrue(text.contains(": rowset, "), text);
        assertTrue(text.contains("magic: NYALACF"), text);
        assertTrue(text.contains("page 0 of id"), text);
        assertTrue(text.contains("rowset metadata"), text);
        assertTrue(text.contains("magic: NYALACFE"), text);
        assertFalse(text.contains("(no note)"), text);
    }

    @Test
    void dumpsAndChecksADeltaFile() throws IOException {
        takeCopy();
        Path file = writeChanges(copies.resolve("rowsets"));
        String text = dump(file, "--all");
        assertTrue(text.contains(": delta file, "), text);
        assertTrue(text.contains("delta file metadata"), text);
        assertTrue(text.contains("kind: REDO"), text);
        assertTrue(text.contains("rows: bitmap"), text);
        assertFalse(text.contains("raw bytes"), text);
        assertFalse(text.contains("(no note)"), text);
        assertEquals(Main.OK, run("verify", file.toString()), err::toString);
        assertTrue(out.toString().contains("delta file, 0 cells, 2 deletions"), out::toString);
        flip(file, 4096 + 40);
        assertEquals(Main.FAILED, run("verify", file.toString()));
        assertTrue(out.toString().contains("corrupt page in " + file + " at byte 4,096"), out::toString);
    }

    /** Deletions of two rows. */
    private static Path writeChanges(Path rowSets) {
        Path file = rowSets.resolve("99.delta");
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 16 << 20);
                MemoryAccount account = budget.account("test", 0);
                Disk disk = Disks.best();
                IoPool io = new IoPool(disk, 1, 4);
                var store = new DeltaMemStore(1, account)) {
            store.delete(3, 1_000);
            store.delete(5, 1_001);
            store.seal();
            IoQueue queue = io.borrow();
            try {
                var target = new RowSetFile(disk, file, 99, 1);
                DeltaFileWriter.write(SCHEMA, new DeltaBase(1, 150), store, target, queue, account);
            } finally {
                io.giveBack(queue);
            }
        }
        return file;
    }

    @Test
    void dumpsTheLogWithTheColumnsOfItsTable() {
        String text = dump(first("wal"), "--all");
        assertTrue(text.contains("tablet record"), text);
        assertTrue(text.contains("name: \"nyala 107\""), text);
        assertFalse(text.contains("(no note)"), text);
    }

    @Test
    void dumpsTheStorageLogWithItsEdits() {
        String text = dump(first("storage"));
        assertTrue(text.contains("kind: CREATE TABLE"), text);
        assertTrue(text.contains("name: antelopes"), text);
    }

    @Test
    void listsTheSectionsOfALongFileAndPrintsAPartOfIt() {
        String text = dump(first("wal"));
        assertTrue(text.contains("fields in all; --all prints them"), text);
        String part = dump(first("wal"), "--from", "4096", "--bytes", "8");
        assertTrue(part.contains("START"), part);
        assertFalse(part.contains("segment header"), part);
        assertTrue(dump(first("wal"), "--json").contains("\"title\": \"segment header\""));
    }

    /** As the message of a damaged log says that it does. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        rowsets |   100 | rowset                       | cut off
        rowsets |  4096 | rowset                       | magic: NYALACF
        rowsets |  5000 | delta file                   | page at byte 4,096
        rowsets |  4500 | rowset                       | of which
        wal     |    47 | segment of the write-ahead   | segment header, cut off
        wal     | 10000 | segment of the write-ahead   | START
        storage | 10001 | segment of the storage log   | START
        """)
    void dumpsWhatIsLeftOfAFileThatWasCut(String below, int bytes, String kind, String left) throws IOException {
        takeCopy();
        Path file = kind.equals("delta file") ? changedRow() : first(below);
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, bytes));
        String text = dump(file, "--all");
        assertTrue(text.contains(": " + kind), text);
        assertTrue(text.contains(left), text);
        boolean isKnown = bytes >= 4096 || below.equals("rowsets");
        String cut = isKnown
                ? "it is cut: it ends at byte %,d, %,d bytes were expected".formatted(bytes, whole.length)
                : "it is cut, or was never finished: it ends at byte " + bytes;
        assertTrue(err.toString().contains(file + ": " + cut), err::toString);
    }

    /** The delta file of a change of a row on disk. */
    private Path changedRow() {
        try (Engine engine = Engine.open(config(directory))) {
            Table table = engine.table("antelopes").orElseThrow();
            table.flush().join();
            try (WriteBatch batch = table.newBatch()) {
                batch.rows()
                        .start(OperationKind.UPDATE)
                        .setLong(0, 7)
                        .setString(1, "changed")
                        .end();
                batch.commit().orThrow();
            }
            table.flush().join();
        }
        return files("rowsets").getLast();
    }

    @Test
    void dumpsThePagesOfAFileWhoseFooterIsDamaged() throws IOException {
        takeCopy();
        Path rowSet = only("rowsets");
        flip(rowSet, rowSet.toFile().length() - 20);
        flip(rowSet, 4096 + 50);
        String text = dump(rowSet, "--all");
        assertTrue(text.contains("page at byte 4,096"), text);
        assertTrue(text.contains("the CHECKSUM IS WRONG"), text);
        assertEquals(
                text.indexOf("CHECKSUM IS WRONG"), text.lastIndexOf("CHECKSUM IS WRONG"), "the other pages are whole");
        assertTrue(text.contains("no page: cut off, damaged, or the end of the file"), text);
        assertTrue(err.toString().contains("corrupt page in " + rowSet), err::toString);
    }

    @Test
    void saysWhatTheFilesWithoutAFormatAre() {
        assertEquals(Main.OK, run("dump", whole.resolve("counters").toString()), err::toString);
        assertTrue(out.toString().contains("counters: what an engine has done"), out::toString);
        assertTrue(out.toString().contains("see `nyala counters " + whole + "`"), out::toString);
        assertEquals(Main.OK, run("dump", whole.resolve("LOCK").toString()), err::toString);
        assertTrue(
                out.toString().contains("was process " + ProcessHandle.current().pid()), out::toString);
        for (String name : List.of("counters", "LOCK")) {
            assertEquals(Main.USAGE, run("verify", whole.resolve(name).toString()));
            assertTrue(err.toString().contains(name + " has nothing to be checked"), err::toString);
        }
    }

    @Test
    void refusesToDumpWhatIsNotOurs() throws IOException {
        Path foreign = Files.writeString(copies.resolve("foreign"), "nothing of ours".repeat(1000));
        Path empty = Files.createFile(copies.resolve("empty"));
        for (Path path : List.of(foreign, empty)) {
            assertEquals(Main.USAGE, run("dump", path.toString()));
            assertTrue(err.toString().contains(path + " is none of our files"), err::toString);
            assertEquals(Main.USAGE, run("verify", path.toString()));
        }
        assertEquals(Main.USAGE, run("dump", directory.toString()));
        assertTrue(err.toString().contains("is not a file"), err::toString);
        assertEquals(Main.USAGE, run("dump", directory.resolve("gone").toString()));
        assertTrue(err.toString().contains("there is no file"), err::toString);
        assertEquals(Main.USAGE, run("verify", directory.resolve("rowsets").toString()));
        assertTrue(err.toString().contains("is no engine's directory"), err::toString);
        assertEquals(Main.USAGE, run("dump"));
    }

    @Test
    void findsNothingWrongWhereNothingIsAndChangesNothing() throws IOException {
        List<String> before = listing();
        assertEquals(Main.OK, run("verify", directory.toString()), () -> out + "\n" + err);
        assertTrue(out.toString().contains("3 parts checked, all in order."), out::toString);
        assertEquals(Main.OK, run("verify", only("rowsets").toString()), err::toString);
        assertEquals(Main.OK, run("verify", first("wal").toString()), err::toString);
        assertEquals(Main.OK, run("verify", "--json", directory.toString()), err::toString);
        assertEquals(before, listing());
    }

    @Test
    void namesTheRowsetWithAFlippedBit() throws IOException {
        takeCopy();
        Path rowSet = only("rowsets");
        flip(rowSet, 4096 + 40);
        for (String path : List.of(rowSet.toString(), directory.toString())) {
            assertEquals(Main.FAILED, run("verify", path));
            assertTrue(out.toString().contains("DAMAGED"), out::toString);
            assertTrue(out.toString().contains("corrupt page in " + rowSet + " at byte 4,096"), out::toString);
            assertTrue(out.toString().contains(" checked are damaged."), out::toString);
            out.getBuffer().setLength(0);
        }
    }

    @Test
    void namesTheLogWithAFlippedBit() throws IOException {
        takeCopy();
        Path segment = first("wal");
        flip(segment, 8192 + 60);
        assertEquals(Main.FAILED, run("verify", directory.toString()));
        assertTrue(out.toString().contains("corrupt log: " + segment), out::toString);
    }

    @Test
    void listsTheRowsetsThatAnEngineSetsAside() throws IOException {
        takeCopy();
        Path rowSet = only("rowsets");
        byte[] rows = Files.readAllBytes(rowSet);
        flip(rowSet, rows.length - 20);
        setAside(rowSet, "corrupt page in " + rowSet);
        Files.write(rowSet, Arrays.copyOf(rows, 4096));
        setAside(rowSet, "it was cut");
        Files.delete(rowSet);
        setAside(rowSet, "no such file");
        assertEquals(Main.FAILED, run("verify", "--json", directory.toString()));
        assertTrue(out.toString().contains("\"setAside\": true"), out::toString);
        Files.write(rowSet, rows);
        assertEquals(Main.OK, run("verify", directory.toString()));
    }

    private void setAside(Path rowSet, String why) {
        assertEquals(Main.FAILED, run("verify", directory.toString()));
        String text = out.toString();
        assertTrue(text.matches("(?s).*SET ASIDE +" + rowSet + " .*"), text);
        assertTrue(text.contains("150 rows, keys (id=0) to (id=149)"), text);
        assertTrue(text.contains(why), text);
        assertTrue(text.contains("1 of 3 parts checked are damaged."), text);
        out.getBuffer().setLength(0);
        // What verify says is what an engine does.
        try (Engine engine = Engine.open(config(directory))) {
            assertEquals(
                    List.of(rowSet),
                    engine.table("antelopes").orElseThrow().missingRowSets().stream()
                            .map(MissingRowSet::file)
                            .toList());
        }
    }

    @Test
    void leavesADirectoryAloneThatAnEngineHasOpen() throws IOException {
        takeCopy();
        try (Engine _ = Engine.open(config(directory))) {
            assertEquals(Main.FAILED, run("verify", directory.toString()));
            assertTrue(err.toString().contains("is in use by"), err::toString);
        }
    }

    private void takeCopy() throws IOException {
        try (Stream<Path> files = Files.walk(whole)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Path target = copies.resolve(whole.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else if (!file.toString().endsWith(".spare")) {
                    Files.copy(file, target);
                }
            }
        }
        directory = copies;
    }

    private String dump(Path path, String... options) {
        out.getBuffer().setLength(0);
        String[] arguments = Stream.concat(Stream.of("dump", path.toString()), Stream.of(options))
                .toArray(String[]::new);
        assertEquals(Main.OK, run(arguments), err::toString);
        return out.toString();
    }

    private Path only(String below) {
        List<Path> files = files(below);
        assertEquals(1, files.size(), files::toString);
        return files.getFirst();
    }

    private Path first(String below) {
        return files(below).getFirst();
    }

    private List<Path> files(String below) {
        try (Stream<Path> files = Files.list(directory.resolve(below))) {
            return files.filter(file -> !file.toString().matches(".*(spare|begun)"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private List<String> listing() throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(file -> Files.isRegularFile(file) && !file.endsWith("LOCK"))
                    .sorted()
                    .map(file -> file + " " + file.toFile().length() + " "
                            + file.toFile().lastModified())
                    .toList();
        }
    }

    private static void flip(Path file, long offset) throws IOException {
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.seek(offset);
            int value = bytes.read();
            bytes.seek(offset);
            bytes.write(value ^ 1);
        }
    }

    private int run(String... arguments) {
        return Main.command(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(arguments);
    }
}
