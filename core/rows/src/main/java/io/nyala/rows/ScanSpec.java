package io.nyala.rows;

import io.nyala.memory.Check;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which rows and which of their columns a scan is to yield. Immutable (the key arrays are not to be changed).
 *
 * @param schema in which the projection and the predicates name columns
 * @param projection indexes of the columns to yield, in the order in which they are to come; may be empty to count rows
 * @param predicates all of them must match; on any column, projected or not
 * @param lowerKey the least encoded key, included; null for no bound. May be the beginning of a key
 * @param upperKey the encoded key at which to end, excluded; null for no bound. May be the beginning of a key
 * @param snapshot rows as they were at this time
 * @param keyOrder whether rows must come in the order of their keys; the batches then have keys
 * @param start {@link #NO_START}, or a time since which rows have changed: then only these are yielded, in the order of
 *     their keys, and of each whether it is deleted ({@link #batchColumns}). One that is live at the snapshot is as it
 *     is then; one that is deleted is as it was just before, and so are its values that predicates test. What neither
 *     time has is not yielded
 */
@SuppressWarnings("ArrayRecordComponent") // Keys are bytes everywhere; nobody compares specifications.
public record ScanSpec(
        Schema schema,
        List<Integer> projection,
        List<Predicate> predicates,
        byte @Nullable [] lowerKey,
        byte @Nullable [] upperKey,
        long snapshot,
        boolean keyOrder,
        long start) {
    /** In the place of a {@link #start}: all rows are yielded, whenever they changed. */
    public static final long NO_START = -1;

    /**
     * A {@link #start} at which nothing has been written yet: every row that is live at the snapshot is new. No history
     * is needed for that.
     */
    public static final long BEGINNING = 0;

    /** The last column of batches of changed rows: whether a row is deleted. */
    private static final Column IS_DELETED = Column.of("is_deleted", ColumnType.BOOL);

    public ScanSpec {
        Check.that(start == NO_START || (start >= 0 && keyOrder), "changes since a time come in the order of keys");
        projection = List.copyOf(projection);
        predicates = List.copyOf(predicates);
        for (int column : projection) {
            Check.inRange("projected column", column, 0, schema.columnCount() - 1L);
        }
        for (Predicate predicate : predicates) {
            Check.inRange("column of a predicate", predicate.column(), 0, schema.columnCount() - 1L);
        }
    }

    /** Every row and every column at a snapshot, in any order. */
    public static ScanSpec all(Schema schema, long snapshot) {
        return new ScanSpec(
                schema,
                IntStream.range(0, schema.columnCount()).boxed().toList(),
                List.of(),
                null,
                null,
                snapshot,
                false,
                NO_START);
    }

    public ScanSpec withProjection(List<Integer> columns) {
        return new ScanSpec(schema, columns, predicates, lowerKey, upperKey, snapshot, keyOrder, start);
    }

    public ScanSpec withPredicates(List<Predicate> newPredicates) {
        return new ScanSpec(schema, projection, newPredicates, lowerKey, upperKey, snapshot, keyOrder, start);
    }

    public ScanSpec withKeys(byte @Nullable [] lower, byte @Nullable [] upper) {
        return new ScanSpec(schema, projection, predicates, lower, upper, snapshot, keyOrder, start);
    }

    public ScanSpec withKeyRange(KeyRange range) {
        return withKeys(range.lower(), range.upper());
    }

    public ScanSpec withSnapshot(long newSnapshot) {
        return new ScanSpec(schema, projection, predicates, lowerKey, upperKey, newSnapshot, keyOrder, start);
    }

    public ScanSpec withKeyOrder(boolean ordered) {
        return new ScanSpec(schema, projection, predicates, lowerKey, upperKey, snapshot, ordered, start);
    }

    /** Only rows that changed after a time, in the order of their keys, with whether they are deleted. */
    public ScanSpec withStart(long newStart) {
        return new ScanSpec(schema, projection, predicates, lowerKey, upperKey, snapshot, true, newStart);
    }

    /** Whether only rows that changed are yielded. */
    public boolean isOfChanges() {
        return start != NO_START;
    }

    /** Whether it looks at what rows were before the snapshot. */
    public boolean needsHistory() {
        return isOfChanges() && start != BEGINNING;
    }

    /** The least time at which it looks at a row. */
    public long oldestTime() {
        return needsHistory() ? Math.min(start, snapshot) : snapshot;
    }

    /** The same scan, of rows that have no columns but those of the key and those that it needs. */
    public ScanSpec narrowed() {
        var needed = new BitSet();
        needed.set(0, schema.keyColumnCount());
        projection.forEach(needed::set);
        predicates.forEach(predicate -> needed.set(predicate.column()));
        int[] indexes = needed.stream().toArray();
        List<Column> columns = Arrays.stream(indexes).mapToObj(schema::column).toList();
        return new ScanSpec(
                new Schema(schema.version(), schema.nextColumnId(), columns),
                projection.stream()
                        .map(column -> Arrays.binarySearch(indexes, column))
                        .toList(),
                predicates.stream()
                        .map(predicate -> predicate.of(Arrays.binarySearch(indexes, predicate.column())))
                        .toList(),
                lowerKey,
                upperKey,
                snapshot,
                keyOrder,
                start);
    }

    public KeyRange keyRange() {
        return new KeyRange(lowerKey, upperKey);
    }

    public List<Column> projectedColumns() {
        return projection.stream().map(schema::column).toList();
    }

    /** What batches have: the projected columns, and, if only changed rows come, whether they are deleted. */
    public List<Column> batchColumns() {
        List<Column> columns = new ArrayList<>(projectedColumns());
        if (isOfChanges()) {
            columns.add(IS_DELETED);
        }
        return columns;
    }

    /** A copy of {@link #projection}. */
    public int[] projectedIndexes() {
        return projection.stream().mapToInt(Integer::intValue).toArray();
    }
}
