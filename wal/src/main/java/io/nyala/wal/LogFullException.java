package io.nyala.wal;

/**
 * No room for another segment: on the log's disk, or because the log has as many as it may. What was appended before is
 * safe; appending works again when space was freed, or a segment released.
 */
public final class LogFullException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LogFullException(String message) {
        super(message);
    }

    LogFullException(String message, Throwable cause) {
        super(message, cause);
    }
}
