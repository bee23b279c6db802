package io.nyala.tablet;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.simulation.Bytes;
import io.nyala.simulation.Cells;
import io.nyala.simulation.RandomCells;
import io.nyala.simulation.RowKey;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a tablet must answer to batches with conditions, and to atomic ones: a map of rows as they are now. */
final class RowsModel {
    private static final OperationKind[] KINDS = OperationKind.values();

    private final Schema schema;
    private final List<List<Object>> keys = new ArrayList<>();
    private NavigableMap<RowKey, List<@Nullable Object>> rows = new TreeMap<>();

    RowsModel(Schema schema, SplittableRandom random, int keyCount) {
        this.schema = schema;
        for (int i = 0; i < keyCount; i++) {
            List<Object> key = new ArrayList<>();
            for (int column = 0; column < schema.keyColumnCount(); column++) {
                key.add(RandomCells.value(random, schema.column(column)));
            }
            keys.add(key);
        }
    }

    /** The operation is done only if the row has this value. */
    record Condition(int column, @Nullable Object value) {}

    /** Values are null where nothing is set. */
    record Operation(
            OperationKind kind, List<@Nullable Object> values, List<Boolean> isSet, List<Condition> conditions) {
        void write(OperationBatch batch) {
            batch.start(kind);
            for (int i = 0; i < values.size(); i++) {
                if (isSet.get(i)) {
                    Cells.write(batch, i, values.get(i), false);
                }
            }
            for (Condition condition : conditions) {
                batch.onlyIf(condition.column(), given(batch.layout().schema(), condition));
            }
            if (!batch.end()) {
                throw new AssertionError(batch.errors().getLast());
            }
        }

        private static @Nullable Object given(Schema schema, Condition condition) {
            boolean isBinary = schema.column(condition.column()).type() == ColumnType.BINARY;
            return condition.value() instanceof Bytes bytes
                    ? isBinary || !bytes.isText() ? bytes.array() : bytes.text()
                    : condition.value();
        }
    }

    NavigableMap<RowKey, List<@Nullable Object>> rows() {
        return rows;
    }

