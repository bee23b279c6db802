package io.nyala.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import io.nyala.protocol.rpc.RpcHeader;
import io.nyala.protocol.rpc.RpcHeader.RemoteMethodPB;
import io.nyala.protocol.rpc.RpcHeader.RequestIdPB;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Mutations;
import io.nyala.testkit.Seed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: request headers and frames are taken and refused exactly as by protobuf's generated parser, whatever the bytes.
 * Method: random headers, with unknown fields among the known, and mutations of their bytes, both parsers side by side;
 * each segment ends where the bytes do, so that a read past the end throws.
 */
final class RequestHeaderTest {
    private static final int MUTATIONS = 40;

    /** Where the header begins in its segment. */
    private static final int SHIFT = 3;

    private final RequestHeader header = new RequestHeader();
    private @Nullable RequestId requestId;
    private String refusal = "";

    @RepeatedTest(100)
    void readsWhatTheGeneratedParserReads(@Seed SplittableRandom random) {
        byte[] bytes = randomHeader(random).toByteArray();
        assertSame(bytes);
        for (int i = 0; i < MUTATIONS; i++) {
            assertSame(Mutations.of(bytes, random));
        }
    }

    private void assertSame(byte[] bytes) {
        RpcHeader.RequestHeader expected = generated(bytes);
        boolean isRead = read(bytes);
        if (!isRead && refusal.contains(RequestHeader.LONG_VARINT)) {
            return; // Protobuf for Java lets some of them pass, that of C++ none.
        }
        assertEquals(expected != null, isRead, () -> "is a header: " + Arrays.toString(bytes));
        if (expected != null) {
            assertEquals(text(expected), readText(bytes), () -> Arrays.toString(bytes));
        }
    }

    private static String text(RpcHeader.RequestHeader header) {
        List<Integer> sidecars = header.getSidecarOffsetsList();
        boolean isInOrder = true;
        for (int i = 1; i < sidecars.size(); i++) {
            isInOrder &= Integer.compareUnsigned(sidecars.get(i - 1), sidecars.get(i)) <= 0;
        }
        RemoteMethodPB method = header.getRemoteMethod();
        return text(
                header.getCallId(),
                header.hasRemoteMethod()
                        ? latin(method.getServiceNameBytes()) + "." + latin(method.getMethodNameBytes())
                        : "",
                header.getTimeoutMillis(),
                header.getRequiredFeatureFlagsList(),
                requestId(header),
                sidecars.isEmpty()
                        ? "none"
                        : sidecars.size() + " " + sidecars.getFirst() + " " + sidecars.getLast() + " " + isInOrder);
    }

    private String readText(byte[] bytes) {
        int[] flags = new int[header.flagCount()];
        Arrays.setAll(flags, header::flag);
        String method = "";
        if (header.hasRemoteMethod()) {
            method = slice(bytes, header.serviceAt(), header.serviceBytes()) + "."
                    + slice(bytes, header.methodAt(), header.methodBytes());
        }
        return text(
                header.callId(),
                method,
                header.timeoutMillis(),
                Arrays.stream(flags).boxed().toList(),
                requestId,
                header.sidecarCount() == 0
                        ? "none"
                        : header.sidecarCount() + " " + header.firstSidecar() + " " + header.lastSidecar() + " "
                                + header.areSidecarsInOrder());
    }

    private static String text(
            int callId, String method, int timeout, List<Integer> flags, @Nullable RequestId id, String sidecars) {
        return "call " + callId + " of " + method + " in " + timeout + " ms, flags " + flags + ", " + id + ", sidecars "
                + sidecars;
    }

    private static RpcHeader.@Nullable RequestHeader generated(byte[] bytes) {
        try {
            return RpcHeader.RequestHeader.parseFrom(bytes);
        } catch (InvalidProtocolBufferException _) {
            return null;
        }
    }

