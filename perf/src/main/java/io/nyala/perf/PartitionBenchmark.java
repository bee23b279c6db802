package io.nyala.perf;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.partition.PartitionMap;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
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
 * Finding the tablet of a row (host STRING, metric STRING, time UNIXTIME_MICROS) in a table cut by {@code cut}, from
 * the packed row and from its key; a score is nanoseconds per row. Pruning: per scan.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
public class PartitionBenchmark {
    /** Of one batch; in the second-level cache. */
    static final int ROWS = 4096;

    private static final int RANGES = 64;

    private static final Schema SCHEMA = Schema.of(
            Column.key("host", ColumnType.STRING),
            Column.key("metric", ColumnType.STRING),
            Column.key("time", ColumnType.UNIXTIME_MICROS));

    @Param({"hash(time)", "hash(host, metric)", "range(time)", "hash(host, metric), range(time)"})
    public String cut = "";

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 16 << 20);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final OperationBatch batch = new OperationBatch(new RowLayout(SCHEMA), account);
    private PartitionMap map = PartitionMap.of(PartitionSchema.of(SCHEMA).build());
    private List<Predicate> predicates = List.of();

    @Setup(Level.Trial)
    public void fill() {
        PartitionSchema.Builder builder = PartitionSchema.of(SCHEMA);
        if (cut.contains("hash(time)")) {
            builder.hash(16, "time");
        } else if (cut.contains("hash")) {
            builder.hash(16, "host", "metric");
        }
        PartitionSchema partitioning =
                cut.contains("range") ? builder.range("time").build() : builder.build();
        Object[] points = LongStream.range(1, RANGES)
                .mapToObj(i -> i * ROWS / RANGES * 1_000_000)
                .toArray();
        map = cut.contains("range")
                ? PartitionMap.of(partitioning, partitioning.splitAt(points))
                : PartitionMap.of(partitioning);
        batch.clear();
        for (int i = 0; i < ROWS; i++) {
            batch.start(OperationKind.INSERT)
                    .setString(0, "host-" + i % 100 + ".example.org")
                    .setString(1, "cpu.user")
                    .setLong(2, i * 1_000_000L)
                    .end();
        }
        List<String> hosts = IntStream.range(0, 10)
                .mapToObj(i -> "host-" + i + ".example.org")
                .toList();
        predicates = List.of(
                Predicate.in(SCHEMA, "host", hosts),
                Predicate.equal(SCHEMA, "metric", "cpu.user"),
                Predicate.range(SCHEMA, "time", 1_000_000L, 100_000_000L));
    }

    @Benchmark
    @OperationsPerInvocation(ROWS)
    public long find() {
        MemorySegment memory = batch.memory();
        long sum = 0;
        for (long operation = 0; operation < batch.bytes(); ) {
            sum += map.findOperation(memory, operation);
            operation += OperationFormat.operationBytes(memory, operation);
        }
        return sum;
    }

    @Benchmark
    @OperationsPerInvocation(ROWS)
    public long findByKey() {
        MemorySegment memory = batch.memory();
        long sum = 0;
        for (long operation = 0; operation < batch.bytes(); ) {
            long key = OperationFormat.keyOffset(memory, operation);
            sum += map.findKey(memory, key, OperationFormat.keyBytes(memory, operation));
            operation += OperationFormat.operationBytes(memory, operation);
        }
        return sum;
    }

    @Benchmark
    public BitSet prune() {
        return map.prune(predicates.toArray(Predicate[]::new));
    }

    @TearDown(Level.Trial)
    public void close() {
        batch.close();
        account.close();
        budget.close();
    }
}
