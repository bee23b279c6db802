package io.nyala.rows;

import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * One cell as bytes: a default, or a value that a predicate compares with. Fixed-width cells are little-endian, as in
 * a packed row; variable-length ones are their bytes. Immutable. For the control plane: rows do not consist of these.
 */
public final class CellValue {
    private static final int TEXT_CHARS_MAX = 40;

    private final byte[] bytes;

    private CellValue(byte[] bytes) {
        this.bytes = bytes;
    }

    /**
     * The cell of a column that holds a Java value.
     *
     * @throws IllegalArgumentException if the column cannot hold it, naming the column, its type and the value's
     */
    public static CellValue of(Column column, Object value) {
        return CellConversion.exact(column, value);
    }

    /** The cell with these bytes, which are copied. */
    public static CellValue ofBytes(byte[] bytes) {
        return new CellValue(bytes.clone());
    }

    static CellValue owning(byte[] bytes) {
        return new CellValue(bytes);
    }

    static CellValue ofInteger(ColumnType type, BigInteger value) {
        byte[] bytes = new byte[type.cellBytes()];
        byte[] bigEndian = value.toByteArray();
        Arrays.fill(bytes, value.signum() < 0 ? (byte) -1 : 0);
        int count = Math.min(bytes.length, bigEndian.length);
        assert bigEndian.length <= bytes.length : value + " as " + type;
        for (int i = 0; i < count; i++) {
            bytes[i] = bigEndian[bigEndian.length - 1 - i];
        }
        return new CellValue(bytes);
    }

    static CellValue ofFloat(float value) {
        return ofInteger(ColumnType.INT32, BigInteger.valueOf(Float.floatToIntBits(value)));
    }

    static CellValue ofDouble(double value) {
        return ofInteger(ColumnType.INT64, BigInteger.valueOf(Double.doubleToLongBits(value)));
    }

    public int bytes() {
        return bytes.length;
    }

    /** A copy. */
    public byte[] toByteArray() {
        return bytes.clone();
    }

    /** Read-only: the cell's bytes, for copying. */
    public MemorySegment segment() {
        return MemorySegment.ofArray(bytes).asReadOnly();
    }

    /** Not a copy: not to be changed. */
    byte[] raw() {
        return bytes;
    }

    /** Of an integer-like cell (or BOOL) of at most 8 bytes. */
    public long toLong() {
        assert bytes.length <= Long.BYTES : bytes.length + " bytes";
        long value = 0;
        for (int i = bytes.length - 1; i >= 0; i--) {
            value = value << Byte.SIZE | (bytes[i] & 0xff);
        }
        int unused = Long.SIZE - bytes.length * Byte.SIZE;
        return value << unused >> unused;
    }

    /** Of an integer-like cell of any width. */
    public BigInteger toBigInteger() {
        byte[] bigEndian = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            bigEndian[i] = bytes[bytes.length - 1 - i];
        }
        return new BigInteger(bigEndian);
    }

    /** Of a FLOAT or DOUBLE cell. */
    public double toDouble() {
        return bytes.length == Float.BYTES ? Float.intBitsToFloat((int) toLong()) : Double.longBitsToDouble(toLong());
    }

    /** The Java value that {@link #of} would take. */
    public Object toObject(Column column) {
        return switch (column.type()) {
            case BOOL -> toLong() != 0;
            case INT8 -> (byte) toLong();
            case INT16 -> (short) toLong();
            case INT32 -> (int) toLong();
            case INT64 -> toLong();
            case FLOAT -> (float) toDouble();
            case DOUBLE -> toDouble();
            case DECIMAL32, DECIMAL64, DECIMAL128 ->
                new BigDecimal(toBigInteger(), column.attributes().scale());
            case STRING, VARCHAR -> new String(bytes, StandardCharsets.UTF_8);
            case BINARY -> bytes.clone();
            case DATE -> LocalDate.ofEpochDay(toLong());
            case UNIXTIME_MICROS -> CellConversion.instant(toLong());
        };
    }

    /** For notes and messages. Never throws, whatever the bytes: they may come from a damaged file. */
    String text(Column column) {
        return switch (column.type()) {
            case BOOL -> toLong() == 0 ? "false" : "true";
            case INT8, INT16, INT32, INT64 -> Long.toString(toLong());
            case FLOAT -> Float.toString((float) toDouble());
            case DOUBLE -> Double.toString(toDouble());
            case DECIMAL32, DECIMAL64, DECIMAL128 ->
                new BigDecimal(toBigInteger(), column.attributes().scale()).toPlainString();
            case DATE -> LocalDate.ofEpochDay(toLong()).toString();
            case UNIXTIME_MICROS -> CellConversion.instant(toLong()).toString();
            case STRING, VARCHAR -> shorten('"' + printable(new String(bytes, StandardCharsets.UTF_8)) + '"');
            case BINARY -> shorten(HexFormat.of().formatHex(bytes));
        };
    }

    private static String printable(String text) {
        var target = new StringBuilder();
        for (int i = 0; i < Math.min(text.length(), TEXT_CHARS_MAX); i++) {
            char c = text.charAt(i);
            target.append(Character.isISOControl(c) ? "\\u%04x".formatted((int) c) : c);
        }
        return text.length() > TEXT_CHARS_MAX ? target.append("...").toString() : target.toString();
    }

    private static String shorten(String text) {
        return text.length() <= 2 * TEXT_CHARS_MAX ? text : text.substring(0, 2 * TEXT_CHARS_MAX) + "...";
    }

    /** As cells of this type compare: negative, zero or positive. */
    int compareTo(CellValue other, ColumnType type) {
        return switch (type) {
            case FLOAT, DOUBLE -> Double.compare(toDouble(), other.toDouble());
            case STRING, BINARY, VARCHAR -> Arrays.compareUnsigned(bytes, other.bytes);
            case DECIMAL128 -> toBigInteger().compareTo(other.toBigInteger());
            default -> Long.compare(toLong(), other.toLong());
        };
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof CellValue value && Arrays.equals(bytes, value.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return HexFormat.of().formatHex(bytes);
    }
}
