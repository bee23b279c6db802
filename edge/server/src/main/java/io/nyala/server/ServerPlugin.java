package io.nyala.server;

import io.nyala.engine.Engine;

/**
 * How a host finds a server for its engine without knowing which: {@code ServiceLoader.load(ServerPlugin.class)}.
 * Stateless.
 */
public interface ServerPlugin {
    /** Which protocol it speaks, for people and settings: {@code kudu}. */
    String name();

    /** Serves the tables of an engine until the answer is closed, which must be before the engine is. */
    AutoCloseable start(Engine engine, ServerConfig config);
}
