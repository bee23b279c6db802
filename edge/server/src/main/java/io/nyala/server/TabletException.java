package io.nyala.server;

import io.nyala.memory.MemoryLimitException;
import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;

/** A request to the tablet server that cannot be done, with the codes that its client waits for. */
final class TabletException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient TabletServerErrorPB error;

    TabletException(TabletServerErrorPB.Code code, AppStatusPB.ErrorCode status, String message) {
        super(message);
        error = TabletErrors.error(code, status, message);
    }

    static TabletException notFound(String tabletId) {
        return new TabletException(
                TabletServerErrorPB.Code.TABLET_NOT_FOUND,
                AppStatusPB.ErrorCode.NOT_FOUND,
                "Tablet not found: " + tabletId);
    }

    /** A scanner whose scan found no memory in the middle: clients that can, open another from where they are. */
    static TabletException lostItsPlace(String scannerId, MemoryLimitException reason) {
        return new TabletException(
                TabletServerErrorPB.Code.SCANNER_EXPIRED,
                AppStatusPB.ErrorCode.NOT_FOUND,
                "Scanner " + scannerId + " not found (it was closed, for there was no memory to go on: "
                        + reason.getMessage() + ")");
    }

    TabletServerErrorPB error() {
        return error;
    }
}
