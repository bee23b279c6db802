package io.nyala.server;

import io.nyala.engine.Engine;
import io.nyala.memory.Check;
import java.time.Duration;

/**
 * How a server is set up. Immutable; a change is a copy:
 *
 * <pre>{@code
 * var config = ServerConfig.standard().withHost("0.0.0.0").withMasterPort(0);
 * }</pre>
 *
 * @param host address that it listens at, and that it tells clients to come to
 * @param masterPort of the master; 0 for any that is free
 * @param tabletServerPort of the tablet server; 0 for any that is free
 * @param webPort of the web pages; {@link #NO_WEB} for none, {@link #ANY_WEB_PORT} for any that is free
 * @param scannerMillis how long a scanner is kept that nobody asks
 * @param scannersMax scanners open at a time; each has memory of the engine
 * @param replicasMax replicas that a new table may ask for; it is served by one whatever it asks for
 */
public record ServerConfig(
        String host,
        int masterPort,
        int tabletServerPort,
        int webPort,
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

    public ServerConfig {
        Check.that(!host.isBlank(), "a server must have a host to listen at; 127.0.0.1 serves this machine only");
        Check.inRange("master port", masterPort, 0, PORT_MAX);
        Check.inRange("tablet server port", tabletServerPort, 0, PORT_MAX);
        Check.inRange("web port", webPort, ANY_WEB_PORT, PORT_MAX);
        Check.inRange("milliseconds that a scanner is kept", scannerMillis, 1, Integer.MAX_VALUE);
        Check.inRange("scanners open at a time", scannersMax, 1, Engine.OPEN_SCANS_MAX);
        Check.inRange("replicas that a table may ask for", replicasMax, 1, 99);
    }

    /** Kudu's ports and limits, on this machine only, without web pages. */
    public static ServerConfig standard() {
        return new ServerConfig(
                "127.0.0.1",
                MASTER_PORT,
                TABLET_SERVER_PORT,
                NO_WEB,
                (int) Duration.ofMinutes(1).toMillis(),
                Engine.OPEN_SCANS_MAX / 2,
                7);
    }

    public ServerConfig withHost(String newHost) {
        return new ServerConfig(
                newHost, masterPort, tabletServerPort, webPort, scannerMillis, scannersMax, replicasMax);
    }

    public ServerConfig withMasterPort(int newMasterPort) {
        return new ServerConfig(
                host, newMasterPort, tabletServerPort, webPort, scannerMillis, scannersMax, replicasMax);
    }

    public ServerConfig withTabletServerPort(int newTabletServerPort) {
        return new ServerConfig(
                host, masterPort, newTabletServerPort, webPort, scannerMillis, scannersMax, replicasMax);
    }

    public ServerConfig withWebPort(int newWebPort) {
        return new ServerConfig(
                host, masterPort, tabletServerPort, newWebPort, scannerMillis, scannersMax, replicasMax);
    }

    public ServerConfig withScannerMillis(int newScannerMillis) {
        return new ServerConfig(
                host, masterPort, tabletServerPort, webPort, newScannerMillis, scannersMax, replicasMax);
    }

    public ServerConfig withScannersMax(int newScannersMax) {
        return new ServerConfig(
                host, masterPort, tabletServerPort, webPort, scannerMillis, newScannersMax, replicasMax);
    }
}
