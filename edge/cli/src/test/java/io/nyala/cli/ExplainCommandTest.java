package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
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
            makeOldSnapshot(engine);
        }
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
