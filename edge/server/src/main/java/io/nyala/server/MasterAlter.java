package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.catalog.CatalogLimits;
import io.nyala.engine.AlterTable;
import io.nyala.engine.Table;
import io.nyala.engine.TableExistsException;
import io.nyala.partition.PartitionMap;
import io.nyala.partition.RangeBounds;
import io.nyala.partition.RangePartition;
import io.nyala.protocol.Common.ColumnSchemaDeltaPB;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.master.Master.AlterTableRequestPB;
import io.nyala.protocol.master.Master.AlterTableResponsePB;
import io.nyala.protocol.master.Master.MasterErrorPB;
import io.nyala.rows.Column;
import io.nyala.rows.Schema;
import io.nyala.wire.WirePartitions;
import io.nyala.wire.WireSchema;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;

/** One AlterTable request: its steps put to the table, all of them or none. One thread. */
final class MasterAlter {
    /** Each time it has met another change; clients change a table in a row, but not that often. */
    private static final int ATTEMPTS_MAX = 10;

    /** As a Kudu begins, as shipped; it goes on with the flag that switches limits on, and here is none. */
    private static final String LIMITS_REFUSED =
            "altering table limit is not supported: a table here has no limits on its size and rows";

    /** Of steps in a line for people. */
    private static final int WORDS_MAX = 8;

    private final Table table;
    private final Schema schema;
    private final PartitionMap partitions;
    private final AlterTableRequestPB request;
    private final AlterTable change;

    /** Names of the columns after the steps until now. */
    private final Set<String> names = new HashSet<>();

    /** The range partitions after the steps until now. */
    private final Set<RangeBounds> ranges = new HashSet<>();

    MasterAlter(Table table, AlterTableRequestPB request) {
        this.table = table;
        this.request = request;
        this.change = table.alter();
        this.schema = table.schema();
        this.partitions = table.partitions();
        schema.columns().forEach(column -> names.add(column.name()));
        partitions.ranges().forEach(range -> ranges.add(range.bounds()));
    }

    /**
     * Makes the change. Its steps are looked at before, for the answers that clients know; if another change of the
     * table has come in between, once more, so that who is second is told what is in its way.
     */
    AlterTableResponsePB commit(String tableId) {
        MasterAlter alter = this;
        for (int attempt = 1; ; attempt++) {
            try {
                return alter.commitOnce(tableId);
            } catch (IllegalArgumentException e) {
                if (attempt == ATTEMPTS_MAX || alter.isOfTableAsItIs()) {
                    throw e;
                }
            }
            alter = new MasterAlter(table, request);
        }
    }

    @SuppressWarnings("ReferenceEquality") // Each change makes others.
    private boolean isOfTableAsItIs() {
        return table.schema() == schema && table.partitions() == partitions;
    }

    private AlterTableResponsePB commitOnce(String tableId) {
        if (request.hasDiskSizeLimit() || request.hasRowCountLimit()) {
            throw invalid(ErrorCode.NOT_SUPPORTED, LIMITS_REFUSED);
        }
        request.getAlterSchemaStepsList().forEach(this::step);
        describe();
        try {
            change.commit();
        } catch (TableExistsException e) {
            throw new MasterException(
                    MasterErrorPB.Code.TABLE_ALREADY_PRESENT,
                    ErrorCode.ALREADY_PRESENT,
                    "table " + request.getNewTableName() + " already exists");
        }
        return AlterTableResponsePB.newBuilder()
                .setSchemaVersion(table.schema().version())
                .setTableId(ByteString.copyFromUtf8(tableId))
                .build();
    }

    /** What was asked for, for who watches the server. */
    String words() {
        List<String> words = new ArrayList<>();
        request.getAlterSchemaStepsList().forEach(step -> words.add(words(step)));
        if (request.hasNewTableName()) {
            words.add("renamed to " + request.getNewTableName());
        }
        if (request.hasNewTableOwner()) {
            words.add("owner " + request.getNewTableOwner());
        }
        if (request.hasNewTableComment()) {
            words.add("comment changed");
        }
        new TreeMap<>(request.getNewExtraConfigsMap()).forEach((name, value) -> words.add(name + " = " + value));
        String more = words.size() > WORDS_MAX ? " and " + (words.size() - WORDS_MAX) + " more" : "";
        return words.isEmpty()
                ? "nothing changed"
                : String.join(", ", words.subList(0, Math.min(WORDS_MAX, words.size()))) + more;
    }

    private static String words(AlterTableRequestPB.Step step) {
        return switch (step.getType()) {
            case ADD_COLUMN -> "column " + step.getAddColumn().getSchema().getName() + " added";
            case DROP_COLUMN -> "column " + step.getDropColumn().getName() + " dropped";
            case RENAME_COLUMN ->
                "column " + step.getRenameColumn().getOldName() + " renamed to "
                        + step.getRenameColumn().getNewName();
            case ALTER_COLUMN -> words(step.getAlterColumn().getDelta());
            case ADD_RANGE_PARTITION -> "a range added";
            case DROP_RANGE_PARTITION -> "a range dropped with its rows";
            case UNKNOWN -> "an unknown step";
        };
    }

