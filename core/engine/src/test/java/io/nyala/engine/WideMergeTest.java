package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.AccountUsage;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.tablet.RowSetEntry;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a merge takes no more memory than it may, however wide the table is and however much has changed in it. Method:
 * rowsets of three hundred columns that no encoding makes smaller, with changes of many rows, each of all columns.
 */
final class WideMergeTest {
    private static final long MERGE_BYTES_MAX = 64 << 20;
    private static final int COLUMNS = 300;
    private static final int ROWSETS = 2;
    private static final int ROWS = 4_000; // Of each: together, pages of all columns are full at the same row.
    private static final int BATCH_ROWS = 500;
    private static final int MANY_ROWSETS = 32;
    private static final int FEW_ROWS = 400; // Of each of them.
    private static final int DELTA_FILES = 10;

    private final World world;
    private final World.Running running;
    private final Table table;
    private final SplittableRandom random;

    WideMergeTest(@Seed SplittableRandom random) {
        this.random = random;
        world = new World(random.split());
        running = world.open(EngineConfig.in(World.DIRECTORY)
                .withMemoryBytes(1L << 30)
                .withLogSegmentBytes(16 << 20)
                .withAutomaticMerges(false));
        List<Column> columns = new ArrayList<>(List.of(Column.key("id", ColumnType.INT32)));
        for (int i = 1; i < COLUMNS; i++) {
            columns.add(Column.of("c" + i, ColumnType.INT64));
        }
        table = running.engine().createTable("wide", Schema.of(columns));
    }

    /** Each so many ids after the one before. */
    private void write(OperationKind kind, int first, int last, int stride) {
        write(kind, first, last, stride, COLUMNS);
    }

    private void write(OperationKind kind, int first, int last, int stride, int columns) {
        for (int from = first; from < last; from += BATCH_ROWS * stride) {
            try (WriteBatch batch = table.newBatch()) {
                for (int id = from; id < Math.min(last, from + BATCH_ROWS * stride); id += stride) {
                    batch.rows().start(kind).setInt(0, id);
                    for (int column = 1; column < columns; column++) {
                        batch.rows().setLong(column, random.nextLong());
                    }
                    batch.rows().end();
                }
                batch.commit().orThrow();
            }
        }
        Numbers.flush(running, table);
    }

    private long peakBytes() {
        return running.engine().memoryUsage().stream()
                .filter(usage -> usage.owner().equals("merges"))
                .mapToLong(AccountUsage::peakBytes)
                .sum();
    }

    private void merge() {
        List<Long> files = table.rowSets(table.tablets().getFirst().id()).stream()
                .map(RowSetEntry::fileId)
                .toList();
        CompletableFuture<Boolean> merged = running.engine()
                .maintenance()
                .merge(table.state().tablets().getFirst().tablet(), files);
        running.host().await(merged::isDone);
        assertTrue(merged.join());
    }

    @Test
    @Tag("soak")
    void aWideTableIsMergedWithinTheMemoryOfMerges() {
        for (int i = 0; i < ROWSETS; i++) {
            write(OperationKind.INSERT, i, ROWSETS * ROWS, ROWSETS); // So that they overlap.
        }
        write(OperationKind.UPDATE, 0, ROWSETS * ROWS, 10);
        merge();
        long ofSeveral = peakBytes();
        assertTrue(ofSeveral > 16 << 20 && ofSeveral <= MERGE_BYTES_MAX, () -> ofSeveral + " bytes");
        assertEquals(ROWSETS * ROWS, table.statistics().liveRowCount());
        running.engine().close();
    }

    /** Of which one column is encoded at a time, but for those that have changed, be it all of them. */
    @ParameterizedTest
    @ValueSource(ints = {3, COLUMNS})
    @Tag("soak")
    void manyRowSetsOfAWideTableAreMergedAtOnce(int changedColumns) {
        long peak = mergeAtOnce(MANY_ROWSETS, FEW_ROWS, DELTA_FILES, changedColumns);
        assertTrue(peak > 8 << 20 && peak <= MERGE_BYTES_MAX, () -> peak + " bytes");
    }

    /**
     * As above, in a moment: a cursor for each column of each delta file would take {@code 6 * 4 * 300 * 4 KiB}, or 28
     * MiB, more, and all columns of the output side by side 14.
     */
    @ParameterizedTest
    @CsvSource({"3, 12", "300, 24"})
    void someRowSetsOfAWideTableAreMergedAtOnce(int changedColumns, int mibMax) {
        long peak = mergeAtOnce(6, 24, 4, changedColumns);
        assertTrue(peak > 1 << 20 && peak <= (long) mibMax << 20, () -> peak + " bytes");
    }

    /** Rowsets of so many rows that overlap, with delta files; answers the most memory that their merge took. */
    private long mergeAtOnce(int rowSets, int rows, int deltaFiles, int changedColumns) {
        for (int i = 0; i < rowSets; i++) {
            write(OperationKind.INSERT, i, rowSets * rows, rowSets);
        }
        for (int i = 0; i < deltaFiles; i++) {
            write(OperationKind.UPDATE, i, rowSets * rows, deltaFiles, changedColumns);
        }
        long tablet = table.tablets().getFirst().id();
        assertEquals(rowSets, table.rowSets(tablet).size());
        merge();
        assertTrue(table.rowSets(tablet).size() < rowSets / 2, "one merge");
        assertEquals((long) rowSets * rows, table.statistics().liveRowCount());
        long peak = peakBytes();
        running.engine().close();
        return peak;
    }
}
