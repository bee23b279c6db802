package io.nyala.wire;

import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.master.Master.MasterErrorPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;

/**
 * A request that cannot be answered because of what stands in it, in the words of a real Kudu server. Knows its status
 * and the outer error code that both kinds of server put around it.
 */
public final class WireException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What was wrong: decides the outer code of the answer. */
    public enum Fault {
        /** A value in the request. */
        ARGUMENT,
        /** A schema that no table can have. */
        SCHEMA,
        /** Columns that are not those of the table. */
        MISMATCHED_SCHEMA,
        /** What a scan asks for. */
        SCAN_SPEC,
        /** The request is no message at all, or lacks a field that each has: no answer but an error of the call. */
        REQUEST
    }

    private final String message;
    private final AppStatusPB.ErrorCode code;
    private final Fault fault;

    public WireException(AppStatusPB.ErrorCode code, Fault fault, String message) {
        super(message);
        this.message = message;
        this.code = code;
        this.fault = fault;
    }

    WireException(Fault fault, String message) {
        this(AppStatusPB.ErrorCode.INVALID_ARGUMENT, fault, message);
    }

    WireException(Fault fault, IllegalArgumentException cause) {
        super(cause);
        this.message = String.valueOf(cause.getMessage());
        this.code = AppStatusPB.ErrorCode.INVALID_ARGUMENT;
        this.fault = fault;
    }

    static WireException notSupported(Fault fault, String message) {
        return new WireException(AppStatusPB.ErrorCode.NOT_SUPPORTED, fault, message);
    }

    static WireException corruption(Fault fault, String message) {
        return new WireException(AppStatusPB.ErrorCode.CORRUPTION, fault, message);
    }

    @Override
    public String getMessage() {
        return message;
    }

    public AppStatusPB.ErrorCode code() {
        return code;
    }

    public Fault fault() {
        return fault;
    }

    /** Whether the call itself is in error (ERROR_INVALID_REQUEST), and has no answer with an error in it. */
    public boolean isInvalidRequest() {
        return fault == Fault.REQUEST;
    }

    public AppStatusPB status() {
        return WireErrors.status(code, message);
    }

    /** As a tablet server answers. */
    public TabletServerErrorPB tabletServerError() {
        TabletServerErrorPB.Code outer =
                switch (fault) {
                    case ARGUMENT, REQUEST -> TabletServerErrorPB.Code.UNKNOWN_ERROR;
                    case SCHEMA -> TabletServerErrorPB.Code.INVALID_SCHEMA;
                    case MISMATCHED_SCHEMA -> TabletServerErrorPB.Code.MISMATCHED_SCHEMA;
                    case SCAN_SPEC -> TabletServerErrorPB.Code.INVALID_SCAN_SPEC;
                };
        return TabletServerErrorPB.newBuilder()
                .setCode(outer)
                .setStatus(status())
                .build();
    }

    /** As a master answers. */
    public MasterErrorPB masterError() {
        MasterErrorPB.Code outer =
                switch (fault) {
                    case ARGUMENT, REQUEST, SCAN_SPEC -> MasterErrorPB.Code.UNKNOWN_ERROR;
                    case SCHEMA, MISMATCHED_SCHEMA -> MasterErrorPB.Code.INVALID_SCHEMA;
                };
        return MasterErrorPB.newBuilder().setCode(outer).setStatus(status()).build();
    }
}
