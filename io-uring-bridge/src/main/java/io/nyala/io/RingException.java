package io.nyala.io;

/** The kernel does not give us a ring, or no longer serves it. */
final class RingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RingException(String message) {
        super(message);
    }

    RingException(String message, RingException cause) {
        super(message, cause);
    }
}
