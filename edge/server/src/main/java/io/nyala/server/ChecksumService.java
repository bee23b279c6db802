package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.engine.Scan;
import io.nyala.memory.MemoryLimitException;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.protocol.tserver.TserverService.ChecksumRequestPB;
import io.nyala.protocol.tserver.TserverService.ChecksumResponsePB;
import io.nyala.rpc.RpcCall;
import io.nyala.rpc.RpcErrorCode;
import io.nyala.rpc.RpcException;
import io.nyala.wire.WirePredicates;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Checksums of what is in a tablet, piece by piece, for tools that compare replicas. Thread-safe. */
final class ChecksumService {
    private static final long ANSWER_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    /** Over before it begins. */
    private static final long ONE_BATCH_NANOS = -1;

    /** Of a sum, which is all that an answer has. */
    private static final int SUM_BYTES = Long.BYTES;

    private final CatalogView catalog;
    private final Scanners scanners;
    private final LongSupplier nanoTime;

    /** @param nanoTime a clock that never steps back */
    ChecksumService(CatalogView catalog, Scanners scanners, LongSupplier nanoTime) {
        this.catalog = catalog;
        this.scanners = scanners;
        this.nanoTime = nanoTime;
    }

    /** Begins with a tablet, goes on with it, or closes the scanner. */
    void checksum(RpcCall call) {
        ChecksumRequestPB request = call.parse(ChecksumRequestPB.parser());
        ChecksumResponsePB answer;
        try {
            if (request.hasNewRequest() == request.hasContinueRequest()) {
                throw new RpcException(
                        RpcErrorCode.ERROR_APPLICATION,
                        request.hasNewRequest()
                                ? "Invalid argument: Must not pass both a scanner_id and new_scan_request"
                                : "Invalid argument: Must pass either new_request or continue_request");
            }
            answer = request.hasContinueRequest() ? goOn(call, request) : begin(call, request);
        } catch (RuntimeException e) {
            answer =
                    ChecksumResponsePB.newBuilder().setError(TabletErrors.of(e)).build();
        }
        call.answer(answer);
    }

    private ChecksumResponsePB begin(RpcCall call, ChecksumRequestPB request) {
        NewScanRequestPB wanted = request.getNewRequest();
        if (request.getCallSeqId() != 0) {
            throw Scanner.outOfSequence();
        }
        String tabletId = wanted.getTabletId().toStringUtf8();
        CatalogView.HostedTablet tablet = catalog.tablet(tabletId);
        if (tablet == null) {
            throw TabletException.notFound(tabletId);
        }
        Scan scan = ScanSpecs.of(catalog, tablet, wanted).open();
        int predicateBytes = WirePredicates.heapBytes(wanted.getColumnPredicatesList());
        Scanner scanner = new Scanner(scan, tablet, call.user(), predicateBytes, () -> {
            throw new TabletException(
                    Code.UNKNOWN_ERROR,
                    ErrorCode.INVALID_ARGUMENT,
                    "the scanner is one of a checksum, and has no rows");
        });
        ChecksumResponsePB.Builder answer = ChecksumResponsePB.newBuilder();
        if (ScanSpecs.namesSnapshot(wanted)) {
            answer.setSnapTimestamp(ScanSpecs.snapshotTimestamp(scanner.snapshot()));
        }
        return piece(call, request, "", scanner, answer);
    }

    private ChecksumResponsePB goOn(RpcCall call, ChecksumRequestPB request) {
        String id = request.getContinueRequest().getScannerId().toStringUtf8();
        if (request.getCloseScanner() && wantsNothing(request)) {
            scanners.close(id, call.user());
            return ChecksumResponsePB.newBuilder()
                    .setChecksum(request.getContinueRequest().getPreviousChecksum())
                    .setRowsChecksummed(0)
                    .setHasMoreResults(false)
                    .build();
        }
        Scanner scanner = scanners.take(id, call.user());
        if (!scanner.isNext(request.getCallSeqId())) {
            scanners.remove(id, scanner);
            throw Scanner.outOfSequence();
        }
        return piece(call, request, id, scanner, ChecksumResponsePB.newBuilder());
    }

    private static boolean wantsNothing(ChecksumRequestPB request) {
        return request.hasBatchSizeBytes() && request.getBatchSizeBytes() == 0;
    }

    /**
     * The next rows, in the time that an answer has. Sums are small however many rows they are of, so the size that a
     * client wants is met or is too small for any: then it gets one batch of rows, as from Kudu, and none at first.
     *
     * @param id of the scanner, empty if it is new and has none
     */
    private ChecksumResponsePB piece(
            RpcCall call, ChecksumRequestPB request, String id, Scanner scanner, ChecksumResponsePB.Builder answer) {
        boolean isKept = false;
        String known = id;
        try {
            RowChecksum checksum = new RowChecksum();
            boolean isOpenedOnly = id.isEmpty() && wantsNothing(request);
            boolean isSmall =
                    request.hasBatchSizeBytes() && Integer.toUnsignedLong(request.getBatchSizeBytes()) <= SUM_BYTES;
            long nanos = isSmall ? ONE_BATCH_NANOS : Math.min(ANSWER_NANOS, call.nanosLeft());
            long rows = isOpenedOnly ? 0 : scanner.addTo(checksum, nanoTime, nanos);
            boolean isLast = request.getCloseScanner() && !isOpenedOnly; // Who wants no rows yet will come for them.
            boolean hasMore = !scanner.isAtEnd() && !isLast;
            answer.setChecksum(request.getContinueRequest().getPreviousChecksum() + checksum.sum())
                    .setRowsChecksummed(rows)
                    .setHasMoreResults(hasMore);
            if (hasMore) {
                known = id.isEmpty() ? scanners.add(scanner) : id;
                answer.setScannerId(ByteString.copyFromUtf8(known));
                scanners.giveBack(known, scanner);
                isKept = true;
            }
            return answer.build();
        } catch (MemoryLimitException e) {
            throw id.isEmpty() ? e : TabletException.lostItsPlace(id, e); // Who is to begin again can come again.
        } finally {
            if (!isKept) {
                scanners.remove(known, scanner);
            }
        }
    }
}
