package io.nyala.rpc;

import java.util.Objects;

/**
 * Thrown by a method to fail its call with a code that clients know what to do with. Any other exception becomes {@link
 * RpcErrorCode#ERROR_APPLICATION} and a line in the log; this one is no news to the log.
 */
public final class RpcException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final RpcErrorCode code;

    public RpcException(RpcErrorCode code, String message) {
        super(message);
        this.code = Objects.requireNonNull(code, "code");
    }

    public RpcErrorCode code() {
        return code;
    }
}
