package io.nyala.perf;

import io.nyala.encoding.DecoderScratch;
import io.nyala.encoding.EncodedVector;
import io.nyala.encoding.EncoderScratch;
import io.nyala.encoding.EncodingHint;
import io.nyala.encoding.ValueRange;
import io.nyala.encoding.VectorDecoder;
import io.nyala.encoding.VectorEncoder;
import io.nyala.encoding.VectorEncoding;
import io.nyala.encoding.VectorFormat;
import io.nyala.encoding.VectorPredicates;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
 * One vector of 1,024 cells of 8 bytes, or 4, in each encoding, in the first-level cache: decoded, asked a range,
 * encoded; beside a copy of the decoded bytes, of the same vector and in the same cache. A score is values per
 * nanosecond, so billions of values per second, and that of {@link #copy} divided by another is how many times longer
 * than a copy it takes. The goal for packed 32-bit integers is 1.5: {@code -p encoding=FRAME_OF_REFERENCE -p
 * cellBytes=4 -p width=3,7,12,20}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(VectorFormat.VALUES_MAX)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Dnyala.kernels=vector"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
public class EncodingBenchmark {
    private static final int COUNT = VectorFormat.VALUES_MAX;
    private static final long BYTES_MAX = VectorFormat.maxFixedBytes(COUNT, Long.BYTES);
    private static final ValueRange DOUBLE_RANGE = ValueRange.ofDouble(1000, 6000);

    @Param({"CONSTANT", "PLAIN", "RUN_LENGTH", "FRAME_OF_REFERENCE", "DICTIONARY", "DELTA", "ALP"})
    public VectorEncoding encoding = VectorEncoding.PLAIN;

    @Param("8")
    public int cellBytes = Long.BYTES;

    /** Bits of packed values. */
    @Param("12")
    public int width = 12;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 4 << 20);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final EncoderScratch encoderScratch = new EncoderScratch(account);
    private final DecoderScratch decoderScratch = new DecoderScratch(account);
    private final VectorEncoder encoder = new VectorEncoder(encoderScratch, EncodingHint.AUTO);
    private final EncodedVector vector = new EncodedVector(decoderScratch);
    private final Slab values = account.take(BYTES_MAX);
    private final Slab encoded = account.take(BYTES_MAX + VectorFormat.READ_PADDING_BYTES);
    private final Slab decoded = account.take(BYTES_MAX);
    private final Slab bitmap = account.take(COUNT / Byte.SIZE);
    private ValueRange range = DOUBLE_RANGE;
    private long encodedBytes;

    @Setup(Level.Trial)
    public void encodeOnce() {
        var random = new SplittableRandom(1);
        for (int i = 0; i < COUNT; i++) {
            long value = value(i, random);
            if (cellBytes == Integer.BYTES) {
                values.segment().set(ValueLayout.JAVA_INT_UNALIGNED, i * 4L, (int) value);
            } else {
                values.segment().set(ValueLayout.JAVA_LONG_UNALIGNED, i * 8L, value);
            }
        }
        if (encoding != VectorEncoding.ALP) {
            range = ValueRange.ofSigned(mostPacked() / 8, mostPacked() / 2);
        }
        bitmap.segment().fill((byte) -1); // A range of packed values leaves bits in each word, so that all are read.
        encodedBytes = encode();
        vector.wrap(encoded.segment(), 0, encodedBytes);
        if (vector.encoding() != encoding) {
            throw new IllegalStateException("the encoder chose " + vector.encoding() + ", not " + encoding);
        }
    }

    private long value(int index, SplittableRandom random) {
        return switch (encoding) {
            case CONSTANT -> 5;
            case PLAIN -> random.nextLong();
            case RUN_LENGTH -> index / 50 * 0x1234_5678_9ABC_DEFL;
            case FRAME_OF_REFERENCE -> index == 0 ? 0 : index == 1 ? mostPacked() : random.nextLong(1 + mostPacked());
            case DICTIONARY -> random.nextInt(60) * 0x1234_5678_9ABC_DEFL;
            case DELTA -> index * 50L + random.nextInt(16);
            case ALP -> Double.doubleToRawLongBits(random.nextInt(10_000_000) / 100.0);
            case PREFIX, FSST -> throw new IllegalArgumentException("cells have no " + encoding);
        };
    }

    private long mostPacked() {
        return (1L << width) - 1;
    }

    @Benchmark
    public long encode() {
        return encoder.encodeFixed(values.segment(), 0, cellBytes, COUNT, encoded.segment(), 0);
    }

    @Benchmark
    public void decode() {
        vector.wrap(encoded.segment(), 0, encodedBytes).expect(cellBytes, COUNT);
        VectorDecoder.decodeFixed(vector, decoded.segment(), 0);
    }

    @Benchmark
    public void range() {
        vector.wrap(encoded.segment(), 0, encodedBytes).expect(cellBytes, COUNT);
        VectorPredicates.and(vector, range, bitmap.segment(), 0);
    }

    /** What decoding is measured by. */
    @Benchmark
    public void copy() {
        MemorySegment.copy(values.segment(), 0, decoded.segment(), 0, (long) COUNT * cellBytes);
    }

    @TearDown(Level.Trial)
    public void close() {
        encoderScratch.close();
        decoderScratch.close();
        account.giveBack(values);
        account.giveBack(encoded);
        account.giveBack(decoded);
        account.giveBack(bitmap);
        account.close();
        budget.close();
    }
}
