package io.nyala.server;

import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.UnsupportedFormatException;
import io.nyala.encoding.CorruptVectorException;
import io.nyala.engine.MaintenanceFailedException;
import io.nyala.engine.TableNotFoundException;
import io.nyala.io.DiskException;
import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rpc.RpcException;
import io.nyala.table.AncientSnapshotException;
import io.nyala.table.TableDroppedException;
import io.nyala.table.WrongTabletException;
import io.nyala.tablet.BatchTooLargeException;
import io.nyala.tablet.MissingRowSetException;
import io.nyala.tablet.TabletFailedException;
import io.nyala.wal.LogStoppedException;
import io.nyala.wire.WireErrors;
import io.nyala.wire.WireException;

/**
 * What a tablet server answers where something cannot be done. Clients act on the codes: they look a tablet up again
 * that is not found, and give up on all else. A damaged page is told as that, and not as a tablet that has failed: the
 * tablet serves all that is not on it. What passes is no answer: {@link TryAgain} fails the call. Stateless.
 */
final class TabletErrors {
    private TabletErrors() {}

    /**
     * The answer to a request that failed like this. Throws what the call is to fail with if it is to come again; and
     * the failure itself if it is a fault of the server.
     */
    static TabletServerErrorPB of(RuntimeException failure) {
        String message = String.valueOf(failure.getMessage());
        return switch (failure) {
            case TabletException e -> e.error();
            case WireException e when !e.isInvalidRequest() -> e.tabletServerError();
            case WrongTabletException _ -> error(Code.UNKNOWN_ERROR, ErrorCode.NOT_FOUND, message);
            case TableDroppedException _, TableNotFoundException _ ->
                error(Code.TABLET_NOT_FOUND, ErrorCode.NOT_FOUND, message);
            case AncientSnapshotException e ->
                error(Code.INVALID_SNAPSHOT, ErrorCode.INVALID_ARGUMENT, ScanSpecs.refusal(e));
            case TabletFailedException _,
                    LogStoppedException _,
                    MaintenanceFailedException _,
                    MissingRowSetException _ -> error(Code.TABLET_FAILED, ErrorCode.IO_ERROR, message);
            case CorruptPageException _, CorruptVectorException _, MalformedBytesException _ ->
                error(Code.UNKNOWN_ERROR, ErrorCode.CORRUPTION, message);
            case UnsupportedFormatException _ -> error(Code.UNKNOWN_ERROR, ErrorCode.NOT_SUPPORTED, message);
            case DiskException _ -> error(Code.UNKNOWN_ERROR, ErrorCode.IO_ERROR, message);
            case BatchTooLargeException _, IllegalArgumentException _ ->
                error(Code.UNKNOWN_ERROR, ErrorCode.INVALID_ARGUMENT, message);
            default -> throw again(failure);
        };
    }

    private static RuntimeException again(RuntimeException failure) {
        RpcException again = TryAgain.of(failure);
        return again == null ? failure : again;
    }

    /** As {@link #of}, but never throws: of what is a fault of the server, too, which is reported. */
    static TabletServerErrorPB ofAny(RuntimeException failure) {
        try {
            return of(failure);
        } catch (RpcException again) {
            return error(Code.THROTTLED, ErrorCode.SERVICE_UNAVAILABLE, String.valueOf(again.getMessage()));
        } catch (RuntimeException fault) {
            ServerFaults.report("a write failed", fault);
            return error(Code.UNKNOWN_ERROR, ErrorCode.RUNTIME_ERROR, String.valueOf(fault));
        }
    }

    static TabletServerErrorPB error(Code code, AppStatusPB.ErrorCode status, String message) {
        return TabletServerErrorPB.newBuilder()
                .setCode(code)
                .setStatus(WireErrors.status(status, message))
                .build();
    }
}
