package io.nyala.catalog;

import io.nyala.memory.Check;
import io.nyala.rows.Column;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * Columns of a table on their way to the next version of its schema, one change after the other. A column keeps its id
 * under whatever name, and an id is never used for another column: what rows on disk have of a column that was dropped
 * is not taken for one of the same name that was added later.
 *
 * <p>The key is not to be changed, but for the names of its columns. Words of refusals are Kudu's. One thread.
 */
public final class SchemaChange {
    private final Schema before;
    private final List<Column> columns;
    private int nextId;

    public SchemaChange(Schema before) {
        this.before = before;
        this.columns = new ArrayList<>(before.columns());
        this.nextId = before.nextColumnId();
    }

    /** A new last column. Rows that are there have its read default, or NULL. */
    public void add(Column column) {
        if (indexOf(column.name()) >= 0) {
            throw new IllegalArgumentException("The column already exists: " + column.name());
        }
        Check.that(!column.isKey(), "cannot add a key column: " + column.name() + "; the key of a table is for ever");
        Check.that(
                column.isNullable() || column.readDefault() != null,
                "column `" + column.name() + "`: NOT NULL columns must have a default, which rows that are there have");
        columns.add(column.withId(nextId++));
    }

    /** A column goes, with all that rows have of it. */
    public void drop(String name) {
        int index = indexOfExisting(name);
        Check.that(!columns.get(index).isKey(), "cannot remove a key column: " + name);
        columns.remove(index);
    }

    public void rename(String name, String newName) {
        int index = indexOfExisting(name);
        if (name.equals(newName)) {
            return;
        }
        if (indexOf(newName) >= 0) {
            throw new IllegalArgumentException("The column already exists: " + newName);
        }
        columns.set(index, columns.get(index).withName(newName));
    }

    /**
     * Changes what rows on disk do not depend on: write default, encoding, compression, block size, comment, and
     * whether cells may change.
     */
    public void change(String name, UnaryOperator<Column> change) {
        int index = indexOfExisting(name);
        Column old = columns.get(index);
        Column changed = change.apply(old);
        boolean isSameData = changed.id() == old.id()
                && changed.name().equals(old.name())
                && changed.type() == old.type()
                && changed.isKey() == old.isKey()
                && changed.isNullable() == old.isNullable()
                && changed.attributes().equals(old.attributes());
        Check.that(isSameData, "name, type, key and nullability of a column are not changed like this: " + name);
        columns.set(index, changed);
    }

    private int indexOf(String name) {
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).name().equals(name)) {
                return i;
            }
        }
        return -1;
    }

    private int indexOfExisting(String name) {
        int index = indexOf(name);
        if (index < 0) {
            throw new IllegalArgumentException("The specified column does not exist: " + name + ". The columns are "
                    + columns.stream().map(Column::name).toList());
        }
        return index;
    }

    /** The schema of the next version, or that from before if nothing has changed. */
    public Schema after() {
        return columns.equals(before.columns()) && nextId == before.nextColumnId()
                ? before
                : new Schema(before.version() + 1, nextId, columns);
    }
}
