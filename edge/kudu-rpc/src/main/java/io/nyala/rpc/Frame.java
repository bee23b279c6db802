package io.nyala.rpc;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one request, from the first of its bytes until it has been answered. It grows with what has come in,
 * eight times at each step, so that a client that announces much and sends little costs little, and a byte is copied
 * again by growth 1/7 times on average at most.
 *
 * <p>One owner at a time: the connection while it comes in, then its call. Who owns it frees it, on any thread.
 */
final class Frame {
    /** What a call costs on the heap, about, so that small ones are limited as well. */
    static final int HEAP_BYTES = 512;

    /** Frames up to this get their memory at once. */
    private static final int FIRST_BYTES_MAX = 16 << 10;

    private static final int GROWTH = 8;

    /** Whoever takes a frame in; told on any thread. */
    interface Sender {
        /** The memory that its frame waits for has been taken. */
        void granted();

        /** Others wait for what that frame holds, and it comes in too slowly to have it. */
        void tooLate(Frame frame);
    }

    // What RequestBytes has given, and thinks of it; guarded by its lock.
    long heldBytes;
    boolean isWaiting;
    int seenBytes;
    long lateMillis;

    @Nullable
    Frame older;

    @Nullable
    Frame newer;

    @Nullable
    Frame nextTold;

    private final RequestBytes limit;
    private final int length;
    private final Sender sender;
    private @Nullable ByteBuf buffer;
    private volatile int receivedBytes; // Written by the event loop, read by whoever looks.
    private volatile boolean isHeldUp;
    private volatile boolean wasHeldUp;

    Frame(RequestBytes limit, int length, Sender sender) {
        this.limit = limit;
        this.length = length;
        this.sender = sender;
    }

    /** Makes room if there is none, once the limit allows it; until then, answers false. */
    boolean grow(ByteBufAllocator allocator, boolean isGranted) {
        int capacity = buffer == null ? 0 : buffer.capacity();
        int next = nextCapacity(capacity);
        int more = next - capacity + (capacity == 0 ? HEAP_BYTES : 0);
        if (!isGranted && !limit.take(this, more)) {
            return false;
        }
        ByteBuf larger = allocator.directBuffer(next, length);
        if (buffer != null) {
            larger.writeBytes(buffer);
            buffer.release();
        }
        buffer = larger;
        return true;
    }

    private int nextCapacity(int capacity) {
        int next = length;
        while (next > FIRST_BYTES_MAX && (capacity == 0 || Math.ceilDiv(next, GROWTH) > capacity)) {
            next = Math.ceilDiv(next, GROWTH);
        }
        return next;
    }

    boolean isFull() {
        return buffer == null || !buffer.isWritable();
    }

    /** Copies what fits of {@code source}. */
    void fill(ByteBuf source) {
        ByteBuf target = buffer();
        target.writeBytes(source, Math.min(source.readableBytes(), target.writableBytes()));
        receivedBytes = target.readableBytes();
    }

    /** Any thread. */
    boolean isComplete() {
        return receivedBytes == length;
    }

    /** How much of it has come in; any thread. */
    int receivedBytes() {
        return receivedBytes;
    }

    /** Whether its connection is not read from, so that it cannot come in; told by its event loop. */
    void heldUp(boolean newIsHeldUp) {
        if (newIsHeldUp || isHeldUp) {
            wasHeldUp = true;
        }
        isHeldUp = newIsHeldUp;
    }

    /** Whether it was held up at any time since this was asked the last time; any thread, one at a time. */
    boolean takeHeldUp() {
        boolean was = wasHeldUp;
        wasHeldUp = false;
        return was || isHeldUp;
    }

    /** How much of it there is to be. */
    int length() {
        return length;
    }

    Sender sender() {
        return sender;
    }

    /** All of a complete frame; valid until it is freed. */
    MemorySegment segment() {
        assert isComplete() : "a frame of " + length + " bytes is not complete";
        return MemorySegment.ofBuffer(buffer().nioBuffer());
    }

    /** What has come in of it; valid until it is freed, or grows. Without a byte if it never had memory. */
    MemorySegment received() {
        return buffer == null ? MemorySegment.NULL : MemorySegment.ofBuffer(buffer.nioBuffer());
    }

    void free() {
        if (buffer != null) {
            buffer.release();
        }
        limit.giveBack(this);
    }

    private ByteBuf buffer() {
        if (buffer == null) {
            throw new IllegalStateException("a frame without memory");
        }
        return buffer;
    }
}
