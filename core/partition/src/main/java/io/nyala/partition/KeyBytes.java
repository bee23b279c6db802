package io.nyala.partition;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.Limits;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Values of key columns as bytes that compare as the values do: what a key of that column alone would be, so big-endian
 * integers with the sign bit flipped, and strings as they are. Joined to a key of several columns by the rules of
 * {@link KeyCodec}. For the control plane. Stateless.
 */
final class KeyBytes {
    static final byte[] NONE = {};

    private static final byte SIGN = (byte) 0x80;
    private static final BigInteger DATE_MIN = BigInteger.valueOf(Limits.DATE_DAYS_MIN);
    private static final BigInteger DATE_MAX = BigInteger.valueOf(Limits.DATE_DAYS_MAX);

    private KeyBytes() {}

    static byte[] ofCell(ColumnType type, CellValue cell) {
        byte[] bytes = cell.toByteArray();
        if (!type.isVariable()) {
            reverse(bytes);
            bytes[0] ^= SIGN;
        }
        return bytes;
    }

    static CellValue toCell(ColumnType type, byte[] value) {
        byte[] bytes = value.clone();
        if (!type.isVariable()) {
            bytes[0] ^= SIGN;
            reverse(bytes);
        }
        return CellValue.ofBytes(bytes);
    }

    private static void reverse(byte[] bytes) {
        for (int i = 0, j = bytes.length - 1; i < j; i++, j--) {
            byte swapped = bytes[i];
            bytes[i] = bytes[j];
            bytes[j] = swapped;
        }
    }

    /** Appends a value to a key. */
    static void append(ByteArrayOutputStream key, ColumnType type, byte[] value, boolean isLast) {
        if (!type.isVariable() || isLast) {
            key.writeBytes(value);
            return;
        }
        for (byte b : value) {
            key.write(b);
            if (b == 0) {
                key.write(1);
            }
        }
        key.write(0);
        key.write(0);
    }

    /** What Kudu takes for a column of a bound that is not set: the least value of its type, whatever its precision. */
    static byte[] ofUnset(ColumnType type) {
        return switch (type) {
            case DATE -> ofInteger(type, DATE_MIN);
            case STRING, BINARY, VARCHAR -> NONE;
            default -> new byte[type.cellBytes()];
        };
    }

    /** The least value that a column can hold. */
    static byte[] min(Column column) {
        return column.type().isDecimal()
                ? ofInteger(column.type(), decimalMax(column).negate())
                : ofUnset(column.type());
    }

    /**
     * The value that follows, null behind the largest that the column can hold. As in Kudu a VARCHAR that is full stays
     * as it is: what is longer is none of its values, and clients could not read it as a bound.
     */
    static byte @Nullable [] increment(Column column, byte[] value) {
        if (column.type().isVariable()) {
            return cut(column, Arrays.copyOf(value, value.length + 1));
        }
        byte[] max =
                switch (column.type()) {
                    case DATE -> ofInteger(column.type(), DATE_MAX);
                    case DECIMAL32, DECIMAL64, DECIMAL128 -> ofInteger(column.type(), decimalMax(column));
                    default -> null;
                };
        return max != null && Arrays.compareUnsigned(value, max) >= 0 ? null : behindValue(column.type(), value);
    }

    /** What a VARCHAR keeps of a text in UTF-8; any other value as it is. */
    static byte[] cut(Column column, byte[] value) {
        int charsLeft =
                column.type() == ColumnType.VARCHAR ? column.attributes().lengthChars() : Integer.MAX_VALUE;
        for (int i = 0; i < value.length; i++) {
            boolean isFirstOfChar = (value[i] & 0xc0) != 0x80;
            if (isFirstOfChar && charsLeft-- == 0) {
                return Arrays.copyOf(value, i);
            }
        }
        return value;
    }

    private static BigInteger decimalMax(Column column) {
        return BigInteger.TEN.pow(column.attributes().precision()).subtract(BigInteger.ONE);
    }

    private static byte[] ofInteger(ColumnType type, BigInteger value) {
        byte[] bytes = new byte[type.cellBytes()];
        byte[] digits = value.toByteArray();
        Arrays.fill(bytes, value.signum() < 0 ? (byte) -1 : 0);
        System.arraycopy(digits, 0, bytes, bytes.length - digits.length, digits.length);
        bytes[0] ^= SIGN;
        return bytes;
    }

    /** The least bytes above a value's that can be a value of the type; null if there are none. */
    static byte @Nullable [] behindValue(ColumnType type, byte[] value) {
        if (type.isVariable()) {
            return Arrays.copyOf(value, value.length + 1);
        }
        byte[] next = value.clone();
        for (int i = next.length - 1; i >= 0; i--) {
            if (++next[i] != 0) {
                return next;
            }
        }
        return null;
    }

    /** The first bytes behind everything that begins with these; null if nothing is. */
    static byte @Nullable [] behindPrefix(byte[] prefix) {
        int bytes = prefix.length;
        while (bytes > 0 && prefix[bytes - 1] == (byte) 0xff) {
            bytes--;
        }
        if (bytes == 0) {
            return null;
        }
        byte[] behind = Arrays.copyOf(prefix, bytes);
        behind[bytes - 1]++;
        return behind;
    }
}
