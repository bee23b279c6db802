package io.nyala.wire;

import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.wire.WireException.Fault;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A client's view of a table, which is how its rows are laid out: some of the columns, or an older version of them, in
 * its own order. Immutable and shared.
 */
final class ClientColumns {
    /** Bytes of the offset and of the length of a variable-length cell. */
    static final int VARIABLE_CELL_BYTES = 2 * Long.BYTES;

    /** Of no table in particular. */
    static final ClientColumns NONE = ofTable(Schema.of(Column.key("none", ColumnType.INT8)));

    private final Schema schema;
    private final int[] tableIndexes;
    private final List<Column> columns;
    private final boolean hasNullable;

    // By the client's column.
    private final int[] cellBytes;
    private final boolean[] isVariable;
    private final boolean[] isNullable;
    private final boolean[] isKey;
    private final boolean[] isRequired;
    private final boolean[] isImmutable;

    private ClientColumns(Schema schema, int[] tableIndexes) {
        this(
                schema,
                tableIndexes,
                Arrays.stream(tableIndexes).mapToObj(schema::column).toList());
    }

    private ClientColumns(Schema schema, int[] tableIndexes, List<Column> columns) {
        this.schema = schema;
        this.tableIndexes = tableIndexes;
        this.columns = columns;
        int count = tableIndexes.length;
        this.cellBytes = new int[count];
        this.isVariable = new boolean[count];
        this.isNullable = new boolean[count];
        this.isKey = new boolean[count];
        this.isRequired = new boolean[count];
        this.isImmutable = new boolean[count];
        boolean anyNullable = false;
        for (int i = 0; i < count; i++) {
            Column column = columns.get(i);
            isVariable[i] = column.type().isVariable();
            cellBytes[i] = isVariable[i] ? VARIABLE_CELL_BYTES : column.type().cellBytes();
            isNullable[i] = column.isNullable();
            isKey[i] = column.isKey();
            isRequired[i] = isRequired(column);
            isImmutable[i] = column.isImmutable() && !column.isKey();
            anyNullable |= isNullable[i];
        }
        this.hasNullable = anyNullable;
    }

    private static boolean isRequired(Column column) {
        return !column.isNullable() && column.writeDefault() == null;
    }

    /** The view of someone who knows the table as it is. */
    static ClientColumns ofTable(Schema schema) {
        int[] indexes = new int[schema.columnCount()];
        Arrays.setAll(indexes, i -> i);
        return new ClientColumns(schema, indexes);
    }

    /**
     * The view that a client sends with its rows.
     *
     * @throws WireException if the table has no such columns, or one that needs a value is not among them
     */
    static ClientColumns of(SchemaPB view, Schema schema) {
        List<ColumnSchemaPB> columns = view.getColumnsList();
        Set<String> names = new HashSet<>();
        for (ColumnSchemaPB column : columns) {
            if (!names.add(column.getName())) {
                throw new WireException(
                        Fault.ARGUMENT, "Cannot decode client schema: Duplicate column name: " + column.getName());
            }
            if (column.hasId()) {
                throw new WireException(Fault.SCHEMA, "User requests should not have Column IDs");
            }
        }
        int[] indexes = new int[columns.size()];
        boolean[] isThere = new boolean[schema.columnCount()];
        for (int i = 0; i < indexes.length; i++) {
            int index = schema.indexOf(columns.get(i).getName());
            if (index < 0) {
                throw mismatch(
                        "Client provided column " + WireTypes.describe(columns.get(i)) + " not present in tablet");
            }
            WireSchema.checkSame(schema.column(index), columns.get(i));
            indexes[i] = index;
            isThere[index] = true;
        }
        for (int i = 0; i < isThere.length; i++) {
            Column column = schema.column(i);
            if (!isThere[i] && isRequired(column)) {
                throw mismatch("Client missing required column: " + WireTypes.describe(column));
            }
        }
        return new ClientColumns(schema, indexes);
    }

    /** The view as it is, whatever the table has: enough to step over rows, not to read them. */
    static ClientColumns unread(SchemaPB view) {
        if (view.getColumnsCount() == 0) {
            throw new WireException(Fault.SCHEMA, "the schema of a request has no column, and no table is like that");
        }
        List<Column> columns =
                view.getColumnsList().stream().map(WireSchema::column).toList();
        return new ClientColumns(NONE.schema, new int[columns.size()], columns);
    }

    private static WireException mismatch(String message) {
        return new WireException(Fault.MISMATCHED_SCHEMA, message);
    }

    /** The table's. */
    Schema schema() {
        return schema;
    }

    int count() {
        return tableIndexes.length;
    }

    /** Where the client's column is in the table's schema. */
    int tableIndex(int column) {
        return tableIndexes[column];
    }

    /** The table's definition of the client's column; the client's own where it was not held against a table. */
    Column column(int column) {
        return columns.get(column);
    }

    /** Whether rows have a bitmap of NULLs. */
    boolean hasNullable() {
        return hasNullable;
    }

    /** Of each bitmap of a row. */
    int bitmapBytes() {
        return (tableIndexes.length + Byte.SIZE - 1) / Byte.SIZE;
    }

    /** Of a cell in a row; one of variable length points to its bytes. */
    int cellBytes(int column) {
        return cellBytes[column];
    }

    boolean isVariable(int column) {
        return isVariable[column];
    }

    boolean isNullable(int column) {
        return isNullable[column];
    }

    boolean isKey(int column) {
        return isKey[column];
    }

    /** Whether a row cannot be inserted without a value. */
    boolean isRequired(int column) {
        return isRequired[column];
    }

    /** Whether no update changes it, though it is none of the key. */
    boolean isImmutable(int column) {
        return isImmutable[column];
    }
}
