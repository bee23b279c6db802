package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: on a file system that is full, or that may not be written, the engine says so, and nothing that it acknowledged
 * is lost.
 * Method: a small file system in memory of our own, which is filled, enlarged, and mounted for reading only. Skipped
 * where this process may not mount.
 */
final class RealHostTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("text", ColumnType.STRING));

    private static final int ROWS_PER_BATCH = 100;

    /** Twice as many as fit. */
    private static final int BATCHES_MAX = 2_000;

    @TempDir
    private Path parent;

    private Path mount = Path.of("");

    @BeforeEach
    void mount() throws Exception {
        mount = Files.createDirectory(parent.resolve("mount"));
        String said = run("mount", "-t", "tmpfs", "-o", "size=48m", "nyala-test", mount.toString());
        assumeTrue(said.isEmpty(), () -> "may not mount: " + said);
    }

    @AfterEach
    void unmount() throws Exception {
        run("umount", "-l", mount.toString()); // Lazily: what the engine mapped goes with its collection.
    }

    @Test
    void aFullDiskIsSaidAndLosesNothing() throws Exception {
        long acknowledged = 0;
        RuntimeException refused = null;
        Engine engine = Engine.open(config());
        try {
            Table table = engine.createTable("t", SCHEMA);
            for (int i = 0; i < BATCHES_MAX && refused == null; i++) {
                try {
                    commit(table, acknowledged);
                    acknowledged += ROWS_PER_BATCH;
                } catch (RuntimeException e) {
                    refused = e;
                }
            }
        } finally {
            closeWithFullDisk(engine);
        }
        assertTrue(refused != null, "the disk did not get full");
        String said = messages(refused);
        assertTrue(said.contains(mount.toString()) && said.contains("Free space"), said);

        assertEquals("", run("mount", "-o", "remount,size=256m", mount.toString()));
        try (Engine again = Engine.open(config())) {
            Table table = again.table("t").orElseThrow();
            assertTrue(rows(table) >= acknowledged, "of " + acknowledged + " rows there are " + rows(table));
            long before = rows(table);
            commit(table, 1_000_000_000);
            assertEquals(before + ROWS_PER_BATCH, rows(table));
        }
    }

    @Test
    void aReadOnlyDirectoryIsRefusedByName() throws Exception {
        try (Engine engine = Engine.open(config())) {
            commit(engine.createTable("t", SCHEMA), 0);
        }
        Path readOnly = Files.createDirectory(parent.resolve("read-only"));
        assertEquals("", run("mount", "--bind", mount.toString(), readOnly.toString()));
        try {
            assertEquals("", run("mount", "-o", "remount,ro,bind", readOnly.toString()));
            RuntimeException refused = assertThrows(RuntimeException.class, () -> Engine.open(config(readOnly)));
            String said = messages(refused);
            assertTrue(said.contains(readOnly.toString()), said);
            assertTrue(said.toLowerCase(Locale.ROOT).contains("read-only"), said);
        } finally {
            run("umount", "-l", readOnly.toString());
        }
        try (Engine again = Engine.open(config())) {
            assertEquals(ROWS_PER_BATCH, rows(again.table("t").orElseThrow()));
        }
    }

    /** The seal of a log may find no room either; then the next start finds out what is there. */
    private static void closeWithFullDisk(Engine engine) {
        try {
            engine.close();
        } catch (RuntimeException e) {
            assertTrue(messages(e).contains("Free space") || messages(e).contains("the log stopped"), messages(e));
        }
    }

    private EngineConfig config() {
        return config(mount);
    }

    private static EngineConfig config(Path root) {
        return EngineConfig.in(root.resolve("data"))
                .withMemoryBytes(256 << 20)
                .withFlushBytes(8 << 20)
                .withLogSegmentBytes(4 << 20);
    }

    /** Rows that cannot be compressed. */
    private static void commit(Table table, long firstId) {
        var random = new SplittableRandom(firstId);
        try (WriteBatch batch = table.newBatch()) {
            for (long id = firstId; id < firstId + ROWS_PER_BATCH; id++) {
                batch.rows().start(INSERT).setLong(0, id).set(1, text(random)).end();
            }
            batch.commit().orThrow();
        }
    }

    private static String text(SplittableRandom random) {
        var text = new StringBuilder();
        for (int i = 0; i < 60; i++) {
            text.append(Long.toString(random.nextLong(), Character.MAX_RADIX));
        }
        return text.toString();
    }

    private static long rows(Table table) {
        long rows = 0;
        try (Scan scan = table.scan().project().open()) {
            while (scan.next()) {
                rows += scan.batch().rowCount();
            }
        }
        return rows;
    }

    private static String messages(Throwable failure) {
        List<String> messages = new ArrayList<>();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            messages.add(cause.toString());
        }
        return String.join("\n", messages);
    }

    /** Answers what the command said; nothing if it worked. */
    private static String run(String... command) throws IOException, InterruptedException {
        try {
            Process process = new ProcessBuilder(Arrays.asList(command))
                    .redirectErrorStream(true)
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor() == 0 ? "" : said.strip() + " (" + process.exitValue() + ")";
        } catch (IOException e) {
            return e.toString(); // There is no such command.
        }
    }
}
