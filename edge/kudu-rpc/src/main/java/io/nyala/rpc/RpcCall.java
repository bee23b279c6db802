package io.nyala.rpc;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.Parser;
import io.netty.buffer.ByteBuf;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One request of a client, to be answered exactly once, by any thread, soon or late. The connection may be gone by
 * then: the call goes on all the same, and its answer is dropped. Its memory is held until it is answered.
 *
 * <p>Thread-safe; but whoever answers must be the last to use {@link #body}.
 */
public final class RpcCall {
    private static final VarHandle ANSWERED;
    private static final Logger LOG = System.getLogger(RpcCall.class.getName());
    private static final ByteBuf[] NO_SIDECARS = {};

    /**
     * Largest message that is made an object of. A field of two bytes is an object of thirty times its size, so one
     * message costs 128 MiB of heap at most. Ten thousand partitions have less than half of that; rows are read from
     * {@link #body}.
     */
    public static final int PARSED_BYTES_MAX = 4 << 20;

    /** Largest message of a call that is quick: reading a larger one would hold up the others. Theirs are far below. */
    static final int QUICK_BYTES_MAX = 64 << 10;

    /** What a buffer that waits to be sent costs on the heap, as the transport counts it. */
    static final int BUFFER_BYTES = 96;

    static {
        try {
            ANSWERED = MethodHandles.lookup().findVarHandle(RpcCall.class, "answered", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Connection connection;
    private final Frame frame;
    private final MemorySegment body;
    private final int callId;
    private final Services.@Nullable Method method;
    private final @Nullable RequestId requestId;
    private final LongSupplier nanoTime;
    private final long receivedNanos;
    private final long timeoutNanos;

    @SuppressWarnings("unused") // Through ANSWERED.
    private volatile boolean answered;

    // Written before the call is handed to its connection, read after.
    private @Nullable ByteBuf head;
    private ByteBuf[] sidecars = NO_SIDECARS;
    private long answerBytes;
    private Runnable whenSent = RpcCall::doNothing;
    private @Nullable OutOfMemoryError reason;

    /** Of whoever has the call after that. */
    private boolean isFreed;

    /** The next in the connection's list of answered calls. */
    @Nullable
    RpcCall next;

    /** Came when no more were taken: not among those that closing waits for. Set before it is answered. */
    boolean isUncounted;

    RpcCall(
            Connection connection,
            Frame frame,
            MemorySegment body,
            RequestHeader header,
            Services.@Nullable Method method,
            LongSupplier nanoTime) {
        this.connection = connection;
        this.frame = frame;
        this.body = body;
        this.callId = header.callId();
        this.method = method;
        this.requestId = header.requestId();
        this.nanoTime = nanoTime;
        this.receivedNanos = nanoTime.getAsLong();
        this.timeoutNanos = TimeUnit.MILLISECONDS.toNanos(Integer.toUnsignedLong(header.timeoutMillis()));
    }

    /** The request message, outside the heap; gone when the call is answered. */
    public MemorySegment body() {
        if (answered) {
            throw new IllegalStateException(this + " is answered, and its body is gone");
        }
        return body;
    }

    /**
     * The request message as an object, which outlives the answer.
     *
     * @throws RpcException if it is none, if required fields are missing, or if it has more than
     *     {@link #PARSED_BYTES_MAX} bytes: not caught, it is the answer
     */
    public <M extends MessageLite> M parse(Parser<M> parser) {
        long bytes = body().byteSize();
        if (bytes > PARSED_BYTES_MAX) {
            throw invalid("it has " + bytes + " bytes, the limit is " + PARSED_BYTES_MAX);
        }
        M message;
        try {
            // The stream would copy memory outside the heap as well, by way of more objects.
            CodedInputStream stream = CodedInputStream.newInstance(body().toArray(JAVA_BYTE));
            message = parser.parsePartialFrom(stream);
            stream.checkLastTagWas(0);
        } catch (InvalidProtocolBufferException e) {
            throw invalid("not a message of its type: " + e.getMessage());
        }
        if (!message.isInitialized()) {
            throw invalid("missing fields: "
                    + (message instanceof MessageOrBuilder full ? full.getInitializationErrorString() : "unknown"));
        }
        return message;
    }

    private RpcException invalid(String why) {
        return new RpcException(
                RpcErrorCode.ERROR_INVALID_REQUEST,
                "Invalid argument: invalid parameter for call " + method + ": " + why);
    }

    /** Whether its method is quick, and what it has to read as well. */
    boolean isQuick() {
        return method != null && method.isQuick() && body.byteSize() <= QUICK_BYTES_MAX;
    }

    /** Who the client says it is; nobody has proved it. */
    public String user() {
        return connection.user();
    }

    public InetSocketAddress remote() {
        return connection.remote();
    }

    /** Of tracked requests; else null. */
    public @Nullable RequestId requestId() {
        return requestId;
    }

    /** Until the client gives up, 0 when it has; {@link Long#MAX_VALUE} if it never does. */
    public long nanosLeft() {
        if (timeoutNanos == 0) {
            return Long.MAX_VALUE;
        }
        return Math.max(0, timeoutNanos - (nanoTime.getAsLong() - receivedNanos));
    }

    /**
     * Answers with a message; where there is no memory for its bytes, with an error on which clients come again.
     *
     * @throws IllegalStateException if the call is answered already
     * @throws IllegalArgumentException if the answer has more than 256 MiB; it is not answered then
     */
    public void answer(MessageLite response) {
        Answer.check(response, List.of());
        ByteBuf encoded;
        try {
            encoded = Answer.encode(connection.allocator(), callId, false, response, List.of());
        } catch (OutOfMemoryError e) {
            fail(RpcErrorCode.ERROR_SERVER_TOO_BUSY, "Service unavailable: no memory for the answer: " + e);
            return;
        }
        finish(encoded, NO_SIDECARS, RpcCall::doNothing);
    }

    /**
     * Answers with a message and sidecars, which are written from where they lie: they must stay as they are, and be
     * readable by any thread, until {@code newWhenSent} has run. They may be part of {@link #body}.
     *
     * @param newWhenSent runs once, on some thread, which it must not keep: when the bytes were handed to the system,
     * or
     *     when the connection is gone. Not at all if this method throws
     * @throws IllegalStateException if the call is answered already
     * @throws IllegalArgumentException if the answer has more than 256 MiB or 10,000 sidecars; it is not answered then
     * @throws OutOfMemoryError if there is no memory for the bytes of the message; it is not answered then
     */
    public void answer(MessageLite response, List<MemorySegment> newSidecars, Runnable newWhenSent) {
        Objects.requireNonNull(newWhenSent, "newWhenSent");
        Answer.check(response, newSidecars);
        ByteBuf[] wrapped = newSidecars.isEmpty() ? NO_SIDECARS : Answer.wrap(newSidecars);
        finish(Answer.encode(connection.allocator(), callId, false, response, newSidecars), wrapped, newWhenSent);
    }

    /**
     * Answers that the call failed as a whole. Where there is no memory even for that, the connection is closed, so
     * that the client hears of it, and the call ends: whatever happens, it does not hold its memory for ever.
     *
     * @throws IllegalStateException if the call is answered already
     */
    public void fail(RpcErrorCode code, String message) {
        if (code == RpcErrorCode.ERROR_SERVER_TOO_BUSY) {
            connection.dispatcher().toldBusy(message);
        }
        try {
            fail(Answer.error(code, message));
        } catch (OutOfMemoryError e) {
            giveUp(e);
        }
    }

    /** As {@link #fail}, with an error that says more. */
    void fail(MessageLite error) {
        ByteBuf encoded;
        try {
            encoded = Answer.encode(connection.allocator(), callId, true, error, List.of());
        } catch (OutOfMemoryError e) {
            giveUp(e);
            return;
        }
        finish(encoded, NO_SIDECARS, RpcCall::doNothing);
    }

    private void giveUp(OutOfMemoryError newReason) {
        becomeAnswered();
        reason = newReason;
        connection.answers().add(this);
    }

    /** As {@link #fail}, unless the call is answered already; then answers false. */
    public boolean failUnlessAnswered(RpcErrorCode code, String message) {
        if (answered) {
            return false;
        }
        try {
            fail(code, message);
            return true;
        } catch (IllegalStateException _) {
            return false; // Another thread was quicker.
        }
    }

    private void finish(ByteBuf encoded, ByteBuf[] wrapped, Runnable afterwards) {
        try {
            becomeAnswered();
        } catch (IllegalStateException e) {
            encoded.release();
            throw e;
        }
        head = encoded;
        sidecars = wrapped;
        long bytes = (long) encoded.readableBytes() + BUFFER_BYTES;
        for (ByteBuf sidecar : wrapped) {
            bytes += sidecar.readableBytes() + BUFFER_BYTES;
        }
        answerBytes = bytes;
        whenSent = afterwards;
        connection.answers().add(this);
    }

    private void becomeAnswered() {
        if (!ANSWERED.compareAndSet(this, false, true)) {
            throw new IllegalStateException(this + " is answered twice; each call has one answer");
        }
    }

    private static void doNothing() {}

    int callId() {
        return callId;
    }

    /** The answer without its sidecars, which is the caller's now; null if it could not be made. */
    @Nullable
    ByteBuf takeHead() {
        ByteBuf taken = head;
        head = null;
        return taken;
    }

    /** Why the answer could not be made; null if it could. */
    @Nullable
    OutOfMemoryError reason() {
        return reason;
    }

    /** Of the whole answer, and what it costs on the heap until it is sent. */
    long answerBytes() {
        return answerBytes;
    }

    /** Those to the same client, of which this one will be. */
    Answers answers() {
        return connection.answers();
    }

    /** What follows it. */
    ByteBuf[] sidecars() {
        return sidecars;
    }

    /** The request, which is held until {@link #sent}. */
    int requestBytes() {
        return frame.length();
    }

    /** The answer is out, or never will be: frees the request. More than once is no harm; one thread at a time. */
    void sent() {
        if (isFreed) {
            return;
        }
        isFreed = true;
        connection.answers().freed(this);
        frame.free();
        try {
            whenSent.run();
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR, "what was to run after the answer to " + this + " failed", e);
        }
    }

    @Override
    public String toString() {
        return "call " + callId + " of " + methodName() + " from " + Addresses.text(remote());
    }

    String methodName() {
        return method == null ? "an unknown method" : method.toString();
    }
}
