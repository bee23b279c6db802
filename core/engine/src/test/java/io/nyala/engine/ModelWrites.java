package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.compaction.MergePolicy;
import io.nyala.engine.ModelTally.Kind;
import io.nyala.memory.MemoryLimitException;
import io.nyala.record.StaleRequestException;
import io.nyala.simulation.PowerCutException;
import io.nyala.table.HostedTablet;
import io.nyala.table.TableDroppedException;
import io.nyala.tablet.BatchTooLargeException;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletBusyException;
import io.nyala.tablet.TabletClosedException;
import io.nyala.tablet.TabletView;
import io.nyala.wal.Durability;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Everything that is on its way into the tables of an engine, batches and flushes, and what a crash may still take: the
 * log as its users see it. What was acknowledged is durable, and so is all that was decided before it, in whichever
 * table; of the rest a crash leaves a beginning.
 */
final class ModelWrites {
    private final Consumer<RuntimeException> refused;
    private final ModelRequests requests = new ModelRequests();
    private final List<ModelBatch> prepared = new ArrayList<>();
    private final List<ModelBatch> inFlight = new ArrayList<>();
    private final List<Flush> flushes = new ArrayList<>();
    private final List<Merge> merges = new ArrayList<>();
    private final ModelTally tally;
    private final List<ModelPart> doubtful = new ArrayList<>();
    private boolean isHandingOver;
    private long durableTime;

    /**
     * @param refused hears of each batch or flush that failed, and throws if that may not be
     * @param tally counts what came about
     */
    ModelWrites(Consumer<RuntimeException> refused, ModelTally tally) {
        this.refused = refused;
        this.tally = tally;
    }

    /** A flush that was asked for, of a table as it was then, and the time of its newest record. */
    private record Flush(ModelDriver driver, int changes, CompletableFuture<Void> done, long time) {}

    /** A merge that was asked for; false if it was not to be. */
    private record Merge(CompletableFuture<Boolean> done, Kind kind) {}

    // ---- Batches ----

    /** Hands a batch over and does not wait for the answer. */
    void submit(
            ModelDriver driver,
            Table table,
            List<ModelOperation> operations,
            Durability durability,
            boolean isAtomic,
            ModelRequests.@Nullable Request request) {
        ModelBatch batch;
        try {
            batch = new ModelBatch(driver, table, operations, durability, isAtomic, request);
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
            isHandingOver = true;
            try {
                batch.hand();
            } finally {
                isHandingOver = false;
            }
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

    /**
     * Whether a batch is on its way to its tablets, and maybe waits there: some may have decided already, at a time
     * before that of others which are handed over meanwhile.
     */
    boolean isHandingOver() {
        return isHandingOver;
    }

    /** Gives a name to what the next batch of a table is to do. */
    ModelRequests.Request name(
            SplittableRandom random, ModelDriver driver, List<ModelOperation> operations, boolean isAtomic) {
        return requests.next(random, driver, operations, isAtomic, inFlightCount(driver) == 0);
    }

    /** A request that was made of a table before, and can be made again; null if there is none. */
    ModelRequests.@Nullable Request anyRequest(SplittableRandom random, ModelDriver driver) {
        return requests.any(random, driver);
    }

    /** So much time has passed that clients which were not heard of meanwhile may be forgotten. */
    void longTimePassed() {
        settle();
        requests.longTimePassed();
        inFlight.forEach(batch -> batch.parts().forEach(ModelPart::forgettable));
        doubtful.forEach(ModelPart::forgettable);
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
        for (Merge merge : List.copyOf(merges)) {
            if (merge.done().isDone()) {
                merges.remove(merge);
                merged(merge);
            }
        }
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
                if (!part.isTaken() && part.failure() == null && part.isVisible() && !part.isRepeated()) {
                    take(batch, part);
                }
            }
        }
        for (ModelBatch batch : List.copyOf(inFlight)) {
            if (batch.isAnswered()) {
                inFlight.remove(batch);
                batch.parts().stream()
                        .filter(part -> !part.isTaken() && part.failure() == null && part.decided() != null)
                        .filter(ModelPart::isRepeated)
                        .forEach(part -> takeRepeated(batch, part));
                answered(batch);
                batch.close();
            }
        }
    }

    private void take(ModelBatch batch, ModelPart part) {
        boolean hasRecord = batch.driver().take(part);
        if (part.request() != null) {
            part.request().taken(part);
        }
        if (batch.durability() == Durability.SYNC) {
            durableUpTo(part.tablet().recordTime()); // Its own record, or those that its answer rests on.
        } else if (hasRecord) {
            doubtful.add(part);
        }
    }

    /** A request that was made before has its answer. */
    private void takeRepeated(ModelBatch batch, ModelPart part) {
        batch.driver().touched();
        part.taken();
        Objects.requireNonNull(part.request()).repeated(part);
        if (batch.durability() == Durability.SYNC) {
            durableUpTo(part.time());
        }
    }

    /** It is not known whether the part will be found by the next engine. */
    private void doubt(ModelPart part) {
        if (part.decided() != null && !part.isRepeated() && doubtful.stream().noneMatch(part::isSame)) {
            doubtful.add(part);
        }
    }

    private void answered(ModelBatch batch) {
        RuntimeException failure = batch.failure();
        if (failure == null) {
            batch.checkAnswer();
            return;
        }
        for (ModelPart part : batch.parts()) {
            if (part.failure() != null) {
                doubt(part);
            }
        }
        if (failure instanceof PartialCommitException partial) {
            batch.check(partial);
            failure = (RuntimeException) Objects.requireNonNull(partial.getCause());
        }
        boolean isTooLarge = failure instanceof BatchTooLargeException && batch.isLarge();
        boolean isOfGone = batch.parts().stream()
                .noneMatch(part -> part.failure() != null && batch.driver().has(part));
        boolean isStale = failure instanceof StaleRequestException && batch.mayBeStale();
        if (!isTooLarge && !isStale && !(isOfGone && isEndOfTablet(failure))) {
            refused.accept(failure);
        }
    }

