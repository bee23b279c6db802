package io.nyala.cli;

/** What was asked for makes no sense as it is; nothing was done. Ends a command with {@link Main#USAGE}. */
final class UsageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
        super(message);
    }
}
