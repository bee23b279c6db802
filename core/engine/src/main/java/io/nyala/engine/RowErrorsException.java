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
        int refused = result.errors().size();
        int others = result.operationCount() - refused;
        var message = new StringBuilder()
                .append(refused)
                .append(" of ")
                .append(result.operationCount())
                .append(result.operationCount() == 1 ? " operation" : " operations")
                .append(refused == 1 ? " was" : " were")
                .append(" refused")
                .append(others == 0 ? "" : others == 1 ? ", the other took effect" : ", the others took effect")
                .append(':');
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
