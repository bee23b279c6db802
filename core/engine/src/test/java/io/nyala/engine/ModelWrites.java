package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.record.RequestName;
import io.nyala.simulation.PowerCutException;
import io.nyala.table.TableDroppedException;
import io.nyala.tablet.BatchTooLargeException;
import io.nyala.tablet.TabletBusyException;
import io.nyala.tablet.TabletClosedException;
import io.nyala.wal.Durability;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Everything that is on its way into the tables of an engine, batches and flushes, and what a crash may still take: the
 * log as its users see it. What was acknowledged is durable, and so is all that was decided before it, in whichever
 * table; of the rest a crash leaves a beginning.
 */
final class ModelWrites {
    private final Consumer<RuntimeException> refused;
    private final LongSupplier micros;
    private final ModelRequests requests = new ModelRequests();
    private final List<ModelBatch> prepared = new ArrayList<>();
    private final List<ModelBatch> inFlight = new ArrayList<>();
    private final List<Flush> flushes = new ArrayList<>();
    private final List<ModelPart> doubtful = new ArrayList<>();
    private long durableTime;

    /**
     * @param refused hears of each batch or flush that failed, and throws if that may not be
     * @param micros the time now
     */
    ModelWrites(Consumer<RuntimeException> refused, LongSupplier micros) {
        this.refused = refused;
        this.micros = micros;
    }

    /** A flush that was asked for, of a table as it was then, and the time of its newest record. */
    private record Flush(ModelDriver driver, int changes, CompletableFuture<Void> done, long time) {}

    // ---- Batches ----

    /** Hands a batch over and does not wait for the answer. */
    void submit(
            ModelDriver driver,
            Table table,
            List<ModelOperation> operations,
            Durability durability,
            boolean isAtomic,
            @Nullable RequestName name) {
        ModelBatch batch;
        try {
            batch = new ModelBatch(driver, table, operations, durability, isAtomic, name);
        } catch (PowerCutException e) {
            throw e;
        } catch (RuntimeException e) {
            refused.accept(e);
            return;
        }
        submit(batch);
    }

    /** Fills a batch, to be handed over later. */
    void prepare(ModelDriver driver, Table table, List<ModelOperation> operations) {
        prepared.add(new ModelBatch(driver, table, operations, Durability.SYNC, false, null));
    }

    int preparedCount() {
        return prepared.size();
    }

    /** Hands a batch over that was filled before, perhaps for a table that is another one by now. */
    ModelBatch submitPrepared(int index) {
        ModelBatch batch = prepared.remove(index);
        submit(batch);
        return batch;
    }

    private void submit(ModelBatch batch) {
        try {
            batch.hand();
            assertTrue(batch.driver().takes(batch.schema()), () -> "is taken, but its table is another one: " + batch);
            inFlight.add(batch);
        } catch (PowerCutException e) {
            throw e; // The batch is lost with its engine.
        } catch (TableChangedException | TableDroppedException e) {
            batch.close();
            assertTrue(!batch.driver().takes(batch.schema()), () -> "refused with " + e + ": " + batch);
        } catch (RuntimeException e) {
            batch.close();
            refused.accept(e);
        }
    }

    /** A name for the next batch of a table. */
    RequestName name(SplittableRandom random, ModelDriver driver) {
        return requests.next(random, driver, inFlightCount(driver) == 0);
    }

    /** Something of a table that was answered under a name, to be asked again; null if there is nothing. */
    ModelRequests.@Nullable Repetition repetition(SplittableRandom random, ModelDriver driver) {
        return requests.repetition(random, driver, micros.getAsLong());
    }

    int inFlightCount() {
        return inFlight.size();
    }

    int inFlightCount(ModelDriver driver) {
        return (int) inFlight.stream().filter(batch -> batch.driver() == driver).count();
    }

    /** Takes everything that can be seen, and all answers that have come. */
    void settle() {
        settleBatches();
        for (Flush flush : List.copyOf(flushes)) {
            if (flush.done().isDone()) {
                flushes.remove(flush);
                flushed(flush);
            }
        }
    }

    /** As {@link #settle}, but for flushes: when it is not known yet that their table is another one. */
    void settleBatches() {
        for (ModelBatch batch : inFlight) {
            for (ModelPart part : batch.parts()) {
                if (!part.isTaken() && part.failure() == null && part.isVisible()) {
                    take(batch, part);
                }
            }
        }
        for (ModelBatch batch : List.copyOf(inFlight)) {
            if (batch.isAnswered()) {
                inFlight.remove(batch);
                answered(batch);
                batch.close();
            }
        }
    }

