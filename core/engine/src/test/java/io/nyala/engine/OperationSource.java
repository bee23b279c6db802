package io.nyala.engine;

import io.nyala.rows.Column;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.simulation.Bytes;
import io.nyala.simulation.Cells;
import io.nyala.simulation.RandomCells;
import io.nyala.simulation.RowKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Random operations of all kinds on rows of one schema. Keys come from a small pool, so that most operations meet a row
 * that others have met; a few of them very often. One in forty has something that no batch takes.
 */
final class OperationSource {
    private static final int HOT_KEYS = 4;
    private static final int LONG_KEY_BYTES = 15_000;
    private static final int TOO_LONG_KEY_BYTES = 16_385;
    private static final int REFUSED_ONE_IN = 40;
    private static final int CONDITIONAL_ONE_IN = 6;

    private static final OperationKind[] KINDS = OperationKind.values();

    private final List<RowKey> keys;
    private final boolean hasLongKey;

    /** For tables whose key is that of {@code schema}; their other columns may be others. */
    OperationSource(SplittableRandom random, Schema schema, int keyCount) {
        List<List<Object>> keys = new ArrayList<>();
        for (int i = 0; i < keyCount; i++) {
            List<Object> key = new ArrayList<>();
            for (int column = 0; column < schema.keyColumnCount(); column++) {
                key.add(RandomCells.value(random, schema.column(column)));
            }
            keys.add(key);
        }
        int variable = variableKeyColumn(schema);
        hasLongKey = variable >= 0 && random.nextInt(8) == 0;
        if (hasLongKey) {
            keys.getFirst().set(variable, repeated(LONG_KEY_BYTES));
        }
        this.keys = keys.stream().map(RowKey::new).toList();
    }

    /** The keys that operations have, as they are given. */
    List<RowKey> keys() {
        return keys;
    }

    /** Whether thousands of operations may be more than a batch takes. */
    boolean hasLongKey() {
        return hasLongKey;
    }

    /** The keys that rows have then. */
    List<RowKey> keys(Schema schema) {
        return keys.stream()
                .map(key -> RowKey.of(stored(schema, key), schema.keyColumnCount()))
                .toList();
    }

    private static List<@Nullable Object> stored(Schema schema, RowKey key) {
        List<@Nullable Object> stored = new ArrayList<>();
        for (int i = 0; i < key.values().size(); i++) {
            stored.add(Cells.stored(schema.column(i), key.values().get(i)));
        }
        return stored;
    }

    /** What a row has now, as far as is known; null if there is none. */
    @FunctionalInterface
    interface Rows {
        @Nullable
        List<@Nullable Object> newest(RowKey key);
    }

