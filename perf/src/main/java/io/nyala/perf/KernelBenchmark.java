package io.nyala.perf;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.nyala.memory.Crc32c;
import io.nyala.memory.Kernels;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
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
 * What the kernels do per nanosecond, in values, beside a plain copy of the same vector. A kernel that falls off a
 * cliff of the JIT is not a little slower but a hundred times: look at the ratio to {@link #copy}, and with {@code
 * -prof gc} at the bytes per operation, which are none.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class KernelBenchmark {
    private static final int COUNT = Kernels.COUNT_MAX;
    private static final long VALUES = 0;
    private static final long PACKED = 16 << 10;
    private static final long TARGET = 32 << 10;
    private static final long BITMAP = 56 << 10;
    private static final long SELECTION = 48 << 10;
    private static final long BYTES = 64 << 10;
    private static final long BUDGET_BYTES = 2 << 20;

    /** Which of the two. */
    @Param({"scalar", "vector"})
    public String kind = "vector";

    /** Bits of a packed value. */
    @Param("12")
    public int width = 12;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), BUDGET_BYTES);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final Slab slab = account.take(BYTES);
    private final MemorySegment memory = slab.segment();
    private Kernels kernels = Kernels.scalar();

    /** Random values, half of which a random bitmap selects. */
    @Setup
    public void fill() {
        kernels = kind.equals("scalar") ? Kernels.scalar() : Objects.requireNonNull(Kernels.vector(), "no vectors");
        var random = new SplittableRandom(1);
        for (int i = 0; i < COUNT; i++) {
            memory.set(JAVA_LONG, VALUES + i * 8L, random.nextLong(1L << width));
        }
        kernels.pack(memory, VALUES, width, COUNT, 0, memory, PACKED);
        kernels.setAll(memory, BITMAP, COUNT);
        kernels.rangeLong(memory, VALUES, COUNT, 0, 1L << (width - 1), memory, BITMAP);
    }

    /** Gives the memory back. */
    @TearDown
    public void close() {
        account.giveBack(slab);
        account.close();
        budget.close();
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void copy() {
        MemorySegment.copy(memory, VALUES, memory, TARGET, COUNT * 8L);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void unpack() {
        kernels.unpack(memory, PACKED, width, COUNT, 1, memory, TARGET);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void unpackInt() {
        kernels.unpackInt(memory, PACKED, Math.min(width, Integer.SIZE), COUNT, 1, memory, TARGET);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void runningSumsLong() {
        kernels.runningSumsLong(memory, TARGET, COUNT);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void scaleToDouble() {
        kernels.scaleToDouble(memory, TARGET, COUNT, 1, 0.01);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void runningSumsInt() {
        kernels.runningSumsInt(memory, TARGET, COUNT);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void pack() {
        kernels.pack(memory, VALUES, width, COUNT, 0, memory, TARGET);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void rangeLong() {
        kernels.rangeLong(memory, VALUES, COUNT, 0, 1L << (width - 1), memory, BITMAP);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void rangeInt() {
        kernels.rangeInt(memory, VALUES, COUNT, 0, 1 << 10, memory, TARGET);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void rangeDouble() {
        kernels.rangeDouble(memory, VALUES, COUNT, 0.0, 1.0, memory, TARGET);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public int bitmapToSelection() {
        return kernels.bitmapToSelection(memory, BITMAP, COUNT, memory, SELECTION);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public long sumLong() {
        return kernels.sumLong(memory, VALUES, COUNT, memory, BITMAP);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public double sumDouble() {
        return kernels.sumDouble(memory, VALUES, COUNT, memory, BITMAP);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public long minLong() {
        return kernels.minLong(memory, VALUES, COUNT, memory, BITMAP);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public double minDouble() {
        return kernels.minDouble(memory, VALUES, COUNT, memory, BITMAP);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public int checksum() {
        return Crc32c.of(memory, VALUES, COUNT * 8L);
    }
}
