package io.nyala.engine;

import org.jspecify.annotations.Nullable;

/** An engine could not be opened; nothing was changed. */
public final class EngineOpenException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    EngineOpenException(String message) {
        super(message);
    }

    EngineOpenException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
