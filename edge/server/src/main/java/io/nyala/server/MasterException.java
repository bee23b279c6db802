package io.nyala.server;

import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.master.Master.MasterErrorPB;

/** A request to the master that cannot be done, with the codes that its client waits for. */
final class MasterException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient MasterErrorPB error;

    MasterException(MasterErrorPB.Code code, AppStatusPB.ErrorCode status, String message) {
        super(message);
        error = MasterErrors.error(code, status, message);
    }

    /** Of a list that has become longer than what clients take. */
    static MasterException listTooLong(String list, int bytesMax, String advice) {
        return new MasterException(
                MasterErrorPB.Code.UNKNOWN_ERROR,
                AppStatusPB.ErrorCode.INVALID_ARGUMENT,
                list + " has more than " + bytesMax + " bytes, and clients take no longer ones; " + advice);
    }

    MasterErrorPB error() {
        return error;
    }
}
