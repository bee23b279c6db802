package io.nyala.encoding;

import java.lang.foreign.MemorySegment;

/**
 * A vector of floating point numbers as {@link AlpVector} would write it: with which powers of ten, which integers,
 * which exceptions. The integers stand at {@link EncoderScratch#LONGS}.
 *
 * <p>A reusable part of {@link EncoderScratch}, for one thread.
 */
final class AlpShape {
    /** Values by which the powers are chosen. */
    private static final int SAMPLE = 32;

    /** Bits that an exception takes beside its cell. */
    private static final int POSITION_BITS = 16;

    // Exponents of two between which numbers are plausible; those of integers taken for floating point are below.
    private static final int LOG_MIN = -60;
    private static final int LOG_MAX = 60;

    private final EncoderScratch scratch;
    private final int[] positions = new int[VectorFormat.VALUES_MAX];
    private int exceptions;
    private int exponent;
    private int factor;
    private int width;
    private long minimum;

    AlpShape(EncoderScratch scratch) {
        this.scratch = scratch;
    }

    /** Whether the cells seem to be floating point numbers, and not integers. */
    static boolean isPlausible(FixedShape shape) {
        int cellBytes = shape.cellBytes();
        if ((cellBytes != Double.BYTES && cellBytes != Float.BYTES) || shape.count() == 0) {
            return false;
        }
        int plausible = 0;
        for (int i = 0; i < SAMPLE; i++) {
            double number = number(shape, sampled(shape, i));
            int log = Math.getExponent(number);
            plausible += LOG_MIN <= log && log <= LOG_MAX ? 1 : 0;
        }
        return plausible >= SAMPLE / 4;
    }

    private static int sampled(FixedShape shape, int index) {
        return index * shape.count() / SAMPLE;
    }

    private static double number(FixedShape shape, int row) {
        long bits = Cells.signed(shape.values(), shape.offset(row), shape.cellBytes());
        return shape.cellBytes() == Float.BYTES ? Float.intBitsToFloat((int) bits) : Double.longBitsToDouble(bits);
    }

    private static long integer(FixedShape shape, int row, int factor, int exponent) {
        long bits = Cells.signed(shape.values(), shape.offset(row), shape.cellBytes());
        return AlpVector.integer(number(shape, row), bits, factor, exponent, shape.cellBytes());
    }

    /** Finds the powers that take the fewest bits in a sample. */
    void choose(FixedShape shape) {
        int least = Integer.MAX_VALUE;
        int bestExponent = 0;
        int bestFactor = 0;
        for (int e = AlpVector.EXPONENT_MAX; e >= 0; e--) {
            for (int f = e; f >= 0; f--) {
                int bits = sampleBits(shape, f, e, least);
                if (bits < least) {
                    least = bits;
                    bestExponent = e;
                    bestFactor = f;
                }
            }
        }
        exponent = bestExponent;
        factor = bestFactor;
    }

    /** Stops where it is more than {@code most}. */
    private static int sampleBits(FixedShape shape, int factor, int exponent, int most) {
        int exceptionBits = shape.cellBytes() * Byte.SIZE + POSITION_BITS;
        int bits = 0;
        long least = Long.MAX_VALUE;
        long largest = Long.MIN_VALUE;
        for (int i = 0; i < SAMPLE && bits < most; i++) {
            long integer = integer(shape, sampled(shape, i), factor, exponent);
            if (integer > AlpVector.NUMBER_MAX) {
                bits += exceptionBits;
            } else {
                least = Math.min(least, integer);
                largest = Math.max(largest, integer);
            }
        }
        return bits + (least > largest ? 0 : PackedInts.width(largest - least) * SAMPLE);
    }

    /** Makes integers of all values by the powers chosen last; answers the bytes of the vector. */
    long take(FixedShape shape) {
        MemorySegment longs = scratch.segment();
        int count = shape.count();
        int exceptionCount = 0;
        long least = Long.MAX_VALUE;
        long largest = Long.MIN_VALUE;
        for (int i = 0; i < count; i++) {
            long integer = integer(shape, i, factor, exponent);
            longs.set(Cells.LONG, EncoderScratch.LONGS + i * 8L, integer);
            if (integer > AlpVector.NUMBER_MAX) {
                positions[exceptionCount++] = i;
            } else {
                least = Math.min(least, integer);
                largest = Math.max(largest, integer);
            }
        }
        exceptions = exceptionCount;
        minimum = exceptionCount == count ? 0 : least;
        width = exceptionCount == count ? 0 : PackedInts.width(largest - least);
        for (int i = 0; i < exceptionCount; i++) {
            longs.set(Cells.LONG, EncoderScratch.LONGS + positions[i] * 8L, minimum);
        }
        return AlpVector.fixedBytes(this, count, shape.cellBytes());
    }

    void use(int usedExponent, int usedFactor) {
        exponent = usedExponent;
        factor = usedFactor;
    }

    int exponent() {
        return exponent;
    }

    int factor() {
        return factor;
    }

    int exceptions() {
        return exceptions;
    }

    int position(int exception) {
        return positions[exception];
    }

    int width() {
        return width;
    }

    long minimum() {
        return minimum;
    }
}
