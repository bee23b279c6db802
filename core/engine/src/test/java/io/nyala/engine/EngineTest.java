package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: the whole path, from an insert to a scan, on real threads and real disks.
 * Method: a few rows through each stage of their life: in memory, flushed, reopened with and without a flush.
 */
final class EngineTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("name", ColumnType.STRING).nullable(),
            Column.of("score", ColumnType.DOUBLE));

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"best", "syscall", "channel"})
    void whatWasWrittenIsFoundInEveryStageOfItsLife(String disk) {
        EngineConfig config = EngineConfig.in(directory)
                .withMemoryBytes(192 << 20)
                .withLogSegmentBytes(16 << 20)
                .withDisk(disk);
        long first;
        try (Engine engine = Engine.open(config)) {
            Table table = engine.createTable("t", SCHEMA);
            assertTrue(rows(table).isEmpty());
            first = insert(table, 0, 3000);
            assertEquals(expected(0, 3000, "n"), rows(table));
            rename(table, 5);
            table.flush().join();
            assertEquals(1, table.statistics().rowSetCount());
            List<String> renamed = expected(0, 3000, "n");
            renamed.set(5, "5 renamed 2.5");
            assertEquals(renamed, rows(table));
            assertEquals(expected(0, 3000, "n"), read(table.scan().inKeyOrder().at(first)));
            insert(table, 3000, 10);
        }
        try (Engine engine = Engine.open(config)) {
            Table table = engine.table("t").orElseThrow();
            List<String> renamed = expected(0, 3010, "n");
            renamed.set(5, "5 renamed 2.5");
            assertEquals(renamed, rows(table));
            assertEquals(expected(0, 3000, "n"), read(table.scan().inKeyOrder().at(first)));
            assertEquals(
                    List.of("2 n2 1.0"),
                    read(table.scan().inKeyOrder().limit(1).where(io.nyala.rows.Predicate.equal(SCHEMA, "id", 2L))));
        }
    }

    @Test
    void refusedRowsAreNamedAndTheOthersTakeEffect() {
        EngineConfig config =
                EngineConfig.in(directory).withMemoryBytes(192 << 20).withLogSegmentBytes(16 << 20);
        try (Engine engine = Engine.open(config)) {
            Table table = engine.createTable("t", SCHEMA);
            insert(table, 0, 10);
            try (WriteBatch batch = table.newBatch()) {
                add(batch, 9);
                add(batch, 10);
                batch.rows().start(UPDATE).setLong(0, 77).setString(1, "x").end();
                CommitResult result = batch.commit();
                assertTrue(result.hasErrors());
                assertEquals(3, result.operationCount());
                assertEquals(2, result.errors().size());
                assertEquals(
                        RowErrorCode.ALREADY_PRESENT, result.errors().get(0).code());
                assertEquals(0, result.errors().get(0).operationIndex());
                assertEquals(RowErrorCode.NOT_FOUND, result.errors().get(1).code());
                assertEquals(2, result.errors().get(1).operationIndex());
                assertTrue(result.errors().get(0).message().contains("id=9"), result.toString());
            }
            table.flush().join();
            try (WriteBatch batch = table.newBatch()) {
                add(batch, 4);
                assertEquals(
                        RowErrorCode.ALREADY_PRESENT,
                        batch.commit().errors().getFirst().code());
                batch.rows().start(UPDATE).setLong(0, 4).setString(1, "x").end();
                assertFalse(batch.commitAsync().join().hasErrors(), "a row on disk is changed like any other");
                assertFalse(batch.commit().hasErrors(), "an empty batch is fine");
            }
            assertEquals(11, rows(table).size());
            assertEquals("4 x 2.0", rows(table).get(4));
        }
    }

    private static long insert(Table table, long from, int count) {
        try (WriteBatch batch = table.newBatch()) {
            for (long id = from; id < from + count; id++) {
                add(batch, id);
            }
            return batch.commit().orThrow().timestamp();
        }
    }

    private static void add(WriteBatch batch, long id) {
        batch.rows()
                .start(INSERT)
                .setLong(0, id)
                .setString(1, "n" + id)
                .setDouble(2, id / 2.0)
                .end();
    }

    private static void rename(Table table, long id) {
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(UPDATE).setLong(0, id).setString(1, "renamed").end();
            batch.commit().orThrow();
        }
    }

    private static List<String> expected(int from, int count, String name) {
        List<String> rows = new ArrayList<>();
        for (int id = from; id < from + count; id++) {
            rows.add(id + " " + name + id + " " + id / 2.0);
        }
        return rows;
    }

    private static List<String> rows(Table table) {
        return read(table.scan().inKeyOrder());
    }

    private static List<String> read(ScanBuilder builder) {
        List<String> rows = new ArrayList<>();
        try (Scan scan = builder.open()) {
            while (scan.next()) {
                ColumnBatch batch = scan.batch();
                for (int row = 0; row < batch.rowCount(); row++) {
                    rows.add(
                            batch.column(0).getLong(row) + " " + batch.column(1).getString(row) + " "
                                    + batch.column(2).getDouble(row));
                }
            }
        }
        return rows;
    }
}
