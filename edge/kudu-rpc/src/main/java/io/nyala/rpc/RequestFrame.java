package io.nyala.rpc;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * What lies in the frame of a request, behind its length:
 *
 * <pre>{@code
 *   +---------------+--------+-------------+---------+-----------+-----------+- -
 *   | header length | header | main length | message | sidecar 0 | sidecar 1 | ..
 *   +---------------+--------+-------------+---------+-----------+-----------+- -
 *        varint                   varint   |<-------- main length ------------->|
 * }</pre>
 *
 * <p>The message ends where the first sidecar begins; their offsets count from its first byte. Clients of today send no
 * sidecars with requests: their places are checked, and they are passed over. Read anew for each request; belongs to
 * one thread.
 */
final class RequestFrame {
    /** A length below 2^31 takes five bytes at most. */
    private static final int LENGTH_BYTES_MAX = 5;

    /**
     * Longest header that is read: those of clients have some hundred bytes. It is read on an event loop, and what it
     * names is put on the heap.
     */
    static final int HEADER_BYTES_MAX = 64 << 10;

    private final RequestHeader header = new RequestHeader();
    private long at;
    private long messageBytes;

    /** Reads a whole frame. */
    void read(MemorySegment frame) {
        readHeader(frame);
        int mainBytes = length(frame, "message");
        if (mainBytes != frame.byteSize() - at) {
            throw new BadFrameException("a frame says that its message has " + mainBytes + " bytes, and "
                    + (frame.byteSize() - at) + " are left of it");
        }
        messageBytes = mainBytes;
        if (header.sidecarCount() > 0) {
            checkSidecars(mainBytes);
            messageBytes = header.firstSidecar();
        }
    }

    /** Reads the header of a frame, of which that much must be there. */
    void readHeader(MemorySegment frame) {
        at = 0;
        int headerBytes = length(frame, "header");
        if (headerBytes > HEADER_BYTES_MAX) {
            throw new BadFrameException("a frame has a header of " + headerBytes
                    + " bytes, and this server reads up to " + HEADER_BYTES_MAX);
        }
        header.read(frame, at, at + headerBytes);
        at += headerBytes;
    }

    private void checkSidecars(int mainBytes) {
        if (!header.areSidecarsInOrder()
                || Integer.compareUnsigned(header.lastSidecar(), mainBytes) > 0
                || Integer.compareUnsigned(header.firstSidecar(), mainBytes) > 0) {
            throw new BadFrameException("a frame has " + header.sidecarCount()
                    + " sidecars that are out of order or do not lie within its " + mainBytes + " bytes: the first at "
                    + Integer.toUnsignedLong(header.firstSidecar()) + ", the last at "
                    + Integer.toUnsignedLong(header.lastSidecar()));
        }
    }

    private int length(MemorySegment frame, String what) {
        int value = 0;
        for (int i = 0; i < LENGTH_BYTES_MAX; i++) {
            if (at == frame.byteSize()) {
                throw new BadFrameException("a frame of " + frame.byteSize() + " bytes ends before its " + what);
            }
            byte next = frame.get(JAVA_BYTE, at++);
            value |= (next & 0x7F) << (7 * i);
            if (next >= 0) {
                if (value < 0 || (i == LENGTH_BYTES_MAX - 1 && next > 7) || value > frame.byteSize() - at) {
                    throw new BadFrameException("a frame announces a " + what + " of " + Integer.toUnsignedLong(value)
                            + " bytes where " + (frame.byteSize() - at) + " are left of it");
                }
                return value;
            }
        }
        throw new BadFrameException("a frame has a length of its " + what + " that takes more than 5 bytes");
    }

    RequestHeader header() {
        return header;
    }

    /** Where the message begins. */
    long messageAt() {
        return at;
    }

    long messageBytes() {
        return messageBytes;
    }
}
