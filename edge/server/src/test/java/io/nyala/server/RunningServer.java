package io.nyala.server;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireRows;
import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.protocol.Common.PartitionSchemaPB;
import io.nyala.protocol.Common.PartitionSchemaPB.ColumnIdentifierPB;
import io.nyala.protocol.Common.PartitionSchemaPB.HashBucketSchemaPB;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.protocol.master.Master.CreateTableRequestPB;
import io.nyala.protocol.master.Master.CreateTableResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.Schema;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A server over an engine of its own, at any ports, and a client of each port. One thread. */
final class RunningServer implements AutoCloseable {
    private final Engine engine;
    private final NyalaServer server;
    private final WireClient master;
    private final WireClient tablets;

    private RunningServer(Path directory, ServerConfig config) throws IOException {
        engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(256 << 20).withLogSegmentBytes(16 << 20));
        server = NyalaServer.start(engine, config.withMasterPort(0).withTabletServerPort(0));
        master = WireClient.of(server.masterAddress());
        tablets = WireClient.of(server.tabletServerAddress());
    }

    static RunningServer in(Path directory) throws IOException {
        return in(directory, ServerConfig.standard());
    }

    static RunningServer in(Path directory, ServerConfig config) throws IOException {
        int hour = (int) Duration.ofHours(1).toMillis(); // A scanner that a test forgets must not go by itself.
        return new RunningServer(directory, config.withScannerMillis(hour));
    }

    Engine engine() {
        return engine;
    }

    String masterAddress() {
        return server.masterAddress();
    }

    String tabletServerAddress() {
        return server.tabletServerAddress();
    }

    /** What clients have of it now. */
    ServerUse use() {
        return server.use();
    }

    /** A client of the master. */
    WireClient master() {
        return master;
    }

    /** A client of the tablet server. */
    WireClient tablets() {
        return tablets;
    }

    /** What a client sends to have a table of one replica, hashed by the first column. */
    static CreateTableRequestPB creation(String name, Schema schema, int buckets) {
        SchemaPB.Builder columns = WireRows.view(schema.columns()).toBuilder();
        PartitionSchemaPB.Builder partitions = PartitionSchemaPB.newBuilder();
        if (buckets > 1) {
            Column first = schema.column(0);
            partitions.addHashSchema(HashBucketSchemaPB.newBuilder()
                    .addColumns(ColumnIdentifierPB.newBuilder().setName(first.name()))
                    .setNumBuckets(buckets));
        }
        return CreateTableRequestPB.newBuilder()
                .setName(name)
                .setSchema(columns)
                .setPartitionSchema(partitions)
                .setNumReplicas(1)
                .build();
    }

    /** Makes a table over the wire. */
    Table create(String name, Schema schema, int buckets) throws IOException {
        CreateTableResponsePB answer = master.call(WireClient.MASTER, "CreateTable", creation(name, schema, buckets))
                .message(CreateTableResponsePB.parser());
        if (answer.hasError()) {
            throw new AssertionError(answer);
        }
        return engine.table(name).orElseThrow();
    }

    /** Ids of its tablets on the wire. */
    List<String> tabletIds(Table table) {
        ServerIds ids = new ServerIds(engine.hostId());
        return table.tablets().stream().map(tablet -> ids.tablet(tablet.id())).toList();
    }

    /** The id of its first tablet. */
    ByteString tabletId(Table table) {
        return ByteString.copyFromUtf8(tabletIds(table).getFirst());
    }

    @Override
    public void close() throws IOException {
        try (engine;
                server;
                master;
                tablets) {
            // In the reverse order, whatever fails.
        }
    }
}