    private void take(ModelBatch batch, ModelPart part) {
        boolean isChange = batch.driver().take(part);
        if (batch.durability() == Durability.SYNC) {
            durableUpTo(part.tablet().recordTime()); // Its own record, or those that its answer rests on.
        } else if (isChange) {
            doubtful.add(part);
        }
    }

    private void answered(ModelBatch batch) {
        RuntimeException failure = batch.failure();
        if (failure == null) {
            batch.checkAnswer();
            batch.remember(requests, micros.getAsLong());
            return;
        }
        for (ModelPart part : batch.parts()) {
            if (part.failure() != null && part.decided() != null) {
                doubtful.add(part);
            }
        }
        if (failure instanceof PartialCommitException partial) {
            batch.check(partial);
            failure = (RuntimeException) Objects.requireNonNull(partial.getCause());
        }
        boolean isTooLarge = failure instanceof BatchTooLargeException && batch.isLarge();
        boolean isOfGone = batch.parts().stream()
                .noneMatch(part -> part.failure() != null && batch.driver().has(part));
        if (!isTooLarge && !(isOfGone && isEndOfTablet(failure))) {
            refused.accept(failure);
        }
    }

    // ---- Flushes ----

    CompletableFuture<Void> flush(ModelDriver driver, Table table) {
        driver.touched();
        var flush = new Flush(driver, driver.changeCount(), table.flush(), driver.recordTime());
        flushes.add(flush);
        return flush.done();
    }

    int flushCount() {
        return flushes.size();
    }

    private void flushed(Flush flush) {
        if (!flush.done().isCompletedExceptionally()) {
            durableUpTo(flush.time());
            return;
        }
        RuntimeException failure = failure(flush.done());
        boolean isOfAnother = flush.driver().changeCount() != flush.changes();
        if (!(isOfAnother && isEndOfTablet(failure))) {
            refused.accept(failure);
        }
    }

    /** Whether it says that there will be no more of a tablet, nor memory for it. */
    private static boolean isEndOfTablet(RuntimeException failure) {
        return failure instanceof TabletClosedException
                || failure instanceof TableDroppedException
                || (failure instanceof TabletBusyException && failure.getCause() instanceof TableDroppedException);
    }

    /** Why a tablet did not take its part of a batch. */
    static RuntimeException failureOfTablet(CompletableFuture<CommitResult> failed) {
        RuntimeException failure = failure(failed);
        return failure instanceof PartialCommitException
                ? (RuntimeException) Objects.requireNonNull(failure.getCause())
                : failure;
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

    // ---- Crashes ----

    /** Everything that was decided up to a time is durable. */
    void durableUpTo(long time) {
        durableTime = Math.max(durableTime, time);
        doubtful.removeIf(part -> part.isTaken() && part.time() <= durableTime);
    }

    /** The engine is gone, and with it the batches on their way: what was decided of them may be found or not. */
    void engineDied() {
        settle();
        for (ModelBatch batch : inFlight) {
            for (ModelPart part : batch.parts()) {
                if (!part.isTaken() && part.decided() != null) {
                    doubtful.add(part);
                }
            }
        }
        inFlight.clear();
        flushes.clear();
        prepared.clear();
    }

    /**
     * Finds out what a crash has left of the tables, of a dropped one when it is recalled. What an engine finds is
     * durable once it is open.
     *
     * @param wasPowerCut if not, only the process ended: what was answered had been written, so it is there
     */
    void recover(Engine engine, Collection<ModelDriver> tables, boolean wasPowerCut) {
        long certainTime = durableTime;
        List<ModelPart> found = new ArrayList<>();
        for (ModelDriver table : tables) {
            table.touched();
            table.tablets().forEach(ModelTablet::engineEnded);
            List<ModelPart> parts = doubtful.stream().filter(table::has).toList();
            for (ModelPart part : parts) {
                certainTime = part.isTaken() && !wasPowerCut ? Math.max(certainTime, part.time()) : certainTime;
            }
            if (!table.isDropped()) {
                found.addAll(parts);
            }
        }
        new ModelRecovery(engine, tables).recover(found, certainTime);
        tables.stream()
                .filter(ModelDriver::isDropped)
                .forEach(table -> doubtful.stream().filter(table::has).forEach(table.unsure()::add));
        doubtful.clear(); // Others were of tablets that are gone.
    }

    /** Finds out what was left of a table that can be read again. */
    static void recover(Engine engine, ModelDriver recalled) {
        new ModelRecovery(engine, List.of(recalled)).recover(List.copyOf(recalled.unsure()), 0);
        recalled.unsure().clear();
    }

    /** Gives back what would not outlive the engine. */
    void closePrepared() {
        prepared.forEach(ModelBatch::close);
        prepared.clear();
    }
}
