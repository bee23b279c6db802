package io.nyala.rpc;

import io.nyala.memory.Check;
import java.lang.System.Logger.Level;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * How a server is reached and what it takes on. Immutable; a change is a copy:
 *
 * <pre>{@code
 * var config = RpcConfig.of("TabletServer", "0.0.0.0", 7050).withQueuedCallsMax(4096);
 * }</pre>
 *
 * @param serverName what it calls itself in errors: {@code TabletServer}, {@code Master}
 * @param host address to listen at; a name or number
 * @param port 0 for any that is free
 * @param frameBytesMax longest request, its 4 bytes of length included; a client that announces more is let go
 * @param requestBytesMax of the requests under way over all connections; beyond it nothing more is read, and beyond it
 *     one frame may go, so that one always gets complete
 * @param answerBytesMax of the answers that clients have not taken yet, over all connections; beyond it no call begins.
 *     Beyond it there may be one answer for each thread of the pool
 * @param slowFrameMillis how far a request may fall behind 1 MiB a second as it comes in, or a client as it takes its
 *     answers, counted only while others wait for memory; then it is let go, the one that is furthest behind first
 * @param queuedCallsMax calls that wait for a thread of the pool; the next one fails with "too busy"
 * @param connectionCallsMax calls under way on one connection; it is not read from until one is answered
 * @param unsentBytesMax answers that a client has not taken yet; while there are more, its connection is not read from
 *     and its calls do not begin. Beyond it there may be one answer for each thread of the pool
 * @param connectionsMax connections at a time; further ones are closed at once
 * @param negotiationMillis how long a client may take to introduce itself
 * @param idleMillis without a call under way nor a sign of life, after which a connection is closed; 0 for never. A
 *     sign is an answer, a whole request, or 64 KiB more of one; and of answers that wait, that 64 KiB are taken
 * @param closeMillis how long {@link RpcServer#close} waits for calls under way; and half as long for their answers to
 *     be taken
 */
public record RpcConfig(
        String serverName,
        String host,
        int port,
        int frameBytesMax,
        long requestBytesMax,
        long answerBytesMax,
        int slowFrameMillis,
        int queuedCallsMax,
        int connectionCallsMax,
        int unsentBytesMax,
        int connectionsMax,
        int negotiationMillis,
        int idleMillis,
        int closeMillis) {
    private static final int KIB = 1 << 10;
    private static final int MIB = 1 << 20;

    /** Kudu's {@code rpc_max_message_size}. */
    private static final int FRAME_BYTES = 50 * MIB;

    /** A frame is one buffer, and the Java client takes no more than that either. */
    private static final int FRAME_BYTES_MAX = 256 * MIB;

    /** Some hundred batches of the usual size. */
    private static final long REQUEST_BYTES = 256 * MIB;

    /** Those of sixteen clients that have as many as one may have. They are of an engine's memory mostly. */
    private static final long ANSWER_BYTES = 128 * MIB;

    /** A pause of a client's garbage collector, or a packet that is sent again and again. */
    private static final int SLOW_FRAME_MILLIS = 5_000;

    /** Twenty times Kudu's 50: those who wait cost us memory, which has its own limit, and no thread. */
    private static final int QUEUED_CALLS = 1024;

    /** Clients with one connection for all their threads have some dozens. */
    private static final int CONNECTION_CALLS = 512;

    /** An answer to a scan or two on their way while the next are made. */
    private static final int UNSENT_BYTES = 8 * MIB;

    private static final int CONNECTIONS = 10_000;

    /** Kudu's {@code rpc_negotiation_timeout_ms}. */
    private static final int NEGOTIATION_MILLIS = 3_000;

    /** Kudu's {@code rpc_default_keepalive_time_ms}. */
    private static final int IDLE_MILLIS = 65_000;

    private static final int CLOSE_MILLIS = 10_000;

    /** For what must end at once: closing sockets, and after them threads. */
    static final int CLOSE_SOCKETS_MILLIS = 5_000;

    private static final int DAY_MILLIS = 86_400_000;

    public RpcConfig {
        Check.that(!Objects.requireNonNull(serverName, "serverName").isBlank(), "serverName must not be blank");
        Check.that(!Objects.requireNonNull(host, "host").isBlank(), "host must not be blank; 0.0.0.0 is any address");
        Check.inRange("port", port, 0, 65_535);
        Check.inRange("frameBytesMax", frameBytesMax, KIB, FRAME_BYTES_MAX);
        Check.inRange("requestBytesMax", requestBytesMax, 64 * KIB, 1L << 40);
        Check.inRange("answerBytesMax", answerBytesMax, KIB, 1L << 40);
        Check.inRange("slowFrameMillis", slowFrameMillis, 1, DAY_MILLIS);
        Check.inRange("queuedCallsMax", queuedCallsMax, 1, 1 << 20);
        Check.inRange("connectionCallsMax", connectionCallsMax, 1, 1 << 20);
        Check.inRange("unsentBytesMax", unsentBytesMax, KIB, 1 << 30);
        Check.inRange("connectionsMax", connectionsMax, 1, 1 << 20);
        Check.inRange("negotiationMillis", negotiationMillis, 1, DAY_MILLIS);
        Check.inRange("idleMillis", idleMillis, 0, DAY_MILLIS);
        Check.inRange("closeMillis", closeMillis, 0, DAY_MILLIS);
    }

    /** Kudu's limits where it has one. */
    public static RpcConfig of(String serverName, String host, int port) {
        return new RpcConfig(
                serverName,
                host,
                port,
                FRAME_BYTES,
                REQUEST_BYTES,
                ANSWER_BYTES,
                SLOW_FRAME_MILLIS,
                QUEUED_CALLS,
                CONNECTION_CALLS,
                UNSENT_BYTES,
                CONNECTIONS,
                NEGOTIATION_MILLIS,
                IDLE_MILLIS,
                CLOSE_MILLIS);
    }

    /** Of the requests of clients that have not said who they are: beside {@link #requestBytesMax}. */
    long firstBytesMax() {
        return Negotiation.ALL_BYTES_MAX;
    }

    /** What closing takes at most, its threads included: see {@link RpcServer#close}. */
    public long closeMillisMax() {
        return closeMillis + closeMillis / 2L + CLOSE_SOCKETS_MILLIS;
    }

    /** The same limits for another server at the same host. */
    public RpcConfig withServer(String newServerName, int newPort) {
        return with(copy -> {
            copy.serverName = newServerName;
            copy.port = newPort;
        });
    }

    public RpcConfig withFrameBytesMax(int newFrameBytesMax) {
        return with(copy -> copy.frameBytesMax = newFrameBytesMax);
    }

    public RpcConfig withRequestBytesMax(long newRequestBytesMax) {
        return with(copy -> copy.requestBytesMax = newRequestBytesMax);
    }

    public RpcConfig withAnswerBytesMax(long newAnswerBytesMax) {
        return with(copy -> copy.answerBytesMax = newAnswerBytesMax);
    }

    public RpcConfig withSlowFrameMillis(int newSlowFrameMillis) {
        return with(copy -> copy.slowFrameMillis = newSlowFrameMillis);
    }

    public RpcConfig withQueuedCallsMax(int newQueuedCallsMax) {
        return with(copy -> copy.queuedCallsMax = newQueuedCallsMax);
    }

    public RpcConfig withConnectionCallsMax(int newConnectionCallsMax) {
        return with(copy -> copy.connectionCallsMax = newConnectionCallsMax);
    }

    public RpcConfig withUnsentBytesMax(int newUnsentBytesMax) {
        return with(copy -> copy.unsentBytesMax = newUnsentBytesMax);
    }

    public RpcConfig withConnectionsMax(int newConnectionsMax) {
        return with(copy -> copy.connectionsMax = newConnectionsMax);
    }

    public RpcConfig withNegotiationMillis(int newNegotiationMillis) {
        return with(copy -> copy.negotiationMillis = newNegotiationMillis);
    }

    public RpcConfig withIdleMillis(int newIdleMillis) {
        return with(copy -> copy.idleMillis = newIdleMillis);
    }

    public RpcConfig withCloseMillis(int newCloseMillis) {
        return with(copy -> copy.closeMillis = newCloseMillis);
    }

    /**
     * The same, or less where the process may not have open, or have of memory, what two such servers and an engine
     * take.
     *
     * @param told hears what is less, why, and what to do; as a warning, where it is so little that it will be felt
     * @throws IllegalStateException if it is too little for a server
     */
    public RpcConfig withinProcess(BiConsumer<Level, String> told) {
        Optional<OpenFiles> files = OpenFiles.ofProcess();
        int connections = files.map(open -> open.connectionsMax(connectionsMax)).orElse(connectionsMax);
        if (connections < connectionsMax) {
            files.ifPresent(open -> told.accept(open.level(connectionsMax), open.advice(connectionsMax)));
        }
        long directBytes = RpcThreads.bytesMax();
        NetworkMemory memory = NetworkMemory.within(this, directBytes);
        if (memory.isLess(this)) {
            told.accept(Level.WARNING, memory.advice(this, directBytes));
        }
        return withConnectionsMax(connections)
                .withRequestBytesMax(memory.requestBytesMax())
                .withAnswerBytesMax(memory.answerBytesMax());
    }

    private RpcConfig with(Consumer<Copy> change) {
        Copy copy = new Copy(this);
        change.accept(copy);
        return copy.config();
    }

    /** What a copy is made of, so that a change names one thing only. */
    private static final class Copy {
        private String serverName;
        private final String host;
        private int port;
        private int frameBytesMax;
        private long requestBytesMax;
        private long answerBytesMax;
        private int slowFrameMillis;
        private int queuedCallsMax;
        private int connectionCallsMax;
        private int unsentBytesMax;
        private int connectionsMax;
        private int negotiationMillis;
        private int idleMillis;
        private int closeMillis;

        private Copy(RpcConfig config) {
            serverName = config.serverName;
            host = config.host;
            port = config.port;
            frameBytesMax = config.frameBytesMax;
            requestBytesMax = config.requestBytesMax;
            answerBytesMax = config.answerBytesMax;
            slowFrameMillis = config.slowFrameMillis;
            queuedCallsMax = config.queuedCallsMax;
            connectionCallsMax = config.connectionCallsMax;
            unsentBytesMax = config.unsentBytesMax;
            connectionsMax = config.connectionsMax;
            negotiationMillis = config.negotiationMillis;
            idleMillis = config.idleMillis;
            closeMillis = config.closeMillis;
        }

        private RpcConfig config() {
            return new RpcConfig(
                    serverName,
                    host,
                    port,
                    frameBytesMax,
                    requestBytesMax,
                    answerBytesMax,
                    slowFrameMillis,
                    queuedCallsMax,
                    connectionCallsMax,
                    unsentBytesMax,
                    connectionsMax,
                    negotiationMillis,
                    idleMillis,
                    closeMillis);
        }
    }
}
