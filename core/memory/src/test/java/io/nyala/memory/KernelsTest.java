package io.nyala.memory;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.KernelInputs.Place;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Goal: scalar and vector kernels, and both by turns, agree with plain arrays, bit for bit, and stay within the padding
 * that they promise.
 * Method: random values with many extremes at any alignment, every width, every count; segments end exactly where the
 * padding does. The pom runs it again on narrower registers than most processors have.
 */
final class KernelsTest {
    /** Scalar, then by turns for longer than a test lasts. */
    private static final WarmingKernels.WarmUp BY_TURNS = new WarmingKernels.WarmUp(10, 2, 1 << 20);

    /** Bits that registers should have; 0 for those of this processor. */
    private static final int REGISTERS = Integer.getInteger("nyala.test.registers", 0);

    private final Arena arena = Arena.ofConfined();

    @AfterEach
    void close() {
        arena.close();
    }

    /** On other registers than this processor's those that depend on registers. */
    static Stream<Kernels> kernels() {
        return REGISTERS != 0
                ? Stream.of(vector())
                : Stream.of(Kernels.scalar(), vector(), new WarmingKernels(BY_TURNS));
    }

    private static Kernels vector() {
        Kernels vector = Kernels.vector();
        assertNotNull(vector, "the tests run with --add-modules jdk.incubator.vector");
        return vector;
    }

    /** All, of vector kernels on this processor's registers; else some. */
    private int[] counts(Kernels kernels, SplittableRandom random) {
        var inputs = new KernelInputs(arena, random);
        return kernels instanceof VectorKernels && REGISTERS == 0
                ? IntStream.rangeClosed(0, Kernels.COUNT_MAX).toArray()
                : IntStream.range(0, 60).map(_ -> inputs.count()).toArray();
    }

