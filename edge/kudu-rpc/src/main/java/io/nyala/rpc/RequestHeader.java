package io.nyala.rpc;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Kudu's {@code RequestHeader}, read by hand: once per call, so without an object of protobuf and without garbage, but
 * for the name of a tracked request. It takes and refuses what the generated parser does; a test says so.
 *
 * <pre>{@code
 *   3 call_id: int32, required
 *   6 remote_method      { 1 service_name: string, required; 2 method_name: string, required }
 *  10 timeout_millis: uint32
 *  11 required_feature_flags: uint32, repeated
 *  15 request_id         { 1 client_id: string, 2 seq_no, 3 first_incomplete_seq_no, 4 attempt_no: int64;
 *                           all required }
 *  16 sidecar_offsets: uint32, repeated
 * }</pre>
 *
 * <p>Names are kept as places in the segment that was read. Read anew for each request; belongs to one thread.
 */
final class RequestHeader {
    /** Far more features than any service has. */
    static final int FLAGS_MAX = 256;

    /** As many as Kudu's clients take. */
    static final int SIDECARS_MAX = 10_000;

    /** As protobuf's: unknown groups within unknown groups. */
    private static final int DEPTH_MAX = 100;

    static final String LONG_VARINT = "has a varint of more than 10 bytes";

    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int GROUP = 3;
    private static final int GROUP_END = 4;
    private static final int FIXED32 = 5;
    private static final int[] NO_FLAGS = {};

    private MemorySegment segment = MemorySegment.NULL;
    private long at;

    private boolean hasCallId;
    private int callId;
    private boolean hasRemoteMethod;
    private long serviceAt;
    private int serviceBytes;
    private long methodAt;
    private int methodBytes;
    private int timeoutMillis;
    private int[] flags = NO_FLAGS;
    private int flagCount;
    private boolean hasRequestId;
    private long clientAt;
    private int clientBytes;
    private int requestFields;
    private long seqNo;
    private long firstIncompleteSeqNo;
    private long attemptNo;
    private int sidecarCount;
    private int firstSidecar;
    private int lastSidecar;
    private boolean sidecarsInOrder;

    /** Reads the header that lies in {@code [from, to)}. */
    void read(MemorySegment source, long from, long to) {
        assert 0 <= from && from <= to && to <= source.byteSize() : from + ".." + to + " of " + source.byteSize();
        segment = source;
        at = from;
        hasCallId = false;
        hasRemoteMethod = false;
        serviceBytes = -1;
        methodBytes = -1;
        timeoutMillis = 0;
        flagCount = 0;
        hasRequestId = false;
        clientBytes = -1;
        requestFields = 0;
        sidecarCount = 0;
        firstSidecar = 0;
        lastSidecar = 0;
        sidecarsInOrder = true;
        while (at < to) {
            readField(to);
        }
        check(hasCallId, "lacks call_id");
        check(!hasRemoteMethod || (serviceBytes >= 0 && methodBytes >= 0), "names a method by half");
        check(!hasRequestId || (clientBytes >= 0 && requestFields == 0b111), "has an incomplete request_id");
    }

    private void readField(long to) {
        int tag = tag(to);
        switch (tag) {
            case 3 << 3 | VARINT -> {
                callId = (int) varint(to);
                hasCallId = true;
            }
            case 6 << 3 | BYTES -> {
                hasRemoteMethod = true;
                long end = end(to);
                while (at < end) {
                    readMethodField(end);
                }
            }
            case 10 << 3 | VARINT -> timeoutMillis = (int) varint(to);
            case 11 << 3 | VARINT -> addFlag((int) varint(to));
            case 11 << 3 | BYTES -> {
                for (long end = end(to); at < end; ) {
                    addFlag((int) varint(end));
                }
            }
            case 15 << 3 | BYTES -> {
                hasRequestId = true;
                long end = end(to);
                while (at < end) {
                    readRequestIdField(end);
                }
            }
            case 16 << 3 | VARINT -> addSidecar((int) varint(to));
            case 16 << 3 | BYTES -> {
                for (long end = end(to); at < end; ) {
                    addSidecar((int) varint(end));
                }
            }
            default -> skip(tag, to, 0);
        }
    }

    private void readMethodField(long end) {
        int tag = tag(end);
        switch (tag) {
            case 1 << 3 | BYTES -> {
                serviceBytes = length(end);
                serviceAt = at;
                at += serviceBytes;
            }
            case 2 << 3 | BYTES -> {
                methodBytes = length(end);
                methodAt = at;
                at += methodBytes;
            }
            default -> skip(tag, end, 0);
        }
    }

