package io.nyala.perf;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/**
 * An engine in a directory of its own, with one table of made-up order lines: what the benchmarks of the whole path
 * work on. One thread; owns the engine and the directory.
 */
final class LineItems implements AutoCloseable {
    static final int BATCH_ROWS = 1000;

    /** Days that ship dates are spread over. */
    static final int DAYS = 2500;

    static final Schema SCHEMA = Schema.of(
            Column.key("order_key", ColumnType.INT64),
            Column.key("line", ColumnType.INT32),
            Column.of("quantity", ColumnType.INT64),
            Column.of("price", ColumnType.DOUBLE),
            Column.of("ship_date", ColumnType.DATE),
            Column.of("comment", ColumnType.STRING));

    private static final int LINES_PER_ORDER = 4;
    private static final long MEMORY_BYTES = 768L << 20;
    private static final byte[] COMMENT = "carefully final deposits sleep".getBytes(UTF_8);
    private static final long SCRAMBLE = 0x9E37_79B9_7F4A_7C15L;

    private final Path directory;
    private final Engine engine;
    private final Table table;

    private LineItems(Path directory) {
        this.directory = directory;
        this.engine = Engine.open(EngineConfig.in(directory).withMemoryBytes(MEMORY_BYTES));
        this.table = engine.createTable("line_items", SCHEMA);
    }

    /** An empty table in a new directory below {@code parent}. */
    static LineItems in(Path parent) {
        try {
            return new LineItems(Files.createTempDirectory(parent, "nyala-perf"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where files are when nobody says otherwise. */
    static Path temporary() {
        return Path.of(System.getProperty("java.io.tmpdir", "."));
    }

    Engine engine() {
        return engine;
    }

    Table table() {
        return table;
    }

    /** Puts row {@code number} into the batch; with the same number it is the same row. */
    static void put(WriteBatch batch, OperationKind kind, long number) {
        long random = number * SCRAMBLE;
        batch.rows()
                .start(kind)
                .setLong(0, number / LINES_PER_ORDER)
                .setInt(1, (int) (number % LINES_PER_ORDER))
                .setLong(2, (random >>> 32) % 50)
                .setDouble(3, (random >>> 40) % 100_000 / 100.0)
                .setInt(4, (int) ((random >>> 20) % DAYS))
                .setBytes(5, COMMENT, 0, 8 + (int) (random >>> 60))
                .end();
    }

    /** Inserts rows 0 to {@code rows} and writes them to disk as columns. */
    void fillAndFlush(int rows) {
        try (WriteBatch batch = table.newBatch()) {
            for (int i = 0; i < rows; i++) {
                put(batch, OperationKind.INSERT, i);
                if ((i + 1) % BATCH_ROWS == 0 || i + 1 == rows) {
                    batch.commit().orThrow();
                }
            }
        }
        table.flush().join();
    }

    @Override
    public void close() {
        engine.close();
        delete(directory);
    }

    /** Removes a directory with all that is in it. */
    static void delete(Path directory) {
        try (var paths = Files.walk(directory)) {
            List<Path> deepestFirst = paths.sorted(Comparator.reverseOrder()).toList();
            for (Path path : deepestFirst) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