    /** Operations that often meet a row, and conditions that often hold when it is their turn; none is done here. */
    List<Operation> draw(SplittableRandom random, int count, int conditionsIn) {
        NavigableMap<RowKey, List<@Nullable Object>> before = new TreeMap<>(rows);
        List<Operation> operations = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            operations.add(draw(random, conditionsIn));
            apply(operations.getLast());
        }
        rows = before;
        return operations;
    }

    private Operation draw(SplittableRandom random, int conditionsIn) {
        OperationKind kind = KINDS[random.nextInt(KINDS.length)];
        int keyCount = schema.keyColumnCount();
        List<@Nullable Object> values = new ArrayList<>(keys.get(random.nextInt(keys.size())));
        List<Boolean> isSet = new ArrayList<>(values.stream().map(_ -> true).toList());
        int always = kind.isUpdate() ? random.nextInt(keyCount, schema.columnCount()) : -1;
        for (int i = keyCount; i < schema.columnCount(); i++) {
            Column column = schema.column(i);
            boolean isNeeded = kind.mayInsert() && !column.isNullable() && column.writeDefault() == null;
            boolean isSeldom = column.isImmutable() && !kind.name().startsWith("INSERT");
            isSet.add(!kind.isDelete()
                    && (i == always || isNeeded || (isSeldom ? random.nextInt(8) == 0 : random.nextBoolean())));
            values.add(isSet.getLast() ? RandomCells.valueOrNull(random, column) : null);
        }
        List<Condition> conditions = new ArrayList<>();
        List<@Nullable Object> row = rows.get(RowKey.of(stored(values), keyCount));
        boolean mayHave = kind != OperationKind.INSERT && kind != OperationKind.INSERT_IGNORE;
        while (mayHave && random.nextInt(conditionsIn) == 0 && conditions.size() < 4) {
            int column = random.nextInt(keyCount, schema.columnCount());
            boolean isAny = random.nextInt(8) == 0;
            Object value =
                    row == null || isAny ? RandomCells.valueOrNull(random, schema.column(column)) : row.get(column);
            conditions.add(new Condition(column, value));
        }
        return new Operation(kind, values, isSet, conditions);
    }

    private List<@Nullable Object> stored(List<@Nullable Object> values) {
        List<@Nullable Object> stored = new ArrayList<>();
        for (int i = 0; i < values.size(); i++) {
            stored.add(Cells.stored(schema.column(i), values.get(i)));
        }
        return stored;
    }

    /** Does what a tablet should do; answers the error of each operation, null for none. */
    List<@Nullable RowErrorCode> apply(List<Operation> operations, boolean isAtomic) {
        NavigableMap<RowKey, List<@Nullable Object>> before = new TreeMap<>(rows);
        List<@Nullable RowErrorCode> errors = new ArrayList<>();
        operations.forEach(operation -> errors.add(apply(operation)));
        if (isAtomic && errors.stream().anyMatch(error -> error != null)) {
            rows = before;
            errors.replaceAll(error -> error == null ? RowErrorCode.ROLLED_BACK : error);
        }
        return errors;
    }

    private @Nullable RowErrorCode apply(Operation operation) {
        List<@Nullable Object> values = stored(operation.values());
        RowKey key = RowKey.of(values, schema.keyColumnCount());
        List<@Nullable Object> row = rows.get(key);
        OperationKind kind = operation.kind();
        boolean isMet = row != null && operation.conditions().stream().allMatch(condition -> holds(condition, row));
        if (kind == OperationKind.INSERT || kind == OperationKind.INSERT_IGNORE) {
            if (row != null) {
                return kind == OperationKind.INSERT ? RowErrorCode.ALREADY_PRESENT : null;
            }
            rows.put(key, inserted(operation, values));
            return null;
        }
        boolean isUpdate = kind == OperationKind.UPDATE || (kind == OperationKind.UPSERT && row != null);
        if (isUpdate && setsImmutable(operation)) {
            return RowErrorCode.IMMUTABLE;
        }
        boolean isIgnoring = kind == OperationKind.UPDATE_IGNORE || kind == OperationKind.DELETE_IGNORE;
        if (row == null && (kind.isUpdate() || kind.isDelete())) {
            return isIgnoring ? null : RowErrorCode.NOT_FOUND;
        }
        if (!isMet && !operation.conditions().isEmpty()) {
            return RowErrorCode.CONDITION_NOT_MET;
        }
        if (kind.isDelete()) {
            rows.remove(key);
        } else {
            rows.put(key, row == null ? inserted(operation, values) : updated(operation, values, row));
        }
        return null;
    }

    private boolean setsImmutable(Operation operation) {
        for (int i = schema.keyColumnCount(); i < schema.columnCount(); i++) {
            if (operation.isSet().get(i) && schema.column(i).isImmutable()) {
                return true;
            }
        }
        return false;
    }

    private boolean holds(Condition condition, List<@Nullable Object> row) {
        return isEqual(row.get(condition.column()), Cells.stored(schema.column(condition.column()), condition.value()));
    }

    static boolean isEqual(@Nullable Object left, @Nullable Object right) {
        return switch (left) {
            case null -> right == null;
            case Float number -> right instanceof Float other && number.floatValue() == other.floatValue();
            case Double number -> right instanceof Double other && number.doubleValue() == other.doubleValue();
            default -> left.equals(right);
        };
    }

    private List<@Nullable Object> inserted(Operation operation, List<@Nullable Object> values) {
        List<@Nullable Object> row = new ArrayList<>(values);
        for (int i = 0; i < row.size(); i++) {
            CellValue writeDefault = schema.column(i).writeDefault();
            if (!operation.isSet().get(i)) {
                row.set(i, writeDefault == null ? null : Cells.of(schema.column(i), writeDefault));
            }
        }
        return row;
    }

    private List<@Nullable Object> updated(
            Operation operation, List<@Nullable Object> values, List<@Nullable Object> row) {
        List<@Nullable Object> after = new ArrayList<>(row);
        for (int i = 0; i < row.size(); i++) {
            if (operation.isSet().get(i) && !schema.column(i).isImmutable()) {
                after.set(i, values.get(i));
            }
        }
        return after;
    }
}
