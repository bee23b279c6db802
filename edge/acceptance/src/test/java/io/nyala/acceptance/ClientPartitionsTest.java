package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.ColumnSchema.ColumnSchemaBuilder;
import org.apache.kudu.Schema;
import org.apache.kudu.Type;
import org.apache.kudu.client.AlterTableOptions;
import org.apache.kudu.client.AsyncKuduScanner;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduPredicate;
import org.apache.kudu.client.KuduPredicate.ComparisonOp;
import org.apache.kudu.client.KuduScanToken;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.Operation;
import org.apache.kudu.client.OperationResponse;
import org.apache.kudu.client.PartialRow;
import org.apache.kudu.client.RangePartitionBound;
import org.apache.kudu.client.RangePartitionWithCustomHashSchema;
import org.apache.kudu.client.SessionConfiguration.FlushMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: a table may be divided in each way that a client can ask for, by hash, by several, by range and by ranges with
 * hashes of their own, and be given other ranges later. Method: the same rows into tables of each shape, of our server
 * and of a real Kudu: which tablet has which, which are refused, and what scans with predicates read must be equal.
 */
@ExtendWith(Both.Parameter.class)
final class ClientPartitionsTest {
    private static final Schema SCHEMA = new Schema(List.of(
            new ColumnSchemaBuilder("k", Type.INT32).key(true).build(),
            new ColumnSchemaBuilder("l", Type.STRING).key(true).build(),
            new ColumnSchemaBuilder("v", Type.INT32).nullable(true).build()));

    private static final RangePartitionBound INCLUSIVE = RangePartitionBound.INCLUSIVE_BOUND;
    private static final RangePartitionBound EXCLUSIVE = RangePartitionBound.EXCLUSIVE_BOUND;
    private static final List<ColumnKind> BOUND_KINDS = List.of(
            ColumnKind.INT8,
            ColumnKind.DECIMAL64,
            ColumnKind.DATE,
            ColumnKind.STRING,
            ColumnKind.VARCHAR,
            ColumnKind.BINARY);
    private static final long TIMEOUT_MILLIS = 60_000;
    private static final int K_MIN = -5;
    private static final int K_MAX = 25;
    private static final int TEXTS = 4;

    /** A way to divide the table, and how many tablets that makes. */
    enum Shape {
        NONE(1, () -> options()),
        HASH(4, () -> options().addHashPartitions(List.of("k"), 4)),
        HASH_OF_BOTH_COLUMNS(3, () -> options().addHashPartitions(List.of("k", "l"), 3)),
        HASH_WITH_A_SEED(4, () -> options().addHashPartitions(List.of("k"), 4, 77)),
        TWO_LEVELS_OF_HASH(6, () -> options().addHashPartitions(List.of("k"), 2).addHashPartitions(List.of("l"), 3, 5)),
        RANGES_WITHOUT_ENDS(
                3,
                () -> byRange()
                        .addRangePartition(none(), at(0))
                        .addRangePartition(at(0), at(10))
                        .addRangePartition(at(10), none())),
        RANGES_WITH_A_GAP(2, () -> byRange().addRangePartition(at(0), at(10)).addRangePartition(at(15), at(20))),
        BOUNDS_OF_ALL_KINDS(
                4,
                () -> byRange()
                        .addRangePartition(at(-4), at(-2), INCLUSIVE, INCLUSIVE)
                        .addRangePartition(at(-1), at(3), EXCLUSIVE, EXCLUSIVE)
                        .addRangePartition(at(5), at(8), EXCLUSIVE, INCLUSIVE)
                        .addRangePartition(at(10), at(20), INCLUSIVE, EXCLUSIVE)),
        SPLIT_ROWS(3, () -> byRange().addSplitRow(at(3)).addSplitRow(at(13))),
        SPLIT_RANGE(
                3,
                () -> byRange()
                        .addRangePartition(at(0), at(20))
                        .addSplitRow(at(3))
                        .addSplitRow(at(13))),
        RANGE_OF_TEXT(
                2,
                () -> options()
                        .setRangePartitionColumns(List.of("l"))
                        .addRangePartition(text("a"), text("b"))
                        .addRangePartition(text("b"), text("b\0c"))),
        RANGE_OF_BOTH_COLUMNS(
                2,
                () -> options()
                        .setRangePartitionColumns(List.of("k", "l"))
                        .addRangePartition(at(0, "b"), at(3, "a"))
                        .addRangePartition(at(3, "a"), at(20, ""))),
        RANGE_AND_HASH(
                4,
                () -> byRange()
                        .addHashPartitions(List.of("l"), 2)
                        .addRangePartition(at(0), at(10))
                        .addRangePartition(at(10), none())),
        RANGES_WITH_HASHES_OF_THEIR_OWN(
                10,
                () -> byRange()
                        .addHashPartitions(List.of("k"), 2)
                        .addRangePartition(at(0), at(5))
                        .addRangePartition(own(at(5), at(10), List.of("l"), 3, 1))
                        .addRangePartition(own(at(10), at(20), List.of("k", "l"), 5, 0)));

