package io.nyala.wire;

import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;

/** Errors as Kudu's clients know them: they look at the code, and their users at the words. Stateless. */
public final class WireErrors {
    private WireErrors() {}

    public static AppStatusPB status(AppStatusPB.ErrorCode code, String message) {
        return AppStatusPB.newBuilder().setCode(code).setMessage(message).build();
    }

    /** Of one operation of a batch. */
    public static AppStatusPB status(RowError error) {
        return status(code(error.code()), message(error));
    }

    private static AppStatusPB.ErrorCode code(RowErrorCode code) {
        return switch (code) {
            case ALREADY_PRESENT -> AppStatusPB.ErrorCode.ALREADY_PRESENT;
            case NOT_FOUND, NO_RANGE -> AppStatusPB.ErrorCode.NOT_FOUND;
            case IMMUTABLE -> AppStatusPB.ErrorCode.IMMUTABLE;
            case ROLLED_BACK -> AppStatusPB.ErrorCode.ABORTED;
            case MISSING_VALUE,
                    NULL_IN_NOT_NULL,
                    KEY_TOO_LONG,
                    CELL_TOO_LONG,
                    BAD_VALUE,
                    NOTHING_TO_UPDATE,
                    CONDITION_NOT_MET -> AppStatusPB.ErrorCode.INVALID_ARGUMENT;
        };
    }

    private static String message(RowError error) {
        return switch (error.code()) {
            case ALREADY_PRESENT -> "key already present";
            case NOT_FOUND -> "key not found";
            default -> error.message();
        };
    }
}
