package io.nyala.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;

/**
 * Values and bitmaps for kernels, at any alignment, odd ones as well: noise before and behind them, and each segment
 * ends exactly where the padding does, or, of a bitmap, where that does. Belongs to one test.
 */
final class KernelInputs {
    private static final int LEAD_MAX = 64;

    private final Arena arena;
    private final SplittableRandom random;

    KernelInputs(Arena arena, SplittableRandom random) {
        this.arena = arena;
        this.random = random;
    }

    /**
     * Where something lies.
     *
     * @param bytes without the padding
     */
    record Place(MemorySegment segment, long offset, long bytes) {
        long longAt(int index) {
            return segment.get(Kernels.LONG, offset + index * 8L);
        }

        long[] longs() {
            long[] values = new long[(int) (bytes / 8)];
            Arrays.setAll(values, this::longAt);
            return values;
        }

        int[] ints() {
            int[] values = new int[(int) (bytes / 4)];
            Arrays.setAll(values, i -> segment.get(Kernels.INT, offset + i * 4L));
            return values;
        }

        byte[] toArray() {
            return segment.asSlice(offset, bytes).toArray(Kernels.BYTE);
        }

        BitSet bits() {
            return BitSet.valueOf(toArray());
        }
    }

    /** Room for that many bytes and the padding; full of noise. */
    Place place(long bytes, int paddingBytes) {
        long lead = random.nextInt(LEAD_MAX);
        MemorySegment segment = arena.allocate(lead + bytes + paddingBytes);
        segment.fill((byte) random.nextInt());
        return new Place(segment, lead, bytes);
    }

    Place target(long bytes) {
        return place(bytes, Kernels.WRITE_PADDING_BYTES);
    }

    Place longs(long[] values) {
        Place place = place(values.length * 8L, Kernels.READ_PADDING_BYTES);
        for (int i = 0; i < values.length; i++) {
            place.segment.set(Kernels.LONG, place.offset + i * 8L, values[i]);
        }
        return place;
    }

    Place ints(int[] values) {
        Place place = place(values.length * 4L, Kernels.READ_PADDING_BYTES);
        for (int i = 0; i < values.length; i++) {
            place.segment.set(Kernels.INT, place.offset + i * 4L, values[i]);
        }
        return place;
    }

    Place doubles(double[] values) {
        return longs(
                Arrays.stream(values).mapToLong(Double::doubleToRawLongBits).toArray());
    }

    Place floats(double[] values) {
        return ints(Arrays.stream(values)
                .mapToInt(x -> Float.floatToRawIntBits((float) x))
                .toArray());
    }

    /** Random; or empty or full, as a whole or word by word. Ends exactly. */
    Place bitmap(int count) {
        Place bitmap = place(Kernels.bitmapBytes(count), 0);
        int kind = random.nextInt(6);
        for (int first = 0; first < count; first += Long.SIZE) {
            long word =
                    switch (kind) {
                        case 0 -> -1L;
                        case 1 -> 0;
                        case 2 -> random.nextLong() & -random.nextInt(2);
                        case 3 -> -random.nextInt(2);
                        default -> random.nextLong();
                    };
            long kept = count - first < Long.SIZE ? word & Kernels.tailMask(count) : word;
            bitmap.segment.set(Kernels.LONG, bitmap.offset + first / 8, kept);
        }
        return bitmap;
    }

    /** Any count, but often one at a border. */
    int count() {
        int border = random.nextInt(18) * 64 + random.nextInt(-2, 3);
        return random.nextBoolean() ? random.nextInt(Kernels.COUNT_MAX + 1) : Math.clamp(border, 0, Kernels.COUNT_MAX);
    }

    /** Of any length, often extreme, often equal to others. */
    long bits() {
        return switch (random.nextInt(8)) {
            case 0 -> Long.MIN_VALUE;
            case 1 -> Long.MAX_VALUE;
            case 2 -> -1L;
            case 3 -> random.nextInt(-3, 4);
            default -> random.nextLong() >> random.nextInt(64);
        };
    }

    /** So many of {@link #bits}, of each only those of the mask. */
    long[] numbers(int count, long mask) {
        long[] numbers = new long[count];
        Arrays.setAll(numbers, _ -> bits() & mask);
        return numbers;
    }

    /** One of the values, or any. */
    long bound(long[] values) {
        return values.length > 0 && random.nextBoolean() ? values[random.nextInt(values.length)] : bits();
    }

    double number() {
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
    double[] numbers(int count) {
        boolean special = random.nextBoolean();
        double zero = random.nextBoolean() ? 0.0 : -0.0;
        double[] values = new double[count];
        Arrays.setAll(values, _ -> special ? number() : random.nextInt(3) == 0 ? zero : random.nextInt(-4, 5) * 0.1);
        return values;
    }
}
