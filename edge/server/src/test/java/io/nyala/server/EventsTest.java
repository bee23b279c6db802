package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Message;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.protocol.Common.ColumnSchemaDeltaPB;
import io.nyala.protocol.master.Master.AlterTableRequestPB;
import io.nyala.protocol.master.Master.AlterTableRequestPB.AddColumn;
import io.nyala.protocol.master.Master.AlterTableRequestPB.AlterColumn;
import io.nyala.protocol.master.Master.AlterTableRequestPB.DropColumn;
import io.nyala.protocol.master.Master.AlterTableRequestPB.RenameColumn;
import io.nyala.protocol.master.Master.AlterTableRequestPB.Step;
import io.nyala.protocol.master.Master.AlterTableRequestPB.StepType;
import io.nyala.protocol.master.Master.CreateTableResponsePB;
import io.nyala.protocol.master.Master.DeleteTableRequestPB;
import io.nyala.protocol.master.Master.RecallDeletedTableRequestPB;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Goal: an operator reads what became of which table, and who did it. Method: each event once, over the wire. */
final class EventsTest {
    private static final Schema SCHEMA = Schema.of(Column.key("k", ColumnType.INT32));

    @Test
    void aNameCannotForgeALine() {
        List<String> lines = new ArrayList<>();
        Events.inLines(lines::add).tell("table a\n12:00:00 stopped\u001b[2J created by \u00e4nn");
        assertEquals(List.of("table a\\u000a12:00:00 stopped\\u001b[2J created by \u00e4nn"), lines);
    }

    @Test
    void namesTheTableAlsoWhereTheClientNamedItById(@TempDir Path directory) throws IOException {
        List<String> lines = Collections.synchronizedList(new ArrayList<>());
        try (Engine engine = Engine.open(
                        EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20));
                NyalaServer server = NyalaServer.start(
                        engine, ServerConfig.standard().withMasterPort(0).withTabletServerPort(0), lines::add);
                WireClient client = WireClient.of(server.masterAddress(), "ann")) {
            CreateTableResponsePB created = client.call(
                            WireClient.MASTER, "CreateTable", RunningServer.creation("herd", SCHEMA, 2))
                    .message(CreateTableResponsePB.parser());
            TableIdentifierPB byId = TableIdentifierPB.newBuilder()
                    .setTableId(created.getTableId())
                    .build();
            call(client, "AlterTable", muchOf(byId));
            call(client, "AlterTable", columnsOf(byId));
            DeleteTableRequestPB.Builder drop =
                    DeleteTableRequestPB.newBuilder().setTable(byId);
            call(client, "DeleteTable", drop.setReserveSeconds(600).build());
            call(
                    client,
                    "RecallDeletedTable",
                    RecallDeletedTableRequestPB.newBuilder()
                            .setTable(byId)
                            .setNewTableName("again")
                            .build());
            call(client, "DeleteTable", drop.setReserveSeconds(0).build());
        }
        assertEquals(
                List.of(
                        "table herd created by ann",
                        "table flock altered by ann: column v added, column v renamed to w and stored otherwise and"
                                + " with another comment, renamed to flock, owner bob, comment changed,"
                                + " kudu.table.history_max_age_sec = 60",
                        "table flock altered by ann: column w renamed to x, column x dropped",
                        "table flock dropped by ann",
                        "table again recalled by ann",
                        "table again dropped by ann"),
                lines.subList(0, 6));
        assertEquals(2, lines.size() - 6, lines::toString);
        assertEquals(
                "stopping: no more connections and calls are taken; 0 calls are under way and have 10 s", lines.get(6));
        assertTrue(lines.get(7).matches("stopping: all connections are closed, after [0-9]+ ms"), lines.get(7));
    }

    private static AlterTableRequestPB muchOf(TableIdentifierPB table) {
        return AlterTableRequestPB.newBuilder()
                .setTable(table)
                .setNewTableName("flock")
                .setNewTableOwner("bob")
                .setNewTableComment("of sheep")
                .putNewExtraConfigs("kudu.table.history_max_age_sec", "60")
                .setSchema(WireRows.view(SCHEMA.columns()))
                .addAlterSchemaSteps(step(StepType.ADD_COLUMN)
                        .setAddColumn(AddColumn.newBuilder()
                                .setSchema(WireRows.view(List.of(
                                                Column.of("v", ColumnType.INT64).nullable()))
                                        .getColumns(0))))
                .addAlterSchemaSteps(step(StepType.ALTER_COLUMN)
                        .setAlterColumn(AlterColumn.newBuilder()
                                .setDelta(ColumnSchemaDeltaPB.newBuilder()
                                        .setName("v")
                                        .setNewName("w")
                                        .setBlockSize(8192)
                                        .setNewComment("x"))))
                .build();
    }

    private static AlterTableRequestPB columnsOf(TableIdentifierPB table) {
        return AlterTableRequestPB.newBuilder()
                .setTable(table)
                .setSchema(WireRows.view(SCHEMA.columns()))
                .addAlterSchemaSteps(step(StepType.RENAME_COLUMN)
                        .setRenameColumn(
                                RenameColumn.newBuilder().setOldName("w").setNewName("x")))
                .addAlterSchemaSteps(step(StepType.DROP_COLUMN)
                        .setDropColumn(DropColumn.newBuilder().setName("x")))
                .build();
    }

    private static Step.Builder step(StepType type) {
        return Step.newBuilder().setType(type);
    }

    private static void call(WireClient client, String method, Message request) throws IOException {
        assertFalse(client.call(WireClient.MASTER, method, request).isError(), method);
    }
}
