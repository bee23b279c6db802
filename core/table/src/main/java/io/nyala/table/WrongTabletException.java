package io.nyala.table;

/** A batch for one tablet has a row of another, or of none; nothing of it was done. The words are Kudu's. */
public final class WrongTabletException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    WrongTabletException(String message) {
        super(message);
    }
}
