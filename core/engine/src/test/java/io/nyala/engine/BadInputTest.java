package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.io.DirectoryLockedException;
import io.nyala.io.DiskException;
import io.nyala.rows.BatchFullException;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import io.nyala.tablet.BatchTooLargeException;
import io.nyala.testkit.Failure;
import io.nyala.wal.CorruptLogException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: bad input of every kind is a clear error (what, where, what to do), and loses nothing that was acknowledged.
 * Method: a table of attempts on an engine with a few rows; after each the engine is opened anew, and has these rows.
 */
final class BadInputTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.key("part", ColumnType.STRING),
            Column.of("name", ColumnType.STRING).nullable(),
            Column.of("score", ColumnType.DOUBLE));

    @TempDir
    private Path directory;

    /** What is tried on an open engine. */
    @FunctionalInterface
    interface OnTable {
        void run(Engine engine, Table table);
    }

    /** What is tried on a closed engine's directory. */
    @FunctionalInterface
    interface OnDirectory {
        void run(EngineConfig config) throws IOException;
    }

    /** An attempt with the error that it must end in, and what the message must say. */
    record Attempt<T>(String name, T action, Class<? extends Exception> type, List<String> parts) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static <T> Attempt<T> attempt(String name, T action, Class<? extends Exception> type, String... parts) {
        return new Attempt<>(name, action, type, List.of(parts));
    }

    static Stream<Attempt<OnTable>> onColumns() {
        return Stream.of(
                attempt(
                        "unknown column in a batch",
                        (_, table) -> insert(table, batch -> batch.rows().set("nope", 1)),
                        IllegalArgumentException.class,
                        "nope",
                        "id, part, name, score"),
                attempt(
                        "unknown column in a projection",
                        (_, table) -> table.scan().project("id", "nope"),
                        IllegalArgumentException.class,
                        "nope",
                        "id, part, name, score"),
                attempt(
                        "unknown column in a predicate",
                        (_, _) -> Predicate.equal(SCHEMA, "nope", 1),
                        IllegalArgumentException.class,
                        "nope",
                        "id, part, name, score"),
                attempt(
                        "wrong type by name",
                        (_, table) -> insert(table, batch -> batch.rows().set("score", "high")),
                        IllegalArgumentException.class,
                        "score",
                        "DOUBLE",
                        "String"),
                attempt(
                        "wrong type in a predicate",
                        (_, _) -> Predicate.equal(SCHEMA, "score", "high"),
                        IllegalArgumentException.class,
                        "score",
                        "DOUBLE",
                        "String"));
    }

    static Stream<Attempt<OnTable>> onRows() {
        return Stream.of(
                attempt(
                        "missing key",
                        (_, table) -> insert(
                                table, batch -> batch.rows().setLong(0, 7).setDouble(3, 1)),
                        RowErrorsException.class,
                        "part"),
                attempt(
                        "NULL in NOT NULL",
                        (_, table) -> insert(
                                table, batch -> batch.rows().setLong(0, 7).setString(1, "p")),
                        RowErrorsException.class,
                        "score",
                        "NULL"),
                attempt(
                        "key too long",
                        (_, table) -> insert(
                                table,
                                batch -> batch.rows()
                                        .setLong(0, 7)
                                        .setString(1, "x".repeat(Limits.KEY_BYTES_MAX))
                                        .setDouble(3, 1)),
                        RowErrorsException.class,
                        "16,384"),
                attempt(
                        "cell too long",
                        (_, table) -> insert(
                                table,
                                batch -> batch.rows()
                                        .setLong(0, 7)
                                        .setString(1, "p")
                                        .setString(2, "x".repeat(Limits.CELL_BYTES_MAX + 1))
                                        .setDouble(3, 1)),
                        RowErrorsException.class,
                        "name",
                        "65,536"),
                attempt(
                        "row that is not there",
                        (_, table) -> {
                            try (WriteBatch batch = table.newBatch()) {
                                batch.rows()
                                        .start(UPDATE)
                                        .setLong(0, 99)
                                        .setString(1, "p")
                                        .setString(2, "x");
                                batch.rows().end();
                                batch.commit().orThrow();
                            }
                        },
                        RowErrorsException.class,
                        "99"));
    }

    static Stream<Attempt<OnTable>> onLimits() {
        return Stream.of(
                attempt(
                        "oversized batch",
                        (_, table) -> fill(table, 200, 60_000),
                        BatchFullException.class,
                        "8,388,608"),
                attempt(
                        "batch larger than a log record",
                        (_, table) -> fill(table, 20, 20_000),
                        BatchTooLargeException.class,
                        "20 operations",
                        "limit",
                        "smaller batches"),
                attempt(
                        "table that exists",
                        (engine, _) -> engine.createTable("t", SCHEMA),
                        TableExistsException.class,
                        "\"t\"",
                        "another name"),
                attempt(
                        "snapshot in the future",
                        (engine, table) -> table.scan()
                                .at(engine.now() + (60_000_000L << 12))
                                .open(),
                        IllegalArgumentException.class,
                        "future"),
                attempt(
                        "snapshot that is none",
                        (_, table) -> table.scan().at(0),
                        IllegalArgumentException.class,
                        "snapshot",
                        "0"));
    }

    @ParameterizedTest
    @MethodSource({"onColumns", "onRows", "onLimits"})
    void isRefusedByATable(Attempt<OnTable> attempt) {
        EngineConfig config = config();
        try (Engine engine = Engine.open(config)) {
            Table table = engine.createTable("t", SCHEMA);
            insertTen(table);
            fails(attempt, () -> attempt.action().run(engine, table));
            assertEquals(ten(), ids(table), "afterwards");
        }
        assertEverythingIsThere(config);
    }

    static Stream<Attempt<OnDirectory>> onDirectories() {
        return Stream.of(
                attempt(
                        "disk that nobody knows",
                        config -> Engine.open(config.withDisk("floppy")).close(),
                        IllegalArgumentException.class,
                        "floppy",
                        "best, ring, syscall, channel"),
                attempt(
                        "directory that is open",
                        config -> {
                            try (Engine _ = Engine.open(config)) {
                                Engine.open(config).close();
                            }
                        },
                        DirectoryLockedException.class,
                        "data"),
                attempt(
                        "file in place of the directory",
                        config -> {
                            Path file = config.directory().resolveSibling("file");
                            Files.writeString(file, "x");
                            Engine.open(EngineConfig.in(file)).close();
                        },
                        DiskException.class,
                        "file"),
                attempt(
                        "storage log with a flipped bit",
                        config -> withFlippedBit(config, config.directory().resolve("storage")),
                        CorruptLogException.class,
                        "storage",
                        "at byte",
                        "nyala dump"),
                attempt(
                        "missing write-ahead log",
                        config -> without(config, config.directory().resolve("wal")),
                        EngineOpenException.class,
                        "wal",
                        "missing",
                        "backup"),
                attempt(
                        "missing storage log",
                        config -> without(config, config.directory().resolve("storage")),
                        EngineOpenException.class,
                        "storage",
                        "missing",
                        "backup"));
    }

    @ParameterizedTest
    @MethodSource("onDirectories")
    void isRefusedByOpen(Attempt<OnDirectory> attempt) {
        EngineConfig config = config();
        try (Engine engine = Engine.open(config)) {
            Table table = engine.createTable("t", SCHEMA);
            insertTen(table);
            table.flush().join();
        }
        fails(attempt, () -> attempt.action().run(config));
        assertEverythingIsThere(config);
    }

    private static void fails(Attempt<?> attempt, Executable action) {
        Failure.expect(attempt.type(), action, attempt.parts().toArray(String[]::new));
    }

    private EngineConfig config() {
        return EngineConfig.in(directory.resolve("data"))
                .withMemoryBytes(96 << 20)
                .withLogSegmentBytes(256 << 10)
                .withDisk("channel");
    }

    /** Opens with one bit of the newest file of a log wrong, then puts it right. */
    private static void withFlippedBit(EngineConfig config, Path log) throws IOException {
        List<Path> files = files(log);
        Path file = files.getFirst();
        byte[] whole = Files.readAllBytes(file);
        byte[] flipped = whole.clone();
        flipped[4096 + 100] ^= 4;
        Files.write(file, flipped);
        try {
            Engine.open(config).close();
        } finally {
            Files.write(file, whole);
        }
    }

    /** Opens without the content of a directory, then puts it back. */
    private static void without(EngineConfig config, Path log) throws IOException {
        Path aside = log.resolveSibling("aside");
        Files.move(log, aside);
        try {
            Engine.open(config).close();
        } finally {
            for (Path file : files(log)) {
                Files.delete(file);
            }
            Files.deleteIfExists(log);
            Files.move(aside, log);
        }
    }

    private static List<Path> files(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted(Comparator.naturalOrder()).toList();
        }
    }

    // ---- Rows ----

    /** Sets the columns of one row. */
    @FunctionalInterface
    private interface Fill {
        void row(WriteBatch batch);
    }

    private static void insert(Table table, Fill fill) {
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(INSERT);
            fill.row(batch);
            batch.rows().end();
            batch.commit().orThrow();
        }
    }

    private static void fill(Table table, int count, int bytes) {
        String text = "x".repeat(bytes);
        try (WriteBatch batch = table.newBatch()) {
            for (long id = 1000; id < 1000 + count; id++) {
                batch.rows()
                        .start(INSERT)
                        .setLong(0, id)
                        .setString(1, "p")
                        .setString(2, text)
                        .setDouble(3, 1)
                        .end();
            }
            batch.commit().orThrow();
        }
    }

    private static void insertTen(Table table) {
        for (long id : ten()) {
            insert(table, batch -> batch.rows().setLong(0, id).setString(1, "p").setDouble(3, 0.5));
        }
    }

    private static List<Long> ten() {
        return Stream.iterate(0L, id -> id + 1).limit(10).toList();
    }

    private static List<Long> ids(Table table) {
        List<Long> ids = new ArrayList<>();
        try (Scan scan = table.scan().project("id").inKeyOrder().open()) {
            while (scan.next()) {
                for (int row = 0; row < scan.batch().rowCount(); row++) {
                    ids.add(scan.batch().column(0).getLong(row));
                }
            }
        }
        return ids;
    }

    private static void assertEverythingIsThere(EngineConfig config) {
        try (Engine engine = Engine.open(config)) {
            Table table = engine.table("t").orElseThrow();
            assertEquals(ten(), ids(table), "after a restart");
            insert(table, batch -> batch.rows().setLong(0, 10).setString(1, "p").setDouble(3, 0.5));
            assertEquals(11, ids(table).size());
        }
    }
}
