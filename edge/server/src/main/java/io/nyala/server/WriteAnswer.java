package io.nyala.server;

import io.nyala.engine.CommitResult;
import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.ResourceMetricsPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowError;
import io.nyala.wire.WireErrors;
import java.util.EnumMap;
import java.util.Map;

/**
 * What became of the rows of a request, put together from its batches. Operations that were ignored are counted as
 * Kudu counts them. One thread at a time.
 */
final class WriteAnswer {
    /** Most characters of all errors together; those behind have a code only, which is what programs look at. */
    static final int TEXT_CHARS_MAX = 8 << 20;

    private final WriteResponsePB.Builder response = WriteResponsePB.newBuilder();
    private final long[] done = new long[OperationKind.UPSERT_IGNORE.code() + 1];

    /** The last of each code: a request may have a million errors, in the same words. */
    private final Map<ErrorCode, AppStatusPB> said = new EnumMap<>(ErrorCode.class);

    private long insertsIgnored;
    private long upsertsIgnored;
    private long updatesIgnored;
    private long updatesInPart;
    private long deletesIgnored;
    private long timestamp;
    private long textChars;

    /** One more batch, in the order of the rows. */
    void add(WriteSession session, CommitResult result) {
        for (int i = 0; i < session.operationCount(); i++) {
            done[session.kind(i)]++;
        }
        for (RowError error : result.errors()) {
            done[session.kind(error.operationIndex())]--;
            addError(session.firstRow() + error.operationIndex(), WireErrors.status(error));
        }
        addCounts(result);
    }

    /** One more, as it was answered before: of the rows from this one on, which are of these kinds. */
    void addRepeated(int firstRow, byte[] kinds, CommitResult result) {
        for (byte kind : kinds) {
            done[kind]++;
        }
        for (RowError error : result.errors()) {
            done[kinds[error.operationIndex()]]--;
            addError(firstRow + error.operationIndex(), WireErrors.status(error));
        }
        addCounts(result);
    }

    private void addCounts(CommitResult result) {
        CommitResult.Ignored ignored = result.ignored();
        insertsIgnored += ignored.inserts();
        upsertsIgnored += ignored.upserts();
        updatesIgnored += ignored.updates();
        updatesInPart += ignored.updatesInPart();
        deletesIgnored += ignored.deletes();
        timestamp = Math.max(timestamp, result.timestamp());
    }

    /** What became of the rows behind those, all of them. */
    void failRest(int fromRow, int rowCount, AppStatusPB status) {
        for (int row = fromRow; row < rowCount; row++) {
            addError(row, status);
        }
    }

    private void addError(int row, AppStatusPB status) {
        textChars += status.getMessage().length();
        AppStatusPB kept = textChars <= TEXT_CHARS_MAX
                ? status
                : AppStatusPB.newBuilder().setCode(status.getCode()).build();
        AppStatusPB last = said.get(kept.getCode());
        if (last == null || !last.equals(kept)) {
            said.put(kept.getCode(), kept);
            last = kept;
        }
        response.addPerRowErrors(
                WriteResponsePB.PerRowErrorPB.newBuilder().setRowIndex(row).setError(last));
    }

    WriteResponsePB response() {
        return response.setTimestamp(timestamp).setResourceMetrics(metrics()).build();
    }

    private ResourceMetricsPB.Builder metrics() {
        return ResourceMetricsPB.newBuilder()
                .setSuccessfulInserts(done(OperationKind.INSERT, OperationKind.INSERT_IGNORE) - insertsIgnored)
                .setInsertIgnoreErrors(insertsIgnored)
                .setSuccessfulUpserts(done(OperationKind.UPSERT, OperationKind.UPSERT_IGNORE))
                .setUpsertIgnoreErrors(upsertsIgnored)
                .setSuccessfulUpdates(
                        done(OperationKind.UPDATE, OperationKind.UPDATE_IGNORE) - updatesIgnored + updatesInPart)
                .setUpdateIgnoreErrors(updatesIgnored)
                .setSuccessfulDeletes(done(OperationKind.DELETE, OperationKind.DELETE_IGNORE) - deletesIgnored)
                .setDeleteIgnoreErrors(deletesIgnored);
    }

    /** Of both kinds: those that are no errors. */
    private long done(OperationKind kind, OperationKind ignoring) {
        return done[kind.code()] + done[ignoring.code()];
    }
}
