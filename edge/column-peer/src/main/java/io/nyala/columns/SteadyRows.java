package io.nyala.columns;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import java.nio.ByteBuffer;

/**
 * The rows of {@link SteadyFigures}: made-up lines of orders, each by its number, whose keys are in no order. For our
 * table, and as one key and one value for stores that know no columns. Stateless.
 */
final class SteadyRows {
    static final Schema SCHEMA = Schema.of(
            Column.key("order_key", ColumnType.INT64),
            Column.key("line", ColumnType.INT32),
            Column.of("quantity", ColumnType.INT64),
            Column.of("price", ColumnType.DOUBLE),
            Column.of("ship_date", ColumnType.DATE),
            Column.of("comment", ColumnType.STRING));

    static final int KEY_BYTES = Long.BYTES + Integer.BYTES;

    /** All of a value but the comment. */
    private static final int FIXED_BYTES = Long.BYTES + Double.BYTES + Integer.BYTES;

    private static final byte[] COMMENT = "carefully final deposits sleep".getBytes(UTF_8);
    private static final int COMMENT_BYTES_MIN = 8;

    /** Four bits more of a row's lot. */
    private static final int COMMENT_BYTES_MAX = COMMENT_BYTES_MIN + 15;

    static final int VALUE_BYTES_MAX = FIXED_BYTES + COMMENT_BYTES_MAX;

    private static final int LINES_PER_ORDER = 4;
    private static final int KEY_BITS = 40;

    /** Keys of orders are below it. */
    static final long ORDERS = (1L << KEY_BITS) / LINES_PER_ORDER;

    private static final int DAYS = 2500;
    private static final long SCRAMBLE = 0x9E37_79B9_7F4A_7C15L;

    private SteadyRows() {}

    /** Times an odd number, of so many bits, so that none comes twice. */
    private static long scattered(long number) {
        return number * 0x9E_3779_B97FL & (1L << KEY_BITS) - 1;
    }

    private static long order(long number) {
        return scattered(number) / LINES_PER_ORDER;
    }

    private static int line(long number) {
        return (int) (scattered(number) % LINES_PER_ORDER);
    }

    /** What its values are drawn from. */
    private static long lot(long number, long version) {
        return (number + 1) * SCRAMBLE + version * 0x2545_F491_4F6C_DD1DL;
    }

    private static long quantity(long lot) {
        return (lot >>> 32) % 50;
    }

    private static double price(long lot) {
        return (lot >>> 40) % 100_000 / 100.0;
    }

    private static int shipDate(long lot) {
        return (int) ((lot >>> 20) % DAYS);
    }

    private static int commentBytes(long lot) {
        return COMMENT_BYTES_MIN + (int) (lot >>> 60);
    }

    /** Bytes of a row, as it is given. */
    static int bytes(long number, long version) {
        return KEY_BYTES + FIXED_BYTES + commentBytes(lot(number, version));
    }

    static void putKey(OperationBatch keys, long number) {
        keys.setLong(0, order(number)).setInt(1, line(number)).end();
    }

    static void put(OperationBatch rows, OperationKind kind, long number, long version) {
        long lot = lot(number, version);
        rows.start(kind)
                .setLong(0, order(number))
                .setInt(1, line(number))
                .setLong(2, quantity(lot))
                .setDouble(3, price(lot))
                .setInt(4, shipDate(lot))
                .setBytes(5, COMMENT, 0, commentBytes(lot))
                .end();
    }

    /** As bytes that are in the order of the keys. */
    static void putKey(ByteBuffer target, long number) {
        putKey(target, order(number), line(number));
    }

    static void putKey(ByteBuffer target, long order, int line) {
        target.clear()
                .putLong(order ^ Long.MIN_VALUE)
                .putInt(line ^ Integer.MIN_VALUE)
                .flip();
    }

    /** In the order of the keys; less than 0 if the left one is less. */
    static int compareKeys(ByteBuffer left, ByteBuffer right) {
        int order = Long.compareUnsigned(left.getLong(0), right.getLong(0));
        return order != 0 ? order : Integer.compareUnsigned(left.getInt(Long.BYTES), right.getInt(Long.BYTES));
    }

    static void putValue(ByteBuffer target, long number, long version) {
        long lot = lot(number, version);
        target.clear()
                .putLong(quantity(lot))
                .putDouble(price(lot))
                .putInt(shipDate(lot))
                .put(COMMENT, 0, commentBytes(lot))
                .flip();
    }
}
