package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergePolicy;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.engine.WriteBatch;
import io.nyala.maintenance.TabletExplanation;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.time.HybridTime;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a person sees how rowsets lie, which of them would be merged and why. Method: a directory with a table of two
 * rowsets that overlap and one apart; the command runs in this process.
 */
final class ExplainCommandTest {
    private static final Schema SCHEMA = Schema.of(Column.key("id", ColumnType.INT32));

    @TempDir
    private static Path directory;

    private static long tabletId;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void makeTables() {
        var config = EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20);
        try (Engine engine = Engine.open(config)) {
            Table herd = engine.createTable("herd", SCHEMA);
            insert(herd, 0, 2000, 2);
            insert(herd, 1, 2000, 2);
            insert(herd, 4000, 5000, 1);
            engine.createTable("empty", SCHEMA);
            tabletId = herd.tablets().getFirst().id();
            makeParts(engine);
            makeOldSnapshot(engine);
        }
    }

    /** Three tablets: in one nothing is worth a merge. */
    private static void makeParts(Engine engine) {
        PartitionSchema ranges = PartitionSchema.of(SCHEMA).range("id").build();
        Table parts = engine.createTable(TableSpec.of("parts", ranges).withRanges(ranges.splitAt(10_000, 20_000)));
        insert(parts, 0, 1000, 1);
        insert(parts, 1000, 2000, 1);
        insert(parts, 10_000, 14_000, 2);
        insert(parts, 13_001, 17_001, 2);
        insert(parts, 20_000, 24_000, 2);
        insert(parts, 20_001, 24_001, 2);
    }

    private static void makeOldSnapshot(Engine engine) {
        Table kept = engine.createTable("kept", SCHEMA);
        insert(kept, 0, 1000, 1);
        long past = HybridTime.ofMicros(HybridTime.micros(engine.now()) - 30_000_000);
        kept.createSnapshot("young");
        kept.createSnapshot("dawn", past);
        kept.alter().history(Duration.ofSeconds(10)).commit();
        try (WriteBatch batch = kept.newBatch()) {
            for (int id = 0; id < 1000; id++) {
                batch.rows().start(OperationKind.DELETE).setInt(0, id).end();
            }
            batch.commit().orThrow();
        }
        kept.flush().join();
    }

    private static void insert(Table table, int from, int to, int step) {
        try (WriteBatch batch = table.newBatch()) {
            for (int id = from; id < to; id += step) {
                batch.rows().start(OperationKind.INSERT).setInt(0, id).end();
            }
            batch.commit().orThrow();
        }
        table.flush().join();
    }

    @Test
    void drawsRowSetsAlongTheKeysAndMarksThoseToBeMerged() {
        String text = run("explain", "herd");
        assertTrue(text.startsWith("tablet " + tabletId + ": 3 rowsets, "), text);
        assertTrue(text.contains(", average height 1."), text);
        assertTrue(text.contains(" of 3 rowsets, "), text);
        assertTrue(text.contains("keys (id=0) to (id=4999)"), text);
        List<String> bars = text.lines().filter(line -> line.contains("#")).toList();
        assertEquals(3, bars.size(), text);
        assertTrue(bars.get(0).matches(" +\\* +\\d+ +1,000 .* 0 B +\\| *#+ +\\|"), bars.get(0));
        assertTrue(bars.get(1).matches(" +\\* +\\d+ +1,000 .* 0 B +\\| *#+ +\\|"), bars.get(1));
        assertTrue(bars.get(2).matches(" .* 1,000 .* 0 B +\\| +#+\\|"), bars.get(2));
        assertEquals(1, bars.stream().map(String::length).distinct().count(), text);
    }

    @Test
    void itWarnsOfASnapshotThatKeepsMoreThanTheTableWould() {
        String text = run("explain", "kept");
        String warning = text.lines().findFirst().orElseThrow();
        assertTrue(
                warning.matches(
                        "warning: snapshot \"dawn\" keeps history since \\d\\d s ago, and the table would keep 10 s;"
                                + " on disk there are 0 B of history and [\\d.]+ KiB of changes\\. If nobody needs it:"
                                + " nyala snapshot drop kept dawn"),
                text);
        assertFalse(run("explain", "herd").contains("warning"), out.toString());
        assertEquals(Main.OK, execute("compact", "kept"));
        assertTrue(
                run("explain", "kept")
                        .lines()
                        .findFirst()
                        .orElseThrow()
                        .matches(".* are [\\d.]+ KiB of history and 0 B of.*"),
                out.toString());
        assertTrue(run("explain", "kept", "--json").contains("\"historyBytes\": "), out.toString());
    }

    @Test
    void ofSeveralTabletsItSaysWhichComesBeforeWhich() {
        List<TabletExplanation> tablets = List.of(
                explanation(2, List.of(1L, 2L), 0.02, 1),
                explanation(3, List.of(), 0, 2.5),
                explanation(4, List.of(3L, 4L), 0.731, 1.75),
                explanation(5, List.of(5L, 6L, 7L), 1.9, 3));
        ExplainCommand.printOrder(tablets, new PrintWriter(out, true));
        assertEquals("""
            merged in this order, where several could be:
              lane             score  tablet  waits for
              ---------------  -----  ------  --------------------------
              keep reads fast  1.900       5  -
              keep reads fast  0.731       4  tablet 5
              reclaim space    0.020       2  tablet 4, 16 turns at most
            """, out.toString().replace("\r", ""));
        String text = run("explain", "parts");
        String order = text.substring(text.indexOf("merged in this order"));
        assertEquals(
                2,
                order.lines()
                        .filter(line -> line.startsWith("  keep reads fast  "))
                        .count(),
                text);
        assertTrue(order.contains("  tablet "), text);
        String json = run("explain", "parts", "--json");
        assertEquals(2, json.split("\"lane\": \"keep reads fast\"", -1).length - 1, json);
        assertTrue(json.contains("\"lane\": null"), json);
        assertTrue(json.contains("\"score\": 0."), json);
        assertEquals(2, json.split("\"waitsForTablet\": null", -1).length - 1, json);
    }

    private static TabletExplanation explanation(long tabletId, List<Long> files, double gain, double height) {
        var choice = new MergePolicy.Choice(files, List.of(), gain, height, "");
        return new TabletExplanation(tabletId, List.of(), height, choice, 1, "");
    }

    @Test
    void ofManyItShowsSome() {
        String text = run("explain", "herd", Long.toString(tabletId), "--rowsets", "1");
        assertEquals(1, text.lines().filter(line -> line.contains("#")).count(), text);
        assertTrue(text.contains("and 2 more; --rowsets shows them"), text);
    }

    @Test
    void scriptsGetAllOfIt() {
        String json = run("explain", "herd", "--json", "--rowsets", "1");
        assertTrue(json.contains("\"tablet\": " + tabletId), json);
        assertEquals(3, json.split("\"rowset\": ", -1).length - 1, json);
        assertTrue(json.contains("\"leastKey\": \"(id=4000)\""), json);
        assertTrue(json.contains("\"reason\": "), json);
    }

    @Test
    void whatHasNoRowsOnDiskIsSaidToHaveNone() {
        assertTrue(run("explain", "empty").contains(": 0 rowsets, 0 B"), out.toString());
    }

    @Test
    void whatIsNotThereIsNamedWithWhatIs() {
        assertEquals(Main.USAGE, execute("explain", "herd", "4711"));
        assertTrue(
                err.toString().contains("table \"herd\" has no tablet 4711; it has [" + tabletId + "]"),
                err.toString());
        assertEquals(Main.USAGE, execute("explain"));
        assertTrue(err.toString().contains("Missing required parameter: 'TABLE'"), err.toString());
        assertEquals(Main.USAGE, execute("explain", "herd", "--rowsets", "0"));
        assertTrue(err.toString().contains("--rowsets must be at least 1, was 0"), err.toString());
    }

    private String run(String... arguments) {
        out.getBuffer().setLength(0);
        assertEquals(Main.OK, execute(arguments), err.toString());
        return out.toString();
    }

    private int execute(String... arguments) {
        String[] all = Stream.concat(Stream.of(arguments), Stream.of("--data", directory.toString()))
                .toArray(String[]::new);
        return Main.command(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(all);
    }
}
