package io.nyala.rpc;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * Listens at an address and brings the calls of clients to services.
 *
 * <pre>{@code
 * try (var server = RpcServer.start(RpcConfig.of("TabletServer", "0.0.0.0", 7050), List.of(tablets, generic))) {
 *     ...
 * }
 * }</pre>
 *
 * <p>Thread-safe.
 */
@SuppressWarnings("FutureReturnValueIgnored") // What closing and writing come to is seen by handlers.
public final class RpcServer implements AutoCloseable {
    private static final Logger LOG = System.getLogger(RpcServer.class.getName());

    /** What Netty puts before the reason: a function of C, and a number. */
    private static final Pattern FAILED_CALL = Pattern.compile("^\\w+\\(\\.\\.\\) failed with error\\(-?\\d+\\): ");

    /** Clients that come all at once, as after a restart. */
    private static final int BACKLOG = 1024;

    // What one read asks for: little from those who send little, much from those who write.
    private static final int RECEIVE_BYTES_MIN = 512;
    private static final int RECEIVE_BYTES_FIRST = 4 << 10;
    private static final int RECEIVE_BYTES_MAX = 128 << 10;

    private final RpcConfig config;
    private final RpcThreads threads;
    private final boolean ownsThreads;
    private final Dispatcher dispatcher;
    private final ServerParts parts;
    private final Connections connections;
    private final Channel listener;
    private final ReentrantLock refuseLock = new ReentrantLock();

    // Guarded by the lock.
    private boolean isRefusing;
    private long refusingNanos;

    private RpcServer(RpcConfig config, List<RpcService> services, RpcThreads threads, boolean ownsThreads) {
        this.config = config;
        this.threads = threads;
        this.ownsThreads = ownsThreads;
        this.dispatcher = new Dispatcher(
                config,
                new Services(services),
                threads.pool(),
                threads.quickPool(),
                threads.methodThreadsMax(),
                System::nanoTime);
        this.connections = new Connections(config.connectionsMax());
        LoopTask.Leftovers leftovers = new LoopTask.Leftovers();
        RequestBytes requestBytes =
                new RequestBytes(config.requestBytesMax(), config.slowFrameMillis(), later(threads, leftovers));
        AnswerBytes answerBytes = new AnswerBytes(
                config.answerBytesMax(), config.slowFrameMillis(), requestBytes, later(threads, leftovers));
        RequestBytes firstBytes = new RequestBytes(Negotiation.ALL_BYTES_MAX);
        this.parts = new ServerParts(
                config,
                dispatcher,
                connections,
                requestBytes,
                answerBytes,
                firstBytes,
                threads.allocator(),
                new QuietLog(LOG, System::nanoTime),
                leftovers);
        this.listener = listen();
    }

    /** A server with threads of its own. */
    public static RpcServer start(RpcConfig config, List<RpcService> services) {
        RpcThreads threads = RpcThreads.start();
        try {
            return new RpcServer(config, services, threads, true);
        } catch (Throwable e) {
            threads.close();
            throw e;
        }
    }

    /** A server that shares threads with others; they must stay until it is closed. */
    public static RpcServer start(RpcConfig config, List<RpcService> services, RpcThreads threads) {
        return new RpcServer(config, services, threads, false);
    }

    /** Runs the one thing that it is given each time, when it is time for a look. Not again if it runs no more. */
    private static Consumer<Runnable> later(RpcThreads threads, LoopTask.Leftovers leftovers) {
        AtomicReference<Runnable> look = new AtomicReference<>(() -> {});
        LoopTask task = new LoopTask(
                it -> threads.eventLoops().schedule(it, RequestBytes.LOOK_MILLIS, TimeUnit.MILLISECONDS),
                leftovers,
                () -> look.get().run(),
                () -> {}); // The event loops have ended, and with them all connections: nobody waits.
        return given -> {
            look.set(given);
            task.ask();
        };
    }

