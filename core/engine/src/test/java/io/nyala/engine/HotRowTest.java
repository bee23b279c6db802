package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.maintenance.TabletUpkeep;
import io.nyala.memory.AccountUsage;
import io.nyala.rows.OperationKind;
import io.nyala.tablet.RowSetEntry;
import io.nyala.testkit.Seed;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: a row that changes for ever neither takes the memory of merges nor keeps other rows from being merged. Method:
 * one row of many large changes, or, in a soak, of very many small ones, in one of some rowsets that overlap.
 */
final class HotRowTest {
    private static final long MERGE_BYTES_MAX = 64 << 20;
    private static final int ROWSETS = 4;
    private static final int ROWS = 400;

    private final World.Running running;
    private final Table table;

    HotRowTest(@Seed SplittableRandom random) {
        running = new World(random)
                .open(EngineConfig.in(World.DIRECTORY)
                        .withMemoryBytes(256L << 20)
                        .withLogSegmentBytes(16 << 20)
                        .withAutomaticMerges(false));
        table = running.engine().createTable("t", Numbers.SCHEMA);
        for (int i = 0; i < ROWSETS; i++) {
            try (WriteBatch batch = table.newBatch()) {
                for (long id = i; id < ROWS; id += ROWSETS) {
                    batch.rows().start(OperationKind.INSERT).setLong(0, id).end();
                }
                batch.commit().orThrow();
            }
            Numbers.flush(running, table);
        }
    }

    /** Sets the text of a row so many times, and brings that to disk. */
    private void change(int times, int textBytes) {
        String text = "x".repeat(textBytes);
        for (int i = 0; i < times; i++) { // Each at a time of its own.
            try (WriteBatch batch = table.newBatch()) {
                batch.rows()
                        .start(OperationKind.UPDATE)
                        .setLong(0, 5)
                        .setString(1, text)
                        .end();
                batch.commit().orThrow();
            }
        }
        Numbers.flush(running, table);
    }

    private List<TabletUpkeep.Left> await(CompletableFuture<List<TabletUpkeep.Left>> upkeep) {
        running.host().await(upkeep::isDone);
        return upkeep.join();
    }

    private void checkMemory() {
        long peak = running.engine().memoryUsage().stream()
                .filter(usage -> usage.owner().equals("merges"))
                .mapToLong(AccountUsage::peakBytes)
                .sum();
        assertTrue(peak > 0 && peak <= MERGE_BYTES_MAX, () -> peak + " bytes for merges");
    }

    private List<RowSetEntry> rowSets() {
        return table.rowSets(table.tablets().getFirst().id());
    }

    @Test
    void whatFitsIsMergedWithAllOfItsHistory() {
        change(150, 32 << 10);
        assertEquals(List.of(), await(table.compact()));
        assertEquals(1, rowSets().size());
        checkMemory();
        running.engine().close();
    }

    @Test
    void otherRowsAreMergedWithoutARowOfTooMuchHistory() {
        mergeWithout(300, 32 << 10);
    }

    @Test
    @Tag("soak")
    void otherRowsAreMergedWithoutARowOfVeryManyChanges() {
        mergeWithout(400_000, 24);
    }

    private void mergeWithout(int times, int textBytes) {
        change(times, textBytes);
        List<TabletUpkeep.Left> left = await(table.compact());
        assertEquals(1, left.size());
        assertEquals(1, left.getFirst().rowSets().size());
        long hot = left.getFirst().rowSets().getFirst();
        String text = left.getFirst().toString();
        assertTrue(text.contains("row 1 of rowset " + hot + " ("), text);
        assertTrue(text.contains("8388608 bytes at most") && text.contains("history_max_age"), text);
        assertEquals(2, rowSets().size(), "the others are one");
        assertTrue(rowSets().stream().anyMatch(rowSet -> rowSet.fileId() == hot));
        checkMemory();
        assertEquals(List.of(), await(table.vacuum()));
        assertEquals(List.of(), await(table.compact()));
        assertEquals(1, rowSets().size());
        assertEquals(ROWS, table.statistics().liveRowCount());
        checkMemory();
        running.engine().close();
    }
}
