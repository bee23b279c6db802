package io.nyala.server;

import io.nyala.engine.Engine;
import io.nyala.rpc.Addresses;
import io.nyala.rpc.RpcConfig;
import io.nyala.rpc.RpcErrorCode;
import io.nyala.rpc.RpcException;
import io.nyala.rpc.RpcLoad;
import io.nyala.rpc.RpcServer;
import io.nyala.rpc.RpcService;
import io.nyala.rpc.RpcThreads;
import io.nyala.web.WebConfig;
import io.nyala.web.WebServer;
import java.lang.System.Logger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Kudu's master and tablet server over an engine, in this process: any client of Kudu can use the engine's tables.
 *
 * <pre>{@code
 * try (Engine engine = Engine.open(EngineConfig.in(directory));
 *         NyalaServer server = NyalaServer.start(engine, ServerConfig.standard())) {
 *     ...
 * }
 * }</pre>
 *
 * <p>The engine stays the caller's, who may use its tables meanwhile and closes it after the server. Thread-safe.
 */
public final class NyalaServer implements AutoCloseable {
    private static final Logger LOG = System.getLogger(NyalaServer.class.getName());

    /** Of the time for closing, what web pages may have: they are made of counters, and nobody writes by them. */
    private static final long PAGES_NANOS = TimeUnit.SECONDS.toNanos(2);

    /** What is to be closed, the last first. */
    @FunctionalInterface
    private interface Part {
        /** What does not end within that time is left alone. */
        void close(long nanosMax);
    }

    private final CatalogView catalog;
    private final Events events;
    private final RpcConfig closing;
    private final Deque<Part> parts = new ArrayDeque<>();
    private final List<RpcServer> listening = new CopyOnWriteArrayList<>();
    private volatile @Nullable Identity identity;
    private volatile @Nullable WebServer web;
    private volatile @Nullable Supplier<ServerUse> use;
    private volatile boolean isStarted;

    private NyalaServer(Engine engine, ServerConfig config, Events events) {
        catalog = new CatalogView(engine, new ServerIds(engine.hostId()));
        this.events = Events.inLines(events);
        this.closing = config.rpc("closing", 0);
        try {
            start(config);
            isStarted = true;
        } finally {
            if (!isStarted) {
                close();
            }
        }
    }

    /** Listens at the addresses of {@code config}; serves until it is closed. */
    public static NyalaServer start(Engine engine, ServerConfig config) {
        return start(engine, config, _ -> {});
    }

    /**
     * As {@link #start(Engine, ServerConfig)}, and tells of important events.
     *
     * @throws java.io.UncheckedIOException if it cannot listen: where, why, what to do
     */
    public static NyalaServer start(Engine engine, ServerConfig config, Events events) {
        return new NyalaServer(engine, config, events);
    }

