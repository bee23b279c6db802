package io.nyala.rpc;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.nyala.memory.Check;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The bytes of an answer up to its sidecars, which follow as they lie in memory:
 *
 * <pre>{@code
 *   +--------+---------------+----------------+---------------------------+---------+ +-----------+- -
 *   | length | header length | ResponseHeader | message and sidecar bytes | message | | sidecar 0 | ..
 *   +--------+---------------+----------------+---------------------------+---------+ +-----------+- -
 *     u32 BE      varint                                varint
 * }</pre>
 *
 * <p>{@code ResponseHeader} is {@code 1 call_id}, {@code 2 is_error} if it is one, and {@code 3 sidecar_offsets},
 * counted from the first byte of the message. Stateless.
 */
final class Answer {
    /** The Java client takes no more. (That of C++ takes 50 MiB, unless told otherwise.) */
    static final int BYTES_MAX = 256 << 20;

    private static final int CALL_ID = 1 << 3;
    private static final int IS_ERROR = 2 << 3;
    private static final int SIDECAR_OFFSETS = 3 << 3;

    /** Of messages, most are a few dozen bytes; large ones are not to be on the heap once more. */
    private static final int SMALL_BYTES_MAX = 256;

    /** Stands for the threads that write answers. */
    private static final Thread ANOTHER = Thread.ofPlatform().unstarted(() -> {});

    private Answer() {}

    /** Checks that so much can be sent before anything is changed. */
    static void check(MessageLite message, List<MemorySegment> sidecars) {
        if (sidecars.size() > RequestHeader.SIDECARS_MAX) {
            throw new IllegalArgumentException("an answer may have 10,000 sidecars, this one has " + sidecars.size());
        }
        long bytes = message.getSerializedSize();
        for (MemorySegment sidecar : sidecars) {
            bytes += sidecar.byteSize();
        }
        Check.inRange("bytes of an answer and its sidecars", bytes, 0, BYTES_MAX);
    }

    /** Buffers over the sidecars, which need not be released: the memory is their owner's. */
    static ByteBuf[] wrap(List<MemorySegment> sidecars) {
        ByteBuf[] buffers = new ByteBuf[sidecars.size()];
        for (int i = 0; i < buffers.length; i++) {
            MemorySegment sidecar = sidecars.get(i);
            if (!sidecar.scope().isAlive() || !sidecar.isAccessibleBy(ANOTHER)) {
                throw new IllegalArgumentException("sidecar " + i
                        + " is closed or belongs to one thread; the thread that writes it must be able to read it");
            }
            buffers[i] = Unpooled.wrappedBuffer(sidecar.asByteBuffer());
        }
        return buffers;
    }

    /** A buffer with all but the sidecars, which is the caller's. */
    static ByteBuf encode(
            ByteBufAllocator allocator,
            int callId,
            boolean isError,
            MessageLite message,
            List<MemorySegment> sidecars) {
        int messageBytes = message.getSerializedSize();
        int headerBytes = 1 + varintBytes(callId) + (isError ? 2 : 0);
        int mainBytes = messageBytes;
        for (MemorySegment sidecar : sidecars) {
            headerBytes += 1 + varintBytes(mainBytes);
            mainBytes += Math.toIntExact(sidecar.byteSize());
        }
        int frameBytes = varintBytes(headerBytes) + headerBytes + varintBytes(mainBytes) + mainBytes;
        ByteBuf target = allocator.directBuffer(Integer.BYTES + frameBytes - mainBytes + messageBytes);
        try {
            target.writeInt(frameBytes);
            writeVarint(target, headerBytes);
            target.writeByte(CALL_ID);
            writeVarint(target, callId);
            if (isError) {
                target.writeByte(IS_ERROR).writeByte(1);
            }
            int offset = messageBytes;
            for (MemorySegment sidecar : sidecars) {
                target.writeByte(SIDECAR_OFFSETS);
                writeVarint(target, offset);
                offset += (int) sidecar.byteSize();
            }
            writeVarint(target, mainBytes);
            writeMessage(target, message, messageBytes);
            return target;
        } catch (Throwable e) {
            target.release();
            throw e;
        }
    }

    static ErrorStatusPB error(RpcErrorCode code, String message) {
        return ErrorStatusPB.newBuilder()
                .setCode(ErrorStatusPB.RpcErrorCodePB.forNumber(code.number()))
                .setMessage(message)
                .build();
    }

    private static void writeMessage(ByteBuf target, MessageLite message, int messageBytes) {
        if (messageBytes <= SMALL_BYTES_MAX) {
            if (messageBytes > 0) {
                target.writeBytes(message.toByteArray()); // Views of a buffer would be more on the heap than that.
            }
            return;
        }
        int at = target.writerIndex();
        try {
            CodedOutputStream stream = CodedOutputStream.newInstance(target.nioBuffer(at, messageBytes));
            message.writeTo(stream);
            stream.flush();
        } catch (IOException e) {
            throw new UncheckedIOException("an answer could not be written to memory", e);
        }
        target.writerIndex(at + messageBytes);
    }

    /** As protobuf writes it: seven bits to a byte, the lowest first; a negative number has ten bytes. */
    private static void writeVarint(ByteBuf target, long value) {
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            target.writeByte((int) rest | 0x80);
            rest >>>= 7;
        }
        target.writeByte((int) rest);
    }

    private static int varintBytes(long value) {
        int bytes = 1;
        for (long rest = value; (rest & ~0x7FL) != 0; rest >>>= 7) {
            bytes++;
        }
        return bytes;
    }
}