    /** Whether it is a header; read from memory that ends where it ends, but does not begin where it begins. */
    private boolean read(byte[] bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(SHIFT + bytes.length);
            MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, SHIFT, bytes.length);
            header.read(segment, SHIFT, segment.byteSize());
            if (header.hasRemoteMethod()) {
                assertTrue(header.serviceAt() + header.serviceBytes() <= segment.byteSize());
                assertTrue(header.methodAt() + header.methodBytes() <= segment.byteSize());
            }
            requestId = header.requestId();
            return true;
        } catch (BadFrameException e) {
            refusal = e.what();
            return false;
        }
    }

    /** Text in which no two bytes look the same. */
    private static String latin(ByteString bytes) {
        return bytes.toString(StandardCharsets.ISO_8859_1);
    }

    private static String slice(byte[] bytes, long at, int length) {
        return latin(ByteString.copyFrom(bytes, (int) at - SHIFT, length));
    }

    private static @Nullable RequestId requestId(RpcHeader.RequestHeader expected) {
        if (!expected.hasRequestId()) {
            return null;
        }
        RequestIdPB id = expected.getRequestId();
        return new RequestId(id.getClientId(), id.getSeqNo(), id.getFirstIncompleteSeqNo(), id.getAttemptNo());
    }

    private static RpcHeader.RequestHeader randomHeader(SplittableRandom random) {
        RpcHeader.RequestHeader.Builder builder =
                RpcHeader.RequestHeader.newBuilder().setCallId(random.nextInt());
        if (random.nextInt(4) > 0) {
            builder.setRemoteMethod(RemoteMethodPB.newBuilder()
                    .setServiceName("service-" + "x".repeat(random.nextInt(20)))
                    .setMethodName("M".repeat(random.nextInt(5)))
                    .setUnknownFields(unknown(random)));
        }
        if (random.nextBoolean()) {
            builder.setTimeoutMillis(random.nextInt());
        }
        for (int i = random.nextInt(8) - 4; i > 0; i--) {
            builder.addRequiredFeatureFlags(random.nextInt(random.nextBoolean() ? 10 : Integer.MAX_VALUE));
        }
        if (random.nextBoolean()) {
            builder.setRequestId(RequestIdPB.newBuilder()
                    .setClientId("client")
                    .setSeqNo(random.nextLong())
                    .setFirstIncompleteSeqNo(random.nextInt(300))
                    .setAttemptNo(random.nextInt(3))
                    .setUnknownFields(unknown(random)));
        }
        for (int i = random.nextInt(8) - 4; i > 0; i--) {
            builder.addSidecarOffsets(random.nextInt(-5, 1000));
        }
        return builder.setUnknownFields(unknown(random)).build();
    }

    /** Of every wire type, groups included; also known numbers with another wire type, and packed lists. */
    private static UnknownFieldSet unknown(SplittableRandom random) {
        UnknownFieldSet.Builder fields = UnknownFieldSet.newBuilder();
        for (int i = random.nextInt(6) - 2; i > 0; i--) {
            UnknownFieldSet.Field.Builder field = UnknownFieldSet.Field.newBuilder();
            switch (random.nextInt(5)) {
                case 0 -> field.addVarint(random.nextLong());
                case 1 -> field.addFixed32(random.nextInt());
                case 2 -> field.addFixed64(random.nextLong());
                case 3 -> field.addLengthDelimited(ByteString.copyFrom("\1\2\3", StandardCharsets.UTF_8));
                default ->
                    field.addGroup(UnknownFieldSet.newBuilder()
                            .addField(
                                    7,
                                    UnknownFieldSet.Field.newBuilder()
                                            .addVarint(5)
                                            .build())
                            .build());
            }
            fields.addField(random.nextInt(1, random.nextBoolean() ? 18 : 10_000), field.build());
        }
        return fields.build();
    }

    @Test
    void limitsFeaturesSidecarsAndDepth() {
        assertTrue(refusal(repeated(11, RequestHeader.FLAGS_MAX + 1)).contains("more than 256 features"));
        assertTrue(refusal(repeated(16, RequestHeader.SIDECARS_MAX + 1)).contains("more than 10,000 sidecars"));
        assertTrue(read(repeated(11, RequestHeader.FLAGS_MAX)));
        assertTrue(read(repeated(16, RequestHeader.SIDECARS_MAX)));
        byte[] deep = new byte[10_000];
        Arrays.fill(deep, (byte) (1 << 3 | 3)); // Groups that begin and do not end.
        assertTrue(refusal(deep).contains("100 deep"));
    }

    private static byte[] repeated(int field, int count) {
        RpcHeader.RequestHeader.Builder builder =
                RpcHeader.RequestHeader.newBuilder().setCallId(1);
        for (int i = 0; i < count; i++) {
            if (field == 11) {
                builder.addRequiredFeatureFlags(1);
            } else {
                builder.addSidecarOffsets(i);
            }
        }
        return builder.build().toByteArray();
    }

    private String refusal(byte[] bytes) {
        return assertThrows(BadFrameException.class, () -> header.read(MemorySegment.ofArray(bytes), 0, bytes.length))
                .what();
    }

    @RepeatedTest(100)
    void findsTheMessageWithinItsFrameOrRefusesIt(@Seed SplittableRandom random) {
        byte[] main = new byte[random.nextInt(300)];
        random.nextBytes(main);
        RpcHeader.RequestHeader.Builder builder = Bytes.header(1, "Echo");
        int first = random.nextInt(main.length + 1);
        boolean hasSidecars = random.nextBoolean();
        if (hasSidecars) {
            builder.addSidecarOffsets(first).addSidecarOffsets(random.nextInt(first, main.length + 1));
        }
        byte[] prefixed = Bytes.frame(builder.build(), main);
        byte[] frame = Arrays.copyOfRange(prefixed, Integer.BYTES, prefixed.length);
        assertEquals(hasSidecars ? first : main.length, readFrame(frame));
        for (int i = 0; i < MUTATIONS; i++) {
            readFrame(Mutations.of(frame, random));
            readFrame(Arrays.copyOf(frame, random.nextInt(frame.length)));
        }
    }

    @Test
    void refusesSidecarsOutOfOrderOrOutside() {
        byte[] main = new byte[10];
        assertEquals(
                4, readFrame(tail(Bytes.header(1, "Echo").addSidecarOffsets(4).addSidecarOffsets(10), main)));
        assertEquals(
                -1, readFrame(tail(Bytes.header(1, "Echo").addSidecarOffsets(5).addSidecarOffsets(4), main)));
        assertEquals(
                -1, readFrame(tail(Bytes.header(1, "Echo").addSidecarOffsets(4).addSidecarOffsets(11), main)));
        assertEquals(-1, readFrame(tail(Bytes.header(1, "Echo").addSidecarOffsets(-1), main)));
    }

    private static byte[] tail(RpcHeader.RequestHeader.Builder builder, byte[] main) {
        byte[] prefixed = Bytes.frame(builder.build(), main);
        return Arrays.copyOfRange(prefixed, Integer.BYTES, prefixed.length);
    }

    /** Bytes of the message, or -1 if the frame is refused. */
    private static long readFrame(byte[] bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
            RequestFrame frame = new RequestFrame();
            frame.read(segment);
            assertTrue(frame.messageAt() >= 0 && frame.messageBytes() >= 0);
            assertTrue(frame.messageAt() + frame.messageBytes() <= segment.byteSize());
            return frame.messageBytes();
        } catch (BadFrameException _) {
            return -1;
        }
    }

    @Tag("allocation")
    @Test
    void makesNoGarbageForKnownMethods() {
        byte[] bytes = tail(Bytes.header(77, "Echo").setTimeoutMillis(1000).addRequiredFeatureFlags(1), new byte[100]);
        Services services = new Services(List.of(new TestService()));
        RequestFrame frame = new RequestFrame();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
            Allocation.assertNone("finding the method of a request", () -> {
                for (int i = 0; i < 100; i++) {
                    frame.read(segment);
                    RequestHeader read = frame.header();
                    Services.Service service = services.find(segment, read.serviceAt(), read.serviceBytes());
                    if (service == null
                            || service.find(segment, read.methodAt(), read.methodBytes()) == null
                            || !service.hasFeature(read.flag(0))) {
                        throw new AssertionError("not found");
                    }
                }
            });
        }
    }
}
