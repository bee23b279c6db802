package io.nyala.server;

import io.nyala.engine.CommitResult;
import io.nyala.engine.TableChangedException;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.record.RequestMismatchException;
import io.nyala.record.RequestName;
import io.nyala.record.StaleRequestException;
import io.nyala.rpc.RequestId;
import io.nyala.rpc.RpcCall;
import io.nyala.rpc.RpcErrorCode;
import io.nyala.rpc.RpcException;
import io.nyala.wire.RowOperationsReader;
import io.nyala.wire.WireException;
import io.nyala.wire.WriteRequestReader;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Writes: rows go from the request's memory into a batch of the engine, and the answer when they are durable. No thread
 * waits for that. Thread-safe.
 */
final class WriteService {
    /** A batch that meets an ALTER is filled again. Clients may change a table in a row, but not that often. */
    private static final int ATTEMPTS_MAX = 10;

    /** Steps from the name of a request to those of its parts; odd, so that no two are the same. */
    private static final long PART_STEP = 0x9E3779B97F4A7C15L;

    private final CatalogView catalog;
    private final BatchPool batches;
    private final Executor pool;
    private final ConcurrentLinkedQueue<Decoder> decoders = new ConcurrentLinkedQueue<>();

    /** What reads requests; understood schemas stay with it. One thread at a time. */
    private record Decoder(WriteRequestReader request, RowOperationsReader rows) {}

    /**
     * @param pool where answers are made that take a while
     */
    WriteService(CatalogView catalog, BatchPool batches, Executor pool) {
        this.catalog = catalog;
        this.batches = batches;
        this.pool = pool;
    }

    /** Answers a Write call, now or when the rows are durable. */
    void write(RpcCall call) {
        Decoder taken = decoders.poll();
        Decoder decoder = taken == null ? new Decoder(new WriteRequestReader(), new RowOperationsReader()) : taken;
        try {
            write(call, decoder);
        } catch (RuntimeException e) {
            fail(call, e);
        } finally {
            decoders.add(decoder);
        }
    }

    private void write(RpcCall call, Decoder decoder) {
        WriteRequestReader request = decoder.request();
        MemorySegment body = call.body();
        request.read(body, 0, body.byteSize());
        if (request.hasTransaction()) {
            throw unsupported("transactions are not supported");
        }
        if (request.isCommitWait()) {
            throw unsupported("COMMIT_WAIT is not supported; use CLIENT_PROPAGATED");
        }
        String id = request.tabletId();
        CatalogView.HostedTablet tablet = catalog.tablet(id);
        if (tablet == null) {
            throw TabletException.notFound(id);
        }
        if (request.propagatedTimestamp() != 0) {
            catalog.engine().observe(request.propagatedTimestamp());
        }
        commit(call, decoder, tablet);
    }

    private static TabletException unsupported(String message) {
        return new TabletException(Code.UNKNOWN_ERROR, ErrorCode.NOT_SUPPORTED, message);
    }

    // ---- In parts ----

    /** All rows, a batch at a time; waits for each but the last. */
    private void commit(RpcCall call, Decoder decoder, CatalogView.HostedTablet tablet) {
        for (int attempt = 1; ; attempt++) {
            WriteSession session = batches.take(tablet.table());
            boolean isHandedOver = false;
            try {
                decoder.rows().start(decoder.request(), session.schema());
                WriteAnswer answer = new WriteAnswer();
                isHandedOver = commit(call, decoder.rows(), tablet, session, answer);
                return;
            } catch (TableChangedException e) {
                if (attempt == ATTEMPTS_MAX) {
                    throw e;
                }
            } finally {
                if (!isHandedOver) {
                    batches.discard(session);
                }
            }
        }
    }

    /** Answers true: the last part is on its way, and the session and the call are its. */
    private boolean commit(
            RpcCall call,
            RowOperationsReader rows,
            CatalogView.HostedTablet tablet,
            WriteSession session,
            WriteAnswer answer) {
        for (int part = 0; ; part++) {
            rows.fill(session.operations());
            session.start(tablet.place().id(), rows.firstRow(), name(call.requestId(), part));
            if (!rows.hasMore()) {
                CompletableFuture<CommitResult> result = session.batch().commitAsync();
                var _ = result.whenComplete((done, failure) -> completed(call, session, answer, done, failure));
                return true;
            }
            answer.add(session, session.batch().commit());
        }
    }

    /** Nobody else's: the client and its number, and which part of a request it is. */
    private static @Nullable RequestName name(@Nullable RequestId id, int part) {
        if (id == null) {
            return null;
        }
        UUID client = uuid(id.clientId());
        return new RequestName(
                client.getMostSignificantBits(),
                client.getLeastSignificantBits() + part * PART_STEP,
                id.seqNo(),
                id.firstIncompleteSeqNo());
    }

    /** Clients draw 128 bits and write them as 32 digits; whatever else they may send is hashed to as many. */
    private static UUID uuid(String clientId) {
        if (clientId.length() == 32) {
            try {
                return new UUID(
                        Long.parseUnsignedLong(clientId, 0, 16, 16), Long.parseUnsignedLong(clientId, 16, 32, 16));
            } catch (NumberFormatException _) {
                // Not hexadecimal.
            }
        }
        return UUID.nameUUIDFromBytes(clientId.getBytes(StandardCharsets.UTF_8));
    }

    // ---- Answers ----

    /** On the writer's thread, which must not be kept: words of errors are made elsewhere. */
    private void completed(
            RpcCall call,
            WriteSession session,
            WriteAnswer answer,
            @Nullable CommitResult result,
            @Nullable Throwable failure) {
        if (result != null && !result.hasErrors()) {
            answer(call, session, answer, result);
        } else {
            pool.execute(() -> {
                if (result != null) {
                    answer(call, session, answer, result);
                } else {
                    batches.discard(session);
                    fail(call, failure);
                }
            });
        }
    }

    private void answer(RpcCall call, WriteSession session, WriteAnswer answer, CommitResult result) {
        WriteResponsePB response;
        try {
            answer.add(session, result);
            response = answer.response();
        } catch (RuntimeException e) {
            batches.discard(session);
            fail(call, e);
            return;
        }
        batches.giveBack(session);
        call.answer(response);
    }

    private static void fail(RpcCall call, @Nullable Throwable thrown) {
        Throwable failure = thrown instanceof CompletionException wrapped && wrapped.getCause() != null
                ? wrapped.getCause()
                : thrown;
        switch (failure) {
            case RpcException e -> call.fail(e.code(), String.valueOf(e.getMessage()));
            case WireException e
            when e.isInvalidRequest() ->
                call.fail(RpcErrorCode.ERROR_INVALID_REQUEST, "Invalid argument: " + e.getMessage());
            case StaleRequestException e -> call.fail(RpcErrorCode.ERROR_REQUEST_STALE, String.valueOf(e.getMessage()));
            case RequestMismatchException e ->
                call.fail(RpcErrorCode.ERROR_INVALID_REQUEST, String.valueOf(e.getMessage()));
            case RuntimeException e -> failed(call, e);
            case null, default -> call.fail(RpcErrorCode.ERROR_APPLICATION, String.valueOf(failure));
        }
    }

    private static void failed(RpcCall call, RuntimeException failure) {
        WriteResponsePB response;
        try {
            response = WriteResponsePB.newBuilder()
                    .setError(TabletErrors.of(failure))
                    .build();
        } catch (RuntimeException e) {
            ServerFaults.report("a write failed", e);
            call.fail(RpcErrorCode.ERROR_APPLICATION, String.valueOf(e));
            return;
        }
        call.answer(response);
    }
}
