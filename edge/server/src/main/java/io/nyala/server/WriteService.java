package io.nyala.server;

import io.nyala.engine.CommitResult;
import io.nyala.engine.Engine;
import io.nyala.engine.WriteBatch;
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
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Writes: rows go from the request's memory into a batch of the engine, and the answer when they are durable. No thread
 * waits for that, unless the request has several parts. What may have to be waited for is memory for the batch, and the
 * end of a change of the table: the thread is made up for meanwhile. Thread-safe.
 */
final class WriteService {
    /** Steps from the name of a request to those of its parts; odd, so that no two are the same. */
    private static final long PART_STEP = 0x9E3779B97F4A7C15L;

    /**
     * As many as there are workers to read requests. More are made while those wait and others are made up for; each
     * has up to 4 MiB of schemas that clients sent, so they go again.
     */
    static final int IDLE_DECODERS_MAX = 2 * Runtime.getRuntime().availableProcessors();

    private final CatalogView catalog;
    private final BatchPool batches;
    private final Function<WriteBatch, CompletableFuture<CommitResult>> commits;
    private final Executor pool;
    private final Deque<Decoder> decoders = new ArrayDeque<>(); // Guarded by itself; the one used last comes first.

    /** What reads requests; understood schemas stay with it. One thread at a time. */
    private record Decoder(WriteRequestReader request, RowOperationsReader rows) {}

    /**
     * @param commits commits a batch: {@link WriteBatch#commitAsync}
     * @param pool where answers are made that take a while
     */
    WriteService(
            CatalogView catalog,
            BatchPool batches,
            Function<WriteBatch, CompletableFuture<CommitResult>> commits,
            Executor pool) {
        this.catalog = catalog;
        this.batches = batches;
        this.commits = commits;
        this.pool = pool;
    }

    BatchPool batches() {
        return batches;
    }

    Function<WriteBatch, CompletableFuture<CommitResult>> commits() {
        return commits;
    }

    Executor pool() {
        return pool;
    }

    /** Answers a Write call, now or when the rows are durable. */
    void write(RpcCall call) {
        Decoder decoder = takeDecoder();
        try {
            Engine.whileWanted(() -> throwIfGivenUp(call), () -> write(call, decoder));
        } catch (RuntimeException e) {
            fail(call, e);
        } finally {
            giveBack(decoder);
        }
    }

    /** A client that has given up comes again, or has told its user that it failed: what waits on is for nobody. */
    private static void throwIfGivenUp(RpcCall call) {
        if (call.nanosLeft() == 0) {
            throw new RpcException(
                    RpcErrorCode.ERROR_SERVER_TOO_BUSY,
                    "Timed out: a write waited past its client's deadline for memory, for room in the log, or for a"
                            + " change of its table; nothing of what waited is written");
        }
    }

    private Decoder takeDecoder() {
        synchronized (decoders) {
            Decoder taken = decoders.pollFirst();
            if (taken != null) {
                return taken;
            }
        }
        return new Decoder(new WriteRequestReader(), new RowOperationsReader());
    }

    private void giveBack(Decoder decoder) {
        synchronized (decoders) {
            decoders.addFirst(decoder);
            if (decoders.size() > IDLE_DECODERS_MAX) {
                decoders.removeLast();
            }
        }
    }

    /** How many wait for a request. */
    int idleDecoderCount() {
        synchronized (decoders) {
            return decoders.size();
        }
    }

    /** Has a call that was read before, and is not answered, read once more. */
    void readAgain(RpcCall call, BiConsumer<WriteRequestReader, RowOperationsReader> action) {
        Decoder decoder = takeDecoder();
        try {
            MemorySegment body = call.body();
            decoder.request().read(body, 0, body.byteSize());
            Engine.whileWanted(() -> throwIfGivenUp(call), () -> action.accept(decoder.request(), decoder.rows()));
        } finally {
            giveBack(decoder);
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
        new WriteRows(call, tablet, this).commit(request, decoder.rows());
    }

    private static TabletException unsupported(String message) {
        return new TabletException(Code.UNKNOWN_ERROR, ErrorCode.NOT_SUPPORTED, message);
    }

    /** Nobody else's: the client and its number, and which part of a request it is. */
    static @Nullable RequestName name(@Nullable RequestId id, int part) {
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

    /** Answers a call that failed as a whole. */
    static void fail(RpcCall call, @Nullable Throwable thrown) {
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
            case RejectedExecutionException _ ->
                call.fail(RpcErrorCode.ERROR_UNAVAILABLE, "Service unavailable: the server is stopping");
            case RuntimeException e -> failed(call, e);
            case null, default -> {
                ServerFaults.report("a write failed", failure);
                call.fail(RpcErrorCode.ERROR_APPLICATION, String.valueOf(failure));
            }
        }
    }

    private static void failed(RpcCall call, RuntimeException failure) {
        WriteResponsePB response;
        try {
            response = WriteResponsePB.newBuilder()
                    .setError(TabletErrors.of(failure))
                    .build();
        } catch (RpcException e) {
            call.fail(e.code(), String.valueOf(e.getMessage()));
            return;
        } catch (RuntimeException e) {
            ServerFaults.report("a write failed", e);
            call.fail(RpcErrorCode.ERROR_APPLICATION, String.valueOf(e));
            return;
        }
        call.answer(response);
    }
}
