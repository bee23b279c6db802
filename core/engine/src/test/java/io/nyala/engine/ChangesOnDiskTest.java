package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import io.nyala.tablet.MissingRowSet;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: rows on disk change like any others, and every state that they had can be read, wherever their changes are by
 * then: in memory, in delta files, in the log.
 * Method: rounds of random upserts, updates and deletions of flushed rows beside a sorted map of each round, on real
 * threads and files; every round read again after flushes and after opening anew.
 */
final class ChangesOnDiskTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("value", ColumnType.INT64),
            Column.of("text", ColumnType.STRING).nullable());
    private static final int ROWS = 4_000;

    @TempDir
    private Path directory;

    private final Map<Long, TreeMap<Long, String>> rounds = new LinkedHashMap<>();
    private final TreeMap<Long, String> newest = new TreeMap<>();

    @RepeatedTest(2)
    void everyStateIsFoundWhereverTheChangesAre(@Seed SplittableRandom random) {
        try (Engine engine = open()) {
            Table table = engine.createTable("t", SCHEMA);
            fill(table);
            table.flush().join();
            for (int i = 0; i < 3; i++) {
                change(random, table);
                check(table);
                if (random.nextBoolean()) {
                    table.flush().join(); // Changes go to a delta file, rows that came back to a rowset.
                    check(table);
                }
            }
            change(random, table);
        }
        try (Engine engine = open()) { // What is not in delta files comes out of the log.
            Table table = engine.table("t").orElseThrow();
            check(table);
            change(random, table);
            table.flush().join();
            check(table);
        }
        try (Engine engine = open()) {
            check(engine.table("t").orElseThrow());
        }
        verify();
    }

    @Test
    void aConditionSeesWhatAChangeMadeOfARow() {
        try (Engine engine = open()) {
            Table table = engine.createTable("t", SCHEMA);
            fill(table);
            table.flush().join();
            try (WriteBatch batch = table.newBatch()) {
                batch.rows()
                        .start(OperationKind.UPDATE)
                        .setLong(0, 7)
                        .setLong(1, -1)
                        .end();
                batch.rows().start(OperationKind.DELETE).setLong(0, 8).end();
                batch.commit().orThrow();
            }
            for (int i = 0; i < 2; i++) {
                assertEquals(1, count(table, Predicate.equal(SCHEMA, "value", -1L)));
                assertEquals(
                        0, count(table, Predicate.equal(SCHEMA, "value", 7L)), "the file's value is no longer its");
                assertEquals(0, count(table, Predicate.equal(SCHEMA, "value", 8L)), "the row is deleted");
                assertEquals(ROWS - 1, table.statistics().liveRowCount());
                table.flush().join();
            }
        }
    }

    private Engine open() {
        return Engine.open(EngineConfig.in(directory)
                .withMemoryBytes(192 << 20)
                .withLogSegmentBytes(16 << 20)
                .withAutomaticMerges(false)); // The changes stay where the test has them.
    }

    private void fill(Table table) {
        try (WriteBatch batch = table.newBatch()) {
            for (long id = 0; id < ROWS; id++) {
                batch.rows()
                        .start(OperationKind.INSERT)
                        .setLong(0, id)
                        .setLong(1, id)
                        .setString(2, "t" + id)
                        .end();
                newest.put(id, id + " t" + id);
            }
            keep(batch.commit().orThrow().timestamp());
        }
    }

    private void keep(long timestamp) {
        rounds.put(timestamp, new TreeMap<>(newest));
    }

    private void change(SplittableRandom random, Table table) {
        try (WriteBatch batch = table.newBatch()) {
            for (int i = random.nextInt(1_000); i >= 0; i--) {
                long id = random.nextLong(ROWS + 100);
                long value = random.nextLong(1_000_000);
                if (random.nextInt(3) == 0) {
                    batch.rows()
                            .start(OperationKind.DELETE_IGNORE)
                            .setLong(0, id)
                            .end();
                    newest.remove(id);
                } else if (random.nextBoolean()) {
                    batch.rows()
                            .start(OperationKind.UPDATE_IGNORE)
                            .setLong(0, id)
                            .setLong(1, value)
                            .end();
                    newest.computeIfPresent(id, (_, row) -> value + row.substring(row.indexOf(' ')));
                } else {
                    batch.rows()
                            .start(OperationKind.UPSERT)
                            .setLong(0, id)
                            .setLong(1, value)
                            .setString(2, "u")
                            .end();
                    newest.put(id, value + " u");
                }
            }
            keep(batch.commit().orThrow().timestamp());
        }
    }

    private void check(Table table) {
        rounds.forEach((timestamp, rows) -> assertEquals(rows, read(table, timestamp), "at " + timestamp));
        assertEquals(newest.size(), table.statistics().liveRowCount());
    }

    private static Map<Long, String> read(Table table, long timestamp) {
        var rows = new TreeMap<Long, String>();
        try (Scan scan = table.scan().at(timestamp).open()) {
            while (scan.next()) {
                ColumnBatch batch = scan.batch();
                for (int row = 0; row < batch.rowCount(); row++) {
                    String text =
                            batch.column(1).getLong(row) + " " + batch.column(2).getString(row);
                    assertNull(rows.put(batch.column(0).getLong(row), text), "a row that comes twice");
                }
            }
        }
        return rows;
    }

    private static int count(Table table, Predicate predicate) {
        int count = 0;
        try (Scan scan = table.scan().where(predicate).open()) {
            while (scan.next()) {
                count += scan.batch().rowCount();
            }
        }
        return count;
    }

    private void verify() {
        int[] deltaFiles = new int[1];
        try (DirectoryInspection inspection = DirectoryInspection.of(directory)) {
            inspection.verify(new DirectoryInspection.Findings() {
                @Override
                public void checked(Path file, String about, @Nullable RuntimeException defect) {
                    assertNull(defect, () -> file + " " + about);
                    deltaFiles[0] += about.startsWith("delta file") ? 1 : 0;
                }

                @Override
                public void setAside(MissingRowSet rowSet) {
                    throw new AssertionError("set aside: " + rowSet);
                }
            });
        }
        assertTrue(deltaFiles[0] > 0, "there are delta files");
    }
}
