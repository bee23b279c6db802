package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.nyala.caller.WireRows;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangePartition;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.master.Master.AlterTableRequestPB;
import io.nyala.protocol.master.Master.AlterTableRequestPB.Step;
import io.nyala.protocol.master.Master.AlterTableRequestPB.StepType;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: of two changes of a table at a time, the second is told what is in its way as if it had come later. Method: a
 * request is begun, the table is changed, and the request goes on.
 */
final class MasterAlterTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32),
            Column.of("v", ColumnType.INT32).nullable(),
            Column.of("w", ColumnType.INT32).nullable());
    private static final PartitionSchema PARTITIONS =
            PartitionSchema.of(SCHEMA).range("k").build();
    private static final List<RangePartition> RANGES = PARTITIONS.splitAt(10, 20);

    private Engine engine;
    private Table table;

    @BeforeEach
    void open(@TempDir Path directory) {
        engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20));
        table = engine.createTable(TableSpec.of("t", PARTITIONS).withRanges(RANGES.subList(0, 2)));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private MasterAlter begun(Step.Builder step) {
        return new MasterAlter(
                table,
                AlterTableRequestPB.newBuilder()
                        .setTable(TableIdentifierPB.newBuilder().setTableName("t"))
                        .setSchema(view())
                        .addAlterSchemaSteps(step)
                        .build());
    }

    private static SchemaPB view() {
        return WireRows.view(SCHEMA.columns());
    }

    private static Step.Builder step(StepType type) {
        return Step.newBuilder().setType(type);
    }

    private static void assertRefused(MasterAlter alter, ErrorCode code, String message) {
        MasterException refused = assertThrows(MasterException.class, () -> alter.commit("id"));
        assertEquals(code, refused.error().getStatus().getCode());
        assertEquals(message, refused.error().getStatus().getMessage());
    }

    @Test
    void aColumnThatAnotherHasAddedIsThere() {
        Step.Builder step = step(StepType.ADD_COLUMN)
                .setAddColumn(AlterTableRequestPB.AddColumn.newBuilder()
                        .setSchema(WireRows.view(
                                        List.of(Column.of("x", ColumnType.INT64).nullable()))
                                .getColumns(0)));
        MasterAlter first = begun(step);
        MasterAlter second = begun(step);
        assertEquals(1, first.commit("id").getSchemaVersion());
        assertRefused(second, ErrorCode.ALREADY_PRESENT, "The column already exists: x");
    }

    @Test
    void aColumnThatAnotherHasDroppedIsNotFound() {
        MasterAlter drop = begun(step(StepType.DROP_COLUMN)
                .setDropColumn(AlterTableRequestPB.DropColumn.newBuilder().setName("v")));
        MasterAlter rename = begun(step(StepType.RENAME_COLUMN)
                .setRenameColumn(AlterTableRequestPB.RenameColumn.newBuilder()
                        .setOldName("v")
                        .setNewName("z")));
        table.alter().dropColumn("v").commit();
        assertRefused(drop, ErrorCode.NOT_FOUND, "The specified column does not exist: v");
        assertRefused(rename, ErrorCode.NOT_FOUND, "The specified column does not exist: v");
    }

    @Test
    void aNameThatAnotherHasTakenIsThere() {
        MasterAlter rename = begun(step(StepType.RENAME_COLUMN)
                .setRenameColumn(AlterTableRequestPB.RenameColumn.newBuilder()
                        .setOldName("v")
                        .setNewName("z")));
        table.alter().renameColumn("w", "z").commit();
        assertRefused(rename, ErrorCode.ALREADY_PRESENT, "The column already exists: z");
    }

    @Test
    void aRangeThatAnotherHasAddedIsThere() {
        MasterAlter add = begun(step(StepType.ADD_RANGE_PARTITION)
                .setAddRangePartition(
                        AlterTableRequestPB.AddRangePartition.newBuilder().setRangeBounds(bound(20))));
        table.alter().addRange(RANGES.get(2)).commit();
        assertRefused(add, ErrorCode.ALREADY_PRESENT, "range partition already exists: VALUES >= 20");
    }

    @Test
    void aRangeThatAnotherHasDroppedIsNotThere() {
        table.alter().addRange(RANGES.get(2)).commit();
        MasterAlter drop = begun(step(StepType.DROP_RANGE_PARTITION)
                .setDropRangePartition(
                        AlterTableRequestPB.DropRangePartition.newBuilder().setRangeBounds(bound(20))));
        table.alter().dropRange(RANGES.get(2)).commit();
        assertRefused(drop, ErrorCode.INVALID_ARGUMENT, "no range partition to drop: VALUES >= 20");
    }

    /** All keys from this one on. */
    private static RowOperationsPB bound(int from) {
        return new WireRows(SCHEMA)
                .add(RowOperationsPB.Type.RANGE_LOWER_BOUND, WireRows.cell(from))
                .add(RowOperationsPB.Type.RANGE_UPPER_BOUND)
                .operations();
    }
}
