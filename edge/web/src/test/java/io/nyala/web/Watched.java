package io.nyala.web;

import io.nyala.engine.Engine;
import io.nyala.engine.EngineConfig;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** An engine with pages, for tests. */
final class Watched implements AutoCloseable {
    /** What no page may take for a tag, an attribute or the end of a text. */
    static final String NASTY = "<script>alert(\"x\")</script>'&amp;\u202Egnp\\";

    static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.STRING),
            Column.of("value", ColumnType.INT64).comment(NASTY),
            Column.of("no<te", ColumnType.STRING).nullable().defaultValue(NASTY));

    final Engine engine;
    final WebServer server;

    private Watched(Engine engine, WebServer server) {
        this.engine = engine;
        this.server = server;
    }

    static Watched open(Path directory) {
        return open(directory, WebConfig.at("127.0.0.1", 0), List.of());
    }

    static Watched open(Path directory, WebConfig config, List<OpenScanner> scanners) {
        Engine engine = Engine.open(EngineConfig.in(directory)
                .withMemoryBytes(192 << 20)
                .withLogSegmentBytes(16 << 20)
                .withAutomaticMerges(false)); // Pages say the same each time.
        return new Watched(engine, WebServer.start(engine, config, host(scanners)));
    }

    static WebHost host(List<OpenScanner> scanners) {
        return new WebHost() {
            @Override
            public String version() {
                return "1.2 <b>";
            }

            @Override
            public Map<String, String> addresses() {
                return Map.of("master", "127.0.0.1:7051");
            }

            @Override
            public List<OpenScanner> scanners() {
                return scanners;
            }

            @Override
            public String tabletId(long number) {
                return "00tablet" + number;
            }
        };
    }

    static void write(Table table, OperationKind kind, String prefix, int from, int to) {
        try (WriteBatch batch = table.newBatch()) {
            for (int i = from; i < to; i++) {
                batch.rows().start(kind).setString(0, prefix + "%05d".formatted(i));
                if (kind != OperationKind.DELETE) {
                    batch.rows().setLong(1, i);
                }
                batch.rows().end();
            }
            batch.commit().orThrow();
        }
    }

    @Override
    public void close() {
        server.close();
        engine.close();
    }
}
