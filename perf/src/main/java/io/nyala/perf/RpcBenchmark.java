package io.nyala.perf;

import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.master.Master.GetTableLocationsRequestPB;
import io.nyala.protocol.master.Master.GetTableLocationsResponsePB;
import io.nyala.protocol.master.Master.TableIdentifierPB;
import io.nyala.protocol.rpc.RpcHeader.AuthenticationTypePB;
import io.nyala.protocol.rpc.RpcHeader.ConnectionContextPB;
import io.nyala.protocol.rpc.RpcHeader.NegotiatePB;
import io.nyala.protocol.rpc.RpcHeader.RemoteMethodPB;
import io.nyala.protocol.rpc.RpcHeader.RequestHeader;
import io.nyala.protocol.rpc.RpcHeader.ResponseHeader;
import io.nyala.protocol.tserver.Tserver.PingRequestPB;
import io.nyala.protocol.tserver.Tserver.PingResponsePB;
import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.server.NyalaServer;
import io.nyala.server.ServerConfig;
import io.nyala.wire.WireSchema;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Calls of one client to the server of this process over the loopback, one after the other: a Ping, which does nothing,
 * and a Write of one new row, which is durable when it is answered. The client allocates nothing, so the bytes per call
 * are the server's. A score is microseconds per call; a Ping is what the way there and back costs, and a Write waits
 * for the device as well.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgsAppend = "-Dnyala.kernels=vector")
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 4, time = 2)
public class RpcBenchmark {
    private static final String TABLET_SERVER = "kudu.tserver.TabletServerService";
    private static final Schema SCHEMA = Schema.of(Column.key("k", ColumnType.INT64), Column.of("v", ColumnType.INT64));

    /** Stands for the key in the bytes of the call. */
    private static final long KEY = 0x1122_3344_5566_7788L;

    private final Running running = Running.start();

    @Benchmark
    public int ping() throws IOException {
        return running.client.call(running.ping);
    }

    @Benchmark
    public int writeOneRow() throws IOException {
        return running.writeOneRow();
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        running.close();
    }

    /** A server with one table, and a client of it with its calls. */
    private static final class Running implements AutoCloseable {
        private final Path directory;
        private final Engine engine;
        private final NyalaServer server;
        private final RawConnection client;
        private final ByteBuffer ping;
        private final ByteBuffer write;
        private final int keyOffset;
        private long nextKey;

        private Running() throws IOException {
            directory = Files.createTempDirectory(LineItems.temporary(), "nyala-perf");
            engine = Engine.open(EngineConfig.in(directory).withMemoryBytes(512L << 20));
            engine.createTable("calls", SCHEMA);
            server = NyalaServer.start(
                    engine, ServerConfig.standard().withMasterPort(0).withTabletServerPort(0));
            client = new RawConnection(server.tabletServerAddress());
            ping = RawConnection.frame(TABLET_SERVER, "Ping", PingRequestPB.getDefaultInstance());
            write = RawConnection.frame(TABLET_SERVER, "Write", request(tabletId(server.masterAddress())));
            write.order(ByteOrder.LITTLE_ENDIAN);
            int offset = 0;
            while (write.getLong(offset) != KEY) {
                offset++;
            }
            keyOffset = offset;
        }

        static Running start() {
            try {
                Running running = new Running();
                running.check();
                return running;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** That what is measured is no error. */
        private void check() throws IOException {
            client.call(ping);
            client.answer(PingResponsePB.parser());
            writeOneRow();
            WriteResponsePB answer = client.answer(WriteResponsePB.parser());
            if (answer.hasError() || answer.getPerRowErrorsCount() > 0) {
                throw new IllegalStateException("the row is not in: " + answer);
            }
        }

        int writeOneRow() throws IOException {
            write.putLong(keyOffset, nextKey++);
            return client.call(write);
        }

        @Override
        public void close() throws IOException {
            client.close();
            server.close();
            engine.close();
            LineItems.delete(directory);
        }
    }

    private static ByteString tabletId(String masterAddress) throws IOException {
        try (RawConnection master = new RawConnection(masterAddress)) {
            master.call(RawConnection.frame(
                    "kudu.master.MasterService",
                    "GetTableLocations",
                    GetTableLocationsRequestPB.newBuilder()
                            .setTable(TableIdentifierPB.newBuilder().setTableName("calls"))
                            .build()));
            return master.answer(GetTableLocationsResponsePB.parser())
                    .getTabletLocations(0)
                    .getTabletId();
        }
    }

    private static WriteRequestPB request(ByteString tabletId) {
        ByteBuffer row = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        row.put((byte) RowOperationsPB.Type.INSERT_VALUE).put((byte) 0b11);
        row.putLong(KEY).putLong(1);
        SchemaPB.Builder view = SchemaPB.newBuilder();
        for (Column column : SCHEMA.columns()) {
            view.addColumns(WireSchema.toProto(column).toBuilder().clearId());
        }
        return WriteRequestPB.newBuilder()
                .setTabletId(tabletId)
                .setSchema(view)
                .setRowOperations(RowOperationsPB.newBuilder().setRows(ByteString.copyFrom(row.flip())))
                .build();
    }

    /**
     * A client of Kudu's protocol that costs next to nothing: its calls are bytes that were made before, and answers
     * are passed over. What is measured through it is the server. One call at a time; one thread.
     */
    private static final class RawConnection implements AutoCloseable {
        private static final byte[] START = {'h', 'r', 'p', 'c', 9, 0, 0};
        private static final int NEGOTIATE_CALL_ID = -33;
        private static final int CONTEXT_CALL_ID = -3;
        private static final int ANSWER_BYTES_MAX = 64 << 10;

        private final SocketChannel channel;
        private final ByteBuffer answer = ByteBuffer.allocateDirect(ANSWER_BYTES_MAX);

        /** @param address host:port */
        RawConnection(String address) throws IOException {
            int colon = address.lastIndexOf(':');
            channel = SocketChannel.open(
                    new InetSocketAddress(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))));
            channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
            introduce();
        }