        private final int tablets;

        @SuppressWarnings("ImmutableEnumChecker") // It makes new ones.
        private final Supplier<CreateTableOptions> options;

        Shape(int tablets, Supplier<CreateTableOptions> options) {
            this.tablets = tablets;
            this.options = options;
        }
    }

    private static CreateTableOptions options() {
        return new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of());
    }

    private static CreateTableOptions byRange() {
        return options().setRangePartitionColumns(List.of("k"));
    }

    private static PartialRow none() {
        return SCHEMA.newPartialRow();
    }

    private static PartialRow at(int k) {
        PartialRow row = none();
        row.addInt("k", k);
        return row;
    }

    private static PartialRow text(String l) {
        PartialRow row = none();
        row.addString("l", l);
        return row;
    }

    private static PartialRow at(int k, String l) {
        PartialRow row = at(k);
        row.addString("l", l);
        return row;
    }

    private static RangePartitionWithCustomHashSchema own(
            PartialRow lower, PartialRow upper, List<String> columns, int buckets, int seed) {
        RangePartitionWithCustomHashSchema range =
                new RangePartitionWithCustomHashSchema(lower, upper, INCLUSIVE, EXCLUSIVE);
        range.addHashPartitions(columns, buckets, seed);
        return range;
    }

    @ParameterizedTest
    @EnumSource
    void rowsAreWhereTheShapeSays(Shape shape, Both both) throws Exception {
        both.same(client -> {
            KuduTable table = client.createTable("shape_" + shape, SCHEMA, shape.options.get());
            assertEquals(
                    shape.tablets, client.newScanTokenBuilder(table).build().size());
            return write(client, table) + places(client, table) + pruned(client, table) + describe(table);
        });
    }

    /** Which rows are refused, and why. */
    private static String write(KuduClient client, KuduTable table) throws Exception {
        KuduSession session = client.newSession();
        session.setFlushMode(FlushMode.MANUAL_FLUSH);
        StringBuilder text = new StringBuilder();
        for (int k = K_MIN; k < K_MAX; k++) {
            for (int l = 0; l < TEXTS; l++) {
                Operation upsert = table.newUpsert();
                upsert.getRow().addInt("k", k);
                upsert.getRow().addString("l", textOf(l));
                upsert.getRow().addInt("v", k * TEXTS + l);
                session.apply(upsert);
            }
        }
        Map<String, Integer> refused = new TreeMap<>();
        for (OperationResponse response : session.flush()) {
            if (response.hasRowError()) {
                PartialRow row = response.getRowError().getOperation().getRow();
                text.append(row.getInt("k")).append(row.getString("l")).append(' ');
                String error = ClusterRun.failure(response.getRowError().getErrorStatus());
                refused.merge(error, 1, Integer::sum);
            }
        }
        session.close();
        return "refused " + text + refused + "\n";
    }

    /** Begins with "", so that a text is the least that there is. */
    private static String textOf(int index) {
        return index == 0 ? "" : String.valueOf((char) ('a' + index - 1));
    }

    /** The rows of each tablet: hashes are Kudu's, bit for bit. */
    private static String places(KuduClient client, KuduTable table) throws Exception {
        StringBuilder text = new StringBuilder();
        for (KuduScanToken token : client.newScanTokenBuilder(table)
                .readMode(AsyncKuduScanner.ReadMode.READ_YOUR_WRITES)
                .build()) {
            List<String> rows = SmallTable.read(token.intoScanner(client));
            text.append("tablet ")
                    .append(token.getTablet().getPartition())
                    .append(": ")
                    .append(rows)
                    .append('\n');
        }
        return text.toString();
    }

    /** Scans that need not ask all tablets: how many they ask, and what they read. */
    private static String pruned(KuduClient client, KuduTable table) throws Exception {
        ColumnSchema k = SCHEMA.getColumn("k");
        ColumnSchema l = SCHEMA.getColumn("l");
        List<List<KuduPredicate>> scans = List.of(
                List.of(KuduPredicate.newComparisonPredicate(k, ComparisonOp.EQUAL, 7L)),
                List.of(KuduPredicate.newComparisonPredicate(l, ComparisonOp.EQUAL, "b")),
                List.of(KuduPredicate.newInListPredicate(k, List.of(0, 3, 12))),
                List.of(
                        KuduPredicate.newComparisonPredicate(k, ComparisonOp.GREATER, 9L),
                        KuduPredicate.newInListPredicate(l, List.of("a", "c"))),
                List.of(
                        KuduPredicate.newComparisonPredicate(k, ComparisonOp.EQUAL, 15L),
                        KuduPredicate.newComparisonPredicate(l, ComparisonOp.EQUAL, "a")),
                List.of(KuduPredicate.newComparisonPredicate(k, ComparisonOp.LESS, (long) K_MIN)));
        StringBuilder text = new StringBuilder();
        for (List<KuduPredicate> predicates : scans) {
            var builder = client.newScanTokenBuilder(table).readMode(AsyncKuduScanner.ReadMode.READ_YOUR_WRITES);
            predicates.forEach(builder::addPredicate);
            List<KuduScanToken> tokens = builder.build();
            List<String> rows = new ArrayList<>();
            for (KuduScanToken token : tokens) {
                rows.addAll(SmallTable.read(token.intoScanner(client)));
            }
            text.append(predicates)
                    .append(" asks ")
                    .append(tokens.size())
                    .append(": ")
                    .append(rows.stream().sorted().toList())
                    .append('\n');
        }
        return text.toString();
    }

    private static String describe(KuduTable table) throws Exception {
        return Describe.table(table) + "\n" + table.getFormattedRangePartitionsWithHashSchema(TIMEOUT_MILLIS) + "\n";
    }

    /** A bound that is not of the usual kind goes to the next value, where the column has one. */
    @Test
    void boundsAtTheEndsOfATypeAreThoseOfARealKudu(Both both) throws Exception {
        both.same(client -> {
            Said said = new Said();
            for (ColumnKind kind : BOUND_KINDS) {
                Schema schema = new Schema(List.of(kind.column("k").key(true).build()));
                PartialRow least = one(schema, kind.samples().getFirst());
                // A text that is as long as its column may be cannot become longer.
                PartialRow most = one(
                        schema,
                        kind == ColumnKind.VARCHAR
                                ? "\u00e9\u00e9\u00e9"
                                : kind.samples().getLast());
                PartialRow none = schema.newPartialRow();
                CreateTableOptions options = byRange()
                        .addRangePartition(none, least, INCLUSIVE, INCLUSIVE)
                        .addRangePartition(least, most, EXCLUSIVE, INCLUSIVE);
                said.ask(
                        "to the end of " + kind,
                        () -> Describe.partitions(client, client.createTable("bounds_" + kind, schema, options)));
                CreateTableOptions behind = byRange().addRangePartition(most, none, EXCLUSIVE, EXCLUSIVE);
                said.ask(
                        "behind the end of " + kind,
                        () -> Describe.partitions(client, client.createTable("bounds_behind_" + kind, schema, behind)));
            }
            return Said.codes(said.toString());
        });
    }

    private static PartialRow one(Schema schema, Object k) {
        PartialRow row = schema.newPartialRow();
        row.addObject("k", k);
        return row;
    }

    /** Ranges that go take their rows along; ranges that come are empty, also where one was before. */
    @Test
    void rangesComeAndGoWhileTheTableIsInUse(Both both) throws Exception {
        both.same(client -> {
            String name = "ranges";
            KuduTable table = client.createTable(
                    name, SCHEMA, byRange().addHashPartitions(List.of("l"), 2).addRangePartition(at(0), at(10)));
            StringBuilder text = new StringBuilder(write(client, table));
            List<AlterTableOptions> steps = List.of(
                    new AlterTableOptions().addRangePartition(at(10), at(15)),
                    new AlterTableOptions().addRangePartition(at(14), at(17), EXCLUSIVE, INCLUSIVE),
                    new AlterTableOptions().addRangePartition(own(at(18), at(20), List.of("k", "l"), 3, 9)),
                    new AlterTableOptions().addRangePartition(at(20), none()),
                    new AlterTableOptions().addRangePartition(none(), at(-3)),
                    new AlterTableOptions().dropRangePartition(at(0), at(10)),
                    new AlterTableOptions().addRangePartition(at(0), at(10)),
                    new AlterTableOptions().dropRangePartition(at(15), at(18)),
                    new AlterTableOptions()
                            .dropRangePartition(at(9), at(14), EXCLUSIVE, INCLUSIVE)
                            .addRangePartition(at(10), at(12)),
                    new AlterTableOptions().dropRangePartition(at(18), at(20)),
                    new AlterTableOptions().dropRangePartition(at(20), none()));
            for (AlterTableOptions step : steps) {
                client.alterTable(name, step);
                table = client.openTable(name);
                text.append("before it is written again\n").append(places(client, table));
                text.append(write(client, table)).append(places(client, table)).append(describe(table));
            }
            return text.toString();
        });
    }
}
