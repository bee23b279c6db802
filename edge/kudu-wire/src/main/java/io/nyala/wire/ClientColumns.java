package io.nyala.wire;

import io.nyala.protocol.Common.ColumnSchemaPB;
import io.nyala.protocol.Common.SchemaPB;
import io.nyala.rows.Column;
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
    private final Schema schema;
    private final int[] tableIndexes;
    private final boolean hasNullable;

    private ClientColumns(Schema schema, int[] tableIndexes) {
        this.schema = schema;
        this.tableIndexes = tableIndexes;
        this.hasNullable =
                Arrays.stream(tableIndexes).anyMatch(i -> schema.column(i).isNullable());
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
            if (!isThere[i] && !column.isNullable() && column.writeDefault() == null) {
                throw mismatch("Client missing required column: " + WireTypes.describe(column));
            }
        }
        return new ClientColumns(schema, indexes);
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

    /** The table's definition of the client's column. */
    Column column(int column) {
        return schema.column(tableIndexes[column]);
    }

    /** Whether rows have a bitmap of NULLs. */
    boolean hasNullable() {
        return hasNullable;
    }

    /** Of each bitmap of a row. */
    int bitmapBytes() {
        return (tableIndexes.length + Byte.SIZE - 1) / Byte.SIZE;
    }
}
