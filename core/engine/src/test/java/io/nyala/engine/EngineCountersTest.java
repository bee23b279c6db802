package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.testkit.Failure;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: whoever looks at the counters of a directory, from this process or another, sees what the engine there has
 * done. Method: one of each, then a look at the file while the engine is open; files that are none.
 */
final class EngineCountersTest {
    @TempDir
    private Path directory;

    @Test
    void countsWhatWasDone() {
        EngineConfig config =
                EngineConfig.in(directory).withMemoryBytes(192 << 20).withLogSegmentBytes(16 << 20);
        try (Engine engine = Engine.open(config)) {
            Table table = engine.createTable("t", Schema.of(Column.key("id", ColumnType.INT64)));
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

    @Test
    void aFileThatIsNoneIsRefused() throws Exception {
        Failure.expect(UncheckedIOException.class, () -> EngineCounters.read(directory), "counters");
        Files.write(directory.resolve("counters"), new byte[100]);
        Failure.expect(UncheckedIOException.class, () -> EngineCounters.read(directory), "100 bytes");
    }
}
