package io.nyala.engine;

import static io.nyala.rows.OperationKind.INSERT;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.nio.file.Path;

/** A table on real threads and a real disk, whose commits and scans are measured, and rows for it. */
final class MeasuredTable implements AutoCloseable {
    static final int BATCH_ROWS = 1000;

    /** Sixteen bytes for every tenth of them would be seen. */
    static final int ROWS = 40 * BATCH_ROWS;

    static final Schema SCHEMA = Schema.of(
            Column.key("order_key", ColumnType.INT64),
            Column.key("line", ColumnType.INT32),
            Column.of("price", ColumnType.DOUBLE),
            Column.of("ship_date", ColumnType.DATE),
            Column.of("quantity", ColumnType.INT64).nullable(),
            Column.of("comment", ColumnType.STRING));

    private static final byte[] COMMENT = "carefully final deposits".getBytes(UTF_8);

    final Engine engine;
    final Table table;

    /** Of the row that is put next. */
    long nextKey;

    MeasuredTable(Path directory) {
        engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(512 << 20).withLogSegmentBytes(16 << 20));
        table = engine.createTable("t", SCHEMA);
    }

    @Override
    public void close() {
        engine.close();
    }

    void fill() {
        try (WriteBatch batch = table.newBatch()) {
            while (nextKey < ROWS) {
                commit(batch, INSERT);
            }
        }
    }

    /** As {@link #fill}, and brings the rows to disk. */
    void fillDisk() {
        fill();
        table.flush().join();
    }

    void commit(WriteBatch batch, OperationKind kind) {
        put(batch, kind, BATCH_ROWS);
        batch.commit().orThrow();
    }

    void put(WriteBatch batch, OperationKind kind, int rows) {
        for (int i = 0; i < rows; i++) {
            long key = nextKey++;
            batch.rows()
                    .start(kind)
                    .setLong(0, key >> 2)
                    .setInt(1, (int) (key & 3))
                    .setDouble(2, key * 0.25)
                    .setInt(3, (int) (key % 1000));
            if (key % 8 != 0) {
                batch.rows().setLong(4, key % 50);
            }
            batch.rows().setBytes(5, COMMENT, 0, 10 + (int) (key % 14)).end();
        }
    }
}
