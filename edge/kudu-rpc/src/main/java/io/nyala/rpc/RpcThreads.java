package io.nyala.rpc;

import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.util.concurrent.FastThreadLocalThread;
import io.netty.util.internal.PlatformDependent;
import io.nyala.memory.Check;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads of one or several servers: event loops, which move bytes and never wait, a pool, which runs methods, and
 * one thread for methods that are quick, so that they wait for no others.
 * And the memory that bytes are moved through: Netty's pool, of as many arenas as event loops, which grow by chunks of
 * 2 MiB; larger requests and answers have memory of their own. How much there is in all is bounded by the limits of
 * {@link RpcConfig}: requests under way, and what clients may leave unsent. The JVM's own limit of direct memory
 * ({@code -XX:MaxDirectMemorySize}, the heap's size unless given) must be above that.
 *
 * <p>Thread-safe. Whoever starts it closes it, after the servers that use it.
 */
public final class RpcThreads implements AutoCloseable {
    private static final Logger LOG = System.getLogger(RpcThreads.class.getName());

    private static final int EVENT_LOOPS_MAX = 64;
    private static final int WORKERS_MAX = 1024;

    /** Two are enough for what a network card brings; each is a thread and 2 MiB. */
    private static final int EVENT_LOOPS = 2;

    /** Methods may wait for a disk or a log, so there are more of them than cores. */
    private static final int WORKERS_PER_CORE = 2;

    private static final int WORKERS_MIN = 4;
    private static final int PAGE_BYTES = 8192;

    /** A chunk has 2 to the power of this pages. */
    private static final int CHUNK_PAGES_LOG2 = 8;

    /** Buffers of one size that an event loop keeps at hand. */
    private static final int SMALL_CACHED_MAX = 64;

    private static final int NORMAL_CACHED_MAX = 16;

    /** Event loops have nothing to wait for when they end; methods may hang. */
    private static final long CLOSE_SECONDS = 10;

    private final boolean isEpoll;
    private final PooledByteBufAllocator allocator;
    private final EventLoopGroup eventLoops;
    private final WorkerPool pool;
    private final ThreadPoolExecutor quickPool;

    private RpcThreads(int eventLoopCount, int workerCount, boolean isEpoll) {
        this.isEpoll = isEpoll;
        this.allocator = new PooledByteBufAllocator(
                true, 0, eventLoopCount, PAGE_BYTES, CHUNK_PAGES_LOG2, SMALL_CACHED_MAX, NORMAL_CACHED_MAX, false);
        IoHandlerFactory polling = isEpoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory();
        this.eventLoops = new MultiThreadIoEventLoopGroup(eventLoopCount, loops(), polling);
        this.pool = new WorkerPool(workerCount);
        this.quickPool = new ThreadPoolExecutor(
                1,
                1,
                0,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(), // Each server limits what it puts in.
                task -> new Thread(task, "rpc-quick"));
    }

    /** Two event loops, and two methods at a time per core, four at least. */
    public static RpcThreads start() {
        int cores = Runtime.getRuntime().availableProcessors();
        return start(Math.min(cores, EVENT_LOOPS), Math.max(WORKERS_MIN, WORKERS_PER_CORE * cores), RpcTransport.BEST);
    }

    /** As many as said. */
    public static RpcThreads start(int eventLoopCount, int workerCount, RpcTransport transport) {
        Check.inRange("eventLoopCount", eventLoopCount, 1, EVENT_LOOPS_MAX);
        Check.inRange("workerCount", workerCount, 1, WORKERS_MAX);
        boolean isEpoll = transport != RpcTransport.NIO && Epoll.isAvailable();
        if (!isEpoll && transport == RpcTransport.EPOLL) {
            throw new IllegalStateException(
                    "epoll is not available here, use RpcTransport.BEST or NIO: " + rootCause(),
                    Epoll.unavailabilityCause());
        }
        if (!isEpoll && transport == RpcTransport.BEST) {
            LOG.log(Level.INFO, "sockets are polled by NIO, as epoll is not available: " + rootCause());
        }
        return new RpcThreads(eventLoopCount, workerCount, isEpoll);
    }

    private static String rootCause() {
        Throwable cause = Epoll.unavailabilityCause();
        while (cause != null && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return String.valueOf(cause);
    }

    /** Threads that keep buffers at hand. */
    private static ThreadFactory loops() {
        AtomicInteger number = new AtomicInteger();
        return task -> new FastThreadLocalThread(task, "rpc-loop-" + number.incrementAndGet());
    }

    PooledByteBufAllocator allocator() {
        return allocator;
    }

    EventLoopGroup eventLoops() {
        return eventLoops;
    }

    Class<? extends ServerChannel> serverChannel() {
        return isEpoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    }

    /** Where methods run; for what a call still has to do when it is woken elsewhere. */
    public Executor pool() {
        return pool.threads();
    }

    /** Calls of one method that may run or wait at once, see {@link WorkerPool#methodThreadsMax}. */
    int methodThreadsMax() {
        return pool.methodThreadsMax();
    }

    /** Where methods run that are quick. */
    Executor quickPool() {
        return quickPool;
    }

    /** Bytes that the buffers of all servers of this JVM may have: its own limit, or that of Netty if it is less. */
    static long bytesMax() {
        return Math.min(PlatformDependent.maxDirectMemory(), PlatformDependent.estimateMaxDirectMemory());
    }

    /** Bytes that requests and answers hold at the moment. */
    public long bytesInUse() {
        return allocator.pinnedDirectMemory();
    }

    /** Bytes that the pool holds, in use or not. */
    public long bytesHeld() {
        return allocator.metric().usedDirectMemory();
    }

    /** As {@link #close(long)}, where there is nothing else that takes time. */
    @Override
    public void close() {
        close(TimeUnit.SECONDS.toNanos(CLOSE_SECONDS));
    }

    /**
     * Ends all threads; methods that still run are interrupted. Not to be called by one of them. A daemon thread of
     * Netty's own, which is told when event loops have ended, ends by itself a second later.
     *
     * @param nanosMax what does not end within that time is left alone, with a line in the log
     */
    public void close(long nanosMax) {
        long startNanos = System.nanoTime();
        var _ = eventLoops.shutdownGracefully(0, Math.max(0, nanosMax), TimeUnit.NANOSECONDS);
        pool.shutdown();
        quickPool.shutdownNow().forEach(Runnable::run); // Of closed servers: each finds that, and frees its request.
        boolean isInterrupted = false;
        try {
            if (!pool.threads().awaitTermination(left(startNanos, nanosMax), TimeUnit.NANOSECONDS)
                    || !quickPool.awaitTermination(left(startNanos, nanosMax), TimeUnit.NANOSECONDS)) {
                LOG.log(Level.WARNING, "methods of RPC services still run, and are left alone: " + pool.threads());
            }
            if (!eventLoops.awaitTermination(left(startNanos, nanosMax), TimeUnit.NANOSECONDS)) {
                LOG.log(Level.WARNING, "event loops of RPC do not end, and are left alone");
            }
        } catch (InterruptedException _) {
            isInterrupted = true;
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static long left(long startNanos, long nanosMax) {
        return Math.max(0, nanosMax - (System.nanoTime() - startNanos));
    }
}
