package io.nyala.rpc;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import org.jspecify.annotations.Nullable;

/**
 * Cuts what a client sends into frames: four bytes of length, most significant first, then that many bytes. A frame for
 * which there is no memory can be passed over: what of it is to come is read and forgotten. Belongs to the event loop
 * of its connection.
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
    private int passedBytes;
    private int bytesToPass;
    private @Nullable OutOfMemoryError reason;

    /** How far a frame has come. */
    enum Progress {
        /** More bytes are needed. */
        PART,
        /** {@link #take} gives the frame. */
        COMPLETE,
        /** The limit on requests is reached; when it is not any more, the sender is told. */
        NO_ROOM,
        /** There is no memory for {@link #incoming}: {@link #passOver} or {@link #close} follows. */
        NO_MEMORY,
        /** The end of a frame that was passed over. */
        PASSED
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
            if (bytesToPass > 0) {
                int bytes = Math.min(bytesToPass, source.readableBytes());
                source.skipBytes(bytes);
                bytesToPass -= bytes;
                if (bytesToPass == 0) {
                    prefixBytes = 0;
                    prefix = 0;
                    return Progress.PASSED;
                }
                return Progress.PART;
            }
            if (frame == null) {
                frame = new Frame(limit, prefix, sender);
            }
            if (frame.isFull()) {
                try {
                    if (!frame.grow(allocator, isGranted)) {
                        return Progress.NO_ROOM;
                    }
                } catch (OutOfMemoryError e) {
                    reason = e;
                    return Progress.NO_MEMORY;
                } finally {
                    isGranted = false;
                }
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

    /** Why there is no memory. */
    OutOfMemoryError reason() {
        OutOfMemoryError known = reason;
        if (known == null) {
            throw new IllegalStateException("there was memory for every frame");
        }
        return known;
    }

    /** Gives up what has come in of a frame, and forgets what is to come of it. */
    void passOver() {
        Frame passed = frame;
        if (passed == null) {
            throw new IllegalStateException("no frame comes in");
        }
        passedBytes = passed.length();
        bytesToPass = passed.length() - passed.receivedBytes();
        close();
    }

    /** How long the last one was that was passed over. */
    int passedBytes() {
        return passedBytes;
    }

    /** A frame without bytes and memory, for the answer to one that was passed over. */
    Frame empty() {
        return new Frame(limit, 0, sender);
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
