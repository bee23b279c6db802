package io.nyala.server;

import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.TextFormat;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireResults;
import io.nyala.caller.WireRows;
import io.nyala.engine.Table;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.consensus.Consensus;
import io.nyala.protocol.master.Master;
import io.nyala.protocol.server.ServerBase;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.TserverAdmin;
import io.nyala.protocol.tserver.TserverService;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Calls written as text, and their whole answers: {@code compatibility.script}. The first line is a method, {@code at
 * master} behind it where both ports have it; then the request follows, in the text format of protobuf. What no two
 * runs have in common is {@code $(...)} in both directions, or {@code #}. One thread.
 */
final class ScriptedCalls {
    /** Of all tables that calls make. */
    private static final Schema SCHEMA = Schema.of(
            Column.key("k", ColumnType.INT32), Column.of("v", ColumnType.INT32).nullable());

    private static final Pattern PUT_IN = Pattern.compile("\\$\\(([^)]*)\\)");
    private static final Pattern VARYING = Pattern.compile("\\b("
            + String.join("|", "(?:propagated_|snap_)?timestamp", "instance_seqno", "start_time")
            + String.join("|", "|millis_since_heartbeat", "\\w+_consumption", "\\w*on_disk_size")
            + "): -?[0-9]+");
    private static final Pattern SCANNER = Pattern.compile("scanner_id: \"([0-9a-f]{32})\"");

    private final RunningServer server;
    private final Map<String, MethodDescriptor> methods = new LinkedHashMap<>();
    private final Set<String> called = new TreeSet<>();
    private @Nullable String scanner;

    ScriptedCalls(RunningServer server) {
        this.server = server;
        Stream.of(
                        Master.getDescriptor(),
                        TserverService.getDescriptor(),
                        TserverAdmin.getDescriptor(),
                        ServerBase.getDescriptor(),
                        Consensus.getDescriptor())
                .map(FileDescriptor::getServices)
                .flatMap(List::stream)
                .map(ServiceDescriptor::getMethods)
                .flatMap(List::stream)
                .forEach(method -> methods.put(method.getService().getName() + "." + method.getName(), method));
    }

    /** What was called so far: the port, the full name of the service and the method. */
    Set<String> called() {
        return called;
    }

    static String name(boolean isAtMaster, String service, String method) {
        return (isAtMaster ? "master " : "tablet server ") + service + "." + method;
    }

    /** Calls, and answers what was answered. */
    String run(String command) {
        int end = command.indexOf('\n');
        String[] line = (end < 0 ? command : command.substring(0, end)).split(" ", 2);
        MethodDescriptor method = methods.get(line[0]);
        if (method == null) {
            throw new AssertionError("no service of Kudu has a method " + line[0]);
        }
        String service = method.getService().getFullName();
        boolean isAtMaster = line.length > 1 ? line[1].equals("at master") : service.equals(WireClient.MASTER);
        called.add(name(isAtMaster, service, method.getName()));
        try {
            DynamicMessage.Builder request = DynamicMessage.newBuilder(method.getInputType());
            TextFormat.getParser()
                    .merge(PUT_IN.matcher(end < 0 ? "" : command.substring(end)).replaceAll(this::putIn), request);
            WireClient.Reply reply =
                    (isAtMaster ? server.master() : server.tablets()).call(service, method.getName(), request.build());
            if (reply.isError()) {
                return "error: " + reply.error().getCode();
            }
            DynamicMessage answer = DynamicMessage.parseFrom(method.getOutputType(), reply.messageBytes());
            String text = shown(TextFormat.printer().printToString(answer)) + rows(method, reply);
            return text.isEmpty() ? "(nothing)" : text;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ---- Out ----

    private String shown(String answer) {
        Matcher opened = SCANNER.matcher(answer);
        if (opened.find()) {
            scanner = opened.group(1);
        }
        String text = answer;
        for (Map.Entry<String, String> name : names().entrySet()) {
            text = text.replace(name.getKey(), name.getValue());
        }
        return VARYING.matcher(text).replaceAll("$1: #");
    }

    /** By what stands in an answer, what is shown for it. */
    private Map<String, String> names() {
        ServerIds ids = new ServerIds(server.engine().hostId());
        Map<String, String> names = new LinkedHashMap<>();
        names.put(ids.cluster(), "$(cluster)");
        names.put(ids.master(), "$(master)");
        names.put(ids.tabletServer(), "$(tablet server)");
        names.put("port: " + port(server.masterAddress()) + "\n", "port: $(port of the master)\n");
        names.put("port: " + port(server.tabletServerAddress()) + "\n", "port: $(port of the tablet server)\n");
        for (Table table : tables()) {
            names.put(ids.table(table.id()), "$(table " + table.name() + ")");
            for (int i = 0; i < table.tablets().size(); i++) {
                names.put(ids.tablet(table.tablets().get(i).id()), "$(tablet " + table.name() + " " + i + ")");
            }
        }
        if (scanner != null) {
            names.put(scanner, "$(scanner)");
        }
        return names;
    }

    private static String port(String address) {
        return address.substring(address.lastIndexOf(':') + 1);
    }

    /** Those that were dropped, too. */
    private List<Table> tables() {
        return Stream.concat(server.engine().tables().stream(), server.engine().droppedTables().stream())
                .toList();
    }

    /** What is beside a scan's answer. */
    private static String rows(MethodDescriptor method, WireClient.Reply reply) throws IOException {
        if (!method.getName().equals("Scan")) {
            return "";
        }
        ScanResponsePB answer = reply.message(ScanResponsePB.parser());
        if (!answer.hasData() && !answer.hasColumnarData()) {
            return "";
        }
        return WireResults.rows(reply, answer, SCHEMA.columns()).stream()
                .map(row -> "row " + number(row[0]) + " " + number(row[1]) + "\n")
                .collect(Collectors.joining());
    }

    private static String number(byte @Nullable [] cell) {
        return cell == null
                ? "NULL"
                : String.valueOf(
                        ByteBuffer.wrap(cell).order(ByteOrder.LITTLE_ENDIAN).getInt());
    }

    // ---- In ----

    private String putIn(MatchResult match) {
        String[] words = match.group(1).split(" ", -1);
        ServerIds ids = new ServerIds(server.engine().hostId());
        String text =
                switch (words[0]) {
                    case "table" -> ids.table(table(words[1]).id());
                    case "tablet" ->
                        words[1].equals("server")
                                ? ids.tabletServer()
                                : ids.tablet(table(words[1])
                                        .tablets()
                                        .get(Integer.parseInt(words[2]))
                                        .id());
                    case "scanner" -> String.valueOf(scanner);
                    case "bounds" ->
                        rows(
                                RowOperationsPB.Type.RANGE_LOWER_BOUND,
                                RowOperationsPB.Type.RANGE_UPPER_BOUND,
                                Integer.parseInt(words[1]),
                                Integer.parseInt(words[2]));
                    case "key" -> key(Integer.parseInt(words[1]));
                    case "rows" ->
                        rows(
                                RowOperationsPB.Type.valueOf(words[1]),
                                Integer.parseInt(words[2]),
                                Integer.parseInt(words[3]));
                    default -> throw new AssertionError("nothing is to be put in for " + match.group());
                };
        return Matcher.quoteReplacement(text);
    }

    private Table table(String name) {
        return tables().stream()
                .filter(table -> table.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no table " + name));
    }

    /** As a key is encoded. */
    private static String key(int k) {
        return TextFormat.escapeBytes(
                ByteBuffer.allocate(Integer.BYTES).putInt(k ^ Integer.MIN_VALUE).array());
    }

    private static String rows(RowOperationsPB.Type lower, RowOperationsPB.Type upper, int from, int to) {
        return text(new WireRows(SCHEMA).add(lower, WireRows.cell(from)).add(upper, WireRows.cell(to)));
    }

    /** Each third one has NULL, the others ten times the key. */
    private static String rows(RowOperationsPB.Type type, int from, int to) {
        WireRows rows = new WireRows(SCHEMA);
        for (int k = from; k < to; k++) {
            if (type == RowOperationsPB.Type.DELETE) {
                rows.add(type, WireRows.cell(k));
            } else {
                rows.add(type, WireRows.cell(k), k % 3 == 0 ? null : WireRows.cell(10 * k));
            }
        }
        return text(rows);
    }

    private static String text(WireRows rows) {
        return TextFormat.printer().printToString(rows.operations());
    }
}
