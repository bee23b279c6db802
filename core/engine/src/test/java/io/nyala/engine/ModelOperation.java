package io.nyala.engine;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.simulation.Bytes;
import io.nyala.simulation.Cells;
import io.nyala.simulation.Condition;
import io.nyala.simulation.RowKey;
import io.nyala.simulation.TableModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One operation as a test gives it to a table and to its model. Immutable.
 *
 * @param values as given, one for each column; null for NULL, and where nothing is given
 * @param set which columns are given
 * @param refused why the batch does not even take it; null if it does
 * @param style how the values are handed over, which must make no difference: see {@link #write}
 * @param conditions what the row must have, or the operation is not done
 */
@SuppressWarnings("ArrayRecordComponent") // Nobody compares operations.
record ModelOperation(
        OperationKind kind,
        List<@Nullable Object> values,
        boolean[] set,
        @Nullable RowErrorCode refused,
        int style,
        List<Wanted> conditions) {
    /** Styles are numbers below this. */
    static final int STYLES = 4;

    private static final int AS_OBJECT = 1;
    private static final int BACKWARDS = 2;

    /** A value that a column must have; null for NULL. */
    record Wanted(int column, @Nullable Object value) {
        boolean isMet(Schema schema, List<@Nullable Object> row) {
            Object stored = Cells.stored(schema.column(column), value);
            Object cell = row.get(column);
            return stored == null ? cell == null : Condition.isEqual(cell, stored);
        }

        private void write(OperationBatch rows) {
            rows.onlyIf(column, value instanceof Bytes bytes ? bytes.array() : value);
        }
    }

    /** An operation that gives all columns. */
    static ModelOperation of(OperationKind kind, @Nullable Object... values) {
        boolean[] set = new boolean[values.length];
        Arrays.fill(set, true);
        return new ModelOperation(kind, Arrays.asList(values), set, null, 0, List.of());
    }

    /** An operation that gives the key alone. */
    static ModelOperation ofKey(OperationKind kind, Schema schema, Object... key) {
        boolean[] set = new boolean[schema.columnCount()];
        Arrays.fill(set, 0, key.length, true);
        List<@Nullable Object> values = new ArrayList<>(Arrays.asList(key));
        while (values.size() < set.length) {
            values.add(null);
        }
        return new ModelOperation(kind, values, set, null, 0, List.of());
    }

    /** Appends it to a batch. */
    void write(OperationBatch rows) {
        rows.start(kind);
        if ((style & BACKWARDS) == 0) {
            conditions.forEach(condition -> condition.write(rows));
        }
        int count = set.length;
        for (int i = 0; i < count; i++) {
            int column = (style & BACKWARDS) == 0 ? i : count - 1 - i;
            if (set[column]) {
                Cells.write(rows, column, values.get(column), (style & AS_OBJECT) != 0);
            }
        }
        if ((style & BACKWARDS) != 0) {
            conditions.forEach(condition -> condition.write(rows));
        }
        boolean isTaken = rows.end();
        if (isTaken != (refused == null)) {
            throw new AssertionError(this
                    + (isTaken ? " was taken" : " was refused: " + rows.errors().getLast()));
        }
    }

    /** Does to the model what the table shall do. Answers what the table says of it; null if nothing. */
    @Nullable
    RowErrorCode apply(TableModel<RowKey> model, Schema schema, long time) {
        RowKey key = key(schema);
        boolean isUpdate = kind == OperationKind.UPDATE || (kind == OperationKind.UPSERT && model.newest(key) != null);
        if (isUpdate && setsImmutable(schema)) {
            return RowErrorCode.IMMUTABLE;
        }
        if (!mayBeDone(model.newest(key), schema)) {
            return RowErrorCode.CONDITION_NOT_MET;
        }
        return error(
                switch (kind) {
                    case INSERT -> model.insert(key, time, inserted(schema), false);
                    case INSERT_IGNORE -> model.insert(key, time, inserted(schema), true);
                    case UPSERT, UPSERT_IGNORE -> model.upsert(key, time, inserted(schema), changed(schema));
                    case UPDATE -> model.update(key, time, inserted(schema), changed(schema), false);
                    case UPDATE_IGNORE -> model.update(key, time, inserted(schema), changed(schema), true);
                    case DELETE -> model.delete(key, time, false);
                    case DELETE_IGNORE -> model.delete(key, time, true);
                });
    }

    /** Whether the conditions are met. Of a row that is not there an UPSERT says that they are not, others nothing. */
    private boolean mayBeDone(@Nullable List<@Nullable Object> row, Schema schema) {
        if (row == null) {
            return conditions.isEmpty() || !kind.mayInsert();
        }
        return conditions.stream().allMatch(condition -> condition.isMet(schema, row));
    }

    /** The same for a table that has other columns by now; null if no batch would take it then. */
    @Nullable
    ModelOperation inSchema(Schema before, Schema after) {
        if (before.equals(after)) {
            return this;
        }
        List<@Nullable Object> newValues = new ArrayList<>();
        boolean[] newSet = new boolean[after.columnCount()];
        boolean isAnySet = false;
        boolean isAnyMissing = false;
        for (int i = 0; i < newSet.length; i++) {
            int old = before.indexOfId(after.column(i).id());
            newSet[i] = old >= 0 && set[old];
            newValues.add(newSet[i] ? values.get(old) : null);
            isAnySet |= newSet[i] && i >= after.keyColumnCount();
            isAnyMissing |= !newSet[i] && OperationSource.isNeeded(after.column(i));
        }
        boolean isTaken = refused == null && !(kind.isUpdate() && !isAnySet) && !(kind.mayInsert() && isAnyMissing);
        List<Wanted> newConditions = conditions.stream()
                .map(condition -> new Wanted(
                        after.indexOfId(before.column(condition.column()).id()), condition.value()))
                .filter(condition -> condition.column() >= 0)
                .toList();
        return isTaken ? new ModelOperation(kind, newValues, newSet, null, style, newConditions) : null;
    }

    RowKey key(Schema schema) {
        return RowKey.of(
                IntStream.range(0, schema.keyColumnCount())
                        .<@Nullable Object>mapToObj(i -> Cells.stored(schema.column(i), values.get(i)))
                        .toList(),
                schema.keyColumnCount());
    }

    /** The row if it is new: what is not given has its default. */
    private List<@Nullable Object> inserted(Schema schema) {
        List<@Nullable Object> row = new ArrayList<>();
        for (int i = 0; i < set.length; i++) {
            Column column = schema.column(i);
            CellValue writeDefault = column.writeDefault();
            if (set[i]) {
                row.add(Cells.stored(column, values.get(i)));
            } else {
                row.add(writeDefault == null ? null : Cells.of(column, writeDefault));
            }
        }
        return row;
    }

    /** Which columns change if the row is there. */
    private boolean[] changed(Schema schema) {
        boolean[] changed = set.clone();
        for (int i = 0; i < changed.length; i++) {
            changed[i] &= !schema.column(i).isKey() && !schema.column(i).isImmutable();
        }
        return changed;
    }

    private boolean setsImmutable(Schema schema) {
        return IntStream.range(schema.keyColumnCount(), set.length)
                .anyMatch(i -> set[i] && schema.column(i).isImmutable());
    }

    private static @Nullable RowErrorCode error(TableModel.Outcome outcome) {
        return switch (outcome) {
            case DONE, IGNORED -> null;
            case ALREADY_PRESENT -> RowErrorCode.ALREADY_PRESENT;
            case NOT_FOUND -> RowErrorCode.NOT_FOUND;
        };
    }

    @Override
    public String toString() {
        var text = new StringBuilder(kind.toString()).append(" (");
        for (int i = 0; i < set.length; i++) {
            text.append(i == 0 ? "" : ", ").append(set[i] ? values.get(i) : "-");
        }
        text.append(conditions.isEmpty() ? ")" : ") only if " + conditions);
        return text.append(refused == null ? "" : " to be refused as " + refused)
                .toString();
    }
}
