package io.nyala.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a person and a program can read any rows of a table, and what cannot be understood is said.
 * Method: the command on a small table with awkward cells, in all its forms.
 */
final class ScanCommandTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT32),
            Column.of("name", ColumnType.STRING).nullable(),
            Column.of("day", ColumnType.DATE),
            Column.of("seen", ColumnType.UNIXTIME_MICROS),
            Column.of("weight", ColumnType.DOUBLE),
            Column.of("is_adult", ColumnType.BOOL),
            Column.of("raw bytes", ColumnType.BINARY));

    private static long beforeLast;

    @TempDir
    private static Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void writeSomeRows() {
        var config = EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20);
        try (Engine engine = Engine.open(config)) {
            Table table = engine.createTable("herd", SCHEMA);
            try (WriteBatch batch = table.newBatch()) {
                String[] names = {"Ayo, \"the first\"", null, "", "Ali's calf"};
                for (int i = 0; i < names.length; i++) {
                    if (i == names.length - 1) {
                        beforeLast = batch.commit().orThrow().timestamp();
                    }
                    batch.rows()
                            .start(OperationKind.INSERT)
                            .setInt(0, i)
                            .set(1, names[i])
                            .set(2, LocalDate.of(2026, 1, 1 + i))
                            .set(3, Instant.parse("2026-01-31T12:00:00Z").plusSeconds(i))
                            .setDouble(4, 100 + i / 2.0)
                            .set(5, i < 3)
                            .set(6, new byte[] {(byte) i, -1})
                            .end();
                }
                batch.commit().orThrow();
            }
        }
    }

    @Test
    void printsATable() {
        String text = scan("--columns", "id,weight,is_adult", "--limit", "2", "--in-key-order");
        assertEquals("""
              id  weight  is_adult
              --  ------  --------
               0   100.0  true
               1   100.5  true
            2 rows
            """, text);
    }

    @Test
    void printsCommaSeparatedValues() {
        assertEquals("""
            id,name,raw bytes
            0,"Ayo, ""the first""\",00ff
            1,,01ff
            2,"",02ff
            3,Ali's calf,03ff
            """, scan("--columns", "id,name,raw bytes", "--csv", "--in-key-order"));
    }

    @Test
    void printsAnObjectPerLine() {
        assertEquals("""
            {"id": 0, "name": "Ayo, \\"the first\\"", "day": "2026-01-01", "seen": "2026-01-31T12:00:00Z", \
            "weight": 100.0, "is_adult": true, "raw bytes": "00ff"}
            {"id": 1, "name": null, "day": "2026-01-02", "seen": "2026-01-31T12:00:01Z", \
            "weight": 100.5, "is_adult": true, "raw bytes": "01ff"}
            """, scan("--json", "--limit", "2", "--in-key-order"));
    }

    @Test
    void printsOnlyWhatIsAskedFor() {
        assertEquals("1", ids("name is null"));
        assertEquals("3", ids("name = 'Ali''s calf'"));
        assertEquals("1 2", ids("id > 0 AND id <= 2"));
        assertEquals("2 3", ids("day >= 2026-01-03"));
        assertEquals("0", ids("seen < 2026-01-31T12:00:01Z"));
        assertEquals("0 2", ids("\"raw bytes\" IN (00ff, '02ff')"));
        assertEquals("3", ids("is_adult = false"));
        assertEquals("0 2 3", ids("name IS NOT NULL"));
        assertEquals("2", ids("name IS NOT NULL", "weight = 101.0"));
    }

    @Test
    void readsThePast() {
        assertEquals(
                3, scan("--at", Long.toString(beforeLast), "--json").lines().count());
    }

    @Test
    void saysWhatItCannotRead() {
        assertRefused("there is no table \"heard\"", "heard");
        assertRefused("there is no column \"nome\"", "herd", "--columns", "id,nome");
        assertRefused("there is no column \"nome\"", "herd", "--where", "nome = 1");
        assertRefused("the condition ends where a value was expected", "herd", "--where", "id =");
        assertRefused("AND was expected, not OR", "herd", "--where", "id = 1 OR id = 2");
        assertRefused("cannot read", "herd", "--where", "name = 'open");
        assertRefused("column \"id\" is INT32", "herd", "--where", "id = many");
        assertRefused("column \"day\" is DATE", "herd", "--where", "day = yesterday");
        assertRefused("true or false was expected", "herd", "--where", "is_adult = 1");
        assertRefused("--at takes a time", "herd", "--at", "yesterday");
    }

    private void assertRefused(String message, String... arguments) {
        err.getBuffer().setLength(0);
        assertEquals(Main.USAGE, run(arguments), err.toString());
        assertTrue(err.toString().contains(message), err.toString());
    }

    private String ids(String... conditions) {
        List<String> arguments = new ArrayList<>(List.of("--columns", "id", "--csv", "--in-key-order"));
        for (String condition : conditions) {
            arguments.add("--where");
            arguments.add(condition);
        }
        return String.join(
                " ", scan(arguments.toArray(String[]::new)).lines().skip(1).toList());
    }

    private String scan(String... arguments) {
        out.getBuffer().setLength(0);
        List<String> all = new ArrayList<>(List.of("herd"));
        all.addAll(List.of(arguments));
        assertEquals(Main.OK, run(all.toArray(String[]::new)), err.toString());
        return out.toString();
    }

    private int run(String... arguments) {
        List<String> all = new ArrayList<>(List.of("scan"));
        all.addAll(List.of(arguments));
        all.addAll(List.of("--data", directory.toString()));
        return Main.command(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(all.toArray(String[]::new));
    }
}
