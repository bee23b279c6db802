package io.nyala.engine;

import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.RowError;
import io.nyala.table.BatchParts;
import java.util.Arrays;
import java.util.List;

/**
 * Some tablets took their part of a batch, and others did not: {@link #outcome} says what became of each operation.
 * What is {@link Outcome#DONE} is durable; what is not can be tried again, by itself, since the same insert a second
 * time would be an error for rows that are there.
 */
public final class PartialCommitException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient CommitResult result;
    private final transient Outcome[] outcomes;

    /** What became of one operation. */
    public enum Outcome {
        /** It took effect, durably, or needed none. */
        DONE,
        /** It was refused, for a reason that {@link #result} names. */
        REFUSED,
        /** It had no effect, and never will. */
        NOTHING_HAPPENED,
        /** It may be found at the next open, or not: its log failed on the way. */
        UNKNOWN
    }

    private PartialCommitException(CommitResult result, Outcome[] outcomes, RuntimeException cause) {
        super(message(outcomes, cause), cause);
        this.result = result;
        this.outcomes = outcomes;
    }

    /** Why a batch failed that has a failure: what its parts say if that is the same of all, or what became of each. */
    static RuntimeException failure(OperationBatch rows, BatchParts parts, RuntimeException first) {
        for (int i = 1; i < parts.partCount(); i++) {
            if (outcome(parts.part(i)) != outcome(parts.part(0))) {
                return of(rows, parts, first);
            }
        }
        return first;
    }

    private static Outcome outcome(BatchParts.Part part) {
        if (part.failure() == null) {
            return Outcome.DONE;
        }
        return part.write().isDecided() ? Outcome.UNKNOWN : Outcome.NOTHING_HAPPENED;
    }

    private static PartialCommitException of(OperationBatch rows, BatchParts parts, RuntimeException cause) {
        var errors = List.<RowError>copyOf(new RowErrors(rows, parts));
        var outcomes = new Outcome[rows.operationCount()];
        Arrays.fill(outcomes, Outcome.DONE);
        for (int i = 0; i < parts.partCount(); i++) {
            BatchParts.Part part = parts.part(i);
            for (int k = 0; k < part.write().operationCount(); k++) {
                long operation = part.write().operationOffset(k);
                outcomes[OperationFormat.operationIndex(rows.memory(), operation)] = outcome(part);
            }
        }
        for (RowError error : errors) {
            outcomes[error.operationIndex()] = Outcome.REFUSED;
        }
        var result = CommitResult.of(parts.timestamp(), rows, parts, errors);
        return new PartialCommitException(result, outcomes, cause);
    }

    private static String message(Outcome[] outcomes, RuntimeException cause) {
        return "%,d operations: %,d are done, %,d were refused, of %,d nothing happened, of %,d it is not known; ask"
                        .formatted(
                                outcomes.length,
                                count(outcomes, Outcome.DONE),
                                count(outcomes, Outcome.REFUSED),
                                count(outcomes, Outcome.NOTHING_HAPPENED),
                                count(outcomes, Outcome.UNKNOWN))
                + " outcome() for each. The first failure: " + cause.getMessage();
    }

    private static long count(Outcome[] outcomes, Outcome wanted) {
        return Arrays.stream(outcomes).filter(outcome -> outcome == wanted).count();
    }

    /** What became of one operation of the batch, counted as they were started. */
    public Outcome outcome(int operationIndex) {
        return outcomes[operationIndex];
    }

    public int operationCount() {
        return outcomes.length;
    }

    /** How many operations had that outcome. */
    public long count(Outcome outcome) {
        return count(outcomes, outcome);
    }

    /** What the tablets said that took their part: the time, and the operations that they refused. */
    public CommitResult result() {
        return result;
    }
}
