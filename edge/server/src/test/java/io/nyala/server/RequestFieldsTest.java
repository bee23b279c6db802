package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import io.nyala.caller.WireClient;
import io.nyala.engine.Table;
import io.nyala.protocol.consensus.Consensus;
import io.nyala.protocol.master.Master;
import io.nyala.protocol.rpc.RpcHeader;
import io.nyala.protocol.server.ServerBase;
import io.nyala.protocol.tserver.TserverAdmin;
import io.nyala.protocol.tserver.TserverService;
import io.nyala.server.RequestFields.Kind;
import io.nyala.server.RequestFields.Verdict;
import io.nyala.wire.WirePartitions;
import io.nyala.wire.WireSchema;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: no field of a request is passed over unnoticed: each is read, refused or ignored as
 * {@code request-fields.txt} says. Method: the table is held against the definitions of the messages; then requests
 * that are answered are sent once for each other value of each of their fields, and what comes of them is compared.
 */
final class RequestFieldsTest {
    private static final List<FileDescriptor> FILES = List.of(
            Master.getDescriptor(),
            TserverService.getDescriptor(),
            TserverAdmin.getDescriptor(),
            ServerBase.getDescriptor(),
            Consensus.getDescriptor());
    private static final List<Descriptor> BEFORE_CALLS = List.of(
            RpcHeader.RequestHeader.getDescriptor(),
            RpcHeader.NegotiatePB.getDescriptor(),
            RpcHeader.ConnectionContextPB.getDescriptor());
    private static final Set<String> SHAPES = Set.of("table", "definition", "view", "hash", "token", "scan");

    /** What no two answers have in common. */
    private static final Pattern TIMES = Pattern.compile("(propagated_timestamp|timestamp|snap_timestamp): -?[0-9]+");

    private static final Pattern IDS = Pattern.compile("[0-9a-f]{32}");

    /** Of values that should change nothing. */
    private static final int SOME = 2;

    // ---- The table ----

    @Test
    void eachFieldOfEachRequestIsInTheTable() throws IOException {
        RequestFields table = RequestFields.read();
        Set<String> sections = new TreeSet<>(SHAPES);
        Map<String, Descriptor> types = new LinkedHashMap<>();
        methods().forEach((name, method) -> types.put(name, method.getInputType()));
        BEFORE_CALLS.forEach(type -> types.put(type.getName(), type));
        for (Map.Entry<String, Descriptor> type : types.entrySet()) {
            Set<String> there = FieldPaths.leaves(type.getValue());
            if (!there.isEmpty()) {
                sections.add(type.getKey());
                Set<String> named = new TreeSet<>();
                for (Map.Entry<String, Verdict> field : table.of(type.getKey()).entrySet()) {
                    Set<String> found = covered(field.getKey(), field.getValue(), there);
                    assertTrue(!found.isEmpty(), () -> type.getKey() + " has no field " + field.getKey());
                    found.forEach(path -> assertTrue(named.add(path), () -> type.getKey() + ": twice " + path));
                }
                assertEquals(new TreeSet<>(there), named, type.getKey());
            }
        }
        assertEquals(sections, new TreeSet<>(table.names()), "sections");
    }

    /** Fields that a line of the table is about. */
    private static Set<String> covered(String path, Verdict verdict, Set<String> there) {
        Set<String> found = new TreeSet<>(there);
        String beginning = path.substring(0, path.length() - (verdict.isOfAll() ? 1 : 0));
        found.removeIf(each -> verdict.isOfAll() ? !each.startsWith(beginning) : !each.equals(path));
        return found;
    }

    /** Those that are answered. */
    private static Map<String, MethodDescriptor> methods() {
        Map<String, MethodDescriptor> methods = new LinkedHashMap<>();
        for (FileDescriptor file : FILES) {
            file.getServices()
                    .forEach(service -> service.getMethods().stream()
                            .filter(method -> CompatibilityCalls.ANSWERED
                                    .getOrDefault(service.getFullName(), List.of())
                                    .contains(method.getName()))
                            .forEach(method -> methods.put(service.getName() + "." + method.getName(), method)));
        }
        assertEquals(
                CompatibilityCalls.ANSWERED.values().stream()
                        .mapToInt(List::size)
                        .sum(),
                methods.size());
        return methods;
    }

