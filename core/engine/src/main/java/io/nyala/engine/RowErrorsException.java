package io.nyala.engine;

/** Some rows of a batch were refused; all others took effect. */
public final class RowErrorsException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private static final int SHOWN_MAX = 3;

    private final transient CommitResult result;

    RowErrorsException(CommitResult result) {
        super(message(result));
        this.result = result;
    }

    public CommitResult result() {
        return result;
    }

    private static String message(CommitResult result) {
        var message = new StringBuilder()
                .append(result.errors().size())
                .append(" of ")
                .append(result.operationCount())
                .append(" operations were refused, the others took effect:");
        result.errors().stream()
                .limit(SHOWN_MAX)
                .forEach(error -> message.append(' ').append(error).append(';'));
        if (result.errors().size() > SHOWN_MAX) {
            message.append(" ...");
        }
        return message.toString();
    }
}
