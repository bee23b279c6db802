package io.nyala.wire;

import com.google.protobuf.ByteString;
import io.nyala.partition.HashLevel;
import io.nyala.partition.Partition;
import io.nyala.partition.PartitionMap;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangeBounds;
import io.nyala.partition.RangePartition;
import io.nyala.protocol.Common.PartitionPB;
import io.nyala.protocol.Common.PartitionSchemaPB;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.rows.Column;
import io.nyala.rows.Schema;
import io.nyala.wire.WireException.Fault;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * How a table is cut into tablets: what a client wants, and what is, for a client. Bounds come as rows; an exclusive
 * lower or an inclusive upper one is moved to the next value, as Kudu does it. For the control plane. Stateless.
 */
public final class WirePartitions {
    private WirePartitions() {}

    /**
     * The partitioning of a table, and its ranges.
     *
     * @param schema of the table's tablets
     * @param ranges disjoint
     */
    public record TablePartitions(PartitionSchema schema, List<RangePartition> ranges) {
        public TablePartitions {
            ranges = List.copyOf(ranges);
        }
    }

    /**
     * What a table is to be cut into when it is created. Without a range schema the range level has all columns of the
     * key.
     *
     * @param schema of the table, in which the bounds are written
     * @param bounds split points, or pairs of bounds, or both
     * @param mayBeEmpty whether there is no range if there is no bound, or else one of all rows. As in Kudu, that holds
     *     for tables without range columns too, which then never get one
     */
    public static TablePartitions toPartitions(
            Schema schema, PartitionSchemaPB given, RowOperationsPB bounds, boolean mayBeEmpty) {
        PartitionSchema partitioning = partitioning(schema, given);
        List<RangeRows.Row> rows = RangeRows.read(bounds, ClientColumns.ofTable(schema));
        List<RangePartition> ranges = given.getCustomHashSchemaRangesCount() > 0
                ? customRanges(partitioning, given, rows)
                : ranges(partitioning, rows, mayBeEmpty);
        checked(() -> PartitionMap.of(partitioning, ranges));
        return new TablePartitions(partitioning, ranges);
    }

    private static PartitionSchema partitioning(Schema schema, PartitionSchemaPB given) {
        PartitionSchema.Builder builder = PartitionSchema.of(schema);
        for (HashLevel level : levels(schema, given.getHashSchemaList())) {
            builder.hash(level);
        }
        List<Column> range = given.hasRangeSchema()
                ? columns(schema, given.getRangeSchema().getColumnsList())
                : schema.columns().subList(0, schema.keyColumnCount());
        if (!range.isEmpty()) {
            builder.range(range.stream().map(Column::name).toArray(String[]::new));
        }
        return checked(builder::build);
    }

    private static List<HashLevel> levels(Schema schema, List<PartitionSchemaPB.HashBucketSchemaPB> given) {
        List<HashLevel> levels = new ArrayList<>();
        for (PartitionSchemaPB.HashBucketSchemaPB level : given) {
            List<Integer> ids = columns(schema, level.getColumnsList()).stream()
                    .map(Column::id)
                    .toList();
            levels.add(checked(() -> new HashLevel(ids, level.getNumBuckets(), level.getSeed())));
        }
        return levels;
    }

    private static List<Column> columns(Schema schema, List<PartitionSchemaPB.ColumnIdentifierPB> given) {
        List<Column> columns = new ArrayList<>();
        for (PartitionSchemaPB.ColumnIdentifierPB column : given) {
            int index =
                    switch (column.getIdentifierCase()) {
                        case ID -> schema.indexOfId(column.getId());
                        case NAME -> schema.indexOf(column.getName());
                        case IDENTIFIER_NOT_SET -> -1;
                    };
            if (index < 0) {
                String what = column.hasId() ? "unknown column id: id: " : "unknown column: name: ";
                throw new WireException(
                        Fault.SCHEMA, what + (column.hasId() ? column.getId() : "\"" + column.getName() + "\""));
            }
            columns.add(schema.column(index));
        }
        return columns;
    }

