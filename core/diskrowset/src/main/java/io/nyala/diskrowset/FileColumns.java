package io.nyala.diskrowset;

import io.nyala.cfile.CFileReader;
import io.nyala.cfile.CellKind;
import io.nyala.cfile.ColumnReader;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.List;

/**
 * The columns of a table that a rowset's file has, which may be others than the table has now. They match by id: a
 * column that was added later reads as its default or NULL, one that was dropped is never asked for.
 *
 * <p>Immutable; shared by threads.
 */
final class FileColumns {
    private final CFileReader file;
    private final RowLayout layout;

    /**
     * @param schema of the table now
     * @throws IllegalArgumentException if the file cannot be of this table
     */
    FileColumns(CFileReader file, Schema schema) {
        this.file = file;
        for (Column column : schema.columns()) {
            check(column);
        }
        List<Column> columns = new ArrayList<>();
        for (ColumnReader reader : file.columns()) {
            if (reader.id() < RowSetFormat.INSERT_TIME_ID) {
                columns.add(asWritten(reader, schema));
            }
        }
        int nextId = columns.stream().mapToInt(Column::id).max().orElse(0) + 1;
        this.layout = new RowLayout(new Schema(schema.version(), nextId, columns));
    }

    /** The column that the file was written with, as far as that matters to packed rows. */
    private static Column asWritten(ColumnReader reader, Schema schema) {
        int index = schema.indexOfId(reader.id());
        ColumnType type =
                index < 0 ? anyTypeOf(reader.kind()) : schema.column(index).type();
        Column column = Column.of(reader.name(), type).withId(reader.id());
        column = reader.isNullable() ? column.nullable() : column;
        return reader.isKey() ? column.asKey() : column;
    }

    private static ColumnType anyTypeOf(CellKind kind) {
        return switch (kind) {
            case INT8 -> ColumnType.INT8;
            case INT16 -> ColumnType.INT16;
            case INT32 -> ColumnType.INT32;
            case INT64 -> ColumnType.INT64;
            case INT128 -> ColumnType.DECIMAL128;
            case FLOAT -> ColumnType.FLOAT;
            case DOUBLE -> ColumnType.DOUBLE;
            case BINARY -> ColumnType.BINARY;
        };
    }

    /** Requires that rows of this file can be read as rows with this column. */
    void check(Column column) {
        if (!has(column)) {
            if (column.isKey() || (column.readDefault() == null && !column.isNullable())) {
                throw new IllegalArgumentException(
                        name(column) + " is missing; only a column with a read default, or a nullable one, may be");
            }
            return;
        }
        CellKind found = file.column(column.id()).kind();
        CellKind expected = CellKind.of(column.type());
        if (found != expected) {
            throw new IllegalArgumentException(name(column) + " has cells " + found + ", expected " + expected);
        }
    }

    private static String name(Column column) {
        return "column \"" + column.name() + "\" (id " + column.id() + ")";
    }

    boolean has(Column column) {
        return file.hasColumn(column.id());
    }

    /** Of a column that the file has. */
    ColumnReader reader(Column column) {
        return file.column(column.id());
    }

    /** How the packed rows of the file's history are laid out: as its columns were when it was written. */
    RowLayout layout() {
        return layout;
    }
}
