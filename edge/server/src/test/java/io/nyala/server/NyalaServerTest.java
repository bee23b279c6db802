package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.caller.WireClient;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.protocol.Common.HostPortPB;
import io.nyala.protocol.master.Master.ConnectToMasterRequestPB;
import io.nyala.protocol.master.Master.ConnectToMasterResponsePB;
import io.nyala.protocol.master.Master.ListMastersRequestPB;
import io.nyala.protocol.master.Master.ListMastersResponsePB;
import io.nyala.protocol.master.Master.ListTabletServersRequestPB;
import io.nyala.protocol.master.Master.ListTabletServersResponsePB;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a host embeds the server, by name or as a service, several of them if it likes, and is left as it was. Method:
 * engines on real files, sockets, the threads of this process.
 */
final class NyalaServerTest {
    private static final ServerConfig ANY_PORTS =
            ServerConfig.standard().withMasterPort(0).withTabletServerPort(0);

    @TempDir
    private Path directory = Path.of("");

    @Test
    void twoServersOfOneProcessHaveTheirOwnPorts() {
        try (Engine one = open("one");
                Engine two = open("two");
                NyalaServer first = NyalaServer.start(one, ANY_PORTS);
                NyalaServer second = NyalaServer.start(two, ANY_PORTS)) {
            assertNotEquals(first.masterAddress(), second.masterAddress());
            assertNotEquals(first.masterAddress(), first.tabletServerAddress());
            for (NyalaServer server : List.of(first, second)) {
                assertTrue(accepts(server.masterAddress()));
                assertTrue(accepts(server.tabletServerAddress()));
            }
        }
    }

    @Test
    void clientsAreToldTheHostThatIsAdvertised() throws IOException {
        try (Engine engine = open("engine");
                NyalaServer server = NyalaServer.start(
                        engine, ANY_PORTS.withHost("0.0.0.0").withAdvertisedHost("db1.example.org"))) {
            assertEquals(List.of("db1.example.org"), told(server));
            assertTrue(server.masterAddress().startsWith("db1.example.org:"), server.masterAddress());
            assertTrue(server.tabletServerAddress().startsWith("db1.example.org:"), server.tabletServerAddress());
        }
    }

    @Test
    void clientsAreNeverToldToComeToAnyAddress() throws IOException {
        String machine;
        try {
            machine = InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException _) {
            machine = "127.0.0.1";
        }
        try (Engine engine = open("engine");
                NyalaServer server = NyalaServer.start(engine, ANY_PORTS.withHost("0.0.0.0"))) {
            assertEquals(List.of(machine), told(server));
        }
        for (String nowhere : List.of("0.0.0.0", "::", "db1:7051", "db 1", "db1/", "10.0.0.1:7051")) {
            assertThrows(IllegalArgumentException.class, () -> ANY_PORTS.withAdvertisedHost(nowhere), nowhere);
        }
        for (String there : List.of("db-1.example.org", "10.0.0.1", "fe80::1", "2001:db8::10.0.0.1")) {
            assertEquals(there, ANY_PORTS.withAdvertisedHost(there).advertisedHost());
        }
    }

    /** The hosts of all addresses that a client of the master hears. */
    private static List<String> told(NyalaServer server) throws IOException {
        String port = server.masterAddress().replaceFirst(".*:", "");
        try (WireClient client = WireClient.of("127.0.0.1:" + port)) {
            List<HostPortPB> addresses = new ArrayList<>();
            addresses.addAll(
                    client.call(WireClient.MASTER, "ConnectToMaster", ConnectToMasterRequestPB.getDefaultInstance())
                            .message(ConnectToMasterResponsePB.parser())
                            .getMasterAddrsList());
            client.call(WireClient.MASTER, "ListTabletServers", ListTabletServersRequestPB.getDefaultInstance())
                    .message(ListTabletServersResponsePB.parser())
                    .getServersList()
                    .forEach(each -> addresses.addAll(each.getRegistration().getRpcAddressesList()));
            client.call(WireClient.MASTER, "ListMasters", ListMastersRequestPB.getDefaultInstance())
                    .message(ListMastersResponsePB.parser())
                    .getMastersList()
                    .forEach(each -> addresses.addAll(each.getRegistration().getRpcAddressesList()));
            assertEquals(3, addresses.size(), addresses::toString);
            return addresses.stream().map(HostPortPB::getHost).distinct().toList();
        }
    }

    @Test
    void clientsAreToldWhereThePagesAreIfThereAreAny() throws IOException {
        try (Engine engine = open("engine");
                NyalaServer none = NyalaServer.start(engine, ANY_PORTS);
                NyalaServer server = NyalaServer.start(engine, ANY_PORTS.withWebPort(ServerConfig.ANY_WEB_PORT))) {
            int port = URI.create(server.webUrl().orElseThrow()).getPort();
            assertEquals(List.of("127.0.0.1:" + port, "127.0.0.1:" + port), pages(server));
            assertEquals(List.of(), pages(none));
        }
    }

