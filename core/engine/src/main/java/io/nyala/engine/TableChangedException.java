package io.nyala.engine;

/** The table was altered since the batch was made, and its rows are others now. Make a new batch, and fill it again. */
public final class TableChangedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TableChangedException(String message) {
        super(message);
    }
}
