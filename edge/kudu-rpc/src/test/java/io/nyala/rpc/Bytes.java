package io.nyala.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import io.nyala.protocol.rpc.RpcHeader.AuthenticationTypePB;
import io.nyala.protocol.rpc.RpcHeader.ConnectionContextPB;
import io.nyala.protocol.rpc.RpcHeader.NegotiatePB;
import io.nyala.protocol.rpc.RpcHeader.RemoteMethodPB;
import io.nyala.protocol.rpc.RpcHeader.RequestHeader;
import io.nyala.protocol.rpc.RpcHeader.RpcFeatureFlag;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** What clients send, as bytes, made by protobuf's own classes. Stateless. */
final class Bytes {
    static final byte[] START = HexFormat.of().parseHex("68727063090000");

    /** The answers of kudu-wire 2.3, captured from the real server, with their lengths in front. */
    static final byte[] OFFER = HexFormat.of()
            .parseHex("0000001e" + "0b08dfffffffffffffffff01" + "11" + "0801100122071205504c41494e3a020a00");

    static final byte[] SUCCESS = HexFormat.of().parseHex("0000000f" + "0b08dfffffffffffffffff01" + "02" + "1000");

    private Bytes() {}

    static byte[] frame(MessageLite header, byte[] main) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        try {
            header.writeDelimitedTo(content);
            CodedOutputStream length = CodedOutputStream.newInstance(content);
            length.writeUInt32NoTag(main.length);
            length.flush();
            content.write(main);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return prefixed(content.toByteArray());
    }

    static byte[] prefixed(byte[] content) {
        return ByteBuffer.allocate(Integer.BYTES + content.length)
                .putInt(content.length)
                .put(content)
                .array();
    }

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    static byte[] negotiation(NegotiatePB message) {
        return frame(RequestHeader.newBuilder().setCallId(-33).build(), message.toByteArray());
    }

    static NegotiatePB.Builder hello() {
        return NegotiatePB.newBuilder()
                .setStep(NegotiatePB.NegotiateStep.NEGOTIATE)
                .addSupportedFeatures(RpcFeatureFlag.APPLICATION_FEATURE_FLAGS)
                .addSupportedFeatures(RpcFeatureFlag.TLS)
                .addSupportedFeatures(RpcFeatureFlag.TLS_AUTHENTICATION_ONLY)
                .addAuthnTypes(
                        AuthenticationTypePB.newBuilder().setSasl(AuthenticationTypePB.Sasl.getDefaultInstance()));
    }

    static NegotiatePB.Builder plain(String token) {
        return NegotiatePB.newBuilder()
                .setStep(NegotiatePB.NegotiateStep.SASL_INITIATE)
                .setToken(ByteString.copyFrom(token, StandardCharsets.UTF_8))
                .addSaslMechanisms(NegotiatePB.SaslMechanism.newBuilder().setMechanism("PLAIN"));
    }

    static byte[] context() {
        return frame(
                RequestHeader.newBuilder().setCallId(-3).build(),
                ConnectionContextPB.getDefaultInstance().toByteArray());
    }

    /** All that comes before calls. */
    static byte[] introduction(String user) {
        return join(
                START,
                negotiation(hello().build()),
                negotiation(plain("\0" + user + "\0").build()),
                context());
    }

    static RequestHeader.Builder header(int callId, String method) {
        return header(callId, TestService.NAME, method);
    }

    static RequestHeader.Builder header(int callId, String service, String method) {
        return RequestHeader.newBuilder()
                .setCallId(callId)
                .setRemoteMethod(
                        RemoteMethodPB.newBuilder().setServiceName(service).setMethodName(method));
    }

    static byte[] call(RequestHeader.Builder header, MessageLite message) {
        return frame(header.build(), message.toByteArray());
    }
}
