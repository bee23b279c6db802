package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Date;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AsyncKuduScanner.ReadMode;
import org.apache.kudu.client.AsyncKuduScanner.RowDataFormat;
import org.apache.kudu.client.ColumnRangePredicate;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.Insert;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduScanToken;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.LocatedTablet;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.PartialRow;
import org.apache.kudu.client.Partition;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: what else the published client can be asked for comes from our server as from a real Kudu. Method: stories of
 * the methods of its public classes that the other tests have no use for, told of both.
 */
@ExtendWith(Both.Parameter.class)
final class ClientApiTest {
    private static final long PATIENCE_MILLIS = 60_000;
    private static final int ROWS = 50;

    /** Those of each tablet, in the order of partitions. */
    @Test
    @SuppressWarnings("deprecation") // A client of an old program calls it.
    void tabletsAreLocatedAsThoseOfARealKudu(Both both) throws Exception {
        both.same(client -> {
            PartialRow split = SmallTable.SCHEMA.newPartialRow();
            split.addInt("k", 7);
            KuduTable table = client.createTable(
                    "located",
                    SmallTable.SCHEMA,
                    new CreateTableOptions()
                            .setNumReplicas(1)
                            .addHashPartitions(List.of("k"), 2)
                            .setRangePartitionColumns(List.of("k"))
                            .addSplitRow(split));
            StringBuilder told = new StringBuilder();
            for (LocatedTablet tablet : table.getTabletsLocations(PATIENCE_MILLIS)) {
                told.append(tablet.getReplicas().size()).append(" replica, ");
                told.append(tablet.getLeaderReplica().getRole()).append(" at ");
                told.append(tablet.getLeaderReplica().getRpcHost()).append(", of ");
                told.append(hex(tablet.getStartKey())).append(" to ");
                told.append(hex(tablet.getEndKey())).append(", an id of ");
                told.append(tablet.getTabletId().length).append('\n');
            }
            for (Partition partition : table.getRangePartitions(PATIENCE_MILLIS)) {
                told.append(hex(partition.getRangeKeyStart())).append(" to ");
                told.append(hex(partition.getRangeKeyEnd())).append(" is ");
                told.append(partition.getDecodedRangeKeyStart(table)).append(", last ");
                told.append(partition.isEndPartition()).append('\n');
            }
            return told.append(table.getRangePartitionsWithTableHashSchema(PATIENCE_MILLIS)
                            .size())
                    .toString();
        });
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    /** Bounds as bytes, predicates of old programs, tokens that become builders, rows handed out one by one. */
    @Test
    @SuppressWarnings("deprecation") // As above.
    void scansAreMadeAsOldProgramsMakeThem(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = SmallTable.filled(client, "made_as_of_old", ROWS);
            PartialRow from = SmallTable.SCHEMA.newPartialRow();
            from.addInt("k", 10);
            PartialRow to = SmallTable.SCHEMA.newPartialRow();
            to.addInt("k", 30);
            ColumnRangePredicate range = new ColumnRangePredicate(SmallTable.SCHEMA.getColumn("k"));
            range.setLowerBound(12);
            range.setUpperBound(20);
            ColumnRangePredicate raw = new ColumnRangePredicate(SmallTable.SCHEMA.getColumn("v"));
            raw.setLowerBound("row 14");
            KuduScanner scanner = TypedTable.scan(client, table)
                    .lowerBoundRaw(from.encodePrimaryKey())
                    .exclusiveUpperBoundRaw(to.encodePrimaryKey())
                    .addColumnRangePredicate(range)
                    .addColumnRangePredicatesRaw(ColumnRangePredicate.toByteArray(List.of(raw)))
                    .scanRequestTimeout(PATIENCE_MILLIS)
                    .keepAlivePeriodMs(PATIENCE_MILLIS)
                    .build();
            scanner.setReuseRowResult(true);
            StringBuilder told = new StringBuilder();
            for (RowResult row : scanner) {
                told.append(row.rowToString())
                        .append(' ')
                        .append(row.getColumnType("v"))
                        .append('\n');
            }
            return told.append(byTokens(client, table)).toString();
        });
    }

    private static String byTokens(KuduClient client, KuduTable table) throws Exception {
        List<String> rows = new ArrayList<>();
        for (KuduScanToken token : client.newScanTokenBuilder(table)
                .readMode(ReadMode.READ_YOUR_WRITES)
                .setTimeout(PATIENCE_MILLIS)
                .build()) {
            KuduScanner scanner = KuduScanToken.deserializeIntoScannerBuilder(token.serialize(), client)
                    .limit(5)
                    .build();
            scanner.setRowDataFormat(RowDataFormat.COLUMNAR);
            rows.add(SmallTable.read(scanner).size() + " of "
                    + KuduScanToken.stringifySerializedToken(token.serialize(), client)
                            .contains("made_as_of_old"));
        }
        return rows.toString();
    }

    /** A client that has no password gives another one what it may know, which then does without asking. */
    @Test
    void whatAClientMayKnowIsHandedOn(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = SmallTable.filled(client, "handed_on", ROWS);
            byte[] credentials = client.exportAuthenticationCredentials();
            try (KuduClient other = Clients.of(client)) {
                other.importAuthenticationCredentials(credentials);
                other.updateLastPropagatedTimestamp(client.getLastPropagatedTimestamp());
                return SmallTable.rows(other, other.openTable(table.getName())).size() + " rows, "
                        + other.getHiveMetastoreConfig() + " \"" + other.getLocationString() + "\" "
                        + other.hasLastPropagatedTimestamp() + " "
                        + client.getMasterAddressesAsString()
                                .equals(client.findLeaderMasterServer().toString());
            }
        });
    }

    /** Answers of single rows: when they were written, and where they were refused. */
    @Test
    void eachRowIsAnsweredWithItsTimeAndPlace(Both both) throws Exception {
        both.tell("written later true, refused by the one server true, counted 1", client -> {
            KuduTable table = SmallTable.filled(client, "answered", 3);
            KuduSession session = client.newSession();
            session.setFlushMode(FlushMode.AUTO_FLUSH_SYNC);
            OperationResponse first = session.apply(SmallTable.insert(table, 10));
            OperationResponse second = session.apply(SmallTable.insert(table, 11));
            OperationResponse refused = session.apply(SmallTable.insert(table, 1));
            boolean isThere = client.listTabletServers().getTabletServersList().size() == 1
                    && refused.getRowError().getTsUUID().equals(second.getTsUUID())
                    && second.getTsUUID().length() == 32;
            return "written later " + (first.getWriteTimestampRaw() < second.getWriteTimestampRaw())
                    + ", refused by the one server " + isThere + ", counted "
                    + OperationResponse.collectErrors(List.of(first, second, refused))
                            .size();
        });
    }

    /** By the methods that name the type, in both directions. */
    @Test
    void cellsAreWrittenAndReadByTheirTypes(Both both) throws Exception {
        Schema schema = new Schema(List.of(
                new ColumnSchema.ColumnSchemaBuilder("k", Type.INT8).key(true).build(),
                new ColumnSchema.ColumnSchemaBuilder("short", Type.INT16).build(),
                new ColumnSchema.ColumnSchemaBuilder("bool", Type.BOOL).build(),
                new ColumnSchema.ColumnSchemaBuilder("float", Type.FLOAT).build(),
                new ColumnSchema.ColumnSchemaBuilder("double", Type.DOUBLE).build(),
                new ColumnSchema.ColumnSchemaBuilder("long", Type.INT64).build(),
                new ColumnSchema.ColumnSchemaBuilder("binary", Type.BINARY).build(),
                new ColumnSchema.ColumnSchemaBuilder("string", Type.STRING).build(),
                ColumnKind.VARCHAR.column("varchar").build(),
                ColumnKind.DECIMAL64.column("decimal").build(),
                new ColumnSchema.ColumnSchemaBuilder("date", Type.DATE).build(),
                new ColumnSchema.ColumnSchemaBuilder("moment", Type.UNIXTIME_MICROS).build()));
        String told = "-3 -300 true 1.5 -2.25 4294967296 00ff é abc -12.3400 1969-12-31 -1 1969-12-31T23:59:59.999999Z";
        both.tell(told, client -> {
            KuduTable table = client.createTable(
                    "by_types",
                    schema,
                    new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of()));
            write(client, table);
            KuduScanner scanner = TypedTable.scan(client, table).build();
            RowResult row = scanner.nextRows().next();
            return String.join(
                    " ",
                    String.valueOf(row.getByte("k")),
                    String.valueOf(row.getShort("short")),
                    String.valueOf(row.getBoolean("bool")),
                    String.valueOf(row.getFloat("float")),
                    String.valueOf(row.getDouble("double")),
                    String.valueOf(row.getLong("long")),
                    hex(row.getBinaryCopy("binary")),
                    row.getString("string"),
                    row.getVarchar("varchar"),
                    row.getDecimal("decimal").toString(),
                    row.getDate("date").toString(),
                    String.valueOf(row.getLong("moment")),
                    row.getTimestamp("moment").toInstant().toString());
        });
    }

    private static void write(KuduClient client, KuduTable table) throws KuduException {
        Insert insert = table.newInsert();
        PartialRow row = insert.getRow();
        row.addByte("k", (byte) -3);
        row.addShort("short", (short) -300);
        row.addBoolean("bool", true);
        row.addFloat("float", 1.5f);
        row.addDouble("double", -2.25);
        row.addLong("long", 1L << 32);
        row.addBinary("binary", new byte[] {0, (byte) 0xff});
        row.addStringUtf8("string", "é".getBytes(StandardCharsets.UTF_8));
        row.addVarchar("varchar", "abcdef"); // Of which three remain.
        row.addDecimal("decimal", new BigDecimal("-12.3400"));
        row.addDate("date", Date.valueOf(LocalDate.ofEpochDay(-1)));
        row.addTimestamp("moment", Timestamp.from(Instant.ofEpochSecond(-1, 999_999_000)));
        KuduSession session = client.newSession();
        assertEquals(false, session.apply(insert).hasRowError());
        session.close();
    }
}
