package io.nyala.acceptance;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.sql.Date;
import java.sql.Timestamp;
import java.time.LocalDate;
import java.util.SplittableRandom;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.Type;

/** Random cells: few values, so that rows and predicates meet, and the limits of each type. Stateless. */
final class Values {
    private static final String[] TEXTS = {"", "a", "b", "ab", "a\0b", "\0", "é", "zz", "\ud83e\udd8c", "abcdefgh"};

    private Values() {}

    /** A value that a column can hold, as {@code PartialRow.addObject} takes it. */
    static Object draw(ColumnSchema column, SplittableRandom random) {
        boolean isEdge = random.nextInt(8) == 0;
        boolean isUpper = random.nextBoolean();
        int small = random.nextInt(-3, 8);
        return switch (column.getType()) {
            case INT8 -> isEdge ? isUpper ? Byte.MAX_VALUE : Byte.MIN_VALUE : (Object) (byte) small;
            case INT16 -> isEdge ? isUpper ? Short.MAX_VALUE : Short.MIN_VALUE : (Object) (short) small;
            case INT32 -> isEdge ? isUpper ? Integer.MAX_VALUE : Integer.MIN_VALUE : (Object) small;
            case INT64 -> isEdge ? isUpper ? Long.MAX_VALUE : Long.MIN_VALUE : (Object) (long) small;
            case BOOL -> random.nextBoolean();
            case FLOAT -> isEdge ? isUpper ? Float.MAX_VALUE : -Float.MIN_VALUE : (Object) (small / 2f);
            case DOUBLE -> isEdge ? isUpper ? Double.POSITIVE_INFINITY : Double.MIN_VALUE : (Object) (small / 4.0);
            case STRING -> TEXTS[random.nextInt(TEXTS.length)];
            case VARCHAR -> varchar(column, random);
            case BINARY -> binary(random);
            case UNIXTIME_MICROS -> timestamp(small * (isEdge ? 1_000_003L : 1L));
            case DATE -> Date.valueOf(LocalDate.ofEpochDay(isEdge ? isUpper ? 2_932_896 : -719_162 : small));
            case DECIMAL -> decimal(column, random, isEdge);
            default -> throw new IllegalArgumentException("no values of " + column);
        };
    }

    /** A value that is the default of a column, where the client takes moments as numbers. */
    static Object drawDefault(ColumnSchema column, SplittableRandom random) {
        return switch (column.getType()) {
            case UNIXTIME_MICROS -> (long) random.nextInt(-3, 8);
            default -> draw(column, random);
        };
    }

    /** A value that becomes the default of a column, for which the client does not look at the column's type. */
    static Object drawNewDefault(ColumnSchema column, SplittableRandom random) {
        return column.getType() == Type.DATE ? (Object) random.nextInt(-3, 8) : drawDefault(column, random);
    }

    private static String varchar(ColumnSchema column, SplittableRandom random) {
        String text = TEXTS[random.nextInt(TEXTS.length)];
        int length = column.getTypeAttributes().getLength();
        return text.codePointCount(0, text.length()) <= length
                ? text
                : text.substring(0, text.offsetByCodePoints(0, length));
    }

    private static byte[] binary(SplittableRandom random) {
        byte[] bytes = new byte[random.nextInt(4)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) random.nextInt(-1, 3);
        }
        return bytes;
    }

    private static Timestamp timestamp(long micros) {
        Timestamp timestamp = new Timestamp(Math.floorDiv(micros, 1000L));
        timestamp.setNanos((int) Math.floorMod(micros, 1_000_000L) * 1000);
        return timestamp;
    }

    private static BigDecimal decimal(ColumnSchema column, SplittableRandom random, boolean isEdge) {
        int precision = column.getTypeAttributes().getPrecision();
        int scale = column.getTypeAttributes().getScale();
        BigInteger most = BigInteger.TEN.pow(precision).subtract(BigInteger.ONE);
        BigInteger units =
                isEdge ? random.nextBoolean() ? most : most.negate() : BigInteger.valueOf(random.nextInt(-3, 8));
        return new BigDecimal(units, scale);
    }

    /** Whether a key may have a column of that type. */
    static boolean mayBeKey(Type type) {
        return type != Type.BOOL && type != Type.FLOAT && type != Type.DOUBLE;
    }
}
