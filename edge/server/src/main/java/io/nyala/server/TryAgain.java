package io.nyala.server;

import io.nyala.engine.EngineClosedException;
import io.nyala.engine.EngineLimitException;
import io.nyala.engine.TableChangedException;
import io.nyala.memory.MemoryLimitException;
import io.nyala.rpc.RpcErrorCode;
import io.nyala.rpc.RpcException;
import io.nyala.tablet.TabletBusyException;
import io.nyala.tablet.TabletClosedException;
import io.nyala.wal.LogFullException;
import org.jspecify.annotations.Nullable;

/**
 * What passes: a client that waits and sends the same request again is served. All clients of Kudu do that where the
 * call fails with one of these codes; where an answer tells of it, some give up. Stateless.
 */
final class TryAgain {
    private TryAgain() {}

    /** What the call fails with if this failure passes; null if it does not. */
    static @Nullable RpcException of(RuntimeException failure) {
        return switch (failure) {
            case TabletBusyException _,
                    MemoryLimitException _,
                    EngineLimitException _,
                    TableChangedException _,
                    LogFullException _ -> tooBusy(String.valueOf(failure.getMessage()));
            case EngineClosedException _, TabletClosedException _ ->
                new RpcException(RpcErrorCode.ERROR_UNAVAILABLE, "Service unavailable: " + failure.getMessage());
            default -> null;
        };
    }

    /** The call comes when too much is under way. */
    static RpcException tooBusy(String message) {
        return new RpcException(RpcErrorCode.ERROR_SERVER_TOO_BUSY, "Service unavailable: " + message);
    }
}
