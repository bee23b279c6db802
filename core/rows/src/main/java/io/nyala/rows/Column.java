package io.nyala.rows;

import io.nyala.memory.Check;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A column of a table. Immutable; a change is a copy:
 *
 * <pre>{@code
 * Schema.of(
 *         Column.key("host", STRING),
 *         Column.key("time", UNIXTIME_MICROS),
 *         Column.of("load", DOUBLE).nullable().comment("one minute"),
 *         Column.decimal("price", 15, 2).defaultValue(BigDecimal.ZERO));
 * }</pre>
 *
 * @param id by which rows on disk know it: never used again for another column of the table; -1 while not in a schema
 * @param name unique in the schema, case-sensitive
 * @param type what it holds
 * @param isKey whether it is part of the primary key
 * @param isNullable whether cells may be NULL; never in the key
 * @param isImmutable whether a cell stays what it was when its row was inserted; of no meaning in the key, which does
 *     anyway
 * @param attributes precision and scale of a decimal, length of a VARCHAR
 * @param readDefault what rows written before the column was added hold
 * @param writeDefault what an insert that does not set the column writes
 * @param encoding a hint
 * @param compression a hint
 * @param blockBytes a hint: size of its pages, 0 to let the writer choose
 * @param comment for people
 */
public record Column(
        int id,
        String name,
        ColumnType type,
        boolean isKey,
        boolean isNullable,
        boolean isImmutable,
        Attributes attributes,
        @Nullable CellValue readDefault,
        @Nullable CellValue writeDefault,
        ColumnEncoding encoding,
        ColumnCompression compression,
        int blockBytes,
        String comment) {
    /** The id of a column that is in no schema yet. */
    public static final int NO_ID = -1;

    /**
     * What a type needs to know beside its name. Immutable.
     *
     * @param precision digits of a decimal, else 0
     * @param scale digits after the decimal point, else 0
     * @param lengthChars most characters (code points) of a VARCHAR, else 0
     */
    public record Attributes(int precision, int scale, int lengthChars) {
        public static final Attributes NONE = new Attributes(0, 0, 0);

        static Attributes defaultsOf(ColumnType type) {
            if (type.isDecimal()) {
                return new Attributes(type.precisionMax(), 0, 0);
            }
            return type == ColumnType.VARCHAR ? new Attributes(0, 0, Limits.VARCHAR_CHARS_MAX) : NONE;
        }
    }

    public Column {
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(encoding, "encoding");
        Objects.requireNonNull(compression, "compression");
        checkText("name of a column", name, 1, Limits.NAME_BYTES_MAX);
        checkText("comment of column " + name, comment, 0, Limits.COMMENT_BYTES_MAX);
        Check.inRange("id of column " + name, id, NO_ID, Limits.COLUMN_ID_MAX);
        Check.inRange("blockBytes of column " + name, blockBytes, 0, Limits.BLOCK_BYTES_MAX);
        checkAttributes(name, type, attributes);
        if (isKey && !type.mayBeKey()) {
            throw new IllegalArgumentException(
                    "column " + name + " cannot be part of the key: " + type + " has no order that keys could use");
        }
        if (isKey && isNullable) {
            throw new IllegalArgumentException("column " + name + " is part of the key and cannot be nullable");
        }
        checkDefault(name, type, attributes, readDefault);
        checkDefault(name, type, attributes, writeDefault);
    }

    /** A NOT NULL column that is no part of the key. A decimal has the type's full precision and scale 0. */
    public static Column of(String name, ColumnType type) {
        return new Column(
                NO_ID,
                name,
                type,
                false,
                false,
                false,
                Attributes.defaultsOf(type),
                null,
                null,
                ColumnEncoding.AUTO,
                ColumnCompression.DEFAULT,
                0,
                "");
    }

    /** A column of the primary key. */
    public static Column key(String name, ColumnType type) {
        return of(name, type).asKey();
    }

    /** A NOT NULL decimal column, of the narrowest type that holds the precision. */
    public static Column decimal(String name, int precision, int scale) {
        return of(name, ColumnType.decimal(precision)).withAttributes(new Attributes(precision, scale, 0));
    }

    /** A NOT NULL VARCHAR column of at most so many characters; longer strings are cut. */
    public static Column varchar(String name, int lengthChars) {
        return of(name, ColumnType.VARCHAR).withAttributes(new Attributes(0, 0, lengthChars));
    }

    public Column asKey() {
        return change().key(true).build();
    }

    public Column nullable() {
        return change().nullable(true).build();
    }

    /** A column that an UPDATE may not change: see {@link RowErrorCode#IMMUTABLE}. */
    public Column immutable() {
        return change().immutable(true).build();
    }

    /** What was immutable may change from now on. */
    public Column mutable() {
        return change().immutable(false).build();
    }

    /** Sets what old rows hold and what an insert without a value writes to the same value. */
    public Column defaultValue(Object value) {
        return readDefault(value).writeDefault(value);
    }

    public Column readDefault(Object value) {
        return change().readDefault(CellConversion.exact(this, value)).build();
    }

    public Column writeDefault(Object value) {
        return change().writeDefault(CellConversion.exact(this, value)).build();
    }

    public Column encoding(ColumnEncoding hint) {
        return change().encoding(hint).build();
    }

    public Column compression(ColumnCompression hint) {
        return change().compression(hint).build();
    }

    public Column blockBytes(int bytes) {
        return change().blockBytes(bytes).build();
    }

    public Column comment(String text) {
        return change().comment(text).build();
    }

    /** What an insert without a value did write, it does not any more. */
    public Column withoutWriteDefault() {
        return change().writeDefault(null).build();
    }

    public Column withName(String newName) {
        return change().name(newName).build();
    }

    public Column withId(int newId) {
        return change().id(newId).build();
    }

    public Column withAttributes(Attributes newAttributes) {
        return change().attributes(newAttributes).build();
    }

    /** For messages: {@code column price DECIMAL(15, 2) NOT NULL}. */
    public String describe() {
        return "column " + name + " " + describeType();
    }

    /** What it holds, as Kudu's messages write it: {@code DECIMAL(15, 2) NOT NULL IMMUTABLE}. */
    public String describeType() {
        String kind =
                switch (type) {
                    case DECIMAL32, DECIMAL64, DECIMAL128 ->
                        "DECIMAL(" + attributes.precision() + ", " + attributes.scale() + ")";
                    case VARCHAR -> "VARCHAR(" + attributes.lengthChars() + ")";
                    default -> type.name();
                };
        return kind + (isNullable ? " NULLABLE" : " NOT NULL") + (isImmutable ? " IMMUTABLE" : "");
    }

    private Copy change() {
        return new Copy(this);
    }

    private static void checkText(String what, String text, int bytesMin, int bytesMax) {
        Check.inRange("UTF-8 bytes of the " + what, text.getBytes(StandardCharsets.UTF_8).length, bytesMin, bytesMax);
    }

    private static void checkAttributes(String name, ColumnType type, Attributes attributes) {
        int precision = attributes.precision();
        if (type.isDecimal()) {
            Check.inRange("precision of column " + name, precision, 1, Limits.DECIMAL_PRECISION_MAX);
            Check.inRange("scale of column " + name, attributes.scale(), 0, precision);
            Check.that(
                    ColumnType.decimal(precision) == type,
                    "column " + name + ": a decimal of precision " + precision + " is a "
                            + ColumnType.decimal(precision) + ", not a " + type);
        } else {
            Check.that(
                    precision == 0 && attributes.scale() == 0,
                    "column " + name + ": only a decimal has precision and scale, not " + type);
        }
        int lengthMin = type == ColumnType.VARCHAR ? 1 : 0;
        int lengthMax = type == ColumnType.VARCHAR ? Limits.VARCHAR_CHARS_MAX : 0;
        Check.inRange("length of column " + name, attributes.lengthChars(), lengthMin, lengthMax);
    }

    private static void checkDefault(String name, ColumnType type, Attributes attributes, @Nullable CellValue value) {
        if (value == null) {
            return;
        }
        if (type.isVariable()) {
            Check.inRange("bytes of the default of column " + name, value.bytes(), 0, Limits.CELL_BYTES_MAX);
            return;
        }
        Check.inRange("bytes of the default of column " + name, value.bytes(), type.cellBytes(), type.cellBytes());
        if (type.isDecimal()) {
            Check.that(
                    CellConversion.digits(value.toBigInteger()) <= attributes.precision(),
                    "the default of column " + name + " has more than " + attributes.precision() + " digits");
        } else if (type == ColumnType.DATE) {
            Check.inRange("default of column " + name, value.toLong(), Limits.DATE_DAYS_MIN, Limits.DATE_DAYS_MAX);
        } else if (type == ColumnType.BOOL) {
            Check.inRange("default of column " + name, value.toLong(), 0, 1);
        }
    }

    /** A column in the making. */
    private static final class Copy {
        private int id;
        private String name;
        private final ColumnType type;
        private boolean isKey;
        private boolean isNullable;
        private boolean isImmutable;
        private Attributes attributes;
        private @Nullable CellValue readDefault;
        private @Nullable CellValue writeDefault;
        private ColumnEncoding encoding;
        private ColumnCompression compression;
        private int blockBytes;
        private String comment;

        Copy(Column column) {
            id = column.id;
            name = column.name;
            type = column.type;
            isKey = column.isKey;
            isNullable = column.isNullable;
            isImmutable = column.isImmutable;
            attributes = column.attributes;
            readDefault = column.readDefault;
            writeDefault = column.writeDefault;
            encoding = column.encoding;
            compression = column.compression;
            blockBytes = column.blockBytes;
            comment = column.comment;
        }

        Copy id(int value) {
            id = value;
            return this;
        }

        Copy name(String value) {
            name = value;
            return this;
        }

        Copy key(boolean value) {
            isKey = value;
            return this;
        }

        Copy nullable(boolean value) {
            isNullable = value;
            return this;
        }

        Copy immutable(boolean value) {
            isImmutable = value;
            return this;
        }

        Copy attributes(Attributes value) {
            attributes = value;
            return this;
        }

        Copy readDefault(CellValue value) {
            readDefault = value;
            return this;
        }

        Copy writeDefault(@Nullable CellValue value) {
            writeDefault = value;
            return this;
        }

        Copy encoding(ColumnEncoding value) {
            encoding = value;
            return this;
        }

        Copy compression(ColumnCompression value) {
            compression = value;
            return this;
        }

        Copy blockBytes(int value) {
            blockBytes = value;
            return this;
        }

        Copy comment(String value) {
            comment = value;
            return this;
        }

        Column build() {
            return new Column(
                    id,
                    name,
                    type,
                    isKey,
                    isNullable,
                    isImmutable,
                    attributes,
                    readDefault,
                    writeDefault,
                    encoding,
                    compression,
                    blockBytes,
                    comment);
        }
    }
}
