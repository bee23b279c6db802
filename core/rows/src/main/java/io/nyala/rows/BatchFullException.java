package io.nyala.rows;

/** A write batch at its limit: commit it, or clear it, and go on. The row that did not fit is not in it. */
public final class BatchFullException extends RuntimeException {
    private static final long serialVersionUID = 1;

    BatchFullException(String message) {
        super(message);
    }
}
