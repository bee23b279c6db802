package io.nyala.wire;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.Schema;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Random schemas, cells and damage for the tests of this module. */
final class RandomData {
    private RandomData() {}

    /** One to three key columns, up to twelve others; of any type. */
    static Schema schema(SplittableRandom random) {
        List<Column> columns = new ArrayList<>();
        int keys = random.nextInt(1, 4);
        int values = random.nextInt(13);
        for (int i = 0; i < keys + values; i++) {
            Column column = column(random, "c" + i, i < keys);
            columns.add(i < keys ? column.asKey() : column);
        }
        return Schema.of(columns);
    }

    private static Column column(SplittableRandom random, String name, boolean isKey) {
        ColumnType[] types = ColumnType.values();
        ColumnType type = types[random.nextInt(types.length)];
        while (isKey && !type.mayBeKey()) {
            type = types[random.nextInt(types.length)];
        }
        Column column = of(random, name, type);
        if (random.nextInt(4) == 0) {
            column = column.comment("comment " + random.nextInt(10));
        }
        if (!isKey && random.nextBoolean()) {
            column = column.nullable();
        }
        if (random.nextInt(8) == 0) {
            column = column.immutable();
        }
        if (!isKey && random.nextInt(3) == 0) {
            CellValue value = CellValue.ofBytes(cell(random, column));
            column = withDefault(column, value);
        }
        return column;
    }

    private static Column of(SplittableRandom random, String name, ColumnType type) {
        return switch (type) {
            case DECIMAL32 -> decimal(random, name, 1, 9);
            case DECIMAL64 -> decimal(random, name, 10, 18);
            case DECIMAL128 -> decimal(random, name, 19, 38);
            case VARCHAR -> Column.varchar(name, random.nextInt(1, 20));
            default -> Column.of(name, type);
        };
    }

    private static Column decimal(SplittableRandom random, String name, int from, int to) {
        int precision = random.nextInt(from, to + 1);
        return Column.decimal(name, precision, random.nextInt(precision + 1));
    }

    private static Column withDefault(Column column, CellValue value) {
        return new Column(
                column.id(),
                column.name(),
                column.type(),
                column.isKey(),
                column.isNullable(),
                column.isImmutable(),
                column.attributes(),
                value,
                value,
                column.encoding(),
                column.compression(),
                column.blockBytes(),
                column.comment());
    }

    /** Bytes of a cell that the column can hold, as they are on the wire. */
    static byte[] cell(SplittableRandom random, Column column) {
        byte[] cell = new byte[column.type().cellBytes()];
        switch (column.type()) {
            case BOOL -> cell[0] = (byte) random.nextInt(2);
            case DATE -> put(cell, random.nextInt(Limits.DATE_DAYS_MIN, Limits.DATE_DAYS_MAX + 1));
            case DECIMAL32, DECIMAL64, DECIMAL128 -> putDecimal(random, column, cell);
            case STRING, BINARY -> {
                return text(random, random.nextInt(4) == 0 ? 0 : random.nextInt(40));
            }
            case VARCHAR -> {
                return text(random, random.nextInt(column.attributes().lengthChars() + 1));
            }
            default -> {
                random.nextBytes(cell);
                if (random.nextInt(4) == 0) {
                    put(cell, random.nextInt(3) - 1L);
                }
            }
        }
        return cell;
    }

    /** Few different bytes, zeros among them. */
    private static byte[] text(SplittableRandom random, int bytes) {
        byte[] text = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            text[i] = (byte) (random.nextInt(6) == 0 ? 0 : 'a' + random.nextInt(4));
        }
        return text;
    }

    private static void putDecimal(SplittableRandom random, Column column, byte[] cell) {
        BigInteger max = BigInteger.TEN.pow(column.attributes().precision()).subtract(BigInteger.ONE);
        byte[] digits = new byte[17];
        random.nextBytes(digits);
        BigInteger value = random.nextInt(5) == 0 ? max : new BigInteger(digits).remainder(max);
        value = random.nextBoolean() ? value : value.negate();
        for (int i = 0; i < cell.length; i++) {
            cell[i] = value.shiftRight(Byte.SIZE * i).byteValue();
        }
    }

    private static void put(byte[] cell, long value) {
        for (int i = 0; i < cell.length; i++) {
            cell[i] = (byte) (value >> Math.min(Byte.SIZE * i, Long.SIZE - 1));
        }
    }

    /** The bytes with one to four of them changed, or cut off, or said twice. */
    static byte[] damaged(SplittableRandom random, byte[] bytes) {
        byte[] damaged = bytes.clone();
        int kind = random.nextInt(8);
        if (kind == 0) {
            return Arrays.copyOf(damaged, random.nextInt(damaged.length + 1));
        }
        if (kind == 1) {
            return Arrays.copyOf(damaged, damaged.length + random.nextInt(1, 9));
        }
        for (int i = random.nextInt(1, 5); i > 0 && damaged.length > 0; i--) {
            int at = random.nextInt(damaged.length);
            damaged[at] = (byte) (kind < 5 ? damaged[at] ^ 1 << random.nextInt(Byte.SIZE) : random.nextInt());
        }
        return damaged;
    }
}
