package io.nyala.engine;

import io.nyala.rows.RowError;
import java.util.List;

/**
 * What became of a batch. Operations without an error took effect, durably.
 *
 * @param timestamp hybrid time at which they did; a read at it sees them
 * @param operationCount operations in the batch
 * @param errors the operations that were refused, by index
 */
public record CommitResult(long timestamp, int operationCount, List<RowError> errors) {
    public CommitResult {
        errors = errors instanceof RowErrors ? errors : List.copyOf(errors); // Those are immutable, too.
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