    private void readRequestIdField(long end) {
        int tag = tag(end);
        switch (tag) {
            case 1 << 3 | BYTES -> {
                clientBytes = length(end);
                clientAt = at;
                at += clientBytes;
            }
            case 2 << 3 | VARINT -> {
                seqNo = varint(end);
                requestFields |= 1;
            }
            case 3 << 3 | VARINT -> {
                firstIncompleteSeqNo = varint(end);
                requestFields |= 2;
            }
            case 4 << 3 | VARINT -> {
                attemptNo = varint(end);
                requestFields |= 4;
            }
            default -> skip(tag, end, 0);
        }
    }

    private void addFlag(int flag) {
        check(flagCount < FLAGS_MAX, "requires more than " + FLAGS_MAX + " features");
        if (flagCount == flags.length) {
            int[] more = new int[Math.max(8, 2 * flagCount)];
            System.arraycopy(flags, 0, more, 0, flagCount);
            flags = more;
        }
        flags[flagCount++] = flag;
    }

    private void addSidecar(int offset) {
        check(sidecarCount < SIDECARS_MAX, "has more than 10,000 sidecars");
        if (sidecarCount++ == 0) {
            firstSidecar = offset;
        } else if (Integer.compareUnsigned(offset, lastSidecar) < 0) {
            sidecarsInOrder = false;
        }
        lastSidecar = offset;
    }

    /** A field that we do not know, or whose wire type is not the one that we know: as protobuf, passed over. */
    private void skip(int tag, long to, int depth) {
        switch (tag & 7) {
            case VARINT -> varint(to);
            case FIXED64 -> advance(Long.BYTES, to);
            case BYTES -> at = end(to);
            case GROUP -> {
                check(depth < DEPTH_MAX, "nests groups more than 100 deep");
                int inner = tag(to);
                while ((inner & 7) != GROUP_END) {
                    skip(inner, to, depth + 1);
                    inner = tag(to);
                }
                check(inner >>> 3 == tag >>> 3, "ends a group that did not begin");
            }
            case FIXED32 -> advance(Integer.BYTES, to);
            default -> throw bad("has a field of wire type " + (tag & 7));
        }
    }

    private void advance(int bytes, long to) {
        check(bytes <= to - at, "ends within a field");
        at += bytes;
    }

    private int tag(long to) {
        int tag = (int) varint(to);
        check(tag >>> 3 != 0, "has a field of number 0");
        return tag;
    }

    /** Where the bytes end whose number stands here. */
    private long end(long to) {
        int bytes = length(to);
        return at + bytes;
    }

    /** Of what follows, which lies before {@code to}. */
    private int length(long to) {
        int bytes = (int) varint(to);
        if (bytes < 0 || bytes > to - at) {
            throw bad("has a field of " + Integer.toUnsignedLong(bytes) + " bytes where " + (to - at) + " are left");
        }
        return bytes;
    }

    private long varint(long to) {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            check(at < to, "ends within a varint");
            byte next = segment.get(JAVA_BYTE, at++);
            value |= (long) (next & 0x7F) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw bad(LONG_VARINT);
    }

    private static void check(boolean claim, String otherwise) {
        if (!claim) {
            throw bad(otherwise);
        }
    }

    private static BadFrameException bad(String what) {
        return new BadFrameException("a request header " + what);
    }

    int callId() {
        return callId;
    }

    /** Of calls always there; not of what comes before them. */
    boolean hasRemoteMethod() {
        return hasRemoteMethod;
    }

    long serviceAt() {
        return serviceAt;
    }

    int serviceBytes() {
        return serviceBytes;
    }

    long methodAt() {
        return methodAt;
    }

    int methodBytes() {
        return methodBytes;
    }

    /** Unsigned; 0 if there is no time-out. */
    int timeoutMillis() {
        return timeoutMillis;
    }

    int flagCount() {
        return flagCount;
    }

    int flag(int index) {
        assert 0 <= index && index < flagCount : index + " of " + flagCount;
        return flags[index];
    }

    @Nullable
    RequestId requestId() {
        if (!hasRequestId) {
            return null;
        }
        return new RequestId(text(segment, clientAt, clientBytes), seqNo, firstIncompleteSeqNo, attemptNo);
    }

    int sidecarCount() {
        return sidecarCount;
    }

    /** Unsigned, as {@link #lastSidecar}. */
    int firstSidecar() {
        return firstSidecar;
    }

    int lastSidecar() {
        return lastSidecar;
    }

    boolean areSidecarsInOrder() {
        return sidecarsInOrder;
    }

    static String text(MemorySegment source, long offset, int bytes) {
        byte[] copy = new byte[bytes];
        MemorySegment.copy(source, JAVA_BYTE, offset, copy, 0, bytes);
        return new String(copy, StandardCharsets.UTF_8);
    }
}
