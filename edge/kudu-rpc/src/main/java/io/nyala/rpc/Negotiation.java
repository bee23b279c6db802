package io.nyala.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import io.nyala.protocol.rpc.RpcHeader.AuthenticationTypePB;
import io.nyala.protocol.rpc.RpcHeader.ConnectionContextPB;
import io.nyala.protocol.rpc.RpcHeader.NegotiatePB;
import io.nyala.protocol.rpc.RpcHeader.NegotiatePB.NegotiateStep;
import io.nyala.protocol.rpc.RpcHeader.NegotiatePB.SaslMechanism;
import io.nyala.protocol.rpc.RpcHeader.RpcFeatureFlag;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * How a client introduces itself, after Kudu: it says what it can and gets what we can, then says who it is by SASL
 * PLAIN, then sends a context that nobody needs any more. TLS is not offered, so clients go on without.
 *
 * <pre>{@code
 *   client                                              server
 *   NEGOTIATE      features, ways to authenticate  -->
 *                                                  <--  NEGOTIATE      APPLICATION_FEATURE_FLAGS, sasl, PLAIN
 *   SASL_INITIATE  PLAIN, "" 0 user 0 password     -->
 *                                                  <--  SASL_SUCCESS
 *   ConnectionContextPB                            -->
 * }</pre>
 *
 * <p>Passwords are not looked at: as in Kudu, PLAIN says who, and proves nothing. What a client does otherwise is
 * answered with real Kudu's error, and the connection closed. Belongs to the event loop of its connection.
 */
final class Negotiation {
    /** What comes before calls is short; a client that is not known yet gets no more memory. */
    static final int FRAME_BYTES_MAX = 64 << 10;

    /** All those who are about to introduce themselves; each frees its memory as soon as it is there. */
    static final long ALL_BYTES_MAX = 16L << 20;

    static final int NEGOTIATE_CALL_ID = -33;
    static final int CONTEXT_CALL_ID = -3;

    /** As long as a name of Linux may be, times eight. */
    static final int USER_BYTES_MAX = 256;

    private static final String PLAIN = "PLAIN";

    private static final NegotiatePB OFFER = NegotiatePB.newBuilder()
            .setStep(NegotiateStep.NEGOTIATE)
            .addSupportedFeatures(RpcFeatureFlag.APPLICATION_FEATURE_FLAGS)
            .addSaslMechanisms(SaslMechanism.newBuilder().setMechanism(PLAIN))
            .addAuthnTypes(AuthenticationTypePB.newBuilder().setSasl(AuthenticationTypePB.Sasl.getDefaultInstance()))
            .build();
    private static final NegotiatePB SUCCESS =
            NegotiatePB.newBuilder().setStep(NegotiateStep.SASL_SUCCESS).build();

    private NegotiateStep expected = NegotiateStep.NEGOTIATE;
    private @Nullable String user;
    private boolean isDone;

    /** The user's name, once negotiation is done. */
    String user() {
        if (user == null) {
            throw new IllegalStateException("the client has not said who it is");
        }
        return user;
    }

    boolean isDone() {
        return isDone;
    }

    /** Takes the next message; answers what to send, or null. */
    @Nullable
    MessageLite next(int callId, MemorySegment message) {
        return user == null ? negotiate(callId, message) : readContext(callId, message);
    }

    private MessageLite negotiate(int callId, MemorySegment message) {
        if (callId != NEGOTIATE_CALL_ID) {
            throw new RpcException(
                    RpcErrorCode.FATAL_INVALID_RPC_HEADER,
                    "Illegal state: Received illegal call-id during negotiation; expected: " + NEGOTIATE_CALL_ID
                            + ", received: " + callId);
        }
        NegotiatePB request;
        try {
            request = NegotiatePB.parseFrom(message.asByteBuffer());
        } catch (InvalidProtocolBufferException e) {
            throw new RpcException(
                    RpcErrorCode.FATAL_DESERIALIZING_REQUEST, "IO error: Invalid SASL message: " + e.getMessage());
        }
        if (request.getStep() != expected) {
            throw unauthorized("Not authorized: expected " + expected + " step: " + request.getStep());
        }
        if (expected == NegotiateStep.NEGOTIATE) {
            checkTypes(request);
            expected = NegotiateStep.SASL_INITIATE;
            return OFFER;
        }
        user = user(request);
        return SUCCESS;
    }

    /** A client that names none is an old one and means SASL. */
    private static void checkTypes(NegotiatePB request) {
        if (request.getAuthnTypesCount() > 0
                && request.getAuthnTypesList().stream().noneMatch(AuthenticationTypePB::hasSasl)) {
            throw unauthorized("Not implemented: no mutually supported authentication types; this server has SASL "
                    + PLAIN + ", no TLS, tokens or certificates");
        }
    }

    private static String user(NegotiatePB request) {
        if (request.getSaslMechanismsCount() != 1) {
            throw unauthorized("Not authorized: SASL_INITIATE request must include exactly one SASL mechanism, found: "
                    + request.getSaslMechanismsCount());
        }
        String mechanism = request.getSaslMechanisms(0).getMechanism();
        if (!mechanism.equals(PLAIN)) {
            throw unauthorized("Not authorized: no mechanism available: this server has " + PLAIN + ", not "
                    + mechanism.substring(0, Math.min(mechanism.length(), USER_BYTES_MAX)));
        }
        return user(request.getToken());
    }

    /** Of RFC 4616: authorization identity, which must be empty, NUL, user, NUL, password. */
    private static String user(ByteString token) {
        ByteBuffer bytes = token.asReadOnlyByteBuffer();
        int first = -1;
        int second = -1;
        for (int i = 0; i < bytes.limit(); i++) {
            if (bytes.get(i) == 0) {
                if (second >= 0) {
                    throw unauthorized("Not authorized: a PLAIN token has two NUL bytes, this one has more");
                }
                if (first < 0) {
                    first = i;
                } else {
                    second = i;
                }
            }
        }
        if (second < 0) {
            throw unauthorized("Not authorized: a PLAIN token is NUL, user, NUL, password");
        }
        if (first > 0) {
            throw unauthorized("Not authorized: acting as another user is not supported: the authorization identity of "
                    + "a PLAIN token must be empty");
        }
        int userBytes = second - first - 1;
        if (userBytes == 0 || userBytes > USER_BYTES_MAX) {
            throw unauthorized(
                    "Not authorized: a user name has 1 to " + USER_BYTES_MAX + " bytes, this one has " + userBytes);
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(bytes.slice(first + 1, userBytes))
                    .toString();
        } catch (CharacterCodingException _) {
            throw unauthorized("Not authorized: a user name is UTF-8, this one is not");
        }
    }

    private @Nullable MessageLite readContext(int callId, MemorySegment message) {
        if (callId != CONTEXT_CALL_ID) {
            throw new BadFrameException("a client sends call " + callId + " where its connection context, call "
                    + CONTEXT_CALL_ID + ", is due");
        }
        try {
            var _ = ConnectionContextPB.parseFrom(message.asByteBuffer());
        } catch (InvalidProtocolBufferException e) {
            throw new BadFrameException("a connection context cannot be read: " + e.getMessage());
        }
        isDone = true;
        return null;
    }

    private static RpcException unauthorized(String message) {
        return new RpcException(RpcErrorCode.FATAL_UNAUTHORIZED, message);
    }
}
