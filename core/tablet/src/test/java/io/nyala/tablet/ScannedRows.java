package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.Cells;
import io.nyala.simulation.RowKey;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What is left of a scan of all rows, by their keys; no row may be there twice. Stateless. */
final class ScannedRows {
    private ScannedRows() {}

    static NavigableMap<RowKey, List<@Nullable Object>> of(
            RowCursor cursor, Schema schema, long snapshot, MemoryAccount account) {
        NavigableMap<RowKey, List<@Nullable Object>> found = new TreeMap<>();
        try (ColumnBatch batch = ColumnBatch.of(ScanSpec.all(schema, snapshot), account)) {
            while (cursor.next(batch)) {
                for (int row = 0; row < batch.rowCount(); row++) {
                    List<@Nullable Object> values = new ArrayList<>();
                    for (int column = 0; column < schema.columnCount(); column++) {
                        values.add(Cells.read(batch.column(column), row));
                    }
                    Object twin = found.put(RowKey.of(values, schema.keyColumnCount()), values);
                    assertTrue(twin == null, () -> "a row is there twice: " + values);
                }
            }
        }
        return found;
    }
}
