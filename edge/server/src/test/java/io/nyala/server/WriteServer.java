package io.nyala.server;

import io.nyala.caller.WireClient;
import io.nyala.engine.CommitResult;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.memory.MemoryLimitException;
import io.nyala.protocol.rpc.RpcHeader.RequestHeader;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.ColumnBatch;
import io.nyala.rpc.RpcCall;
import io.nyala.rpc.RpcConfig;
import io.nyala.rpc.RpcServer;
import io.nyala.rpc.RpcThreads;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * An engine behind a server that takes writes only, and a client of it; what happens before each commit of a batch is a
 * test's to say. One thread at a time.
 */
final class WriteServer implements AutoCloseable {
    final Engine engine;
    final BatchPool batches = new BatchPool(System::nanoTime, Long.MAX_VALUE);
    private final CatalogView catalog;
    private final WriteService service;
    private final RpcThreads threads;
    private final RpcServer server;
    private final WireClient client;
    private int commits;
    private IntConsumer beforeCommit = _ -> {};
    private volatile @Nullable RpcCall call; // The last.
    private volatile boolean isPoolClosed;

    WriteServer(Path directory) throws IOException {
        engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(256 << 20).withLogSegmentBytes(16 << 20));
        threads = RpcThreads.start();
        catalog = new CatalogView(engine, new ServerIds(engine.hostId()));
        service = new WriteService(catalog, batches, this::commit, this::execute);
        server = RpcServer.start(
                RpcConfig.of("TabletServer", "127.0.0.1", 0),
                List.of(new Methods(WireClient.TABLET_SERVER, Set.of()).on("Write", newCall -> {
                    call = newCall;
                    service.write(newCall);
                })),
                threads);
        client = WireClient.of("127.0.0.1:" + server.address().getPort());
    }

    private CompletableFuture<CommitResult> commit(WriteBatch batch) {
        beforeCommit.accept(commits++);
        return batch.commitAsync();
    }

    private void execute(Runnable task) {
        if (isPoolClosed) {
            throw new RejectedExecutionException("the pool is closed, says the test");
        }
        threads.pool().execute(task);
    }

    /** From now on, nothing goes to the pool. */
    void closePool() {
        isPoolClosed = true;
    }

    /** Of the request that is under way. */
    RpcCall call() {
        return Objects.requireNonNull(call, "there was none");
    }

    /** From now on, commits are counted from 0. */
    void beforeCommit(IntConsumer action) {
        commits = 0;
        beforeCommit = action;
    }

    /** The engine refuses one commit. */
    void refuse(int commit) {
        beforeCommit(number -> {
            if (number == commit) {
                throw new MemoryLimitException("no memory, says the test");
            }
        });
    }

    int commits() {
        return commits;
    }

    WriteService service() {
        return service;
    }

    /** Of the first tablet. */
    String tablet(Table table) {
        return catalog.ids().tablet(table.tablets().getFirst().id());
    }

    /** A name of a request, always the same. */
    static RequestHeader.Builder named() {
        return RequestHeader.newBuilder().setRequestId(WireClient.name("0123456789abcdef0123456789abcdef", 1));
    }

    WriteResponsePB write(WriteRequestPB request, RequestHeader.Builder header) throws IOException {
        return call(request, header).message(WriteResponsePB.parser());
    }

    WireClient.Reply call(WriteRequestPB request, RequestHeader.Builder header) throws IOException {
        RequestHeader.Builder call = WireClient.header(0, WireClient.TABLET_SERVER, "Write");
        return client.call(call.mergeFrom(header.buildPartial()), request.toByteArray());
    }

    /** What is in its first column, in order. */
    static List<Integer> keys(Table table) {
        List<Integer> keys = new ArrayList<>();
        try (Scan scan = table.scan().project("k").inKeyOrder().open()) {
            while (scan.next()) {
                ColumnBatch batch = scan.batch();
                for (int i = 0; i < batch.rowCount(); i++) {
                    keys.add(batch.column(0).getInt(i));
                }
            }
        }
        return keys;
    }

    @Override
    public void close() throws IOException {
        client.close();
        server.close();
        threads.close();
        batches.close();
        engine.close();
    }
}
