package io.nyala.rpc;

/** Why a call as a whole failed, by Kudu's names and numbers ({@code ErrorStatusPB.RpcErrorCodePB}). */
public enum RpcErrorCode {
    /** The method failed; clients do not retry. */
    ERROR_APPLICATION(1),
    ERROR_NO_SUCH_METHOD(2),
    ERROR_NO_SUCH_SERVICE(3),
    /** Too much to do; clients back off and retry. */
    ERROR_SERVER_TOO_BUSY(4),
    /** The request message cannot be read, lacks required fields, or requires features that are not there. */
    ERROR_INVALID_REQUEST(5),
    /** A tracked request whose answer has been forgotten. */
    ERROR_REQUEST_STALE(6),
    /** Not ready yet; clients back off and retry. */
    ERROR_UNAVAILABLE(7),
    /** From here on the connection is of no more use. */
    FATAL_UNKNOWN(10),
    FATAL_SERVER_SHUTTING_DOWN(11),
    FATAL_INVALID_RPC_HEADER(12),
    FATAL_DESERIALIZING_REQUEST(13),
    FATAL_VERSION_MISMATCH(14),
    FATAL_UNAUTHORIZED(15),
    FATAL_INVALID_AUTHENTICATION_TOKEN(16),
    /** Clients fetch a new token and retry. */
    ERROR_INVALID_AUTHORIZATION_TOKEN(17),
    FATAL_INVALID_JWT(18);

    private final int number;

    RpcErrorCode(int number) {
        this.number = number;
    }

    /** As it stands on the wire. */
    public int number() {
        return number;
    }
}