    // ---- The server ----

    /** What is not as the table says, of all of it. */
    @Test
    void eachFieldDoesWhatTheTableSays(@TempDir Path directory) throws IOException {
        RequestFields table = RequestFields.read();
        List<String> wrong = new ArrayList<>();
        try (RunningServer server = RunningServer.in(directory)) {
            RequestSamples samples = new RequestSamples(server);
            for (Map.Entry<String, MethodDescriptor> method : methods().entrySet()) {
                if (!method.getValue().getInputType().getFields().isEmpty()) {
                    Requests requests = new Requests(server, samples, method.getKey(), method.getValue());
                    requests.check(table.of(method.getKey()), wrong);
                }
            }
        }
        assertEquals("", String.join("\n", wrong));
    }

    /** The requests of one method. */
    private static final class Requests {
        private final RunningServer server;
        private final RequestSamples samples;
        private final String name;
        private final MethodDescriptor method;
        private final List<String> outcomes = new ArrayList<>();
        private @Nullable String before;

        Requests(RunningServer server, RequestSamples samples, String name, MethodDescriptor method)
                throws IOException {
            this.server = server;
            this.samples = samples;
            this.name = name;
            this.method = method;
            assertTrue(samples.count(name) > 0, () -> "no sample of " + name);
            for (int i = 0; i < samples.count(name); i++) {
                String outcome = outcome(next(i));
                String again = outcome(next(i));
                outcomes.add(outcome.equals(again) ? again : outcome(next(i))); // Scans end early if time is up.
                assertTrue(List.of(outcome, again).contains(outcomes.get(i)), "the same request of " + name);
            }
        }

        /** Tables are made anew only where the last request has changed any: that takes longest. */
        private Message next(int sample) throws IOException {
            samples.closeScanners();
            if (!tables().equals(before)) {
                samples.clear();
                samples.prepare(name);
                before = tables();
            }
            return samples.sample(name, sample, method.getInputType());
        }

        void check(Map<String, Verdict> fields, List<String> wrong) throws IOException {
            Set<String> leaves = FieldPaths.leaves(method.getInputType());
            for (Map.Entry<String, Verdict> field : fields.entrySet()) {
                Verdict verdict = field.getValue();
                if (verdict.isOfAll() && verdict.kind() == Kind.REFUSED) {
                    checkRefused(field.getKey(), verdict, wrong);
                } else {
                    for (String path : covered(field.getKey(), verdict, leaves)) {
                        check(path, verdict, wrong);
                    }
                }
            }
        }

        /** Samples with anything of it are refused. */
        private void checkRefused(String path, Verdict verdict, List<String> wrong) throws IOException {
            boolean isSeen = false;
            for (int i = 0; i < samples.count(name); i++) {
                if (FieldPaths.has(next(i), path.substring(0, path.length() - 2))) {
                    isSeen = true;
                    if (!outcomes.get(i).startsWith("error " + verdict.detail())) {
                        wrong.add(name + " " + path + " is not refused: " + outcomes.get(i));
                    }
                }
            }
            assertTrue(isSeen, () -> "no sample of " + name + " has " + path);
        }

