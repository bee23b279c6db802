package io.nyala.rpc;

import io.nyala.memory.Check;
import java.util.Objects;

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
 * @param queuedCallsMax calls that wait for a thread of the pool; the next one fails with "too busy"
 * @param connectionCallsMax calls under way on one connection; it is not read from until one is answered
 * @param unsentBytesMax answers that a client has not taken yet; its connection is not read from while there are more
 * @param connectionsMax connections at a time; further ones are closed at once
 * @param negotiationMillis how long a client may take to introduce itself
 * @param idleMillis without a call under way, nor a byte either way, after which a connection is closed; 0 for never
 * @param closeMillis how long {@link RpcServer#close} waits for calls under way
 */
public record RpcConfig(
        String serverName,
        String host,
        int port,
        int frameBytesMax,
        long requestBytesMax,
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
    private static final int DAY_MILLIS = 86_400_000;

    public RpcConfig {
        Check.that(!Objects.requireNonNull(serverName, "serverName").isBlank(), "serverName must not be blank");
        Check.that(!Objects.requireNonNull(host, "host").isBlank(), "host must not be blank; 0.0.0.0 is any address");
        Check.inRange("port", port, 0, 65_535);
        Check.inRange("frameBytesMax", frameBytesMax, KIB, FRAME_BYTES_MAX);
        Check.inRange("requestBytesMax", requestBytesMax, 64 * KIB, 1L << 40);
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
                QUEUED_CALLS,
                CONNECTION_CALLS,
                UNSENT_BYTES,
                CONNECTIONS,
                NEGOTIATION_MILLIS,
                IDLE_MILLIS,
                CLOSE_MILLIS);
    }

    public RpcConfig withPort(int newPort) {
        return new RpcConfig(
                serverName,
                host,
                newPort,
                frameBytesMax,
                requestBytesMax,
                queuedCallsMax,
                connectionCallsMax,
                unsentBytesMax,
                connectionsMax,
                negotiationMillis,
                idleMillis,
                closeMillis);
    }

    public RpcConfig withFrameBytesMax(int newFrameBytesMax) {
        return new RpcConfig(
                serverName,
                host,
                port,
                newFrameBytesMax,
                requestBytesMax,
                queuedCallsMax,
                connectionCallsMax,
                unsentBytesMax,
                connectionsMax,
                negotiationMillis,
                idleMillis,
                closeMillis);
    }

    public RpcConfig withRequestBytesMax(long newRequestBytesMax) {
        return new RpcConfig(
                serverName,
                host,
                port,
                frameBytesMax,
                newRequestBytesMax,
                queuedCallsMax,
                connectionCallsMax,
                unsentBytesMax,
                connectionsMax,
                negotiationMillis,
                idleMillis,
                closeMillis);
    }

    public RpcConfig withQueuedCallsMax(int newQueuedCallsMax) {
        return new RpcConfig(
                serverName,
                host,
                port,
                frameBytesMax,
                requestBytesMax,
                newQueuedCallsMax,
                connectionCallsMax,
                unsentBytesMax,
                connectionsMax,
                negotiationMillis,
                idleMillis,
                closeMillis);
    }

    public RpcConfig withConnectionCallsMax(int newConnectionCallsMax) {
        return new RpcConfig(
                serverName,
                host,
                port,
                frameBytesMax,
                requestBytesMax,
                queuedCallsMax,
                newConnectionCallsMax,
                unsentBytesMax,
                connectionsMax,
                negotiationMillis,
                idleMillis,
                closeMillis);
    }

    public RpcConfig withUnsentBytesMax(int newUnsentBytesMax) {
        return new RpcConfig(
                serverName,
                host,
                port,
                frameBytesMax,
                requestBytesMax,
                queuedCallsMax,
                connectionCallsMax,
                newUnsentBytesMax,
                connectionsMax,
                negotiationMillis,
                idleMillis,
                closeMillis);
    }

    public RpcConfig withConnectionsMax(int newConnectionsMax) {
        return new RpcConfig(
                serverName,
                host,
                port,
                frameBytesMax,
                requestBytesMax,
                queuedCallsMax,
                connectionCallsMax,
                unsentBytesMax,
                newConnectionsMax,
                negotiationMillis,
                idleMillis,
                closeMillis);
    }

    public RpcConfig withNegotiationMillis(int newNegotiationMillis) {
        return new RpcConfig(
                serverName,
                host,
                port,
                frameBytesMax,
                requestBytesMax,
                queuedCallsMax,
                connectionCallsMax,
                unsentBytesMax,
                connectionsMax,
                newNegotiationMillis,
                idleMillis,
                closeMillis);
    }

    public RpcConfig withIdleMillis(int newIdleMillis) {
        return new RpcConfig(
                serverName,
                host,
                port,
                frameBytesMax,
                requestBytesMax,
                queuedCallsMax,
                connectionCallsMax,
                unsentBytesMax,
                connectionsMax,
                negotiationMillis,
                newIdleMillis,
                closeMillis);
    }

    public RpcConfig withCloseMillis(int newCloseMillis) {
        return new RpcConfig(
                serverName,
                host,
                port,
                frameBytesMax,
                requestBytesMax,
                queuedCallsMax,
                connectionCallsMax,
                unsentBytesMax,
                connectionsMax,
                negotiationMillis,
                idleMillis,
                newCloseMillis);
    }
}