    private static String words(ColumnSchemaDeltaPB delta) {
        StringJoiner changed = new StringJoiner(" and ");
        if (delta.hasNewName() && !delta.getNewName().equals(delta.getName())) {
            changed.add("renamed to " + delta.getNewName());
        }
        if (delta.hasDefaultValue() || delta.getRemoveDefault()) {
            changed.add(delta.getRemoveDefault() ? "without default" : "with another default");
        }
        if (delta.hasEncoding() || delta.hasCompression() || delta.hasBlockSize()) {
            changed.add("stored otherwise");
        }
        if (delta.hasImmutable()) {
            changed.add(delta.getImmutable() ? "immutable" : "mutable");
        }
        if (delta.hasNewComment()) {
            changed.add("with another comment");
        }
        return "column " + delta.getName() + " " + (changed.length() == 0 ? "as it was" : changed.toString());
    }

    private void step(AlterTableRequestPB.Step step) {
        switch (step.getType()) {
            case ADD_COLUMN -> add(step.getAddColumn().getSchema());
            case DROP_COLUMN -> drop(step.getDropColumn().getName());
            case RENAME_COLUMN ->
                rename(
                        step.getRenameColumn().getOldName(),
                        step.getRenameColumn().getNewNameBytes());
            case ALTER_COLUMN -> alter(step.getAlterColumn().getDelta());
            case ADD_RANGE_PARTITION -> addRange(step.getAddRangePartition());
            case DROP_RANGE_PARTITION -> dropRange(step.getDropRangePartition());
            case UNKNOWN -> throw invalid(ErrorCode.INVALID_ARGUMENT, "Invalid alter schema step type: " + step);
        }
    }

    private SchemaPB view() {
        return request.getSchema();
    }

    private void add(ColumnSchemaPB given) {
        Column column = WireSchema.toColumn(given);
        if (!names.add(column.name())) {
            throw exists(column.name());
        }
        change.addColumn(column);
    }

    private void drop(String name) {
        if (!names.remove(name)) {
            throw missing(name);
        }
        change.dropColumn(name);
    }

    private void rename(String name, ByteString given) {
        WireSchema.checkName("column", given);
        String newName = given.toStringUtf8();
        if (!names.contains(name)) {
            throw missing(name);
        }
        if (!names.add(newName)) {
            throw exists(newName);
        }
        names.remove(name);
        change.renameColumn(name, newName);
    }

    private void alter(ColumnSchemaDeltaPB delta) {
        if (!names.contains(delta.getName())) {
            throw missing(delta.getName());
        }
        change.changeColumn(delta.getName(), column -> WireSchema.change(column, delta));
        if (delta.hasNewName() && !delta.getNewName().equals(delta.getName())) {
            rename(delta.getName(), delta.getNewNameBytes());
        }
    }

    private void addRange(AlterTableRequestPB.AddRangePartition step) {
        RangePartition range = WirePartitions.toRange(
                table.partitions().schema(),
                view(),
                step.getRangeBounds(),
                step.hasCustomHashSchema() ? step.getCustomHashSchema().getHashSchemaList() : null);
        if (!ranges.add(range.bounds())) {
            throw invalid(ErrorCode.ALREADY_PRESENT, "range partition already exists: " + describe(range));
        }
        if (ranges.stream().filter(range.bounds()::overlaps).count() > 1) { // More than itself.
            throw invalid(
                    ErrorCode.INVALID_ARGUMENT, "new range partition conflicts with existing one: " + describe(range));
        }
        change.addRange(range);
    }

    private void dropRange(AlterTableRequestPB.DropRangePartition step) {
        RangePartition range = WirePartitions.toRange(table.partitions().schema(), view(), step.getRangeBounds(), null);
        if (!ranges.remove(range.bounds())) {
            throw invalid(ErrorCode.INVALID_ARGUMENT, "no range partition to drop: " + describe(range));
        }
        change.dropRange(range);
    }

    private String describe(RangePartition range) {
        return table.partitions().schema().describe(range.bounds());
    }

    private void describe() {
        if (request.hasNewTableName()) {
            WireSchema.checkName("table", request.getNewTableNameBytes());
            change.rename(request.getNewTableName());
        }
        if (request.hasNewTableOwner()) {
            WireSchema.checkOwner(request.getNewTableOwnerBytes(), CatalogLimits.OWNER_BYTES_MAX);
            change.owner(request.getNewTableOwner());
        }
        if (request.hasNewTableComment()) {
            WireSchema.checkComment(request.getNewTableCommentBytes());
            change.comment(request.getNewTableComment());
        }
        ExtraConfigs.change(change, request.getNewExtraConfigsMap());
    }

    private static MasterException exists(String column) {
        return new MasterException(
                MasterErrorPB.Code.INVALID_SCHEMA, ErrorCode.ALREADY_PRESENT, "The column already exists: " + column);
    }

    private static MasterException missing(String column) {
        return new MasterException(
                MasterErrorPB.Code.INVALID_SCHEMA,
                ErrorCode.NOT_FOUND,
                "The specified column does not exist: " + column);
    }

    private static MasterException invalid(ErrorCode code, String message) {
        return new MasterException(MasterErrorPB.Code.UNKNOWN_ERROR, code, message);
    }
}
