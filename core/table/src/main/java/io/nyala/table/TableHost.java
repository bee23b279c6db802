package io.nyala.table;

import io.nyala.catalog.TableDescription;
import java.util.function.BooleanSupplier;

/** The host of a table, as far as its batches and scans need it. Thread-safe. */
public interface TableHost {
    /** Waits for a condition that tablets make true; throws what it throws. */
    void await(BooleanSupplier condition);

    /** What somebody may await has changed, and not by the work of a tablet. */
    void announce();

    /** Makes sure that nothing will ever happen at or below {@code timestamp} after a restart either. */
    void coverByLease(long timestamp);

    /**
     * The ancient history mark of a table that keeps so many seconds of history: who reads before it is refused.
     *
     * @param historySeconds {@link TableDescription#HISTORY_FOREVER} for all
     */
    long historyMark(long historySeconds);

    /** A tablet was dropped, and the last scan or batch that used it has ended: it may be taken down. Never waits. */
    void tabletIsFree();
}