    /** So many operations; without any whose outcome depends on where a row is, if {@code insertsOnly}. */
    List<ModelOperation> draw(SplittableRandom random, Schema schema, Rows rows, int count, boolean insertsOnly) {
        List<ModelOperation> operations = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            OperationKind kind = KINDS[random.nextInt(KINDS.length)];
            if (insertsOnly) {
                kind = random.nextBoolean() ? OperationKind.INSERT : OperationKind.INSERT_IGNORE;
            }
            operations.add(draw(random, schema, rows, kind));
        }
        return operations;
    }

    private ModelOperation draw(SplittableRandom random, Schema schema, Rows rows, OperationKind kind) {
        @Nullable Object[] values = new Object[schema.columnCount()];
        boolean[] set = new boolean[values.length];
        int keyIndex = random.nextInt(random.nextInt(4) == 0 ? Math.min(HOT_KEYS, keys.size()) : keys.size());
        for (int i = 0; i < schema.keyColumnCount(); i++) {
            values[i] = keys.get(keyIndex).values().get(i);
            set[i] = true;
        }
        for (int i = schema.keyColumnCount(); i < values.length && !kind.isDelete(); i++) {
            set[i] = kind.isUpdate() ? random.nextBoolean() : isNeeded(schema.column(i)) || random.nextInt(8) > 0;
            if (schema.column(i).isImmutable()
                    && (kind.isUpdate() || (isUpsert(kind) && !isNeeded(schema.column(i))))) {
                set[i] &= random.nextInt(4) == 0; // Else hardly anything but the refusal would be tried.
            }
            values[i] = set[i] ? RandomCells.valueOrNull(random, schema.column(i)) : null;
        }
        RowErrorCode refused = null;
        if (kind.isUpdate() && !isAnySet(schema, set)) {
            refused = RowErrorCode.NOTHING_TO_UPDATE;
        } else if (random.nextInt(REFUSED_ONE_IN) == 0) {
            refused = spoil(random, schema, kind, values, set);
        }
        List<ModelOperation.Wanted> conditions = List.of();
        if ((kind.isUpdate() || kind.isDelete() || isUpsert(kind)) && random.nextInt(CONDITIONAL_ONE_IN) == 0) {
            RowKey key = RowKey.of(stored(schema, keys.get(keyIndex)), schema.keyColumnCount());
            conditions = conditions(random, schema, rows.newest(key));
        }
        int style = random.nextInt(ModelOperation.STYLES);
        return new ModelOperation(kind, Arrays.asList(values), set, refused, style, conditions);
    }

    private static boolean isUpsert(OperationKind kind) {
        return kind == OperationKind.UPSERT || kind == OperationKind.UPSERT_IGNORE;
    }

    /** One or two, most of which hold for the row as it is. */
    private static List<ModelOperation.Wanted> conditions(
            SplittableRandom random, Schema schema, @Nullable List<@Nullable Object> row) {
        List<ModelOperation.Wanted> conditions = new ArrayList<>();
        int keyCount = schema.keyColumnCount();
        for (int i = random.nextInt(1, 3); i > 0 && schema.columnCount() > keyCount; i--) {
            int column = random.nextInt(keyCount, schema.columnCount());
            Object value = row != null && random.nextInt(4) > 0
                    ? row.get(column)
                    : RandomCells.valueOrNull(random, schema.column(column));
            conditions.add(new ModelOperation.Wanted(column, value));
        }
        return conditions;
    }

    private static boolean isAnySet(Schema schema, boolean[] set) {
        for (int i = schema.keyColumnCount(); i < set.length; i++) {
            if (set[i]) {
                return true;
            }
        }
        return false;
    }

    /** Whether an insert must give the column. */
    static boolean isNeeded(Column column) {
        return !column.isNullable() && column.writeDefault() == null;
    }

    /** Makes it one that no batch takes, and answers why; null if that did not work out. */
    private static @Nullable RowErrorCode spoil(
            SplittableRandom random, Schema schema, OperationKind kind, @Nullable Object[] values, boolean[] set) {
        int column = random.nextInt(values.length);
        Column definition = schema.column(column);
        if (kind.isDelete() && column >= schema.keyColumnCount()) {
            set[column] = true;
            values[column] = RandomCells.valueOrNull(random, definition);
            return RowErrorCode.BAD_VALUE;
        }
        if (random.nextInt(4) == 0) {
            if (column >= schema.keyColumnCount() && !(kind.mayInsert() && isNeeded(definition))) {
                return null;
            }
            set[column] = false;
            values[column] = null;
            return RowErrorCode.MISSING_VALUE;
        }
        if (column == variableKeyColumn(schema) && random.nextBoolean()) {
            values[column] = repeated(TOO_LONG_KEY_BYTES);
            return RowErrorCode.KEY_TOO_LONG;
        }
        RandomCells.Refused refused = RandomCells.refused(random, definition);
        if (refused == null) {
            return null;
        }
        set[column] = true;
        values[column] = refused.value();
        return refused.code();
    }

    /** The first column of the key that takes any number of bytes, or -1. */
    private static int variableKeyColumn(Schema schema) {
        for (int i = 0; i < schema.keyColumnCount(); i++) {
            switch (schema.column(i).type()) {
                case STRING, BINARY -> {
                    return i;
                }
                default -> {}
            }
        }
        return -1;
    }

    private static Bytes repeated(int bytes) {
        byte[] array = new byte[bytes];
        Arrays.fill(array, (byte) 'k');
        return new Bytes(array);
    }
}
