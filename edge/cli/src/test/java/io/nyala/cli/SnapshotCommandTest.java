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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a state of a table can be named, read, compared with and forgotten from a terminal. Method: a directory with a
 * table of two rows; the commands run in this process.
 */
final class SnapshotCommandTest {
    private static final Schema SCHEMA = Schema.of(Column.key("id", ColumnType.INT32));

    @TempDir
    private Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private void write(OperationKind kind, int id) {
        try (Engine engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20))) {
            Table table = engine.table("herd").orElseGet(() -> engine.createTable("herd", SCHEMA));
            try (WriteBatch batch = table.newBatch()) {
                batch.rows().start(kind).setInt(0, id).end();
                batch.commit().orThrow();
            }
        }
    }

    private int execute(String... arguments) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        String[] all = new String[arguments.length + 2];
        System.arraycopy(arguments, 0, all, 0, arguments.length);
        all[arguments.length] = "--data";
        all[arguments.length + 1] = directory.toString();
        return Main.command(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(all);
    }

    private String run(String... arguments) {
        assertEquals(Main.OK, execute(arguments), err::toString);
        return out.toString().replace("\r", "");
    }

    @Test
    void aStateIsNamedReadAndForgotten() {
        write(OperationKind.INSERT, 1);
        assertTrue(run("snapshot", "create", "herd", "dawn").startsWith("\"dawn\" of \"herd\" is kept: "));
        write(OperationKind.INSERT, 2);
        write(OperationKind.DELETE, 1);
        assertEquals("id\n2\n", run("scan", "herd", "--csv"));
        assertEquals("id\n1\n", run("scan", "herd", "--as-of", "dawn", "--csv"));
        assertEquals("id,is_deleted\n1,true\n2,false\n", run("scan", "herd", "--changed-since", "dawn", "--csv"));
        assertTrue(run("snapshot", "list").contains("dawn"));
        assertTrue(run("snapshot", "list", "herd", "--json").contains("\"name\": \"dawn\""));
        assertEquals("\"dawn\" of \"herd\" is dropped\n", run("snapshot", "drop", "herd", "dawn"));
        assertEquals(Main.USAGE, execute("scan", "herd", "--as-of", "dawn"));
        assertTrue(err.toString().contains("table \"herd\" has no snapshot \"dawn\"; it has []"), err::toString);
        assertEquals(Main.FAILED, execute("snapshot", "drop", "herd", "dawn"));
        assertEquals(Main.USAGE, execute("snapshot"));
    }
}
