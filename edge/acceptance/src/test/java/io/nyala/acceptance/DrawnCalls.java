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
     * Of a scanner of the first tablet that has rows, and which has answered none yet; answers what was answered. Of a
     * tablet without any a real Kudu says at once that there are no more, and ours when it is asked for some.
     */
    String run(ClusterRun run, String table) throws IOException {
        StringBuilder seen = new StringBuilder();
        try (RawCluster raw = run.raw()) {
            for (ByteString tablet : raw.tabletIds(table)) {
                ScanRequestPB.Builder all =
                        ScanRequestPB.newBuilder().setNewScanRequest(run.presentScan(raw, table, tablet));
                if (tell(raw, all, seen).getData().getNumRows() > 0) {
                    call(raw, tell(raw, all.setBatchSizeBytes(0), seen).getScannerId(), seen);
                    break;
                }
            }
        }
        return seen.toString();
    }

    private void call(RawCluster raw, ByteString scanner, StringBuilder seen) throws IOException {
        int next = 1;
        for (Call call : calls) {
            seen.append(call).append(": ");
            switch (call) {
                case CONTINUE -> tell(raw, ofScanner(scanner, next++), seen);
                case AGAIN -> tell(raw, ofScanner(scanner, next - 1), seen);
                case TOO_FAR -> tell(raw, ofScanner(scanner, next + 5), seen);
                case CLOSE -> tell(raw, ofScanner(scanner, next++).setCloseScanner(true), seen);
                case KEEP_ALIVE -> seen.append(keepAlive(raw, scanner));
                case KEEP_ALIVE_NONE -> seen.append(keepAlive(raw, ByteString.copyFromUtf8("none")));
                case CONTINUE_NONE -> tell(raw, ofScanner(ByteString.copyFromUtf8("none"), 1), seen);
            }
            seen.append('\n');
        }
    }

    private static ScanRequestPB.Builder ofScanner(ByteString scanner, int call) {
        return ScanRequestPB.newBuilder().setScannerId(scanner).setCallSeqId(call);
    }

    private static ScanResponsePB tell(RawCluster raw, ScanRequestPB.Builder request, StringBuilder seen)
            throws IOException {
        ScanResponsePB answer = raw.tablets()
                .call(WireClient.TABLET_SERVER, "Scan", request.build())
                .message(ScanResponsePB.parser());
        seen.append(
                answer.hasError()
                        ? code(answer.getError())
                        : answer.getData().getNumRows() + " rows, more " + answer.getHasMoreResults());
        return answer;
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
