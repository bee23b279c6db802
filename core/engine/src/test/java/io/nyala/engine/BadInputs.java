package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.memory.Crc32c;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.function.Executable;

/** The inputs that {@link BadInputTest} lists, by their names there. Stateless. */
final class BadInputs {
    static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.key("part", ColumnType.STRING),
            Column.of("name", ColumnType.STRING).nullable(),
            Column.of("score", ColumnType.DOUBLE));

    private static final int NEWER_VERSION = 9;

    private BadInputs() {}

    static EngineConfig config(Path directory) {
        return EngineConfig.in(directory)
                .withMemoryBytes(112 << 20)
                .withLogSegmentBytes(256 << 10)
                .withDisk("channel");
    }

    // ---- Given to an open engine ----

    static void give(String input, Engine engine, Table table) {
        switch (input) {
            case "unknown column in a batch" -> insert(table, rows -> rows.set("nope", 1));
            case "unknown column in a projection" -> table.scan().project("id", "nope");
            case "unknown column in a predicate" -> Predicate.equal(SCHEMA, "nope", 1);
            case "column index beyond the last" -> insert(table, rows -> rows.setLong(4, 1));
            case "wrong type by name" -> insert(table, rows -> rows.set("score", "high"));
            case "wrong type by setter" -> insert(table, rows -> rows.setLong(3, 1));
            case "wrong type in a predicate" -> Predicate.equal(SCHEMA, "score", "high");
            case "missing key" -> insert(table, rows -> rows.setLong(0, 7).setDouble(3, 1));
            case "NULL in NOT NULL" -> insert(table, rows -> rows.setLong(0, 7).setString(1, "p"));
            case "key too long" -> insert(table, rows -> row(rows, 7, "x".repeat(Limits.KEY_BYTES_MAX), "n"));
            case "cell too long" -> insert(table, rows -> row(rows, 7, "p", "x".repeat(Limits.CELL_BYTES_MAX + 1)));
            case "row that is there already" -> insert(table, rows -> row(rows, 5, "p", "n"));
            case "row that is not there" -> update(table, 99, _ -> {});
            case "condition on an insert" -> insert(table, rows -> rows.onlyIf("score", 1.5));
            case "condition on a key column" -> update(table, 5, rows -> rows.onlyIf("id", 5));
            case "condition of a wrong type" -> update(table, 5, rows -> rows.onlyIf("score", "high"));
            case "condition that does not hold" -> update(table, 5, rows -> rows.onlyIf("name", "someone else"));
            case "atomic batch that fails in part" -> insertTwoAtomically(table, 70, 5);
            case "oversized batch" -> fill(table, 200, 60_000);
            case "batch larger than a log record" -> fill(table, 20, 20_000);
            case "table that exists" -> engine.createTable("t", SCHEMA);
            case "table without a name" -> engine.createTable("", SCHEMA);
            case "table with a huge name" -> engine.createTable("n".repeat(Limits.NAME_BYTES_MAX + 1), SCHEMA);
            case "column with a huge name" -> Column.of("n".repeat(Limits.NAME_BYTES_MAX + 1), ColumnType.INT8);
            case "too many columns" -> engine.createTable("wide", wide(Limits.COLUMNS_MAX + 1, "x"));
            case "too long defaults" -> engine.createTable("wide", wide(100, "x".repeat(Limits.CELL_BYTES_MAX)));
            case "two columns of one name" ->
                Schema.of(Column.key("id", ColumnType.INT8), Column.of("id", ColumnType.INT8));
            case "no key" -> Schema.of(Column.of("id", ColumnType.INT8));
            case "snapshot in the future" ->
                table.scan().at(engine.now() + (60_000_000L << 12)).open();
            case "snapshot that is none" -> table.scan().at(0);
            case "limit below zero" -> table.scan().limit(-1);
            default -> throw new AssertionError("nobody knows how to give " + input);
        }
    }

    /** A key, and text columns with a default. */
    private static Schema wide(int columnCount, String text) {
        List<Column> columns = new ArrayList<>();
        columns.add(Column.key("id", ColumnType.INT64));
        for (int i = 1; i < columnCount; i++) {
            columns.add(Column.of("c" + i, ColumnType.STRING).writeDefault(text));
        }
        return Schema.of(columns);
    }

    private static void insert(Table table, Consumer<OperationBatch> row) {
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(INSERT);
            row.accept(batch.rows());
            batch.rows().end();
            batch.commit().orThrow();
        }
    }

    private static void row(OperationBatch rows, long id, String part, String name) {
        rows.setLong(0, id).setString(1, part).setString(2, name).setDouble(3, 0.5);
    }

    private static void insertTwoAtomically(Table table, long first, long second) {
        try (WriteBatch batch = table.newBatch().atomic(true)) {
            for (long id : new long[] {first, second}) {
                row(batch.rows().start(INSERT), id, "p", "n");
                batch.rows().end();
            }
            batch.commit().orThrow();
        }
    }

    private static void update(Table table, long id, Consumer<OperationBatch> condition) {
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(UPDATE).setLong(0, id).setString(1, "p").setString(2, "x");
            condition.accept(batch.rows());
            batch.rows().end();
            batch.commit().orThrow();
        }
    }

    private static void fill(Table table, int count, int bytes) {
        String text = "x".repeat(bytes);
        try (WriteBatch batch = table.newBatch()) {
            for (long id = 1000; id < 1000 + count; id++) {
                batch.rows().start(INSERT);
                row(batch.rows(), id, "p", text);
                batch.rows().end();
            }
            batch.commit().orThrow();
        }
    }

    /** Good input: rows of these ids. */
    static void insert(Table table, List<Long> ids) {
        for (long id : ids) {
            insert(table, rows -> row(rows, id, "p", "n" + id));
        }
    }

    static List<Long> ids(ScanBuilder builder) {
        List<Long> ids = new ArrayList<>();
        try (Scan scan = builder.project("id").inKeyOrder().open()) {
            while (scan.next()) {
                IntStream.range(0, scan.batch().rowCount())
                        .forEach(row -> ids.add(scan.batch().column(0).getLong(row)));
            }
        }
        return ids;
    }

    // ---- Found when a directory is opened ----

    /** Does what a row of the table says, opens the directory, and undoes it. */
    static void open(String input, EngineConfig config, Path other) throws Throwable {
        Path storage = config.directory().resolve("storage");
        Path wal = config.directory().resolve("wal");
        Path rowSets = config.directory().resolve("rowsets");
        Path file = config.directory().resolve("file");
        Executable opening = () -> Engine.open(config).close();
        Executable refusedOpening = () -> refusesWhatVerifySays(config);
        switch (input) {
            case "disk that nobody knows" ->
                Engine.open(config.withDisk("floppy")).close();
            case "less memory than is needed" ->
                Engine.open(config.withMemoryBytes(48 << 20)
                                .withCacheBytes(24 << 20)
                                .withFlushBytes(8 << 20))
                        .close();
            case "directory that is open" -> {
                try (Engine _ = Engine.open(config)) {
                    opening.execute();
                }
            }
            case "file in place of the directory" -> Engine.open(config(file)).close();
            case "directory below a file" ->
                Engine.open(config(file.resolve("below"))).close();
            case "file in place of wal" -> replaced(wal, path -> Files.writeString(path, "x"), refusedOpening);
            case "file in place of rowsets" -> replaced(rowSets, path -> Files.writeString(path, "x"), refusedOpening);
            case "missing write-ahead log" -> replaced(wal, _ -> {}, refusedOpening);
            case "missing storage log" -> replaced(storage, _ -> {}, refusedOpening);
            case "write-ahead log of another" ->
                replaced(wal, path -> copy(other.resolve("wal"), path), refusedOpening);
            case "flipped bit in the storage log" -> changed(first(storage), BadInputs::flipped, refusedOpening);
            case "flipped bit in the write-ahead log" -> changed(first(wal), BadInputs::flipped, refusedOpening);
            case "newer storage log" -> changed(first(storage), bytes -> newer(bytes, 44), refusedOpening);
            case "newer write-ahead log" -> changed(first(wal), bytes -> newer(bytes, 44), refusedOpening);
            case "newer rowset" -> changed(first(rowSets), bytes -> newer(bytes, 4092), refusedOpening);
            default -> throw new AssertionError("nobody knows how to make " + input);
        }
    }

    /** Opens a directory, which is refused for a reason that whoever looks at it finds too. */
    private static void refusesWhatVerifySays(EngineConfig config) {
        Verification found;
        try (Disk disk = Disks.channel()) {
            found = Verification.of(config.directory(), disk);
        }
        try {
            Engine.open(config).close();
        } catch (RuntimeException e) {
            assertTrue(
                    found.defects().stream()
                            .anyMatch(defect -> defect.toString().equals(e.toString())),
                    () -> "verify says " + found.defects() + ", but open says " + e);
            throw e;
        }
    }

    /** Damages the rowset as a row of the table says, does something, and undoes it. */
    static void damage(String input, EngineConfig config, Path other, Executable action) throws Throwable {
        Path rowSets = config.directory().resolve("rowsets");
        Path rowSet = first(rowSets);
        switch (input) {
            case "flipped bit in a rowset" -> changed(rowSet, BadInputs::flippedAtEnd, action);
            case "rowset that was cut" -> changed(rowSet, bytes -> Arrays.copyOf(bytes, bytes.length - 4096), action);
            case "rowset that is gone" -> replaced(rowSet, _ -> {}, action);
            case "rowset of another host" ->
                replaced(rowSet, path -> Files.copy(first(other.resolve("rowsets")), path), action);
            case "missing directory of rowsets" -> replaced(rowSets, _ -> {}, action);
            default -> throw new AssertionError("nobody knows how to make " + input);
        }
    }

    /** What is done to a path. */
    @FunctionalInterface
    private interface OnPath {
        void to(Path path) throws IOException;
    }

    /** What is done to the bytes of a file. */
    @FunctionalInterface
    private interface OnBytes {
        byte[] of(byte[] bytes);
    }

    private static void changed(Path file, OnBytes change, Executable action) throws Throwable {
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, change.of(whole.clone()));
        try {
            action.execute();
        } finally {
            Files.write(file, whole);
        }
    }

    private static void replaced(Path path, OnPath replacement, Executable action) throws Throwable {
        Path elsewhere = Files.createTempDirectory("nyala-aside"); // Nothing strange may lie in the data directory.
        Path aside = elsewhere.resolve("aside");
        Files.move(path, aside);
        try {
            replacement.to(path);
            action.execute();
        } finally {
            delete(path);
            Files.move(aside, path);
            Files.delete(elsewhere);
        }
    }

    private static byte[] flipped(byte[] bytes) {
        bytes[4096 + 100] ^= 4;
        return bytes;
    }

    private static byte[] flippedAtEnd(byte[] bytes) {
        bytes[bytes.length - 20] ^= 4;
        return bytes;
    }

    /** The header as a later release might write it, with the checksum that goes with it. */
    private static byte[] newer(byte[] bytes, int crcAt) {
        MemorySegment memory = MemorySegment.ofArray(bytes);
        memory.set(LittleEndian.INT, 8, NEWER_VERSION);
        memory.set(LittleEndian.INT, crcAt, Crc32c.of(memory, 0, crcAt));
        return bytes;
    }

    static Path first(Path directory) {
        return files(directory).getFirst();
    }

    private static List<Path> files(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> !file.toString().matches(".*(spare|begun)"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void copy(Path source, Path target) throws IOException {
        Files.createDirectory(target);
        for (Path file : files(source)) {
            Files.copy(file, target.resolve(file.getFileName()));
        }
    }

    private static void delete(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            try (Stream<Path> files = Files.list(path)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
        }
        Files.deleteIfExists(path);
    }
}
