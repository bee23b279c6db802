package io.nyala.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Batches of cells as they are on the wire. */
final class Batches {
    private Batches() {}

    /** Rows of the columns, NULL among them where it may be. */
    static List<byte[] @Nullable []> rows(SplittableRandom random, List<Column> columns, int count) {
        boolean manyNulls = random.nextBoolean();
        List<byte[] @Nullable []> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            byte[] @Nullable [] cells = new byte[columns.size()][];
            for (int c = 0; c < cells.length; c++) {
                boolean isNull = columns.get(c).isNullable() && random.nextInt(manyNulls ? 3 : 200) == 0;
                cells[c] = isNull ? null : RandomData.cell(random, columns.get(c));
            }
            rows.add(cells);
        }
        return rows;
    }

    /** Puts the rows into the batch; what lies under a NULL of fixed width is not zero. */
    static void fill(ColumnBatch batch, List<byte[] @Nullable []> rows) {
        batch.clear();
        for (int c = 0; c < batch.columnCount(); c++) {
            ColumnVector vector = batch.column(c);
            for (int i = 0; i < rows.size(); i++) {
                byte @Nullable [] cell = rows.get(i)[c];
                if (cell == null) {
                    vector.setNull(i);
                    if (!vector.type().isVariable()) {
                        int bytes = vector.type().cellBytes();
                        vector.values().asSlice((long) i * bytes, bytes).fill((byte) 0xa5);
                    }
                } else {
                    set(vector, i, cell);
                }
            }
        }
        batch.rowCount(rows.size());
    }

    private static void set(ColumnVector vector, int row, byte[] cell) {
        MemorySegment source = MemorySegment.ofArray(cell);
        if (vector.type().isVariable()) {
            vector.setBytes(row, source, 0, cell.length);
            return;
        }
        MemorySegment.copy(source, 0, vector.values(), (long) row * cell.length, cell.length);
        byte valid = vector.validity().get(JAVA_BYTE, row >> 3);
        vector.validity().set(JAVA_BYTE, row >> 3, (byte) (valid | 1 << (row & 7)));
    }
}
