package io.nyala.caller;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.nyala.protocol.rpc.RpcHeader.AuthenticationTypePB;
import io.nyala.protocol.rpc.RpcHeader.ConnectionContextPB;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB;
import io.nyala.protocol.rpc.RpcHeader.NegotiatePB;
import io.nyala.protocol.rpc.RpcHeader.RemoteMethodPB;
import io.nyala.protocol.rpc.RpcHeader.RequestHeader;
import io.nyala.protocol.rpc.RpcHeader.RequestIdPB;
import io.nyala.protocol.rpc.RpcHeader.ResponseHeader;
import io.nyala.protocol.rpc.RpcHeader.RpcFeatureFlag;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A client of the server made of a plain socket and the generated messages, without any of the server's own code. It
 * can also send what no client would. Belongs to one thread.
 */
public final class WireClient implements AutoCloseable {
    public static final String MASTER = "kudu.master.MasterService";
    public static final String TABLET_SERVER = "kudu.tserver.TabletServerService";

    private static final byte[] START = {'h', 'r', 'p', 'c', 9, 0, 0};

    /** Against hangs only. */
    private static final int READ_MILLIS_MAX = 120_000;

    private final Socket socket;
    private final DataInputStream in;
    private int nextCall;

    private WireClient(String address) throws IOException {
        int colon = address.lastIndexOf(':');
        socket = new Socket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(READ_MILLIS_MAX);
        in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
    }

    /** One that says nothing before it is told to. */
    public static WireClient silent(String address) throws IOException {
        return new WireClient(address);
    }

    /** One that has introduced itself. */
    public static WireClient of(String address) throws IOException {
        return of(address, "tester");
    }

    public static WireClient of(String address, String user) throws IOException {
        WireClient client = new WireClient(address);
        client.send(introduction(user));
        client.read();
        client.read();
        return client;
    }

    /** All that comes before calls. */
    public static byte[] introduction(String user) throws IOException {
        NegotiatePB hello = NegotiatePB.newBuilder()
                .setStep(NegotiatePB.NegotiateStep.NEGOTIATE)
                .addSupportedFeatures(RpcFeatureFlag.APPLICATION_FEATURE_FLAGS)
                .addAuthnTypes(
                        AuthenticationTypePB.newBuilder().setSasl(AuthenticationTypePB.Sasl.getDefaultInstance()))
                .build();
        NegotiatePB plain = NegotiatePB.newBuilder()
                .setStep(NegotiatePB.NegotiateStep.SASL_INITIATE)
                .setToken(ByteString.copyFrom("\0" + user + "\0", StandardCharsets.UTF_8))
                .addSaslMechanisms(NegotiatePB.SaslMechanism.newBuilder().setMechanism("PLAIN"))
                .build();
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(START);
        all.writeBytes(frame(RequestHeader.newBuilder().setCallId(-33).build(), hello.toByteArray()));
        all.writeBytes(frame(RequestHeader.newBuilder().setCallId(-33).build(), plain.toByteArray()));
        all.writeBytes(frame(
                RequestHeader.newBuilder().setCallId(-3).build(),
                ConnectionContextPB.getDefaultInstance().toByteArray()));
        return all.toByteArray();
    }

    public static byte[] frame(MessageLite header, byte[] main) throws IOException {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        header.writeDelimitedTo(content);
        CodedOutputStream length = CodedOutputStream.newInstance(content);
        length.writeUInt32NoTag(main.length);
        length.flush();
        content.writeBytes(main);
        return ByteBuffer.allocate(Integer.BYTES + content.size())
                .putInt(content.size())
                .put(content.toByteArray())
                .array();
    }

    public static RequestHeader.Builder header(int callId, String service, String method) {
        return RequestHeader.newBuilder()
                .setCallId(callId)
                .setRemoteMethod(
                        RemoteMethodPB.newBuilder().setServiceName(service).setMethodName(method));
    }

    /** Names a request, so that it is done once. */
    public static RequestIdPB name(String client, long sequence) {
        return RequestIdPB.newBuilder()
                .setClientId(client)
                .setSeqNo(sequence)
                .setFirstIncompleteSeqNo(sequence)
                .setAttemptNo(0)
                .build();
    }

    public void send(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
    }

    /** Calls, and waits for the answer. */
    public Reply call(RequestHeader.Builder header, byte[] message) throws IOException {
        send(frame(header.setCallId(nextCall++).build(), message));
        return read();
    }

    /** As {@link #call}, and does not wait. */
    public void submit(String service, String method, byte[] message) throws IOException {
        send(frame(header(nextCall++, service, method).build(), message));
    }

    public Reply call(String service, String method, MessageLite message) throws IOException {
        return call(header(0, service, method), message.toByteArray());
    }

    /** What a call of the tablet server answers. */
    public <M extends MessageLite> M tablet(String method, MessageLite message, Parser<M> parser) throws IOException {
        return call(TABLET_SERVER, method, message).message(parser);
    }

    public Reply read() throws IOException {
        byte[] frame = new byte[in.readInt()];
        in.readFully(frame);
        CodedInputStream stream = CodedInputStream.newInstance(frame);
        ResponseHeader header = ResponseHeader.parseFrom(stream.readByteArray());
        int mainBytes = stream.readUInt32();
        return new Reply(header, ByteString.copyFrom(frame, frame.length - mainBytes, mainBytes));
    }

    /** The next answer; null if the server closes the connection instead. */
    @Nullable
    public Reply readOrEnd() {
        try {
            return read();
        } catch (IOException _) {
            return null;
        }
    }

    /** It sends no more. */
    public void endOfRequests() throws IOException {
        socket.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    /** An answer. */
    public record Reply(ResponseHeader header, ByteString main) {
        public boolean isError() {
            return header.getIsError();
        }

        public ErrorStatusPB error() throws IOException {
            if (!isError()) {
                throw new AssertionError("call " + header.getCallId() + " did not fail");
            }
            return ErrorStatusPB.parseFrom(main);
        }

        /** The message without what is beside it. */
        public ByteString messageBytes() {
            return main.substring(0, header.getSidecarOffsetsCount() == 0 ? main.size() : header.getSidecarOffsets(0));
        }

        public <M extends MessageLite> M message(Parser<M> parser) throws IOException {
            if (isError()) {
                throw new AssertionError("call " + header.getCallId() + " failed: " + error());
            }
            return parser.parseFrom(messageBytes());
        }

        /** Bytes beside the message. */
        public ByteBuffer sidecar(int index) {
            int end = index + 1 == header.getSidecarOffsetsCount() ? main.size() : header.getSidecarOffsets(index + 1);
            return main.substring(header.getSidecarOffsets(index), end).asReadOnlyByteBuffer();
        }
    }
}
