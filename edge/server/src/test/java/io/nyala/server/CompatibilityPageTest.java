package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.Message;
import io.nyala.caller.WireClient;
import io.nyala.engine.Table;
import io.nyala.protocol.MemTracker.MemTrackerPB;
import io.nyala.protocol.consensus.Consensus;
import io.nyala.protocol.master.Master;
import io.nyala.protocol.master.Master.GetTableStatisticsResponsePB;
import io.nyala.protocol.master.Master.MasterFeatures;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB.RpcErrorCodePB;
import io.nyala.protocol.server.ServerBase;
import io.nyala.protocol.server.ServerBase.DumpMemTrackersRequestPB;
import io.nyala.protocol.server.ServerBase.DumpMemTrackersResponsePB;
import io.nyala.protocol.server.ServerBase.ServerClockRequestPB;
import io.nyala.protocol.server.ServerBase.ServerClockResponsePB;
import io.nyala.protocol.tserver.Tserver.ListTabletsRequestPB;
import io.nyala.protocol.tserver.Tserver.ListTabletsResponsePB;
import io.nyala.protocol.tserver.Tserver.PingRequestPB;
import io.nyala.protocol.tserver.Tserver.TabletServerFeatures;
import io.nyala.protocol.tserver.TserverAdmin;
import io.nyala.protocol.tserver.TserverService;
import io.nyala.testkit.Script;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: {@code docs/KUDU_COMPATIBILITY.md} is true: what it says is answered is answered, what it says is refused is
 * refused with that code, all else is unknown, and so with features. Method: the page is read, and each method of each
 * of Kudu's services is called. Answers are compared as a whole with those of {@code compatibility.script}, which has
 * requests for what the page names, and no others.
 */
final class CompatibilityPageTest {
    private static final ServiceDescriptor MASTER =
            service(Master.getDescriptor().getServices(), "MasterService");
    private static final ServiceDescriptor TABLETS =
            service(TserverService.getDescriptor().getServices(), "TabletServerService");

    private static final String GENERIC = "kudu.server.GenericService";

    /** That neither server has. */
    private static final int NO_FEATURE = 99;

    private RunningServer server;
    private CompatibilityPage page;
    private CompatibilityCalls calls;

