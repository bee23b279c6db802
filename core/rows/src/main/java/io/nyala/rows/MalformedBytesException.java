package io.nyala.rows;

/**
 * Bytes that are not what a format of this module says. Whoever knows the file says so in an exception of its own,
 * with this as the cause.
 */
public final class MalformedBytesException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final long offset;

    /**
     * @param what what is wrong, with both values
     * @param offset where in the segment that was read
     */
    public MalformedBytesException(String what, long offset) {
        super("malformed bytes at " + offset + ": " + what);
        this.offset = offset;
    }

    /** Where in the segment that was read. */
    public long offset() {
        return offset;
    }
}
