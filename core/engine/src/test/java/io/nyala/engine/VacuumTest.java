package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.AccountUsage;
import io.nyala.testkit.Spin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: space that deleted rows and old versions take comes back by a vacuum, and a scan reads nothing but rows then,
 * however often they were changed. Method: an engine on a real directory, whose files are counted.
 */
final class VacuumTest {
    private static final long ROWS = 20_000;
    private static final int VERSIONS = 10;
    private static final long MERGE_BYTES_MAX = 64 << 20;

    @TempDir
    private Path parent;

    private Engine open() {
        return Engine.open(EngineConfig.in(parent.resolve("data"))
                .withMemoryBytes(256L << 20)
                .withLogSegmentBytes(4 << 20));
    }

    private long rowSetBytes() {
        try (Stream<Path> files = Files.list(parent.resolve("data").resolve("rowsets"))) {
            return files.mapToLong(VacuumTest::bytes).sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long bytes(Path file) {
        try {
            return Files.size(file);
        } catch (NoSuchFileException _) {
            return 0; // Just gone.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void insert(Table table) {
        for (long id = 0; id < ROWS; id += 1_000) {
            Numbers.insertRange(table, id, id + 1_000);
        }
        table.flush().join();
    }

    @Test
    @Timeout(300)
    void ninetyPercentOfTheSpaceComesBackWithNinetyPercentOfTheRows() {
        try (Engine engine = open()) {
            Table table = engine.createTable("t", Numbers.SCHEMA);
            insert(table);
            long before = rowSetBytes();
            try (WriteBatch batch = table.newBatch()) {
                for (long id = 0; id < ROWS * 9 / 10; id++) {
                    batch.rows().start(DELETE).setLong(0, id).end();
                }
                batch.commit().orThrow();
            }
            table.flush().join();
            assertTrue(rowSetBytes() > before, "files do not shrink by themselves");
            table.vacuum().join();
            Spin.until(() -> rowSetBytes() < before / 5); // Files go when nobody reads them any more.
            assertEquals(Numbers.list(ROWS * 9 / 10, ROWS), Numbers.ids(table.scan()));
        }
    }

    @Test
    @Timeout(300)
    void rowsThatWereUpdatedTenTimesAreReadAsIfTheyNeverWere() {
        try (Engine engine = open()) {
            Table table = engine.createTable("t", Numbers.SCHEMA);
            insert(table);
            long before = rowSetBytes();
            for (int version = 1; version < VERSIONS; version++) {
                try (WriteBatch batch = table.newBatch()) {
                    for (long id = 0; id < ROWS; id++) {
                        String text = version == VERSIONS - 1 ? Numbers.text(id) : "version " + version + " of " + id;
                        batch.rows()
                                .start(UPDATE)
                                .setLong(0, id)
                                .setString(1, text)
                                .end();
                    }
                    batch.commit().orThrow();
                }
                table.flush().join();
            }
            assertTrue(rowSetBytes() > 3 * before, "nothing to give up");
            table.vacuum().join();
            for (String owner : List.of("flush", "merges")) {
                long peak = engine.memoryUsage().stream()
                        .filter(usage -> usage.owner().equals(owner))
                        .mapToLong(AccountUsage::peakBytes)
                        .sum();
                assertTrue(peak > 0 && peak <= MERGE_BYTES_MAX, () -> peak + " bytes of \"" + owner + "\"");
            }
            Spin.until(() -> rowSetBytes() < before * 5 / 4);
            table.rowSets(table.tablets().getFirst().id())
                    .forEach(rowSet -> assertEquals(0, rowSet.deltas().size(), "delta files"));
            assertEquals(Numbers.list(0, ROWS), Numbers.ids(table.scan()));
        }
    }
}
