package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.simulation.RowKey;
import io.nyala.simulation.TableModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Finds out what a crash has left of a table. Of the batches that need not have survived the first few must be there,
 * each whole, and nothing of the others. The table's history then tells when each of them took effect, and the model
 * goes on from there.
 */
final class ModelRecovery {
    private final ModelDriver driver;
    private final Table table;
    private final List<TableModel<RowKey>> states = new ArrayList<>();

    ModelRecovery(ModelDriver driver, Table table) {
        this.driver = driver;
        this.table = table;
    }

    /**
     * A batch that a crash may have taken.
     *
     * @param result what was answered; null if nothing was, and then it may also be there
     */
    record Doubtful(
            List<ModelOperation> operations, @Nullable CommitResult result) {
        long timeOrMax() {
            return result == null ? Long.MAX_VALUE : result.timestamp();
        }
    }

    /**
     * What of the doubtful batches there is.
     *
     * @param newestKept time of the last one that is there, 0 if none is
     * @param oldestLost time of the first one that was answered and is not there, else {@link Long#MAX_VALUE}
     */
    record Found(long newestKept, long oldestLost) {}

    /**
     * Makes the model what the table is.
     *
     * @param doubtful in the order in which they were handed over: first those that were answered
     * @param durableUpTo everything answered up to here must be there
     */
    Found settle(List<Doubtful> doubtful, long durableUpTo) {
        long durableTime = Math.min(durableUpTo, driver.newestTime());
        TableModel<RowKey> base = driver.model().copy();
        base.cutAfter(durableTime);
        states.add(base);
        List<Doubtful> changes = new ArrayList<>();
        for (Doubtful batch : doubtful) {
            if (batch.timeOrMax() > durableTime && addState(batch)) {
                changes.add(batch);
            }
        }
        int answeredCount =
                (int) changes.stream().filter(batch -> batch.result() != null).count();
        int kept = keptAnswered(changes, answeredCount);
        long oldestLost = kept < answeredCount ? changes.get(kept).timeOrMax() : Long.MAX_VALUE;
        kept = keptCount(kept, kept < answeredCount ? kept : changes.size());
        List<Long> times = new ArrayList<>();
        for (int i = 0; i < kept; i++) {
            CommitResult result = changes.get(i).result();
            times.add(result == null ? 0 : result.timestamp());
        }
        findTimes(times, Math.min(answeredCount, kept), durableTime);
        driver.rewrite(rebuilt(changes, times), times, durableTime, table.latest());
        return new Found(times.isEmpty() ? 0 : times.getLast(), oldestLost);
    }

    /** The state after one more batch; false if that is the same as before. */
    private boolean addState(Doubtful batch) {
        TableModel<RowKey> next = states.getLast().copy();
        CommitResult result = batch.result();
        driver.apply(next, batch.operations(), result == null ? null : result.errors(), batch.timeOrMax());
        boolean isChange = !next.newest().equals(states.getLast().newest());
        if (isChange) {
            states.add(next);
        }
        return isChange;
    }

    /** How many of the batches that were answered are there: each shows at its time, or is lost with all after it. */
    private int keptAnswered(List<Doubtful> changes, int answeredCount) {
        for (int i = 0; i < answeredCount; i++) {
            long time = changes.get(i).timeOrMax();
            if (!isState(i + 1, ModelScan.all(driver, table, time))) {
                return i;
            }
        }
        return answeredCount;
    }

    /** How many of the changes are there, by the newest state. */
    private int keptCount(int atLeast, int atMost) {
        Map<RowKey, List<@Nullable Object>> found = ModelScan.all(driver, table, 0);
        for (int i = atMost; i >= atLeast; i--) {
            if (isState(i, found)) {
                return i;
            }
        }
        String what = "after a crash the newest state of " + driver.tableName() + ", with " + atLeast + " to " + atMost
                + " of the batches that it may have taken, here the most,";
        ModelDriver.assertSame(states.get(atMost).newest(), found, what);
        throw new AssertionError(what);
    }

    private boolean isState(int index, Map<RowKey, List<@Nullable Object>> found) {
        return states.get(index).newest().equals(found);
    }

    /**
     * When the batches took effect that nobody was told about: by looking at the table's past. Before and after each
     * there is the state before and after it, and nothing else.
     */
    private void findTimes(List<Long> times, int first, long durableTime) {
        long from = first == 0 ? durableTime : times.get(first - 1);
        long latest = table.latest();
        for (int i = first; i < times.size(); i++) {
            long before = from;
            long at = latest;
            while (before + 1 < at) {
                long middle = (before + at) >>> 1;
                Map<RowKey, List<@Nullable Object>> found = ModelScan.all(driver, table, middle);
                if (isState(i, found)) {
                    before = middle;
                } else {
                    at = middle;
                }
            }
            if (!isState(i + 1, ModelScan.all(driver, table, at))) {
                // One batch took back what the one before did, so the search has passed over both.
                boolean isTakenBack = isAnyState(i + 1, ModelScan.all(driver, table, at));
                assertTrue(isTakenBack, () -> "a part of a batch shows in the past of " + driver.tableName());
                driver.blur(from, latest);
            }
            times.set(i, at);
            from = Math.min(at, latest - 1);
        }
    }

    private boolean isAnyState(int first, Map<RowKey, List<@Nullable Object>> found) {
        return IntStream.range(first, states.size()).anyMatch(i -> isState(i, found));
    }

    private TableModel<RowKey> rebuilt(List<Doubtful> changes, List<Long> times) {
        TableModel<RowKey> model = states.getFirst();
        for (int i = 0; i < times.size(); i++) {
            CommitResult result = changes.get(i).result();
            driver.apply(model, changes.get(i).operations(), result == null ? null : result.errors(), times.get(i));
        }
        return model;
    }
}
