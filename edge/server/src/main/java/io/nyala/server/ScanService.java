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
import org.jspecify.annotations.Nullable;

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
        ScanResponsePB.Builder answer = ScanResponsePB.newBuilder();
        if (ScanSpecs.namesSnapshot(wanted)) {
            answer.setSnapTimestamp(ScanSpecs.snapshotTimestamp(scanner.snapshot()));
        }
        answer(call, request, "", scanner, answer);
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
        if (!scanner.isNext(request.getCallSeqId())) {
            scanners.remove(id, scanner);
            throw new TabletException(
                    Code.INVALID_SCAN_CALL_SEQ_ID,
                    ErrorCode.INVALID_ARGUMENT,
                    "Invalid call sequence ID in scan request");
        }
        answer(call, request, id, scanner, ScanResponsePB.newBuilder());
    }

    /**
     * Answers with the next rows. If that fails, the scanner is closed.
     *
     * @param id of the scanner, empty if it is new and has none
     */
    private void answer(
            RpcCall call, ScanRequestPB request, String id, Scanner scanner, ScanResponsePB.Builder answer) {
        @Nullable ResultBlock block = null;
        String known = id;
        boolean isGivenBack = false;
        boolean isAnswered = false;
        try {
            block = scanner.takeBlock();
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
            if (hasMore && id.isEmpty()) {
                known = scanners.add(scanner);
            }
            if (hasMore) {
                answer.setScannerId(ByteString.copyFromUtf8(known));
            }
            answer.setHasMoreResults(hasMore)
                    .setPropagatedTimestamp(catalog.engine().now());
            if (hasMore) {
                isGivenBack = true;
                scanners.giveBack(known, scanner); // Before the client can come back.
            } else {
                scanners.remove(known, scanner);
            }
            ResultBlock sent = block;
            call.answer(answer.build(), sent.sidecars(), () -> scanner.sent(sent));
            isAnswered = true;
        } finally {
            if (!isAnswered) {
                abandon(known, scanner, block, isGivenBack);
            }
        }
    }

    /** Nobody will come for it: its answer, with its id, did not go out. */
    private void abandon(String id, Scanner scanner, @Nullable ResultBlock block, boolean isGivenBack) {
        if (block != null) {
            scanner.sent(block);
        }
        if (!isGivenBack || scanner.tryTake()) {
            scanners.remove(id, scanner);
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
