package io.nyala.server;

import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.UnsupportedFormatException;
import io.nyala.encoding.CorruptVectorException;
import io.nyala.engine.EngineLimitException;
import io.nyala.engine.MaintenanceFailedException;
import io.nyala.engine.TableNotFoundException;
import io.nyala.io.DiskException;
import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.master.Master.MasterErrorPB;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rpc.RpcException;
import io.nyala.table.TableDroppedException;
import io.nyala.tablet.MissingRowSetException;
import io.nyala.tablet.TabletFailedException;
import io.nyala.wal.LogStoppedException;
import io.nyala.wire.WireErrors;
import io.nyala.wire.WireException;

/**
 * What a master answers where something cannot be done. A change of a table reads and writes its files, so what is
 * damaged is met here as well, and is told as that. What passes is no answer: {@link TryAgain} fails the call.
 * Stateless.
 */
final class MasterErrors {
    private MasterErrors() {}

    /**
     * The answer to a request that failed like this. Throws what the call is to fail with if it is to come again; and
     * the failure itself if it is a fault of the server.
     */
    static MasterErrorPB of(RuntimeException failure) {
        String message = String.valueOf(failure.getMessage());
        return switch (failure) {
            case MasterException e -> e.error();
            case WireException e when !e.isInvalidRequest() -> e.masterError();
            case TableNotFoundException _, TableDroppedException _ ->
                error(MasterErrorPB.Code.TABLE_NOT_FOUND, AppStatusPB.ErrorCode.NOT_FOUND, message);
            case EngineLimitException _ ->
                error(MasterErrorPB.Code.TOO_MANY_TABLETS, AppStatusPB.ErrorCode.INVALID_ARGUMENT, message);
            case TabletFailedException _,
                    LogStoppedException _,
                    MaintenanceFailedException _,
                    MissingRowSetException _,
                    DiskException _ -> error(MasterErrorPB.Code.UNKNOWN_ERROR, AppStatusPB.ErrorCode.IO_ERROR, message);
            case CorruptPageException _, CorruptVectorException _, MalformedBytesException _ ->
                error(MasterErrorPB.Code.UNKNOWN_ERROR, AppStatusPB.ErrorCode.CORRUPTION, message);
            case UnsupportedFormatException _ ->
                error(MasterErrorPB.Code.UNKNOWN_ERROR, AppStatusPB.ErrorCode.NOT_SUPPORTED, message);
            case IllegalArgumentException _ ->
                error(MasterErrorPB.Code.UNKNOWN_ERROR, AppStatusPB.ErrorCode.INVALID_ARGUMENT, message);
            default -> throw again(failure);
        };
    }

    private static RuntimeException again(RuntimeException failure) {
        RpcException again = TryAgain.of(failure);
        return again == null ? failure : again;
    }

    static MasterErrorPB error(MasterErrorPB.Code code, AppStatusPB.ErrorCode status, String message) {
        return MasterErrorPB.newBuilder()
                .setCode(code)
                .setStatus(WireErrors.status(status, message))
                .build();
    }
}