        private void introduce() throws IOException {
            NegotiatePB hello = NegotiatePB.newBuilder()
                    .setStep(NegotiatePB.NegotiateStep.NEGOTIATE)
                    .addAuthnTypes(
                            AuthenticationTypePB.newBuilder().setSasl(AuthenticationTypePB.Sasl.getDefaultInstance()))
                    .build();
            NegotiatePB plain = NegotiatePB.newBuilder()
                    .setStep(NegotiatePB.NegotiateStep.SASL_INITIATE)
                    .setToken(ByteString.copyFrom("\0perf\0", StandardCharsets.UTF_8))
                    .addSaslMechanisms(NegotiatePB.SaslMechanism.newBuilder().setMechanism("PLAIN"))
                    .build();
            send(ByteBuffer.wrap(START));
            send(frame(RequestHeader.newBuilder().setCallId(NEGOTIATE_CALL_ID), hello));
            receive();
            send(frame(RequestHeader.newBuilder().setCallId(NEGOTIATE_CALL_ID), plain));
            receive();
            send(frame(
                    RequestHeader.newBuilder().setCallId(CONTEXT_CALL_ID), ConnectionContextPB.getDefaultInstance()));
        }

        /** A call, to be sent as often as one likes. */
        static ByteBuffer frame(String service, String method, MessageLite message) throws IOException {
            return frame(
                    RequestHeader.newBuilder()
                            .setCallId(0)
                            .setRemoteMethod(RemoteMethodPB.newBuilder()
                                    .setServiceName(service)
                                    .setMethodName(method)),
                    message);
        }

        private static ByteBuffer frame(RequestHeader.Builder header, MessageLite message) throws IOException {
            ByteArrayOutputStream content = new ByteArrayOutputStream();
            header.build().writeDelimitedTo(content);
            CodedOutputStream length = CodedOutputStream.newInstance(content);
            length.writeUInt32NoTag(message.getSerializedSize());
            length.flush();
            message.writeTo(content);
            return ByteBuffer.allocateDirect(Integer.BYTES + content.size())
                    .putInt(content.size())
                    .put(content.toByteArray())
                    .flip();
        }

        /** Sends a call, and waits for the answer; its length. */
        int call(ByteBuffer frame) throws IOException {
            send(frame);
            return receive();
        }

        private void send(ByteBuffer frame) throws IOException {
            frame.rewind();
            while (frame.hasRemaining()) {
                channel.write(frame);
            }
        }

        private int receive() throws IOException {
            answer.clear().limit(Integer.BYTES);
            fill();
            int bytes = answer.getInt(0);
            answer.clear().limit(bytes);
            fill();
            return bytes;
        }

        private void fill() throws IOException {
            while (answer.hasRemaining()) {
                if (channel.read(answer) < 0) {
                    throw new EOFException("the server has closed the connection");
                }
            }
        }

        /** The answer that came last, which must be one without sidecars and no error. */
        <M extends MessageLite> M answer(Parser<M> parser) throws IOException {
            byte[] bytes = new byte[answer.flip().limit()];
            answer.get(bytes);
            CodedInputStream stream = CodedInputStream.newInstance(bytes);
            ResponseHeader header = ResponseHeader.parseFrom(stream.readByteArray());
            byte[] message = stream.readByteArray();
            if (header.getIsError()) {
                throw new IOException("the call failed: " + new String(message, StandardCharsets.ISO_8859_1));
            }
            return parser.parseFrom(message);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
