package io.nyala.rows;

import io.nyala.memory.Check;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The columns of a table, key columns first, at one version. Immutable and shared. Columns on disk match by id, for
 * people by name.
 */
public final class Schema {
    private final int version;
    private final int nextColumnId;
    private final List<Column> columns;
    private final int keyColumnCount;
    private final Map<String, Integer> indexByName = new HashMap<>();
    private final int[] indexById;

    /**
     * @param version counts the changes of a table's schema, from 0
     * @param nextColumnId the id the next added column will have; above all that were ever used
     * @param columns key columns first, each with its id
     */
    public Schema(int version, int nextColumnId, List<Column> columns) {
        Check.notNegative("version of the schema", version);
        Check.inRange("number of columns", columns.size(), 1, Limits.COLUMNS_MAX);
        Check.inRange("next column id", nextColumnId, 0, Limits.COLUMN_ID_MAX + 1);
        this.version = version;
        this.nextColumnId = nextColumnId;
        this.columns = List.copyOf(columns);
        this.indexById = new int[nextColumnId];
        Arrays.fill(indexById, -1);
        int keys = 0;
        for (int i = 0; i < columns.size(); i++) {
            Column column = columns.get(i);
            if (column.isKey()) {
                Check.that(keys == i, "key columns come first: " + column.name() + " follows one that is not");
                keys++;
            }
            if (indexByName.put(column.name(), i) != null) {
                throw new IllegalArgumentException("two columns have the name " + column.name());
            }
            Check.inRange("id of column " + column.name(), column.id(), 0, nextColumnId - 1L);
            if (indexById[column.id()] >= 0) {
                throw new IllegalArgumentException("two columns have the id " + column.id() + ": "
                        + columns.get(indexById[column.id()]).name() + " and " + column.name());
            }
            indexById[column.id()] = i;
        }
        Check.that(keys > 0, "a table needs at least one key column, and key columns come first");
        this.keyColumnCount = keys;
    }

    /** The first version of a schema; columns get the ids 0, 1, 2 and so on. */
    public static Schema of(Column... columns) {
        return of(List.of(columns));
    }

    /** The first version of a schema; columns get the ids 0, 1, 2 and so on. */
    public static Schema of(List<Column> columns) {
        List<Column> withIds = new ArrayList<>();
        for (Column column : columns) {
            withIds.add(column.withId(withIds.size()));
        }
        return new Schema(0, withIds.size(), withIds);
    }

    public List<Column> columns() {
        return columns;
    }

    public Column column(int index) {
        return columns.get(index);
    }

    public int columnCount() {
        return columns.size();
    }

    public int keyColumnCount() {
        return keyColumnCount;
    }

    /** Where the column with this name is, or -1. */
    public int indexOf(String name) {
        Integer index = indexByName.get(name);
        return index == null ? -1 : index;
    }

    /** Where the column with this name is. */
    public int indexOfExisting(String name) {
        int index = indexOf(name);
        if (index < 0) {
            throw unknown(name);
        }
        return index;
    }

    /** Where the column with this id is, or -1. */
    public int indexOfId(int id) {
        return id >= 0 && id < indexById.length ? indexById[id] : -1;
    }

    public int version() {
        return version;
    }

    public int nextColumnId() {
        return nextColumnId;
    }

    IllegalArgumentException unknown(String name) {
        return new IllegalArgumentException("no column has the name " + name + ". The columns are "
                + String.join(", ", columns.stream().map(Column::name).toList()));
    }

    @Override
    public boolean equals(Object other) {
        return this == other
                || (other instanceof Schema schema
                        && version == schema.version
                        && nextColumnId == schema.nextColumnId
                        && columns.equals(schema.columns));
    }

    @Override
    public int hashCode() {
        return 31 * version + columns.hashCode();
    }

    @Override
    public String toString() {
        return "schema " + version + " "
                + columns.stream().map(Column::describe).toList();
    }
}
