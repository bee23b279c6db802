package io.nyala.web;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.nyala.engine.Engine;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * The pages and metrics of an engine over HTTP, to be read only.
 *
 * <pre>{@code
 * try (Engine engine = Engine.open(EngineConfig.in(directory));
 *         WebServer web = WebServer.start(engine, WebConfig.at("127.0.0.1", 8050), WebHost.ofEngine("1.0"))) {
 *     ...
 * }
 * }</pre>
 *
 * <p>A page is made whole, from counters, before its first byte is sent: a slow reader holds nothing but those bytes,
 * and not for ever. The engine stays the caller's, who closes it after this. Thread-safe.
 */
public final class WebServer implements AutoCloseable {
    private static final Logger LOG = System.getLogger(WebServer.class.getName());

    /** Pages that are made at a time: watching shall not take a machine from who works. */
    private static final int MADE_MAX = 4;

    /** How long a request waits for that. */
    private static final long WAIT_SECONDS = 5;

    /** To end what is under way: pages are made of counters, and whoever writes one is interrupted. */
    private static final long CLOSE_SECONDS = 5;

    /** Connections that the system keeps for us until we look. */
    private static final int BACKLOG = 64;

    private static final Map<String, String> HEADERS = Map.of(
            "Content-Security-Policy", Style.POLICY,
            "X-Content-Type-Options", "nosniff",
            "Referrer-Policy", "no-referrer",
            "Cache-Control", "no-store");

    private final HttpServer server;
    private final Exchanges exchanges;
    private final Site site;
    private final String host;
    private final Semaphore making = new Semaphore(MADE_MAX, true);

    private WebServer(Engine engine, WebConfig config, WebHost webHost) {
        host = config.host();
        site = new Site(engine, webHost, Instant.now());
        server = listen(config);
        exchanges = new Exchanges(config.requestMillis());
        server.setExecutor(exchanges);
        server.createContext("/", this::serve);
        server.start();
    }

    /**
     * Listens, and serves until it is closed.
     *
     * @throws UncheckedIOException if it cannot listen: where, why, what to do
     */
    public static WebServer start(Engine engine, WebConfig config, WebHost host) {
        return new WebServer(engine, config, host);
    }

    private static HttpServer listen(WebConfig config) {
        try {
            return HttpServer.create(new InetSocketAddress(config.host(), config.port()), BACKLOG);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "the web pages cannot listen at " + inBrackets(config.host()) + ":" + config.port() + ": "
                            + e.getMessage()
                            + "; choose an address of this host and a port that nothing else listens at (--web-port"
                            + " of nyala serve, where 0 is for no pages)",
                    e);
        }
    }

    /** Where a browser finds the pages. */
    public String url() {
        InetSocketAddress address = server.getAddress();
        String name = address.getAddress().isAnyLocalAddress() ? "localhost" : host;
        return "http://" + inBrackets(name) + ":" + address.getPort() + "/";
    }

    /** If it is a number with colons. */
    private static String inBrackets(String name) {
        return name.indexOf(':') < 0 ? name : "[" + name + "]";
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            String method = exchange.getRequestMethod();
            Answer answer;
            if (method.equals("GET") || method.equals("HEAD")) {
                answer = answer(exchange);
            } else {
                exchange.getResponseHeaders().set("Allow", "GET, HEAD");
                answer = site.refusal(405, "these pages can only be read: GET or HEAD", new Request("/", Map.of()));
            }
            send(exchange, answer, method.equals("HEAD"));
        }
    }

    private Answer answer(HttpExchange exchange) {
        Request request = new Request("/", Map.of());
        try {
            request = Request.of(exchange.getRequestURI());
            return made(request);
        } catch (WebException e) {
            return site.refusal(e.status(), e.text(), request);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "the page " + request.path() + " could not be made", e);
            return site.refusal(500, "the page could not be made: " + Failures.text(e), request);
        }
    }

    private Answer made(Request request) {
        boolean isOurTurn = false;
        try {
            isOurTurn = making.tryAcquire(WAIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt(); // It is too late to answer.
        }
        if (!isOurTurn) {
            throw WebException.unavailable("too many pages are being made; try again");
        }
        try {
            return site.answer(request);
        } finally {
            making.release();
        }
    }

    private static void send(HttpExchange exchange, Answer answer, boolean isHead) throws IOException {
        Headers headers = exchange.getResponseHeaders();
        HEADERS.forEach(headers::set);
        headers.set("Content-Type", answer.contentType());
        answer.next().ifPresent(next -> headers.set("Link", "<" + next + ">; rel=\"next\""));
        if (isHead) {
            headers.set("Content-Length", Integer.toString(answer.body().length));
            exchange.sendResponseHeaders(answer.status(), -1);
            return;
        }
        exchange.sendResponseHeaders(answer.status(), answer.body().length == 0 ? -1 : answer.body().length);
        try (OutputStream body = exchange.getResponseBody()) {
            body.write(answer.body());
        }
    }

    /** As {@link #close(long)}, where there is nothing else that takes time. */
    @Override
    public void close() {
        close(TimeUnit.SECONDS.toNanos(CLOSE_SECONDS));
    }

    /**
     * Takes no more requests and cuts off those under way.
     *
     * @param nanosMax what does not end within that time is left alone, with a line in the log
     */
    public void close(long nanosMax) {
        server.stop(0);
        if (!exchanges.close(nanosMax)) {
            LOG.log(Level.WARNING, "web pages are still being made, and are left alone");
        }
    }
}
