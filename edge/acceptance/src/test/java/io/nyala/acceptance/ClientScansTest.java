package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.apache.kudu.client.AlterTableOptions;
import org.apache.kudu.client.AsyncKuduScanner.ReadMode;
import org.apache.kudu.client.AsyncKuduScanner.RowDataFormat;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduPredicate;
import org.apache.kudu.client.KuduPredicate.ComparisonOp;
import org.apache.kudu.client.KuduScanToken;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduScanner.KuduScannerBuilder;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.PartialRow;
import org.apache.kudu.client.ReplicaSelection;
import org.apache.kudu.client.RowResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: each kind of scan that the published client offers reads what it should. Method: one table, half of whose rows
 * are on disk of our server, and the same scans of it and of a real Kudu's; then stories of scanners and of times.
 */
@ExtendWith(Both.Parameter.class)
final class ClientScansTest {
    private static final String SCANNED = "scanned";
    private static final int ROWS = 500;

    /** A kind of scan: what it changes in one that reads all in order. */
    enum Kind {
        ALL(ROWS, builder -> builder),
        ONE_COLUMN(ROWS, builder -> builder.setProjectedColumnNames(List.of("v"))),
        COLUMNS_IN_ANOTHER_ORDER(ROWS, builder -> builder.setProjectedColumnNames(List.of("v", "k"))),
        COLUMNS_BY_PLACE(ROWS, builder -> builder.setProjectedColumnIndexes(List.of(1))),
        NO_COLUMNS(ROWS, builder -> builder.setProjectedColumnNames(List.of())),
        NO_COLUMNS_WITH_A_PREDICATE(
                250, builder -> builder.setProjectedColumnNames(List.of()).addPredicate(below(250))),
        ONE_COLUMN_WITH_A_PREDICATE_ON_ANOTHER(
                250, builder -> builder.setProjectedColumnNames(List.of("v")).addPredicate(below(250))),
        ONE_ROW(1, builder -> builder.limit(1)),
        SOME_ROWS(77, builder -> builder.limit(77)),
        MORE_ROWS_THAN_THERE_ARE(ROWS, builder -> builder.limit(ROWS + 1)),
        SOME_ROWS_WITH_A_PREDICATE(7, builder -> builder.limit(7).addPredicate(below(250))),
        FROM_A_KEY(400, builder -> builder.lowerBound(key(100))),
        UP_TO_A_KEY(100, builder -> builder.exclusiveUpperBound(key(100))),
        BETWEEN_KEYS(100, builder -> builder.lowerBound(key(100)).exclusiveUpperBound(key(200))),
        BETWEEN_KEYS_THAT_ARE_ONE(0, builder -> builder.lowerBound(key(100)).exclusiveUpperBound(key(100))),
        BETWEEN_KEYS_WITH_A_PREDICATE(
                50, builder -> builder.lowerBound(key(200)).addPredicate(below(250))),
        IN_SMALL_BATCHES(ROWS, builder -> builder.batchSizeBytes(1)),
        WITHOUT_THE_CACHE(ROWS, builder -> builder.cacheBlocks(false)),
        OF_THE_LEADER(ROWS, builder -> builder.replicaSelection(ReplicaSelection.LEADER_ONLY)),
        OF_THE_CLOSEST_REPLICA(ROWS, builder -> builder.replicaSelection(ReplicaSelection.CLOSEST_REPLICA)),
        NAMED(ROWS, builder -> builder.setQueryId("a name for logs")),
        NOT_IN_ORDER(ROWS, builder -> builder.setFaultTolerant(false)),
        OF_THE_LATEST(
                ROWS,
                builder -> builder.setFaultTolerant(false)
                        .snapshotTimestampRaw(KuduClient.NO_TIMESTAMP)
                        .readMode(ReadMode.READ_LATEST)),
        OF_ONES_OWN_WRITES(
                ROWS,
                builder -> builder.setFaultTolerant(false)
                        .snapshotTimestampRaw(KuduClient.NO_TIMESTAMP)
                        .readMode(ReadMode.READ_YOUR_WRITES));

        private final int rows;