    private static List<RangePartition> customRanges(
            PartitionSchema partitioning, PartitionSchemaPB given, List<RangeRows.Row> rows) {
        if (!rows.isEmpty()) {
            throw new WireException(
                    Fault.ARGUMENT,
                    "both " + (rows.getFirst().type() == RangeRows.SPLIT ? "split rows" : "range bounds")
                            + " and custom hash schema ranges must not be populated at the same time");
        }
        ClientColumns columns = ClientColumns.ofTable(partitioning.schema());
        List<RangePartition> ranges = new ArrayList<>();
        for (PartitionSchemaPB.RangeWithHashSchemaPB range : given.getCustomHashSchemaRangesList()) {
            List<RangeRows.Row> pair = RangeRows.read(range.getRangeBounds(), columns);
            if (pair.size() != 2) {
                throw new WireException(
                        Fault.SCHEMA,
                        pair.size() + " ops were provided; only two ops are expected for this pair of range bounds");
            }
            if (!pair.getFirst().isLower()) {
                throw new WireException(
                        Fault.SCHEMA,
                        "Illegal row operation type in request: "
                                + pair.getFirst().type());
            }
            if (!pair.getLast().isUpper()) {
                throw new WireException(Fault.SCHEMA, "missing upper range bound in request");
            }
            RangeBounds bounds = bounds(partitioning, pair.getFirst(), pair.getLast());
            ranges.add(new RangePartition(bounds, ownLevels(partitioning, range.getHashSchemaList())));
        }
        return ranges;
    }

    private static List<HashLevel> ownLevels(
            PartitionSchema partitioning, List<PartitionSchemaPB.HashBucketSchemaPB> given) {
        List<HashLevel> levels = levels(partitioning.schema(), given);
        if (levels.size() != partitioning.hashLevels().size()) {
            throw WireException.notSupported(
                    Fault.SCHEMA, "varying number of hash dimensions per range is not yet supported");
        }
        return levels;
    }

