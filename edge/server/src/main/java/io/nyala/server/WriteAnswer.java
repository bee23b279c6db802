package io.nyala.server;

import io.nyala.engine.CommitResult;
import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.tserver.Tserver.ResourceMetricsPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowError;
import io.nyala.wire.WireErrors;

/**
 * What became of the rows of a request, put together from its batches. Operations that were ignored are counted as
 * Kudu counts them, but in the answer to a request that comes again, where they count as done. One thread at a time.
 */
final class WriteAnswer {
    private final WriteResponsePB.Builder response = WriteResponsePB.newBuilder();
    private final long[] done = new long[OperationKind.UPSERT_IGNORE.code() + 1];
    private long insertsIgnored;
    private long upsertsIgnored;
    private long updatesIgnored;
    private long updatesInPart;
    private long deletesIgnored;
    private long timestamp;

    /** One more batch, in the order of the rows. */
    void add(WriteSession session, CommitResult result) {
        for (int i = 0; i < session.operationCount(); i++) {
            done[session.kind(i)]++;
        }
        for (RowError error : result.errors()) {
            done[session.kind(error.operationIndex())]--;
            response.addPerRowErrorsBuilder()
                    .setRowIndex(session.firstRow() + error.operationIndex())
                    .setError(WireErrors.status(error));
        }
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
            response.addPerRowErrorsBuilder().setRowIndex(row).setError(status);
        }
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