    @BeforeEach
    void open(@TempDir Path directory) throws IOException {
        page = CompatibilityPage.read();
        server = RunningServer.in(directory);
        calls = new CompatibilityCalls(server);
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    private static ServiceDescriptor service(List<ServiceDescriptor> services, String name) {
        return services.stream()
                .filter(service -> service.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    // ---- Methods ----

    /** All fields of all answers, of the rows and of the memory, too. */
    @Test
    void whatIsAnsweredIsAnsweredAsTheScriptShows() {
        ScriptedCalls scripted = new ScriptedCalls(server);
        Script.check("server/compatibility", scripted::run);
        Set<String> answered = new TreeSet<>();
        answered("MasterService", MASTER).forEach(name -> answered.add(called(true, MASTER, name)));
        answered("TabletServerService", TABLETS).forEach(name -> answered.add(called(false, TABLETS, name)));
        Map<String, String> rows = page.table("Other services");
        for (ServiceDescriptor service : others()) {
            String row = rowOf(service, rows);
            for (String name : answeredOf(service, rows)) {
                answered.add(called(false, service, name));
                if (row.contains("both ports")) {
                    answered.add(called(true, service, name));
                }
            }
        }
        assertEquals(answered, scripted.called(), "what the page says is answered, and what the script calls");
    }

    private static String called(boolean isAtMaster, ServiceDescriptor service, String method) {
        return ScriptedCalls.name(isAtMaster, service.getFullName(), method);
    }

    @Test
    void whatTheMasterDoesNotAnswerItDoesNotKnow() throws IOException {
        checkUnknown(MASTER, server.master(), answered("MasterService", MASTER));
    }

    @Test
    void whatTheTabletServerDoesNotAnswerItDoesNotKnow() throws IOException {
        checkUnknown(TABLETS, server.tablets(), answered("TabletServerService", TABLETS));
    }

    /** The table must name all methods that there are, in rows that say "answered", or that they are unknown. */
    private Set<String> answered(String title, ServiceDescriptor service) {
        Set<String> answered = new TreeSet<>();
        Set<String> named = new TreeSet<>();
        page.table(title).forEach((names, answer) -> {
            if (!names.equals("method")) {
                named.addAll(CompatibilityPage.split(names));
                assertTrue(answer.startsWith("answered") || answer.equals("ERROR_NO_SUCH_METHOD"), answer);
                if (answer.startsWith("answered")) {
                    answered.addAll(CompatibilityPage.split(names));
                }
            }
        });
        assertEquals(new TreeSet<>(names(service)), named);
        return answered;
    }

    private static List<String> names(ServiceDescriptor service) {
        return service.getMethods().stream().map(MethodDescriptor::getName).toList();
    }

    @Test
    void whatOtherServicesDoNotAnswerIsUnknown() throws IOException {
        Map<String, String> rows = page.table("Other services");
        Set<String> rest = new HashSet<>(rows.keySet());
        for (ServiceDescriptor service : others()) {
            String row = rowOf(service, rows);
            rest.remove(row);
            Set<String> answered = answeredOf(service, rows);
            checkUnknown(service, server.tablets(), answered);
            if (row.contains("both ports")) {
                checkUnknown(service, server.master(), answered);
            } else {
                checkNoService(
                        server.master(), service.getFullName(), names(service).getFirst());
            }
        }
        assertEquals(Set.of("service", "TxnManagerService, and all others"), rest);
        assertEquals("ERROR_NO_SUCH_SERVICE", rows.get("TxnManagerService, and all others"));
        checkNoService(server.master(), "kudu.transactions.TxnManagerService", "BeginTransaction");
        checkNoService(server.tablets(), "kudu.transactions.TxnManagerService", "BeginTransaction");
        checkNoService(server.master(), WireClient.TABLET_SERVER, "Ping");
        checkNoService(server.tablets(), WireClient.MASTER, "Ping");
    }

    private static List<ServiceDescriptor> others() {
        List<ServiceDescriptor> others =
                new ArrayList<>(TserverAdmin.getDescriptor().getServices());
        others.addAll(ServerBase.getDescriptor().getServices());
        others.addAll(Consensus.getDescriptor().getServices());
        return others;
    }

    private static String rowOf(ServiceDescriptor service, Map<String, String> rows) {
        return rows.keySet().stream()
                .filter(key -> key.startsWith(service.getName()))
                .findFirst()
                .orElseThrow(() -> new AssertionError(service.getFullName() + " is not on the page"));
    }

    private static Set<String> answeredOf(ServiceDescriptor service, Map<String, String> rows) {
        String text = rows.getOrDefault(rowOf(service, rows), "");
        Set<String> answered = new TreeSet<>(names(service));
        answered.removeIf(
                name -> !Pattern.compile("\\b" + name + "\\b").matcher(text).find());
        return answered;
    }

    private static void checkUnknown(ServiceDescriptor service, WireClient client, Set<String> answered)
            throws IOException {
        for (String name : names(service)) {
            if (!answered.contains(name)) {
                assertEquals(RpcErrorCodePB.ERROR_NO_SUCH_METHOD, errorOf(client, service.getFullName(), name), name);
            }
        }
    }

    private static void checkNoService(WireClient client, String service, String method) throws IOException {
        assertEquals(RpcErrorCodePB.ERROR_NO_SUCH_SERVICE, errorOf(client, service, method), service);
    }

    private static RpcErrorCodePB errorOf(WireClient client, String service, String method) throws IOException {
        return client.call(service, method, PingRequestPB.getDefaultInstance())
                .error()
                .getCode();
    }

    /** Those that the script shows as {@code #}. */
    @Test
    void numbersThatVaryAreThoseOfTheServer() throws IOException {
        Table table = server.engine().table("t").orElseThrow();
        table.flush().join();
        for (WireClient client : List.of(server.master(), server.tablets())) {
            long before = server.engine().now();
            long clock = client.call(GENERIC, "ServerClock", ServerClockRequestPB.getDefaultInstance())
                    .message(ServerClockResponsePB.parser())
                    .getTimestamp();
            assertTrue(before <= clock && clock <= server.engine().now(), () -> "the clock shows " + clock);
            MemTrackerPB memory = client.call(GENERIC, "DumpMemTrackers", DumpMemTrackersRequestPB.getDefaultInstance())
                    .message(DumpMemTrackersResponsePB.parser())
                    .getRootTracker();
            long used = 0;
            for (MemTrackerPB owner : memory.getChildTrackersList()) {
                used += owner.getCurrentConsumption();
                assertTrue(owner.getCurrentConsumption() <= owner.getPeakConsumption(), owner::toString);
            }
            assertTrue(used > 0, memory::toString);
            assertEquals(used, memory.getCurrentConsumption());
            assertTrue(used <= memory.getPeakConsumption(), memory::toString);
        }
        long diskBytes = table.statistics().diskBytes();
        assertTrue(diskBytes > 0, "the rows are on disk");
        Message ofTable = calls.request("MasterService.GetTableStatistics");
        assertEquals(
                diskBytes,
                server.master()
                        .call(WireClient.MASTER, "GetTableStatistics", ofTable)
                        .message(GetTableStatisticsResponsePB.parser())
                        .getOnDiskSize());
        assertEquals(
                diskBytes,
                server
                        .tablets()
                        .tablet(
                                "ListTablets",
                                ListTabletsRequestPB.getDefaultInstance(),
                                ListTabletsResponsePB.parser())
                        .getStatusAndSchemaList()
                        .stream()
                        .mapToLong(tablet -> tablet.getTabletStatus().getEstimatedOnDiskSize())
                        .sum());
    }

    // ---- Features ----

    @Test
    void featuresOfTheMasterAreThoseOfThePage() throws IOException {
        Set<String> known = page.names("MasterService", "Features that clients may require:");
        Set<String> all = new TreeSet<>(known);
        all.addAll(page.names("MasterService", "Not there yet:"));
        checkFeatures(MasterFeatures.getDescriptor(), server.master(), "kudu.master.MasterService", known);
        assertEquals(valuesOf(MasterFeatures.getDescriptor()), all, "features that the page speaks of");
    }

    @Test
    void featuresOfTheTabletServerAreThoseOfThePage() throws IOException {
        Set<String> known = page.names("TabletServerService", "Features:");
        EnumDescriptor features = TabletServerFeatures.getDescriptor();
        checkFeatures(features, server.tablets(), "kudu.tserver.TabletServerService", known);
        Set<String> ofAdmin = Set.of("QUIESCING");
        checkFeatures(features, server.tablets(), "kudu.tserver.TabletServerAdminService", ofAdmin);
        Set<String> all = new TreeSet<>(known);
        all.addAll(ofAdmin);
        assertEquals(valuesOf(features), all, "features that the page speaks of");
    }

    private static Set<String> valuesOf(EnumDescriptor features) {
        Set<String> values = new TreeSet<>();
        features.getValues().forEach(value -> values.add(value.getName()));
        values.remove("UNKNOWN_FEATURE");
        return values;
    }

    private void checkFeatures(EnumDescriptor features, WireClient client, String service, Set<String> known)
            throws IOException {
        boolean isAdmin = service.endsWith("AdminService");
        String method = isAdmin ? "Quiesce" : "Ping";
        List<Integer> all = new ArrayList<>(List.of(NO_FEATURE));
        List<Integer> refused = new ArrayList<>(all);
        for (EnumValueDescriptor feature : features.getValues()) {
            boolean isKnown = known.contains(feature.getName());
            checkFeatures(client, service, method, List.of(feature.getNumber()), isKnown ? List.of() : null);
            all.add(feature.getNumber());
            if (!isKnown) {
                refused.add(feature.getNumber());
            }
        }
        checkFeatures(client, service, method, all, refused);
    }

    /**
     * A call that requires features.
     *
     * @param refused those that are named as not there; none if it is answered, null if all are
     */
    private static void checkFeatures(
            WireClient client, String service, String method, List<Integer> required, @Nullable List<Integer> refused)
            throws IOException {
        WireClient.Reply reply =
                client.call(WireClient.header(0, service, method).addAllRequiredFeatureFlags(required), new byte[0]);
        List<Integer> expected = refused == null ? required : refused;
        assertEquals(!expected.isEmpty(), reply.isError(), () -> service + " with " + required);
        if (reply.isError()) {
            ErrorStatusPB error = reply.error();
            assertEquals(RpcErrorCodePB.ERROR_INVALID_REQUEST, error.getCode());
            assertEquals(expected, error.getUnsupportedFeatureFlagsList(), service);
        }
    }

    @Test
    void servicesWithoutFeaturesRefuseAny() throws IOException {
        for (WireClient client : List.of(server.master(), server.tablets())) {
            checkFeatures(client, GENERIC, "GetFlags", List.of(), List.of());
            checkFeatures(client, GENERIC, "GetFlags", List.of(1, 2), null);
            checkFeatures(client, "kudu.consensus.ConsensusService", "GetConsensusState", List.of(1, 2), null);
        }
    }

    // ---- Refusals ----

    @Test
    void whatIsRefusedIsRefusedWithTheCodeOfThePage() throws IOException {
        Map<String, String> refusals = page.refusals();
        refusals.remove("Others"); // Methods, which are all called above.
        assertEquals(new TreeSet<>(calls.refused().keySet()), new TreeSet<>(refusals.keySet()));
        for (Map.Entry<String, List<CompatibilityCalls.Refused>> refused :
                calls.refused().entrySet()) {
            for (CompatibilityCalls.Refused call : refused.getValue()) {
                assertEquals(refusals.get(refused.getKey()), call.code(), refused.getKey());
            }
        }
    }
}
