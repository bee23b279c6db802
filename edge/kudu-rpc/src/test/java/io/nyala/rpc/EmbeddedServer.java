package io.nyala.rpc;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a server without sockets and threads: what a client sends is given to a connection piece by piece, and
 * methods run at once. Belongs to one thread.
 */
final class EmbeddedServer {
    private static final InetSocketAddress LOCAL = new InetSocketAddress(InetAddress.getLoopbackAddress(), 7050);
    private static final InetSocketAddress REMOTE = new InetSocketAddress(InetAddress.getLoopbackAddress(), 40_000);

    /** Methods run one by one. */
    private static final int METHOD_THREADS_MAX = 1;

    final TestService service = new TestService();
    final RpcConfig config;
    final Dispatcher dispatcher;
    final Connections connections;
    final RequestBytes requestBytes;
    final AnswerBytes answerBytes;
    final RequestBytes firstBytes = new RequestBytes(Negotiation.ALL_BYTES_MAX);

    /** What it has logged because of its clients. */
    final List<String> lines = new ArrayList<>(List.of(""));

    /** What is to run {@link RequestBytes#LOOK_MILLIS} later. */
    final Queue<Runnable> looks = new ArrayDeque<>();

    /** As {@link #looks}, for {@link AnswerBytes}. */
    final Queue<Runnable> answerLooks = new ArrayDeque<>();

    /** The clock of calls and of the log. */
    long nanos;

    /** Who asks for more of it at once gets none. */
    int bufferBytesMax = Integer.MAX_VALUE;

    /** What is written to clients fails with this, if it is there, before it is taken. */
    @Nullable
    Error writeFailure;

    /** So many are taken before that. */
    int writesBeforeFailure;

    /** What is written with a promise fails with this, if it is there, and only the promise hears of it. */
    @Nullable
    Error promiseFailure;

    /** What is handed over to an event loop fails with this, if it is there. */
    @Nullable
    Error executeFailure;

    /** What is logged because of clients fails with this, if it is there. */
    @Nullable
    Error logFailure;

    private final PooledByteBufAllocator allocator = new PooledByteBufAllocator(true, 0, 1, 8192, 8, 0, 0, false) {
        @Override
        protected ByteBuf newDirectBuffer(int initialCapacity, int maxCapacity) {
            if (initialCapacity > bufferBytesMax) {
                throw new OutOfMemoryError("none of " + initialCapacity + " bytes");
            }
            return super.newDirectBuffer(initialCapacity, maxCapacity);
        }
    };
    private final ServerParts parts;

    EmbeddedServer(RpcConfig config, Executor pool) {
        this.config = config;
        dispatcher =
                new Dispatcher(config, new Services(List.of(service)), pool, pool, METHOD_THREADS_MAX, () -> nanos);
        connections = new Connections(config.connectionsMax());
        requestBytes = new RequestBytes(config.requestBytesMax(), config.slowFrameMillis(), looks::add);
        answerBytes =
                new AnswerBytes(config.answerBytesMax(), config.slowFrameMillis(), requestBytes, answerLooks::add);
        QuietLog log = new QuietLog(new LineLogger(lines), this::logNanos, Integer.MAX_VALUE);
        parts = new ServerParts(
                config,
                dispatcher,
                connections,
                requestBytes,
                answerBytes,
                firstBytes,
                allocator,
                log,
                new LoopTask.Leftovers());
    }

    static EmbeddedServer ofDefaults() {
        return new EmbeddedServer(RpcConfig.of("TabletServer", "127.0.0.1", 0), Runnable::run);
    }

    /** A new client. */
    Client connect() {
        EmbeddedChannel channel = new EmbeddedChannel() {
            @Override
            public EventLoop eventLoop() {
                return failing(super.eventLoop());
            }

            @Override
            public ChannelFuture write(Object message, ChannelPromise promise) {
                Error failure = writeFailure;
                if (failure != null && writesBeforeFailure-- == 0) {
                    ((ByteBuf) message).release(); // As the real one does.
                    throw failure;
                }
                return super.write(message, promise);
            }
        };
        channel.freezeTime(); // Only pass() lets it go by.
        int high = config.unsentBytesMax();
        channel.config().setWriteBufferWaterMark(new WriteBufferWaterMark(ServerParts.lowMark(high), high));
        Connection connection = new Connection(channel, LOCAL, REMOTE, parts);
        connections.add(connection);
        CopyOnWrite socket = new CopyOnWrite();
        channel.pipeline().addLast(socket, connection);
        channel.pipeline().fireChannelActive();
        return new Client(channel, socket);
    }

