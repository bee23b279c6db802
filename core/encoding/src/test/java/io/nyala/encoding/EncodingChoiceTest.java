package io.nyala.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/**
 * Goal: what is slower to read is chosen only where it saves its part, and what an encoder has learnt from one vector
 * is not kept when the next ones are others. Method: values of which the saving is known, a little less than what is
 * asked for.
 */
final class EncodingChoiceTest {
    private static final int COUNT = 1024;

    /** Digits of 6 bits each, which no scheme makes much smaller. */
    private static final String DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    private static StringBuilder digits(SplittableRandom random, int count) {
        var text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(DIGITS.charAt(random.nextInt(DIGITS.length())));
        }
        return text;
    }

    private static FlatBinary strings(TestVectors vectors, Supplier<CharSequence> next) {
        byte[][] strings = new byte[COUNT][];
        for (int i = 0; i < COUNT; i++) {
            strings[i] = next.get().toString().getBytes(StandardCharsets.US_ASCII);
        }
        return vectors.binary(strings, 0);
    }

    @Test
    void prefixesMustSaveAnEighth(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            FlatBinary few = strings(vectors, () -> "prefix" + digits(random, 54));
            EncodedVector asked = vectors.encodeBinary(EncodingHint.PREFIX, few, COUNT);
            EncodedVector plain = vectors.encodeBinary(EncodingHint.AUTO, few, COUNT);
            assertEquals(VectorEncoding.PREFIX, asked.encoding());
            assertEquals(VectorEncoding.PLAIN, plain.encoding());
            assertTrue(asked.bytes() < plain.bytes(), asked.bytes() + " of " + plain.bytes());
            FlatBinary many = strings(vectors, () -> "a prefix that is long" + digits(random, 39));
            assertEquals(
                    VectorEncoding.PREFIX,
                    vectors.encodeBinary(EncodingHint.AUTO, many, COUNT).encoding());
        }
    }

    /** A word in the middle, of which the others are a symbol each. */
    private static CharSequence withWord(SplittableRandom random, String word) {
        return digits(random, 60 - word.length()).insert(random.nextInt(1, 8), word);
    }

    @Test
    void symbolsMustSaveAQuarter(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            FlatBinary few = strings(vectors, () -> withWord(random, "-a-word-"));
            assertEquals(
                    VectorEncoding.PLAIN,
                    vectors.encodeBinary(EncodingHint.AUTO, few, COUNT).encoding());
            FlatBinary many = strings(vectors, () -> withWord(random, "-many-of-these-words-in-it-"));
            assertEquals(
                    VectorEncoding.FSST,
                    vectors.encodeBinary(EncodingHint.AUTO, many, COUNT).encoding());
        }
    }

    @Test
    void symbolsAreNotLookedForBeforeACompressor(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            FlatBinary strings = strings(vectors, () -> withWord(random, "-many-of-these-words-in-it-"));
            assertEquals(
                    VectorEncoding.PLAIN,
                    encode(vectors, encoder(vectors, true), strings).encoding());
            assertEquals(
                    VectorEncoding.FSST,
                    encode(vectors, encoder(vectors, false), strings).encoding());
        }
    }

    private static VectorEncoder encoder(TestVectors vectors, boolean isCompressedAfterwards) {
        return new VectorEncoder(vectors.scratch, EncodingHint.AUTO, isCompressedAfterwards);
    }

    private static EncodedVector encode(TestVectors vectors, VectorEncoder encoder, FlatBinary strings) {
        MemorySegment target = vectors.room(VectorFormat.maxBinaryBytes(COUNT, strings.offset(COUNT)));
        return vectors.exact(target, encoder.encodeBinary(strings, COUNT, target, 0));
    }

    /** By the symbols of the first vector the second would still be a quarter smaller than plain. */
    @Test
    void symbolsAreFoundAnewWhereTheTextIsAnother(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            VectorEncoder encoder = encoder(vectors, false);
            String stays = "-words-that-are-in-all-of-them-now-";
            encode(vectors, encoder, strings(vectors, () -> withWord(random, stays + "others-at-first-")));
            FlatBinary others = strings(vectors, () -> withWord(random, stays + "quite-new-later-"));
            EncodedVector learnt = encode(vectors, encoder, others);
            assertEquals(VectorEncoding.FSST, learnt.encoding());
            long fresh = encode(vectors, encoder(vectors, false), others).bytes();
            assertTrue(learnt.bytes() <= 1.1 * fresh, learnt.bytes() + " bytes, afresh " + fresh);
        }
    }

    private static MemorySegment doubles(TestVectors vectors, IntToDoubleFunction value) {
        MemorySegment values = vectors.room(COUNT * 8L + VectorFormat.READ_PADDING_BYTES);
        for (int i = 0; i < COUNT; i++) {
            values.set(Cells.LONG, i * 8L, Double.doubleToRawLongBits(value.applyAsDouble(i)));
        }
        return values;
    }

    private static double decimal(SplittableRandom random, long most, double power) {
        return random.nextLong(most) / power;
    }

    @Test
    void scaledIntegersMustSaveAnEighth(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            assertEquals(VectorEncoding.PLAIN, ofDecimals(vectors, random, 12));
            assertEquals(VectorEncoding.ALP, ofDecimals(vectors, random, 2));
        }
    }

    /** Numbers of 20 bits, and of each 25 some that are no decimals: these take 10 bytes instead of 8. */
    private static VectorEncoding ofDecimals(TestVectors vectors, SplittableRandom random, int others) {
        MemorySegment values =
                doubles(vectors, i -> i % 25 < others ? random.nextDouble() : decimal(random, 1 << 20, 100));
        return vectors.encodeFixed(EncodingHint.AUTO, values, Double.BYTES, COUNT)
                .encoding();
    }

    private static EncodedVector encode(TestVectors vectors, VectorEncoder encoder, MemorySegment values) {
        MemorySegment target = vectors.room(VectorFormat.maxFixedBytes(COUNT, Double.BYTES));
        return vectors.exact(target, encoder.encodeFixed(values, 0, Double.BYTES, COUNT, target, 0));
    }

    /** By the powers of the first vector the second would still be smaller than plain. */
    @Test
    void powersOfTenAreFoundAnewWhereOthersAreMuchSmaller(@Seed SplittableRandom random) {
        try (var vectors = new TestVectors()) {
            VectorEncoder encoder = encoder(vectors, false);
            encode(vectors, encoder, doubles(vectors, _ -> decimal(random, 1 << 20, 1e6)));
            MemorySegment others = doubles(vectors, _ -> decimal(random, 1 << 20, 10));
            EncodedVector learnt = encode(vectors, encoder, others);
            assertEquals(VectorEncoding.ALP, learnt.encoding());
            long fresh = encode(vectors, encoder(vectors, false), others).bytes();
            assertTrue(learnt.bytes() <= 1.2 * fresh, learnt.bytes() + " bytes, afresh " + fresh);
        }
    }
}
