package io.nyala.wire;

import com.google.protobuf.ByteString;
import com.google.protobuf.TextFormat;
import io.nyala.protocol.Common.ColumnSchemaDeltaPB;
import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.ColumnTypeAttributesPB;
import io.nyala.protocol.Common.DataType;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.Schema;
import io.nyala.wire.WireException.Fault;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Schemas and columns: what a client wants a table to be, checked as Kudu's master does and in its words, and what a
 * table is, for a client. Columns of a request have names and no ids. Auto-incrementing columns, which the engine does
 * not have, are refused. For the control plane. Stateless.
 */
public final class WireSchema {
    /** As Kudu by default; the engine would take more. */
    public static final int COLUMNS_MAX = 300;

    private static final String NO_IDS = "user requests should not have Column IDs";

    private WireSchema() {}

    /** The schema of a table to be created. */
    public static Schema toSchema(SchemaPB given) {
        List<ColumnSchemaPB> columns = given.getColumnsList();
        checkNames(columns);
        int keys = 0;
        for (int i = 0; i < columns.size(); i++) {
            ColumnSchemaPB column = columns.get(i);
            if (column.getIsKey() && keys++ < i) {
                throw schemaError("Got out-of-order key column: "
                        + TextFormat.printer().emittingSingleLine(true).printToString(column));
            }
        }
        if (keys == 0) {
            throw schemaError("must specify at least one key column");
        }
        if (columns.size() > COLUMNS_MAX) {
            throw schemaError(
                    "number of columns " + columns.size() + " is greater than the permitted maximum " + COLUMNS_MAX);
        }
        List<Column> made = new ArrayList<>();
        for (ColumnSchemaPB column : columns) {
            if (column.hasId()) {
                throw schemaError(NO_IDS);
            }
            made.add(column(column));
        }
        return Schema.of(made);
    }

    /** A column to be added to a table, which has no id yet and is none of the key. */
    public static Column toColumn(ColumnSchemaPB given) {
        if (given.hasId()) {
            throw schemaError("column " + given.getName() + ": client should not specify column ID");
        }
        if (given.getIsKey()) {
            throw schemaError("cannot add a key column: " + given.getName());
        }
        return column(given);
    }

    private static void checkNames(List<ColumnSchemaPB> columns) {
        Set<String> names = new HashSet<>();
        for (ColumnSchemaPB column : columns) {
            if (!names.add(column.getName())) {
                throw schemaError("Duplicate column name: " + column.getName());
            }
        }
    }

    /** Any column, with what the client says of it. */
    static Column column(ColumnSchemaPB given) {
        String name = given.getName();
        checkText("invalid column name", given.getNameBytes());
        if (name.isEmpty()) {
            throw schemaError("invalid column name: empty string not a valid identifier");
        }
        checkText("invalid column comment", given.getCommentBytes());
        ColumnType type = WireTypes.type(name, given.getType());
        checkSupported(given);
        if (given.getIsKey() && !type.mayBeKey()) {
            throw schemaError("key column may not have type of BOOL, FLOAT, or DOUBLE");
        }
        if (given.getIsKey() && given.getIsNullable()) {
            throw schemaError("Bad schema: Nullable key columns are not supported: " + name);
        }
        checkDefaults(given);
        CellValue value = given.hasReadDefaultValue() ? value(type, "read", given.getReadDefaultValue()) : null;
        try {
            return new Column(
                    Column.NO_ID,
                    name,
                    type,
                    given.getIsKey(),
                    given.getIsNullable(),
                    given.getImmutable(),
                    attributes(type, given.getTypeAttributes()),
                    value,
                    value,
                    WireTypes.encoding(name, type, given.getEncoding()),
                    WireTypes.compression(name, given.getCompression()),
                    given.getCfileBlockSize(),
                    given.getComment());
        } catch (IllegalArgumentException e) {
            throw new WireException(Fault.SCHEMA, e);
        }
    }

    private static void checkText(String what, ByteString text) {
        checkText(what, text, Limits.NAME_BYTES_MAX);
    }

    private static void checkText(String what, ByteString text, int bytesMax) {
        if (text.size() > bytesMax) {
            throw schemaError(what + ": identifier '" + text.toStringUtf8() + "' longer than maximum permitted length "
                    + bytesMax);
        }
        if (!text.isValidUtf8()) {
            throw schemaError(what + ": invalid UTF8 sequence");
        }
        if (text.toStringUtf8().indexOf('\0') >= 0) {
            throw schemaError(what + ": identifier must not contain null bytes");
        }
    }