        @SuppressWarnings("ImmutableEnumChecker") // It has no state.
        private final UnaryOperator<KuduScannerBuilder> change;

        Kind(int rows, UnaryOperator<KuduScannerBuilder> change) {
            this.rows = rows;
            this.change = change;
        }

        boolean isOrdered() {
            return this != NOT_IN_ORDER && this != OF_THE_LATEST && this != OF_ONES_OWN_WRITES;
        }
    }

    private static KuduPredicate below(int k) {
        return KuduPredicate.newComparisonPredicate(SmallTable.SCHEMA.getColumn("k"), ComparisonOp.LESS, k);
    }

    private static PartialRow key(int k) {
        PartialRow row = SmallTable.SCHEMA.newPartialRow();
        row.addInt("k", k);
        return row;
    }

    /** The table of all kinds, made by the first of them; even rows of ours are on disk, odd ones in memory. */
    private static void require(Both both) throws Exception {
        if (both.ourClient().tableExists(SCANNED)) {
            return;
        }
        for (int half = 0; half < 2; half++) {
            for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
                KuduTable table = half == 0 ? SmallTable.create(client, SCANNED) : client.openTable(SCANNED);
                SmallTable.fill(client, table, half, 2, ROWS);
            }
            if (half == 0) {
                both.flushOurs(SCANNED);
            }
        }
    }

    /** By rows and by columns; the same rows, and in the same order where the scan has one. */
    @ParameterizedTest
    @EnumSource
    void eachKindOfScanReadsItsRows(Kind kind, Both both) throws Exception {
        require(both);
        for (RowDataFormat format : RowDataFormat.values()) {
            both.same(client -> {
                KuduScanner scanner = kind.change
                        .apply(TypedTable.scan(client, client.openTable(SCANNED)))
                        .build();
                scanner.setRowDataFormat(format);
                List<String> rows = SmallTable.read(scanner);
                assertEquals(kind.rows, rows.size(), client::getMasterAddressesAsString);
                assertTrue(scanner.isClosed() || !scanner.hasMoreRows());
                return kind.isOrdered()
                        ? rows.toString()
                        : rows.stream().sorted().toList().toString();
            });
        }
    }

    @Test
    void tokensReadTheTableInPartsAlsoElsewhere(Both both) throws Exception {
        both.tell("3 tokens, 300 rows, 0 to 299", client -> {
            KuduTable table = SmallTable.filled(client, "tokens", ROWS);
            TreeSet<Integer> keys = new TreeSet<>();
            List<KuduScanToken> tokens = client.newScanTokenBuilder(table)
                    .setProjectedColumnNames(List.of("k"))
                    .readMode(ReadMode.READ_YOUR_WRITES)
                    .addPredicate(below(300))
                    .build();
            try (KuduClient elsewhere = Clients.of(client)) {
                for (KuduScanToken token : tokens) {
                    for (RowResult row : KuduScanToken.deserializeIntoScanner(token.serialize(), elsewhere)) {
                        assertTrue(keys.add(row.getInt("k")));
                    }
                }
            }
            return tokens.size() + " tokens, " + keys.size() + " rows, " + keys.first() + " to " + keys.last();
        });
    }

    /** Tokens without what the table is, which the one who reads asks for, of a table that has changed since. */
    @Test
    void tokensOfATableThatHasChangedReadWhatIsThere(Both both) throws Exception {
        both.same(client -> {
            Said said = new Said();
            for (boolean isWhole : new boolean[] {true, false}) {
                String name = "token_" + isWhole;
                KuduTable table = SmallTable.filled(client, name, 10);
                List<byte[]> tokens = new ArrayList<>();
                for (KuduScanToken token : client.newScanTokenBuilder(table)
                        .includeTableMetadata(isWhole)
                        .includeTabletMetadata(isWhole)
                        .readMode(ReadMode.READ_YOUR_WRITES)
                        .build()) {
                    tokens.add(token.serialize());
                }
                read(said, client, tokens, "as it was " + isWhole);
                client.alterTable(name, new AlterTableOptions().renameColumn("v", "w"));
                read(said, client, tokens, "a column renamed " + isWhole);
                client.alterTable(name, new AlterTableOptions().renameColumn("w", "v"));
                client.alterTable(name, new AlterTableOptions().renameTable(name + "_new"));
                read(said, client, tokens, "table renamed " + isWhole);
            }
            return said.toString();
        });
    }

    private static void read(Said said, KuduClient client, List<byte[]> tokens, String what) throws Exception {
        said.ask(what, () -> {
            List<String> rows = new ArrayList<>();
            for (byte[] token : tokens) {
                rows.addAll(SmallTable.read(KuduScanToken.deserializeIntoScanner(token, client)));
            }
            return rows.stream().sorted().toList().toString();
        });
    }

    // ---- Scanners ----

    @Test
    void aScannerThatIsKeptAliveGoesOn(Both both) throws Exception {
        both.tell("500 rows, closed true", client -> {
            KuduTable table = SmallTable.filled(client, "alive", ROWS);
            KuduScanner scanner =
                    TypedTable.scan(client, table).batchSizeBytes(100).build();
            int rows = scanner.nextRows().getNumRows();
            scanner.keepAlive();
            scanner.startKeepAlivePeriodically(20);
            rows += SmallTable.read(scanner).size();
            scanner.stopKeepAlivePeriodically();
            scanner.close();
            return rows + " rows, closed " + scanner.isClosed();
        });
    }

    @Test
    void aScannerThatIsClosedGivesNothingMore(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = SmallTable.filled(client, "closed", ROWS);
            KuduScanner scanner =
                    TypedTable.scan(client, table).batchSizeBytes(100).build();
            Said said = new Said();
            said.ask("open", () -> scanner.nextRows().getNumRows() > 0 ? "has rows" : "has none");
            said.tryTo("close", scanner::close);
            said.ask("closed", () -> String.valueOf(scanner.isClosed()));
            said.tryTo("keep alive", scanner::keepAlive);
            said.tryTo("close again", scanner::close);
            return said.toString();
        });
    }

    /**
     * A client that fetches ahead opens the next tablet as soon as the last rows of one are there, and hands these out
     * after the first rows of the next: in the order of keys is then each tablet, and not the table, of a real Kudu,
     * too.
     */
    @Test
    @Timeout(300)
    void aClientThatFetchesAheadMixesTheEndsOfTablets(Both both) throws Exception {
        int end = 290; // In three answers at least, of which the last is not full, and so says that it is the last.
        both.tell("rows of the second tablet came before the last of the first, 400 in all", client -> {
            KuduTable table = client.createTable(
                    "ahead",
                    SmallTable.SCHEMA,
                    new CreateTableOptions()
                            .setNumReplicas(1)
                            .setRangePartitionColumns(List.of("k"))
                            .addSplitRow(key(end)));
            SmallTable.fill(client, table, 0, 1, 400);
            KuduScanner scanner = TypedTable.scan(client, table)
                    .batchSizeBytes(1_024)
                    .prefetching(true)
                    .build();
            List<Integer> keys = new ArrayList<>();
            while (scanner.hasMoreRows()) {
                int before = keys.size();
                scanner.nextRows().forEach(row -> keys.add(row.getInt("k")));
                boolean isOneLeft = keys.size() < end && 2 * keys.size() - before >= end;
                while (isOneLeft && scanner.currentTablet() != null) {
                    assertFalse(Thread.interrupted(), "the last rows of the first tablet do not come");
                }
            }
            assertEquals(List.of(0, 1, 2), keys.subList(0, 3));
            assertTrue(keys.indexOf(end) < keys.indexOf(end - 1), keys::toString);
            assertEquals(keys.indexOf(end - 1), keys.lastIndexOf(end - 1));
            for (boolean isFirst : new boolean[] {true, false}) {
                List<Integer> ofTablet =
                        keys.stream().filter(k -> k < end == isFirst).toList();
                assertEquals(ofTablet.stream().sorted().toList(), ofTablet);
            }
            return "rows of the second tablet came before the last of the first, " + keys.size() + " in all";
        });
    }

    /** A real Kudu takes its time to let a table go; ours is gone when it says so. */
    @Test
    void aTableThatIsDroppedIsReadAndWrittenNoMore(Both both) throws Exception {
        both.tellOfOurs("""
            a scan: Not found: the table does not exist: table_id: "#" (error 0)
            a row: Not found: the table does not exist: table_id: "#" (error 0)
            """, client -> {
            KuduTable table = SmallTable.filled(client, "scan_dropped", ROWS);
            client.deleteTable("scan_dropped");
            Said said = new Said();
            said.ask("a scan", () -> SmallTable.rows(client, table).toString());
            said.ask(
                    "a row",
                    () -> ClusterRun.failure(client.newSession()
                            .apply(SmallTable.insert(table, 1))
                            .getRowError()
                            .getErrorStatus()));
            return said.toString();
        });
    }

    // ---- Times ----

    @Test
    void aSnapshotIsTheTableAsItWas(Both both) throws Exception {
        both.tell("""
            before the first: []
            after the first: [INT32 k=1, STRING v=one]
            after the second: [INT32 k=1, STRING v=two, INT32 k=2, STRING v=two]
            after the deletion: [INT32 k=2, STRING v=two]
            now: [INT32 k=1, STRING v=again, INT32 k=2, STRING v=two]
            """, client -> {
            KuduTable table = SmallTable.create(client, "snapshots");
            Said said = new Said();
            client.newSession().apply(SmallTable.keyed(table.newDeleteIgnore(), 1)); // Tells the time.
            long before = client.getLastPropagatedTimestamp() + 1;
            client.newSession().apply(SmallTable.upsert(table, 1, "one"));
            long first = client.getLastPropagatedTimestamp() + 1;
            client.newSession().apply(SmallTable.upsert(table, 1, "two"));
            client.newSession().apply(SmallTable.upsert(table, 2, "two"));
            long second = client.getLastPropagatedTimestamp() + 1;
            client.newSession().apply(SmallTable.delete(table, 1));
            long third = client.getLastPropagatedTimestamp() + 1;
            client.newSession().apply(SmallTable.upsert(table, 1, "again"));
            said.ask("before the first", () -> at(client, table, before));
            said.ask("after the first", () -> at(client, table, first));
            said.ask("after the second", () -> at(client, table, second));
            said.ask("after the deletion", () -> at(client, table, third));
            said.ask("now", () -> SmallTable.rows(client, table).toString());
            return said.toString();
        });
    }

    private static String at(KuduClient client, KuduTable table, long time) throws KuduException {
        return SmallTable.read(client.newScannerBuilder(table)
                        .readMode(ReadMode.READ_AT_SNAPSHOT)
                        .snapshotTimestampRaw(time)
                        .build())
                .stream()
                .sorted()
                .toList()
                .toString();
    }

    @Test
    void scansThatMakeNoSenseAreRefused(Both both) throws Exception {
        both.same(client -> {
            KuduTable table = SmallTable.filled(client, "no_sense", 3);
            long hourAhead = System.currentTimeMillis() * 1000 + 3_600_000_000L;
            Said said = new Said();
            said.ask(
                    "in an hour",
                    () -> read(client.newScannerBuilder(table)
                            .readMode(ReadMode.READ_AT_SNAPSHOT)
                            .snapshotTimestampMicros(hourAhead)));
            said.ask(
                    "the latest, at a time",
                    () -> read(client.newScannerBuilder(table)
                            .readMode(ReadMode.READ_LATEST)
                            .snapshotTimestampMicros(hourAhead)));
            said.ask(
                    "the latest, in order",
                    () -> read(client.newScannerBuilder(table)
                            .readMode(ReadMode.READ_LATEST)
                            .setFaultTolerant(true)));
            said.ask(
                    "no rows at most",
                    () -> read(client.newScannerBuilder(table).limit(0)));
            said.ask(
                    "a column that is missing",
                    () -> read(client.newScannerBuilder(table).setProjectedColumnNames(List.of("x"))));
            said.ask(
                    "bounds backwards",
                    () -> read(
                            client.newScannerBuilder(table).lowerBound(key(5)).exclusiveUpperBound(key(1))));
            return Said.codes(said.toString());
        });
    }

    private static String read(KuduScannerBuilder builder) throws KuduException {
        return SmallTable.read(builder.build()).stream().sorted().toList().toString();
    }
}
