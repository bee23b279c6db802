package io.nyala.engine;

import static io.nyala.rows.OperationKind.DELETE;
import static io.nyala.rows.OperationKind.INSERT;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.maintenance.TabletExplanation;
import io.nyala.rows.OperationKind;
import io.nyala.testkit.Seed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: what nobody can read any more, rows that were deleted and old versions, is gone from the disk soon after, with
 * nobody's asking and nobody's writing, and only then; and nothing is written again in vain.
 * Method: a simulated host, whose clock the test moves past the age to which the table keeps its history.
 */
final class SpaceTest {
    private static final long ROWS = 1_000;
    private static final int BATCH_ROWS = 200;
    private static final int TEXT_CHARS = 300;
    private static final long SECOND = 1_000_000;
    private static final long HISTORY_SECONDS = 3_600;
    private static final long DELAY_MILLIS = 1_000;

    /** More than steps take until something is done that can be done. */
    private static final int STEPS = 2_000;

    private World world;
    private World.Running running;
    private Table table;
    private SplittableRandom random;
    private long before;

    @BeforeEach
    void open(@Seed SplittableRandom seeded) {
        random = seeded;
        world = new World(random.split()).withoutOwnFlushes().withAutomaticMerges(DELAY_MILLIS);
        running = world.open();
        table = running.engine()
                .createTable(TableSpec.of("t", Numbers.SCHEMA).withHistory(Duration.ofSeconds(HISTORY_SECONDS)));
        write(INSERT, ROWS);
        before = bytes();
    }

    /** The first of them. */
    private void write(OperationKind kind, long count) {
        for (long first = 0; first < count; first += BATCH_ROWS) {
            try (WriteBatch batch = table.newBatch()) {
                for (long id = first; id < Math.min(count, first + BATCH_ROWS); id++) {
                    batch.rows().start(kind).setLong(0, id);
                    if (kind != DELETE) {
                        batch.rows().setString(1, text());
                    }
                    batch.rows().end();
                }
                batch.commit().orThrow();
            }
        }
        Numbers.flush(running, table);
        settle(2 * DELAY_MILLIS / 1_000);
    }

    /** Nothing makes it much shorter. */
    private String text() {
        var text = new StringBuilder();
        while (text.length() < TEXT_CHARS) {
            text.append((char) random.nextInt(' ', '~'));
        }
        return text.toString();
    }

    private void settle(long seconds) {
        world.clock().advanceMicros(seconds * SECOND);
        for (int i = 0; i < STEPS; i++) {
            running.host().step();
        }
    }

    private static List<Long> ids(ScanBuilder scanned) {
        List<Long> ids = new ArrayList<>();
        try (Scan scan = scanned.project("id").open()) {
            while (scan.next()) {
                for (int row = 0; row < scan.batch().rowCount(); row++) {
                    ids.add(scan.batch().column(0).getLong(row));
                }
            }
        }
        return ids;
    }

    private long bytes() {
        return table.statistics().diskBytes();
    }

    private long merges() {
        return running.engine().view().counters().getOrDefault("merges", -1L);
    }

    private TabletExplanation explanation() {
        return table.explain().getFirst();
    }

    @Test
    void spaceOfDeletedRowsComesBackWhenTheyAreForgotten() {
        write(DELETE, ROWS * 9 / 10);
        assertTrue(bytes() >= before, "files do not shrink by themselves");
        settle(HISTORY_SECONDS - 100);
        assertTrue(bytes() >= before, "the past can be read");
        assertEquals(0, merges());
        assertTrue(explanation().choice().fileIds().isEmpty(), explanation()::toString);
        world.clock().advanceMicros(200 * SECOND);
        String reason = explanation().choice().reason();
        assertTrue(reason.contains(" is written again for its space: gains 0.9"), reason);
        settle(0);
        assertTrue(bytes() < before / 5, () -> bytes() + " of " + before);
        assertEquals(1, merges());
        assertEquals(Numbers.list(ROWS * 9 / 10, ROWS), ids(table.scan()));
        settle(2 * HISTORY_SECONDS);
        assertEquals(1, merges(), "there is nothing more");
        running.engine().close();
    }

    @Test
    void ofARowSetWithoutRowsNothingIsLeft() {
        write(DELETE, ROWS);
        settle(HISTORY_SECONDS);
        assertEquals(0, table.statistics().rowSetCount());
        running.engine().close();
    }

    /** They are in the rowset's own file, since so many changes are written into it at once. */
    @Test
    void spaceOfOldVersionsComesBackWhenTheyAreForgotten() {
        for (int i = 0; i < 3; i++) {
            write(UPDATE, ROWS);
        }
        long mergesBefore = merges();
        assertTrue(mergesBefore > 0, "changes are written into the rowset");
        assertTrue(bytes() > 3 * before, "nothing to forget");
        settle(HISTORY_SECONDS);
        assertTrue(bytes() < before * 11 / 10, () -> bytes() + " of " + before);
        assertEquals(mergesBefore + 1, merges());
        settle(2 * HISTORY_SECONDS);
        assertEquals(mergesBefore + 1, merges(), "there is nothing more");
        assertEquals(Numbers.list(0, ROWS), ids(table.scan()));
        running.engine().close();
    }

    /** Whoever may read the past makes a rewrite vain: it is not done again and again. */
    @Test
    void whatANameKeepsIsKeptAndWaitedFor() {
        long kept = table.createSnapshot("before");
        write(DELETE, ROWS * 9 / 10);
        for (int i = 0; i < 5; i++) {
            settle(HISTORY_SECONDS);
        }
        assertEquals(0, merges());
        assertEquals(Numbers.list(0, ROWS), ids(table.scan().at(kept)));
        table.dropSnapshot("before");
        settle(120);
        assertTrue(bytes() < before / 5, () -> bytes() + " of " + before);
        assertEquals(1, merges());
        running.engine().close();
    }

    @Test
    void whatIsForgottenWhileNoEngineIsOpenGoesAtTheNextStart() {
        write(DELETE, ROWS * 9 / 10);
        running.engine().close();
        world.clock().advanceMicros(2 * HISTORY_SECONDS * SECOND);
        running = world.open();
        table = running.engine().table("t").orElseThrow();
        settle(2 * DELAY_MILLIS / 1_000);
        assertTrue(bytes() < before / 5, () -> bytes() + " of " + before);
        running.engine().close();
    }
}
