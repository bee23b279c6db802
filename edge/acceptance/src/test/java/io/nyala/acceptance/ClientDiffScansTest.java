package io.nyala.acceptance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.DataType;
import io.nyala.protocol.Common.OrderMode;
import io.nyala.protocol.Common.ReadMode;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.testkit.Seed;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduPredicate;
import org.apache.kudu.client.KuduPredicate.ComparisonOp;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduSession;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.RowResult;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: what changed between two times is answered as by a real Kudu. Method: the same histories told to both, by hand
 * and by lot, and asked for by the published Java client; requests that it never sends by hand.
 */
@ExtendWith(Both.Parameter.class)
final class ClientDiffScansTest {
    private static final int KEYS = 12;
    private static final int WRITES = 60;

    /** Times, and ids. */
    private static final Pattern TIMES = Pattern.compile("[0-9a-f]{32}|P: [0-9]+ usec, L: [0-9]+");

    /** What follows names times, and a setting that each server calls by its own name. */
    private static final Pattern DETAILS = Pattern.compile("(ancient history mark).*");

    private final Both both;

    ClientDiffScansTest(Both both) {
        this.both = both;
    }

    /** A table, and times between its writes, which are other ones in each cluster. */
    private static final class History {
        private final KuduClient client;
        private final KuduTable table;
        private final List<Long> times = new ArrayList<>();

        History(KuduClient client, String name) throws KuduException {
            this.client = client;
            this.table = SmallTable.create(client, name);
        }

        void set(int k, String v) throws KuduException {
            write(session -> session.apply(SmallTable.upsert(table, k, v)));
        }

        void delete(int k) throws KuduException {
            write(session -> session.apply(SmallTable.delete(table, k)));
        }

        private void write(Deed deed) throws KuduException {
            KuduSession session = client.newSession();
            deed.run(session);
            session.close();
        }

        /** The interface of a session's user. */
        private interface Deed {
            void run(KuduSession session) throws KuduException;
        }

        /** What was written so far is before it, what follows is not. */
        void mark() {
            times.add(client.getLastPropagatedTimestamp() + 1);
        }

        String changes(int from, int to) throws KuduException {
            return changes(builder(from, to));
        }

        KuduScanner.KuduScannerBuilder builder(int from, int to) {
            return client.newScannerBuilder(table).diffScan(times.get(from), times.get(to));
        }

        /** Values of a deleted row are undefined in a real Kudu. */
        String changes(KuduScanner.KuduScannerBuilder builder) throws KuduException {
            List<String> rows = new ArrayList<>();
            KuduScanner scanner = builder.build();
            while (scanner.hasMoreRows()) {
                for (RowResult row : scanner.nextRows()) {
                    rows.add(row.isDeleted() ? "-" + row.getInt("k") : row.rowToString());
                }
            }
            return rows.stream().sorted().toList().toString();
        }
    }

    @Test
    void eachKeyThatChangedIsToldOnce() throws Exception {
        both.same(client -> {
            Said said = new Said();
            History history = new History(client, "diff_story");
            for (int k = 0; k < 6; k++) {
                history.set(k, "first");
            }
            history.mark();
            history.set(1, "second");
            history.set(2, "second");
            history.set(2, "first"); // What it was.
            history.delete(3);
            history.set(4, "second");
            history.delete(4);
            history.delete(5);
            history.set(5, "again");
            history.set(6, "short");
            history.delete(6); // Nobody has seen it.
            history.set(7, "new");
            history.mark();
            history.delete(7);
            history.mark();
            for (int from = 0; from < 3; from++) {
                for (int to = 0; to < 3; to++) {
                    int[] at = {from, to};
                    said.ask(from + " to " + to, () -> history.changes(at[0], at[1]));
                }
            }
            KuduPredicate isSecond = KuduPredicate.newComparisonPredicate(
                    SmallTable.SCHEMA.getColumn("v"), ComparisonOp.EQUAL, "second");
            said.ask("predicate", () -> history.changes(history.builder(0, 1).addPredicate(isSecond)));
            KuduPredicate isFirst =
                    KuduPredicate.newComparisonPredicate(SmallTable.SCHEMA.getColumn("v"), ComparisonOp.EQUAL, "first");
            said.ask(
                    "predicate of what was",
                    () -> history.changes(history.builder(0, 1).addPredicate(isFirst)));
            return said.toString();
        });
    }

