package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static io.nyala.rows.OperationKind.UPDATE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.AccountUsage;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.TabletView;
import io.nyala.testkit.Seed;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: a table whose rows change again and again stays as fast to read as one that is not written to: its delta files
 * are few, then gone, in bounded memory, and every version is there all the while.
 * Method: each row of a rowset is updated in rounds, each of which is flushed, on a simulated host; what the files and
 * the accounts of memory say, and the sum of all values at the end of each round.
 */
final class UpdateHeavyTest {
    /** What a merge may take beyond what is set aside, of what nobody has, however many changes there are. */
    private static final long MORE_BYTES_MAX = 256 << 10;

    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("value", ColumnType.INT64),
            Column.of("text", ColumnType.STRING));
    private static final int ROWS = 1_000;
    private static final int TEXT_CHARS = 2_000; // So that some rounds of updates are less than a tenth of it.
    private static final long DELAY_MILLIS = 100_000; // Far longer than all rounds take.
    private static final int STEPS = 300;

    private final TreeMap<Long, Long> sums = new TreeMap<>();
    private SplittableRandom random;
    private World world;
    private World.Running running;
    private Table table;

    @BeforeEach
    void open(@Seed SplittableRandom seeded) {
        random = seeded;
        world = new World(random.split());
        running = world.open(config().withAutomaticMerges(true).withMergeDelayMillis(DELAY_MILLIS));
        table = running.engine().createTable("t", SCHEMA);
    }

    private static EngineConfig config() {
        return World.config().withFlushBytes(8 << 20).withLogSegmentBytes(16 << 20);
    }

    private void commit(OperationKind kind) {
        long sum = 0;
        try (WriteBatch batch = table.newBatch()) {
            for (long id = 0; id < ROWS; id++) {
                long value = random.nextInt();
                sum += value;
                batch.rows().start(kind).setLong(0, id).setLong(1, value);
                if (kind == INSERT) {
                    batch.rows().setString(2, text());
                }
                batch.rows().end();
            }
            batch.commit().orThrow();
        }
        sums.put(table.latest(), sum);
        Numbers.flush(running, table);
        settle();
    }

    private String text() {
        var text = new StringBuilder();
        while (text.length() < TEXT_CHARS) {
            text.append((char) random.nextInt(' ', '~')); // Nothing makes it much shorter.
        }
        return text.toString();
    }

    private void settle() {
        for (int i = 0; i < STEPS; i++) {
            running.host().step();
        }
    }

    private List<RowSetEntry> rowSets() {
        return TabletView.rowSets(table.state().tablets().getFirst().tablet());
    }

    private void check() {
        for (Map.Entry<Long, Long> round : sums.entrySet()) {
            long sum = 0;
            try (Scan scan = table.scan().project("value").at(round.getKey()).open()) {
                while (scan.next()) {
                    for (int row = 0; row < scan.batch().rowCount(); row++) {
                        sum += scan.batch().column(0).getLong(row);
                    }
                }
            }
            assertEquals(round.getValue(), sum, () -> "at " + round.getKey());
        }
    }

    private long counter(String label) {
        return running.engine().view().counters().getOrDefault(label, -1L);
    }

    @Test
    void deltaFilesAreFewAndThenGone() {
        commit(INSERT);
        int rounds = 0;
        int most = 0;
        for (; rounds < 10; rounds++) {
            commit(UPDATE);
            most = Math.max(most, rowSets().getFirst().deltas().size());
        }
        check();
        int mostSeen = most;
        assertTrue(mostSeen <= 6, () -> mostSeen + " delta files at once");
        assertTrue(counter("merges of delta files") >= 2, () -> counter("merges of delta files") + " merges");
        assertEquals(0, counter("merges"), "the rowset is not written again for that little");
        assertTrue(counter("bytes read by merges of delta files") > counter("bytes written by merges of delta files"));
        for (; 10 * rowSets().getFirst().deltaBytes() < rowSets().getFirst().fileBytes(); rounds++) {
            commit(UPDATE);
            assertTrue(rounds < 100, "it never is");
        }
        long bytes = rowSets().getFirst().fileBytes() + rowSets().getFirst().deltaBytes();
        world.clock().advanceMicros(7_000 * DELAY_MILLIS);
        settle();
        settle();
        TabletView view = table.view(table.tablets().getFirst().id()).orElseThrow();
        assertEquals(1, view.rowSetCount());
        assertEquals(0, view.deltaBytes(), "a scan would read delta files");
        assertEquals(0, view.changeBytes(), "a scan would read changes in memory");
        assertEquals(1, counter("merges of one rowset with its changes"));
        assertEquals(bytes, counter("bytes read by merges"));
        assertEquals(rowSets().getFirst().fileBytes(), counter("bytes written by merges"));
        check();
        AccountUsage merges = running.engine().memoryUsage().stream()
                .filter(usage -> usage.owner().equals("merges"))
                .findFirst()
                .orElseThrow();
        assertTrue(
                merges.peakBytes() > 0 && merges.peakBytes() <= merges.reservedBytes() + MORE_BYTES_MAX,
                merges::toString);
        running.engine().close();
        running = world.open(config());
        table = running.engine().table("t").orElseThrow();
        check();
        running.engine().close();
    }
}
