package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.simulation.PowerCutException;
import io.nyala.tablet.BatchTooLargeException;
import io.nyala.wal.Durability;
import io.nyala.wal.LogStoppedException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * A table in a {@link ModelRun}: the batches that are on their way to it, and those that were answered but that a crash
 * may still take.
 */
final class TableRun {
    /** With a cell longer than this, or more operations than this, a batch may be too large for a small log. */
    private static final int LARGE_CELL_BYTES = 4096;

    private static final int LARGE_OPERATIONS = 200;

    private final ModelDriver driver;
    private final LongConsumer durable;
    private final Consumer<RuntimeException> refused;
    private final List<InFlight> inFlight = new ArrayList<>();
    private final List<ModelRecovery.Doubtful> doubtful = new ArrayList<>();
    private long durableTime;
    private long recordTime;

    /**
     * @param durable hears up to which time the whole log is durable
     * @param refused hears of each batch that was not taken, and throws if that may not be
     */
    TableRun(ModelDriver driver, LongConsumer durable, Consumer<RuntimeException> refused) {
        this.driver = driver;
        this.durable = durable;
        this.refused = refused;
    }

    private record InFlight(
            WriteBatch batch,
            List<ModelOperation> operations,
            Durability durability,
            CompletableFuture<CommitResult> result) {}

    ModelDriver driver() {
        return driver;
    }

    /** Time of the newest answered batch that has a log record: a flush makes the log durable up to there. */
    long recordTime() {
        return recordTime;
    }

    int inFlightCount() {
        return inFlight.size();
    }

    /** Hands a batch over and does not wait for the answer. */
    void submit(Table table, List<ModelOperation> operations, Durability durability) {
        WriteBatch batch = table.newBatch().durability(durability);
        try {
            ModelDriver.fill(batch.rows(), operations);
            inFlight.add(new InFlight(batch, operations, durability, batch.commitAsync()));
        } catch (PowerCutException e) {
            throw e; // The batch is lost with its engine.
        } catch (RuntimeException e) {
            batch.close();
            refused.accept(e);
        }
    }

    /** Takes the answers that have come; they come in the order in which the batches were handed over. */
    void settle() {
        boolean isAnswered = true;
        for (Iterator<InFlight> each = inFlight.iterator(); each.hasNext(); ) {
            InFlight next = each.next();
            if (!next.result().isDone()) {
                isAnswered = false;
                continue;
            }
            if (next.result().isCompletedExceptionally()) {
                failed(next);
            } else {
                assertTrue(isAnswered, "a batch was answered before one that was handed over earlier");
                answered(next, next.result().join());
            }
            next.batch().close();
            each.remove();
        }
    }

    private void answered(InFlight batch, CommitResult result) {
        boolean isChange = driver.acknowledged(result, batch.operations());
        recordTime = isChange ? result.timestamp() : recordTime;
        if (batch.durability() == Durability.WRITTEN) {
            doubtful.add(new ModelRecovery.Doubtful(batch.operations(), result));
            return;
        }
        durableTime = result.timestamp();
        if (isChange) {
            durable.accept(result.timestamp()); // With a record of its own, before which the log has no hole.
        }
    }

    private void failed(InFlight batch) {
        RuntimeException failure = failure(batch.result());
        if (failure instanceof LogStoppedException || failure instanceof PowerCutException) {
            doubtful.add(new ModelRecovery.Doubtful(batch.operations(), null));
        }
        boolean isTooLarge = failure instanceof BatchTooLargeException && isLarge(batch.operations());
        if (!isTooLarge) {
            refused.accept(failure);
        }
    }

    static RuntimeException failure(CompletableFuture<?> failed) {
        try {
            failed.join();
        } catch (CompletionException e) {
            if (Objects.requireNonNull(e.getCause()) instanceof RuntimeException cause) {
                return cause;
            }
            throw e;
        }
        throw new AssertionError("it has not failed");
    }

    private static boolean isLarge(List<ModelOperation> operations) {
        return operations.size() > LARGE_OPERATIONS
                || operations.stream()
                        .anyMatch(operation -> operation.values().stream()
                                .anyMatch(value -> value instanceof io.nyala.simulation.Bytes bytes
                                        && bytes.array().length > LARGE_CELL_BYTES));
    }

    /** The engine is gone, and with it the batches on their way: they may have happened or not. */
    void engineDied() {
        inFlight.forEach(batch -> doubtful.add(new ModelRecovery.Doubtful(batch.operations(), null)));
        inFlight.clear();
    }

    /** Finds out what a crash has left, given that everything up to a time had to survive it. */
    ModelRecovery.Found recover(Table table, long logDurableTime) {
        ModelRecovery.Found found =
                new ModelRecovery(driver, table).settle(doubtful, Math.max(durableTime, logDurableTime));
        allIsDurable(table);
        return found;
    }

    /** What an engine finds when it opens is durable when it is open. */
    void allIsDurable(Table table) {
        doubtful.clear();
        recordTime = 0;
        durableTime = table.latest();
    }
}
