package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.engine.Scan;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.ScannerKeepAliveRequestPB;
import io.nyala.protocol.tserver.Tserver.ScannerKeepAliveResponsePB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.rpc.RpcCall;
import io.nyala.wire.ResultBlock;
import java.util.concurrent.TimeUnit;

/** Scans: rows of a tablet, answer by answer, in the layout that the client wants. Thread-safe. */
final class ScanService {
    private static final long ANSWER_BYTES = 1 << 20;
    private static final long ANSWER_BYTES_MAX = 8 << 20;

    /** A client hears something by then, if it is only that there is more. */
    private static final long ANSWER_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final CatalogView catalog;
    private final Scanners scanners;

    ScanService(CatalogView catalog, Scanners scanners) {
        this.catalog = catalog;
        this.scanners = scanners;
    }

    /** Opens a scanner, goes on with one, or closes one. */
    void scan(RpcCall call) {
        ScanRequestPB request = call.parse(ScanRequestPB.parser());
        try {
            if (request.hasNewScanRequest()) {
                open(call, request);
            } else if (request.hasScannerId()) {
                goOn(call, request);
            } else {
                throw new TabletException(
                        Code.INVALID_SCAN_SPEC,
                        ErrorCode.INVALID_ARGUMENT,
                        "Must pass either a scanner_id or new_scan_request");
            }
        } catch (RuntimeException e) {
            call.answer(ScanResponsePB.newBuilder().setError(TabletErrors.of(e)).build());
        }
    }

    private void open(RpcCall call, ScanRequestPB request) {
        NewScanRequestPB wanted = request.getNewScanRequest();
        String tabletId = wanted.getTabletId().toStringUtf8();
        CatalogView.HostedTablet tablet = catalog.tablet(tabletId);
        if (tablet == null) {
            throw TabletException.notFound(tabletId);
        }
        Scan scan = ScanSpecs.of(catalog, tablet, wanted).open();
        Scanner scanner = new Scanner(
                scan,
                tablet,
                call.user(),
                () -> ResultBlock.of(
                        scan.batch().columns(),
                        wanted.getRowFormatFlags(),
                        catalog.engine().resultMemory()));
        boolean isAnswered = false;
        try {
            ScanResponsePB.Builder answer = ScanResponsePB.newBuilder();
            if (ScanSpecs.namesSnapshot(wanted)) {
                answer.setSnapTimestamp(ScanSpecs.snapshotTimestamp(scanner.snapshot()));
            }
            answer(call, request, "", scanner, answer);
            isAnswered = true;
        } finally {
            if (!isAnswered) {
                scanner.close();
            }
        }
    }

    private void goOn(RpcCall call, ScanRequestPB request) {
        String id = request.getScannerId().toStringUtf8();
        if (request.getCloseScanner()) {
            scanners.close(id, call.user());
            call.answer(ScanResponsePB.newBuilder()
                    .setHasMoreResults(false)
                    .setPropagatedTimestamp(catalog.engine().now())
                    .build());
            return;
        }
        Scanner scanner = scanners.take(id, call.user());
        boolean isAnswered = false;
        try {
            if (!scanner.isNext(request.getCallSeqId())) {
                throw new TabletException(
                        Code.INVALID_SCAN_CALL_SEQ_ID,
                        ErrorCode.INVALID_ARGUMENT,
                        "Invalid call sequence ID in scan request");
            }
            answer(call, request, id, scanner, ScanResponsePB.newBuilder());
            isAnswered = true;
        } finally {
            if (!isAnswered) {
                scanners.remove(id, scanner);
            }
        }
    }

    /**
     * Answers with the next rows.
     *
     * @param id of the scanner, empty if it is new and has none
     */
    private void answer(
            RpcCall call, ScanRequestPB request, String id, Scanner scanner, ScanResponsePB.Builder answer) {
        ResultBlock block = scanner.takeBlock();
        boolean isAnswered = false;
        try {
            long bytes = request.hasBatchSizeBytes()
                    ? Math.min(Integer.toUnsignedLong(request.getBatchSizeBytes()), ANSWER_BYTES_MAX)
                    : ANSWER_BYTES;
            scanner.fill(block, bytes, System.nanoTime() + Math.min(ANSWER_NANOS, call.nanosLeft()));
            block.describe(answer);
            ByteString lastKey = scanner.lastKey();
            if (lastKey != null) {
                answer.setLastPrimaryKey(lastKey);
            }
            boolean hasMore = !scanner.isAtEnd() && !request.getCloseScanner();
            String newId = hasMore && id.isEmpty() ? scanners.add(scanner) : id;
            if (hasMore) {
                answer.setScannerId(ByteString.copyFromUtf8(newId));
            }
            answer.setHasMoreResults(hasMore)
                    .setPropagatedTimestamp(catalog.engine().now());
            if (hasMore) {
                scanners.giveBack(newId, scanner); // Before the client can come back.
            } else {
                scanners.remove(newId, scanner);
            }
            call.answer(answer.build(), block.sidecars(), () -> scanner.sent(block));
            isAnswered = true;
        } finally {
            if (!isAnswered) {
                scanner.sent(block);
            }
        }
    }

    void keepAlive(RpcCall call) {
        ScannerKeepAliveRequestPB request = call.parse(ScannerKeepAliveRequestPB.parser());
        ScannerKeepAliveResponsePB.Builder answer = ScannerKeepAliveResponsePB.newBuilder();
        try {
            scanners.keepAlive(request.getScannerId().toStringUtf8(), call.user());
        } catch (TabletException e) {
            answer.setError(e.error());
        }
        call.answer(answer.build());
    }
}