    /** Each of a hundred writes is one of its own, and then there is a time, now and then. */
    @Test
    void historiesByLotHaveTheSameDifferences(@Seed SplittableRandom random) throws Exception {
        long seed = random.nextLong();
        String name = "diff_lot_" + Long.toHexString(seed);
        List<String> told = new ArrayList<>();
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            var lot = new SplittableRandom(seed);
            var flushes = new SplittableRandom(seed + 1);
            History history = new History(client, name);
            history.set(0, "0");
            history.mark();
            for (int i = 0; i < WRITES; i++) {
                int k = lot.nextInt(KEYS);
                if (lot.nextInt(3) == 0) {
                    history.delete(k);
                } else {
                    history.set(k, String.valueOf(lot.nextInt(3)));
                }
                if (lot.nextInt(12) == 0) {
                    history.mark();
                }
                if (client.equals(both.ourClient()) && flushes.nextInt(20) == 0) {
                    both.flushOurs(name);
                }
            }
            history.mark();
            Said said = new Said();
            for (int to = 1; to < history.times.size(); to++) {
                for (int from = 0; from < to; from++) {
                    int[] at = {from, to};
                    said.ask(from + " to " + to, () -> history.changes(at[0], at[1]));
                }
            }
            told.add(said.toString());
        }
        assertEquals(told.getFirst(), told.getLast());
    }

    // ---- By hand ----

    private static String ask(RawCluster cluster, long[] times, Consumer<NewScanRequestPB.Builder> change)
            throws IOException {
        List<String> all = new ArrayList<>();
        for (ByteString tablet : cluster.tabletIds("diff_raw")) {
            NewScanRequestPB.Builder scan = NewScanRequestPB.newBuilder()
                    .setTabletId(tablet)
                    .addAllProjectedColumns(cluster.columns("diff_raw"))
                    .setReadMode(ReadMode.READ_AT_SNAPSHOT)
                    .setOrderMode(OrderMode.ORDERED)
                    .setSnapStartTimestamp(times[0])
                    .setSnapTimestamp(times[1]);
            change.accept(scan);
            ScanRequestPB request =
                    ScanRequestPB.newBuilder().setNewScanRequest(scan).build();
            all.add(told(cluster.tablets().call(WireClient.TABLET_SERVER, "Scan", request)));
        }
        return all.toString();
    }

    private static String told(WireClient.Reply reply) throws IOException {
        ScanResponsePB answer = reply.message(ScanResponsePB.parser());
        if (answer.hasError()) {
            String error = TIMES.matcher(answer.getError().toString()).replaceAll("#");
            return DETAILS.matcher(error).replaceAll("$1");
        }
        int rows = answer.getData().getNumRows();
        if (rows == 0) {
            return "no rows";
        }
        ByteBuffer sidecar = reply.sidecar(answer.getData().getRowsSidecar());
        byte[] bytes = new byte[sidecar.remaining()];
        sidecar.get(bytes);
        return rows + " rows " + HexFormat.of().formatHex(bytes);
    }

    private static Consumer<NewScanRequestPB.Builder> withIsDeleted(Consumer<NewScanRequestPB.Builder> change) {
        return scan -> change.accept(scan.addProjectedColumns(isDeleted("is_deleted")));
    }

    private static ColumnSchemaPB.Builder isDeleted(String name) {
        return ColumnSchemaPB.newBuilder()
                .setName(name)
                .setType(DataType.IS_DELETED)
                .setReadDefaultValue(ByteString.copyFrom(new byte[1]));
    }

    /** What the published client never says: columns, modes and times of all kinds. */
    private static List<Consumer<NewScanRequestPB.Builder>> requests() {
        return List.of(
                withIsDeleted(scan -> {}),
                scan -> scan.addProjectedColumns(0, isDeleted("gone")),
                scan -> scan.addProjectedColumns(1, isDeleted("a")).addProjectedColumns(isDeleted("b")),
                scan -> scan.clearProjectedColumns().addProjectedColumns(isDeleted("is_deleted")),
                scan -> scan.addProjectedColumns(isDeleted("v")),
                scan -> {},
                NewScanRequestPB.Builder::clearProjectedColumns,
                withIsDeleted(scan -> scan.setOrderMode(OrderMode.UNORDERED)),
                withIsDeleted(scan -> scan.setReadMode(ReadMode.READ_LATEST)),
                withIsDeleted(scan -> scan.setReadMode(ReadMode.READ_YOUR_WRITES)),
                withIsDeleted(scan -> scan.setOrderMode(OrderMode.UNORDERED).setReadMode(ReadMode.READ_LATEST)),
                withIsDeleted(NewScanRequestPB.Builder::clearSnapStartTimestamp),
                withIsDeleted(scan -> scan.setSnapStartTimestamp(1)),
                withIsDeleted(scan -> scan.setSnapStartTimestamp(0)),
                withIsDeleted(scan -> scan.setSnapStartTimestamp(scan.getSnapTimestamp())),
                withIsDeleted(scan -> scan.setSnapStartTimestamp(scan.getSnapTimestamp() + 1)),
                withIsDeleted(scan -> scan.setSnapStartTimestamp(-1)),
                withIsDeleted(NewScanRequestPB.Builder::clearSnapTimestamp),
                scan -> scan.addProjectedColumns(isDeleted("is_deleted").clearReadDefaultValue()),
                scan -> scan.addProjectedColumns(isDeleted("is_deleted").setIsNullable(true)));
    }

    @Test
    void whatNoClientSaysIsAnsweredInKudusWords() throws Exception {
        long[][] times = new long[2][];
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            KuduTable table = SmallTable.create(client, "diff_raw");
            long start = client.getLastPropagatedTimestamp() + 1;
            SmallTable.fill(client, table, 0, 1, 20);
            long end = client.getLastPropagatedTimestamp() + 1;
            times[client.equals(both.ourClient()) ? 1 : 0] = new long[] {start, end};
        }
        try (RawBoth raw = RawBoth.of(both)) {
            for (int i = 0; i < requests().size(); i++) {
                Consumer<NewScanRequestPB.Builder> request = requests().get(i);
                assertEquals(ask(raw.kudu(), times[0], request), ask(raw.ours(), times[1], request), "request " + i);
            }
        }
    }
}