    private Channel listen() {
        int high = config.unsentBytesMax();
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(threads.eventLoops())
                .channel(threads.serverChannel())
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .option(ChannelOption.SO_REUSEADDR, true)
                .option(ChannelOption.ALLOCATOR, threads.allocator())
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childOption(ChannelOption.ALLOCATOR, threads.allocator())
                .childOption(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(ServerParts.lowMark(high), high))
                .childOption(
                        ChannelOption.RECVBUF_ALLOCATOR,
                        new AdaptiveRecvByteBufAllocator(RECEIVE_BYTES_MIN, RECEIVE_BYTES_FIRST, RECEIVE_BYTES_MAX))
                .handler(new AcceptFailures(parts.log()))
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        accept(channel);
                    }
                });
        InetSocketAddress address = new InetSocketAddress(config.host(), config.port());
        if (address.isUnresolved()) {
            throw cannotListen(
                    new UnknownHostException("no address is known of a host \"" + config.host() + "\""),
                    "name an address of this host");
        }
        ChannelFuture bound = bootstrap.bind(address).awaitUninterruptibly();
        Throwable cause = bound.cause();
        if (cause != null) {
            throw cannotListen(
                    cause,
                    "stop what listens there, or choose another port (0 for any that is free), or another address of"
                            + " this host");
        }
        return bound.channel();
    }

    private UncheckedIOException cannotListen(Throwable cause, String advice) {
        String why = cause.getMessage() == null ? cause.toString() : cause.getMessage();
        String text = config.serverName() + " cannot listen at " + Addresses.text(config.host(), config.port()) + ": "
                + FAILED_CALL.matcher(why).replaceFirst("") + "; " + advice;
        return new UncheckedIOException(text, cause instanceof IOException io ? io : new IOException(cause));
    }

    /** A client has come. */
    void accept(Channel channel) {
        if (!(channel.localAddress() instanceof InetSocketAddress local)
                || !(channel.remoteAddress() instanceof InetSocketAddress remote)) {
            channel.close(); // Gone before we looked.
            return;
        }
        Connection connection = new Connection(channel, local, remote, parts);
        if (!connections.add(connection)) {
            parts.log().log(
                    Level.WARNING,
                    () -> "refused " + Addresses.text(remote) + ": there are " + config.connectionsMax()
                            + " connections, which is the limit");
            channel.close();
            return;
        }
        try {
            channel.pipeline().addLast(connection);
        } catch (Throwable e) { // Nobody will tell it that it has gone.
            connections.remove(connection);
            throw e;
        }
        if (dispatcher.isClosing()) {
            channel.close(); // Came at the last moment, and may be in no list of close().
        }
    }

    /** Where it listens, with the port that was free if 0 was asked for. */
    public InetSocketAddress address() {
        return (InetSocketAddress) listener.localAddress();
    }

    /** Clients at the moment. */
    public int connectionCount() {
        return connections.count();
    }

    /** What answers hold that their clients have not taken. */
    long answerBytes() {
        return parts.answerBytes().usedBytes();
    }

    /** How far it holds its clients back. */
    public RpcLoad load() {
        boolean isWaiting =
                parts.requestBytes().missingBytes() > 0 || parts.answerBytes().hasLine();
        return new RpcLoad(dispatcher.busyCount(), dispatcher.lastBusy(), isWaiting);
    }

    /** Calls that are not answered yet. */
    public int callsUnderWay() {
        return dispatcher.underWay();
    }

    /**
     * Accepts no more, and tells new calls so with a code on which clients come again. Calls under way go on; {@link
     * #close} follows, which counts its time from here.
     */
    public void refuse() {
        refuseLock.lock();
        try {
            if (!isRefusing) {
                isRefusing = true;
                refusingNanos = System.nanoTime();
                dispatcher.close();
                listener.close().awaitUninterruptibly();
            }
        } finally {
            refuseLock.unlock();
        }
    }

    /**
     * Accepts no more, tells new calls so, waits for those under way ({@link RpcConfig#closeMillis} at most), then half
     * as long for their answers to be taken, and closes the connections: within {@link RpcConfig#closeMillisMax} in
     * all. Not to be called by a method of its services. Once more is no harm.
     */
    @Override
    public void close() {
        closeAll(List.of(this));
    }

    /**
     * Closes several servers as {@link #close} does one, and in the time of one: what one waits for is no reason for
     * the clients of another to have less, or for all to take longer.
     */
    public static void closeAll(List<RpcServer> servers) {
        servers.forEach(RpcServer::refuse);
        boolean isInterrupted = false;
        try {
            for (RpcServer server : servers) {
                server.awaitCalls();
            }
            awaitAnswers(servers);
        } catch (InterruptedException _) {
            isInterrupted = true;
            servers.forEach(RpcServer::cutOff);
        }
        servers.stream().filter(server -> server.ownsThreads).forEach(server -> server.threads.close());
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void awaitCalls() throws InterruptedException {
        long spentNanos = System.nanoTime() - refusingSince();
        if (!dispatcher.awaitIdle(TimeUnit.MILLISECONDS.toNanos(config.closeMillis()) - spentNanos)) {
            LOG.log(
                    Level.WARNING,
                    config.serverName() + " closes with " + dispatcher.underWay()
                            + " calls under way, which did not end within " + config.closeMillis() + " ms");
        }
    }

    private long refusingSince() {
        refuseLock.lock();
        try {
            return refusingNanos;
        } finally {
            refuseLock.unlock();
        }
    }

    private static void awaitAnswers(List<RpcServer> servers) throws InterruptedException {
        for (RpcServer server : servers) {
            server.connections.all().forEach(Connection::closeWhenSent);
        }
        long startNanos = System.nanoTime();
        for (RpcServer server : servers) {
            if (!server.awaitNone(startNanos, server.config.closeMillis() / 2)) {
                server.cutOff(); // Clients that do not take their answers.
            }
        }
        for (RpcServer server : servers) {
            server.awaitNone(startNanos, server.config.closeMillis() / 2 + RpcConfig.CLOSE_SOCKETS_MILLIS);
        }
    }

    /** False if there are connections so many milliseconds after the start. */
    private boolean awaitNone(long startNanos, long millis) throws InterruptedException {
        return connections.awaitNone(TimeUnit.MILLISECONDS.toNanos(millis) - (System.nanoTime() - startNanos));
    }

    private void cutOff() {
        connections.all().forEach(Connection::close);
    }
}
