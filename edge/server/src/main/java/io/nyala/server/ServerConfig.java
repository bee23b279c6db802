package io.nyala.server;

import io.nyala.engine.Engine;
import io.nyala.memory.Check;
import io.nyala.rpc.Addresses;
import io.nyala.rpc.RpcConfig;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * How a server is set up. Immutable; a change is a copy:
 *
 * <pre>{@code
 * var config = ServerConfig.standard().withHost("0.0.0.0").withMasterPort(0);
 * }</pre>
 *
 * @param host address that it listens at
 * @param advertisedHost name or number that clients are told to come to; empty for the address that it listens at, or
 *     if that is any of the machine's, for the machine's name
 * @param masterPort of the master; 0 for any that is free
 * @param tabletServerPort of the tablet server; 0 for any that is free
 * @param webPort of the web pages; {@link #NO_WEB} for none, {@link #ANY_WEB_PORT} for any that is free
 * @param requestBytesMax memory of the requests under way at each of the two ports, outside the engine's; beyond it
 *     clients wait
 * @param answerBytesMax memory of the answers that clients have not taken yet, at each of the two ports; beyond it
 *     calls wait. Rows in them are in the engine's memory, and the rest outside of it
 * @param slowRequestMillis how far a request may fall behind 1 MiB a second as it comes in, or a client as it takes its
 *     answers, counted only while others wait for memory; then the client is let go
 * @param scannerMillis how long a scanner is kept that nobody asks
 * @param scannersMax scanners open at a time; each has memory of the engine
 * @param replicasMax replicas that a new table may ask for; it is served by one whatever it asks for
 */
public record ServerConfig(
        String host,
        String advertisedHost,
        int masterPort,
        int tabletServerPort,
        int webPort,
        long requestBytesMax,
        long answerBytesMax,
        int slowRequestMillis,
        int scannerMillis,
        int scannersMax,
        int replicasMax) {
    /** As Kudu's clients try them. */
    public static final int MASTER_PORT = 7051;

    public static final int TABLET_SERVER_PORT = 7050;

    /** No web pages: a host that embeds the server asks for them, the command has them. */
    public static final int NO_WEB = 0;

    public static final int ANY_WEB_PORT = -1;

    private static final int PORT_MAX = 65_535;

    /** A name or a number; with one colon it would have a port. */
    private static final Pattern HOST = Pattern.compile("[A-Za-z0-9._-]+|[0-9a-fA-F.]*(:[0-9a-fA-F.]*){2,}");

    public ServerConfig {
        host = Addresses.withoutBrackets(host);
        advertisedHost = Addresses.withoutBrackets(advertisedHost);
        Check.that(!host.isBlank(), "a server must have a host to listen at; 127.0.0.1 serves this machine only");
        Check.that(
                advertisedHost.isEmpty() || HOST.matcher(advertisedHost).matches(),
                "clients are told a host's name or number without its port, and \"" + advertisedHost + "\" is neither");
        Check.that(
                !advertisedHost.equals("0.0.0.0") && !advertisedHost.equals("::"),
                "clients cannot come to " + advertisedHost + ", which is any address: name one that they can reach");
        Check.inRange("master port", masterPort, 0, PORT_MAX);
        Check.inRange("tablet server port", tabletServerPort, 0, PORT_MAX);
        Check.inRange("web port", webPort, ANY_WEB_PORT, PORT_MAX);
        Check.inRange("milliseconds that a scanner is kept", scannerMillis, 1, Integer.MAX_VALUE);
        Check.inRange("scanners open at a time", scannersMax, 1, Engine.OPEN_SCANS_MAX);
        Check.inRange("replicas that a table may ask for", replicasMax, 1, 99);
    }

    /** Kudu's ports and limits, on this machine only, without web pages. */
    public static ServerConfig standard() {
        RpcConfig rpc = RpcConfig.of("standard", "127.0.0.1", 0);
        return new ServerConfig(
                rpc.host(),
                "",
                MASTER_PORT,
                TABLET_SERVER_PORT,
                NO_WEB,
                rpc.requestBytesMax(),
                rpc.answerBytesMax(),
                rpc.slowFrameMillis(),
                (int) Duration.ofMinutes(1).toMillis(),
                Engine.OPEN_SCANS_MAX / 2,
                7);
    }

    public ServerConfig withHost(String newHost) {
        return with(copy -> copy.host = newHost);
    }

    public ServerConfig withAdvertisedHost(String newAdvertisedHost) {
        return with(copy -> copy.advertisedHost = newAdvertisedHost);
    }

    public ServerConfig withMasterPort(int newMasterPort) {
        return with(copy -> copy.masterPort = newMasterPort);
    }

    public ServerConfig withTabletServerPort(int newTabletServerPort) {
        return with(copy -> copy.tabletServerPort = newTabletServerPort);
    }

    public ServerConfig withWebPort(int newWebPort) {
        return with(copy -> copy.webPort = newWebPort);
    }

    public ServerConfig withRequestBytesMax(long newRequestBytesMax) {
        return with(copy -> copy.requestBytesMax = newRequestBytesMax);
    }

    public ServerConfig withAnswerBytesMax(long newAnswerBytesMax) {
        return with(copy -> copy.answerBytesMax = newAnswerBytesMax);
    }

    public ServerConfig withSlowRequestMillis(int newSlowRequestMillis) {
        return with(copy -> copy.slowRequestMillis = newSlowRequestMillis);
    }

    public ServerConfig withScannerMillis(int newScannerMillis) {
        return with(copy -> copy.scannerMillis = newScannerMillis);
    }

    public ServerConfig withScannersMax(int newScannersMax) {
        return with(copy -> copy.scannersMax = newScannersMax);
    }

    /** Where something listens at that port, as clients want it: {@code host:port} or {@code [::1]:port}. */
    public String address(int port) {
        return Addresses.text(host, port);
    }

    /** What one of its two ports takes on. */
    RpcConfig rpc(String serverName, int port) {
        return RpcConfig.of(serverName, host, port)
                .withRequestBytesMax(requestBytesMax)
                .withAnswerBytesMax(answerBytesMax)
                .withSlowFrameMillis(slowRequestMillis);
    }

    private ServerConfig with(Consumer<Copy> change) {
        Copy copy = new Copy(this);
        change.accept(copy);
        return copy.config();
    }

    /** What a copy is made of, so that a change names one thing only. */
    private static final class Copy {
        private String host;
        private String advertisedHost;
        private int masterPort;
        private int tabletServerPort;
        private int webPort;
        private long requestBytesMax;
        private long answerBytesMax;
        private int slowRequestMillis;
        private int scannerMillis;
        private int scannersMax;
        private final int replicasMax;

        private Copy(ServerConfig config) {
            host = config.host;
            advertisedHost = config.advertisedHost;
            masterPort = config.masterPort;
            tabletServerPort = config.tabletServerPort;
            webPort = config.webPort;
            requestBytesMax = config.requestBytesMax;
            answerBytesMax = config.answerBytesMax;
            slowRequestMillis = config.slowRequestMillis;
            scannerMillis = config.scannerMillis;
            scannersMax = config.scannersMax;
            replicasMax = config.replicasMax;
        }

        private ServerConfig config() {
            return new ServerConfig(
                    host,
                    advertisedHost,
                    masterPort,
                    tabletServerPort,
                    webPort,
                    requestBytesMax,
                    answerBytesMax,
                    slowRequestMillis,
                    scannerMillis,
                    scannersMax,
                    replicasMax);
        }
    }
}
