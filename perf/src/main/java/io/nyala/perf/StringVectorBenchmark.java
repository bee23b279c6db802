package io.nyala.perf;

import io.nyala.encoding.DecoderScratch;
import io.nyala.encoding.EncodedVector;
import io.nyala.encoding.EncoderScratch;
import io.nyala.encoding.EncodingHint;
import io.nyala.encoding.FlatBinary;
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
import java.nio.charset.StandardCharsets;
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
 * One vector of 1,024 strings in each encoding, in the second-level cache: decoded, asked for one string, searched,
 * encoded. A score is nanoseconds per string, but of {@link #lowerBound}, which is one look-up.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Dnyala.kernels=vector"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
public class StringVectorBenchmark {
    private static final int COUNT = VectorFormat.VALUES_MAX;
    private static final int BYTES_MAX = 64 << 10;
    private static final int PADDING = VectorFormat.READ_PADDING_BYTES;

    private static final String[] WORDS =
            "the carefully ironic packages sleep furiously regular deposits accounts quickly final above express"
                    .split(" ", -1);

    @Param({"PLAIN", "DICTIONARY", "PREFIX", "FSST"})
    public VectorEncoding encoding = VectorEncoding.PLAIN;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 8 << 20);
    private final MemoryAccount account = budget.account("benchmark", 0);
    private final EncoderScratch encoderScratch = new EncoderScratch(account);
    private final DecoderScratch decoderScratch = new DecoderScratch(account);
    private final EncodedVector vector = new EncodedVector(decoderScratch);
    private final Slab offsets = account.take((COUNT + 1) * 4L + PADDING);
    private final Slab bytes = account.take(BYTES_MAX + PADDING);
    private final Slab encoded = account.take(VectorFormat.maxBinaryBytes(COUNT, BYTES_MAX) + PADDING);
    private final Slab decodedOffsets = account.take((COUNT + 1) * 4L + PADDING);
    private final Slab decodedBytes = account.take(BYTES_MAX + PADDING);
    private final Slab bitmap = account.take(COUNT / Byte.SIZE);
    private final FlatBinary source = new FlatBinary().wrap(offsets.segment(), 0, bytes.segment(), 0);
    private final FlatBinary target = new FlatBinary().wrap(decodedOffsets.segment(), 0, decodedBytes.segment(), 0);
    private VectorEncoder encoder = new VectorEncoder(encoderScratch, EncodingHint.AUTO);
    private MemorySegment wanted = MemorySegment.NULL;
    private ValueRange equal = ValueRange.ofBinaryEqual(wanted);
    private long encodedBytes;

    @Setup(Level.Trial)
    public void encodeOnce() {
        var random = new SplittableRandom(1);
        int end = 0;
        for (int i = 0; i < COUNT; i++) {
            byte[] string = string(i, random).getBytes(StandardCharsets.UTF_8);
            MemorySegment.copy(string, 0, bytes.segment(), ValueLayout.JAVA_BYTE, end, string.length);
            end += string.length;
            offsets.segment().set(ValueLayout.JAVA_INT_UNALIGNED, (i + 1) * 4L, end);
        }
        EncodingHint hint = encoding == VectorEncoding.PLAIN ? EncodingHint.PLAIN : EncodingHint.AUTO;
        encoder = new VectorEncoder(encoderScratch, hint);
        encodedBytes = encode();
        vector.wrap(encoded.segment(), 0, encodedBytes);
        if (vector.encoding() != encoding) {
            throw new IllegalStateException("the encoder chose " + vector.encoding() + ", not " + encoding);
        }
        wanted = bytes.segment().asSlice(source.start(700), source.bytes(700));
        equal = ValueRange.ofBinaryEqual(wanted);
    }

    private String string(int index, SplittableRandom random) {
        return switch (encoding) {
            case DICTIONARY -> "mode of shipping " + random.nextInt(7);
            case PREFIX, PLAIN -> "customer#%09d".formatted(index * 7L + random.nextInt(7));
            case FSST -> {
                var text = new StringBuilder();
                for (int words = random.nextInt(3, 7); words > 0; words--) {
                    text.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
                }
                yield text.toString();
            }
            case CONSTANT, RUN_LENGTH, FRAME_OF_REFERENCE, DELTA ->
                throw new IllegalArgumentException("not of interest here: " + encoding);
        };
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public long encode() {
        return encoder.encodeBinary(source, COUNT, encoded.segment(), 0);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void decode() {
        vector.wrap(encoded.segment(), 0, encodedBytes).expect(0, COUNT);
        VectorDecoder.decodeBinary(vector, target);
    }

    @Benchmark
    @OperationsPerInvocation(COUNT)
    public void equal() {
        vector.wrap(encoded.segment(), 0, encodedBytes).expect(0, COUNT);
        VectorPredicates.and(vector, equal, bitmap.segment(), 0);
    }

    @Benchmark
    public int lowerBound() {
        vector.wrap(encoded.segment(), 0, encodedBytes).expect(0, COUNT);
        return VectorDecoder.lowerBoundBinary(vector, wanted, 0, wanted.byteSize());
    }

    @TearDown(Level.Trial)
    public void close() {
        encoderScratch.close();
        decoderScratch.close();
        for (Slab slab : new Slab[] {offsets, bytes, encoded, decodedOffsets, decodedBytes, bitmap}) {
            account.giveBack(slab);
        }
        account.close();
        budget.close();
    }
}