    /** Otherwise the further runs, which are there for what narrow ones do differently, would repeat the first. */
    @Test
    @EnabledIfSystemProperty(named = "nyala.test.registers", matches = ".+")
    void runsOnRegistersAsNarrowAsAsked() {
        assertTrue(VectorKernels.BITS <= REGISTERS, VectorKernels.BITS + " bits, asked for " + REGISTERS);
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void unpacksWhatWasPacked(Kernels kernels, @Seed SplittableRandom random) {
        for (int width = 0; width <= 64; width++) {
            for (int round = 0; round < 4; round++) {
                unpack(kernels, random, width, new KernelInputs(arena, random).count());
            }
        }
        int width = random.nextInt(65);
        for (int count : counts(kernels, random)) {
            unpack(kernels, random, width, count);
        }
    }

    private void unpack(Kernels kernels, SplittableRandom random, int width, int count) {
        var inputs = new KernelInputs(arena, random);
        long base = random.nextLong() >> random.nextInt(64);
        long[] numbers = inputs.numbers(count, Kernels.lowBits(width));
        long[] values = Arrays.stream(numbers).map(x -> x + base).toArray();
        Place plain = inputs.longs(values);
        Place packed = inputs.place(Kernels.packedBytes(width, count), Kernels.READ_PADDING_BYTES);
        kernels.pack(plain.segment(), plain.offset(), width, count, base, packed.segment(), packed.offset());
        assertPacked(numbers, width, packed);
        Place target = inputs.target(count * 8L);
        kernels.unpack(packed.segment(), packed.offset(), width, count, base, target.segment(), target.offset());
        assertArrayEquals(values, target.longs(), () -> count + " values of " + width + " bits");
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void unpacksIntsThatWerePacked(Kernels kernels, @Seed SplittableRandom random) {
        for (int width = 0; width <= 32; width++) {
            for (int round = 0; round < 6; round++) {
                unpackInts(kernels, random, width, new KernelInputs(arena, random).count());
            }
        }
        int width = random.nextInt(33);
        for (int count : counts(kernels, random)) {
            unpackInts(kernels, random, width, count);
        }
    }

    private void unpackInts(Kernels kernels, SplittableRandom random, int width, int count) {
        var inputs = new KernelInputs(arena, random);
        int base = random.nextInt() >> random.nextInt(32);
        long[] numbers = inputs.numbers(count, Kernels.lowBits(width));
        int[] values = Arrays.stream(numbers).mapToInt(x -> (int) x + base).toArray();
        Place plain = inputs.ints(values);
        Place packed = inputs.place(Kernels.packedBytes(width, count), Kernels.READ_PADDING_BYTES);
        kernels.packInt(plain.segment(), plain.offset(), width, count, base, packed.segment(), packed.offset());
        assertPacked(numbers, width, packed);
        Place target = inputs.target(count * 4L);
        kernels.unpackInt(packed.segment(), packed.offset(), width, count, base, target.segment(), target.offset());
        assertArrayEquals(values, target.ints(), () -> count + " values of " + width + " bits");
    }

    /** Bit by bit against the definition, the zero bits of the last byte included. */
    private static void assertPacked(long[] numbers, int width, Place packed) {
        var expected = new BitSet();
        for (int i = 0; i < numbers.length; i++) {
            for (long rest = numbers[i]; rest != 0; rest &= rest - 1) {
                expected.set(i * width + Long.numberOfTrailingZeros(rest));
            }
        }
        assertEquals(expected, packed.bits());
    }

    /** Both ways of {@link VectorUnpack}, of which a processor has one as its own for most widths. */
    @Test
    void putsValuesTogetherFromWordsAsFromWindows(@Seed SplittableRandom random) {
        var inputs = new KernelInputs(arena, random);
        for (int width = 0; width <= 64; width++) {
            for (int round = 0; round < 2; round++) {
                int count = inputs.count();
                long[] numbers = inputs.numbers(count, Kernels.lowBits(width));
                Place plain = inputs.longs(numbers);
                Place packed = inputs.place(Kernels.packedBytes(width, count), Kernels.READ_PADDING_BYTES);
                MemorySegment source = packed.segment();
                Kernels.scalar().pack(plain.segment(), plain.offset(), width, count, 0, source, packed.offset());
                for (boolean windows : new boolean[] {false, VectorWindows.QUICK && VectorWindows.holdLong(width)}) {
                    Place longs = inputs.target(count * 8L);
                    MemorySegment target = longs.segment();
                    VectorUnpack.toLongs(source, packed.offset(), width, count, 0, target, longs.offset(), windows);
                    assertArrayEquals(numbers, longs.longs(), () -> count + " values, windows: " + windows);
                }
                for (boolean windows : new boolean[] {false, VectorWindows.QUICK && VectorWindows.holdInt(width)}) {
                    if (width <= Integer.SIZE) {
                        Place ints = inputs.target(count * 4L);
                        MemorySegment target = ints.segment();
                        VectorUnpack.toInts(source, packed.offset(), width, count, 0, target, ints.offset(), windows);
                        int[] expected =
                                Arrays.stream(numbers).mapToInt(x -> (int) x).toArray();
                        assertArrayEquals(expected, ints.ints(), () -> count + " values, windows: " + windows);
                    }
                }
            }
        }
    }

    /** Once for the whole call, as nothing is checked in the loop. */
    @Test
    void refusesMemoryThatIsNotThere(@Seed SplittableRandom random) {
        Kernels kernels = vector();
        MemorySegment room = arena.allocate(1024);
        MemorySegment small = arena.allocate(random.nextInt(1, 64));
        MemorySegment heap = MemorySegment.ofArray(new byte[1024]);
        MemorySegment closed;
        try (var other = Arena.ofConfined()) {
            closed = other.allocate(1024);
        }
        for (MemorySegment bad : List.of(small, heap, closed)) {
            assertRefuses(() -> kernels.unpackInt(bad, 0, 7, 64, 0, room, 0));
            assertRefuses(() -> kernels.unpackInt(room, 0, 7, 64, 0, bad, 0));
            assertRefuses(() -> kernels.unpack(bad, 0, 7, 64, 0, room, 0));
            assertRefuses(() -> kernels.unpack(room, 0, 7, 64, 0, bad, 0));
            assertRefuses(() -> kernels.rangePacked(bad, 0, 7, 64, 0, 1, room, 0));
        }
        assertRefuses(() -> kernels.unpack(room, 0, 7, 64, 0, room.asReadOnly(), 0));
        assertRefuses(() -> kernels.unpackInt(room, room.byteSize(), 7, 1, 0, room, 0));
        assertRefuses(() -> kernels.unpackInt(room, -1, 7, 1, 0, room, 0));
    }

    private static void assertRefuses(Runnable call) {
        assertThrows(RuntimeException.class, call::run);
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void addsUpInRuns(Kernels kernels, @Seed SplittableRandom random) {
        var inputs = new KernelInputs(arena, random);
        for (int count : counts(kernels, random)) {
            long[] longs = inputs.numbers(count, -1L);
            int[] ints = Arrays.stream(longs).mapToInt(x -> (int) x).toArray();
            Place sums = inputs.longs(longs);
            Place intSums = inputs.ints(ints);
            kernels.runningSumsLong(sums.segment(), sums.offset(), count);
            kernels.runningSumsInt(intSums.segment(), intSums.offset(), count);
            for (int i = 1; i < count; i++) {
                boolean isFirst = i % Kernels.SUM_RUN == 0;
                longs[i] += isFirst ? 0 : longs[i - 1];
                ints[i] += isFirst ? 0 : ints[i - 1];
            }
            assertArrayEquals(longs, sums.longs());
            assertArrayEquals(ints, intSums.ints());
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void scalesIntegers(Kernels kernels, @Seed SplittableRandom random) {
        var inputs = new KernelInputs(arena, random);
        for (int count : counts(kernels, random)) {
            long most = (1L << random.nextInt(1, 52)) - 1;
            long[] longs = random.longs(count, -most, most + 1).toArray();
            double factor = Math.pow(10, random.nextInt(10));
            double fraction = Math.pow(10, -random.nextInt(10));
            Place values = inputs.longs(longs);
            kernels.scaleToDouble(values.segment(), values.offset(), count, factor, fraction);
            long[] expected = Arrays.stream(longs)
                    .map(x -> Double.doubleToRawLongBits(x * factor * fraction))
                    .toArray();
            assertArrayEquals(expected, values.longs());
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void narrowsByRangeOfPacked(Kernels kernels, @Seed SplittableRandom random) {
        for (int width = 0; width <= 64; width++) {
            for (int round = 0; round < 4; round++) {
                narrowByRangeOfPacked(kernels, random, width, new KernelInputs(arena, random).count());
            }
        }
        int width = random.nextInt(33);
        int wide = random.nextInt(33, 58);
        for (int count : counts(kernels, random)) {
            narrowByRangeOfPacked(kernels, random, width, count);
            narrowByRangeOfPacked(kernels, random, wide, count);
        }
    }

    private void narrowByRangeOfPacked(Kernels kernels, SplittableRandom random, int width, int count) {
        var inputs = new KernelInputs(arena, random);
        long mask = Kernels.lowBits(width);
        long[] numbers = inputs.numbers(count, mask);
        boolean isInWidth = random.nextInt(4) > 0; // Else bounds may be wider than the numbers.
        long low = inputs.bound(numbers) & (isInWidth ? mask : -1L);
        long high = random.nextInt(4) == 0 ? low : inputs.bound(numbers) & (isInWidth ? mask : -1L);
        Place plain = inputs.longs(numbers);
        Place packed = inputs.place(Kernels.packedBytes(width, count), Kernels.READ_PADDING_BYTES);
        kernels.pack(plain.segment(), plain.offset(), width, count, 0, packed.segment(), packed.offset());
        Place bitmap = inputs.bitmap(count);
        BitSet expected = keep(
                bitmap.bits(),
                i -> Long.compareUnsigned(low, numbers[i]) <= 0 && Long.compareUnsigned(numbers[i], high) <= 0);
        MemorySegment bits = bitmap.segment();
        kernels.rangePacked(packed.segment(), packed.offset(), width, count, low, high, bits, bitmap.offset());
        assertEquals(expected, bitmap.bits(), () -> count + " of " + width + " bits, " + low + " to " + high);
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void narrowsByRange(Kernels kernels, @Seed SplittableRandom random) {
        var inputs = new KernelInputs(arena, random);
        for (int count : counts(kernels, random)) {
            long[] longs = inputs.numbers(count, -1L);
            long low = inputs.bound(longs);
            long high = inputs.bound(longs);
            Place values = inputs.longs(longs);
            Place bitmap = inputs.bitmap(count);
            BitSet expected = keep(bitmap.bits(), i -> low <= longs[i] && longs[i] <= high);
            kernels.rangeLong(values.segment(), values.offset(), count, low, high, bitmap.segment(), bitmap.offset());
            assertEquals(expected, bitmap.bits());

            int[] ints = Arrays.stream(longs).mapToInt(x -> (int) x).toArray();
            int least = (int) low;
            int most = (int) high;
            values = inputs.ints(ints);
            bitmap = inputs.bitmap(count);
            expected = keep(bitmap.bits(), i -> least <= ints[i] && ints[i] <= most);
            kernels.rangeInt(values.segment(), values.offset(), count, least, most, bitmap.segment(), bitmap.offset());
            assertEquals(expected, bitmap.bits());
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void narrowsByRangeOfFloatingPoint(Kernels kernels, @Seed SplittableRandom random) {
        var inputs = new KernelInputs(arena, random);
        for (int count : counts(kernels, random)) {
            double[] doubles = inputs.numbers(count);
            double low = inputs.number();
            double high = random.nextInt(4) == 0 ? low : inputs.number();
            Place values = inputs.doubles(doubles);
            Place bitmap = inputs.bitmap(count);
            BitSet expected = keep(bitmap.bits(), i -> low <= doubles[i] && doubles[i] <= high);
            kernels.rangeDouble(values.segment(), values.offset(), count, low, high, bitmap.segment(), bitmap.offset());
            assertEquals(expected, bitmap.bits());

            float least = (float) low;
            float most = (float) high;
            values = inputs.floats(doubles);
            bitmap = inputs.bitmap(count);
            expected = keep(bitmap.bits(), i -> least <= (float) doubles[i] && (float) doubles[i] <= most);
            kernels.rangeFloat(
                    values.segment(), values.offset(), count, least, most, bitmap.segment(), bitmap.offset());
            assertEquals(expected, bitmap.bits());
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void combinesBitmaps(Kernels kernels, @Seed SplittableRandom random) {
        var inputs = new KernelInputs(arena, random);
        for (int count : counts(kernels, random)) {
            Place target = inputs.bitmap(count);
            Place other = inputs.bitmap(count);
            BitSet expected = target.bits();
            expected.and(other.bits());
            kernels.and(target.segment(), target.offset(), other.segment(), other.offset(), count);
            assertEquals(expected, target.bits());

            Place third = inputs.bitmap(count);
            expected.or(third.bits());
            kernels.or(target.segment(), target.offset(), third.segment(), third.offset(), count);
            assertEquals(expected, target.bits());

            expected.andNot(other.bits());
            kernels.andNot(target.segment(), target.offset(), other.segment(), other.offset(), count);
            assertEquals(expected, target.bits());
            assertEquals(expected.cardinality(), kernels.popCount(target.segment(), target.offset(), count));

            kernels.setAll(target.segment(), target.offset(), count);
            expected.set(0, count);
            assertEquals(expected, target.bits());
            kernels.clearAll(target.segment(), target.offset(), count);
            assertEquals(new BitSet(), target.bits());
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void selectsAndGathers(Kernels kernels, @Seed SplittableRandom random) {
        var inputs = new KernelInputs(arena, random);
        for (int count : counts(kernels, random)) {
            Place bitmap = inputs.bitmap(count);
            int[] expected = bitmap.bits().stream().toArray();
            Place selection = inputs.target(expected.length * 4L);
            int selected = kernels.bitmapToSelection(
                    bitmap.segment(), bitmap.offset(), count, selection.segment(), selection.offset());
            assertEquals(expected.length, selected);
            assertArrayEquals(expected, selection.ints());
            int cellBytes = 1 << count % 5;
            Place cells = inputs.place((long) count * cellBytes, 0);
            byte[] all = new byte[count * cellBytes];
            random.nextBytes(all);
            MemorySegment.copy(all, 0, cells.segment(), Kernels.BYTE, cells.offset(), all.length);
            byte[] wanted = new byte[selected * cellBytes];
            for (int i = 0; i < selected; i++) {
                System.arraycopy(all, expected[i] * cellBytes, wanted, i * cellBytes, cellBytes);
            }
            Place target = random.nextBoolean() ? cells : inputs.place(wanted.length, 0);
            gather(kernels, cellBytes, cells, selection, selected, target);
            byte[] gathered = Arrays.copyOf(target.toArray(), wanted.length);
            assertArrayEquals(wanted, gathered, () -> selected + " cells of " + cellBytes + " bytes");
        }
    }

    private static void gather(Kernels kernels, int cellBytes, Place from, Place selection, int count, Place to) {
        MemorySegment source = from.segment();
        MemorySegment indexes = selection.segment();
        MemorySegment target = to.segment();
        long sourceAt = from.offset();
        long indexesAt = selection.offset();
        switch (cellBytes) {
            case 1 -> kernels.gather1(source, sourceAt, indexes, indexesAt, count, target, to.offset());
            case 2 -> kernels.gather2(source, sourceAt, indexes, indexesAt, count, target, to.offset());
            case 4 -> kernels.gather4(source, sourceAt, indexes, indexesAt, count, target, to.offset());
            case 8 -> kernels.gather8(source, sourceAt, indexes, indexesAt, count, target, to.offset());
            case 16 -> kernels.gather16(source, sourceAt, indexes, indexesAt, count, target, to.offset());
            default -> throw new IllegalArgumentException("cells of " + cellBytes + " bytes");
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void totalsLongs(Kernels kernels, @Seed SplittableRandom random) {
        var inputs = new KernelInputs(arena, random);
        for (int count : counts(kernels, random)) {
            long[] numbers = inputs.numbers(count, -1L);
            Place bitmap = inputs.bitmap(count);
            Place values = inputs.longs(numbers);
            MemorySegment bits = bitmap.segment();
            long[] chosen = bitmap.bits().stream().mapToLong(i -> numbers[i]).toArray();
            long min = Arrays.stream(chosen).min().orElse(Long.MAX_VALUE);
            long max = Arrays.stream(chosen).max().orElse(Long.MIN_VALUE);
            long sum = Arrays.stream(chosen).sum();
            assertEquals(sum, kernels.sumLong(values.segment(), values.offset(), count, bits, bitmap.offset()));
            assertEquals(min, kernels.minLong(values.segment(), values.offset(), count, bits, bitmap.offset()));
            assertEquals(max, kernels.maxLong(values.segment(), values.offset(), count, bits, bitmap.offset()));
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void totalsDoubles(Kernels kernels, @Seed SplittableRandom random) {
        var inputs = new KernelInputs(arena, random);
        for (int count : counts(kernels, random)) {
            double[] numbers = count % 2 == 0
                    ? inputs.numbers(count)
                    : random.doubles(count, -1e6, 1e6).toArray();
            Place bitmap = inputs.bitmap(count);
            Place values = inputs.doubles(numbers);
            MemorySegment bits = bitmap.segment();
            BitSet chosen = bitmap.bits();
            double[] sums = new double[8];
            double min = Double.POSITIVE_INFINITY;
            double max = Double.NEGATIVE_INFINITY;
            for (int i = chosen.nextSetBit(0); i >= 0; i = chosen.nextSetBit(i + 1)) {
                sums[i % 8] += numbers[i];
                min = Double.isNaN(numbers[i]) ? min : Math.min(min, numbers[i]);
                max = Double.isNaN(numbers[i]) ? max : Math.max(max, numbers[i]);
            }
            double sum = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
            // Compares bits; NaN equals NaN.
            assertEquals(sum, kernels.sumDouble(values.segment(), values.offset(), count, bits, bitmap.offset()));
            assertEquals(min, kernels.minDouble(values.segment(), values.offset(), count, bits, bitmap.offset()));
            assertEquals(max, kernels.maxDouble(values.segment(), values.offset(), count, bits, bitmap.offset()));
        }
    }

    private static BitSet keep(BitSet bits, IntPredicate predicate) {
        return bits.stream().filter(predicate).collect(BitSet::new, BitSet::set, BitSet::or);
    }
}
