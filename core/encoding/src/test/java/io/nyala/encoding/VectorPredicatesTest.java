package io.nyala.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a range asked of the encoded form selects what it selects of the values, in every encoding and order.
 * Method: random vectors and bounds, drawn from the values half of the time, against one comparison per value.
 */
final class VectorPredicatesTest {
    @RepeatedTest(200)
    void selectsIntegers(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int cellBytes = 1 << random.nextInt(4);
            int count = TestVectors.count(random);
            MemorySegment values = vectors.fixed(random, cellBytes, count);
            EncodedVector vector = vectors.encodeFixed(TestVectors.hint(random), values, cellBytes, count);
            for (int i = 0; i < 10; i++) {
                long low = bound(random, values, cellBytes, count);
                long high = random.nextInt(4) == 0 ? low : bound(random, values, cellBytes, count);
                assertSelects(vectors, random, vector, ValueRange.ofSigned(low, high), row -> {
                    long value = Cells.signed(values, (long) row * cellBytes, cellBytes);
                    return low <= value && value <= high;
                });
            }
        }
    }

    /** One of the values, near one, or anything. */
    private static long bound(SplittableRandom random, MemorySegment values, int cellBytes, int count) {
        return switch (count == 0 ? 3 : random.nextInt(5)) {
            case 0, 1 -> Cells.signed(values, (long) random.nextInt(count) * cellBytes, cellBytes);
            case 2 -> Cells.signed(values, (long) random.nextInt(count) * cellBytes, cellBytes) + random.nextInt(-1, 2);
            case 3 -> random.nextLong();
            default -> random.nextBoolean() ? Long.MIN_VALUE : Long.MAX_VALUE;
        };
    }

    @RepeatedTest(100)
    void selectsDoubles(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int count = TestVectors.count(random);
            double[] doubles = new double[count];
            double unit = random.nextBoolean() ? 0.25 : 0.01;
            MemorySegment values = vectors.room(count * 8L + VectorFormat.READ_PADDING_BYTES);
            for (int i = 0; i < count; i++) {
                doubles[i] = unit == 0.25
                        ? floating(random)
                        : random.nextInt(100) == 0 ? floating(random) : random.nextInt(-2000, 2000) / 100.0;
                values.set(Cells.LONG, i * 8L, Double.doubleToRawLongBits(doubles[i]));
            }
            EncodedVector vector = vectors.encodeFixed(TestVectors.hint(random), values, 8, count);
            for (int i = 0; i < 10; i++) {
                double low = count == 0 || random.nextBoolean() ? floating(random) : doubles[random.nextInt(count)];
                double high = count == 0 || random.nextBoolean() ? floating(random) : doubles[random.nextInt(count)];
                assertSelects(
                        vectors,
                        random,
                        vector,
                        ValueRange.ofDouble(low, high),
                        row -> low <= doubles[row] && doubles[row] <= high);
            }
        }
    }

    @RepeatedTest(100)
    void selectsFloats(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int count = TestVectors.count(random);
            float[] floats = new float[count];
            MemorySegment values = vectors.room(count * 4L + VectorFormat.READ_PADDING_BYTES);
            boolean narrow = random.nextBoolean();
            for (int i = 0; i < count; i++) {
                floats[i] = narrow ? 1 + random.nextInt(1024) / 1024f : (float) floating(random);
                values.set(Cells.INT, i * 4L, Float.floatToRawIntBits(floats[i]));
            }
            EncodedVector vector = vectors.encodeFixed(TestVectors.hint(random), values, 4, count);
            for (int i = 0; i < 10; i++) {
                float low = narrow ? 1 + random.nextInt(1024) / 1024f : (float) floating(random);
                float high = narrow ? 2 : (float) floating(random);
                assertSelects(
                        vectors,
                        random,
                        vector,
                        ValueRange.ofFloat(low, high),
                        row -> low <= floats[row] && floats[row] <= high);
            }
        }
    }

    private static double floating(SplittableRandom random) {
        double[] special = {0.0, -0.0, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 1, -1};
        return random.nextInt(3) == 0 ? special[random.nextInt(special.length)] : random.nextInt(-20, 20) / 4.0;
    }

    @RepeatedTest(60)
    void selectsDecimals(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int count = TestVectors.count(random);
            MemorySegment values = vectors.fixed(random, 16, count);
            EncodedVector vector = vectors.encodeFixed(TestVectors.hint(random), values, 16, count);
            for (int i = 0; i < 10 && count > 0; i++) {
                long low = random.nextInt(count) * 16L;
                long high = random.nextInt(count) * 16L;
                var range = ValueRange.ofDecimal(
                        values.get(Cells.LONG, low + 8),
                        values.get(Cells.LONG, low),
                        values.get(Cells.LONG, high + 8),
                        values.get(Cells.LONG, high));
                assertSelects(vectors, random, vector, range, row -> {
                    BigInteger value = decimal(values, row * 16L);
                    return decimal(values, low).compareTo(value) <= 0 && value.compareTo(decimal(values, high)) <= 0;
                });
            }
        }
    }

    private static BigInteger decimal(MemorySegment values, long at) {
        long top = values.get(Cells.LONG, at + 8);
        long bottom = values.get(Cells.LONG, at);
        return new BigInteger(
                ByteBuffer.allocate(16).putLong(top).putLong(bottom).array());
    }

    @RepeatedTest(100)
    void selectsByteStrings(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            int count = TestVectors.count(random);
            FlatBinary strings = vectors.binary(random, count);
            EncodedVector vector = vectors.encodeBinary(TestVectors.hint(random), strings, count);
            for (int i = 0; i < 10 && count > 0; i++) {
                byte[] low = string(strings, random.nextInt(count));
                byte[] high = string(strings, random.nextInt(count));
                MemorySegment lowSegment = segment(vectors, low);
                MemorySegment highSegment = segment(vectors, high);
                assertSelects(vectors, random, vector, ValueRange.ofBinary(lowSegment, highSegment), row -> {
                    byte[] value = string(strings, row);
                    return Arrays.compareUnsigned(low, value) <= 0 && Arrays.compareUnsigned(value, high) < 0;
                });
                assertSelects(vectors, random, vector, ValueRange.ofBinaryClosed(null, highSegment), row -> {
                    return Arrays.compareUnsigned(string(strings, row), high) <= 0;
                });
                assertSelects(vectors, random, vector, ValueRange.ofBinary(lowSegment, null), row -> {
                    return Arrays.compareUnsigned(low, string(strings, row)) <= 0;
                });
                assertSelects(vectors, random, vector, ValueRange.ofBinaryEqual(lowSegment), row -> {
                    return Arrays.equals(low, string(strings, row));
                });
            }
        }
    }

    /** More than are decoded together, by what the header says: they are compared where they lie. */
    @Test
    void selectsStringsThatAreSaidToBeLong(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            byte[][] texts = new byte[1000][];
            for (int i = 0; i < texts.length; i++) {
                texts[i] = new byte[random.nextInt(200)];
                for (int at = 0; at < texts[i].length; at++) {
                    texts[i][at] = (byte) ('a' + random.nextInt(8));
                }
            }
            EncodedVector vector = vectors.encodeBinary(EncodingHint.AUTO, vectors.binary(texts, 0), texts.length);
            assertEquals(VectorEncoding.FSST, vector.encoding());
            vector.source.set(Cells.INT, vector.offset + VectorFormat.DECODED_BYTES, (256 << 10) + 1);
            vector.wrap(vector.source, vector.offset, vector.bytes);
            assertFalse(VectorDecoder.fitsScratch(vector), vector.decodedBytes() + " bytes");
            for (int i = 0; i < 5; i++) {
                byte[] low = texts[random.nextInt(texts.length)];
                byte[] high = texts[random.nextInt(texts.length)];
                ValueRange range = ValueRange.ofBinary(segment(vectors, low), segment(vectors, high));
                assertSelects(vectors, random, vector, range, row -> {
                    return Arrays.compareUnsigned(low, texts[row]) <= 0 && Arrays.compareUnsigned(texts[row], high) < 0;
                });
            }
        }
    }

    private static byte[] string(FlatBinary strings, int index) {
        return strings.bytes()
                .asSlice(strings.start(index), strings.bytes(index))
                .toArray(Cells.BYTE);
    }

    private static MemorySegment segment(TestVectors vectors, byte[] bytes) {
        return vectors.room(bytes.length).asSlice(0, bytes.length).copyFrom(MemorySegment.ofArray(bytes));
    }

    @Test
    void refusesARangeOfAnotherKind() {
        try (var vectors = new TestVectors()) {
            MemorySegment values = vectors.room(4 + VectorFormat.READ_PADDING_BYTES);
            EncodedVector vector = vectors.encodeFixed(EncodingHint.AUTO, values, 4, 1);
            MemorySegment bitmap = vectors.room(8);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> VectorPredicates.and(vector, ValueRange.ofDouble(0, 1), bitmap, 0));
        }
    }

    /** Over a bitmap that has some bits cleared already, and bits of the same word that no value stands for. */
    private static void assertSelects(
            TestVectors vectors,
            SplittableRandom random,
            EncodedVector vector,
            ValueRange range,
            IntPredicate expected) {
        int words = (vector.count() + 63) / 64;
        MemorySegment bitmap = vectors.room(words * 8L);
        long[] before = new long[words];
        for (int word = 0; word < words; word++) {
            before[word] = random.nextBoolean() ? -1 : random.nextLong();
            if (word == words - 1 && vector.count() % 64 != 0) {
                before[word] &= (1L << vector.count()) - 1;
            }
            bitmap.set(Cells.LONG, word * 8L, before[word]);
        }
        VectorPredicates.and(vector, range, bitmap, 0);
        for (int i = 0; i < words * 64; i++) {
            boolean was = (before[i / 64] >>> i & 1) != 0;
            boolean is = (bitmap.get(Cells.LONG, i / 64 * 8L) >>> i & 1) != 0;
            String what = "value " + i + " of " + vector.count() + " " + vector.encoding();
            assertEquals(was && i < vector.count() && expected.test(i), is, what);
        }
    }
}
