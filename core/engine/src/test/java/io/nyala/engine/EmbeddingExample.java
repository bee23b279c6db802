package io.nyala.engine;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import java.nio.file.Path;

/** What the README shows of embedding, compiled and run by a test. */
final class EmbeddingExample {
    private EmbeddingExample() {}

    /** Writes some readings into a directory and answers the sum of the hot ones. */
    static double run(Path directory) {
        // example: begin
        Schema schema = Schema.of(
                Column.key("sensor", ColumnType.STRING),
                Column.key("time", ColumnType.UNIXTIME_MICROS),
                Column.of("celsius", ColumnType.DOUBLE).nullable());
        double sum = 0;
        try (Engine engine = Engine.open(EngineConfig.in(directory))) {
            Table readings = engine.createTable("readings", schema);
            try (WriteBatch batch = readings.newBatch()) {
                for (long second = 0; second < 60; second++) {
                    batch.rows().start(OperationKind.INSERT);
                    batch.rows()
                            .setString(0, "roof")
                            .setLong(1, second * 1_000_000)
                            .setDouble(2, 20.0 + second);
                    batch.rows().end();
                }
                batch.commit().orThrow(); // Durable from here on.
            }
            Predicate hot = Predicate.atLeast(schema, "celsius", 75.0);
            try (Scan scan = readings.scan().project("celsius").where(hot).open()) {
                while (scan.next()) {
                    for (int row = 0; row < scan.batch().rowCount(); row++) {
                        sum += scan.batch().column(0).getDouble(row);
                    }
                }
            }
        }
        // example: end
        return sum;
    }
}
