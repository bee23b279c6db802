package io.nyala.acceptance;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.peer.Cluster;
import io.nyala.server.NyalaServer;
import io.nyala.server.ServerConfig;
import java.nio.file.Path;

/** Our server in this process, at any ports that are free. One thread. */
final class OurServer implements Cluster {
    private final Engine engine;
    private final NyalaServer server;

    private OurServer(Path directory, ServerConfig config) {
        engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(256L << 20).withLogSegmentBytes(16 << 20));
        boolean isStarted = false;
        try {
            server = NyalaServer.start(engine, config.withMasterPort(0).withTabletServerPort(0));
            isStarted = true;
        } finally {
            if (!isStarted) {
                engine.close();
            }
        }
    }

    static OurServer start(Path directory) {
        return start(directory, ServerConfig.standard());
    }

    static OurServer start(Path directory, ServerConfig config) {
        return new OurServer(directory, config);
    }

    Engine engine() {
        return engine;
    }

    @Override
    public String masterAddress() {
        return server.masterAddress();
    }

    @Override
    public void close() {
        try {
            server.close();
        } finally {
            engine.close();
        }
    }
}
