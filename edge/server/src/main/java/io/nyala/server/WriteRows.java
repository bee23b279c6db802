package io.nyala.server;

import io.nyala.engine.CommitResult;
import io.nyala.engine.TableChangedException;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.OperationBatch;
import io.nyala.rpc.RpcCall;
import io.nyala.wire.RowOperationsReader;
import io.nyala.wire.WriteRequestReader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * The rows of one request on their way into the engine: one batch of them, or parts that are batches, one after the
 * other.
 *
 * <pre>{@code
 *   rows of the request   |  part 0: in  |  part 1: in  |  part 2: failed  |  rest  |
 *   in the answer         |       as they ended         |  errors, row by row       |
 * }</pre>
 *
 * <p>To a client, a request is done or it fails, so all rows of one that has parts are looked at before the first part
 * is in. If the table is altered after that, the rest is read for the table as it is then. If something else fails, a
 * request that has a name fails as a whole where its client comes again: parts that are in have their answers, and
 * are not done twice. All else is an error of each row that is not in, so that nobody takes the others for failed.
 *
 * <p>One thread at a time: the request's, until its last part is on its way.
 */
final class WriteRows {
    /** A batch that meets an ALTER is filled again. Clients may change a table in a row, but not that often. */
    private static final int ATTEMPTS_MAX = 10;

    private final RpcCall call;
    private final CatalogView.HostedTablet tablet;
    private final WriteService service;
    private final WriteAnswer answer = new WriteAnswer();
    private WriteSession session;
    private int part;
    private int restFrom; // The first row that is not in a batch that was committed.
    private int rowCount; // Of a request that has several parts.

    WriteRows(RpcCall call, CatalogView.HostedTablet tablet, WriteService service) {
        this.call = call;
        this.tablet = tablet;
        this.service = service;
        this.session = service.batches().take(tablet.table());
    }

    /** Answers the call, now or when its rows are durable. Afterwards the reader is not used any more. */
    void commit(WriteRequestReader request, RowOperationsReader rows) {
        try {
            rows.start(request, session.schema());
            for (int attempt = 1; ; attempt++) {
                try {
                    if (part == 0) {
                        fillFirst(request, rows);
                    }
                    commitParts(rows);
                    return;
                } catch (TableChangedException e) {
                    if (attempt == ATTEMPTS_MAX) {
                        throw e;
                    }
                    readAgain(request, rows);
                }
            }
        } catch (RuntimeException e) {
            fail(e);
        }
    }

    /** Puts the first rows into the batch. If they are not all, looks at the others before. */
    private void fillFirst(WriteRequestReader request, RowOperationsReader rows) {
        OperationBatch batch = session.operations();
        rows.fill(batch);
        if (rows.hasMore()) {
            session.check(tablet.place().id());
            while (rows.hasMore()) {
                batch.clear();
                rows.fill(batch);
                session.check(tablet.place().id());
            }
            rowCount = rows.rowCount();
            batch.clear();
            rows.start(request, session.schema());
            rows.fill(batch);
        }
    }

    /** The batch is filled. Waits for each part but the last. */
    private void commitParts(RowOperationsReader rows) {
        while (true) {
            int count = session.operations().operationCount();
            session.start(tablet.place().id(), rows.firstRow(), WriteService.name(call.requestId(), part, count));
            CompletableFuture<CommitResult> result = service.commits().apply(session.batch());
            if (!rows.hasMore()) {
                var _ = result.whenComplete(this::completed);
                return;
            }
            answer.add(session, join(result));
            part++;
            restFrom = rows.rowCount();
            rows.fill(session.operations());
        }
    }

    private static CommitResult join(CompletableFuture<CommitResult> result) {
        try {
            return result.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** The rows of the part that was to come, for the table as it is now. */
    private void readAgain(WriteRequestReader request, RowOperationsReader rows) {
        WriteSession fresh = service.batches().take(tablet.table());
        service.batches().discard(session);
        session = fresh;
        if (part == 0) {
            rows.start(request, session.schema());
        } else {
            rows.again(request, session.schema());
            rows.fill(session.operations());
        }
    }

    // ---- Answers ----

    /** On the writer's thread, which must not be kept: words of errors are made elsewhere. */
    private void completed(@Nullable CommitResult result, @Nullable Throwable failure) {
        if (result != null && !result.hasErrors()) {
            answer(result);
        } else {
            service.pool().execute(() -> {
                if (result != null) {
                    answer(result);
                } else {
                    fail(failure);
                }
            });
        }
    }

    private void answer(CommitResult result) {
        WriteResponsePB response;
        try {
            answer.add(session, result);
            response = answer.response();
        } catch (RuntimeException e) {
            service.batches().discard(session);
            WriteService.fail(call, e);
            return;
        }
        service.batches().giveBack(session);
        call.answer(response);
    }

    /** The part that was to come is not in, nor are those behind it. */
    private void fail(@Nullable Throwable thrown) {
        Throwable failure = thrown instanceof CompletionException wrapped && wrapped.getCause() != null
                ? wrapped.getCause()
                : thrown;
        service.batches().discard(session);
        if (part == 0 || !(failure instanceof RuntimeException reason)) {
            WriteService.fail(call, failure);
            return;
        }
        WriteResponsePB response;
        try {
            TabletServerErrorPB error = TabletErrors.ofAny(reason);
            if (call.requestId() != null && isTriedAgain(error.getCode())) {
                WriteService.fail(call, failure);
                return;
            }
            answer.failRest(restFrom, rowCount, error.getStatus());
            response = answer.response();
        } catch (RuntimeException e) {
            WriteService.fail(call, e);
            return;
        }
        call.answer(response);
    }

    private static boolean isTriedAgain(Code code) {
        return code == Code.THROTTLED || code == Code.TABLET_NOT_RUNNING;
    }
}
