package io.nyala.perf;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyIntervals;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Rows of five columns put into a batch, and their keys (INT64, INT32) encoded from packed rows, beside the same bytes
 * written to a {@code ByteBuffer}. A score is nanoseconds per row.
 *
 * <p>And which of many intervals have a key, as a tablet asks which of its rowsets may: three on average, however many
 * there are. A score is nanoseconds per key, beside a look at each of them; or per change of what there is.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(RowsBenchmark.ROWS)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class RowsBenchmark {
    /** Of one batch. */
    static final int ROWS = 1_000;

    /** It takes long enough. */
    static final int KEYS_OF_EACH = 10;

    private static final ValueLayout.OfLong BIG_ENDIAN = ValueLayout.JAVA_LONG.withOrder(ByteOrder.BIG_ENDIAN);

    private static final String TEXT = "a text of some length";
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.key("line", ColumnType.INT32),
            Column.of("amount", ColumnType.DOUBLE),
            Column.of("count", ColumnType.INT64).nullable(),
            Column.of("text", ColumnType.STRING));

    private final byte[] text = TEXT.getBytes(StandardCharsets.UTF_8);
    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 64 << 20);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final RowLayout layout = new RowLayout(SCHEMA);
    private final KeyCodec keys = new KeyCodec(layout);
    private final OperationBatch batch = new OperationBatch(layout, account);
    private final OperationBatch filled = new OperationBatch(layout, account);
    private final MemorySegment target = MemorySegment.ofArray(new byte[64]);
    private final ByteBuffer bytes = ByteBuffer.allocate(256);

    @Setup(Level.Trial)
    public void fill() {
        putInto(filled);
    }

    private void putInto(OperationBatch rows) {
        for (int i = 0; i < ROWS; i++) {
            rows.start(OperationKind.INSERT)
                    .setLong(0, i)
                    .setInt(1, i & 7)
                    .setDouble(2, i / 4.0)
                    .setLong(3, -i)
                    .setBytes(4, text)
                    .end();
        }
    }

    /** Of keys of 8 bytes, and keys to be found in them, in no order. */
    @State(Scope.Thread)
    public static class Intervals {
        private static final int OVERLAP = 3;

        @Param({"10", "100", "1000", "10000"})
        public int intervals;

        private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 2 << 20);
        private final MemoryAccount account = budget.account("benchmark", 0);
        private final Slab keys = account.take((long) ROWS * Long.BYTES);
        private List<Interval> all = List.of();
        private KeyIntervals<Interval> index = KeyIntervals.of(all);

        @SuppressWarnings("ArrayRecordComponent") // Compared by what they are, not by what they have.
        private record Interval(byte[] minKey, byte[] maxKey) implements KeyIntervals.Bounded {
            static Interval of(long min, long max) {
                return new Interval(bytes(min), bytes(max));
            }

            private static byte[] bytes(long key) {
                return ByteBuffer.allocate(Long.BYTES).putLong(key).array();
            }
        }

        @Setup(Level.Trial)
        public void fill() {
            var random = new SplittableRandom(1);
            long space = 1L << 40;
            all = random.longs(intervals, 0, space)
                    .mapToObj(min -> Interval.of(min, min + OVERLAP * space / intervals))
                    .toList();
            index = KeyIntervals.of(all);
            for (long i = 0; i < ROWS; i++) {
                keys.segment().set(BIG_ENDIAN, i * Long.BYTES, random.nextLong(space));
            }
        }

        @TearDown(Level.Trial)
        public void close() {
            account.giveBack(keys);
            account.close();
            budget.close();
        }
    }

    @Benchmark
    public long findIntervals(Intervals state) {
        MemorySegment memory = state.keys.segment();
        long found = 0;
        for (long key = 0; key < ROWS * Long.BYTES; key += Long.BYTES) {
            int end = state.index.end(memory, key, Long.BYTES);
            int rank = state.index.rank(memory, key, Long.BYTES);
            for (int i = state.index.next(0, end, rank); i < end; i = state.index.next(i + 1, end, rank)) {
                found++;
            }
        }
        return found;
    }

    @Benchmark
    @OperationsPerInvocation(KEYS_OF_EACH)
    public long lookAtEachInterval(Intervals state) {
        MemorySegment memory = state.keys.segment();
        long found = 0;
        for (long key = 0; key < KEYS_OF_EACH * Long.BYTES; key += Long.BYTES) {
            for (int i = 0; i < state.index.count(); i++) {
                if (!state.index.isAbove(i, memory, key, Long.BYTES)
                        && !state.index.isBelow(i, memory, key, Long.BYTES)) {
                    found++;
                }
            }
        }
        return found;
    }

    @Benchmark
    @OperationsPerInvocation(1)
    public int replaceAnInterval(Intervals state) {
        List<Intervals.Interval> one = state.all.subList(0, 1);
        return state.index.with(one, one).count();
    }

    @Benchmark
    public long putIntoABatch() {
        batch.clear();
        putInto(batch);
        return batch.bytes();
    }

    @Benchmark
    public long putIntoAByteBuffer() {
        long sum = 0;
        for (int i = 0; i < ROWS; i++) {
            bytes.clear();
            bytes.putLong(i)
                    .putInt(i & 7)
                    .putDouble(i / 4.0)
                    .putLong(-i)
                    .putInt(text.length)
                    .put(text);
            sum += bytes.position();
        }
        return sum;
    }

    @Benchmark
    public long encodeKeys() {
        MemorySegment memory = filled.memory();
        long sum = 0;
        for (long operation = 0; operation < filled.bytes(); ) {
            sum += keys.encode(memory, OperationFormat.rowOffset(memory, operation), target, 0);
            operation += OperationFormat.operationBytes(memory, operation);
        }
        return sum;
    }

    @TearDown(Level.Trial)
    public void close() {
        batch.close();
        filled.close();
        account.close();
        budget.close();
    }
}
