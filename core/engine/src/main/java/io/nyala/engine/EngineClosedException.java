package io.nyala.engine;

/** The engine was closed. */
public final class EngineClosedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    EngineClosedException() {
        super("the engine is closed; open it again with Engine.open");
    }
}
