package io.nyala.memrowset;

import io.nyala.rows.CellValue;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The cells of one row, null for NULL. Immutable. */
final class Cells {
    private final List<@Nullable CellValue> values;

    Cells(List<@Nullable CellValue> values) {
        this.values = Collections.unmodifiableList(new ArrayList<>(values));
    }

    int count() {
        return values.size();
    }

    @Nullable
    CellValue get(int column) {
        return values.get(column);
    }

    /** A copy that has some columns from another row. */
    Cells with(int[] columns, Cells other) {
        var copy = new ArrayList<@Nullable CellValue>(values);
        for (int column : columns) {
            copy.set(column, other.get(column));
        }
        return new Cells(copy);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Cells cells && values.equals(cells.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
