package io.nyala.web;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.testkit.Spin;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: whatever a client does, it hears in words what is wrong, takes nothing from others, and leaves nothing behind.
 * Method: wrong requests, clients that stop half-way, sockets, the threads of this process.
 */
final class WebServerTest {
    private static final int MANY = 40;

    @TempDir
    private Path directory = Path.of("");

    @Test
    void wrongRequestsAreAnsweredInWords() throws Exception {
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            assertRefused(404, "there is nothing at /nowhere", browser.get("/nowhere"));
            assertRefused(404, "there are /, ", browser.get("/a%3Cb%3E%22?%22=%3E"));
            assertRefused(404, "there is nothing at /tables/", browser.get("/tables/"));
            assertRefused(400, "which table? Give its id", browser.get("/table"));
            assertRefused(400, "which tablet? Give its id", browser.get("/tablet?id="));
            assertRefused(404, "there is no table of the id 7", browser.get("/table?id=7"));
            assertRefused(404, "there is no tablet of the id 0x7", browser.get("/tablet?id=0x7"));
            assertRefused(404, "there is no tablet of the id 9", browser.get("/tablet?id=" + "9".repeat(19)));
            assertRefused(404, "there is no tablet of the id 9", browser.get("/tablet?id=" + "9".repeat(3000)));
            assertRefused(400, "from=-1 is not", browser.get("/tablets?from=-1"));
            assertRefused(400, "from=a is not", browser.get("/tables?from=a"));
            assertRefused(400, "4096 is the limit", browser.get("/tables?x=" + "y".repeat(5000)));
            assertRefused(400, "types=row is none", browser.get("/metrics?types=row"));
            for (String method : List.of("POST", "PUT", "DELETE", "OPTIONS")) {
                HttpResponse<String> refused = browser.ask(method, "/tables");
                assertRefused(405, "can only be read", refused);
                assertEquals("GET, HEAD", refused.headers().firstValue("Allow").orElse(""));
            }
            HttpResponse<String> json = browser.get("/tablet?json&id=8");
            assertEquals(404, json.statusCode());
            assertTrue(JsonReader.map(JsonReader.read(json.body())).containsKey("warnings"), json::body);
        }
    }

    private static void assertRefused(int status, String words, HttpResponse<String> answer) {
        assertEquals(status, answer.statusCode(), answer::body);
        HtmlReader.tags(answer.body());
        assertTrue(answer.body().contains(words), answer::body);
    }

    @Test
    void aParameterThatIsNotEncodedIsRefused() throws Exception {
        try (Watched watched = Watched.open(directory);
                Socket socket = connect(watched.server, 1 << 16)) {
            socket.getOutputStream()
                    .write(bytes("GET /tables?from=%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
            String answer = new String(readAll(socket), StandardCharsets.UTF_8);
            assertTrue(answer.startsWith("HTTP/1.1 400 "), answer);
        }
    }

    @Test
    void aHeadRequestIsAnsweredWithoutABody() throws Exception {
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            HttpResponse<String> head = browser.ask("HEAD", "/tables");
            assertEquals(200, head.statusCode());
            assertEquals("", head.body());
            long bytes = head.headers().firstValueAsLong("Content-Length").orElse(0);
            assertEquals(browser.get("/tables").body().getBytes(StandardCharsets.UTF_8).length, bytes);
        }
    }

    @Test
    void aClosedEngineIsSaidToBeClosed() throws Exception {
        try (Watched watched = Watched.open(directory);
                Browser browser = new Browser(watched.server)) {
            watched.engine.close();
            for (String address : List.of("/", "/tables", "/tablets", "/maintenance", "/healthz", "/metrics")) {
                assertRefused(503, "closed", browser.get(address));
            }
        }
    }

    @Test
    void whoSendsHalfARequestIsCutOffAndKeepsNobodyFromTheirs() throws Exception {
        try (Watched watched =
                        Watched.open(directory, WebConfig.at("127.0.0.1", 0).withRequestMillis(500), List.of());
                Browser browser = new Browser(watched.server)) {
            List<Socket> slow = new ArrayList<>();
            for (int i = 0; i < MANY; i++) {
                Socket socket = connect(watched.server, 1 << 16);
                socket.getOutputStream().write(bytes("GET /tables HTTP/1.1\r\nHos"));
                slow.add(socket);
            }
            assertEquals(200, browser.get("/healthz").statusCode()); // When some of them are cut off.
            for (Socket socket : slow) {
                assertEquals(0, readAll(socket).length);
                socket.close();
            }
            assertEquals(200, browser.get("/healthz").statusCode());
        }
    }

    @Test
    void whoDoesNotReadTheAnswersIsCutOff() throws Exception {
        try (Watched watched =
                        Watched.open(directory, WebConfig.at("127.0.0.1", 0).withRequestMillis(500), List.of());
                Browser browser = new Browser(watched.server);
                Socket socket = connect(watched.server, 4096)) {
            byte[] request = bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            CountDownLatch cutOff = new CountDownLatch(1);
            Thread sender = Thread.ofPlatform().daemon().start(() -> {
                try {
                    while (true) { // Until both sides keep no more: the server cannot answer, nor take more requests.
                        socket.getOutputStream().write(request);
                    }
                } catch (IOException _) {
                    cutOff.countDown();
                }
            });
            assertTrue(cutOff.await(2, TimeUnit.MINUTES), "the connection is open still");
            sender.join();
            assertEquals(200, browser.get("/healthz").statusCode());
        }
    }

    @Test
    void aPortInUseIsNamedAndNothingIsLeft() throws Exception {
        try (Engine engine = engine();
                ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Set<Thread> before = threads();
            UncheckedIOException refused =
                    assertThrows(UncheckedIOException.class, () -> start(engine, "127.0.0.1", taken.getLocalPort()));
            String message = String.valueOf(refused.getMessage());
            assertTrue(message.startsWith("the web pages cannot listen at 127.0.0.1:" + taken.getLocalPort()), message);
            assertTrue(message.contains("--web-port"), message);
            assertNoneIsLeft(before);
        }
    }

    @Test
    void anAddressThatIsNotOursIsNamed() {
        try (Engine engine = engine()) {
            for (String host : List.of("192.0.2.1", "no-such-host.invalid")) {
                UncheckedIOException refused = assertThrows(UncheckedIOException.class, () -> start(engine, host, 0));
                assertTrue(String.valueOf(refused.getMessage()).contains(host), refused::getMessage);
            }
        }
    }

    @Test
    void noThreadIsLeftWhenItIsClosed() throws Exception {
        try (Engine engine = engine()) {
            Set<Thread> before = threads();
            WebServer server = start(engine, "127.0.0.1", 0);
            try (Browser browser = new Browser(server);
                    Socket half = connect(server, 4096)) {
                half.getOutputStream().write(bytes("GET / HT"));
                assertEquals(200, browser.get("/").statusCode());
                assertTrue(threads().size() > before.size());
                server.close();
                server.close();
                assertEquals(0, readAll(half).length);
            }
            assertNoneIsLeft(before);
            int port = URI.create(server.url()).getPort();
            assertThrows(IOException.class, () -> new Socket(InetAddress.getLoopbackAddress(), port).close());
            assertEquals(List.of(), engine.tables()); // It is open still.
        }
    }

    @Test
    void aPageThatIsNotDoneInTimeIsLeftAlone() throws InterruptedException {
        Exchanges exchanges = new Exchanges(60_000);
        CountDownLatch mayEnd = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        CountDownLatch begun = new CountDownLatch(1);
        exchanges.execute(() -> {
            begun.countDown();
            Spin.until(() -> mayEnd.getCount() == 0); // Whoever interrupts it.
            ended.countDown();
        });
        begun.await();
        assertFalse(exchanges.close(0));
        assertEquals(1, ended.getCount());
        mayEnd.countDown();
        ended.await();
        assertTrue(exchanges.close(TimeUnit.MINUTES.toNanos(2)));
    }

    private static WebServer start(Engine engine, String host, int port) {
        return WebServer.start(engine, WebConfig.at(host, port), WebHost.ofEngine("test"));
    }

    private Engine engine() {
        return Engine.open(EngineConfig.in(directory).withMemoryBytes(128 << 20).withLogSegmentBytes(16 << 20));
    }

    /** A thread that has done its last may be listed for a moment. */
    private static void assertNoneIsLeft(Set<Thread> before) throws InterruptedException {
        Set<Thread> left = threads();
        left.removeAll(before);
        for (Thread thread : left) {
            assertTrue(thread.join(Duration.ofMinutes(4)), () -> thread + " is left");
        }
    }

    /** Those of the engine, of the pages and of the JDK's server; not those of the client. */
    private static Set<Thread> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("nyala")
                        || thread.getName().startsWith("HTTP-Dispatcher")
                        || thread.getName().contains("timeout-task"))
                .collect(Collectors.toSet());
    }

    private static Socket connect(WebServer server, int receiveBytes) throws IOException {
        URI url = URI.create(server.url());
        Socket socket = new Socket();
        socket.setReceiveBufferSize(receiveBytes);
        socket.setSoTimeout((int) Duration.ofMinutes(2).toMillis());
        socket.connect(new InetSocketAddress(url.getHost(), url.getPort()));
        return socket;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** To the end, however that comes. */
    private static byte[] readAll(Socket socket) throws IOException {
        InputStream source = socket.getInputStream();
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] part = new byte[1 << 16];
        try {
            for (int count = source.read(part); count >= 0; count = source.read(part)) {
                all.write(part, 0, count);
            }
        } catch (SocketException _) {
            // Reset: the server closed it with something unread.
        }
        return all.toByteArray();
    }
}
