package io.nyala.server;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import io.nyala.caller.WireBloom;
import io.nyala.caller.WireRows;
import io.nyala.engine.Table;
import io.nyala.engine.TableSpec;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.RangePartition;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.protocol.tserver.TserverService.ChecksumRequestPB;
import io.nyala.protocol.tserver.TserverService.ChecksumResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** {@code request-samples.txt} and the tables that its requests are of. One thread. */
final class RequestSamples {
    private static final Pattern PUT_IN = Pattern.compile("\\$\\(([^)]*)\\)");

    private static final Schema SCHEMA = Schema.of(
            Column.key("t", ColumnType.STRING),
            Column.key("k", ColumnType.INT32),
            Column.varchar("s", 10).nullable(),
            Column.decimal("d", 5, 2).nullable(),
            Column.of("n", ColumnType.INT8).nullable());
    private static final PartitionSchema PARTITIONS =
            PartitionSchema.of(SCHEMA).hash(2, "k").range("t").build();
    private static final List<RangePartition> RANGES = List.of(
            PARTITIONS.newRange().from("a").before("c").build(),
            PARTITIONS.newRange().from("c").before("e").build());
    private static final Set<String> CHANGING = Set.of(
            "MasterService.CreateTable",
            "MasterService.AlterTable",
            "MasterService.DeleteTable",
            "MasterService.RecallDeletedTable",
            "TabletServerService.Write");
    private static final int ROWS = 100;
    private static final int BLOOM_LOG_BYTES = 8;

    private final RunningServer server;
    private final Map<String, List<String>> texts = new LinkedHashMap<>();
    private final long now;
    private final List<String> scanners = new ArrayList<>();

    RequestSamples(RunningServer server) throws IOException {
        this.server = server;
        String method = "";
        for (String line : RequestFields.lines("request-samples.txt")) {
            if (line.startsWith("== ")) {
                method = line.substring(3);
                texts.computeIfAbsent(method, _ -> new ArrayList<>()).add("");
            } else if (!line.startsWith("#")) {
                List<String> ofMethod = texts.getOrDefault(method, List.of(""));
                if (ofMethod.getLast().isEmpty() && line.isBlank()) {
                    continue;
                }
                ofMethod.set(ofMethod.size() - 1, ofMethod.getLast() + line + "\n");
            }
        }
        write(server.create("t", SCHEMA, 1), ROWS);
        server.engine().createTable(TableSpec.of("p", PARTITIONS).withRanges(RANGES));
        server.engine().createTable("d", SCHEMA);
        server.engine().dropTable("d", Duration.ofHours(1));
        now = server.engine().now();
    }

    /** How many there are of a method. */
    int count(String method) {
        return texts.getOrDefault(method, List.of()).size();
    }

    /** Whether a request of the method may change any. */
    static boolean changesTables(String method) {
        return CHANGING.contains(method);
    }

    /** Tables that a request of the method changes, as they are before it. */
    void prepare(String method) throws IOException {
        switch (method) {
            case "MasterService.AlterTable", "MasterService.DeleteTable", "MasterService.RecallDeletedTable" -> {
                Table table = server.engine()
                        .createTable(TableSpec.of("a", PARTITIONS).withRanges(RANGES.subList(0, 1)));
                if (method.endsWith("RecallDeletedTable")) {
                    server.engine().dropTable(table.id(), Duration.ofHours(1));
                }
            }
            case "TabletServerService.Write" -> server.engine().createTable("w", SCHEMA);
            default -> {}
        }
    }

    /** Of the tables as they are now. */
    Message sample(String method, int index, Descriptor type) throws IOException {
        DynamicMessage.Builder builder = DynamicMessage.newBuilder(type);
        TextFormat.getParser()
                .merge(
                        PUT_IN.matcher(texts.getOrDefault(method, List.of()).get(index))
                                .replaceAll(this::putIn),
                        builder);
        return builder.build();
    }

