package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.engine.Scan;
import io.nyala.memory.MemoryLimitException;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.ScannerKeepAliveRequestPB;
import io.nyala.protocol.tserver.Tserver.ScannerKeepAliveResponsePB;
import io.nyala.rpc.RpcCall;
import io.nyala.rpc.RpcErrorCode;
import io.nyala.rpc.RpcException;
import io.nyala.wire.ResultBlock;
import io.nyala.wire.ScanContinuation;
import io.nyala.wire.WirePredicates;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Scans: rows of a tablet, answer by answer, in the layout that the client wants. Thread-safe. */
final class ScanService {
    private static final long ANSWER_BYTES = 1 << 20;
    private static final long ANSWER_BYTES_MAX = 8 << 20;

    /** A client hears something by then, if it is only that there is more. */
    private static final long ANSWER_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final CatalogView catalog;
    private final Scanners scanners;
    private final LongSupplier nanoTime;

    /** @param nanoTime a clock that never steps back */
    ScanService(CatalogView catalog, Scanners scanners, LongSupplier nanoTime) {
        this.catalog = catalog;
        this.scanners = scanners;
        this.nanoTime = nanoTime;
    }

    /** Opens a scanner, goes on with one, or closes one. */
    void scan(RpcCall call) {
        try {
            ScanContinuation next = ScanContinuation.read(call.body());
            if (next != null) {
                goOn(call, next);
            } else {
                openOrGoOn(call, call.parse(ScanRequestPB.parser()));
            }
        } catch (RuntimeException e) {
            call.answer(ScanResponsePB.newBuilder().setError(TabletErrors.of(e)).build());
        }
    }

    private void openOrGoOn(RpcCall call, ScanRequestPB request) {
        if (request.hasNewScanRequest() == request.hasScannerId()) {
            throw new RpcException(
                    RpcErrorCode.ERROR_APPLICATION,
                    request.hasScannerId()
                            ? "Invalid argument: Must not pass both a scanner_id and new_scan_request"
                            : "Invalid argument: Must pass either a scanner_id or new_scan_request");
        }
        if (request.hasScannerId()) {
            goOn(call, ScanContinuation.of(request));
        } else if (request.getCallSeqId() != 0) {
            throw Scanner.outOfSequence();
        } else {
            open(call, request);
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
        long flags = wanted.getRowFormatFlags(); // The scanner outlives the request, which may be of MiB.
        int[] sources = ScanSpecs.sources(wanted, scan.batch().columnCount());
        Scanner scanner = new Scanner(
                scan,
                tablet,
                call.user(),
                WirePredicates.heapBytes(wanted.getColumnPredicatesList()),
                () -> ResultBlock.of(
                        scan.batch().columns(), sources, flags, catalog.engine().resultMemory()));
        ScanResponsePB.Builder answer = ScanResponsePB.newBuilder();
        if (ScanSpecs.namesSnapshot(wanted)) {
            answer.setSnapTimestamp(ScanSpecs.snapshotTimestamp(scanner.snapshot()));
        }
        long bytes = request.hasBatchSizeBytes()
                ? Integer.toUnsignedLong(request.getBatchSizeBytes())
                : ScanContinuation.NO_BATCH_BYTES;
        boolean isLast = request.getCloseScanner() && bytes != 0; // Who wants no rows yet will come for them.
        answer(call, bytes, isLast, "", scanner, answer);
    }

    /** The last request may ask for rows as well; if it asks for none, it need not even be the next one. */
    private void goOn(RpcCall call, ScanContinuation request) {
        String id = request.scannerId();
        if (request.isLast() && request.batchBytes() == 0) {
            scanners.close(id, call.user());
            call.answer(ScanResponsePB.newBuilder()
                    .setHasMoreResults(false)
                    .setPropagatedTimestamp(catalog.engine().now())
                    .build());
            return;
        }
        Scanner scanner = scanners.take(id, call.user());
        if (!scanner.isNext(request.callSequence())) {
            scanners.remove(id, scanner);
            throw Scanner.outOfSequence();
        }
        long bytes = request.batchBytes() == 0 ? 1 : request.batchBytes(); // Some rows, or it would never end.
        answer(call, bytes, request.isLast(), id, scanner, ScanResponsePB.newBuilder());
    }

    /**
     * Answers with the next rows. If that fails, the scanner is closed; but if there is only no memory for them now,
     * and the scan can still go on, the call is to come again.
     *
     * @param bytesWanted as in {@link ScanContinuation#batchBytes}
     * @param id of the scanner, empty if it is new and has none
     */
    private void answer(
            RpcCall call, long bytesWanted, boolean isLast, String id, Scanner scanner, ScanResponsePB.Builder answer) {
        @Nullable ResultBlock block = null;
        String known = id;
        boolean isGivenBack = false;
        boolean isSettled = false;
        try {
            block = scanner.takeBlock();
            long bytes = bytesWanted == ScanContinuation.NO_BATCH_BYTES
                    ? ANSWER_BYTES
                    : Math.min(bytesWanted, ANSWER_BYTES_MAX);
            scanner.fill(block, bytes, nanoTime, Math.min(ANSWER_NANOS, call.nanosLeft()));
            block.describe(answer);
            ByteString lastKey = scanner.lastKey();
            if (lastKey != null) {
                answer.setLastPrimaryKey(lastKey);
            }
            boolean hasMore = !scanner.isAtEnd() && !isLast;
            if (hasMore && id.isEmpty()) {
                known = scanners.add(scanner);
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
            isSettled = true;
        } catch (MemoryLimitException e) {
            if (id.isEmpty() || isGivenBack) {
                throw e;
            }
            if (scanner.isBroken()) {
                throw TabletException.lostItsPlace(id, e);
            }
            isSettled = true;
            keep(id, scanner, block);
            throw e;
        } finally {
            if (!isSettled) {
                abandon(known, scanner, block, isGivenBack);
            }
        }
    }

    /** For the same call again. */
    private void keep(String id, Scanner scanner, @Nullable ResultBlock block) {
        if (block != null) {
            scanner.sent(block);
        }
        scanner.expectAgain();
        scanners.giveBack(id, scanner);
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
