package io.nyala.rpc;

import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.concurrent.ScheduledFuture;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One client: the bytes that it sends become calls, the answers to them go back in the order in which they are ready.
 *
 * <pre>{@code
 *   bytes --> "hrpc" 9 0 0 --> FrameReader --> Negotiation, until done
 *                                         \--> Dispatcher --> pool --> RpcCall.answer (any thread)
 *                                                                         |
 *   bytes <-- channel <----------------------------------------- Answers -'
 * }</pre>
 *
 * <p>It is not read from while the requests of the server take all the memory they may, while it has too many calls
 * under way, or while the client does not take its answers. So TCP tells the client, and nothing here grows.
 *
 * <p>Belongs to one event loop, but for {@link #answers}, which any thread may use.
 */
@SuppressWarnings("FutureReturnValueIgnored") // What closing and writing come to is seen by handlers.
final class Connection extends ChannelInboundHandlerAdapter implements Frame.Sender, Answers.Receiver {
    private static final Logger LOG = System.getLogger(Connection.class.getName());

    /** "hrpc", version 9, service class 0, no authentication protocol. */
    private static final byte[] START = {'h', 'r', 'p', 'c', 9, 0, 0};

    private final Channel channel;
    private final ServerParts server;
    private final InetSocketAddress local;
    private final InetSocketAddress remote;
    private final FrameReader frames;
    private final RequestFrame request = new RequestFrame();
    private final IdleWatch watch;
    private final Answers answers;
    private final LoopTask grant;

    private volatile String user = "";

    private @Nullable Negotiation negotiation = new Negotiation();
    private int startBytes;
    private @Nullable ByteBuf unread;
    private @Nullable IntObjectHashMap<RpcCall> underWay;
    private boolean hasNoRoom;
    private boolean isReading = true;
    private boolean isClosed;
    private @Nullable ScheduledFuture<?> timer;

    Connection(Channel channel, InetSocketAddress local, InetSocketAddress remote, ServerParts server) {
        this.channel = channel;
        this.local = local;
        this.remote = remote;
        this.server = server;
        this.answers = new Answers(channel, server, this);
        this.grant =
                new LoopTask(task -> channel.eventLoop().execute(task), server.leftovers(), this::takeGrant, () -> {});
        this.watch = new IdleWatch(TimeUnit.MILLISECONDS.toNanos(server.config().idleMillis()));
        int firstBytesMax =
                Math.min(Negotiation.FRAME_BYTES_MAX, server.config().frameBytesMax());
        this.frames = new FrameReader(server.allocator(), server.firstBytes(), firstBytesMax, this);
    }

    String user() {
        return user;
    }

    InetSocketAddress local() {
        return local;
    }

    InetSocketAddress remote() {
        return remote;
    }

    Dispatcher dispatcher() {
        return server.dispatcher();
    }

    ByteBufAllocator allocator() {
        return server.allocator();
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        watch.active(now());
        timer = channel.eventLoop()
                .schedule(this::negotiationTimedOut, server.config().negotiationMillis(), TimeUnit.MILLISECONDS);
    }

    /** Of the clock that timers go by. */
    private long now() {
        return channel.eventLoop().ticker().nanoTime();
    }

    private void negotiationTimedOut() {
        if (negotiation != null) {
            letGo("its negotiation took more than " + server.config().negotiationMillis() + " ms");
        }
    }

    // Reading.

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        server.leftovers().tryAgain();
        watch.received(now(), bytes.readableBytes());
        if (isClosed) {
            bytes.release();
        } else if (unread != null) {
            unread = Unpooled.wrappedBuffer(unread, bytes); // Was on its way when we stopped reading.
        } else {
            consume(bytes);
        }
        updateReading();
    }

    private void consume(ByteBuf bytes) {
        try {
            while (bytes.isReadable() && !isClosed && !isBlocked()) {
                if (startBytes < START.length) {
                    readStart(bytes);
                } else {
                    switch (frames.read(bytes)) {
                        case PART -> {}
                        case NO_ROOM -> hasNoRoom = true;
                        case NO_MEMORY -> passOver();
                        case PASSED -> takePassed();
                        case COMPLETE -> takeFrame(frames.take());
                    }
                }
            }
        } catch (BadFrameException e) {
            letGo(e.what());
        } finally {
            if (bytes.isReadable() && !isClosed) {
                unread = bytes;
            } else {
                bytes.release();
            }
        }
    }

    private boolean isBlocked() {
        return hasNoRoom
                || (underWay != null && underWay.size() >= server.config().connectionCallsMax())
                || !channel.isWritable();
    }

    private void readStart(ByteBuf bytes) {
        byte next = bytes.readByte();
        if (next != START[startBytes]) {
            throw new BadFrameException("byte " + startBytes + " that it sends is " + Integer.toHexString(next & 0xFF)
                    + ", not " + Integer.toHexString(START[startBytes])
                    + "; a client of Kudu begins with \"hrpc\", version 9");
        }
        startBytes++;
    }

    /** Whoever owns the frame frees it: we, unless it has become a call. */
    private void takeFrame(Frame frame) {
        boolean isCall = false;
        watch.active(now());
        try {
            MemorySegment bytes = frame.segment();
            request.read(bytes);
            if (negotiation != null) {
                negotiate(negotiation, bytes.asSlice(request.messageAt(), request.messageBytes()));
            } else {
                checkCall();
                RpcCall call = server.dispatcher().dispatch(this, request, frame, bytes);
                isCall = true;
                calls().put(call.callId(), call);
            }
        } finally {
            if (!isCall) {
                frame.free();
            }
        }
    }

    /** A request for which there is no memory: its call is told to come again, if it is known yet whose it is. */
    private void passOver() {
        Frame frame = frames.incoming();
        OutOfMemoryError reason = frames.reason();
        if (frame == null || negotiation != null) {
            throw reason;
        }
        try {
            request.readHeader(frame.received());
        } catch (BadFrameException _) {
            throw reason; // Its header is not there as a whole.
        }
        checkCall();
        frames.passOver();
    }

    /** Not before its end: clients do not look for an answer to what they have not sent. */
    private void takePassed() {
        RpcCall call = server.dispatcher().refuse(this, request.header(), frames);
        calls().put(call.callId(), call);
    }

    private void checkCall() {
        RequestHeader header = request.header();
        if (!header.hasRemoteMethod()) {
            throw new BadFrameException("call " + header.callId() + " names no method");
        }
        if (header.callId() < 0) {
            throw new BadFrameException("a call has the id " + header.callId() + "; those of calls are 0 or more");
        }
        if (calls().containsKey(header.callId())) {
            throw new BadFrameException("a call has the id " + header.callId() + ", which another one under way has");
        }
    }

    private IntObjectHashMap<RpcCall> calls() {
        if (underWay == null) {
            underWay = new IntObjectHashMap<>();
        }
        return underWay;
    }

    private void negotiate(Negotiation partner, MemorySegment message) {
        try {
            MessageLite answer = partner.next(request.header().callId(), message);
            if (answer != null) {
                channel.writeAndFlush(encode(false, answer), channel.voidPromise());
            }
        } catch (RpcException e) {
            String why = e.getMessage() == null ? "" : e.getMessage();
            server.log().log(Level.WARNING, () -> "refused " + Addresses.text(remote) + ": " + why);
            shut();
            channel.writeAndFlush(encode(true, Answer.error(e.code(), why))).addListener(ChannelFutureListener.CLOSE);
            return;
        }
        if (partner.isDone()) {
            user = partner.user();
            negotiation = null;
            frames.limit(server.requestBytes(), server.config().frameBytesMax());
            startIdleTimer();
        }
    }

    private ByteBuf encode(boolean isError, MessageLite message) {
        return Answer.encode(allocator(), Negotiation.NEGOTIATE_CALL_ID, isError, message, List.of());
    }

    @Override
    public void granted() {
        grant.ask(); // If the event loop has ended, it has given back what this connection held.
    }

    private void takeGrant() {
        frames.grant();
        hasNoRoom = false;
        resume();
    }

    @Override
    public void tooLate(Frame frame) {
        try {
            channel.eventLoop().execute(() -> {
                if (frames.incoming() == frame && !isClosed) {
                    letGo(progress(frame) + " too slowly, and others wait for memory");
                }
            });
        } catch (RejectedExecutionException | OutOfMemoryError _) {
            // As above; or the next look tells it again.
        }
    }

    private static String progress(Frame frame) {
        return "a request of " + frame.length() + " bytes, of which it has sent " + frame.receivedBytes()
                + ", comes in";
    }

    /** Goes on reading, if nothing is against it any more. */
    private void resume() {
        ByteBuf bytes = unread;
        if (bytes != null && !isClosed && !isBlocked()) {
            unread = null;
            consume(bytes);
        }
        updateReading();
        answers.letGoOn();
    }

    private void updateReading() {
        boolean read = !isClosed && unread == null && !isBlocked();
        Frame incoming = frames.incoming();
        if (incoming != null) {
            incoming.heldUp(!read);
        }
        if (read != isReading) {
            isReading = read;
            channel.config().setAutoRead(read);
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        answers.recount();
        resume();
    }

    // Answering.

    /** Where calls leave what they answer. */
    Answers answers() {
        return answers;
    }

    @Override
    public void sending() {
        watch.active(now());
    }

    @Override
    public void sending(RpcCall call) {
        if (underWay != null) {
            underWay.remove(call.callId());
        }
    }

    @Override
    public void sent() {
        resume();
    }

    @Override
    public void lost(Throwable reason) {
        exceptionCaught(reason);
    }

    @Override
    public long incomingBytes() {
        Frame incoming = frames.incoming();
        return incoming == null ? 0 : incoming.length();
    }

    @Override
    public void tooLate() {
        if (!isClosed) {
            letGo("it takes its answers too slowly, of which " + unsentBytes() + " bytes are left, and others wait");
        }
    }

    // Ending.

    private void startIdleTimer() {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
        if (server.config().idleMillis() > 0) {
            checkIdleLater();
        }
    }

    private void checkIdleLater() {
        timer = channel.eventLoop().schedule(this::checkIdle, watch.nanosToNextLook(now()), TimeUnit.NANOSECONDS);
    }

    private void checkIdle() {
        server.leftovers().tryAgain();
        if (isClosed) {
            return;
        }
        boolean isBusy = hasNoRoom || (underWay != null && !underWay.isEmpty());
        switch (watch.look(now(), unsentBytes(), answers.writtenBytes(), isBusy)) {
            case GOES_ON -> checkIdleLater();
            case IDLE -> letGoIdle(frames.incoming());
            case STUCK ->
                letGo("it has taken less than " + IdleWatch.PIECE_BYTES + " bytes of its answers for "
                        + server.config().idleMillis() + " ms");
        }
    }

    private void letGoIdle(@Nullable Frame frame) {
        String forSoLong = " for " + server.config().idleMillis() + " ms";
        if (frame == null) {
            letGo(Level.DEBUG, "it was idle" + forSoLong);
        } else {
            letGo(progress(frame) + ", less than " + IdleWatch.PIECE_BYTES + " bytes" + forSoLong);
        }
    }

    /** What is written and not sent, which of the first buffer may be a part; nothing when it is closed. */
    @Override
    public long unsentBytes() {
        ChannelOutboundBuffer written = channel.unsafe().outboundBuffer();
        return written == null
                ? 0
                : Math.max(0, written.totalPendingWriteBytes() - written.currentProgress() - answers.markBytes());
    }

    /** Closes the connection of a client that does not keep to the protocol, or says nothing. */
    private void letGo(String why) {
        letGo(Level.WARNING, why);
    }

    private void letGo(Level level, String why) {
        if (!isClosed) {
            server.log().log(level, () -> "closed the connection of " + Addresses.text(remote) + ": " + why);
            shut();
            channel.close();
        }
    }

    /** Closes it when what is written has been sent; any thread. */
    void closeWhenSent() {
        channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
    }

    /** Closes it, whatever it has not sent; any thread. */
    void close() {
        channel.close();
    }

    /** Reads no more; what is under way goes on. */
    private void shut() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
        frames.close();
        if (unread != null) {
            unread.release();
            unread = null;
        }
        updateReading();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        shut();
        answers.letGoOn(); // Nobody has them, but calls end as if somebody had.
    }

    /** The last of all. */
    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        try {
            shut();
            answers.leave();
        } finally { // Or it would count for ever.
            server.connections().remove(this);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        exceptionCaught(cause);
    }

    private void exceptionCaught(Throwable cause) {
        try {
            tell(cause);
        } finally { // Where there is no heap for words, too.
            shut();
            channel.close();
        }
    }

    private void tell(Throwable cause) {
        if (cause instanceof IOException) {
            server.log().log(Level.DEBUG, () -> "lost the connection of " + Addresses.text(remote) + ": " + cause);
        } else if (cause instanceof OutOfMemoryError) { // Of requests, or answers: clients bring it about.
            server.log().log(
                    Level.WARNING,
                    () -> "closed the connection of " + Addresses.text(remote)
                            + ": there is no memory for its requests and answers: " + cause);
        } else {
            LOG.log(Level.ERROR, "closed the connection of " + Addresses.text(remote) + " for a fault of ours", cause);
        }
    }
}
