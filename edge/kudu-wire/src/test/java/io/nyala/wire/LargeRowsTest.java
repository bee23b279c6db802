package io.nyala.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Goal: a row that no batch can hold is refused, and no other of its request. Method: rows with so many of the longest
 * cells that they fit, just fit and do not fit, read batch by batch.
 */
final class LargeRowsTest {
    /** So many of the longest cells are a batch, and leave no room for what belongs to the row. */
    private static final int CELLS = Limits.BATCH_BYTES_MAX / Limits.CELL_BYTES_MAX;

    private static final Schema SCHEMA = schema();

    private static Schema schema() {
        List<Column> columns = new ArrayList<>(List.of(Column.key("k", ColumnType.INT32)));
        for (int i = 0; i < CELLS; i++) {
            columns.add(Column.of("v" + i, ColumnType.BINARY).nullable());
        }
        return Schema.of(columns);
    }

    private static byte[] @Nullable [] row(int longCells) {
        byte[] @Nullable [] cells = new byte[SCHEMA.columnCount()][];
        cells[0] = new byte[Integer.BYTES];
        Arrays.fill(cells, 1, 1 + longCells, new byte[Limits.CELL_BYTES_MAX]);
        return cells;
    }

    /** All rows of its request were refused, also those that were in order. */
    @Test
    void aRowThatIsLargerThanABatchHasAnErrorAndTheOthersHaveNone() {
        WireRows rows = new WireRows(SCHEMA.columns())
                .add(1, row(0))
                .add(1, row(CELLS))
                .add(1, row(1))
                .add(1, row(CELLS - 1));
        byte[] bytes = rows.request().toByteArray();
        WriteRequestReader request = new WriteRequestReader();
        request.read(MemorySegment.ofArray(bytes), 0, bytes.length);
        RowOperationsReader reader = new RowOperationsReader();
        reader.start(request, SCHEMA);
        List<String> parts = new ArrayList<>();
        try (TestMemory memory = new TestMemory(24 << 20);
                OperationBatch batch = new OperationBatch(new RowLayout(SCHEMA), memory.account())) {
            while (reader.hasMore()) {
                batch.clear();
                reader.fill(batch);
                parts.add(reader.firstRow() + ": " + batch.acceptedCount());
                batch.errors().forEach(error -> parts.add(error.operationIndex() + " " + error.message()));
            }
        }
        assertEquals(
                List.of("0: 1", "1: 1", "0 row too large (more than 8388608 bytes, with what belongs to it)", "3: 1"),
                parts);
        assertEquals(4, reader.rowsInAll());
    }
}
