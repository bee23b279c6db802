package io.nyala.encoding;

/**
 * Bytes that are no vector. Says what is wrong and where, relative to the start of the vector; the container adds
 * which file and page. Immutable.
 */
public final class CorruptVectorException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final long offset;

    CorruptVectorException(String what, long offset, long actual, long expected) {
        super("corrupt vector: " + what + " at byte " + offset + " is " + actual + ", expected " + expected
                + "; the page that holds it is damaged or was written by another version");
        this.offset = offset;
    }

    CorruptVectorException(String what, long offset, long actual, long least, long most) {
        super("corrupt vector: " + what + " at byte " + offset + " is " + actual + ", expected " + least + " to " + most
                + "; the page that holds it is damaged or was written by another version");
        this.offset = offset;
    }

    /** Where in the vector, in bytes from its start. */
    public long offset() {
        return offset;
    }
}
