package io.nyala.table;

/** The table was dropped, or the part of it that was asked for. Get the table from its engine again. */
public final class TableDroppedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TableDroppedException(String message) {
        super(message);
    }
}
