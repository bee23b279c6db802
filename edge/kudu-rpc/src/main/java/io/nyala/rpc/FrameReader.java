package io.nyala.rpc;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Cuts what a client sends into frames: four bytes of length, most significant first, then that many bytes. Belongs to
 * the event loop of its connection.
 */
final class FrameReader {
    private static final int PREFIX_BYTES = Integer.BYTES;

    private final ByteBufAllocator allocator;
    private final Frame.Sender sender;
    private RequestBytes limit;
    private int frameBytesMax;
    private int prefix;
    private int prefixBytes;
    private @Nullable Frame frame;
    private boolean isGranted;

    /** How far a frame has come. */
    enum Progress {
        /** More bytes are needed. */
        PART,
        /** {@link #take} gives the frame. */
        COMPLETE,
        /** The limit on requests is reached; when it is not any more, the sender is told. */
        NO_ROOM
    }

    FrameReader(ByteBufAllocator allocator, RequestBytes limit, int frameBytesMax, Frame.Sender sender) {
        this.allocator = allocator;
        this.limit = limit;
        this.frameBytesMax = frameBytesMax;
        this.sender = sender;
    }

    /** From the next frame on. */
    void limit(RequestBytes newLimit, int newFrameBytesMax) {
        limit = newLimit;
        frameBytesMax = newFrameBytesMax;
    }

    /** Takes bytes of {@code source} up to the end of a frame. */
    Progress read(ByteBuf source) {
        while (prefixBytes < PREFIX_BYTES) {
            if (!source.isReadable()) {
                return Progress.PART;
            }
            prefix = prefix << Byte.SIZE | source.readUnsignedByte();
            if (++prefixBytes == PREFIX_BYTES) {
                check(Integer.toUnsignedLong(prefix));
            }
        }
        while (source.isReadable()) {
            if (frame == null) {
                frame = new Frame(limit, prefix, sender);
            }
            if (frame.isFull()) {
                if (!frame.grow(allocator, isGranted)) {
                    return Progress.NO_ROOM;
                }
                isGranted = false;
            }
            frame.fill(source);
            if (frame.isComplete()) {
                return Progress.COMPLETE;
            }
        }
        return Progress.PART;
    }

    private void check(long length) {
        if (length == 0) {
            throw new BadFrameException("a frame has a length of 0");
        }
        if (length + PREFIX_BYTES > frameBytesMax) {
            throw new BadFrameException("a frame has a length of " + (length + PREFIX_BYTES)
                    + " bytes, and this server takes up to " + frameBytesMax);
        }
    }

    /** The complete frame, which is the caller's now. */
    Frame take() {
        Frame taken = frame;
        if (taken == null) {
            throw new IllegalStateException("no frame is complete");
        }
        frame = null;
        prefixBytes = 0;
        prefix = 0;
        return taken;
    }

    /** What {@link RequestBytes} gave after all. */
    void grant() {
        isGranted = true;
    }

    /** The frame that comes in now, if any. */
    @Nullable
    Frame incoming() {
        return frame;
    }

    /** Gives up what has come in of a frame. */
    void close() {
        if (frame != null) {
            frame.free();
            frame = null;
        }
    }
}
