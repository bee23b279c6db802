package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.engine.Scan;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.protocol.tserver.TserverService.ChecksumRequestPB;
import io.nyala.protocol.tserver.TserverService.ChecksumResponsePB;
import io.nyala.rpc.RpcCall;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Checksums of what is in a tablet, piece by piece, for tools that compare replicas. Thread-safe. */
final class ChecksumService {
    private static final long ANSWER_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final CatalogView catalog;
    private final Scanners scanners;
    private final LongSupplier nanoTime;

    /** @param nanoTime a clock that never steps back */
    ChecksumService(CatalogView catalog, Scanners scanners, LongSupplier nanoTime) {
        this.catalog = catalog;
        this.scanners = scanners;
        this.nanoTime = nanoTime;
    }

    /** Begins with a tablet, or goes on with it. */
    void checksum(RpcCall call) {
        ChecksumRequestPB request = call.parse(ChecksumRequestPB.parser());
        ChecksumResponsePB answer;
        try {
            answer = request.hasContinueRequest() ? goOn(call, request) : begin(call, request.getNewRequest());
        } catch (RuntimeException e) {
            answer =
                    ChecksumResponsePB.newBuilder().setError(TabletErrors.of(e)).build();
        }
        call.answer(answer);
    }

    private ChecksumResponsePB begin(RpcCall call, NewScanRequestPB wanted) {
        String tabletId = wanted.getTabletId().toStringUtf8();
        CatalogView.HostedTablet tablet = catalog.tablet(tabletId);
        if (tablet == null) {
            throw TabletException.notFound(tabletId);
        }
        Scan scan = ScanSpecs.of(catalog, tablet, wanted).open();
        Scanner scanner = new Scanner(scan, tablet, call.user(), () -> {
            throw new TabletException(
                    Code.UNKNOWN_ERROR,
                    ErrorCode.INVALID_ARGUMENT,
                    "the scanner is one of a checksum, and has no rows");
        });
        return piece(call, "", scanner, 0);
    }

    private ChecksumResponsePB goOn(RpcCall call, ChecksumRequestPB request) {
        String id = request.getContinueRequest().getScannerId().toStringUtf8();
        Scanner scanner = scanners.take(id, call.user());
        if (!scanner.isNext(request.getCallSeqId())) {
            scanners.remove(id, scanner);
            throw new TabletException(
                    Code.INVALID_SCAN_CALL_SEQ_ID,
                    ErrorCode.INVALID_ARGUMENT,
                    "Invalid call sequence ID in scan request");
        }
        return piece(call, id, scanner, request.getContinueRequest().getPreviousChecksum());
    }

    private ChecksumResponsePB piece(RpcCall call, String id, Scanner scanner, long before) {
        boolean isKept = false;
        String newId = id;
        try {
            RowChecksum checksum = new RowChecksum();
            long rows = scanner.addTo(checksum, nanoTime, Math.min(ANSWER_NANOS, call.nanosLeft()));
            ChecksumResponsePB.Builder answer = ChecksumResponsePB.newBuilder()
                    .setChecksum(before + checksum.sum())
                    .setRowsChecksummed(rows)
                    .setSnapTimestamp(ScanSpecs.snapshotTimestamp(scanner.snapshot()))
                    .setHasMoreResults(!scanner.isAtEnd());
            if (!scanner.isAtEnd()) {
                newId = id.isEmpty() ? scanners.add(scanner) : id;
                answer.setScannerId(ByteString.copyFromUtf8(newId));
                scanners.giveBack(newId, scanner);
                isKept = true;
            }
            return answer.build();
        } finally {
            if (!isKept) {
                scanners.remove(newId, scanner);
            }
        }
    }
}