    private static void checkSupported(ColumnSchemaPB given) {
        if (given.getIsAutoIncrementing()) {
            throw WireException.notSupported(
                    Fault.SCHEMA, "column '" + given.getName() + "': auto-incrementing columns are not supported");
        }
    }

    /** Clients send the read default only; old ones both. */
    private static void checkDefaults(ColumnSchemaPB given) {
        if (!given.hasWriteDefaultValue()) {
            return;
        }
        if (!given.hasReadDefaultValue()) {
            throw schemaError("column '" + given.getName() + "' has write_default field set but no read_default");
        }
        if (!given.getReadDefaultValue().equals(given.getWriteDefaultValue())) {
            throw schemaError("column '" + given.getName() + "' has mismatched read/write defaults");
        }
    }

    private static CellValue value(ColumnType type, String what, ByteString bytes) {
        if (!type.isVariable() && bytes.size() < type.cellBytes()) {
            throw WireException.corruption(
                    Fault.SCHEMA,
                    "Not enough bytes for " + typeName(type) + ": " + what + " default size (" + bytes.size()
                            + ") less than type size (" + type.cellBytes() + ")");
        }
        if (!type.isVariable() && bytes.size() > type.cellBytes()) {
            throw schemaError("wrong size for default value");
        }
        return CellValue.ofBytes(bytes.toByteArray());
    }

    private static String typeName(ColumnType type) {
        return WireTypes.type(type).name();
    }

    private static Column.Attributes attributes(ColumnType type, ColumnTypeAttributesPB given) {
        if (type.isDecimal()) {
            return new Column.Attributes(given.getPrecision(), given.getScale(), 0);
        }
        return type == ColumnType.VARCHAR ? new Column.Attributes(0, 0, given.getLength()) : Column.Attributes.NONE;
    }

    /** A table's schema as GetTableSchema answers it, with ids. */
    public static SchemaPB toProto(Schema schema) {
        SchemaPB.Builder answer = SchemaPB.newBuilder();
        for (Column column : schema.columns()) {
            answer.addColumns(toProto(column));
        }
        return answer.build();
    }

    /** A column, with its id if it has one. */
    public static ColumnSchemaPB toProto(Column column) {
        ColumnSchemaPB.Builder answer = ColumnSchemaPB.newBuilder()
                .setName(column.name())
                .setType(WireTypes.type(column.type()))
                .setIsKey(column.isKey())
                .setIsNullable(column.isNullable())
                .setEncoding(WireTypes.encoding(column.encoding()))
                .setCompression(WireTypes.compression(column.compression()))
                .setCfileBlockSize(column.blockBytes())
                .setImmutable(column.isImmutable());
        if (column.id() != Column.NO_ID) {
            answer.setId(column.id());
        }
        CellValue readDefault = column.readDefault();
        if (readDefault != null) {
            answer.setReadDefaultValue(ByteString.copyFrom(readDefault.toByteArray()));
        }
        CellValue writeDefault = column.writeDefault();
        if (writeDefault != null) {
            answer.setWriteDefaultValue(ByteString.copyFrom(writeDefault.toByteArray()));
        }
        Column.Attributes attributes = column.attributes();
        if (column.type().isDecimal()) {
            answer.getTypeAttributesBuilder()
                    .setPrecision(attributes.precision())
                    .setScale(attributes.scale());
        } else if (column.type() == ColumnType.VARCHAR) {
            answer.getTypeAttributesBuilder().setLength(attributes.lengthChars());
        }
        if (!column.comment().isEmpty()) {
            answer.setComment(column.comment());
        }
        return answer.build();
    }

    /**
     * A column after an ALTER_COLUMN step, but for its name: {@link ColumnSchemaDeltaPB#getNewName} is up to the
     * caller. A new default is one for what is written from then on.
     */
    public static Column change(Column column, ColumnSchemaDeltaPB delta) {
        checkText("invalid column comment", delta.getNewCommentBytes());
        CellValue writeDefault = delta.getRemoveDefault() ? null : column.writeDefault();
        if (delta.hasDefaultValue()) {
            ColumnType type = column.type();
            ByteString bytes = delta.getDefaultValue();
            if (!type.isVariable()) {
                if (bytes.size() < type.cellBytes()) {
                    throw schemaError("wrong size for default value");
                }
                bytes = bytes.substring(0, type.cellBytes()); // Clients send decimals as wide as any can be.
            }
            writeDefault = CellValue.ofBytes(bytes.toByteArray());
        }
        return changed(column, delta, writeDefault);
    }

