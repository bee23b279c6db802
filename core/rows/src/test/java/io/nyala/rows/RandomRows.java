package io.nyala.rows;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Random schemas, and random Java values for their columns: small values often, so that they meet, and extreme ones.
 */
final class RandomRows {
    private static final List<ColumnType> TYPES = List.of(ColumnType.values());

    private RandomRows() {}

    static Schema schema(SplittableRandom random) {
        int keyCount = random.nextInt(1, 4);
        return schema(random, keyCount, keyCount + random.nextInt(0, 20));
    }

    static Schema schema(SplittableRandom random, int keyCount, int count) {
        List<Column> columns = new ArrayList<>();
        while (columns.size() < count) {
            boolean isKey = columns.size() < keyCount;
            ColumnType type = TYPES.get(random.nextInt(TYPES.size()));
            if (isKey && !type.mayBeKey()) {
                continue;
            }
            Column column = column(random, "c" + columns.size(), type);
            columns.add(isKey ? column.asKey() : random.nextBoolean() ? column.nullable() : column);
        }
        return Schema.of(columns);
    }

    private static Column column(SplittableRandom random, String name, ColumnType type) {
        return switch (type) {
            case DECIMAL32, DECIMAL64, DECIMAL128 -> {
                int precision = random.nextInt(
                        type == ColumnType.DECIMAL32 ? 1 : type.precisionMax() / 2 + 1, type.precisionMax() + 1);
                yield Column.decimal(name, precision, random.nextInt(0, precision + 1));
            }
            case VARCHAR -> Column.varchar(name, random.nextInt(1, 20));
            default -> Column.of(name, type);
        };
    }

    /** A value the column holds; null for NULL. */
    static @Nullable Object valueOrNull(SplittableRandom random, Column column) {
        return column.isNullable() && random.nextInt(4) == 0 ? null : value(random, column);
    }

    static Object value(SplittableRandom random, Column column) {
        return switch (column.type()) {
            case BOOL -> random.nextBoolean();
            case INT8 -> (byte) integer(random, 8);
            case INT16 -> (short) integer(random, 16);
            case INT32 -> (int) integer(random, 32);
            case INT64 -> integer(random, 64);
            case FLOAT -> (float) real(random);
            case DOUBLE -> real(random);
            case DECIMAL32, DECIMAL64, DECIMAL128 -> decimal(random, column.attributes());
            case STRING -> text(random, 12);
            case VARCHAR -> text(random, column.attributes().lengthChars() / 2);
            case BINARY -> bytes(random, 12);
            case DATE -> date(random);
            case UNIXTIME_MICROS -> CellConversion.instant(integer(random, 64));
        };
    }

    private static long integer(SplittableRandom random, int bits) {
        long max = -1L >>> (65 - bits);
        return switch (random.nextInt(8)) {
            case 0 -> max;
            case 1 -> ~max;
            case 2 -> random.nextLong() >> (64 - bits);
            default -> random.nextInt(-4, 5);
        };
    }

    private static double real(SplittableRandom random) {
        double[] special = {0.0, -0.0, Double.NaN, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, Float.MIN_VALUE};
        return random.nextInt(4) == 0
                ? special[random.nextInt(special.length)]
                : random.nextInt(2) == 0 ? random.nextInt(-3, 4) : (float) random.nextDouble(-1e9, 1e9);
    }

    private static BigDecimal decimal(SplittableRandom random, Column.Attributes attributes) {
        BigInteger max = BigInteger.TEN.pow(attributes.precision()).subtract(BigInteger.ONE);
        BigInteger value =
                switch (random.nextInt(5)) {
                    case 0 -> max;
                    case 1 -> max.negate();
                    case 2 -> new BigInteger(1, bytes(random, 16)).mod(max.add(BigInteger.ONE));
                    default -> BigInteger.valueOf(random.nextInt(-4, 5));
                };
        return new BigDecimal(value, attributes.scale());
    }

    private static LocalDate date(SplittableRandom random) {
        return switch (random.nextInt(6)) {
            case 0 -> LocalDate.of(1, 1, 1);
            case 1 -> LocalDate.of(9999, 12, 31);
            default -> LocalDate.ofEpochDay(random.nextInt(-4, 5));
        };
    }

    private static String text(SplittableRandom random, int charsMax) {
        String[] letters = {"a", "b", "\0", "\1", "ÿ", "€", "\uD83E\uDD8C", "ab"};
        var text = new StringBuilder();
        for (int i = random.nextInt(charsMax / 2 + 1); i > 0; i--) {
            text.append(letters[random.nextInt(letters.length)]);
        }
        return text.toString();
    }

    static byte[] bytes(SplittableRandom random, int bytesMax) {
        byte[] bytes = new byte[random.nextInt(bytesMax + 1)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (random.nextBoolean() ? random.nextInt(0, 3) : random.nextInt());
        }
        return bytes;
    }

    /** A whole row. */
    static @Nullable Object[] row(SplittableRandom random, Schema schema) {
        @Nullable Object[] values = new Object[schema.columnCount()];
        for (int i = 0; i < values.length; i++) {
            values[i] = valueOrNull(random, schema.column(i));
        }
        return values;
    }

    /** Appends an operation that sets all columns. */
    static void append(OperationBatch batch, OperationKind kind, @Nullable Object[] values) {
        batch.start(kind);
        for (int i = 0; i < values.length; i++) {
            batch.set(i, values[i]);
        }
        if (!batch.end()) {
            throw new AssertionError(batch.errors().getLast());
        }
    }

    /** Compares as rows do: by the columns of the key. */
    static int compareKeys(Schema schema, @Nullable Object[] left, @Nullable Object[] right) {
        for (int i = 0; i < schema.keyColumnCount(); i++) {
            Column column = schema.column(i);
            int order = CellValue.of(column, notNull(left[i]))
                    .compareTo(CellValue.of(column, notNull(right[i])), column.type());
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }

    static Object notNull(@Nullable Object value) {
        if (value == null) {
            throw new AssertionError("NULL");
        }
        return value;
    }
}
