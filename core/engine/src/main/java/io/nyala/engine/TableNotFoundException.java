package io.nyala.engine;

/** There is no such table. */
public final class TableNotFoundException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TableNotFoundException(String message) {
        super(message);
    }
}
