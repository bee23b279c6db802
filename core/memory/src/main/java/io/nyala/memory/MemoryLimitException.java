package io.nyala.memory;

/**
 * There is not enough memory left in the budget for what was asked. Nothing was taken. The caller can wait and try
 * again, give something back, or report "busy"; the message names the largest owners.
 */
public final class MemoryLimitException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public MemoryLimitException(String message) {
        super(message);
    }

    public MemoryLimitException(String message, Throwable cause) {
        super(message, cause);
    }
}