    private static List<RangePartition> ranges(
            PartitionSchema partitioning, List<RangeRows.Row> rows, boolean mayBeEmpty) {
        List<RangePartition> ranges = new ArrayList<>();
        List<List<@Nullable Object>> splits = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            RangeRows.Row row = rows.get(i);
            if (row.type() == RangeRows.SPLIT) {
                splits.add(rangeValues(partitioning, row));
            } else if (row.isUpper()) {
                throw new WireException(
                        Fault.ARGUMENT, "Illegal row operation type in create table request: " + row.type());
            } else if (++i == rows.size() || !rows.get(i).isUpper()) {
                throw new WireException(Fault.ARGUMENT, "missing upper range bound in create table request");
            } else {
                ranges.add(new RangePartition(bounds(partitioning, row, rows.get(i)), partitioning.hashLevels()));
            }
        }
        if (ranges.isEmpty() && !mayBeEmpty) {
            ranges.add(new RangePartition(RangeBounds.ALL, partitioning.hashLevels()));
        }
        return splits.isEmpty() ? ranges : checked(() -> partitioning.split(ranges, splits));
    }

    private static RangeBounds bounds(PartitionSchema partitioning, RangeRows.Row lower, RangeRows.Row upper) {
        @Nullable Object[] from = rangeValues(partitioning, lower).toArray();
        @Nullable Object[] to = rangeValues(partitioning, upper).toArray();
        return checked(() -> {
            if (!partitioning.hasRangeLevel()) {
                return RangeBounds.ALL;
            }
            RangePartition.Builder range = partitioning.newRange();
            range = lower.type() == RangeRows.LOWER ? range.from(from) : range.after(from);
            range = upper.type() == RangeRows.UPPER ? range.before(to) : range.upTo(to);
            return range.build().bounds();
        });
    }

    /** The values of the columns of the range level; no others may be set. */
    private static List<@Nullable Object> rangeValues(PartitionSchema partitioning, RangeRows.Row row) {
        Schema schema = partitioning.schema();
        int[] indexes = partitioning.rangeColumnIds().stream()
                .mapToInt(schema::indexOfId)
                .toArray();
        for (int i = 0; i < schema.columnCount(); i++) {
            int index = i;
            if (row.values().get(i) != null && IntStream.of(indexes).noneMatch(range -> range == index)) {
                throw new WireException(
                        Fault.ARGUMENT,
                        "split rows may only contain values for range partition columns: "
                                + schema.column(i).name());
            }
        }
        List<@Nullable Object> values = new ArrayList<>();
        for (int index : indexes) {
            values.add(row.values().get(index));
        }
        return values;
    }

    /**
     * The range of an ADD_RANGE_PARTITION or DROP_RANGE_PARTITION step.
     *
     * @param view the schema in which the client wrote the bounds; without columns for the table's
     * @param ownHashSchema the custom one, which may be without levels; null if there is none: the table's
     */
    public static RangePartition toRange(
            PartitionSchema partitioning,
            SchemaPB view,
            RowOperationsPB bounds,
            @Nullable List<PartitionSchemaPB.HashBucketSchemaPB> ownHashSchema) {
        Schema schema = partitioning.schema();
        ClientColumns columns =
                view.getColumnsCount() == 0 ? ClientColumns.ofTable(schema) : ClientColumns.of(view, schema);
        List<RangeRows.Row> rows = RangeRows.read(bounds, columns);
        if (rows.size() != 2) {
            throw new WireException(Fault.ARGUMENT, "expected two row operations for alter range partition step");
        }
        if (!rows.getFirst().isLower() || !rows.getLast().isUpper()) {
            throw new WireException(
                    Fault.ARGUMENT, "expected a lower bound and upper bound row op for alter range partition step");
        }
        List<HashLevel> levels =
                ownHashSchema == null ? partitioning.hashLevels() : ownLevels(partitioning, ownHashSchema);
        return new RangePartition(bounds(partitioning, rows.getFirst(), rows.getLast()), levels);
    }

    /** As GetTableSchema answers it: columns by id; ranges only where they have hash levels of their own. */
    public static PartitionSchemaPB toProto(PartitionSchema partitioning) {
        PartitionSchemaPB.Builder answer = PartitionSchemaPB.newBuilder();
        for (HashLevel level : partitioning.hashLevels()) {
            answer.addHashSchema(toProto(level));
        }
        answer.getRangeSchemaBuilder().addAllColumns(identifiers(partitioning.rangeColumnIds()));
        Schema schema = partitioning.schema();
        List<Column> columns = partitioning.rangeColumnIds().stream()
                .map(id -> schema.column(schema.indexOfId(id)))
                .toList();
        for (RangePartition range : partitioning.customRanges()) {
            answer.addCustomHashSchemaRangesBuilder()
                    .setRangeBounds(RangeRows.write(
                            schema,
                            columns,
                            partitioning.values(range.bounds().lower()),
                            partitioning.values(range.bounds().upper())))
                    .addAllHashSchema(range.hashLevels().stream()
                            .map(WirePartitions::toProto)
                            .toList());
        }
        return answer.build();
    }

    private static PartitionSchemaPB.HashBucketSchemaPB toProto(HashLevel level) {
        return PartitionSchemaPB.HashBucketSchemaPB.newBuilder()
                .addAllColumns(identifiers(level.columnIds()))
                .setNumBuckets(level.buckets())
                .setSeed(level.seed())
                .build();
    }

    private static List<PartitionSchemaPB.ColumnIdentifierPB> identifiers(List<Integer> columnIds) {
        return columnIds.stream()
                .map(id -> PartitionSchemaPB.ColumnIdentifierPB.newBuilder()
                        .setId(id)
                        .build())
                .toList();
    }

    /** The partition of a tablet. */
    public static PartitionPB toProto(Partition partition) {
        return PartitionPB.newBuilder()
                .addAllHashBuckets(partition.hashBuckets())
                .setPartitionKeyStart(ByteString.copyFrom(partition.keyStart()))
                .setPartitionKeyEnd(ByteString.copyFrom(partition.keyEnd()))
                .build();
    }

    /**
     * What a tablet answers to a request with a row that is not its own.
     *
     * @param partition the tablet's, by its index
     * @param row packed, as in an operation of a batch
     */
    public static WireException notInPartition(PartitionMap map, int partition, MemorySegment memory, long row) {
        return new WireException(
                AppStatusPB.ErrorCode.NOT_FOUND,
                Fault.ARGUMENT,
                "Row not in tablet partition. Partition: '"
                        + map.schema().describeAsKudu(map.partitions().get(partition)) + "', row: '"
                        + map.describeRowAsKudu(memory, row) + "'.");
    }

    private static <T> T checked(Supplier<T> made) {
        try {
            return made.get();
        } catch (IllegalArgumentException e) {
            throw new WireException(Fault.SCHEMA, e);
        }
    }
}
