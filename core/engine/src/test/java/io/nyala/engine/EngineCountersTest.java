package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.tablet.MissingRowSetException;
import io.nyala.testkit.Failure;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: whoever looks at the counters of a directory, from this process or another, sees what the engine there has
 * done, and a closed engine leaves nothing mapped.
 * Method: one of each, then a look at the file while the engine is open; files that are none; what the system says that
 * this process has mapped.
 */
final class EngineCountersTest {
    private static final Schema SCHEMA = Schema.of(Column.key("id", ColumnType.INT64));

    @TempDir
    private Path directory;

    private EngineConfig config() {
        return EngineConfig.in(directory).withMemoryBytes(192 << 20).withLogSegmentBytes(16 << 20);
    }

    private static void insert(Table table, long id) {
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(OperationKind.INSERT).setLong(0, id).end();
            batch.commit().orThrow();
        }
    }

    @Test
    void countsWhatWasDone() {
        try (Engine engine = Engine.open(config())) {
            Table table = engine.createTable("t", SCHEMA);
            try (WriteBatch batch = table.newBatch()) {
                batch.rows().start(OperationKind.INSERT).setLong(0, 1).end();
                batch.rows().start(OperationKind.INSERT).setLong(0, 1).end();
                batch.rows().start(OperationKind.INSERT).setLong(0, 2).end();
                batch.commit();
            }
            table.flush().join();
            table.scan().open().close();
            Map<String, Long> counters = EngineCounters.read(directory);
            assertEquals(1, counters.get("commits acknowledged"));
            assertEquals(2, counters.get("operations acknowledged"));
            assertEquals(1, counters.get("operations refused"));
            assertEquals(0, counters.get("commits failed"));
            assertEquals(1, counters.get("scans opened"));
            assertEquals(1, counters.get("flushes"));
            assertEquals(0, counters.get("flushes failed"));
        }
    }

    /** A flush that is asked for, of a table that has nothing in memory, writes nothing. */
    @Test
    void countsFlushesThatWroteSomething() {
        try (Engine engine = Engine.open(config())) {
            Table table = engine.createTable("t", SCHEMA);
            table.flush().join();
            assertEquals(0, EngineCounters.read(directory).get("flushes"));
            insert(table, 1);
            table.flush().join();
            table.flush().join();
            assertEquals(1, EngineCounters.read(directory).get("flushes"));
            try (WriteBatch batch = table.newBatch()) {
                batch.rows().start(OperationKind.DELETE).setLong(0, 1).end();
                batch.commit().orThrow();
            }
            engine.flush().join(); // Changes of rows on disk are something, too.
            engine.flush().join();
            assertEquals(2, EngineCounters.read(directory).get("flushes"));
        }
    }

    @Test
    void countsWhatItTookToKnowWhichKeysAreOnDisk() {
        try (Engine engine = Engine.open(config().withAutomaticMerges(false))) {
            Table table = engine.createTable("t", SCHEMA);
            for (List<Long> keys : List.of(List.of(0L, 10L, 20L), List.of(5L, 15L))) {
                keys.forEach(key -> insert(table, key));
                table.flush().join();
            }
            assertEquals(2, engine.view().counters().get("key filters asked by commits"), "the second's, of the first");
            try (WriteBatch batch = table.newBatch()) {
                for (long key : new long[] {7, 10, 30}) { // In two ranges and in neither; in the first; in none.
                    batch.rows().start(OperationKind.UPSERT).setLong(0, key).end();
                }
                batch.commit().orThrow();
                assertEquals(3, batch.filtersAsked());
                assertEquals(1, batch.keysLookedUp());
            }
            assertEquals(5, engine.view().counters().get("key filters asked by commits"));
            assertEquals(1, engine.view().counters().get("keys looked up by commits"));
        }
    }

    @Test
    void countsACommitThatIsRefusedBeforeTheWriterSeesIt() throws Exception {
        try (Engine engine = Engine.open(config())) {
            Table table = engine.createTable("t", SCHEMA);
            insert(table, 1);
            table.flush().join();
        }
        Files.write(directory.resolve("rowsets").resolve("1.rowset"), new byte[100]);
        try (Engine engine = Engine.open(config())) {
            Table table = engine.table("t").orElseThrow();
            assertThrows(MissingRowSetException.class, () -> insert(table, 1));
            assertEquals(1, EngineCounters.read(directory).get("commits failed"));
            assertEquals(0, EngineCounters.read(directory).get("commits acknowledged"));
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void noMappingOutlivesTheEngine() throws Exception {
        EngineCounters late;
        try (Engine engine = Engine.open(config())) {
            late = engine.counters();
            assertTrue(mappedFiles().contains("counters"), () -> "mapped: " + mappedFiles());
            assertEquals(0, EngineCounters.read(directory).get("scans opened"));
        }
        assertEquals(List.of(), mappedFiles());
        late.scanOpened(); // By a thread that is late: nobody hears of it, and nothing comes down.
        assertEquals(0, EngineCounters.read(directory).get("scans opened"));
        assertEquals(List.of(), mappedFiles());
    }

    /** Names of files of the directory that this process has mapped. */
    private List<String> mappedFiles() {
        try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
            String prefix = directory.toRealPath() + "/";
            return lines.filter(line -> line.contains(prefix))
                    .map(line -> line.substring(line.indexOf(prefix) + prefix.length()))
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Agrona complains on the console about memory in which its counters are not aligned. */
    @Test
    void countersInMemoryAreAligned() {
        PrintStream console = System.err;
        var printed = new ByteArrayOutputStream();
        System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            EngineCounters counters = EngineCounters.inMemory();
            counters.committed(3, 1, 0);
            counters.close();
            counters.close();
        } finally {
            System.setErr(console);
        }
        assertEquals("", printed.toString(StandardCharsets.UTF_8));
    }

    @Test
    void aFileThatIsNoneIsRefused() throws Exception {
        Failure.expect(UncheckedIOException.class, () -> EngineCounters.read(directory), "counters");
        Files.write(directory.resolve("counters"), new byte[100]);
        Failure.expect(UncheckedIOException.class, () -> EngineCounters.read(directory), "100 bytes");
    }
}
