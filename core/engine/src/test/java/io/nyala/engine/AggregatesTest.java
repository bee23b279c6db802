package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.cfile.PageCache;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import io.nyala.table.Aggregate;
import io.nyala.table.Aggregates;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: sums are exact, and counts and bounds of rows that were not changed are told without reading a page. Method: by
 * example, pages counted. {@link EngineModelTest} holds aggregates of all types against plain loops.
 */
final class AggregatesTest {
    private static final int ROWS = 20_000;

    private static final Schema SCHEMA = Schema.of(
            Column.key("key", ColumnType.INT64),
            Column.of("number", ColumnType.INT64).nullable(),
            Column.decimal("price", 38, 2),
            Column.of("real", ColumnType.DOUBLE),
            Column.of("text", ColumnType.STRING));

    @TempDir
    private Path directory;

    private Engine engine;
    private Table table;

    @BeforeEach
    void open() {
        engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(256 << 20).withLogSegmentBytes(16 << 20));
        table = engine.createTable("t", SCHEMA);
    }

    @AfterEach
    void close() {
        engine.close();
    }

    /** Every tenth number is NULL, the others are as large as they can be. */
    private void fill() {
        try (WriteBatch batch = table.newBatch()) {
            for (int row = 0; row < ROWS; row++) {
                batch.rows().start(OperationKind.INSERT).setLong(0, row);
                if (row % 10 != 0) {
                    batch.rows().setLong(1, Long.MAX_VALUE - row);
                }
                batch.rows()
                        .setDecimal(2, BigDecimal.valueOf(row, 2))
                        .setDouble(3, row)
                        .setString(4, "text " + row)
                        .end();
                if ((row + 1) % 1000 == 0) {
                    batch.commit().orThrow();
                }
            }
        }
    }

    private long pagesAsked() {
        PageCache.Statistics cache = engine.view().cache();
        return cache.hits() + cache.misses();
    }

    @Test
    void countsAndBoundsReadNoPage() {
        fill();
        table.flush().join();
        long before = pagesAsked();
        Aggregates found = table.scan()
                .aggregate(
                        Aggregate.count(),
                        Aggregate.count("number"),
                        Aggregate.min("number"),
                        Aggregate.max("price"),
                        Aggregate.max("text"));
        assertEquals(before, pagesAsked());
        assertEquals(ROWS, found.count(0));
        assertEquals(ROWS - ROWS / 10, found.count(1));
        assertEquals(Long.MAX_VALUE - (ROWS - 1), found.value(2));
        assertEquals(BigDecimal.valueOf(ROWS - 1, 2), found.value(3));
        assertEquals("text 9999", found.value(4));
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(OperationKind.UPDATE).setLong(0, 7).setLong(1, 0).end();
            batch.commit().orThrow();
        }
        assertEquals(0L, table.scan().aggregate(Aggregate.min("number")).value(0));
        assertTrue(pagesAsked() > before, "a page with a change must be read");
    }

    @Test
    void sumsAreExact() {
        fill();
        BigInteger sum = BigInteger.ZERO;
        for (int row = 0; row < ROWS; row++) {
            sum = row % 10 == 0 ? sum : sum.add(BigInteger.valueOf(Long.MAX_VALUE - row));
        }
        for (int i = 0; i < 2; i++) { // In memory, then on disk.
            Aggregates found =
                    table.scan().aggregate(Aggregate.sum("number"), Aggregate.sum("price"), Aggregate.sum("real"));
            assertEquals(sum, found.value(0));
            assertEquals(BigDecimal.valueOf((ROWS - 1L) * ROWS / 2, 2), found.value(1));
            assertEquals((ROWS - 1.0) * ROWS / 2, found.value(2));
            table.flush().join();
        }
    }

    @Test
    void nothingHasNoSum() {
        fill();
        Aggregates found = table.scan()
                .where(Predicate.lessThan(SCHEMA, "key", 0L))
                .aggregate(Aggregate.sum("number"), Aggregate.max("text"), Aggregate.count());
        assertNull(found.value(0));
        assertNull(found.value(1));
        assertEquals(0L, found.value(2));
    }

    @Test
    void whatMakesNoSenseIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> table.scan().aggregate(Aggregate.sum("text")));
        assertThrows(IllegalArgumentException.class, () -> table.scan().aggregate(Aggregate.min("colour")));
        assertThrows(IllegalArgumentException.class, () -> table.scan().limit(1).aggregate(Aggregate.count()));
    }
}
