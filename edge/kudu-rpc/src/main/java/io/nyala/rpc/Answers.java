package io.nyala.rpc;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
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
 * that runs calls. Nor does it begin while all connections of the server together have too much of that, see {@link
 * AnswerBytes}.
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

        /** Some could not be made, or not be handed over: whoever waits for them must not wait on. */
        void lost(Throwable reason);

        /** What the channel has, and the client has not taken. */
        long unsentBytes();

        /** What a request holds that has not come in as a whole. */
        long incomingBytes();

        /** The client takes its answers too slowly, and others wait for what they hold. */
        void tooLate();
    }

    private final Channel channel;
    private final Dispatcher dispatcher;
    private final AnswerBytes ofAll;
    private final Receiver receiver;
    private final LoopTask.Leftovers leftovers;
    private final LoopTask sending;
    private final LoopTask turn;
    private final LoopTask marked;
    private final LoopTask look;
    private final LoopTask lateness;

    /** Calls that are answered and not sent, the newest first. Filled by any thread, emptied by the event loop. */
    @SuppressWarnings("unused") // Through ANSWERED.
    private volatile @Nullable RpcCall answered;

    /** Of those; counted before they are there, and until the channel counts them. */
    private final AtomicLong answeredBytes = new AtomicLong();

    /** Of requests that are calls, until they are freed. */
    private final AtomicLong requestBytes = new AtomicLong();

    private @Nullable ArrayDeque<Runnable> heldBack;
    private long writtenBytes;
    private long countedBytes; // Of those, what counts among that of all connections.
    private boolean isHolder;
    private boolean hasMark;
    private volatile @Nullable Throwable markFailure;

    // For looks: asked for by any thread, done by the event loop, and their outcome is read by any thread.
    private volatile boolean isFirstLook;
    private volatile long lateMillis;
    private volatile long heldBytes;
    private volatile long heldRequestBytes;
    private long seenBytes;

    Answers(Channel channel, ServerParts server, Receiver receiver) {
        this.channel = channel;
        this.dispatcher = server.dispatcher();
        this.ofAll = server.answerBytes();
        this.receiver = receiver;
        this.leftovers = server.leftovers();
        this.sending = task(this::send, this::drop);
        this.turn = task(this::takeTurn, ofAll::turnEnded);
        this.marked = task(this::marked, () -> {});
        this.look = task(this::lookNow, () -> {});
        this.lateness = task(this::tellLate, () -> {});
    }

    private LoopTask task(Runnable action, Runnable whenGone) {
        return new LoopTask(task -> channel.eventLoop().execute(task), leftovers, action, whenGone);
    }

    /**
     * Whether a call must wait, since there are more than the client, or all of them, may have unsent, or since others
     * wait for that; never when the client is gone. Any thread.
     *
     * @param hasWaited whether it has, and this is its turn
     */
    boolean mustWait(boolean isQuick, boolean hasWaited) {
        return (isOwnFull() || ofAll.isFull(isQuick) || (!isQuick && !hasWaited && ofAll.hasLine()))
                && channel.isActive();
    }

    private boolean isOwnFull() {
        return answeredBytes.get() >= channel.bytesBeforeUnwritable();
    }

    /** Runs something when it is not full any more; any thread. */
    void whenThereIsRoom(Runnable call) {
        try {
            channel.eventLoop().execute(() -> holdBack(call));
        } catch (RejectedExecutionException _) {
            call.run(); // There is no event loop any more, nor a client.
        }
    }

    private void holdBack(Runnable call) {
        try {
            if (heldBack == null) {
                heldBack = new ArrayDeque<>();
            }
            heldBack.add(call);
        } catch (OutOfMemoryError _) {
            call.run(); // Nobody else knows of it: it comes back, or fails.
            return;
        }
        letGoOn();
    }

    /** Lets calls that were held back go on, if there is room: after each thing that may have made some. */
    void letGoOn() {
        while (heldBack != null && !heldBack.isEmpty()) {
            if (mustWait(false, false)) {
                if (!isOwnFull()) {
                    ofAll.enqueue(this);
                }
                return;
            }
            heldBack.remove().run();
        }
    }

    /**
     * Lets one that waits for what others hold go on, soon; the next one waits for its turn. Then, or if there is no
     * client any more, tells that the turn is over. Any thread.
     */
    void goOn() {
        turn.ask();
    }

    private void takeTurn() {
        try {
            if (heldBack != null && !heldBack.isEmpty() && !mustWait(false, true)) {
                heldBack.remove().run();
            }
            if (heldBack != null && !heldBack.isEmpty() && channel.isActive() && !isOwnFull()) {
                ofAll.enqueue(this);
            } else {
                letGoOn();
            }
        } finally {
            ofAll.turnEnded();
        }
    }

    /** A request has come in, and becomes a call. */
    void received(Frame frame) {
        requestBytes.addAndGet(frame.length());
    }

    /** The request of a call is about to be freed; any thread. */
    void freed(RpcCall call) {
        requestBytes.addAndGet(-call.requestBytes());
    }

    /** A call has its answer; any thread. */
    void add(RpcCall call) {
        answeredBytes.addAndGet(call.answerBytes());
        ofAll.add(call.answerBytes());
        RpcCall before;
        do {
            before = answered;
            call.next = before;
        } while (!ANSWERED.compareAndSet(this, before, call));
        sending.ask();
        leftovers.tryAgain();
    }

    /** There is no event loop any more, so nobody to send to; any thread. */
    private void drop() {
        RpcCall call = takeAnswered();
        while (call != null) {
            RpcCall following = call.next;
            answeredBytes.addAndGet(-call.answerBytes());
            ofAll.add(-call.answerBytes());
            ByteBuf head = call.takeHead();
            if (head != null) {
                head.release();
            }
            call.sent();
            dispatcher.ended(call);
            call = following;
        }
    }

    /** Sends what is answered, the oldest first, and flushes once. */
    private void send() {
        RpcCall call = takeAnswered();
        Throwable lost = null;
        receiver.sending();
        while (call != null) {
            RpcCall following = call.next;
            call.next = null;
            receiver.sending(call);
            long bytes = call.answerBytes();
            try {
                write(call);
            } catch (RuntimeException | Error e) {
                lost = e; // The others are in no list any more, and must end as well.
                cutOff(call);
            }
            if (call.reason() != null) {
                lost = call.reason();
            }
            writtenBytes += bytes;
            countedBytes += bytes;
            answeredBytes.addAndGet(-bytes);
            dispatcher.ended(call);
            call = following;
        }
        try {
            channel.flush();
            recount();
            receiver.sent();
        } catch (RuntimeException | Error e) {
            lost = e;
        }
        if (lost != null) {
            receiver.lost(lost);
        }
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
        ByteBuf head = call.takeHead();
        if (head != null) {
            channel.write(head, channel.voidPromise());
        }
        if (sidecars.length == 0) {
            call.sent();
            return;
        }
        for (int i = 0; i < sidecars.length - 1; i++) {
            channel.write(sidecars[i], channel.voidPromise());
        }
        channel.write(sidecars[sidecars.length - 1]).addListener(written -> {
            Throwable reason = written.cause();
            if (reason == null || !channel.isOpen()) {
                call.sent(); // They go in their order, when they are sent and when the channel is closed.
            } else {
                cutOff(call);
                receiver.lost(reason);
            }
        });
    }

    /**
     * A part of an answer lies in the queue of the channel, and the rest never will. So the channel is closed, before
     * anything else: the client would take the next answer for the rest of this one, and the system would read sidecars
     * of the queue from memory that is somebody else's by then. Needs no promise, for which there may be no heap.
     */
    private void cutOff(RpcCall call) {
        channel.unsafe().close(channel.unsafe().voidPromise());
        call.sent();
    }

    /** Of all answers that were ever handed to the channel, and what they cost on the heap. */
    long writtenBytes() {
        return writtenBytes;
    }

    // ---- What all connections hold ----

    /** Finds out what the client has taken: after each thing that may have let it. */
    void recount() {
        long unsent = channel.isActive() ? receiver.unsentBytes() : 0;
        long taken = countedBytes - unsent;
        if (taken > 0) {
            countedBytes = unsent;
            ofAll.add(-taken);
        }
        boolean isHolding = countedBytes > 0;
        if (isHolding != isHolder) {
            isHolder = isHolding;
            lateMillis = 0;
            seenBytes = writtenBytes - unsent;
            if (isHolding) {
                ofAll.heldBy(this);
            } else {
                ofAll.takenBy(this);
            }
        }
        if (isHolding && !hasMark) {
            mark();
        }
    }

    /** Writes nothing behind what is unsent, to be told when the client has taken that. */
    private void mark() {
        hasMark = true; // Before it is written: to write may make us count again.
        boolean isWritten = false;
        try {
            channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(written -> {
                markFailure = written.cause();
                marked.ask(); // It counts itself until then.
            });
            isWritten = true;
        } finally {
            hasMark = isWritten;
        }
    }

    /** What that counts for among what is unsent. */
    int markBytes() {
        return hasMark ? RpcCall.BUFFER_BYTES : 0;
    }

    private void marked() {
        Throwable failure = markFailure;
        if (failure == null) {
            hasMark = false;
        } else if (channel.isOpen()) { // Nor will anything else go out, nor would we hear of it.
            receiver.lost(failure);
        } // Else it is closed, and each mark would fail.
        recount();
        letGoOn();
    }

    /** The client has gone, and nobody else may ever come to what could not be handed over. */
    void leave() {
        try {
            letGoOn();
        } finally { // Whatever fails, others wait for what is behind it.
            try {
                sending.run();
            } finally {
                leaveOthers();
            }
        }
    }

    private void leaveOthers() {
        try {
            turn.run();
            recount();
        } finally {
            ofAll.leave(this);
        }
    }

    /** Forgets how late the client is; any thread. */
    void beginLooks() {
        isFirstLook = true;
    }

    /** Looks soon whether the client takes its answers; any thread. Late looks of ours count once. */
    void look() {
        look.ask();
    }

    private void lookNow() {
        recount();
        long takenBytes = writtenBytes - receiver.unsentBytes();
        long takenMillis = (takenBytes - seenBytes) * RequestBytes.LOOK_MILLIS / RequestBytes.LOOK_BYTES;
        seenBytes = takenBytes;
        if (isFirstLook) {
            isFirstLook = false;
            lateMillis = 0;
        } else if (isHolder) {
            lateMillis = Math.max(0, lateMillis + RequestBytes.LOOK_MILLIS - takenMillis);
        }
        heldBytes = countedBytes;
        heldRequestBytes = requestBytes.get() + receiver.incomingBytes();
    }

    /** How far it is behind 1 MiB a second; any thread. */
    long lateMillis() {
        return lateMillis;
    }

    /** What it had not taken at the last look; any thread. */
    long heldBytes() {
        return heldBytes;
    }

    /** What its requests held at the last look; any thread. */
    long requestBytes() {
        return heldRequestBytes;
    }

    /** Others wait for what it holds; any thread. */
    void tooLate() {
        lateness.ask();
    }

    private void tellLate() {
        if (isHolder) {
            receiver.tooLate();
        }
    }
}
