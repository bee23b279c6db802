package io.nyala.acceptance;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.ScannerKeepAliveRequestPB;
import io.nyala.protocol.tserver.Tserver.ScannerKeepAliveResponsePB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Calls about one scanner, right ones and wrong ones, as no published client sends them: out of turn, twice, after its
 * end. A scanner that has ended is to a server as one that has expired. Immutable.
 */
final class DrawnCalls {
    private final List<Call> calls;

    private enum Call {
        CONTINUE,
        AGAIN,
        TOO_FAR,
        KEEP_ALIVE,
        CLOSE,
        KEEP_ALIVE_NONE,
        CONTINUE_NONE
    }

    private DrawnCalls(List<Call> calls) {
        this.calls = calls;
    }

    static DrawnCalls draw(SplittableRandom random) {
        List<Call> calls = new ArrayList<>();
        for (int i = 0; i < 2 + random.nextInt(6); i++) {
            calls.add(Call.values()[random.nextInt(Call.values().length)]);
        }
        return new DrawnCalls(calls);
    }

    /**
     * Of a scanner of the first tablet that has rows, and which has answered none yet; answers what was answered.
     */
    String run(ClusterRun run, String table) throws IOException {
        StringBuilder seen = new StringBuilder();
        try (RawCluster raw = run.raw()) {
            for (ByteString tablet : raw.tabletIds(table)) {
                ScanRequestPB.Builder all =
                        ScanRequestPB.newBuilder().setNewScanRequest(run.presentScan(raw, table, tablet));
                if (hasRows(raw, all)) {
                    ScanResponsePB opened = answer(raw, all.setBatchSizeBytes(0));
                    call(raw, opened.getScannerId(), seen.append(said(opened)));
                    break;
                }
            }
        }
        return seen.toString();
    }

    private static boolean hasRows(RawCluster raw, ScanRequestPB.Builder all) throws IOException {
        ScanResponsePB first = answer(raw, all);
        ScanResponsePB answer = first;
        for (int next = 1; isToBeAskedAgain(answer); next++) {
            answer = answer(raw, ofScanner(first.getScannerId(), next));
        }
        return answer.getData().getNumRows() > 0;
    }

    /** A server whose time for an answer ran out before it came to a row says that there may be some. */
    private static boolean isToBeAskedAgain(ScanResponsePB answer) {
        return answer.getData().getNumRows() == 0 && answer.getHasMoreResults();
    }

    private void call(RawCluster raw, ByteString scanner, StringBuilder seen) throws IOException {
        int next = 1;
        for (Call call : calls) {
            seen.append(call).append(": ");
            switch (call) {
                case CONTINUE -> {
                    ScanResponsePB answer;
                    do {
                        answer = answer(raw, ofScanner(scanner, next++));
                    } while (isToBeAskedAgain(answer));
                    seen.append(said(answer));
                }
                case AGAIN -> seen.append(said(answer(raw, ofScanner(scanner, next - 1))));
                case TOO_FAR -> seen.append(said(answer(raw, ofScanner(scanner, next + 5))));
                case CLOSE ->
                    seen.append(said(answer(raw, ofScanner(scanner, next++).setCloseScanner(true))));
                case KEEP_ALIVE -> seen.append(keepAlive(raw, scanner));
                case KEEP_ALIVE_NONE -> seen.append(keepAlive(raw, ByteString.copyFromUtf8("none")));
                case CONTINUE_NONE -> seen.append(said(answer(raw, ofScanner(ByteString.copyFromUtf8("none"), 1))));
            }
            seen.append('\n');
        }
    }

    private static ScanRequestPB.Builder ofScanner(ByteString scanner, int call) {
        return ScanRequestPB.newBuilder().setScannerId(scanner).setCallSeqId(call);
    }

    private static String said(ScanResponsePB answer) {
        return answer.hasError()
                ? code(answer.getError())
                : answer.getData().getNumRows() + " rows, more " + answer.getHasMoreResults();
    }

    private static ScanResponsePB answer(RawCluster raw, ScanRequestPB.Builder request) throws IOException {
        return raw.tablets()
                .call(WireClient.TABLET_SERVER, "Scan", request.build())
                .message(ScanResponsePB.parser());
    }

    private static String keepAlive(RawCluster raw, ByteString scanner) throws IOException {
        ScannerKeepAliveResponsePB answer = raw.tablets()
                .call(
                        WireClient.TABLET_SERVER,
                        "ScannerKeepAlive",
                        ScannerKeepAliveRequestPB.newBuilder()
                                .setScannerId(scanner)
                                .build())
                .message(ScannerKeepAliveResponsePB.parser());
        return answer.hasError() ? code(answer.getError()) : "alive";
    }

    private static String code(TabletServerErrorPB error) {
        return error.getCode() + " " + error.getStatus().getCode();
    }

    @Override
    public String toString() {
        return "by calls " + calls;
    }
}
