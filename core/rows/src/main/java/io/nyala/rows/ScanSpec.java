package io.nyala.rows;

import io.nyala.memory.Check;
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
 */
@SuppressWarnings("ArrayRecordComponent") // Keys are bytes everywhere; nobody compares specifications.
public record ScanSpec(
        Schema schema,
        List<Integer> projection,
        List<Predicate> predicates,
        byte @Nullable [] lowerKey,
        byte @Nullable [] upperKey,
        long snapshot,
        boolean keyOrder) {
    public ScanSpec {
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
                false);
    }

    public ScanSpec withProjection(List<Integer> columns) {
        return new ScanSpec(schema, columns, predicates, lowerKey, upperKey, snapshot, keyOrder);
    }

    public ScanSpec withPredicates(List<Predicate> newPredicates) {
        return new ScanSpec(schema, projection, newPredicates, lowerKey, upperKey, snapshot, keyOrder);
    }

    public ScanSpec withKeys(byte @Nullable [] lower, byte @Nullable [] upper) {
        return new ScanSpec(schema, projection, predicates, lower, upper, snapshot, keyOrder);
    }

    public ScanSpec withKeyRange(KeyRange range) {
        return withKeys(range.lower(), range.upper());
    }

    public ScanSpec withSnapshot(long newSnapshot) {
        return new ScanSpec(schema, projection, predicates, lowerKey, upperKey, newSnapshot, keyOrder);
    }

    public ScanSpec withKeyOrder(boolean ordered) {
        return new ScanSpec(schema, projection, predicates, lowerKey, upperKey, snapshot, ordered);
    }

    public KeyRange keyRange() {
        return new KeyRange(lowerKey, upperKey);
    }

    public List<Column> projectedColumns() {
        return projection.stream().map(schema::column).toList();
    }

    /** A copy of {@link #projection}. */
    public int[] projectedIndexes() {
        return projection.stream().mapToInt(Integer::intValue).toArray();
    }
}