    private static Column changed(Column column, ColumnSchemaDeltaPB delta, @Nullable CellValue writeDefault) {
        try {
            return new Column(
                    column.id(),
                    column.name(),
                    column.type(),
                    column.isKey(),
                    column.isNullable(),
                    delta.hasImmutable() ? delta.getImmutable() : column.isImmutable(),
                    column.attributes(),
                    column.readDefault(),
                    writeDefault,
                    delta.hasEncoding()
                            ? WireTypes.encoding(column.name(), column.type(), delta.getEncoding())
                            : column.encoding(),
                    delta.hasCompression()
                            ? WireTypes.compression(column.name(), delta.getCompression())
                            : column.compression(),
                    delta.hasBlockSize() ? delta.getBlockSize() : column.blockBytes(),
                    delta.hasNewComment() ? delta.getNewComment() : column.comment());
        } catch (IllegalArgumentException e) {
            throw new WireException(Fault.SCHEMA, e);
        }
    }

    /** A name for a table or column, as it was sent: as a text, what is no UTF-8 would have become another name. */
    public static void checkName(String what, ByteString name) {
        if (name.isEmpty()) {
            throw schemaError("invalid " + what + " name: empty string not a valid identifier");
        }
        checkText("invalid " + what + " name", name);
    }

    /** An owner of a table that a client names. */
    public static void checkOwner(ByteString owner, int bytesMax) {
        if (owner.isEmpty()) {
            throw schemaError("invalid owner name: empty string is not a valid owner");
        }
        checkText("invalid owner name", owner, bytesMax);
    }

    /** What is said of a table. */
    public static void checkComment(ByteString comment) {
        checkText("invalid table comment", comment, Limits.COMMENT_BYTES_MAX);
    }

    /**
     * Where the columns that a scan wants are in the table's schema.
     *
     * @throws WireException if there are none of the names, or they are others than the client thinks
     */
    public static int[] projection(Schema schema, List<ColumnSchemaPB> wanted) {
        checkColumns(wanted);
        List<ColumnSchemaPB> stored =
                wanted.stream().filter(column -> !isVirtual(column)).toList();
        int[] indexes = new int[stored.size()];
        List<String> missing = new ArrayList<>();
        for (int i = 0; i < indexes.length; i++) {
            indexes[i] = schema.indexOf(stored.get(i).getName());
            if (indexes[i] < 0) {
                missing.add(stored.get(i).getName());
            } else {
                checkSame(schema.column(indexes[i]), stored.get(i));
            }
        }
        if (!missing.isEmpty()) {
            throw mismatch("Some columns are not present in the current schema: " + String.join(", ", missing));
        }
        return indexes;
    }

    /** Whether it is no column of a table, but says whether a row was deleted. */
    public static boolean isVirtual(ColumnSchemaPB column) {
        return column.getType() == DataType.IS_DELETED;
    }

    private static void checkColumns(List<ColumnSchemaPB> wanted) {
        Set<String> names = new HashSet<>();
        for (ColumnSchemaPB column : wanted) {
            if (column.hasId()) {
                throw schemaError("User requests should not have Column IDs");
            }
            if (isVirtual(column) && column.getIsNullable()) {
                throw schemaError("Virtual column " + column.getName() + " IS_DELETED NULLABLE must not be nullable");
            }
            if (isVirtual(column) && !column.hasReadDefaultValue()) {
                throw schemaError("Virtual column " + column.getName()
                        + " IS_DELETED NOT NULL must have a default value for read");
            }
            if (!names.add(column.getName())) {
                throw schemaError("Duplicate column name: " + column.getName());
            }
        }
    }

    /** Guards against a client that takes a column for something else. */
    static void checkSame(Column column, ColumnSchemaPB given) {
        if (!WireTypes.isSame(column, given)) {
            throw mismatch("The column '" + column.name() + "' must have type " + column.describeType() + " found "
                    + WireTypes.describeType(given));
        }
    }

    private static WireException schemaError(String message) {
        return new WireException(Fault.SCHEMA, message);
    }

    private static WireException mismatch(String message) {
        return new WireException(Fault.MISMATCHED_SCHEMA, message);
    }
}
