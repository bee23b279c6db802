package io.nyala.acceptance;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.protocol.Common.OrderMode;
import io.nyala.protocol.Common.ReadMode;
import io.nyala.protocol.master.Master.AlterTableRequestPB;
import io.nyala.protocol.master.Master.AlterTableResponsePB;
import io.nyala.protocol.master.Master.CreateTableRequestPB;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kudu.client.CreateTableOptions;
import org.apache.kudu.client.KuduClient;
import org.apache.kudu.client.KuduTable;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Goal: names at their limits, and scans that ask for what no client asks for, are answered as by a real Kudu. Method:
 * the same hand-made requests to both; answers must be equal, words of errors included.
 */
@ExtendWith(Both.Parameter.class)
final class RawLimitsTest {
    private static final ByteString NO_UTF8 = RawTable.bytes('a', 0xFF, 'b');
    private static final ByteString OVERLONG = RawTable.bytes('a', 0xC0, 0x80);

    /** The keys 3 and 9. */
    private static final ByteString THREE = RawTable.bytes(0x80, 0, 0, 3);

    private static final ByteString NINE = RawTable.bytes(0x80, 0, 0, 9);

    private final Both both;

    @AutoClose
    private final RawBoth raw;

    RawLimitsTest(Both both) throws IOException {
        this.both = both;
        raw = RawBoth.of(both);
    }

    // ---- Names ----

    /** What may be wrong with a text, and what is at the limit. */
    private static Map<String, ByteString> texts(char letter, int bytesMax) {
        Map<String, ByteString> texts = new LinkedHashMap<>();
        texts.put("empty", ByteString.EMPTY);
        texts.put("longest", letters(letter, bytesMax));
        texts.put("longest, of two bytes each", ByteString.copyFromUtf8("\u00E9".repeat(bytesMax / 2)));
        texts.put("zero", ByteString.copyFromUtf8(letter + "\0b"));
        texts.put("no UTF-8", NO_UTF8);
        texts.put("zero in two bytes", OVERLONG);
        texts.put("two lines", ByteString.copyFromUtf8(letter + "\nb"));
        return texts;
    }

    private static ByteString letters(char letter, int count) {
        return ByteString.copyFromUtf8(String.valueOf(letter).repeat(count));
    }

    private void sameCreation(String name, Consumer<CreateTableRequestPB.Builder> change) throws IOException {
        raw.same(name, cluster -> RawTable.create(cluster, name, change));
    }

    @Test
    void namesOfNewTablesAreThoseOfARealKudu() throws IOException {
        for (Map.Entry<String, ByteString> text : texts('t', 256).entrySet()) {
            sameCreation("table, " + text.getKey(), create -> create.setNameBytes(text.getValue()));
        }
        sameCreation("table, too long", create -> create.setNameBytes(letters('t', 257)));
        Map<String, ByteString> columns = texts('c', 256);
        columns.remove("empty"); // Kudu refuses it with words of another place.
        for (Map.Entry<String, ByteString> text : columns.entrySet()) {
            sameCreation(
                    "column, " + text.getKey(),
                    create -> create.getSchemaBuilder().getColumnsBuilder(0).setNameBytes(text.getValue()));
        }
    }

    @Test
    void ownersAndCommentsOfNewTablesAreThoseOfARealKudu() throws IOException {
        for (Map.Entry<String, ByteString> text : texts('o', 128).entrySet()) {
            sameCreation("owner, " + text.getKey(), create -> create.setOwnerBytes(text.getValue()));
        }
        for (Map.Entry<String, ByteString> text : texts('m', 256).entrySet()) {
            sameCreation("comment, " + text.getKey(), create -> create.setCommentBytes(text.getValue()));
        }
        sameCreation("comment, too long", create -> create.setCommentBytes(letters('m', 257)));
        // Kudu names 256 as the limit of owners, which is another one's.
        raw.same(
                "owner, too long",
                cluster -> RawTable.create(cluster, "long", create -> create.setOwnerBytes(letters('o', 129)))
                        .replaceFirst("(128|256)$", "limit"));
    }

