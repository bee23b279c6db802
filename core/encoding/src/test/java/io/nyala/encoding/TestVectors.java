package io.nyala.encoding;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;

/**
 * Random vectors in the shapes that columns have, and room to encode them: segments exactly as large as the contracts
 * say, so that a byte too far throws. For one thread; owns its memory.
 */
final class TestVectors implements AutoCloseable {
    /** The shapes drawn by {@link #fixed} and {@link #binary}. */
    private static final int SHAPES = 11;

    private final Arena arena = Arena.ofConfined();
    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 4 << 20);
    private final MemoryAccount account = budget.account("encoding test", 0);
    final EncoderScratch scratch = new EncoderScratch(account);
    final DecoderScratch reading = new DecoderScratch(account);

    MemorySegment room(long bytes) {
        return arena.allocate(Math.max(1, bytes), 1);
    }

    /** Any length, the extremes and the borders of words often. */
    static int count(SplittableRandom random) {
        int[] special = {0, 1, 2, 63, 64, 65, 127, 128, 1000, 1023, 1024};
        return random.nextInt(3) == 0 ? special[random.nextInt(special.length)] : random.nextInt(1025);
    }

    static EncodingHint hint(SplittableRandom random) {
        EncodingHint[] hints = EncodingHint.values();
        return random.nextBoolean() ? EncodingHint.AUTO : hints[random.nextInt(hints.length)];
    }

    static int cellBytes(SplittableRandom random) {
        return 1 << random.nextInt(5);
    }

    /** Cells with the read padding behind. */
    MemorySegment fixed(SplittableRandom random, int cellBytes, int count) {
        MemorySegment values = room((long) count * cellBytes + VectorFormat.READ_PADDING_BYTES);
        int shape = random.nextInt(SHAPES);
        if (shape == 10 && (cellBytes == Double.BYTES || cellBytes == Float.BYTES)) {
            return decimals(random, cellBytes, count);
        }
        int width = random.nextInt(65);
        long base = random.nextLong() >> random.nextInt(64);
        long[] few = random.longs(1 + random.nextInt(50)).toArray();
        long value = base;
        for (int i = 0; i < count; i++) {
            value = switch (shape) {
                case 0 -> base;
                case 1 -> value + random.nextInt(10);
                case 2 -> few[random.nextInt(few.length)];
                case 3 -> random.nextInt(20) == 0 ? random.nextLong() : value;
                case 4 -> base + (width == 0 ? 0 : random.nextLong() >>> (64 - width));
                case 5 -> random.nextInt(3) == 0 ? Long.MIN_VALUE >>> (64 - cellBytes * 8) : random.nextLong();
                case 6 -> random.nextBoolean() ? minimum(cellBytes) : ~minimum(cellBytes);
                case 8 -> base + i * few[0];
                case 9 -> value + random.nextInt(-width - 1, width + 1);
                default -> random.nextLong();
            };
            long at = (long) i * cellBytes;
            if (cellBytes == 16) {
                values.set(Cells.LONG, at, value);
                values.set(Cells.LONG, at + 8, shape == 7 ? random.nextLong() : value >> 63);
            } else {
                Cells.put(values, at, cellBytes, value);
            }
        }
        return values;
    }

    /** Floating point numbers of some digits behind the point, now and then one of any bits. */
    MemorySegment decimals(SplittableRandom random, int cellBytes, int count) {
        MemorySegment values = room((long) count * cellBytes + VectorFormat.READ_PADDING_BYTES);
        double power = Math.pow(10, random.nextInt(cellBytes == Double.BYTES ? 8 : 4));
        int most = 1 << random.nextInt(1, cellBytes == Double.BYTES ? 31 : 20);
        int others = random.nextInt(4);
        for (int i = 0; i < count; i++) {
            double value = random.nextInt(-most, most) / power;
            long bits = cellBytes == Double.BYTES
                    ? Double.doubleToRawLongBits(value)
                    : Float.floatToRawIntBits((float) value);
            Cells.put(values, (long) i * cellBytes, cellBytes, random.nextInt(100) < others ? random.nextLong() : bits);
        }
        return values;
    }

    static long minimum(int cellBytes) {
        return cellBytes >= 8 ? Long.MIN_VALUE : -1L << (cellBytes * 8 - 1);
    }

    /** Strings whose first offset need not be 0. */
    FlatBinary binary(SplittableRandom random, int count) {
        int shape = random.nextInt(SHAPES);
        int bytesMax = 1 + random.nextInt(60);
        byte[][] few = new byte[1 + random.nextInt(40)][];
        for (int i = 0; i < few.length; i++) {
            few[i] = string(random, random.nextInt(bytesMax));
        }
        byte[][] strings = new byte[count][];
        for (int i = 0; i < count; i++) {
            strings[i] = switch (shape) {
                case 0 -> few[0];
                case 1 -> few[random.nextInt(few.length)];
                case 2 -> i > 0 && random.nextInt(10) > 0 ? strings[i - 1] : string(random, random.nextInt(bytesMax));
                case 3 -> string(random, bytesMax);
                case 4 -> new byte[0];
                case 5 -> "key%08d".formatted(i * 3).getBytes(StandardCharsets.UTF_8);
                case 7 -> text(random, bytesMax);
                case 6 -> ("/a/path/" + i / 50 + "/" + i).getBytes(StandardCharsets.UTF_8);
                default -> string(random, random.nextInt(bytesMax));
            };
        }
        return binary(strings, random.nextInt(3) * 17);
    }

    /** Words in a row, up to so many bytes. */
    static byte[] text(SplittableRandom random, int bytesMax) {
        String[] words = {
            "the", "carefully", "packages", "ironic", "sleep", "furiously", "deposits", "accounts", "\u00e9t\u00e9"
        };
        var text = new StringBuilder();
        while (text.length() < bytesMax) {
            text.append(words[random.nextInt(words.length)]).append(' ');
        }
        byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        return Arrays.copyOf(bytes, random.nextInt(bytesMax + 1));
    }

    FlatBinary binary(byte[][] strings, int first) {
        int bytes = first;
        for (byte[] string : strings) {
            bytes += string.length;
        }
        var flat = new FlatBinary()
                .wrap(room((strings.length + 1) * 4L), 0, room(bytes + VectorFormat.READ_PADDING_BYTES), 0);
        int at = first;
        flat.offset(0, at);
        for (int i = 0; i < strings.length; i++) {
            MemorySegment.copy(strings[i], 0, flat.bytes(), Cells.BYTE, at, strings[i].length);
            at += strings[i].length;
            flat.offset(i + 1, at);
        }
        return flat;
    }

    private static byte[] string(SplittableRandom random, int bytes) {
        byte[] string = new byte[bytes];
        random.nextBytes(string);
        if (random.nextBoolean()) {
            for (int i = 0; i < bytes; i++) {
                string[i] = (byte) ('a' + (string[i] & 1));
            }
        }
        return string;
    }

    /** Encodes cells and answers a handle on exactly the bytes and the padding. */
    EncodedVector encodeFixed(EncodingHint hint, MemorySegment values, int cellBytes, int count) {
        MemorySegment target = room(VectorFormat.maxFixedBytes(count, cellBytes));
        target.fill((byte) 0xDB);
        long bytes = new VectorEncoder(scratch, hint).encodeFixed(values, 0, cellBytes, count, target, 0);
        return exact(target, bytes);
    }

    EncodedVector encodeBinary(EncodingHint hint, FlatBinary strings, int count) {
        long data = (long) strings.offset(count) - strings.offset(0);
        MemorySegment target = room(VectorFormat.maxBinaryBytes(count, data));
        target.fill((byte) 0xDB);
        long bytes = new VectorEncoder(scratch, hint).encodeBinary(strings, count, target, 0);
        return exact(target, bytes);
    }

    /** A copy at an odd offset, with padding of ones. */
    EncodedVector exact(MemorySegment vector, long bytes) {
        MemorySegment copy = room(3 + bytes + VectorFormat.READ_PADDING_BYTES);
        copy.fill((byte) 0xFF);
        MemorySegment.copy(vector, 0, copy, 3, bytes);
        return new EncodedVector(reading).wrap(copy, 3, bytes);
    }

    /** Bytes as written in a format's Javadoc, with the read padding behind. */
    static MemorySegment hex(TestVectors vectors, String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replaceAll("[ |]", ""));
        MemorySegment segment = vectors.room(bytes.length + VectorFormat.READ_PADDING_BYTES);
        MemorySegment.copy(bytes, 0, segment, Cells.BYTE, 0, bytes.length);
        return segment;
    }

    /** Room for all strings of a vector. */
    FlatBinary target(int count, long bytes) {
        return new FlatBinary()
                .wrap(
                        room((count + 1) * 4L + VectorFormat.WRITE_PADDING_BYTES),
                        0,
                        room(bytes + VectorFormat.WRITE_PADDING_BYTES),
                        0);
    }

    @Override
    public void close() {
        scratch.close();
        reading.close();
        account.close();
        budget.close();
        arena.close();
    }
}
