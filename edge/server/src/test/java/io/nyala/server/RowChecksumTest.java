package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a checksum is that of a set of rows: the same in any order, another if a cell, a NULL or a row differs. Method:
 * a small table, changed cell by cell and back.
 */
final class RowChecksumTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void isThatOfTheRowsAndNotOfTheirOrder() {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("text", ColumnType.STRING).nullable(),
                Column.of("small", ColumnType.INT8).nullable(),
                Column.of("large", ColumnType.INT64).nullable());
        try (Engine engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20))) {
            Table one = engine.createTable("one", schema);
            Table two = engine.createTable("two", schema);
            for (int i = 0; i < 50; i++) {
                put(one, i, "text " + i, (byte) i, (long) i);
                put(two, 49 - i, "text " + (49 - i), (byte) (49 - i), 49L - i);
            }
            one.flush().join(); // In files here, in memory there.
            long sum = checksum(one);
            assertEquals(sum, checksum(two));
            put(two, 7, "text 8", (byte) 7, 7L);
            assertNotEquals(sum, checksum(two));
            put(two, 7, "text 7", null, 7L);
            assertNotEquals(sum, checksum(two));
            put(two, 7, "text 7", (byte) 7, -7L);
            assertNotEquals(sum, checksum(two));
            put(two, 7, "text 7", (byte) 7, 7L);
            assertEquals(sum, checksum(two));
            put(two, 50, null, null, null);
            assertNotEquals(sum, checksum(two));
        }
    }

    @Test
    void isThatOfARealKudu() {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("v", ColumnType.STRING).nullable());
        try (Engine engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20))) {
            Table table = engine.createTable("one", schema);
            put(table, 1, "v1");
            assertEquals(0x1d23d260L, checksum(table));
            put(table, 2, "v2");
            assertEquals(0xcf312186L, checksum(table));
            put(table, 3, null);
            assertEquals(0x16d16e7e7L, checksum(table));
        }
    }

    private static void put(Table table, @Nullable Object... values) {
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(OperationKind.UPSERT);
            for (int i = 0; i < values.length; i++) {
                batch.rows().set(i, values[i]);
            }
            batch.rows().end();
            batch.commit().orThrow();
        }
    }

    private static long checksum(Table table) {
        RowChecksum checksum = new RowChecksum();
        try (Scan scan = table.scan().open()) {
            while (scan.next()) {
                checksum.add(scan.batch());
            }
        }
        return checksum.sum();
    }
}
