package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.engine.WriteBatch;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: {@code nyala ls} and {@code nyala describe} say what tables there are and what they are made of.
 * Method: a directory with a table in four tablets, a plain one and a dropped one; the commands run in this process.
 */
final class TableCommandsTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT32),
            Column.of("name", ColumnType.STRING).nullable().immutable().comment("as branded"));

    @TempDir
    private static Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void makeTables() {
        var config = EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20);
        try (Engine engine = Engine.open(config)) {
            PartitionSchema partitioning =
                    PartitionSchema.of(SCHEMA).hash(2, "id").range("id").build();
            Table herd = engine.createTable(TableSpec.of("herd", partitioning)
                    .withRanges(partitioning.splitAt(100))
                    .withOwner("ops")
                    .withComment("all of them")
                    .withSettings(new TreeMap<>(Map.of("grazing", "at dusk"))));
            try (WriteBatch batch = herd.newBatch()) {
                for (int id = 0; id < 8; id++) {
                    batch.rows()
                            .start(OperationKind.INSERT)
                            .setInt(0, id)
                            .setString(1, "n" + id)
                            .end();
                }
                batch.commit().orThrow();
            }
            herd.flush().join();
            engine.createTable("empty", SCHEMA);
            engine.createTable("old", SCHEMA);
            engine.dropTable("old", Duration.ofDays(100));
        }
    }

    @Test
    void listsTablesAlsoDroppedOnes() {
        List<String> lines = run("ls").lines().map(String::strip).toList();
        assertTrue(lines.get(0).startsWith("table"), lines::toString);
        assertTrue(lines.get(2).matches("empty +\\d+ +1 +0 .*"), lines::toString);
        assertTrue(lines.get(3).matches("herd +\\d+ +4 +8 .* ops"), lines::toString);
        assertTrue(lines.get(4).matches("old +\\d+ +1 +0 .* dropped"), lines::toString);
        assertEquals("3 tables", lines.get(5));
        String json = run("ls", "--json");
        assertTrue(json.contains("\"name\": \"herd\""), json);
        assertTrue(json.contains("\"tablets\": 4,\n    \"rows\": 8"), json);
        assertTrue(json.contains("\"dropped\": true"), json);
    }

    @Test
    void describesATableWithItsColumnsAndTablets() {
        String text = run("describe", "herd");
        assertTrue(text.contains("HASH (id) PARTITIONS 2"), text);
        assertTrue(text.contains("all of them"), text);
        assertTrue(text.contains("name STRING NULLABLE IMMUTABLE"), text);
        assertTrue(text.contains("as branded"), text);
        assertTrue(text.contains("grazing") && text.contains("at dusk"), text);
        assertEquals(
                2, text.lines().filter(line -> line.endsWith("RANGE id < 100")).count(), text);
        String json = run("describe", "herd", "--json");
        assertTrue(json.contains("\"comment\": \"as branded\""), json);
        assertTrue(json.contains("\"rows\": 8"), json);
        assertTrue(json.contains("\"grazing\": \"at dusk\""), json);
        assertTrue(json.contains("\"immutable\": true"), json);
        assertTrue(json.contains("\"immutable\": false"), json);
        assertEquals(4, json.split("\"partition\": ", -1).length - 1, json);
    }

    @Test
    void columnsAreCompressedByADictionaryFromWhenThatIsAskedFor() {
        assertTrue(
                run("describe", "empty").contains("name STRING NULLABLE IMMUTABLE  AUTO      DEFAULT"), out::toString);
        String changed = run("alter", "empty", "--compression", "name=zstd_dictionary", "--encoding", "id=Plain");
        assertEquals(
                List.of(
                        "id INT32 NOT NULL               PLAIN, DEFAULT",
                        "name STRING NULLABLE IMMUTABLE  AUTO, ZSTD_DICTIONARY"),
                changed.lines().map(String::strip).toList());
        String text = run("describe", "empty");
        assertTrue(text.contains("name STRING NULLABLE IMMUTABLE  AUTO      ZSTD_DICTIONARY"), text);
        assertTrue(run("describe", "empty", "--json").contains("\"compression\": \"ZSTD_DICTIONARY\""), out::toString);
        assertTrue(run("alter", "--help").contains("--compression l_comment=zstd_dictionary"), out::toString);
    }

    @Test
    void nothingIsAlteredIfOneColumnOrWordIsNotKnown() {
        assertEquals(Main.USAGE, execute("alter", "herd", "--compression", "name=lz4", "--encoding", "nme=dict"));
        assertTrue(
                err.toString().contains("table \"herd\" has no column \"nme\"; its columns are [id, name]"),
                err::toString);
        assertEquals(Main.USAGE, execute("alter", "herd", "--compression", "name=zip"));
        assertTrue(err.toString().contains("ZSTD_DICTIONARY"), err::toString);
        assertEquals(Main.USAGE, execute("alter", "herd"));
        assertTrue(err.toString().contains("--compression COLUMN=zstd_dictionary"), err::toString);
        assertTrue(
                run("describe", "herd").contains("name STRING NULLABLE IMMUTABLE  AUTO      DEFAULT"), out::toString);
    }

    @Test
    void namesTheTablesThatThereAreIfOneIsNot() {
        assertEquals(Main.USAGE, execute("describe", "flock"));
        assertTrue(err.toString().contains("there is no table \"flock\""), err.toString());
        assertTrue(err.toString().contains("[empty, herd]"), err.toString());
    }

    private String run(String... arguments) {
        out.getBuffer().setLength(0);
        assertEquals(Main.OK, execute(arguments), err.toString());
        return out.toString();
    }

    private int execute(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--data", directory.toString()));
        return Main.command(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(all.toArray(String[]::new));
    }
}
