package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.engine.WriteBatch;
import io.nyala.maintenance.TabletUpkeep;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.table.TableStatistics;
import io.nyala.tablet.Merging;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * Goal: what maintenance does by itself can be asked for, of all that is there or of a part, and is told of.
 * Method: a directory with a table of overlapping rowsets and rows in memory; the commands run in this process.
 */
final class UpkeepCommandTest {
    private static final Schema SCHEMA = Schema.of(Column.key("id", ColumnType.INT32));
    private static final int ROWSETS = 3;
    private static final TableStatistics NOTHING = TableStatistics.of(List.of());

    @TempDir
    private Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private long tabletId;

    private EngineConfig config() {
        return EngineConfig.in(directory)
                .withMemoryBytes(128 << 20)
                .withLogSegmentBytes(16 << 20)
                .withAutomaticMerges(false); // What is there is merged by the command.
    }

    @BeforeEach
    void makeTables() {
        try (Engine engine = Engine.open(config())) {
            Table herd = engine.createTable("herd", SCHEMA);
            engine.createTable("empty", SCHEMA);
            for (int i = 0; i < ROWSETS; i++) {
                insert(herd, i);
                herd.flush().join();
            }
            insert(herd, ROWSETS);
            tabletId = herd.tablets().getFirst().id();
        }
    }

    private static void insert(Table table, int first) {
        try (WriteBatch batch = table.newBatch()) {
            for (int id = first; id < 1000; id += ROWSETS + 1) {
                batch.rows().start(OperationKind.INSERT).setInt(0, id).end();
            }
            batch.commit().orThrow();
        }
    }

    @Test
    void aFlushLeavesNothingInMemory() {
        String text = run("flush");
        assertTrue(text.lines().anyMatch(line -> line.matches(" *empty +1 +0 +0 B +4.0 KiB +\\S+ .*")), text);
        assertTrue(
                text.lines().anyMatch(line -> line.matches(" *herd +1 +3 -> 4 +\\S.* -> .* -> 4.0 KiB +\\S+ .*")),
                text);
        assertTrue(run("flush", "herd").lines().anyMatch(line -> line.matches(" *herd +1 +4 .*B +4.0 KiB +\\S+ .*")));
    }

    @Test
    void aCompactionLeavesOneRowSetWhereTheyOverlap() {
        String text = run("compact");
        assertTrue(text.contains("3 -> 1 "), text);
        assertTrue(text.contains("empty"), text);
        try (Engine engine = Engine.open(config())) {
            assertEquals(1000, engine.table("herd").orElseThrow().statistics().liveRowCount());
        }
    }

    @Test
    void oneTabletCanBeCompacted() {
        String json = run("compact", "herd", Long.toString(tabletId), "--json");
        assertTrue(json.contains("\"before\": {\n      \"rowsets\": 3,"), json);
        assertTrue(json.contains("\"after\": {\n      \"rowsets\": 1,"), json);
        assertTrue(!json.contains("empty"), json);
    }

    @Test
    void whatWasDeletedTakesNoSpaceAfterAVacuum() {
        try (Engine engine = Engine.open(config());
                WriteBatch batch = engine.table("herd").orElseThrow().newBatch()) {
            for (int id = 0; id < 1000; id++) {
                batch.rows().start(OperationKind.DELETE).setInt(0, id).end();
            }
            batch.commit().orThrow();
        }
        assertTrue(run("compact", "herd").contains("3 -> 1 "), "the history is kept for a week");
        String text = run("vacuum", "herd");
        assertTrue(text.lines().anyMatch(line -> line.matches(" *herd +1 +1 -> 0 +\\S.* -> 0 B +.*")), text);
    }

    @Test
    void oneTabletCanBeVacuumed() {
        long other;
        try (Engine engine = Engine.open(config())) {
            Table two = engine.createTable(
                    TableSpec.of("two", PartitionSchema.of(SCHEMA).hash(2, "id").build()));
            insert(two, 0);
            two.flush().join();
            try (WriteBatch batch = two.newBatch()) {
                for (int id = 0; id < 1000; id += ROWSETS + 1) {
                    batch.rows().start(OperationKind.DELETE).setInt(0, id).end();
                }
                batch.commit().orThrow();
            }
            other = two.tablets().getLast().id();
        }
        String json = run("vacuum", "two", Long.toString(other), "--json");
        assertTrue(json.contains("\"tablets\": 1,"), json);
        assertTrue(json.contains("\"after\": {\n      \"rowsets\": 0,"), json);
        try (Engine engine = Engine.open(config())) {
            assertEquals(1, engine.table("two").orElseThrow().statistics().rowSetCount(), "that of the other tablet");
        }
    }

