package io.nyala.rpc;

import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Brings the calls of all connections of a server to its methods, on the threads of a pool, and counts them, so that
 * not too many wait and closing can wait for them. The order of the checks, and the codes and texts of what is refused,
 * are real Kudu's. Thread-safe.
 *
 * <p>A call whose client has given up while it waited for a thread is answered with {@link
 * RpcErrorCode#ERROR_SERVER_TOO_BUSY}, as in Kudu: a client that looks at the answer after all tries again.
 */
final class Dispatcher {
    private static final Logger LOG = System.getLogger(Dispatcher.class.getName());

    /** Of a name that a client made up, in a message. */
    private static final int NAME_BYTES_MAX = 256;

    /** Made before it is needed. */
    private static final String NO_WORDS = "Runtime error: the call failed, and there was no memory to say why";

    private final String serverName;
    private final Services services;
    private final LongSupplier nanoTime;
    private final int queuedCallsMax;
    private final int methodThreadsMax;
    private final QuietLog quietLog;
    private final Line line;
    private final Line quickLine;
    private final AtomicInteger underWay = new AtomicInteger();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();
    private final AtomicLong busyCount = new AtomicLong();
    private volatile String lastBusy = "";
    private volatile boolean closing;
    private volatile boolean closed;

    /**
     * @param pool runs methods
     * @param quickPool runs those that are quick, so that they wait for no other
     * @param methodThreadsMax calls of one method that may run or wait at once, each on a thread
     * @param nanoTime a clock that never steps back
     */
    Dispatcher(
            RpcConfig config,
            Services services,
            Executor pool,
            Executor quickPool,
            int methodThreadsMax,
            LongSupplier nanoTime) {
        this.serverName = config.serverName();
        this.services = services;
        this.nanoTime = nanoTime;
        this.queuedCallsMax = config.queuedCallsMax();
        this.methodThreadsMax = methodThreadsMax;
        this.quietLog = new QuietLog(LOG, nanoTime);
        this.line = new Line(pool);
        this.quickLine = new Line(quickPool);
    }

    /** Calls that wait for a thread of the same pool. */
    private record Line(Executor pool, AtomicInteger queued) {
        Line(Executor pool) {
            this(pool, new AtomicInteger());
        }
    }

    private Line line(RpcCall call) {
        return call.isQuick() ? quickLine : line;
    }

    /**
     * Makes a call of a request and sees to it that it is answered; the frame is the call's from now on, but if this
     * throws. {@link #ended(RpcCall)} is called when the answer has been passed on.
     */
    RpcCall dispatch(Connection connection, RequestFrame request, Frame frame, MemorySegment bytes) {
        RequestHeader header = request.header();
        Services.Service service = services.find(bytes, header.serviceAt(), header.serviceBytes());
        Services.Method method = service == null ? null : service.find(bytes, header.methodAt(), header.methodBytes());
        MemorySegment body = bytes.asSlice(request.messageAt(), request.messageBytes());
        RpcCall call = new RpcCall(connection, frame, body, header, method, nanoTime);
        connection.answers().received(frame);
        underWay.incrementAndGet(); // Before closing is looked at: either close() counts it, or it sees that we close.
        try {
            dispatch(call, connection, header, bytes, service, method);
        } catch (RuntimeException | Error e) {
            failed(call, e);
        }
        return call;
    }

    /** Makes a call of a request for which there was no memory, and tells its client to come again. */
    RpcCall refuse(Connection connection, RequestHeader header, FrameReader frames) {
        Frame empty = frames.empty();
        RpcCall call = new RpcCall(connection, empty, MemorySegment.NULL, header, null, nanoTime);
        connection.answers().received(empty);
        underWay.incrementAndGet();
        String text = "Service unavailable: no memory for a request of " + frames.passedBytes() + " bytes: "
                + frames.reason().getMessage();
        quietLog.log(
                Level.WARNING,
                () -> "told " + Addresses.text(connection.remote()) + " to come again: " + text
                        + "; give the JVM more (-XX:MaxDirectMemorySize), or the server less (requestBytesMax)");
        call.fail(RpcErrorCode.ERROR_SERVER_TOO_BUSY, text);
        return call;
    }

    private void dispatch(
            RpcCall call,
            Connection connection,
            RequestHeader header,
            MemorySegment bytes,
            Services.@Nullable Service service,
            Services.@Nullable Method method) {
        if (closing) {
            call.isUncounted = true;
            ended();
            refuseAsClosing(call);
        } else if (service == null) {
            String name = name(bytes, header.serviceAt(), header.serviceBytes());
            call.fail(
                    RpcErrorCode.ERROR_NO_SUCH_SERVICE,
                    "Not found: service " + name + " not registered on " + serverName);
        } else if (!hasFeatures(service, header)) {
            call.fail(unsupportedFeatures(service, header));
        } else if (method == null) {
            String name = name(bytes, header.methodAt(), header.methodBytes());
            call.fail(
                    RpcErrorCode.ERROR_NO_SUCH_METHOD,
                    "Invalid argument: Call on service " + service.name() + " received at "
                            + Addresses.text(connection.local()) + " from " + Addresses.text(connection.remote())
                            + " with an invalid method name: " + name);
        } else {
            enqueue(call, method);
        }
    }

    private static String name(MemorySegment bytes, long at, int length) {
        return length <= NAME_BYTES_MAX
                ? RequestHeader.text(bytes, at, length)
                : RequestHeader.text(bytes, at, NAME_BYTES_MAX) + "... (" + length + " bytes)";
    }

    private static boolean hasFeatures(Services.Service service, RequestHeader header) {
        for (int i = 0; i < header.flagCount(); i++) {
            if (!service.hasFeature(header.flag(i))) {
                return false;
            }
        }
        return true;
    }

    private static ErrorStatusPB unsupportedFeatures(Services.Service service, RequestHeader header) {
        ErrorStatusPB.Builder error =
                Answer.error(RpcErrorCode.ERROR_INVALID_REQUEST, "unsupported feature flags").toBuilder();
        for (int i = 0; i < header.flagCount(); i++) {
            if (!service.hasFeature(header.flag(i))) {
                error.addUnsupportedFeatureFlags(header.flag(i));
            }
        }
        return error.build();
    }

    private void enqueue(RpcCall call, Services.Method method) {
        if (closing) {
            refuseAsClosing(call);
            return;
        }
        Line inLine = line(call);
        if (inLine.queued.incrementAndGet() > queuedCallsMax) {
            inLine.queued.decrementAndGet();
            call.fail(
                    RpcErrorCode.ERROR_SERVER_TOO_BUSY,
                    "Service unavailable: " + method.name() + " request on "
                            + method.service().name() + " from " + Addresses.text(call.remote())
                            + " dropped due to backpressure. The service queue is full; it has " + queuedCallsMax
                            + " items.");
            return;
        }
        try {
            inLine.pool.execute(() -> run(call, method));
        } catch (RejectedExecutionException _) {
            inLine.queued.decrementAndGet();
            refuseAsClosing(call);
        } catch (RuntimeException | Error e) { // No thread can be started, or no memory is left for the line.
            inLine.queued.decrementAndGet();
            throw e;
        }
    }

    /** With a code on which clients come again, as they do when the connection ends: they find the next server then. */
    private static void refuseAsClosing(RpcCall call) {
        call.fail(RpcErrorCode.ERROR_UNAVAILABLE, "Service unavailable: Service is shutting down");
    }

    private void run(RpcCall call, Services.Method method) {
        line(call).queued.decrementAndGet();
        begin(call, method, false);
    }

    private void begin(RpcCall call, Services.Method method, boolean hasWaited) {
        try {
            if (closed) {
                refuseAsClosing(call);
            } else if (call.answers().mustWait(call.isQuick(), hasWaited)) {
                call.answers().whenThereIsRoom(() -> beginAgain(call, method));
            } else if (call.nanosLeft() == 0) {
                call.fail(
                        RpcErrorCode.ERROR_SERVER_TOO_BUSY, "Timed out: Call waited in the queue past client deadline");
            } else {
                run(method, call);
            }
        } catch (RpcException e) {
            String message = e.getMessage() == null ? "" : e.getMessage();
            if (!call.failUnlessAnswered(e.code(), message)) {
                quietLog.log(Level.WARNING, () -> call + " failed after it had been answered: " + message);
            }
        } catch (Throwable e) {
            failed(call, e);
        }
    }

    /**
     * For a fault of ours. It is answered, whether there is heap for words or not; and nothing is thrown, as whoever
     * has the request would take it for one that never became a call.
     */
    private static void failed(RpcCall call, Throwable e) {
        boolean isTold = call.failUnlessAnswered(RpcErrorCode.ERROR_APPLICATION, words(call, e));
        try {
            LOG.log(Level.ERROR, call + " failed" + (isTold ? "" : " after it had been answered"), e);
        } catch (RuntimeException | Error _) {
            // Its client knows.
        }
    }

    private static String words(RpcCall call, Throwable e) {
        try {
            return "Runtime error: " + call.methodName() + " failed: " + e;
        } catch (RuntimeException | Error _) {
            return NO_WORDS;
        }
    }

    private void run(Services.Method method, RpcCall call) throws Exception {
        try {
            if (method.takesThread() > methodThreadsMax) {
                throw new RpcException(
                        RpcErrorCode.ERROR_SERVER_TOO_BUSY,
                        "Service unavailable: " + methodThreadsMax + " calls of " + method
                                + " run, or wait for memory or for a change of their table");
            }
            method.code().call(call);
        } finally {
            method.leavesThread();
        }
    }

    private void beginAgain(RpcCall call, Services.Method method) {
        try {
            line(call).pool.execute(() -> begin(call, method, true));
        } catch (RejectedExecutionException _) {
            refuseAsClosing(call);
        } catch (RuntimeException | Error e) {
            failed(call, e);
        }
    }

    /** The answer to a call is on its way, or dropped. */
    void ended(RpcCall call) {
        if (!call.isUncounted) {
            ended();
        }
    }

    private void ended() {
        if (underWay.decrementAndGet() == 0 && closing) {
            lock.lock();
            try {
                idle.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Takes on no more calls; they are told so, and not waited for: clients that ask on would keep us here. */
    void close() {
        closing = true;
    }

    /** Waits until all calls have ended; false if that takes longer. Those that wait for a thread then run no more. */
    boolean awaitIdle(long nanosMax) throws InterruptedException {
        long nanos = nanosMax;
        lock.lock();
        try {
            while (underWay.get() > 0) {
                if (nanos <= 0) {
                    return false;
                }
                nanos = idle.awaitNanos(nanos);
            }
            return true;
        } finally {
            closed = true;
            lock.unlock();
        }
    }

    boolean isClosing() {
        return closing;
    }

    /** A call is told to come again. */
    void toldBusy(String message) {
        lastBusy = message; // Any of those of a moment will do.
        busyCount.incrementAndGet();
    }

    /** Calls that were told to come again. */
    long busyCount() {
        return busyCount.get();
    }

    /** What one of the last of them was told. */
    String lastBusy() {
        return lastBusy;
    }

    /** Calls that wait for a thread. */
    int queued() {
        return line.queued.get() + quickLine.queued.get();
    }

    /** Calls that are not answered yet. */
    int underWay() {
        return underWay.get();
    }
}
