package io.nyala.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.nyala.testkit.Seed;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: scalar and vector kernels, and both by turns, agree with plain arrays, bit for bit, and stay within the padding
 * that they promise.
 * Method: random values with many extremes, every width, counts around the size of registers and words; segments end
 * exactly where the padding does.
 */
final class KernelsTest {
    private static final int ROUNDS = 60;

    /** Scalar, then by turns for longer than a test lasts. */
    private static final WarmingKernels.WarmUp BY_TURNS = new WarmingKernels.WarmUp(10, 2, 1 << 20);

    private final Arena arena = Arena.ofConfined();

    @AfterEach
    void close() {
        arena.close();
    }

    static Stream<Kernels> kernels() {
        return Stream.of(Kernels.scalar(), vector(), new WarmingKernels(BY_TURNS));
    }

    private static Kernels vector() {
        Kernels vector = Kernels.vector();
        assertNotNull(vector, "the tests run with --add-modules jdk.incubator.vector");
        return vector;
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void unpacksWhatWasPacked(Kernels kernels, @Seed SplittableRandom random) {
        for (int width = 0; width <= 64; width++) {
            long mask = mask(width);
            for (int round = 0; round < 12; round++) {
                int count = count(random);
                long base = random.nextLong() >> random.nextInt(64);
                long[] numbers = new long[count];
                Arrays.setAll(numbers, _ -> bits(random) & mask);
                long[] values = Arrays.stream(numbers).map(x -> x + base).toArray();
                MemorySegment packed = exact(random, Kernels.packedBytes(width, count), Kernels.READ_PADDING_BYTES);
                long at = packed.byteSize() - Kernels.READ_PADDING_BYTES - Kernels.packedBytes(width, count);
                kernels.pack(longs(values), 0, width, count, base, packed, at);
                assertPacked(numbers, width, packed, at);
                MemorySegment target = exact(random, count * 8L, Kernels.WRITE_PADDING_BYTES);
                long targetAt = target.byteSize() - Kernels.WRITE_PADDING_BYTES - count * 8L;
                kernels.unpack(packed, at, width, count, base, target, targetAt);
                for (int i = 0; i < count; i++) {
                    assertEquals(values[i], target.get(Kernels.LONG, targetAt + i * 8L), width + " bits, value " + i);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void unpacksIntsThatWerePacked(Kernels kernels, @Seed SplittableRandom random) {
        for (int width = 0; width <= 32; width++) {
            long mask = mask(width);
            for (int round = 0; round < 24; round++) {
                int count = count(random);
                int base = random.nextInt() >> random.nextInt(32);
                long[] numbers = new long[count];

                Arrays.setAll(numbers, _ -> bits(random) & mask);
                int[] values =
                        Arrays.stream(numbers).mapToInt(x -> (int) x + base).toArray();
                MemorySegment packed = exact(random, Kernels.packedBytes(width, count), Kernels.READ_PADDING_BYTES);
                long at = packed.byteSize() - Kernels.READ_PADDING_BYTES - Kernels.packedBytes(width, count);
                kernels.packInt(ints(values), 0, width, count, base, packed, at);
                assertPacked(numbers, width, packed, at);
                MemorySegment target = exact(random, count * 4L, Kernels.WRITE_PADDING_BYTES);
                long targetAt = target.byteSize() - Kernels.WRITE_PADDING_BYTES - count * 4L;
                kernels.unpackInt(packed, at, width, count, base, target, targetAt);
                for (int i = 0; i < count; i++) {
                    assertEquals(values[i], target.get(Kernels.INT, targetAt + i * 4L), width + " bits, value " + i);
                }
            }
        }
    }

    /** Bit by bit against the definition, the zero bits of the last byte included. */
    private static void assertPacked(long[] numbers, int width, MemorySegment packed, long at) {
        long bytes = Kernels.packedBytes(width, numbers.length);
        BitSet bits = BitSet.valueOf(packed.asSlice(at, bytes).toArray(Kernels.BYTE));
        var expected = new BitSet();
        for (int i = 0; i < numbers.length; i++) {
            for (int bit = 0; bit < width; bit++) {
                expected.set(i * width + bit, (numbers[i] >>> bit & 1) != 0);
            }
        }
        assertEquals(expected, bits);
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void addsUpInRuns(Kernels kernels, @Seed SplittableRandom random) {
        for (int round = 0; round < 2 * ROUNDS; round++) {
            int count = count(random);
            long[] longs = random.ints(count).mapToLong(_ -> bits(random)).toArray();
            MemorySegment sums = padded(longs(longs));
            MemorySegment intSums =
                    padded(ints(Arrays.stream(longs).mapToInt(x -> (int) x).toArray()));
            kernels.runningSumsLong(sums, 0, count);
            kernels.runningSumsInt(intSums, 0, count);
            for (int i = 0; i < count; i++) {
                int start = i - i % Kernels.SUM_RUN;
                long sum = Arrays.stream(longs, start, i + 1).sum();
                assertEquals(sum, sums.get(Kernels.LONG, i * 8L), "sum " + i + " of " + count);
                assertEquals((int) sum, intSums.get(Kernels.INT, i * 4L), "sum " + i + " of " + count);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void scalesIntegers(Kernels kernels, @Seed SplittableRandom random) {
        for (int round = 0; round < 2 * ROUNDS; round++) {
            int count = count(random);
            long most = (1L << random.nextInt(1, 52)) - 1;
            long[] longs = random.longs(count, -most, most + 1).toArray();
            double factor = Math.pow(10, random.nextInt(10));
            double fraction = Math.pow(10, -random.nextInt(10));
            MemorySegment values = padded(longs(longs));
            kernels.scaleToDouble(values, 0, count, factor, fraction);
            for (int i = 0; i < count; i++) {
                double expected = longs[i] * factor * fraction;
                assertEquals(expected, values.get(Kernels.DOUBLE, i * 8L), 0, "number " + i + " of " + count);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void narrowsByRange(Kernels kernels, @Seed SplittableRandom random) {
        for (int round = 0; round < 4 * ROUNDS; round++) {
            int count = count(random);
            long[] longs = random.ints(count).mapToLong(_ -> bits(random)).toArray();
            long low = bound(random, longs);
            long high = bound(random, longs);
            MemorySegment bitmap = bitmap(random, count);
            BitSet before = bitSet(bitmap);
            kernels.rangeLong(padded(longs(longs)), 0, count, low, high, bitmap, 0);
            assertEquals(keep(before, i -> low <= longs[i] && longs[i] <= high), bitSet(bitmap));

            int[] ints = Arrays.stream(longs).mapToInt(x -> (int) x).toArray();
            bitmap = bitmap(random, count);
            BitSet beforeInts = bitSet(bitmap);
            kernels.rangeInt(padded(ints(ints)), 0, count, (int) low, (int) high, bitmap, 0);
            assertEquals(keep(beforeInts, i -> (int) low <= ints[i] && ints[i] <= (int) high), bitSet(bitmap));
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void narrowsByRangeOfFloatingPoint(Kernels kernels, @Seed SplittableRandom random) {
        for (int round = 0; round < 4 * ROUNDS; round++) {
            int count = count(random);
            double[] doubles = doubles(random, count);
            double low = number(random);
            double high = random.nextInt(4) == 0 ? low : number(random);
            MemorySegment bitmap = bitmap(random, count);
            BitSet before = bitSet(bitmap);
            kernels.rangeDouble(padded(doubles(doubles)), 0, count, low, high, bitmap, 0);
            assertEquals(keep(before, i -> low <= doubles[i] && doubles[i] <= high), bitSet(bitmap));

            float lowFloat = (float) low;
            float highFloat = (float) high;
            MemorySegment floats = arena.allocate(count * 4L + Kernels.READ_PADDING_BYTES);
            for (int i = 0; i < count; i++) {
                floats.set(Kernels.FLOAT, i * 4L, (float) doubles[i]);
            }
            bitmap = bitmap(random, count);
            BitSet beforeFloats = bitSet(bitmap);
            kernels.rangeFloat(floats, 0, count, lowFloat, highFloat, bitmap, 0);
            assertEquals(
                    keep(beforeFloats, i -> lowFloat <= (float) doubles[i] && (float) doubles[i] <= highFloat),
                    bitSet(bitmap));
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void combinesBitmaps(Kernels kernels, @Seed SplittableRandom random) {
        for (int round = 0; round < ROUNDS; round++) {
            int count = count(random);
            MemorySegment target = bitmap(random, count);
            MemorySegment other = bitmap(random, count);
            BitSet expected = bitSet(target);
            expected.and(bitSet(other));
            kernels.and(target, 0, other, 0, count);
            assertEquals(expected, bitSet(target));

            MemorySegment third = bitmap(random, count);
            expected.or(bitSet(third));
            kernels.or(target, 0, third, 0, count);
            assertEquals(expected, bitSet(target));

            expected.andNot(bitSet(other));
            kernels.andNot(target, 0, other, 0, count);
            assertEquals(expected, bitSet(target));
            assertEquals(expected.cardinality(), kernels.popCount(target, 0, count));

            kernels.setAll(target, 0, count);
            expected.set(0, count);
            assertEquals(expected, bitSet(target));
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void selectsAndGathers(Kernels kernels, @Seed SplittableRandom random) {
        for (int round = 0; round < ROUNDS; round++) {
            int count = count(random);
            MemorySegment bitmap = bitmap(random, count);
            int[] expected = bitSet(bitmap).stream().toArray();
            MemorySegment selection = arena.allocate(expected.length * 4L + Kernels.WRITE_PADDING_BYTES, 4);
            int selected = kernels.bitmapToSelection(bitmap, 0, count, selection, 0);
            int[] indexes = IntStream.range(0, selected)
                    .map(i -> selection.get(Kernels.INT, i * 4L))
                    .toArray();
            assertArrayEquals(expected, indexes);
            for (int cellBytes : List.of(1, 2, 4, 8, 16)) {
                MemorySegment cells = arena.allocate(Math.max(1, count * (long) cellBytes));
                cells.copyFrom(MemorySegment.ofArray(
                                random.longs(cells.byteSize() / 8 + 1).toArray())
                        .asSlice(0, cells.byteSize()));
                byte[] wanted = new byte[selected * cellBytes];
                for (int i = 0; i < selected; i++) {
                    MemorySegment.copy(
                            cells, Kernels.BYTE, (long) indexes[i] * cellBytes, wanted, i * cellBytes, cellBytes);
                }
                boolean inPlace = random.nextBoolean();
                MemorySegment target = inPlace ? cells : arena.allocate(Math.max(1, wanted.length));
                gather(kernels, cellBytes, cells, selection, selected, target);
                assertArrayEquals(wanted, target.asSlice(0, wanted.length).toArray(Kernels.BYTE));
            }
        }
    }

    private static void gather(
            Kernels kernels,
            int cellBytes,
            MemorySegment source,
            MemorySegment selection,
            int count,
            MemorySegment target) {
        switch (cellBytes) {
            case 1 -> kernels.gather1(source, 0, selection, 0, count, target, 0);
            case 2 -> kernels.gather2(source, 0, selection, 0, count, target, 0);
            case 4 -> kernels.gather4(source, 0, selection, 0, count, target, 0);
            case 8 -> kernels.gather8(source, 0, selection, 0, count, target, 0);
            case 16 -> kernels.gather16(source, 0, selection, 0, count, target, 0);
            default -> throw new IllegalArgumentException("cells of " + cellBytes + " bytes");
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void totalsLongs(Kernels kernels, @Seed SplittableRandom random) {
        for (int round = 0; round < ROUNDS; round++) {
            int count = count(random);
            long[] values = random.ints(count).mapToLong(_ -> bits(random)).toArray();
            MemorySegment bitmap = bitmap(random, count);
            MemorySegment segment = padded(longs(values));
            long[] chosen = bitSet(bitmap).stream().mapToLong(i -> values[i]).toArray();
            assertEquals(Arrays.stream(chosen).sum(), kernels.sumLong(segment, 0, count, bitmap, 0));
            assertEquals(
                    Arrays.stream(chosen).min().orElse(Long.MAX_VALUE), kernels.minLong(segment, 0, count, bitmap, 0));
            assertEquals(
                    Arrays.stream(chosen).max().orElse(Long.MIN_VALUE), kernels.maxLong(segment, 0, count, bitmap, 0));
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void totalsDoubles(Kernels kernels, @Seed SplittableRandom random) {
        for (int round = 0; round < 4 * ROUNDS; round++) {
            int count = count(random);
            double[] values = round % 2 == 0
                    ? doubles(random, count)
                    : random.doubles(count, -1e6, 1e6).toArray();
            MemorySegment bitmap = bitmap(random, count);
            BitSet chosen = bitSet(bitmap);
            MemorySegment segment = padded(doubles(values));
            double[] sums = new double[8];
            double min = Double.POSITIVE_INFINITY;
            double max = Double.NEGATIVE_INFINITY;
            for (int i = chosen.nextSetBit(0); i >= 0; i = chosen.nextSetBit(i + 1)) {
                sums[i % 8] += values[i];
                min = Double.isNaN(values[i]) ? min : Math.min(min, values[i]);
                max = Double.isNaN(values[i]) ? max : Math.max(max, values[i]);
            }
            double sum = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
            assertEquals(sum, kernels.sumDouble(segment, 0, count, bitmap, 0)); // Compares bits; NaN equals NaN.
            assertEquals(min, kernels.minDouble(segment, 0, count, bitmap, 0));
            assertEquals(max, kernels.maxDouble(segment, 0, count, bitmap, 0));
        }
    }

    // Inputs.

    /** Any count, but often one at a border. */
    private static int count(SplittableRandom random) {
        int border = random.nextInt(18) * 64 + random.nextInt(-2, 3);
        return random.nextBoolean() ? random.nextInt(Kernels.COUNT_MAX + 1) : Math.clamp(border, 0, Kernels.COUNT_MAX);
    }

    /** Of any length, often extreme, often equal to others. */
    private static long bits(SplittableRandom random) {
        return switch (random.nextInt(8)) {
            case 0 -> Long.MIN_VALUE;
            case 1 -> Long.MAX_VALUE;
            case 2 -> -1L;
            case 3 -> random.nextInt(-3, 4);
            default -> random.nextLong() >> random.nextInt(64);
        };
    }

    private static long mask(int width) {
        return width == 64 ? -1L : (1L << width) - 1;
    }

    private static long bound(SplittableRandom random, long[] values) {
        return values.length > 0 && random.nextBoolean() ? values[random.nextInt(values.length)] : bits(random);
    }

    private static double number(SplittableRandom random) {
        return switch (random.nextInt(12)) {
            case 0 -> Double.NaN;
            case 1 -> Double.POSITIVE_INFINITY;
            case 2 -> Double.NEGATIVE_INFINITY;
            case 3 -> -0.0;
            case 4 -> 0.0;
            case 5 -> Double.MIN_VALUE;
            case 6 -> -Double.MAX_VALUE;
            default -> random.nextDouble(-2, 2);
        };
    }

    /** With special values in half of the cases, or all sums would be NaN. */
    private static double[] doubles(SplittableRandom random, int count) {
        boolean special = random.nextBoolean();
        double zero = random.nextBoolean() ? 0.0 : -0.0;
        double[] values = new double[count];
        Arrays.setAll(
                values, _ -> special ? number(random) : random.nextInt(3) == 0 ? zero : random.nextInt(-4, 5) * 0.1);
        return values;
    }

    private MemorySegment longs(long[] values) {
        MemorySegment segment = arena.allocate(values.length * 8L + Kernels.READ_PADDING_BYTES);
        for (int i = 0; i < values.length; i++) {
            segment.set(Kernels.LONG, i * 8L, values[i]);
        }
        return segment;
    }

    private MemorySegment ints(int[] values) {
        MemorySegment segment = arena.allocate(values.length * 4L + Kernels.READ_PADDING_BYTES);
        for (int i = 0; i < values.length; i++) {
            segment.set(Kernels.INT, i * 4L, values[i]);
        }
        return segment;
    }

    private MemorySegment doubles(double[] values) {
        return longs(
                Arrays.stream(values).mapToLong(Double::doubleToRawLongBits).toArray());
    }

    /** Fills the padding with noise: what is there must not matter. */
    private static MemorySegment padded(MemorySegment segment) {
        segment.asSlice(segment.byteSize() - Kernels.READ_PADDING_BYTES).fill((byte) 0x5A);
        return segment;
    }

    /** Room for some bytes at any alignment, followed by exactly the padding; full of noise. */
    private MemorySegment exact(SplittableRandom random, long bytes, int paddingBytes) {
        MemorySegment segment = arena.allocate(random.nextInt(16) + bytes + paddingBytes);
        segment.fill((byte) random.nextInt());
        return segment;
    }

    /** Random, empty or full; ends exactly. */
    private MemorySegment bitmap(SplittableRandom random, int count) {
        MemorySegment bitmap = arena.allocate(Kernels.bitmapBytes(count));
        int kind = random.nextInt(6);
        for (int i = 0; i < count; i++) {
            if (kind == 0 || (kind > 1 && random.nextBoolean())) {
                long word = bitmap.get(Kernels.LONG, i / 64 * 8L);
                bitmap.set(Kernels.LONG, i / 64 * 8L, word | 1L << i);
            }
        }
        return bitmap;
    }

    private static BitSet bitSet(MemorySegment bitmap) {
        return BitSet.valueOf(bitmap.toArray(Kernels.BYTE));
    }

    private static BitSet keep(BitSet bits, IntPredicate predicate) {
        return bits.stream().filter(predicate).collect(BitSet::new, BitSet::set, BitSet::or);
    }
}
