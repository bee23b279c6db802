package io.nyala.rpc;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The answers to one client on their way: any thread adds them, the event loop of the connection sends them.
 *
 * <p>A small request may have a large answer, and a client may send many requests before it takes the first answer. So
 * a call whose turn it is does not begin while more is answered and unsent than a connection may have, and goes on when
 * the client has taken some of it. There are never more unsent bytes than that limit and one answer for each thread
 * that runs calls.
 *
 * <p>Thread-safe where it says so; the rest belongs to the event loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // What writing comes to is seen by handlers.
final class Answers {
    private static final VarHandle ANSWERED;

    static {
        try {
            ANSWERED = MethodHandles.lookup().findVarHandle(Answers.class, "answered", RpcCall.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The connection; told on its event loop. */
    interface Receiver {
        /** Some answers are about to be sent. */
        void sending();

        /** That one is, and its call is not under way any more. */
        void sending(RpcCall call);

        /** All that there were have been handed to the channel. */
        void sent();
    }

    private final Channel channel;
    private final Dispatcher dispatcher;
    private final Receiver receiver;
    private final Runnable send = this::send;

    /** Calls that are answered and not sent, the newest first. Filled by any thread, emptied by the event loop. */
    @SuppressWarnings("unused") // Through ANSWERED.
    private volatile @Nullable RpcCall answered;

    /** Of those; counted before they are there, and until the channel counts them. */
    private final AtomicLong answeredBytes = new AtomicLong();

    private @Nullable ArrayDeque<Runnable> heldBack;
    private long writtenBytes;

    Answers(Channel channel, Dispatcher dispatcher, Receiver receiver) {
        this.channel = channel;
        this.dispatcher = dispatcher;
        this.receiver = receiver;
    }

    /** Whether there are more than the client may have unsent; never when it is gone. Any thread. */
    boolean isFull() {
        return answeredBytes.get() >= channel.bytesBeforeUnwritable() && channel.isActive();
    }

    /** Runs something when it is not full any more; any thread. */
    void whenThereIsRoom(Runnable call) {
        try {
            channel.eventLoop().execute(() -> {
                if (heldBack == null) {
                    heldBack = new ArrayDeque<>();
                }
                heldBack.add(call);
                letGoOn();
            });
        } catch (RejectedExecutionException _) {
            call.run(); // There is no event loop any more, nor a client.
        }
    }

    /** Lets calls that were held back go on, if there is room: after each thing that may have made some. */
    void letGoOn() {
        while (heldBack != null && !heldBack.isEmpty() && !isFull()) {
            heldBack.remove().run();
        }
    }

    /** A call has its answer; any thread. */
    void add(RpcCall call) {
        answeredBytes.addAndGet(call.answerBytes());
        RpcCall before;
        do {
            before = answered;
            call.next = before;
        } while (!ANSWERED.compareAndSet(this, before, call));
        if (before == null) { // Else somebody has asked for it already.
            try {
                channel.eventLoop().execute(send);
            } catch (RejectedExecutionException _) {
                drop();
            }
        }
    }

    /** There is no event loop any more, so nobody to send to; any thread. */
    private void drop() {
        RpcCall call = takeAnswered();
        while (call != null) {
            RpcCall following = call.next;
            answeredBytes.addAndGet(-call.answerBytes());
            call.takeHead().release();
            call.sent();
            dispatcher.ended();
            call = following;
        }
    }

    /** Sends what is answered, the oldest first, and flushes once. */
    private void send() {
        RpcCall call = takeAnswered();
        receiver.sending();
        while (call != null) {
            RpcCall following = call.next;
            call.next = null;
            receiver.sending(call);
            long bytes = call.answerBytes();
            write(call);
            writtenBytes += bytes;
            answeredBytes.addAndGet(-bytes);
            dispatcher.ended();
            call = following;
        }
        channel.flush();
        receiver.sent();
    }

    /** All that are answered, the oldest first; each is taken once. */
    private @Nullable RpcCall takeAnswered() {
        RpcCall oldest = null;
        RpcCall rest = (RpcCall) ANSWERED.getAndSet(this, (RpcCall) null);
        while (rest != null) {
            RpcCall following = rest.next;
            rest.next = oldest;
            oldest = rest;
            rest = following;
        }
        return oldest;
    }

    /** The request may go when nothing refers to it any more: its sidecars may lie in it. */
    private void write(RpcCall call) {
        ByteBuf[] sidecars = call.sidecars();
        channel.write(call.takeHead(), channel.voidPromise());
        if (sidecars.length == 0) {
            call.sent();
            return;
        }
        for (int i = 0; i < sidecars.length - 1; i++) {
            channel.write(sidecars[i], channel.voidPromise());
        }
        channel.write(sidecars[sidecars.length - 1]).addListener(_ -> call.sent());
    }

    /** Of all answers that were ever handed to the channel. */
    long writtenBytes() {
        return writtenBytes;
    }
}
