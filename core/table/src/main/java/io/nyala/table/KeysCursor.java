package io.nyala.table;

import io.nyala.memory.MemoryAccount;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletLookup;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A scan whose conditions name all keys that a row may have: these are looked up, in the place of reading what lies
 * between them. All its conditions are asked of the rows that are found.
 *
 * <p>One thread. It holds no rowset between two calls, so whoever opened it holds the history of its snapshot.
 */
final class KeysCursor implements RowCursor {
    /** More keys are not looked up: the rows around them are likely to be wanted, too. */
    static final int KEYS_MAX = 128;

    private final OperationBatch keys;
    private final TabletLookup lookup;
    private final long snapshot;
    private final int[] keyOfRow;
    private boolean isDone;

    private KeysCursor(Tablet tablet, ScanSpec spec, List<List<CellValue>> cells, MemoryAccount account) {
        Schema schema = spec.schema();
        List<Column> columns = schema.columns().subList(0, schema.keyColumnCount()).stream()
                .map(KeysCursor::uncut)
                .toList();
        var keySchema = new Schema(schema.version(), schema.nextColumnId(), columns);
        this.snapshot = spec.snapshot();
        this.keys = new OperationBatch(new RowLayout(keySchema), account);
        try {
            cells.forEach(this::add);
            this.keyOfRow = new int[keys.acceptedCount()];
            this.lookup = new TabletLookup(tablet, spec, account); // Takes nothing yet.
        } catch (RuntimeException | Error e) {
            keys.close();
            throw e;
        }
        lookup.begin(keys.memory(), keys.acceptedCount());
        keys.forEach((_, operation) -> {
            int keyBytes = OperationFormat.keyBytes(keys.memory(), operation);
            if (spec.keyRange()
                    .contains(keys.memory(), OperationFormat.keyOffset(keys.memory(), operation), keyBytes)) {
                lookup.add(operation);
            }
        });
        lookup.end();
    }

    /** Cut to its length, a value would name a key that is none of those wanted, or that one twice. */
    private static Column uncut(Column column) {
        return column.type() == ColumnType.VARCHAR
                ? column.withAttributes(new Column.Attributes(0, 0, Limits.VARCHAR_CHARS_MAX))
                : column;
    }

    /** What cannot be a key is left out: no row has it. */
    private void add(List<CellValue> key) {
        keys.start(OperationKind.DELETE); // Which has a key and nothing else.
        for (int column = 0; column < key.size(); column++) {
            CellValue cell = key.get(column);
            if (keys.layout().isVariable(column)) {
                keys.setBytes(column, cell.segment(), 0, cell.bytes());
            } else {
                keys.setCell(column, cell.segment(), 0);
            }
        }
        keys.end();
    }

    /**
     * Opens it; null if the rows have to be scanned.
     *
     * @param account pays for the keys, and for a row
     */
    static @Nullable KeysCursor open(Tablet tablet, ScanSpec spec, MemoryAccount account) {
        List<List<CellValue>> cells = keys(spec);
        return cells == null ? null : new KeysCursor(tablet, spec, cells, account);
    }

    /**
     * The cells of all keys that the predicates leave; null if they leave others, or too many, or more is wanted of the
     * rows than what they are.
     */
    static @Nullable List<List<CellValue>> keys(ScanSpec spec) {
        if (spec.isOfChanges() || spec.keyOrder()) {
            return null;
        }
        List<List<CellValue>> keys = List.of(List.of());
        for (int column = 0; column < spec.schema().keyColumnCount(); column++) {
            List<CellValue> values = values(spec, column);
            if (values == null || (long) keys.size() * values.size() > KEYS_MAX) {
                return null;
            }
            List<List<CellValue>> longer = new ArrayList<>();
            for (List<CellValue> key : keys) {
                for (CellValue value : values) {
                    List<CellValue> cells = new ArrayList<>(key);
                    cells.add(value);
                    longer.add(cells);
                }
            }
            keys = longer;
        }
        return keys;
    }

    /** Those that a column of the key may have, by the shortest list of them; null if none is given. */
    private static @Nullable List<CellValue> values(ScanSpec spec, int column) {
        List<CellValue> shortest = null;
        for (Predicate predicate : spec.predicates()) {
            List<CellValue> values =
                    switch (predicate) {
                        case Predicate.Equal equal -> List.of(equal.value());
                        case Predicate.InList list -> list.values();
                        case Predicate.Range _, Predicate.IsNull _, Predicate.IsNotNull _, Predicate.InBloomFilters _ ->
                            null;
                    };
            if (predicate.column() == column
                    && values != null
                    && (shortest == null || values.size() < shortest.size())) {
                shortest = values;
            }
        }
        return shortest;
    }

    @Override
    public boolean next(ColumnBatch target) {
        target.clear();
        if (isDone) {
            return false;
        }
        isDone = lookup.next(snapshot, target, keyOfRow);
        return true;
    }

    @Override
    public void close() {
        lookup.close();
        keys.close();
    }
}
