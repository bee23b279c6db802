package io.nyala.simulation;

import io.nyala.rows.Column;
import io.nyala.rows.Limits;
import io.nyala.rows.RowErrorCode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Random values for a column, as {@link Cells} holds them: small ones often, so that they meet; the extremes of the
 * type, NaN, -0.0, empty strings, zero bytes; and now and then a cell as long as is allowed. Stateless.
 */
public final class RandomCells {
    private static final double[] REALS = {
        0.0, -0.0, Double.NaN, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, Double.MIN_VALUE, -Double.MAX_VALUE
    };
    private static final float[] FLOATS = {
        0.0f, -0.0f, Float.NaN, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, Float.MIN_VALUE, -Float.MAX_VALUE
    };
    private static final String[] LETTERS = {"a", "b", "\0", "\1", "\u00ff", "\u20ac", "\uD83E\uDD8C", "ab"};
    private static final int WORD_LETTERS_MAX = 6;
    private static final int LONG_ONE_IN = 4_000;

    private RandomCells() {}

    /** A value, or null where the column takes NULL. */
    public static @Nullable Object valueOrNull(SplittableRandom random, Column column) {
        return column.isNullable() && random.nextInt(4) == 0 ? null : value(random, column);
    }

    /** A value that the column takes, though it may keep a part only; see {@link Cells#stored}. */
    public static Object value(SplittableRandom random, Column column) {
        return switch (column.type()) {
            case BOOL -> random.nextBoolean();
            case INT8 -> (byte) integer(random, Byte.SIZE);
            case INT16 -> (short) integer(random, Short.SIZE);
            case INT32 -> (int) integer(random, Integer.SIZE);
            case INT64 -> integer(random, Long.SIZE);
            case FLOAT -> real(random);
            case DOUBLE -> wideReal(random);
            case DECIMAL32, DECIMAL64, DECIMAL128 -> decimal(random, column.attributes());
            case STRING, VARCHAR -> text(random, column);
            case BINARY -> binary(random, column);
            case DATE -> date(random);
            case UNIXTIME_MICROS -> instant(random);
        };
    }

    /** A value that the column does not take, and why not; null if it takes every value of its Java type. */
    public static @Nullable Refused refused(SplittableRandom random, Column column) {
        if (!column.isNullable() && random.nextBoolean()) {
            return new Refused(null, RowErrorCode.NULL_IN_NOT_NULL);
        }
        Object value =
                switch (column.type()) {
                    case BOOL, FLOAT, DOUBLE -> null;
                    case INT8 -> random.nextBoolean() ? 128 : -129L;
                    case INT16 -> random.nextBoolean() ? 1 << 15 : Long.MIN_VALUE;
                    case INT32 -> random.nextBoolean() ? 1L << 31 : BigInteger.TEN.pow(30);
                    case INT64 -> BigInteger.ONE.shiftLeft(63);
                    case DECIMAL32, DECIMAL64, DECIMAL128 -> refusedDecimal(random, column.attributes());
                    case STRING, BINARY -> new Bytes(new byte[Limits.CELL_BYTES_MAX + 1]);
                    case VARCHAR -> null; // It is cut.
                    case DATE -> random.nextBoolean() ? LocalDate.of(10_000, 1, 1) : LocalDate.of(0, 12, 31);
                    case UNIXTIME_MICROS -> random.nextBoolean() ? Instant.MAX : Instant.MIN;
                };
        if (value == null) {
            return null;
        }
        return new Refused(value, value instanceof Bytes ? RowErrorCode.CELL_TOO_LONG : RowErrorCode.BAD_VALUE);
    }

    /** A value that is not taken. */
    public record Refused(@Nullable Object value, RowErrorCode code) {}

    private static BigDecimal refusedDecimal(SplittableRandom random, Column.Attributes attributes) {
        BigInteger beyond = BigInteger.TEN.pow(attributes.precision());
        return random.nextBoolean()
                ? new BigDecimal(random.nextBoolean() ? beyond : beyond.negate(), attributes.scale())
                : new BigDecimal(BigInteger.ONE, attributes.scale() + 1);
    }

    static long integer(SplittableRandom random, int bits) {
        long max = -1L >>> (Long.SIZE + 1 - bits);
        return switch (random.nextInt(8)) {
            case 0 -> max;
            case 1 -> ~max;
            case 2 -> random.nextLong() >> (Long.SIZE - bits);
            default -> random.nextInt(-4, 5);
        };
    }

    private static float real(SplittableRandom random) {
        return switch (random.nextInt(4)) {
            case 0 -> FLOATS[random.nextInt(FLOATS.length)];
            case 1 -> (float) random.nextDouble(-1e9, 1e9);
            default -> random.nextInt(-6, 7) / 2f;
        };
    }

    private static double wideReal(SplittableRandom random) {
        return switch (random.nextInt(4)) {
            case 0 -> REALS[random.nextInt(REALS.length)];
            case 1 -> random.nextDouble(-1e9, 1e9);
            default -> random.nextInt(-600, 600) / 100.0; // Decimals, as ALP likes them.
        };
    }

    private static BigDecimal decimal(SplittableRandom random, Column.Attributes attributes) {
        BigInteger max = BigInteger.TEN.pow(attributes.precision()).subtract(BigInteger.ONE);
        BigInteger value =
                switch (random.nextInt(5)) {
                    case 0 -> max;
                    case 1 -> max.negate();
                    case 2 -> new BigInteger(bytes(random, 16)).remainder(max);
                    default -> BigInteger.valueOf(random.nextInt(-4, 5));
                };
        return new BigDecimal(value, attributes.scale());
    }

    private static byte[] bytes(SplittableRandom random, int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private static Bytes text(SplittableRandom random, Column column) {
        if (random.nextInt(LONG_ONE_IN) == 0 && !column.isKey()) {
            return Bytes.ofText("x".repeat(random.nextBoolean() ? Limits.CELL_BYTES_MAX : 5_000));
        }
        var text = new StringBuilder();
        for (int i = random.nextInt(WORD_LETTERS_MAX + 1); i > 0; i--) {
            text.append(LETTERS[random.nextInt(LETTERS.length)]);
        }
        return Bytes.ofText(text.toString());
    }

    private static Bytes binary(SplittableRandom random, Column column) {
        if (random.nextInt(LONG_ONE_IN) == 0 && !column.isKey()) {
            return new Bytes(bytes(random, random.nextBoolean() ? Limits.CELL_BYTES_MAX : 5_000));
        }
        byte[] bytes = new byte[random.nextInt(2 * WORD_LETTERS_MAX)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (random.nextBoolean() ? random.nextInt(0, 3) : random.nextInt());
        }
        return new Bytes(bytes);
    }

    private static LocalDate date(SplittableRandom random) {
        return switch (random.nextInt(6)) {
            case 0 -> LocalDate.of(1, 1, 1);
            case 1 -> LocalDate.of(9999, 12, 31);
            default -> LocalDate.ofEpochDay(random.nextInt(-4, 5));
        };
    }

    private static Instant instant(SplittableRandom random) {
        Instant instant = Cells.instant(integer(random, Long.SIZE));
        boolean isFine = random.nextInt(8) == 0 && instant.isBefore(Instant.EPOCH.plusSeconds(1_000_000));
        return isFine ? instant.plusNanos(random.nextInt(1_000)) : instant;
    }
}