    // ---- Flushes ----

    CompletableFuture<Void> flush(ModelDriver driver, Table table) {
        driver.touched();
        var flush = new Flush(driver, driver.changeCount(), table.flush(), driver.changeTime());
        flushes.add(flush);
        return flush.done();
    }

    int flushCount() {
        return flushes.size() + merges.size();
    }

    /** Of one of the table's tablets some rowsets, or all; or what the policy chooses of all tablets. */
    CompletableFuture<Boolean> merge(SplittableRandom random, Engine engine, Table table) {
        if (random.nextInt(4) == 0) {
            CompletableFuture<Boolean> compaction = table.compact().thenApply(_ -> false);
            merges.add(new Merge(compaction, Kind.MERGE));
            return compaction;
        }
        List<HostedTablet> tablets = table.state().tablets();
        if (tablets.isEmpty()) { // There is no range.
            return CompletableFuture.completedFuture(false);
        }
        Tablet tablet = tablets.get(random.nextInt(tablets.size())).tablet();
        boolean isAll = random.nextBoolean();
        List<Long> chosen = new ArrayList<>();
        for (RowSetEntry rowSet : TabletView.rowSets(tablet)) {
            if (isAll || random.nextBoolean()) {
                chosen.add(rowSet.fileId());
            }
        }
        CompletableFuture<Boolean> merge = engine.maintenance().merge(tablet, chosen);
        merges.add(new Merge(merge, Kind.MERGE));
        return merge;
    }

    /** Of the table's rowset that has most delta files some that lie one behind another, if it has several. */
    void mergeDeltas(SplittableRandom random, Engine engine, Table table) {
        Tablet tablet = null;
        RowSetEntry most = null;
        for (HostedTablet hosted : table.state().tablets()) {
            for (RowSetEntry rowSet : TabletView.rowSets(hosted.tablet())) {
                if (most == null || rowSet.deltas().size() > most.deltas().size()) {
                    tablet = hosted.tablet();
                    most = rowSet;
                }
            }
        }
        if (tablet == null || most == null || most.deltas().size() < 2) {
            return;
        }
        int from = random.nextInt(most.deltas().size() - 1);
        int to = random.nextInt(from + 2, most.deltas().size() + 1);
        List<Long> files = most.deltas().subList(from, to).stream()
                .map(DeltaFileEntry::fileId)
                .toList();
        var choice = new MergePolicy.Choice(List.of(most.fileId()), files, 1, 1, "asked for");
        merges.add(new Merge(engine.maintenance().merge(tablet, choice), Kind.DELTA_MERGE));
    }

    /** Gives up what was before, in all tablets of a table. */
    CompletableFuture<Boolean> vacuum(Table table) {
        CompletableFuture<Boolean> vacuum = table.vacuum().thenApply(_ -> true);
        merges.add(new Merge(vacuum, Kind.VACUUM));
        return vacuum;
    }

    /** One that fails leaves everything as it was, so there need not be memory for it. */
    private void merged(Merge merge) {
        if (!merge.done().isCompletedExceptionally()) {
            if (merge.done().join()) {
                tally.count(merge.kind());
            }
            return;
        }
        RuntimeException failure = failure(merge.done());
        if (!isEndOfTablet(failure) && !(failure instanceof MemoryLimitException)) {
            refused.accept(failure);
        }
    }

    private void flushed(Flush flush) {
        if (!flush.done().isCompletedExceptionally()) {
            tally.count(Kind.FLUSH);
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

    /** All rows of a table went to disk before it got other columns. Requests that changed none need not have. */
    void columnsChanged(ModelDriver driver) {
        durableUpTo(driver.changeTime());
        List<ModelPart> unchanging = doubtful.stream().filter(driver::has).toList();
        unchanging.forEach(part -> Objects.requireNonNull(part.request()).recovered(part, false));
        doubtful.removeAll(unchanging);
    }

    /** The engine is gone, and with it the batches on their way: what was decided of them may be found or not. */
    void engineDied() {
        settle();
        for (ModelBatch batch : inFlight) {
            for (ModelPart part : batch.parts()) {
                if (!part.isTaken()) {
                    doubt(part);
                }
            }
        }
        inFlight.clear();
        flushes.clear();
        merges.clear();
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
        recovered(found, new ModelRecovery(engine, tables).recover(found, certainTime));
        tables.stream()
                .filter(ModelDriver::isDropped)
                .forEach(table -> doubtful.stream().filter(table::has).forEach(table.unsure()::add));
        doubtful.clear(); // Others were of tablets that are gone.
    }

    /** Finds out what was left of a table that can be read again. */
    static void recover(Engine engine, ModelDriver recalled) {
        List<ModelPart> unsure = List.copyOf(recalled.unsure());
        recovered(unsure, new ModelRecovery(engine, List.of(recalled)).recover(unsure, 0));
        recalled.unsure().clear();
    }

    /** What was answered of what was in doubt stands or falls with it. */
    private static void recovered(List<ModelPart> doubtful, ModelRecovery.Cut cut) {
        for (ModelPart part : doubtful) {
            ModelRequests.Request request = part.request();
            if (request != null && part.time() <= cut.latest()) {
                request.recovered(part, part.time() <= cut.earliest());
            } else if (request != null) {
                request.lost(part);
            }
        }
    }

    /** Gives back what would not outlive the engine. */
    void closePrepared() {
        prepared.forEach(ModelBatch::close);
        prepared.clear();
    }
}
