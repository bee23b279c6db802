package io.nyala.server;

import io.nyala.engine.CommitResult;
import io.nyala.engine.TableChangedException;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.record.RequestMismatchException;
import io.nyala.record.RequestName;
import io.nyala.record.StaleRequestException;
import io.nyala.rows.OperationBatch;
import io.nyala.rpc.RpcCall;
import io.nyala.rpc.RpcErrorCode;
import io.nyala.wire.RowOperationsReader;
import io.nyala.wire.WireException;
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
 * request that has a name fails as a whole where its client comes again. All else is an error of each row that is not
 * in, so that nobody takes the others for failed.
 *
 * <p>Where parts end depends on the table. A request that comes again may find that a part was in before, with more
 * rows or fewer than it has now: then it takes the answer to those, and the next part begins behind them. If the table
 * cannot take its rows any more, it asks for the answers only.
 *
 * <p>One thread at a time: the request's, until its last part is on its way; then who is told what became of that.
 */
final class WriteRows {
    /** A batch that meets an ALTER is filled again. Clients may change a table in a row, but not that often. */
    private static final int ATTEMPTS_MAX = 10;

    /**
     * Clients send some thousands of rows. The answer has an error for each that is refused, of 14 bytes and its words;
     * with {@link WriteAnswer#TEXT_CHARS_MAX} it is well below the 50 MiB that a client takes.
     */
    static final int ROWS_MAX = 1 << 20;

    private final RpcCall call;
    private final CatalogView.HostedTablet tablet;
    private final WriteService service;
    private final WriteAnswer answer = new WriteAnswer();
    private WriteSession session;
    private boolean isLetGo; // The session is the pool's again.
    private int part;
    private int restFrom; // The first row that no part has had.
    private int rowCount; // Known once the first part was filled.
    private @Nullable RuntimeException unreadable; // Why the table takes no rows like these.

    WriteRows(RpcCall call, CatalogView.HostedTablet tablet, WriteService service) {
        this.call = call;
        this.tablet = tablet;
        this.service = service;
        this.session = service.batches().take(tablet.table());
    }

