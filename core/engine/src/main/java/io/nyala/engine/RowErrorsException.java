package io.nyala.engine;

import io.nyala.rows.RowError;

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
        String separator = " ";
        for (RowError error :
                result.errors().subList(0, Math.min(SHOWN_MAX, result.errors().size()))) {
            message.append(separator)
                    .append("operation ")
                    .append(error.operationIndex())
                    .append(" is ")
                    .append(error.code())
                    .append(", ")
                    .append(error.message());
            separator = "; ";
        }
        if (result.errors().size() > SHOWN_MAX) {
            message.append("; and more");
        }
        return message.toString();
    }
}
