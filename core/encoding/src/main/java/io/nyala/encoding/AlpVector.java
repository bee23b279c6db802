package io.nyala.encoding;

import io.nyala.memory.Kernels;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * A vector of floating point numbers that were decimals: integers, scaled by two powers of ten, and exceptions (ALP:
 * Afroozeh, Kuffo, Boncz, SIGMOD 2023). Suits amounts, measurements, coordinates.
 *
 * <pre>{@code
 *   0        4       5          6        7      8            10     16        24
 *   +--------+-------+----------+--------+------+------------+------+---------+---------+-----------+-------+
 *   | header | width | exponent | factor | zero | exceptions | zero | minimum | numbers | positions | cells |
 *   +--------+-------+----------+--------+------+------------+------+---------+---------+-----------+-------+
 *              u8        u8        u8      u8       u16       u8[6]    i64     packed     u16[e]     cell[e]
 * }</pre>
 *
 * Header: {@link VectorFormat}, with cells of 8 bytes (double) or 4 (float); numbers: {@link PackedInts}. Value {@code
 * i} is {@code (minimum + numbers[i]) * 10^factor * 10^-exponent}, multiplied in this order as doubles, and of a float
 * rounded to one at the end. The integers are less than 2^51, of floats 2^31, away from zero. At each of {@code
 * positions}, which ascend, the value is the cell of {@code cells} instead, bit for bit; its number means nothing, the
 * writer takes 0.
 *
 * <p>Example, the doubles {@code [1.5, -0.0, 1.7]} with exponent 1: {@code 09 08 03 00 | 02 | 01 | 00 | 00 | 01 00 | 00
 * 00 00 00 00 00 | 0f 00 00 00 00 00 00 00 | 20 | 01 00 | 00 00 00 00 00 00 00 80}.
 */
final class AlpVector {
    /** Integers that a double holds one by one, with a bit to spare for the kernel. */
    static final long NUMBER_MAX = (1L << 51) - 1;

    static final int EXPONENT_MAX = 18;

    private static final Kernels KERNELS = Kernels.best();

    private static final long WIDTH = 4;
    private static final long EXPONENT = 5;
    private static final long FACTOR = 6;
    private static final long ZERO = 7;
    private static final long EXCEPTIONS = 8;
    private static final long MORE_ZERO = 10;
    private static final long MINIMUM = 16;
    private static final long NUMBERS = 24;