    /** Which rowsets, and why, is for people; that something was, for scripts. */
    @Test
    void whatWasLeftIsPrintedAndHasAnExitCode() {
        var left = new TabletUpkeep.Left(7, List.of(1L, 2L), "they are busy; try again");
        var some = new UpkeepCommand.Done("herd", NOTHING, NOTHING, 1, List.of(left));
        var all = new UpkeepCommand.Done("flock", NOTHING, NOTHING, 1, List.of());
        CommandLine command = Main.command(new PrintWriter(out, true), new PrintWriter(err, true));
        assertEquals(Main.OK, UpkeepCommand.report(List.of(all), false, command));
        assertEquals("", text());
        assertEquals(Main.LEFT, UpkeepCommand.report(List.of(all, some), true, command));
        assertEquals("herd: rowsets [1, 2] of tablet 7 were left as they are: they are busy; try again\n", text());
        assertTrue(out.toString().contains("\"reason\": \"they are busy; try again\""), out.toString());
    }

    /** What is done grows with each merge that follows, and with each row that is flushed. */
    @Test
    void oneBarShowsAllThatIsDone() {
        var meter = new UpkeepCommand.Meter(100);
        var bar = new ProgressBar(new PrintWriter(err, true), true, "compact herd", "rows");
        meter.show(List.of(), bar);
        assertTrue(text().endsWith("100%  100 of 100 rows  " + text().substring(text().lastIndexOf("  ") + 2)), text());
        meter.merge(1, Optional.of(new Merging.Progress(2, 50, 80)));
        assertEquals(150, meter.done());
        assertEquals(180, meter.total());
        meter.merge(2, Optional.of(new Merging.Progress(2, 10, 20)));
        meter.merge(1, Optional.of(new Merging.Progress(3, 5, 80))); // The next one.
        assertEquals(100 + 80 + 5 + 10, meter.done());
        assertEquals(100 + 80 + 80 + 20, meter.total());
        meter.merge(1, Optional.empty());
        meter.merge(2, Optional.of(new Merging.Progress(2, 0, 30)));
        assertEquals(100 + 80 + 80 + 20, meter.done());
        assertEquals(100 + 80 + 80 + 20 + 30, meter.total());
    }

    @Test
    void whatIsNotThereIsNamedWithWhatIs() {
        assertEquals(Main.USAGE, execute("compact", "herd", "4711"));
        assertTrue(err.toString().contains("table \"herd\" has no tablet 4711; it has [" + tabletId + "]"), text());
        assertEquals(Main.USAGE, execute("compact", "flock"));
        assertTrue(err.toString().contains("there is no table \"flock\""), text());
        assertEquals(Main.USAGE, execute("compact", "herd", "one"));
        assertTrue(err.toString().contains("'one' is not a long"), text());
        assertEquals(Main.USAGE, execute("flush", "herd", "1"));
        assertTrue(err.toString().contains("Unmatched argument at index 2: '1'"), text());
    }

    @Test
    void anEngineThatIsOpenIsLeftAlone() {
        try (Engine engine = Engine.open(config())) {
            assertEquals(Main.FAILED, execute("compact"));
            assertTrue(err.toString().contains("it is in use by this process"), text());
            assertEquals(
                    ROWSETS, engine.table("herd").orElseThrow().statistics().rowSetCount());
        }
    }

    private String text() {
        return err.toString();
    }

    private String run(String... arguments) {
        out.getBuffer().setLength(0);
        assertEquals(Main.OK, execute(arguments), err.toString());
        assertEquals("", text(), "a bar where no terminal is");
        return out.toString();
    }

    private int execute(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--data", directory.toString()));
        return Main.command(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(all.toArray(String[]::new));
    }
}
