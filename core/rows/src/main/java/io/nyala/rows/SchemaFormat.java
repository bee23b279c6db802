package io.nyala.rows;

import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A schema as bytes, as it stands in the storage log and in the footer of rowset files. Little-endian, unaligned;
 * whoever holds it covers it by a checksum.
 *
 * <pre>{@code
 *   0         2      4         8          12            16             20
 *   +---------+------+---------+----------+-------------+--------------+---------------- - -
 *   | format  | zero |  bytes  | version  | next column | column count | columns
 *   | 1 to 3  |      |         |          |     id      |              |
 *   +---------+------+---------+----------+-------------+--------------+---------------- - -
 *      u16      u16      u32       u32         u32           u32
 *
 *   column, from its start:
 *   0     2      3       4          5            6           7       8       10      12      14     16
 *   +-----+------+-------+----------+-------------+-----------+-------+-------+-------+-------+------+
 *   | id  | type | flags | encoding | compression | precision | scale | chars | name  | comm. | zero |
 *   |     |      |       |          |             |           |       |       | bytes | bytes |      |
 *   +-----+------+-------+----------+-------------+-----------+-------+-------+-------+-------+------+
 *     u16    u8     u8       u8           u8           u8        u8      u16     u16     u16    u16
 *   16           20              24               28
 *   +------------+---------------+----------------+------+---------+--------------+---------------+
 *   | blockBytes | read default  | write default  | name | comment | read default | write default |
 *   |            |     bytes     |     bytes      |      |         |              |               |
 *   +------------+---------------+----------------+------+---------+--------------+---------------+
 *        u32            u32              u32        UTF-8   UTF-8       cell           cell
 * }</pre>
 *
 * <ul>
 *   <li>{@code format}: 3 if a column asks for a trained dictionary, else 2 if one is immutable, else 1: so who does
 *       not know of what a schema has refuses it by its format, and reads all others.
 *   <li>{@code bytes}: of the whole schema, this header included.
 *   <li>{@code type}: {@link ColumnType#code}. {@code encoding}, {@code compression}: their codes.
 *   <li>{@code flags}: 1 key, 2 nullable, 4 has a read default, 8 has a write default; from format 2 on also
 *       16 immutable.
 *   <li>{@code chars}: length of a VARCHAR, else 0.
 * </ul>
 *
 * <p>Stateless.
 */
public final class SchemaFormat {
    static final int FORMAT = 1;
    static final int FORMAT_WITH_IMMUTABLE = 2;
    static final int FORMAT_WITH_DICTIONARIES = 3;

    private static final int HEADER_BYTES = 20;
    private static final int BYTES = 4;
    private static final int VERSION = 8;
    private static final int NEXT_COLUMN_ID = 12;
    private static final int COLUMN_COUNT = 16;

    private static final int COLUMN_BYTES = 28;
    private static final int TYPE = 2;
    private static final int FLAGS = 3;
    private static final int ENCODING = 4;
    private static final int COMPRESSION = 5;
    private static final int PRECISION = 6;
    private static final int SCALE = 7;
    private static final int CHARS = 8;
    private static final int NAME_BYTES = 10;
    private static final int COMMENT_BYTES = 12;
    private static final int ZERO = 14;
    private static final int BLOCK_BYTES = 16;
    private static final int READ_DEFAULT_BYTES = 20;
    private static final int WRITE_DEFAULT_BYTES = 24;

    private static final int IS_KEY = 1;
    private static final int IS_NULLABLE = 2;
    private static final int HAS_READ_DEFAULT = 4;
    private static final int HAS_WRITE_DEFAULT = 8;
    private static final int IS_IMMUTABLE = 16;
    private static final int ALL_FLAGS = 15;

    private static final byte[] NONE = {};

    private SchemaFormat() {}

    /** The schema as bytes. */
    public static byte[] toBytes(Schema schema) {
        int bytes = HEADER_BYTES;
        for (Column column : schema.columns()) {
            bytes += COLUMN_BYTES
                    + utf8(column.name()).length
                    + utf8(column.comment()).length
                    + bytes(column.readDefault()).length
                    + bytes(column.writeDefault()).length;
        }
        byte[] array = new byte[bytes];
        MemorySegment target = MemorySegment.ofArray(array);
        LittleEndian.setShort(target, 0, format(schema));
        LittleEndian.setInt(target, BYTES, bytes);
        LittleEndian.setInt(target, VERSION, schema.version());
        LittleEndian.setInt(target, NEXT_COLUMN_ID, schema.nextColumnId());
        LittleEndian.setInt(target, COLUMN_COUNT, schema.columnCount());
        long at = HEADER_BYTES;
        for (Column column : schema.columns()) {
            at = write(column, target, at);
        }
        assert at == bytes : at + " of " + bytes;
        return array;
    }

    private static int format(Schema schema) {
        int format = FORMAT;
        for (Column column : schema.columns()) {
            int needed = column.compression() == ColumnCompression.ZSTD_DICTIONARY
                    ? FORMAT_WITH_DICTIONARIES
                    : column.isImmutable() ? FORMAT_WITH_IMMUTABLE : FORMAT;
            format = Math.max(format, needed);
        }
        return format;
    }

    private static long write(Column column, MemorySegment target, long at) {
        byte[] name = utf8(column.name());
        byte[] comment = utf8(column.comment());
        byte[] readDefault = bytes(column.readDefault());
        byte[] writeDefault = bytes(column.writeDefault());
        int flags = (column.isKey() ? IS_KEY : 0)
                | (column.isNullable() ? IS_NULLABLE : 0)
                | (column.readDefault() != null ? HAS_READ_DEFAULT : 0)
                | (column.writeDefault() != null ? HAS_WRITE_DEFAULT : 0)
                | (column.isImmutable() ? IS_IMMUTABLE : 0);
        LittleEndian.setShort(target, at, column.id());
        LittleEndian.setByte(target, at + TYPE, column.type().code());
        LittleEndian.setByte(target, at + FLAGS, flags);
        LittleEndian.setByte(target, at + ENCODING, column.encoding().code());
        LittleEndian.setByte(target, at + COMPRESSION, column.compression().code());
        LittleEndian.setByte(target, at + PRECISION, column.attributes().precision());
        LittleEndian.setByte(target, at + SCALE, column.attributes().scale());
        LittleEndian.setShort(target, at + CHARS, column.attributes().lengthChars());
        LittleEndian.setShort(target, at + NAME_BYTES, name.length);
        LittleEndian.setShort(target, at + COMMENT_BYTES, comment.length);
        LittleEndian.setInt(target, at + BLOCK_BYTES, column.blockBytes());
        LittleEndian.setInt(target, at + READ_DEFAULT_BYTES, readDefault.length);
        LittleEndian.setInt(target, at + WRITE_DEFAULT_BYTES, writeDefault.length);
        long next = put(name, target, at + COLUMN_BYTES);
        next = put(comment, target, next);
        next = put(readDefault, target, next);
        return put(writeDefault, target, next);
    }

    private static long put(byte[] bytes, MemorySegment target, long at) {
        MemorySegment.copy(bytes, 0, target, ValueLayout.JAVA_BYTE, at, bytes.length);
        return at + bytes.length;
    }

    private static byte[] bytes(@Nullable CellValue value) {
        return value == null ? NONE : value.raw();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** How many bytes of the segment, from the offset on, are a schema. */
    public static int bytes(MemorySegment memory, long offset) {
        if (offset < 0 || memory.byteSize() - offset < HEADER_BYTES) {
            throw new MalformedBytesException("a schema has at least " + HEADER_BYTES + " bytes", offset);
        }
        int format = LittleEndian.unsignedShort(memory, offset);
        if (format < FORMAT || format > FORMAT_WITH_DICTIONARIES) {
            throw new MalformedBytesException(
                    "schema format " + format + ", but this version of Nyala reads formats " + FORMAT + " to "
                            + FORMAT_WITH_DICTIONARIES,
                    offset);
        }
        long bytes = Integer.toUnsignedLong(LittleEndian.getInt(memory, offset + BYTES));
        if (bytes < HEADER_BYTES || bytes > memory.byteSize() - offset) {
            throw new MalformedBytesException(
                    "a schema of " + bytes + " bytes in " + (memory.byteSize() - offset), offset + BYTES);
        }
        return (int) bytes;
    }

    /**
     * The schema at an offset.
     *
     * @throws MalformedBytesException if there is none
     */
    public static Schema fromBytes(MemorySegment memory, long offset) {
        long end = offset + bytes(memory, offset);
        if (LittleEndian.unsignedShort(memory, offset + 2) != 0) {
            throw new MalformedBytesException("padding of a schema is not zero", offset + 2);
        }
        int count = LittleEndian.getInt(memory, offset + COLUMN_COUNT);
        if (count < 1 || count > Limits.COLUMNS_MAX) {
            throw new MalformedBytesException("a schema of " + count + " columns", offset + COLUMN_COUNT);
        }
        int format = LittleEndian.unsignedShort(memory, offset);
        List<Column> columns = new ArrayList<>();
        long at = offset + HEADER_BYTES;
        for (int i = 0; i < count; i++) {
            long next = endOfColumn(memory, at, end);
            columns.add(column(memory, at, format));
            at = next;
        }
        if (at != end) {
            throw new MalformedBytesException((end - at) + " bytes follow the columns of a schema", at);
        }
        try {
            return new Schema(
                    LittleEndian.getInt(memory, offset + VERSION),
                    LittleEndian.getInt(memory, offset + NEXT_COLUMN_ID),
                    columns);
        } catch (IllegalArgumentException e) {
            throw new MalformedBytesException("no schema: " + e.getMessage(), offset);
        }
    }

    /** Of bytes of exactly one schema. */
    public static Schema fromBytes(byte[] bytes) {
        MemorySegment memory = MemorySegment.ofArray(bytes);
        if (bytes(memory, 0) != bytes.length) {
            throw new MalformedBytesException("a schema of " + bytes(memory, 0) + " bytes in " + bytes.length, BYTES);
        }
        return fromBytes(memory, 0);
    }

    private static long endOfColumn(MemorySegment memory, long at, long end) {
        long next = at + COLUMN_BYTES;
        if (next <= end) {
            next += LittleEndian.unsignedShort(memory, at + NAME_BYTES);
            next += LittleEndian.unsignedShort(memory, at + COMMENT_BYTES);
            next += Integer.toUnsignedLong(LittleEndian.getInt(memory, at + READ_DEFAULT_BYTES));
            next += Integer.toUnsignedLong(LittleEndian.getInt(memory, at + WRITE_DEFAULT_BYTES));
        }
        if (next > end) {
            throw new MalformedBytesException("a column reaches to " + next + ", the schema ends at " + end, at);
        }
        return next;
    }

    private static Column column(MemorySegment memory, long at, int format) {
        int knownFlags = format == FORMAT ? ALL_FLAGS : ALL_FLAGS | IS_IMMUTABLE;
        int flags = LittleEndian.unsignedByte(memory, at + FLAGS);
        ColumnEncoding encoding = ColumnEncoding.ofCode(LittleEndian.unsignedByte(memory, at + ENCODING));
        ColumnCompression compression = ColumnCompression.ofCode(LittleEndian.unsignedByte(memory, at + COMPRESSION));
        int nameBytes = LittleEndian.unsignedShort(memory, at + NAME_BYTES);
        int commentBytes = LittleEndian.unsignedShort(memory, at + COMMENT_BYTES);
        int readBytes = LittleEndian.getInt(memory, at + READ_DEFAULT_BYTES);
        int writeBytes = LittleEndian.getInt(memory, at + WRITE_DEFAULT_BYTES);
        if ((flags & ~knownFlags) != 0
                || LittleEndian.unsignedShort(memory, at + ZERO) != 0
                || encoding == null
                || compression == null
                || (compression == ColumnCompression.ZSTD_DICTIONARY && format < FORMAT_WITH_DICTIONARIES)
                || ((flags & HAS_READ_DEFAULT) == 0 && readBytes != 0)
                || ((flags & HAS_WRITE_DEFAULT) == 0 && writeBytes != 0)) {
            throw new MalformedBytesException("flags or hints of a column are unknown", at);
        }
        long name = at + COLUMN_BYTES;
        long comment = name + nameBytes;
        long readDefault = comment + commentBytes;
        try {
            return new Column(
                    LittleEndian.unsignedShort(memory, at),
                    text(memory, name, nameBytes),
                    ColumnType.ofCode(LittleEndian.unsignedByte(memory, at + TYPE)),
                    (flags & IS_KEY) != 0,
                    (flags & IS_NULLABLE) != 0,
                    (flags & IS_IMMUTABLE) != 0,
                    new Column.Attributes(
                            LittleEndian.unsignedByte(memory, at + PRECISION),
                            LittleEndian.unsignedByte(memory, at + SCALE),
                            LittleEndian.unsignedShort(memory, at + CHARS)),
                    (flags & HAS_READ_DEFAULT) == 0 ? null : cell(memory, readDefault, readBytes),
                    (flags & HAS_WRITE_DEFAULT) == 0 ? null : cell(memory, readDefault + readBytes, writeBytes),
                    encoding,
                    compression,
                    LittleEndian.getInt(memory, at + BLOCK_BYTES),
                    text(memory, comment, commentBytes));
        } catch (IllegalArgumentException e) {
            throw new MalformedBytesException("no column: " + e.getMessage(), at);
        }
    }

    private static String text(MemorySegment memory, long offset, int bytes) {
        return new String(memory.asSlice(offset, bytes).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }

    private static CellValue cell(MemorySegment memory, long offset, int bytes) {
        return CellValue.owning(memory.asSlice(offset, bytes).toArray(ValueLayout.JAVA_BYTE));
    }

    /** Explains a schema that can be read. */
    public static void annotate(MemorySegment memory, long offset, Notes notes) {
        Schema schema = fromBytes(memory, offset);
        notes.section("schema");
        notes.note(offset, 2, "format: " + LittleEndian.unsignedShort(memory, offset));
        notes.note(offset + 2, 2, "zero");
        notes.note(offset + BYTES, 4, "bytes: " + bytes(memory, offset));
        notes.note(offset + VERSION, 4, "version: " + schema.version());
        notes.note(offset + NEXT_COLUMN_ID, 4, "next column id: " + schema.nextColumnId());
        notes.note(offset + COLUMN_COUNT, 4, "columns: " + schema.columnCount());
        long at = offset + HEADER_BYTES;
        for (Column column : schema.columns()) {
            annotate(column, memory, at, notes);
            at = endOfColumn(memory, at, memory.byteSize());
        }
        notes.endSection();
    }

    private static void annotate(Column column, MemorySegment memory, long at, Notes notes) {
        notes.section(column.describe());
        notes.note(at, 2, "id: " + column.id());
        notes.note(at + TYPE, 1, "type: " + column.type());
        notes.note(
                at + FLAGS,
                1,
                "flags:" + (column.isKey() ? " key" : "") + (column.isNullable() ? " nullable" : "")
                        + (column.readDefault() == null ? "" : " read default")
                        + (column.writeDefault() == null ? "" : " write default")
                        + (column.isImmutable() ? " immutable" : ""));
        notes.note(at + ENCODING, 1, "encoding: " + column.encoding());
        notes.note(at + COMPRESSION, 1, "compression: " + column.compression());
        notes.note(at + PRECISION, 1, "precision: " + column.attributes().precision());
        notes.note(at + SCALE, 1, "scale: " + column.attributes().scale());
        notes.note(at + CHARS, 2, "chars: " + column.attributes().lengthChars());
        int nameBytes = LittleEndian.unsignedShort(memory, at + NAME_BYTES);
        int commentBytes = LittleEndian.unsignedShort(memory, at + COMMENT_BYTES);
        int readBytes = LittleEndian.getInt(memory, at + READ_DEFAULT_BYTES);
        int writeBytes = LittleEndian.getInt(memory, at + WRITE_DEFAULT_BYTES);
        notes.note(at + NAME_BYTES, 2, "name bytes: " + nameBytes);
        notes.note(at + COMMENT_BYTES, 2, "comment bytes: " + commentBytes);
        notes.note(at + ZERO, 2, "zero");
        notes.note(at + BLOCK_BYTES, 4, "block bytes: " + column.blockBytes());
        notes.note(at + READ_DEFAULT_BYTES, 4, "read default bytes: " + readBytes);
        notes.note(at + WRITE_DEFAULT_BYTES, 4, "write default bytes: " + writeBytes);
        long next = noteBytes(at + COLUMN_BYTES, nameBytes, "name: " + column.name(), notes);
        next = noteBytes(next, commentBytes, "comment: " + column.comment(), notes);
        if (column.readDefault() != null) {
            next = noteBytes(
                    next, readBytes, "read default: " + column.readDefault().text(column), notes);
        }
        if (column.writeDefault() != null) {
            noteBytes(
                    next, writeBytes, "write default: " + column.writeDefault().text(column), notes);
        }
        notes.endSection();
    }

    private static long noteBytes(long offset, int bytes, String text, Notes notes) {
        if (bytes > 0) {
            notes.note(offset, bytes, text);
        }
        return offset + bytes;
    }
}