    private static final double[] POWERS = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18
    };
    private static final double[] FRACTIONS = {
        1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16,
        1e-17, 1e-18
    };

    private AlpVector() {}

    static void read(EncodedVector vector) {
        int cellBytes = vector.cellBytes();
        vector.check("cell", VectorFormat.CELL_BYTES, cellBytes, Float.BYTES, Double.BYTES);
        vector.checkReaches(NUMBERS);
        vector.width = vector.u8(WIDTH);
        vector.check("width", WIDTH, vector.width, 0, cellBytes == Float.BYTES ? 32 : 52);
        vector.exponent = vector.u8(EXPONENT);
        vector.check("exponent", EXPONENT, vector.exponent, 0, EXPONENT_MAX);
        vector.factor = vector.u8(FACTOR);
        vector.check("factor", FACTOR, vector.factor, 0, vector.exponent);
        vector.check("zero", ZERO, vector.u8(ZERO), 0, 0);
        for (long zero = MORE_ZERO; zero < MINIMUM; zero += 2) {
            vector.check("zero", zero, vector.u16(zero), 0, 0);
        }
        vector.entryCount = vector.u16(EXCEPTIONS);
        vector.check("exceptions", EXCEPTIONS, vector.entryCount, 0, vector.count());
        vector.minimum = vector.source.get(Cells.LONG, vector.offset + MINIMUM);
        vector.check("minimum", MINIMUM, vector.minimum, -NUMBER_MAX, NUMBER_MAX);
        vector.packed = vector.offset + NUMBERS;
        long positions = NUMBERS + PackedInts.bytes(vector.count(), vector.width);
        vector.bases = vector.offset + positions;
        vector.cells = vector.bases + vector.entryCount * 2L;
        vector.checkEnd(positions + vector.entryCount * (2L + cellBytes));
        vector.checkPacked(NUMBERS, vector.count(), vector.width);
    }

    private static double number(long integer, int factor, int exponent) {
        return integer * POWERS[factor] * FRACTIONS[exponent];
    }

    /** The bits of what an integer stands for. */
    private static long bits(long integer, int factor, int exponent, int cellBytes) {
        double number = number(integer, factor, exponent);
        return cellBytes == Float.BYTES ? Float.floatToRawIntBits((float) number) : Double.doubleToRawLongBits(number);
    }

    /** Where exception {@code index} is, which must be behind {@code previous}. */
    private static int position(EncodedVector vector, int index, int previous) {
        int position = vector.source.get(Cells.SHORT, vector.bases + index * 2L) & 0xFFFF;
        vector.check(
                "position", vector.bases + index * 2L - vector.offset, position, previous + 1L, vector.count() - 1L);
        return position;
    }

    /** The bits of the value at {@code index}. */
    static long value(EncodedVector vector, int index) {
        int low = 0;
        int high = vector.entryCount;
        while (low < high) {
            int middle = (low + high) >>> 1;
            int position = vector.source.get(Cells.SHORT, vector.bases + middle * 2L) & 0xFFFF;
            if (position == index) {
                return Cells.signed(vector.source, cell(vector, middle), vector.cellBytes());
            }
            if (position < index) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        long integer = vector.minimum + PackedInts.get(vector.source, vector.packed, vector.width, index);
        return bits(integer, vector.factor, vector.exponent, vector.cellBytes());
    }

    private static long cell(EncodedVector vector, int exception) {
        return vector.cells + (long) exception * vector.cellBytes();
    }

    static void decodeFixed(EncodedVector vector, MemorySegment target, long targetOffset) {
        int count = vector.count();
        int cellBytes = vector.cellBytes();
        double power = POWERS[vector.factor];
        double fraction = FRACTIONS[vector.exponent];
        if (cellBytes == Double.BYTES) {
            KERNELS.unpack(vector.source, vector.packed, vector.width, count, vector.minimum, target, targetOffset);
            KERNELS.scaleToDouble(target, targetOffset, count, power, fraction);
        } else {
            int minimum = (int) vector.minimum;
            KERNELS.unpackInt(vector.source, vector.packed, vector.width, count, minimum, target, targetOffset);
            for (int i = 0; i < count; i++) {
                double number = target.get(Cells.INT, targetOffset + i * 4L) * power * fraction;
                target.set(Cells.INT, targetOffset + i * 4L, Float.floatToRawIntBits((float) number));
            }
        }
        int position = -1;
        for (int i = 0; i < vector.entryCount; i++) {
            position = position(vector, i, position);
            Cells.copy(vector.source, cell(vector, i), target, targetOffset + (long) position * cellBytes, cellBytes);
        }
    }

    /**
     * The least distance from the minimum whose number is at least {@code bound}, or larger if {@code isAbove}; one
     * more than the packed numbers hold if there is none. Scaling keeps the order.
     */
    static long distance(EncodedVector vector, double bound, boolean isAbove) {
        long low = 0;
        long high = 1L << vector.width;
        while (low < high) {
            long middle = (low + high) >>> 1;
            double number = number(vector.minimum + middle, vector.factor, vector.exponent);
            if (isAbove ? number > bound : number >= bound) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    /** Sets the bits of exceptions in the range to what they were {@code before}, and clears the others. */
    static void andExceptions(
            EncodedVector vector, ValueRange range, long[] before, MemorySegment bitmap, long bitmapOffset) {
        int position = -1;
        for (int i = 0; i < vector.entryCount; i++) {
            position = position(vector, i, position);
            boolean was = (before[position >>> 6] >>> position & 1) != 0;
            boolean is = was && range.matchesCell(vector.source, cell(vector, i), vector.cellBytes());
            long at = bitmapOffset + (position >>> 6) * (long) Long.BYTES;
            long word = bitmap.get(Cells.LONG, at) & ~(1L << position);
            bitmap.set(Cells.LONG, at, word | (is ? 1L << position : 0));
        }
    }

    static long fixedBytes(AlpShape shape, int count, int cellBytes) {
        return NUMBERS + PackedInts.bytes(count, shape.width()) + shape.exceptions() * (2L + cellBytes);
    }

    /** Writes the integers that {@link AlpShape#take} made of the values. */
    static long encodeFixed(FixedShape values, EncoderScratch scratch, MemorySegment target, long offset) {
        AlpShape shape = scratch.decimals;
        int count = values.count();
        int cellBytes = values.cellBytes();
        VectorFormat.putFixedHeader(target, offset, VectorEncoding.ALP, cellBytes, count);
        target.set(Cells.BYTE, offset + WIDTH, (byte) shape.width());
        target.set(Cells.BYTE, offset + EXPONENT, (byte) shape.exponent());
        target.set(Cells.SHORT, offset + FACTOR, (short) shape.factor()); // And a zero.
        target.set(Cells.LONG, offset + EXCEPTIONS, shape.exceptions()); // And six more.
        target.set(Cells.LONG, offset + MINIMUM, shape.minimum());
        MemorySegment longs = scratch.segment();
        KERNELS.pack(longs, EncoderScratch.LONGS, shape.width(), count, shape.minimum(), target, offset + NUMBERS);
        long at = offset + NUMBERS + PackedInts.bytes(count, shape.width());
        for (int i = 0; i < shape.exceptions(); i++) {
            target.set(Cells.SHORT, at, (short) shape.position(i));
            at += 2;
        }
        for (int i = 0; i < shape.exceptions(); i++) {
            Cells.copy(values.values(), values.offset(shape.position(i)), target, at, cellBytes);
            at += cellBytes;
        }
        return at - offset;
    }

    /** What {@code number} is an integer of, or more than {@link #NUMBER_MAX} if it is none, bit for bit. */
    static long integer(double number, long bits, int factor, int exponent, int cellBytes) {
        double scaled = Math.rint(number * POWERS[exponent] * FRACTIONS[factor]);
        long most = cellBytes == Float.BYTES ? Integer.MAX_VALUE : NUMBER_MAX;
        if (!(Math.abs(scaled) <= most)) { // NaN included.
            return Long.MAX_VALUE;
        }
        long integer = (long) scaled;
        return bits(integer, factor, exponent, cellBytes) == bits ? integer : Long.MAX_VALUE;
    }

    static void annotate(EncodedVector vector, Notes notes) {
        notes.note(vector.offset + WIDTH, 1, "width: " + vector.width);
        notes.note(vector.offset + EXPONENT, 1, "exponent: " + vector.exponent);
        notes.note(vector.offset + FACTOR, 1, "factor: " + vector.factor);
        notes.note(vector.offset + ZERO, 1, "zero");
        notes.note(vector.offset + EXCEPTIONS, 2, "exceptions: " + vector.entryCount);
        notes.note(vector.offset + MORE_ZERO, 6, "zero");
        notes.note(vector.offset + MINIMUM, 8, "minimum: " + vector.minimum);
        Annotation.packed(vector, "numbers", vector.count(), notes);
        if (vector.entryCount > 0) {
            notes.note(vector.bases, vector.entryCount * 2, "positions");
            notes.note(vector.cells, vector.entryCount * vector.cellBytes(), "cells");
        }
    }
}