        private void check(String path, Verdict verdict, List<String> wrong) throws IOException {
            boolean isSeen = false;
            boolean hasChanged = false;
            for (int i = 0; i < samples.count(name); i++) {
                String usual = outcomes.get(i);
                int changesMax = verdict.kind() == Kind.IGNORED ? SOME : Integer.MAX_VALUE;
                for (int k = 0; !usual.startsWith("error ") && !(verdict.kind() == Kind.READ && hasChanged); k++) {
                    List<Message> changes = changes(next(i), path);
                    if (k == Math.min(changesMax, changes.size())) {
                        break;
                    }
                    isSeen = true;
                    String outcome = outcome(changes.get(k));
                    if (!outcome.equals(usual) && !mayBe(verdict, outcome)) {
                        outcome = outcome(changes(next(i), path).get(k)); // A scan may have ended early.
                    }
                    hasChanged |= !outcome.equals(usual);
                    if (!outcome.equals(usual) && !mayBe(verdict, outcome)) {
                        wrong.add("%s %s is not %s %s: instead of\n%s\n%s\n%s"
                                .formatted(
                                        name, path, verdict.kind(), verdict.detail(), usual, changes.get(k), outcome));
                        return;
                    }
                }
            }
            if (!isSeen) {
                wrong.add("no sample of " + name + " has what " + path + " is in");
            } else if (hasChanged == (verdict.kind() == Kind.IGNORED)) {
                wrong.add(name + " " + path + " is not " + verdict.kind() + ": no other value changes anything");
            }
        }

        private static List<Message> changes(Message sample, String path) {
            return FieldPaths.hasParent(sample, path) ? FieldPaths.changes(sample, path) : List.of();
        }

        private static boolean mayBe(Verdict verdict, String outcome) {
            return switch (verdict.kind()) {
                case READ -> true;
                case REFUSED -> outcome.startsWith("error " + verdict.detail());
                case IGNORED -> false;
            };
        }

        /** The answer, what goes with it, and what the server has afterwards. */
        private String outcome(Message request) throws IOException {
            boolean isMaster = name.startsWith("MasterService.");
            WireClient client = isMaster ? server.master() : server.tablets();
            WireClient.Reply reply = client.call(method.getService().getFullName(), method.getName(), request);
            String text = text(reply);
            text += "\nscanners: " + server.use().scanners() + tables();
            return IDS.matcher(TIMES.matcher(text).replaceAll("$1")).replaceAll("an id");
        }

        private String text(WireClient.Reply reply) throws IOException {
            if (reply.isError()) {
                return "error " + reply.error().getCode() + ": " + reply.error().getMessage();
            }
            DynamicMessage answer = DynamicMessage.parseFrom(method.getOutputType(), reply.messageBytes());
            FieldDescriptor scanner = method.getOutputType().findFieldByName("scanner_id");
            if (scanner != null && answer.hasField(scanner)) {
                samples.opened((ByteString) answer.getField(scanner));
            }
            String status = status(answer);
            byte[] beside = reply.main().substring(reply.messageBytes().size()).toByteArray();
            return (status == null ? "" : "error " + status + ": ")
                    + print(answer)
                    + HexFormat.of().formatHex(beside);
        }

        /** The code of the error that an answer has. */
        private @Nullable String status(DynamicMessage answer) {
            FieldDescriptor field = method.getOutputType().findFieldByName("error");
            if (field == null || !answer.hasField(field)) {
                return null;
            }
            Message error = (Message) answer.getField(field);
            Message status =
                    (Message) error.getField(error.getDescriptorForType().findFieldByName("status"));
            return String.valueOf(status.getField(status.getDescriptorForType().findFieldByName("code")));
        }

        /** Only of methods that could change any. */
        private String tables() {
            StringBuilder text = new StringBuilder();
            if (!RequestSamples.changesTables(name)) {
                return "";
            }
            for (Table table : server.engine().tables()) {
                text.append(table.name())
                        .append(table.owner())
                        .append(table.comment())
                        .append(table.settings())
                        .append(print(WireSchema.toProto(table.schema())))
                        .append(print(WirePartitions.toProto(table.partitions().schema())))
                        .append(table.statistics().liveRowCount());
                table.tablets().forEach(tablet -> text.append(print(WirePartitions.toProto(tablet.partition()))));
            }
            server.engine()
                    .droppedTables()
                    .forEach(table -> text.append("dropped ").append(table.name()));
            return text.toString();
        }

        private static String print(Message message) {
            return TextFormat.printer().printToString(message);
        }
    }
}
