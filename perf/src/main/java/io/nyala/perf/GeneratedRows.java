package io.nyala.perf;

import io.nyala.engine.WriteBatch;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Rows as Kudu's load generator makes them: a key of 8 bytes, an INT32, a string of 32 bytes; and wider ones, in which
 * INT64, INT32, DOUBLE and such strings follow in turn. One thread.
 */
final class GeneratedRows {
    /** Those of Kudu's load generator. */
    static final int COLUMNS_USUAL = 3;

    private static final List<ColumnType> MORE =
            List.of(ColumnType.INT64, ColumnType.INT32, ColumnType.DOUBLE, ColumnType.STRING);

    private final Schema schema;
    private final byte[] text = "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    GeneratedRows(int columnCount) {
        List<Column> columns = new ArrayList<>(List.of(
                Column.key("key", ColumnType.INT64),
                Column.of("int_val", ColumnType.INT32),
                Column.of("string_val", ColumnType.STRING)));
        for (int i = COLUMNS_USUAL; i < columnCount; i++) {
            columns.add(Column.of("more_" + i, MORE.get(i % MORE.size())));
        }
        schema = Schema.of(columns.toArray(Column[]::new));
    }

    Schema schema() {
        return schema;
    }

    /** Adds a row to a batch; {@code value} is what its cells are made from. */
    void put(WriteBatch batch, OperationKind kind, long key, int value) {
        text[value & 31] = (byte) ('a' + (value >>> 5 & 15));
        OperationBatch row =
                batch.rows().start(kind).setLong(0, key).setLong(1, value).setBytes(2, text, 0, text.length);
        for (int i = COLUMNS_USUAL; i < schema.columns().size(); i++) {
            switch (schema.columns().get(i).type()) {
                case DOUBLE -> row.setDouble(i, value / 100.0);
                case STRING -> row.setBytes(i, text, 0, text.length);
                default -> row.setLong(i, value + i);
            }
        }
        row.end();
    }
}
