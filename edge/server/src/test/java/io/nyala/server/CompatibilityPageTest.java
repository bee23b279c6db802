package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import io.nyala.caller.WireClient;
import io.nyala.protocol.consensus.Consensus;
import io.nyala.protocol.master.Master;
import io.nyala.protocol.master.Master.MasterFeatures;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB.RpcErrorCodePB;
import io.nyala.protocol.server.ServerBase;
import io.nyala.protocol.tserver.Tserver.PingRequestPB;
import io.nyala.protocol.tserver.Tserver.TabletServerFeatures;
import io.nyala.protocol.tserver.TserverAdmin;
import io.nyala.protocol.tserver.TserverService;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: {@code docs/KUDU_COMPATIBILITY.md} is true: what it says is answered is answered, what it says is refused is
 * refused with that code, all else is unknown, and so with features. Method: the page is read, and each method of each
 * of Kudu's services is called.
 */
final class CompatibilityPageTest {
    private static final ServiceDescriptor MASTER =
            service(Master.getDescriptor().getServices(), "MasterService");
    private static final ServiceDescriptor TABLETS =
            service(TserverService.getDescriptor().getServices(), "TabletServerService");

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

    @Test
    void eachMethodOfTheMasterIsAsThePageSays() throws IOException {
        checkService(MASTER, server.master(), answered("MasterService", MASTER));
    }

    @Test
    void eachMethodOfTheTabletServerIsAsThePageSays() throws IOException {
        checkService(TABLETS, server.tablets(), answered("TabletServerService", TABLETS));
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
    void eachMethodOfOtherServicesIsAsThePageSays() throws IOException {
        Map<String, String> rows = page.table("Other services");
        List<ServiceDescriptor> others =
                new ArrayList<>(TserverAdmin.getDescriptor().getServices());
        others.addAll(ServerBase.getDescriptor().getServices());
        others.addAll(Consensus.getDescriptor().getServices());
        Set<String> rest = new HashSet<>(rows.keySet());
        for (ServiceDescriptor service : others) {
            String row = rows.keySet().stream()
                    .filter(key -> key.startsWith(service.getName()))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError(service.getFullName() + " is not on the page"));
            rest.remove(row);
            Set<String> answered = new TreeSet<>(names(service));
            answered.removeIf(name -> !Pattern.compile("\\b" + name + "\\b")
                    .matcher(rows.get(row))
                    .find());
            checkService(service, server.tablets(), answered);
            if (row.contains("both ports")) {
                checkService(service, server.master(), answered);
            }
        }
        assertEquals(Set.of("service", "TxnManagerService, and all others"), rest);
        assertEquals("ERROR_NO_SUCH_SERVICE", rows.get("TxnManagerService, and all others"));
        for (WireClient client : List.of(server.master(), server.tablets())) {
            ErrorStatusPB error = client.call(
                            "kudu.transactions.TxnManagerService",
                            "BeginTransaction",
                            PingRequestPB.getDefaultInstance())
                    .error();
            assertEquals(RpcErrorCodePB.ERROR_NO_SUCH_SERVICE, error.getCode());
        }
    }

    /** What is answered has no error; what is not is unknown. */
    private void checkService(ServiceDescriptor service, WireClient client, Set<String> answered) throws IOException {
        for (MethodDescriptor method : service.getMethods()) {
            String name = method.getName();
            if (!answered.contains(name)) {
                ErrorStatusPB error = client.call(service.getFullName(), name, PingRequestPB.getDefaultInstance())
                        .error();
                assertEquals(RpcErrorCodePB.ERROR_NO_SUCH_METHOD, error.getCode(), name);
                continue;
            }
            assertTrue(
                    CompatibilityCalls.ANSWERED
                            .getOrDefault(service.getFullName(), List.of())
                            .contains(name),
                    name);
            Message request = calls.request(service.getName() + "." + name);
            WireClient.Reply reply = client.call(service.getFullName(), name, request);
            assertFalse(reply.isError(), () -> name + " is answered by an error");
            DynamicMessage answer = DynamicMessage.parseFrom(method.getOutputType(), reply.messageBytes());
            FieldDescriptor error = method.getOutputType().findFieldByName("error");
            assertTrue(error == null || !answer.hasField(error), () -> name + " is answered by " + answer);
        }
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
        for (EnumValueDescriptor feature : features.getValues()) {
            WireClient.Reply reply = client.call(
                    WireClient.header(0, service, method).addRequiredFeatureFlags(feature.getNumber()), new byte[0]);
            assertEquals(!known.contains(feature.getName()), reply.isError(), feature.getName());
            if (reply.isError()) {
                ErrorStatusPB error = reply.error();
                assertEquals(RpcErrorCodePB.ERROR_INVALID_REQUEST, error.getCode());
                assertEquals(List.of(feature.getNumber()), error.getUnsupportedFeatureFlagsList());
            }
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