    private static String altered(RawCluster cluster, Consumer<AlterTableRequestPB.Builder> change) throws IOException {
        AlterTableRequestPB.Builder alter = AlterTableRequestPB.newBuilder()
                .setTable(TableIdentifierPB.newBuilder().setTableName("raw_altered"));
        change.accept(alter);
        AlterTableResponsePB answer = cluster.master()
                .call(WireClient.MASTER, "AlterTable", alter.build())
                .message(AlterTableResponsePB.parser());
        return answer.hasError() ? RawTable.told(answer.getError()) : "done";
    }

    @Test
    void namesOfAlteredTablesAreThoseOfARealKudu() throws IOException {
        sameCreation("raw_altered", _ -> {});
        for (ByteString text : List.of(ByteString.EMPTY, NO_UTF8, OVERLONG, ByteString.copyFromUtf8("a\0b"))) {
            raw.same("table " + text, cluster -> altered(cluster, alter -> alter.setNewTableNameBytes(text)));
            // Of these two, Kudu says the parts of its sentence the other way round.
            raw.same("owner " + text, cluster -> codes(altered(cluster, alter -> alter.setNewTableOwnerBytes(text))));
            raw.same(
                    "comment " + text,
                    cluster -> codes(altered(cluster, alter -> alter.setNewTableCommentBytes(text))));
        }
    }

    private static String codes(String told) {
        return told.replaceFirst("^(\\w+ \\w+) .*", "$1");
    }

    // ---- Scans ----

    private static String scanned(RawCluster cluster, Consumer<NewScanRequestPB.Builder> change) throws IOException {
        NewScanRequestPB.Builder scan = NewScanRequestPB.newBuilder()
                .setTabletId(cluster.tabletIds("raw_limits").getFirst())
                .addAllProjectedColumns(cluster.columns("raw_limits"));
        change.accept(scan);
        ScanRequestPB request = ScanRequestPB.newBuilder()
                .setNewScanRequest(scan)
                .setCloseScanner(true)
                .setBatchSizeBytes(1 << 20)
                .build();
        ScanResponsePB answer = cluster.tablets().tablet("Scan", request, ScanResponsePB.parser());
        return answer.getData().getNumRows() + " rows, in columns "
                + answer.getColumnarData().getNumRows() + " " + answer.getError();
    }

    @Test
    void scansThatNoClientAsksForAreThoseOfARealKudu() throws Exception {
        for (KuduClient client : List.of(both.kuduClient(), both.ourClient())) {
            KuduTable table = client.createTable(
                    "raw_limits",
                    SmallTable.SCHEMA,
                    new CreateTableOptions().setNumReplicas(1).setRangePartitionColumns(List.of()));
            SmallTable.fill(client, table, 0, 1, 20);
        }
        for (long flags : new long[] {0, 1, 2, 3, 4, 5, 6, 8, 1L << 40, 1L << 63, -1}) {
            raw.same("flags " + flags, cluster -> scanned(cluster, scan -> scan.setRowFormatFlags(flags)));
        }
        for (boolean isOrdered : new boolean[] {true, false}) {
            for (ByteString start : List.of(ByteString.EMPTY, THREE)) {
                for (ByteString last : List.of(ByteString.EMPTY, NINE)) {
                    if (isOrdered && !start.isEmpty() && !last.isEmpty()) {
                        continue; // Differs on purpose.
                    }
                    raw.same("ordered " + isOrdered + ", start " + start + ", last " + last, cluster -> {
                        return scanned(
                                cluster,
                                scan -> scan.setReadMode(ReadMode.READ_AT_SNAPSHOT)
                                        .setOrderMode(isOrdered ? OrderMode.ORDERED : OrderMode.UNORDERED)
                                        .mergeFrom(bounds(start, last)));
                    });
                }
            }
        }
    }

    /** Bounds that have bytes. */
    private static NewScanRequestPB bounds(ByteString start, ByteString last) {
        NewScanRequestPB.Builder bounds = NewScanRequestPB.newBuilder();
        if (!start.isEmpty()) {
            bounds.setStartPrimaryKey(start);
        }
        if (!last.isEmpty()) {
            bounds.setLastPrimaryKey(last);
        }
        return bounds.buildPartial();
    }
}