    private String putIn(MatchResult match) {
        String[] words = match.group(1).split(" ", -1);
        try {
            String text =
                    switch (words[0]) {
                        case "tablet" -> server.tabletIds(table(words[1])).getFirst();
                        case "id" -> id(words[1]);
                        case "table" -> "table_id: \"" + id(words[1]) + "\" table_name: \"" + words[1] + "\"";
                        case "uuid" -> new ServerIds(server.engine().hostId()).tabletServer();
                        case "now" -> Long.toString(now);
                        case "int" -> TextFormat.escapeBytes(WireRows.cell(Integer.parseInt(words[1])));
                        case "bounds" -> bounds(words[1], words[2]);
                        case "rows" ->
                            TextFormat.printer().printToString(rows(0, 3).operations());
                        case "columns" -> TextFormat.printer().printToString(WireRows.view(SCHEMA.columns()));
                        case "projection" -> columns("projected_columns");
                        case "split" -> columns("columns");
                        case "bloom" -> bloom();
                        case "scanner" -> scanner();
                        case "checksum" -> checksumScanner();
                        default -> throw new AssertionError(match.group());
                    };
            return Matcher.quoteReplacement(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Table table(String name) {
        return server.engine()
                .table(name)
                .or(() -> server.engine().droppedTables().stream()
                        .filter(table -> table.name().equals(name))
                        .findFirst())
                .orElseThrow();
    }

    private String id(String table) {
        return new ServerIds(server.engine().hostId()).table(table(table).id());
    }

    private static String bounds(String lower, String upper) {
        return TextFormat.printer()
                .printToString(new WireRows(SCHEMA)
                        .add(RowOperationsPB.Type.RANGE_LOWER_BOUND, bytes(lower))
                        .add(RowOperationsPB.Type.RANGE_UPPER_BOUND, bytes(upper))
                        .operations());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static WireRows rows(int from, int to) {
        WireRows rows = new WireRows(SCHEMA);
        for (int k = from; k < to; k++) {
            rows.add(
                    RowOperationsPB.Type.INSERT,
                    bytes("row%03d".formatted(k)),
                    WireRows.cell(k),
                    bytes(k % 2 == 0 ? "even" : "odd"),
                    WireRows.cell(k));
        }
        return rows;
    }

    private void write(Table table, int count) throws IOException {
        WriteResponsePB answer = server.tablets()
                .tablet("Write", rows(0, count).request(server.tabletIds(table).getFirst()), WriteResponsePB.parser());
        if (answer.hasError() || answer.getPerRowErrorsCount() > 0) {
            throw new AssertionError(answer);
        }
    }

    private static String columns(String field) {
        StringBuilder text = new StringBuilder();
        for (ColumnSchemaPB column : WireRows.view(SCHEMA.columns()).getColumnsList()) {
            text.append(field)
                    .append(" { ")
                    .append(TextFormat.printer().printToString(column))
                    .append(" }\n");
        }
        return text.toString();
    }

    private static String bloom() {
        WireBloom bloom = new WireBloom(BLOOM_LOG_BYTES, 0);
        IntStream.range(10, 20).forEach(k -> bloom.add(WireRows.cell(k)));
        return TextFormat.printer().printToString(bloom.toProto());
    }

    private NewScanRequestPB.Builder scan() {
        return NewScanRequestPB.newBuilder()
                .setTabletId(server.tabletId(table("t")))
                .addProjectedColumns(WireRows.view(SCHEMA.columns()).getColumns(1));
    }

    /** Of a scan that has answered nothing yet. */
    private String scanner() throws IOException {
        ScanRequestPB open = ScanRequestPB.newBuilder()
                .setNewScanRequest(scan())
                .setBatchSizeBytes(0)
                .build();
        return opened(
                server.tablets().tablet("Scan", open, ScanResponsePB.parser()).getScannerId());
    }

    /** As {@link #scanner}, of a checksum. */
    private String checksumScanner() throws IOException {
        ChecksumRequestPB open = ChecksumRequestPB.newBuilder()
                .setNewRequest(scan())
                .setBatchSizeBytes(0)
                .build();
        return opened(server.tablets()
                .tablet("Checksum", open, ChecksumResponsePB.parser())
                .getScannerId());
    }

    /** Has a scanner closed by {@link #clear}. */
    String opened(ByteString scanner) {
        scanners.add(scanner.toStringUtf8());
        return scanner.toStringUtf8();
    }

    /** Closes the scanners that were opened. */
    void closeScanners() throws IOException {
        for (String scanner : scanners) {
            ScanRequestPB close = ScanRequestPB.newBuilder()
                    .setScannerId(ByteString.copyFromUtf8(scanner))
                    .setBatchSizeBytes(0)
                    .setCloseScanner(true)
                    .build();
            server.tablets().tablet("Scan", close, ScanResponsePB.parser());
        }
        scanners.clear();
    }

    /** Takes away all tables but those that stay. */
    void clear() {
        for (Table table : List.copyOf(server.engine().tables())) {
            if (!table.name().equals("t") && !table.name().equals("p")) {
                server.engine().dropTable(table.id(), Duration.ZERO);
            }
        }
        for (Table table : List.copyOf(server.engine().droppedTables())) {
            if (!table.name().equals("d")) {
                server.engine().purgeTable(table.id());
            }
        }
    }
}
