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
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
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
 * One vector of 1,024 cells of 8 bytes, or 4, or of strings, in each encoding, in the first-level cache: decoded, asked
 * a range, encoded; beside a copy of the decoded bytes, of the same vector and in the same cache. A score is values per
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
    private static final long STRING_BYTES_MAX = 64 << 10;
    private static final long OFFSET_BYTES = (COUNT + 1L) * Integer.BYTES;
    private static final String[] WORDS = {
        "regular",
        "accounts",
        "sleep",
        "carefully",
        "final",
        "deposits",
        "above",
        "the",
        "quickly",
        "ironic",
        "pinto",
        "beans",
        "haggle",
        "furiously",
        "among",
        "express",
        "requests",
        "packages",
        "blithely",
        "bold",
        "platelets"
    };

    @Param({"CONSTANT", "PLAIN", "RUN_LENGTH", "FRAME_OF_REFERENCE", "DICTIONARY", "DELTA", "ALP", "PREFIX", "FSST"})
    public VectorEncoding encoding = VectorEncoding.PLAIN;

    /** Of those encodings that strings do not have to themselves. */
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
    private final Slab values = account.take(Math.max(BYTES_MAX, STRING_BYTES_MAX) + VectorFormat.READ_PADDING_BYTES);
    private final Slab offsets = account.take(OFFSET_BYTES + VectorFormat.READ_PADDING_BYTES);
    private final Slab encoded = account.take(VectorFormat.maxBinaryBytes(COUNT, Math.max(BYTES_MAX, STRING_BYTES_MAX))
            + VectorFormat.READ_PADDING_BYTES);
    private final Slab decoded = account.take(Math.max(BYTES_MAX, STRING_BYTES_MAX) + VectorFormat.WRITE_PADDING_BYTES);
    private final Slab decodedOffsets = account.take(OFFSET_BYTES + VectorFormat.WRITE_PADDING_BYTES);
    private final FlatBinary strings = new FlatBinary();
    private final FlatBinary decodedStrings = new FlatBinary();
    private final Slab bitmap = account.take(COUNT / Byte.SIZE);
    private ValueRange range = DOUBLE_RANGE;
    private long encodedBytes;

    @Setup(Level.Trial)
    public void encodeOnce() {
        var random = new SplittableRandom(1);
        if (isBinary()) {
            fillStrings(random);
        }
        for (int i = 0; i < COUNT && !isBinary(); i++) {
            long value = value(i, random);
            if (cellBytes == Integer.BYTES) {
                values.segment().set(ValueLayout.JAVA_INT_UNALIGNED, i * 4L, (int) value);
            } else {
                values.segment().set(ValueLayout.JAVA_LONG_UNALIGNED, i * 8L, value);
            }
        }
        if (isBinary()) {
            boolean isSorted = encoding == VectorEncoding.PREFIX;
            range = isSorted
                    ? ValueRange.ofBinary(segment(string(COUNT / 8)), segment(string(COUNT / 2)))
                    : ValueRange.ofBinary(segment(text("bold")), segment(text("haggle")));
        } else if (encoding != VectorEncoding.ALP) {
            range = ValueRange.ofSigned(mostPacked() / 8, mostPacked() / 2);
        }
        bitmap.segment().fill((byte) -1); // A range of packed values leaves bits in each word, so that all are read.
        encodedBytes = encode();
        vector.wrap(encoded.segment(), 0, encodedBytes);
        if (vector.encoding() != encoding) {
            throw new IllegalStateException("the encoder chose " + vector.encoding() + ", not " + encoding);
        }
    }

    private boolean isBinary() {
        return encoding == VectorEncoding.PREFIX || encoding == VectorEncoding.FSST;
    }

    private void fillStrings(SplittableRandom random) {
        int end = 0;
        for (int i = 0; i < COUNT; i++) {
            byte[] string = encoding == VectorEncoding.PREFIX ? string(i) : text(random);
            MemorySegment.copy(string, 0, values.segment(), ValueLayout.JAVA_BYTE, end, string.length);
            end += string.length;
            offsets.segment().set(ValueLayout.JAVA_INT_UNALIGNED, (i + 1L) * Integer.BYTES, end);
        }
        offsets.segment().set(ValueLayout.JAVA_INT_UNALIGNED, 0, 0);
        strings.wrap(offsets.segment(), 0, values.segment(), 0);
        decodedStrings.wrap(decodedOffsets.segment(), 0, decoded.segment(), 0);
    }

    /** They are sorted, and begin alike. */
    private static byte[] string(int index) {
        return text(String.format(Locale.ROOT, "customer/%09d/orders", index * 7));
    }

    private static byte[] text(SplittableRandom random) {
        var text = new StringBuilder();
        for (int i = 0; i < 4; i++) {
            text.append(WORDS[random.nextInt(WORDS.length)]).append(' ');
        }
        return text(text.toString());
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static MemorySegment segment(byte[] bytes) {
        return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_BYTE, bytes);
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
            case PREFIX, FSST -> throw new AssertionError("cells have no " + encoding);
        };
    }

    private long mostPacked() {
        return (1L << width) - 1;
    }

    @Benchmark
    public long encode() {
        return isBinary()
                ? encoder.encodeBinary(strings, COUNT, encoded.segment(), 0)
                : encoder.encodeFixed(values.segment(), 0, cellBytes, COUNT, encoded.segment(), 0);
    }

    @Benchmark
    public void decode() {
        wrap();
        if (isBinary()) {
            VectorDecoder.decodeBinary(vector, decodedStrings);
        } else {
            VectorDecoder.decodeFixed(vector, decoded.segment(), 0);
        }
    }

    @Benchmark
    public void range() {
        wrap();
        VectorPredicates.and(vector, range, bitmap.segment(), 0);
    }

    private void wrap() {
        vector.wrap(encoded.segment(), 0, encodedBytes).expect(isBinary() ? 0 : cellBytes, COUNT);
    }

    /** What decoding is measured by. */
    @Benchmark
    public void copy() {
        long bytes = isBinary() ? strings.offset(COUNT) : (long) COUNT * cellBytes;
        MemorySegment.copy(values.segment(), 0, decoded.segment(), 0, bytes);
        if (isBinary()) {
            MemorySegment.copy(offsets.segment(), 0, decodedOffsets.segment(), 0, OFFSET_BYTES);
        }
    }

    @TearDown(Level.Trial)
    public void close() {
        encoderScratch.close();
        decoderScratch.close();
        account.giveBack(values);
        account.giveBack(offsets);
        account.giveBack(decodedOffsets);
        account.giveBack(encoded);
        account.giveBack(decoded);
        account.giveBack(bitmap);
        account.close();
        budget.close();
    }
}
