package io.nyala.cursor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyRange;
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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: several inputs in key order come out as one, whether they overlap, follow one another, or both by turns.
 * Method: the numbers from 0 on are dealt to inputs in runs of random length, which yield them in batches of random
 * size, now and then an empty one, with text of a length that follows from the number; closed at the end or midway.
 * Memory that is left is an error, and so is a merge that goes on after an input came back with nothing.
 */
final class MergeCursorTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT64), Column.of("text", ColumnType.BINARY));
    private static final ValueLayout.OfLong KEY = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final MemorySegment KEY_BYTES = MemorySegment.ofArray(new byte[Long.BYTES]);
    private static final int ROWS = 20_000;

    /** Larger than what a column of a batch takes for {@link Limits#VECTOR_ROWS} rows. */
    private static final int WIDE_TEXT_BYTES = 4_000;

    @RepeatedTest(20)
    void yieldsAllRowsInOrder(@Seed SplittableRandom random) {
        assertEquals(ROWS, merge(random, ROWS, random.nextInt(20)));
    }

    /** As many as have small batches, some of which follow one another without overlap. */
    @RepeatedTest(3)
    void yieldsAllRowsOfManyInputsInOrder(@Seed SplittableRandom random) {
        List<List<Long>> inputs = deal(random, ROWS, 100 + random.nextInt(300));
        assertEquals(ROWS, merge(random, inputs, random.nextInt(20), Integer.MAX_VALUE));
    }

    @RepeatedTest(5)
    void endsBatchesWhereTheirStringsAreFull(@Seed SplittableRandom random) {
        assertEquals(3_000, merge(random, 3_000, WIDE_TEXT_BYTES));
    }

    @RepeatedTest(10)
    void givesEverythingBackWhenClosedMidway(@Seed SplittableRandom random) {
        int stopAt = random.nextInt(ROWS);
        long yielded = merge(random, ROWS, random.nextInt(20), stopAt);
        assertTrue(yielded >= stopAt, yielded + " rows");
    }

    @Test
    void hasNoRowsWhereNoInputHas(@Seed SplittableRandom random) {
        assertEquals(0, merge(random, 0, 10));
    }

    private static long merge(SplittableRandom random, int rows, int textBytes) {
        return merge(random, rows, textBytes, Integer.MAX_VALUE);
    }

    private static long merge(SplittableRandom random, int rows, int textBytes, int stopAt) {
        return merge(random, deal(random, rows, 1 + random.nextInt(5)), textBytes, stopAt);
    }

    /** Checks the order of the rows up to a batch that reaches {@code stopAt}; answers how many came. */
    private static long merge(SplittableRandom random, List<List<Long>> deals, int textBytes, int stopAt) {
        var closed = new AtomicInteger();
        var emptyBatches = new AtomicInteger();
        long expected = 0;
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
                MemoryAccount account = budget.account("test", 0)) {
            Slab cells = account.take(Math.max(Long.BYTES, textBytes));
            List<RowCursor> inputs = new ArrayList<>();
            for (List<Long> dealt : deals) {
                inputs.add(new Numbers(dealt, textBytes, random.split(), cells.segment(), closed, emptyBatches));
            }
            ScanSpec spec = ScanSpec.all(SCHEMA, 1).withKeyOrder(true);
            try (ColumnBatch batch = ColumnBatch.of(spec, account);
                    RowCursor merged = new MergeCursor(inputs, spec, account)) {
                int emptyBefore = 0;
                while (expected < stopAt && merged.next(batch)) {
                    int emptyNow = emptyBatches.get();
                    assertTrue(emptyNow <= emptyBefore + 1, (emptyNow - emptyBefore) + " empty batches in one call");
                    emptyBefore = emptyNow;
                    for (int i = 0; i < batch.rowCount(); i++) {
                        assertEquals(expected, batch.column(0).getLong(i));
                        assertEquals(expected % (textBytes + 1), batch.column(1).variableBytes(i));
                        expected++;
                    }
                }
            }
            assertEquals(inputs.size(), closed.get());
            account.giveBack(cells);
        }
        return expected;
    }

    /** Rows that changed and match nothing at the end of an interval are read as far as a merge, and go no further. */
    @Test
    void comesBackWhereNoRowOfManyMatches() {
        var read = new AtomicLong();
        RowCursor unmatched = new RowCursor() {
            @Override
            public boolean next(ColumnBatch target) {
                target.clear();
                if (read.get() > 10L * RowCursor.LOOKS_MAX * Limits.VECTOR_ROWS) {
                    return false;
                }
                for (int i = 0; i < Limits.VECTOR_ROWS; i++) {
                    KEY_BYTES.set(KEY, 0, read.getAndIncrement());
                    target.keys().setBytes(i, KEY_BYTES, 0, Long.BYTES);
                }
                target.rowCount(Limits.VECTOR_ROWS);
                for (int i = 0; i < Limits.VECTOR_ROWS; i++) {
                    target.setFate(i, ColumnBatch.UNMATCHED);
                }
                return true;
            }

            @Override
            public void close() {}
        };
        ScanSpec spec = ScanSpec.all(SCHEMA, 2).withProjection(List.of()).withStart(1);
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
                MemoryAccount account = budget.account("test", 0);
                ColumnBatch batch = ColumnBatch.of(spec, account);
                RowCursor merged = new MergeCursor(List.of(unmatched), spec, account)) {
            for (int calls = 1; calls <= 3; calls++) {
                assertTrue(merged.next(batch));
                assertTrue(batch.isEmpty());
                assertTrue(read.get() <= (RowCursor.LOOKS_MAX + 1L) * Limits.VECTOR_ROWS * calls, read + " rows");
            }
        }
    }

    /** Inputs that lie one behind the other are read one by one, however many there are. */
    @Test
    void anInputTakesNothingBeforeItsTurnAndNothingAfterwards(@Seed SplittableRandom random) {
        int inputCount = 500;
        int rowsEach = 10;
        var closed = new AtomicInteger();
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
                MemoryAccount account = budget.account("test", 0)) {
            Slab cells = account.take(Long.BYTES);
            List<Numbers> inputs = new ArrayList<>();
            for (long i = 0; i < inputCount; i++) {
                List<Long> rows = LongStream.range(i * rowsEach, (i + 1) * rowsEach)
                        .boxed()
                        .toList();
                inputs.add(new Numbers(rows, 0, random.split(), cells.segment(), closed, new AtomicInteger()));
                inputs.getLast().hasKeyRange = true;
            }
            ScanSpec spec = ScanSpec.all(SCHEMA, 1).withKeyOrder(true);
            try (ColumnBatch batch = ColumnBatch.of(spec, account);
                    RowCursor merged = new MergeCursor(List.copyOf(inputs), spec, account)) {
                for (long expected = 0; merged.next(batch); expected += batch.rowCount()) {
                    long end = expected + batch.rowCount();
                    long openCount =
                            inputs.stream().filter(input -> input.isOpen).count();
                    assertTrue(openCount <= 2, openCount + " inputs are open after row " + end);
                    assertTrue(closed.get() >= end / rowsEach - 2, closed.get() + " are closed after row " + end);
                }
            }
            assertEquals(inputCount, closed.get());
            account.giveBack(cells);
            assertTrue(budget.peakBytes() < 256 << 10, budget.peakBytes() + " bytes");
        }
    }

    private static List<List<Long>> deal(SplittableRandom random, int rows, int count) {
        List<List<Long>> inputs = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            inputs.add(new ArrayList<>());
        }
        int runMax = 1 << random.nextInt(14);
        int run = 0;
        int input = 0;
        for (long row = 0; row < rows; row++) {
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
        private final int textBytes;
        private final SplittableRandom random;
        private final MemorySegment cells;
        private final AtomicInteger closed;
        private final AtomicInteger emptyBatches;
        private boolean hasKeyRange;
        private boolean isOpen;
        private int next;

        Numbers(
                List<Long> rows,
                int textBytes,
                SplittableRandom random,
                MemorySegment cells,
                AtomicInteger closed,
                AtomicInteger emptyBatches) {
            this.rows = rows;
            this.textBytes = textBytes;
            this.random = random;
            this.cells = cells;
            this.closed = closed;
            this.emptyBatches = emptyBatches;
            this.hasKeyRange = random.nextBoolean();
        }

        @Override
        public KeyRange keyRange() {
            if (!hasKeyRange || rows.isEmpty()) {
                return KeyRange.ALL;
            }
            return new KeyRange(key(rows.getFirst()), key(rows.getLast() + 1));
        }

        private static byte[] key(long row) {
            byte[] key = new byte[Long.BYTES];
            MemorySegment.ofArray(key).set(KEY, 0, row);
            return key;
        }

        @Override
        public boolean next(ColumnBatch target) {
            isOpen = true;
            target.clear();
            if (random.nextInt(4) == 0) {
                emptyBatches.incrementAndGet();
                return true;
            }
            int countMax = Math.min(rows.size() - next, 1 + random.nextInt(target.rowsMax()));
            int count = 0;
            while (count < countMax) {
                long row = rows.get(next);
                int bytes = (int) (row % (textBytes + 1));
                if (!target.column(1).fits(count, bytes)) {
                    break;
                }
                cells.set(KEY, 0, row);
                target.column(0).setLong(count, row);
                target.keys().setBytes(count, cells, 0, Long.BYTES);
                target.column(1).setBytes(count, cells, 0, bytes);
                next++;
                count++;
            }
            target.rowCount(count);
            return count > 0;
        }

        @Override
        public void close() {
            isOpen = false;
            closed.incrementAndGet();
        }
    }
}
