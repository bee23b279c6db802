package io.nyala.wal;

/** The log has stopped for good: a write or sync failed, or it is closed. What was not acknowledged may be lost. */
public final class LogStoppedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LogStoppedException(String message, Throwable cause) {
        super(message, cause);
    }

    LogStoppedException(String message) {
        super(message);
    }
}
