package io.nyala.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Methods for tests: {@code Echo} sends the request back, {@code Quick} does so as a quick method, {@code Hold} leaves
 * its calls to the test, {@code Block} keeps its thread until the gate opens, {@code Wait} waits there until the test
 * goes on, {@code Cut} sends the rows back as sidecars cut from the request, {@code Throw} and {@code Refuse} fail,
 * {@code Mute} without a word for it, and {@code Lookup} before it is a call. Thread-safe.
 */
final class TestService implements RpcService {
    static final String NAME = "nyala.test.TestService";

    final LinkedBlockingQueue<RpcCall> held = new LinkedBlockingQueue<>();
    final AtomicInteger sent = new AtomicInteger();
    final AtomicInteger asked = new AtomicInteger();
    final AtomicInteger blocked = new AtomicInteger();
    final AtomicInteger waiting = new AtomicInteger();
    final CountDownLatch gate = new CountDownLatch(1);
    final CompletableFuture<Void> goOn = new CompletableFuture<>();

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public boolean hasFeature(int feature) {
        return feature == 1 || feature == 2;
    }

    @Override
    public @Nullable RpcMethod method(String name) {
        asked.incrementAndGet();
        return switch (name) {
            case "Echo" -> TestService::echo;
            case "Quick" -> RpcMethod.quick(call -> call.answer(call.parse(WriteRequestPB.parser())));
            case "Hold" -> held::add;
            case "Block" -> this::block;
            case "Wait" ->
                call -> {
                    waiting.incrementAndGet();
                    goOn.join();
                    call.answer(request(0));
                };
            case "Cut" -> this::cut;
            case "Throw" ->
                call -> {
                    throw new IllegalStateException("broken on purpose");
                };
            case "Mute" ->
                call -> {
                    throw new Mute();
                };
            case "Refuse" ->
                call -> {
                    throw new RpcException(RpcErrorCode.ERROR_UNAVAILABLE, "Service unavailable: not yet");
                };
            case "Lookup" -> throw new IllegalStateException("there is no looking it up");
            case "Twice" ->
                call -> {
                    call.answer(call.parse(WriteRequestPB.parser()));
                    call.answer(WriteRequestPB.getDefaultInstance());
                };
            default -> null;
        };
    }

    /** For whose words there is no heap. */
    private static final class Mute extends Error {
        private static final long serialVersionUID = 1;

        @Override
        public String getMessage() {
            throw new OutOfMemoryError("no heap for words");
        }
    }

    /** As of a Write, whose rows are read from where they lie and may be many. */
    private static void echo(RpcCall call) {
        if (call.body().byteSize() <= RpcCall.PARSED_BYTES_MAX) {
            call.answer(call.parse(WriteRequestPB.parser()));
            return;
        }
        try {
            call.answer(WriteRequestPB.parseFrom(call.body().asByteBuffer()));
        } catch (InvalidProtocolBufferException e) {
            throw new AssertionError(e);
        }
    }

    private void block(RpcCall call) {
        blocked.incrementAndGet();
        try {
            gate.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        call.answer(request(0));
    }

    /** Sidecar i has i * i bytes from where the last one ended, as far as the body goes; some are empty. */
    private void cut(RpcCall call) {
        MemorySegment body = call.body();
        List<MemorySegment> sidecars = new ArrayList<>();
        long at = 0;
        for (long i = 0; at < body.byteSize(); i++) {
            long bytes = Math.min(i * i, body.byteSize() - at);
            sidecars.add(body.asSlice(at, bytes));
            at += bytes;
        }
        call.answer(request(0), sidecars, sent::incrementAndGet);
    }

    /** The next call of {@code Hold}. */
    RpcCall takeHeld() throws InterruptedException {
        RpcCall call = held.poll(240, TimeUnit.SECONDS); // Against hangs only.
        if (call == null) {
            throw new AssertionError("no call of Hold came in");
        }
        return call;
    }

    static WriteRequestPB request(int rowBytes) {
        byte[] rows = new byte[rowBytes];
        for (int i = 0; i < rowBytes; i++) {
            rows[i] = (byte) (i * 31 + (i >> 8));
        }
        return WriteRequestPB.newBuilder()
                .setTabletId(ByteString.copyFromUtf8("tablet"))
                .setRowOperations(RowOperationsPB.newBuilder().setRows(ByteString.copyFrom(rows)))
                .build();
    }
}
