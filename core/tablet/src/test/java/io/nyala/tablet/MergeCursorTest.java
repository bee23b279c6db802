package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: several inputs in key order come out as one, whether they overlap, follow one another, or both by turns.
 * Method: the numbers from 0 on are dealt to inputs in runs of random length, which yield them in batches of random
 * size.
 */
final class MergeCursorTest {
    private static final Schema SCHEMA = Schema.of(Column.key("id", ColumnType.INT64));
    private static final ValueLayout.OfLong KEY = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int ROWS = 20_000;

    @RepeatedTest(20)
    void yieldsAllRowsInOrder(@Seed SplittableRandom random) {
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
                MemoryAccount account = budget.account("test", 0)) {
            Slab key = account.take(Long.BYTES);
            List<RowCursor> inputs = new ArrayList<>();
            for (List<Long> rows : deal(random)) {
                inputs.add(new Numbers(rows, random.split(), key.segment()));
            }
            ScanSpec spec = ScanSpec.all(SCHEMA, 1).withKeyOrder(true);
            try (ColumnBatch batch = ColumnBatch.of(spec, account);
                    RowCursor merged = new MergeCursor(inputs, spec, account)) {
                long expected = 0;
                while (merged.next(batch)) {
                    for (int i = 0; i < batch.rowCount(); i++) {
                        assertEquals(expected, batch.column(0).getLong(i));
                        expected++;
                    }
                }
                assertEquals(ROWS, expected);
            }
            account.giveBack(key);
        }
    }

    private static List<List<Long>> deal(SplittableRandom random) {
        List<List<Long>> inputs = new ArrayList<>();
        int count = 1 + random.nextInt(5);
        for (int i = 0; i < count; i++) {
            inputs.add(new ArrayList<>());
        }
        int runMax = 1 << random.nextInt(14);
        int run = 0;
        int input = 0;
        for (long row = 0; row < ROWS; row++) {
            if (run == 0) {
                run = 1 + random.nextInt(runMax);
                input = random.nextInt(count);
            }
            run--;
            inputs.get(input).add(row);
        }
        return inputs;
    }

    private static final class Numbers implements RowCursor {
        private final List<Long> rows;
        private final SplittableRandom random;
        private final MemorySegment key;
        private int next;

        Numbers(List<Long> rows, SplittableRandom random, MemorySegment key) {
            this.rows = rows;
            this.random = random;
            this.key = key;
        }

        @Override
        public boolean next(ColumnBatch target) {
            target.clear();
            int count = Math.min(rows.size() - next, 1 + random.nextInt(Limits.VECTOR_ROWS));
            for (int i = 0; i < count; i++) {
                long row = rows.get(next++);
                key.set(KEY, 0, row);
                target.column(0).setLong(i, row);
                target.keys().setBytes(i, key, 0, Long.BYTES);
            }
            target.rowCount(count);
            return count > 0;
        }

        @Override
        public void close() {}
    }
}