    private void start(ServerConfig config) {
        RpcThreads threads = RpcThreads.start();
        parts.push(threads::close);
        Pressure pressure = new Pressure(this::load, this::tell);
        TabletServerService tablets = new TabletServerService(catalog, config, threads.pool(), pressure::look);
        parts.push(tablets::close);
        parts.push(_ -> RpcServer.closeAll(listening)); // Within its part of the time, by the same limits.
        RpcConfig ports = config.rpc("TabletServer", config.tabletServerPort()).withinProcess(LOG::log);
        RpcServer tabletServer = RpcServer.start(ports, tabletServices(tablets), threads);
        listening.add(tabletServer);
        RpcServer master =
                RpcServer.start(ports.withServer("Master", config.masterPort()), masterServices(config), threads);
        listening.add(master);
        use = () -> new ServerUse(
                master.connectionCount() + tabletServer.connectionCount(),
                master.callsUnderWay() + tabletServer.callsUnderWay(),
                tablets.scannerCount(),
                tablets.batchCount(),
                threads.bytesInUse());
        Identity self = new Identity(
                catalog.ids(),
                config.advertisedHost().isEmpty() ? hostForClients(tabletServer.address()) : config.advertisedHost(),
                master.address().getPort(),
                tabletServer.address().getPort(),
                ServerConfig.NO_WEB,
                ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now()));
        identity = self; // The pages show it.
        if (config.webPort() != ServerConfig.NO_WEB) {
            WebServer pages = WebServer.start(
                    catalog.engine(),
                    WebConfig.at(config.host(), Math.max(0, config.webPort())),
                    new ServerPages(catalog.ids(), this::identity, tablets::openScanners));
            parts.push(nanosMax -> pages.close(Math.min(nanosMax, PAGES_NANOS)));
            web = pages;
            identity = self.withWebPort(URI.create(pages.url()).getPort());
        }
    }

    /** Of both ports, as far as they listen. */
    private RpcLoad load() {
        return listening.stream().map(RpcServer::load).reduce(new RpcLoad(0, "", false), RpcLoad::and);
    }

    /** A client cannot come to "any address". */
    private static String hostForClients(InetSocketAddress address) {
        if (!address.getAddress().isAnyLocalAddress()) {
            return Addresses.number(address.getAddress());
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException _) {
            return Addresses.number(InetAddress.getLoopbackAddress());
        }
    }

    private List<RpcService> tabletServices(TabletServerService tablets) {
        return List.of(
                tablets.service(),
                tablets.adminService(),
                GenericService.of(
                        catalog.engine(),
                        () -> identity().tabletServerInstance(),
                        () -> identity().tabletServerAddress()),
                ConsensusService.of(
                        () -> catalog.allTablets().stream()
                                .map(CatalogView.HostedTablet::id)
                                .toList(),
                        () -> identity().tabletConsensus()));
    }

    private List<RpcService> masterServices(ServerConfig config) {
        Supplier<Identity> self = this::identity;
        return List.of(
                new MasterService(catalog, self, config.replicasMax(), events).service(),
                GenericService.of(
                        catalog.engine(),
                        () -> identity().masterInstance(),
                        () -> identity().masterAddress()),
                ConsensusService.of(
                        () -> List.of(ServerIds.SYSTEM_TABLET), () -> identity().masterConsensus()));
    }

    /** Known as soon as both servers listen; who comes before that is told to come again. */
    private Identity identity() {
        Identity known = identity;
        if (known == null) {
            throw new RpcException(RpcErrorCode.ERROR_UNAVAILABLE, "Service unavailable: the server is starting");
        }
        return known;
    }

    /** Host that clients are told to come to, by name or number. */
    public String clientHost() {
        return identity().host();
    }

    /** Where clients find the master: {@code host:port} or {@code [::1]:port}, as they want it. */
    public String masterAddress() {
        return Addresses.text(identity().host(), identity().masterPort());
    }

    /** Where the tablet server listens; clients learn it from the master. */
    public String tabletServerAddress() {
        return Addresses.text(identity().host(), identity().tabletServerPort());
    }

    /** Where a browser finds the web pages, if there are any. */
    public Optional<String> webUrl() {
        return Optional.ofNullable(web).map(WebServer::url);
    }

    /** What clients have of it now; counted while they go on. */
    public ServerUse use() {
        Supplier<ServerUse> known = use;
        if (known == null) {
            throw new IllegalStateException("the server is not started");
        }
        return known.get();
    }

    /**
     * Takes no more requests, waits for those under way, sends their answers and closes all connections and scanners.
     * That takes as long as calls do, but not more than 20 s, whatever clients and calls do: 10 s for calls, 5 s for
     * their answers to be taken, at both ports at once, and 5 s for connections and threads to end. What has not ended
     * by then is left alone, with a line in the log. The engine stays open. Who closes it while another does waits for
     * that: behind each of them the engine may be closed.
     */
    @Override
    public void close() {
        synchronized (parts) {
            if (!parts.isEmpty()) {
                closeAll();
            }
        }
    }

    private void closeAll() {
        long startNanos = System.nanoTime();
        listening.forEach(RpcServer::refuse);
        int calls = listening.stream().mapToInt(RpcServer::callsUnderWay).sum();
        tell("stopping: no more connections and calls are taken; " + calls + " calls are under way and have "
                + closing.closeMillis() / 1000 + " s");
        closeParts(startNanos + TimeUnit.MILLISECONDS.toNanos(closing.closeMillisMax()));
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos);
        tell("stopping: all connections are closed, after " + millis + " ms");
    }

    private void tell(String line) {
        if (isStarted) {
            events.tell(line);
        }
    }

    private void closeParts(long endNanos) {
        RuntimeException failure = null;
        while (!parts.isEmpty()) {
            try {
                parts.pop().close(Math.max(0, endNanos - System.nanoTime()));
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = new IllegalStateException("the server did not close cleanly", e);
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
