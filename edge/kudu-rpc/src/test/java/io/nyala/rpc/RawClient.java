package io.nyala.rpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.MessageLite;
import io.nyala.protocol.rpc.RpcHeader.ErrorStatusPB;
import io.nyala.protocol.rpc.RpcHeader.RequestHeader;
import io.nyala.protocol.rpc.RpcHeader.ResponseHeader;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.Arrays;

/** A client made of a plain socket, which can also misbehave. Belongs to one thread. */
final class RawClient implements AutoCloseable {
    /** Against hangs only. */
    private static final int READ_MILLIS_MAX = 60_000;

    private final Socket socket = new Socket();
    private final DataInputStream in;

    RawClient(InetSocketAddress server) throws IOException {
        this(server, 0);
    }

    /** With buffers of the system that are so large, and do not grow; 0 for its own choice. */
    RawClient(InetSocketAddress server, int bufferBytes) throws IOException {
        if (bufferBytes > 0) {
            socket.setReceiveBufferSize(bufferBytes);
            socket.setSendBufferSize(bufferBytes);
        }
        socket.connect(server);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(READ_MILLIS_MAX);
        in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 10));
    }

    /** One that has introduced itself. */
    static RawClient ready(InetSocketAddress server) throws IOException {
        return ready(server, "tester");
    }

    static RawClient ready(InetSocketAddress server, String user) throws IOException {
        RawClient client = new RawClient(server);
        client.introduce(Bytes.introduction(user));
        return client;
    }

    /** One that has introduced itself and sent more, all at once: no time passes between. */
    static RawClient sending(InetSocketAddress server, byte[] more) throws IOException {
        RawClient client = new RawClient(server, 64 << 10);
        client.introduce(Bytes.join(Bytes.introduction("tester"), more));
        return client;
    }

    private void introduce(byte[] bytes) throws IOException {
        send(bytes);
        expect(Bytes.OFFER);
        expect(Bytes.SUCCESS);
    }

    int localPort() {
        return socket.getLocalPort();
    }

    void send(byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
    }

    /** For threads that only send; the connection may go meanwhile. */
    void sendUnchecked(byte[] bytes) {
        try {
            send(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void call(RequestHeader.Builder header, MessageLite message) throws IOException {
        send(Bytes.call(header, message));
    }

    /** Exactly these bytes come next. */
    void expect(byte[] bytes) throws IOException {
        byte[] got = in.readNBytes(bytes.length);
        if (!Arrays.equals(got, bytes)) {
            throw new AssertionError("expected " + Arrays.toString(bytes) + ", got " + Arrays.toString(got));
        }
    }

    /** The length of a frame that has begun to come. */
    int read4Bytes() throws IOException {
        return in.readInt();
    }

    Reply read() throws IOException {
        byte[] frame = new byte[in.readInt()];
        in.readFully(frame);
        CodedInputStream stream = CodedInputStream.newInstance(frame);
        ResponseHeader header = ResponseHeader.parseFrom(stream.readByteArray());
        int mainBytes = stream.readUInt32();
        if (mainBytes != frame.length - stream.getTotalBytesRead()) {
            throw new AssertionError("main length " + mainBytes + " of " + (frame.length - stream.getTotalBytesRead()));
        }
        return new Reply(header, ByteString.copyFrom(frame, frame.length - mainBytes, mainBytes));
    }

    /** The server closes the connection, and sends nothing before. */
    void expectClosed() throws IOException {
        try {
            int next = in.read();
            if (next >= 0) {
                throw new AssertionError("the server sends " + next + " where it should close");
            }
        } catch (SocketException _) {
            // Reset: closed with bytes of ours unread.
        }
    }

    /** Goes without a farewell: what is under way is lost. */
    void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    /** An answer. */
    record Reply(ResponseHeader header, ByteString main) {
        int callId() {
            return header.getCallId();
        }

        private ByteString message() {
            return header.getSidecarOffsetsCount() == 0 ? main : main.substring(0, header.getSidecarOffsets(0));
        }

        WriteRequestPB echoed() throws IOException {
            if (header.getIsError()) {
                throw new AssertionError("call " + callId() + " failed: " + error());
            }
            return WriteRequestPB.parseFrom(message());
        }

        ErrorStatusPB error() throws IOException {
            if (!header.getIsError()) {
                throw new AssertionError("call " + callId() + " did not fail");
            }
            return ErrorStatusPB.parseFrom(main);
        }

        byte[] sidecar(int index) {
            int end = index + 1 == header.getSidecarOffsetsCount() ? main.size() : header.getSidecarOffsets(index + 1);
            return main.substring(header.getSidecarOffsets(index), end).toByteArray();
        }
    }
}
