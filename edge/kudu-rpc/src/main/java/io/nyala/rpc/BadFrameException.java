package io.nyala.rpc;

/** Bytes of a client that are no frames of the protocol: nothing behind them can be understood, so it is let go. */
final class BadFrameException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String what;

    BadFrameException(String message) {
        super(message, null, false, false); // The message has it all; clients must not cost us stack traces.
        this.what = message;
    }

    /** What is bad about them. */
    String what() {
        return what;
    }
}
