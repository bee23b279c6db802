package io.nyala.engine;

/** A limit of the engine was met, and nothing was done. The message says which, and what makes room. */
public final class EngineLimitException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    EngineLimitException(String message) {
        super(message);
    }
}
