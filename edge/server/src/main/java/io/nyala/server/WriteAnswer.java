package io.nyala.server;

import io.nyala.engine.CommitResult;
import io.nyala.protocol.WireProtocol.AppStatusPB;
import io.nyala.protocol.tserver.Tserver.ResourceMetricsPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowError;
import io.nyala.wire.WireErrors;

/** What became of the rows of a request, put together from its batches. One thread at a time. */
final class WriteAnswer {
    private final WriteResponsePB.Builder response = WriteResponsePB.newBuilder();
    private final long[] done = new long[OperationKind.UPSERT_IGNORE.code() + 1];
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
        timestamp = Math.max(timestamp, result.timestamp());
    }

    /** What became of the rows behind those, all of them. */
    void failRest(int fromRow, int rowCount, AppStatusPB status) {
        for (int row = fromRow; row < rowCount; row++) {
            response.addPerRowErrorsBuilder().setRowIndex(row).setError(status);
        }
    }

    WriteResponsePB response() {
        return response.setTimestamp(timestamp)
                .setResourceMetrics(ResourceMetricsPB.newBuilder()
                        .setSuccessfulInserts(done(OperationKind.INSERT) + done(OperationKind.INSERT_IGNORE))
                        .setSuccessfulUpserts(done(OperationKind.UPSERT) + done(OperationKind.UPSERT_IGNORE))
                        .setSuccessfulUpdates(done(OperationKind.UPDATE) + done(OperationKind.UPDATE_IGNORE))
                        .setSuccessfulDeletes(done(OperationKind.DELETE) + done(OperationKind.DELETE_IGNORE)))
                .build();
    }

    private long done(OperationKind kind) {
        return done[kind.code()];
    }
}
