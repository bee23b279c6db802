package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.RowErrorCode;
import io.nyala.simulation.RowKey;
import io.nyala.simulation.TableModel;
import io.nyala.time.HybridTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One tablet of a table as its model sees it: rows with all their states. It takes its part of a batch as a whole, at
 * one time, and one part after the other.
 */
final class ModelTablet {
    private final long id;
    private final ModelLayout.Range range;
    private TableModel<RowKey> rows = new TableModel<>();
    private long newestTime;
    private long recordTime;
    private long changeTime;

    /** @param range that all its rows are in */
    ModelTablet(long id, ModelLayout.Range range) {
        this.id = id;
        this.range = range;
    }

    long id() {
        return id;
    }

    ModelLayout.Range range() {
        return range;
    }

    /** Its rows; the same object until the columns change. */
    TableModel<RowKey> rows() {
        return rows;
    }

    /** Time of the newest part that was answered. */
    long newestTime() {
        return newestTime;
    }

    /** Time of the newest part that has a record in the log, since the engine was opened; 0 for none. */
    long recordTime() {
        return recordTime;
    }

    /** As {@link #recordTime}, of those that changed something. */
    long changeTime() {
        return changeTime;
    }

    /**
     * Takes a part that is to be seen, and holds against it what the tablet said. Answers whether it has a record in
     * the log: if it changed anything, or has a name.
     *
     * @param promisedTime up to which everything was read, so that nothing may change there any more
     */
    boolean take(ModelPart.Decided part, boolean isNamed, long promisedTime) {
        long time = part.time();
        assertTrue(
                time > promisedTime,
                () -> "committed at " + HybridTime.format(time) + ", but " + HybridTime.format(promisedTime)
                        + " was read before");
        assertTrue(time > newestTime, () -> "committed at " + time + " after " + newestTime);
        boolean isChange = apply(part);
        newestTime = time;
        changeTime = isChange ? time : changeTime;
        recordTime = isChange || isNamed ? time : recordTime;
        return isChange || isNamed;
    }

    /** Does what the tablet did, and holds against it what it said. Answers whether anything changed. */
    boolean apply(ModelPart.Decided part) {
        Map<Integer, RowErrorCode> expected = new HashMap<>();
        boolean isChange = false;
        for (Map.Entry<Integer, ModelOperation> each : part.operations().entrySet()) {
            RowKey key = each.getValue().key(part.schema());
            List<@Nullable Object> before = rows.newest(key);
            RowErrorCode error = each.getValue().apply(rows, part.schema(), part.time());
            isChange |= !isSame(before, rows.newest(key));
            if (error != null) {
                expected.put(each.getKey(), error);
            }
        }
        if (part.isAtomic() && !expected.isEmpty()) {
            rows.cutAfter(part.time() - 1);
            isChange = false;
            part.operations().keySet().forEach(index -> expected.putIfAbsent(index, RowErrorCode.ROLLED_BACK));
        }
        part.operations().forEach((index, operation) -> {
            RowErrorCode code = part.errors().get(index);
            assertEquals(expected.get(index), code, () -> "operation " + index + ", " + operation);
        });
        return isChange;
    }

    /** Whether it is the same object, not only equal: a change to the same values has a record too. */
    @SuppressWarnings("ReferenceEquality")
    private static boolean isSame(@Nullable Object before, @Nullable Object after) {
        return before == after;
    }

    /** Columns come and go. Scans that are open see the rows as they were. */
    void changeRows(UnaryOperator<List<@Nullable Object>> change, UnaryOperator<boolean[]> columns) {
        rows = rows.withRows(change, columns);
    }

    /** Its engine has ended: what is found by another one is durable. */
    void engineEnded() {
        recordTime = 0;
        changeTime = 0;
    }

    /** A crash has taken everything behind a time. */
    void cutAfter(long time) {
        rows.cutAfter(time);
        newestTime = Math.min(newestTime, time);
    }
}
