package io.nyala.server;

import io.nyala.engine.Engine;

/** {@link NyalaServer} for a host that loads its servers as services. Stateless. */
public final class KuduPlugin implements ServerPlugin {
    @Override
    public String name() {
        return "kudu";
    }

    @Override
    public AutoCloseable start(Engine engine, ServerConfig config) {
        return NyalaServer.start(engine, config);
    }
}