    private EventLoop failing(EventLoop loop) {
        return (EventLoop) Proxy.newProxyInstance(
                EventLoop.class.getClassLoader(), new Class<?>[] {EventLoop.class}, (_, method, arguments) -> {
                    Error failure = executeFailure;
                    if (failure != null && method.getName().equals("execute")) {
                        throw failure;
                    }
                    return method.invoke(loop, arguments);
                });
    }

    private long logNanos() {
        if (logFailure != null) {
            throw logFailure;
        }
        return nanos;
    }

    /** Bytes of requests and answers that are not freed. */
    long bytesInUse() {
        return allocator.pinnedDirectMemory();
    }

    /** One client of it. */
    final class Client {
        final EmbeddedChannel channel;

        private final CopyOnWrite socket;

        private Client(EmbeddedChannel channel, CopyOnWrite socket) {
            this.channel = channel;
            this.socket = socket;
        }

        /** From now on, what is sent to it stays unsent. */
        void takeNothing() {
            socket.isFull = true;
        }

        /** Takes what is unsent now, and nothing of what that lets come. */
        void takeOnce() {
            socket.isFull = false;
            socket.flushOnce = true;
            channel.flush();
            channel.runPendingTasks();
        }

        /** Takes so many bytes of what is unsent, or all: a part of a buffer, too. */
        void take(long bytes) {
            ChannelOutboundBuffer unsent = channel.unsafe().outboundBuffer();
            if (unsent != null) {
                unsent.addFlush();
                unsent.removeBytes(Math.min(bytes, left(unsent)));
                channel.runPendingTasks();
            }
        }

        private static long left(ChannelOutboundBuffer unsent) {
            long[] left = {0};
            try {
                unsent.forEachFlushedMessage(message -> {
                    left[0] += ((ByteBuf) message).readableBytes();
                    return true;
                });
            } catch (Exception e) {
                throw new AssertionError(e);
            }
            return left[0];
        }

        /** Answers that it has not taken, as the channel counts them. */
        long unsentBytes() {
            ChannelOutboundBuffer unsent = channel.unsafe().outboundBuffer();
            return unsent == null ? 0 : unsent.totalPendingWriteBytes();
        }

        /** Sends, as one piece, which the connection must free. */
        void send(byte[] bytes, int from, int to) {
            send(bytes, from, to, () -> {});
        }

        /** The same, and something happens just before it comes in. */
        void send(byte[] bytes, int from, int to, Runnable before) {
            if (channel.isOpen()) {
                ByteBuf piece = allocator.directBuffer(to - from).writeBytes(bytes, from, to - from);
                before.run();
                channel.writeInbound(piece);
            }
        }

        void send(byte[] bytes) {
            send(bytes, 0, bytes.length);
        }

        /** What has been sent back since the last time. */
        byte[] received() {
            channel.runPendingTasks();
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (ByteBuf next = channel.readOutbound(); next != null; next = channel.readOutbound()) {
                byte[] bytes = new byte[next.readableBytes()];
                next.readBytes(bytes);
                all.writeBytes(bytes);
                next.release();
            }
            return all.toByteArray();
        }

        /** For its timers, so much time goes by. */
        void pass(long millis) {
            channel.advanceTimeBy(millis, TimeUnit.MILLISECONDS);
            channel.runScheduledPendingTasks();
        }

        /** Goes; throws what the connection let escape. */
        void close() {
            channel.finishAndReleaseAll();
        }
    }

    /** Stands for the socket: what is written is copied, as whoever owns it may change it when it counts as sent. */
    private final class CopyOnWrite extends ChannelOutboundHandlerAdapter {
        private boolean isFull;
        private boolean flushOnce;

        @Override
        public void flush(ChannelHandlerContext context) {
            if (!isFull) {
                isFull = flushOnce;
                flushOnce = false;
                context.flush();
            }
        }

        @Override
        public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
            ByteBuf bytes = (ByteBuf) message;
            Error failure = promiseFailure;
            if (failure != null && !promise.isVoid()) {
                bytes.release();
                promise.setFailure(failure);
                return;
            }
            ByteBuf copy = Unpooled.copiedBuffer(bytes);
            bytes.release();
            var _ = context.write(copy, promise);
        }
    }
}