    /** Of the tablet server and of the master. */
    private static List<String> pages(NyalaServer server) throws IOException {
        try (WireClient client = WireClient.of(server.masterAddress())) {
            List<HostPortPB> addresses = new ArrayList<>();
            client.call(WireClient.MASTER, "ListTabletServers", ListTabletServersRequestPB.getDefaultInstance())
                    .message(ListTabletServersResponsePB.parser())
                    .getServersList()
                    .forEach(each -> addresses.addAll(each.getRegistration().getHttpAddressesList()));
            client.call(WireClient.MASTER, "ListMasters", ListMastersRequestPB.getDefaultInstance())
                    .message(ListMastersResponsePB.parser())
                    .getMastersList()
                    .forEach(each -> addresses.addAll(each.getRegistration().getHttpAddressesList()));
            return addresses.stream()
                    .map(each -> each.getHost() + ":" + each.getPort())
                    .toList();
        }
    }

    @Test
    void aHostFindsItAsAService() throws Exception {
        ServerPlugin plugin = ServiceLoader.load(ServerPlugin.class).findFirst().orElseThrow();
        assertEquals("kudu", plugin.name());
        try (Engine engine = open("engine")) {
            plugin.start(engine, ANY_PORTS).close();
            assertEquals(List.of(), engine.tables()); // It is open still.
        }
    }

    @Test
    void noThreadIsLeftWhenItIsClosed() throws InterruptedException {
        try (Engine engine = open("engine")) {
            Set<Thread> before = threads();
            NyalaServer server = NyalaServer.start(engine, ANY_PORTS);
            String master = server.masterAddress();
            assertTrue(threads().size() > before.size());
            server.close();
            server.close();
            assertNoneIsLeft(before);
            assertTrue(!accepts(master), "it listens still");
        }
    }

    /** The second returned while the first still waited, and its host closed the engine under the calls under way. */
    @Test
    void whoClosesItWhileAnotherDoesWaitsForThat() throws InterruptedException {
        List<String> lines = Collections.synchronizedList(new ArrayList<>());
        AtomicReference<NyalaServer> server = new AtomicReference<>();
        CountDownLatch secondIsBack = new CountDownLatch(1);
        Thread second = new Thread(() -> {
            server.get().close();
            secondIsBack.countDown();
        });
        try (Engine engine = open("engine")) {
            server.set(NyalaServer.start(engine, ANY_PORTS, line -> {
                lines.add(line);
                if (lines.size() == 1) {
                    second.start();
                }
                awaitStuckOrBack(second);
                lines.add(secondIsBack.getCount() == 0 ? "the second is back" : "the second waits");
            }));
            server.get().close();
            secondIsBack.await();
        }
        assertEquals(4, lines.size(), lines::toString);
        assertEquals(List.of("the second waits", "the second waits"), List.of(lines.get(1), lines.get(3)));
    }

    private static void awaitStuckOrBack(Thread other) {
        try {
            while (!other.equals(Thread.currentThread()) && other.getState() == Thread.State.RUNNABLE) {
                other.join(Duration.ofMillis(1));
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aPortInUseIsNamedAndNothingIsLeft() throws IOException, InterruptedException {
        try (Engine engine = open("engine");
                ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Set<Thread> before = threads();
            UncheckedIOException refused = assertThrows(
                    UncheckedIOException.class,
                    () -> NyalaServer.start(engine, ANY_PORTS.withMasterPort(taken.getLocalPort())));
            String message = String.valueOf(refused.getMessage());
            assertTrue(message.contains("Master cannot listen at 127.0.0.1:" + taken.getLocalPort()), message);
            assertTrue(message.contains("0 for any that is free"), message);
            assertNoneIsLeft(before);
        }
    }

    @Test
    void aHostThatIsNoHostIsNamedAndNothingIsLeft() throws InterruptedException {
        try (Engine engine = open("engine")) {
            Set<Thread> before = threads();
            UncheckedIOException refused = assertThrows(
                    UncheckedIOException.class, () -> NyalaServer.start(engine, ANY_PORTS.withHost("no such host")));
            assertEquals(
                    "TabletServer cannot listen at no such host:0: no address is known of a host \"no such host\";"
                            + " name an address of this host",
                    refused.getMessage());
            assertNoneIsLeft(before);
        }
    }

    private Engine open(String name) {
        return Engine.open(EngineConfig.in(directory.resolve(name))
                .withMemoryBytes(128 << 20)
                .withLogSegmentBytes(16 << 20));
    }

    /** A thread that has done its last may be listed for a moment. */
    private static void assertNoneIsLeft(Set<Thread> before) throws InterruptedException {
        Set<Thread> left = threads();
        left.removeAll(before);
        for (Thread thread : left) {
            assertTrue(thread.join(Duration.ofMinutes(4)), () -> thread + " is left");
        }
    }

    /** Those that the system keeps for all are not counted, nor Netty's, which ends by itself a second later. */
    private static Set<Thread> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> !thread.isDaemon() || thread.getName().startsWith("nyala"))
                .filter(thread -> !thread.getName().startsWith("globalEventExecutor"))
                .collect(Collectors.toSet());
    }

    private static boolean accepts(String address) {
        int colon = address.lastIndexOf(':');
        try (Socket socket = new Socket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)))) {
            return socket.isConnected();
        } catch (IOException _) {
            return false;
        }
    }
}
