package io.nyala.wire;

import com.google.protobuf.ByteString;
import com.google.protobuf.TextFormat;
import io.nyala.partition.PartitionMap;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.PartitionSchemaPB;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.master.Master.GetTableSchemaResponsePB;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** What a Kudu 1.18.1 server said of a table with a column of each type. */
final class Vectors {
    /** As the table's creator sent them: a range to 0, one from 0 to 100, one behind 199 up to 299. */
    static final String BOUNDS = "060000000007040000000000000000000000060400000000000000000000"
            + "00070400000064000000000000000804000000c700000000000000090400"
            + "00002b01000000000000";

    static final PartitionSchemaPB PARTITIONING = PartitionSchemaPB.newBuilder()
            .addHashSchema(PartitionSchemaPB.HashBucketSchemaPB.newBuilder()
                    .addColumns(name("k2"))
                    .addColumns(name("k1"))
                    .setNumBuckets(3)
                    .setSeed(7))
            .setRangeSchema(PartitionSchemaPB.RangeSchemaPB.newBuilder().addColumns(name("k3")))
            .build();

    private Vectors() {}

    /** GetTableSchema. */
    static GetTableSchemaResponsePB answer() {
        try (InputStream text = Vectors.class.getResourceAsStream("/wire/table-schema.textproto")) {
            GetTableSchemaResponsePB.Builder answer = GetTableSchemaResponsePB.newBuilder();
            TextFormat.merge(new String(text.readAllBytes(), StandardCharsets.UTF_8), answer);
            return answer.build();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As a client has it: without ids, with one default. */
    static SchemaPB request() {
        SchemaPB.Builder request = SchemaPB.newBuilder();
        for (ColumnSchemaPB column : answer().getSchema().getColumnsList()) {
            request.addColumns(column.toBuilder().clearId().clearWriteDefaultValue());
        }
        return request.build();
    }

    static Schema schema() {
        return WireSchema.toSchema(request());
    }

    static PartitionMap map() {
        WirePartitions.TablePartitions partitions =
                WirePartitions.toPartitions(schema(), PARTITIONING, rows(BOUNDS, ""), false);
        return PartitionMap.of(partitions.schema(), partitions.ranges());
    }

    static PartitionSchemaPB.ColumnIdentifierPB name(String column) {
        return PartitionSchemaPB.ColumnIdentifierPB.newBuilder().setName(column).build();
    }

    static RowOperationsPB rows(String rows, String indirect) {
        return RowOperationsPB.newBuilder()
                .setRows(ByteString.fromHex(rows))
                .setIndirectData(ByteString.fromHex(indirect))
                .build();
    }

    static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }
}
