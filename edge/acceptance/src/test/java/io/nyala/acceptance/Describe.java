package io.nyala.acceptance;

import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduScanToken;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Partition;

/** A table as a client sees it, in words. Stateless. */
final class Describe {
    private Describe() {}

    static String table(KuduTable table) throws KuduException {
        StringBuilder text = new StringBuilder(table.getName());
        for (ColumnSchema column : table.getSchema().getColumns()) {
            text.append("\n  ")
                    .append(column)
                    .append(" id ")
                    .append(table.getSchema().getColumnId(column.getName()))
                    .append(" nullable ")
                    .append(column.isNullable())
                    .append(" immutable ")
                    .append(column.isImmutable())
                    .append(" default ")
                    .append(value(column.getDefaultValue()))
                    .append(" encoding ")
                    .append(column.getEncoding())
                    .append(" compression ")
                    .append(column.getCompressionAlgorithm())
                    .append(" comment ")
                    .append(column.getComment());
        }
        text.append("\n  settings ").append(settings(table));
        text.append("\n  ranges ").append(ranges(table));
        table.getPartitionSchema()
                .getHashBucketSchemas()
                .forEach(level -> text.append("\n  hash ")
                        .append(level.getColumnIds())
                        .append(" into ")
                        .append(level.getNumBuckets())
                        .append(" seed ")
                        .append(level.getSeed()));
        return text.toString();
    }

    /** But that one which a real Kudu leaves on tables that it recalled. */
    private static Map<String, String> settings(KuduTable table) {
        Map<String, String> settings = new TreeMap<>(table.getExtraConfig());
        settings.remove("kudu.table.disable_compaction", "0");
        return settings;
    }

    /** Which tablets there are, by the keys that they begin and end with, and what people are told of it. */
    static String partitions(KuduClient client, KuduTable table) throws KuduException {
        StringBuilder text = new StringBuilder();
        for (KuduScanToken token : client.newScanTokenBuilder(table).build()) {
            Partition partition = token.getTablet().getPartition();
            text.append("\n  ")
                    .append(partition.getHashBuckets())
                    .append(' ')
                    .append(HexFormat.of().formatHex(partition.getPartitionKeyStart()))
                    .append(" to ")
                    .append(HexFormat.of().formatHex(partition.getPartitionKeyEnd()));
        }
        return text.append("\n  ").append(ranges(table)).toString();
    }

    private static Object ranges(KuduTable table) throws KuduException {
        try {
            return table.getFormattedRangePartitionsWithHashSchema(60_000);
        } catch (KuduException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static String value(Object value) {
        return value instanceof byte[] bytes ? HexFormat.of().formatHex(bytes) : String.valueOf(value);
    }
}