    /** Answers the call, now or when its rows are durable. Afterwards the reader is not used any more. */
    void commit(WriteRequestReader request, RowOperationsReader rows) {
        try {
            goOn(request, rows);
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    /** The same for what is left, when it is known that the part that was thought to be the last was in before. */
    private void commitRest(WriteRequestReader request, RowOperationsReader rows, CommitResult result) {
        try {
            take(result, request, rows);
            if (restFrom == rowCount) {
                answer();
            } else {
                goOn(request, rows);
            }
        } catch (RuntimeException | Error e) {
            fail(e);
        }
    }

    private void goOn(WriteRequestReader request, RowOperationsReader rows) {
        for (int attempt = 1; ; attempt++) {
            try {
                commitParts(request, rows);
                return;
            } catch (TableChangedException e) {
                if (attempt == ATTEMPTS_MAX) {
                    throw e;
                }
                WriteSession fresh = service.batches().take(tablet.table());
                service.batches().discard(session);
                session = fresh;
            }
        }
    }

    /** Waits for each part but the last. */
    private void commitParts(WriteRequestReader request, RowOperationsReader rows) {
        seek(request, rows);
        fill(rows);
        if (part == 0) {
            lookAtAll(request, rows);
        }
        while (true) {
            boolean isLast = unreadable == null && !rows.hasMore();
            session.start(tablet.place().id(), restFrom, WriteService.name(call.requestId(), part), isLast);
            if (unreadable != null) {
                session.batch().onlyRepeat();
            }
            CompletableFuture<CommitResult> result = service.commits().apply(session.batch());
            if (isLast) {
                var _ = result.whenComplete(this::completed);
                return;
            }
            take(join(result), request, rows);
            if (restFrom == rowCount) {
                answer();
                return;
            }
            fill(rows);
        }
    }

    /** To the first row that no part has had, for the table as it is now. */
    private void seek(WriteRequestReader request, RowOperationsReader rows) {
        unreadable = null;
        try {
            rows.start(request, session.schema());
        } catch (WireException e) {
            if (call.requestId() == null) {
                throw e;
            }
            startUnread(request, rows, e);
        }
        rows.skip(restFrom);
    }

    /** The request may have been answered when the table was another. */
    private void startUnread(WriteRequestReader request, RowOperationsReader rows, WireException reason) {
        try {
            rows.startUnread(request);
            rowCount = rows.skip(ROWS_MAX).length;
            if (rows.hasMore()) {
                throw reason; // Nothing of so many rows was ever in.
            }
            rows.startUnread(request);
        } catch (WireException _) {
            throw reason;
        }
        unreadable = reason;
    }

    private void fill(RowOperationsReader rows) {
        OperationBatch batch = session.operations();
        if (unreadable == null) {
            rows.fill(batch);
        }
    }

    /** The first part is filled; if there are others, they are looked at before. */
    private void lookAtAll(WriteRequestReader request, RowOperationsReader rows) {
        if (unreadable != null) {
            return;
        }
        rowCount = rows.rowsInAll();
        if (rowCount > ROWS_MAX) {
            throw new TabletException(
                    Code.UNKNOWN_ERROR,
                    ErrorCode.INVALID_ARGUMENT,
                    "a request has " + rowCount + " rows, the limit is " + ROWS_MAX
                            + "; send them in several requests");
        }
        if (rows.hasMore()) {
            OperationBatch batch = session.operations();
            session.check(tablet.place().id());
            while (rows.hasMore()) {
                batch.clear();
                rows.fill(batch);
                session.check(tablet.place().id());
            }
            batch.clear();
            rows.start(request, session.schema());
            rows.fill(batch);
        }
    }

    /** What became of a part; the reader goes to the next. */
    private void take(CommitResult result, WriteRequestReader request, RowOperationsReader rows) {
        if (result.repeatedCount() != CommitResult.NOT_REPEATED) {
            seek(request, rows);
            byte[] kinds = rows.skip(result.repeatedCount());
            checkRepeated(result, kinds.length);
            answer.addRepeated(restFrom, kinds, result);
            restFrom += kinds.length;
        } else if (unreadable != null) {
            throw unreadable;
        } else {
            answer.add(session, result);
            restFrom = rows.rowCount();
        }
        part++;
    }

    /** Whoever names other rows by the same name has no answer. */
    private void checkRepeated(CommitResult result, int found) {
        boolean isOther = result.repeatedCount() != CommitResult.ALL_OPERATIONS && result.repeatedCount() > found;
        int last = result.hasErrors() ? result.errors().getLast().operationIndex() : -1;
        RequestName name = WriteService.name(call.requestId(), part);
        if (name != null && (isOther || last >= found)) {
            throw new RequestMismatchException(name, isOther ? result.repeatedCount() - 1 : last);
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

    // ---- Answers ----

    /** On the writer's thread, which must not be kept: words of errors are made elsewhere, and rows read. */
    private void completed(@Nullable CommitResult result, @Nullable Throwable failure) {
        if (result == null) {
            elsewhere(() -> fail(failure));
        } else if (result.repeatedCount() != CommitResult.NOT_REPEATED) {
            elsewhere(() -> service.readAgain(call, (request, rows) -> commitRest(request, rows, result)));
        } else if (result.hasErrors()) {
            elsewhere(() -> answer(result));
        } else {
            surely(() -> answer(result));
        }
    }

    private void elsewhere(Runnable ending) {
        surely(() -> service.pool().execute(() -> surely(ending)));
    }

    /**
     * Nobody hears of what is thrown from here on, and the call would hold its memory for ever: it fails at once, where
     * it is.
     */
    private void surely(Runnable ending) {
        try {
            ending.run();
        } catch (RuntimeException | Error e) {
            try {
                discard();
                WriteService.fail(call, e);
            } catch (RuntimeException | Error again) {
                again.addSuppressed(e);
                boolean isTold = call.failUnlessAnswered(RpcErrorCode.ERROR_APPLICATION, String.valueOf(again));
                ServerFaults.report("a write " + (isTold ? "failed" : "could not be answered"), again);
            }
        }
    }

    private void answer(CommitResult result) {
        answer.add(session, result);
        answer();
    }

    /** The session comes first: who has the answer may send the next request, which is to find it. */
    private void answer() {
        WriteResponsePB response = answer.response();
        isLetGo = true;
        service.batches().giveBack(session);
        call.answer(response);
    }

    private void discard() {
        if (!isLetGo) {
            isLetGo = true;
            service.batches().discard(session);
        }
    }

    /** The name of the request is at fault, so its client must not take this for an answer about its rows. */
    private static boolean isOfName(RuntimeException failure) {
        return failure instanceof StaleRequestException || failure instanceof RequestMismatchException;
    }

    /** The part that was to come is not in, nor are those behind it. */
    private void fail(@Nullable Throwable thrown) {
        Throwable failure = thrown instanceof CompletionException wrapped && wrapped.getCause() != null
                ? wrapped.getCause()
                : thrown;
        discard();
        if (part == 0 || !(failure instanceof RuntimeException reason) || isOfName(reason)) {
            WriteService.fail(call, failure);
            return;
        }
        WriteResponsePB response;
        try {
            if (call.requestId() != null && TryAgain.of(reason) != null) {
                WriteService.fail(call, failure);
                return;
            }
            answer.failRest(restFrom, rowCount, TabletErrors.ofAny(reason).getStatus());
            response = answer.response();
        } catch (RuntimeException e) {
            WriteService.fail(call, e);
            return;
        }
        call.answer(response);
    }
}
