package io.nyala.acceptance;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.sql.Date;
import java.sql.Timestamp;
import org.apache.kudu.ColumnSchema;

/** Values as the bytes that requests have of them. Stateless. */
final class Cells {
    private Cells() {}

    /** Of a value as {@code PartialRow.addObject} takes it. */
    static byte[] of(ColumnSchema column, Object value) {
        return switch (value) {
            case Boolean truth -> number(1, truth ? 1 : 0);
            case Byte number -> number(1, number);
            case Short number -> number(2, number);
            case Integer number -> number(4, number);
            case Long number -> number(8, number);
            case Float number -> number(4, Float.floatToIntBits(number));
            case Double number -> number(8, Double.doubleToLongBits(number));
            case Date day -> number(4, day.toLocalDate().toEpochDay());
            case Timestamp time -> number(8, Math.floorDiv(time.getTime(), 1000L) * 1_000_000 + time.getNanos() / 1000);
            case BigDecimal decimal -> decimal(column, decimal.unscaledValue());
            case String text -> text.getBytes(StandardCharsets.UTF_8);
            case byte[] bytes -> bytes;
            default -> throw new IllegalArgumentException("no cell of " + value);
        };
    }

    private static byte[] number(int bytes, long value) {
        byte[] cell = new byte[bytes];
        ByteBuffer.wrap(ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(value)
                        .array())
                .get(cell);
        return cell;
    }

    /** As wide as its column's precision makes it. */
    private static byte[] decimal(ColumnSchema column, BigInteger unscaled) {
        int precision = column.getTypeAttributes().getPrecision();
        byte[] cell = new byte[precision <= 9 ? 4 : precision <= 18 ? 8 : 16];
        for (int i = 0; i < cell.length; i++) {
            cell[i] = unscaled.shiftRight(Byte.SIZE * i).byteValue();
        }
        return cell;
    }
}
