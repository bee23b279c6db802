package io.nyala.engine;

import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowError;
import io.nyala.table.BatchParts;
import io.nyala.tablet.TabletWrite;
import java.util.List;

/**
 * What became of a batch. Operations without an error took effect, durably, or were ignored.
 *
 * @param timestamp hybrid time at which they did; a read at it sees them
 * @param operationCount operations in the batch
 * @param repeatedCount of a part of a request that was answered before: how many operations the part had then, which
 *     {@code errors} are of, {@link #ALL_OPERATIONS} if they were all that were left; else {@link #NOT_REPEATED}
 * @param ignored how many operations of the {@code _IGNORE} kinds were not done, or not wholly
 * @param errors the operations that were refused, by index
 */
public record CommitResult(
        long timestamp, int operationCount, int repeatedCount, Ignored ignored, List<RowError> errors) {
    /** Nobody has cut the batch otherwise than it is. */
    public static final int NOT_REPEATED = -1;

    public static final int ALL_OPERATIONS = TabletWrite.ALL_OPERATIONS;

    static CommitResult of(long timestamp, OperationBatch rows, BatchParts parts, List<RowError> errors) {
        TabletWrite repeated = parts.repeatedPart();
        return new CommitResult(
                timestamp,
                rows.operationCount(),
                repeated == null ? NOT_REPEATED : repeated.answeredCount(),
                Ignored.of(parts),
                errors);
    }

    public CommitResult {
        errors = errors instanceof RowErrors ? errors : List.copyOf(errors); // Those are immutable, too.
    }

    /**
     * How many operations of each {@code _IGNORE} kind would be errors if they were of the plain one.
     *
     * @param inserts whose row was there already; not done
     * @param upserts of a row that was there, which set immutable columns; done, but for those
     * @param updates whose row was not there, which are not done; and {@code updatesInPart}
     * @param deletes whose row was not there; not done
     * @param updatesInPart that set immutable columns; done, but for those
     */
    public record Ignored(int inserts, int upserts, int updates, int deletes, int updatesInPart) {
        public static final Ignored NONE = new Ignored(0, 0, 0, 0, 0);

        static Ignored of(BatchParts parts) {
            int inserts = parts.ignoredCount(OperationKind.INSERT_IGNORE);
            int upserts = parts.ignoredCount(OperationKind.UPSERT_IGNORE);
            int updates = parts.ignoredCount(OperationKind.UPDATE_IGNORE);
            int deletes = parts.ignoredCount(OperationKind.DELETE_IGNORE);
            return (inserts | upserts | updates | deletes) == 0
                    ? NONE
                    : new Ignored(inserts, upserts, updates, deletes, parts.updatesInPart());
        }
    }

    public boolean hasErrors() {
        return !errors.isEmpty();
    }

    /** This result if nothing was refused; otherwise an exception that names the first errors. */
    public CommitResult orThrow() {
        if (hasErrors()) {
            throw new RowErrorsException(this);
        }
        return this;
    }
}
