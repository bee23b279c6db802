package io.nyala.memory;

/**
 * Someone closed an account or a budget while slabs of it were still out. This is a mistake in our code: the message
 * names owners and bytes.
 */
public final class MemoryLeakException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long leakedBytes;

    MemoryLeakException(String message, long leakedBytes) {
        super(message);
        this.leakedBytes = leakedBytes;
    }

    /** The same, by who knows more of it. */
    public MemoryLeakException(String message, MemoryLeakException cause) {
        super(message, cause);
        this.leakedBytes = cause.leakedBytes;
    }

    public long leakedBytes() {
        return leakedBytes;
    }
}
