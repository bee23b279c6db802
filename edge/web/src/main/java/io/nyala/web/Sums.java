package io.nyala.web;

import io.nyala.compaction.WritePace;
import io.nyala.engine.Table;
import io.nyala.tablet.TabletView;
import java.util.List;

/**
 * What tablets have together. Immutable.
 *
 * @param tabletCount how many they are
 * @param missingRowSets rowsets that cannot be read
 * @param failed tablets that take no writes any more
 * @param held tablets whose batches wait for memory
 * @param slowed tablets that take no more batches than merges keep up with
 * @param awaitingFlush tablets whose flush is due and has not begun
 */
record Sums(
        int tabletCount,
        long liveRows,
        long freshRows,
        long freshBytes,
        long changeBytes,
        int rowSets,
        long diskBytes,
        long deltaBytes,
        int missingRowSets,
        long undecidedBatches,
        int failed,
        int held,
        int slowed,
        int awaitingFlush) {
    private static final Sums NONE = new Sums(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    static Sums of(Table table) {
        Sums sums = NONE;
        for (TabletView view : table.views(0, Integer.MAX_VALUE)) {
            sums = sums.plus(of(view));
        }
        return sums;
    }

    static Sums of(List<Table> tables) {
        return tables.stream().map(Sums::of).reduce(NONE, Sums::plus);
    }

    private static Sums of(TabletView view) {
        return new Sums(
                1,
                view.liveRowCount(),
                view.freshRowCount(),
                view.freshBytes(),
                view.changeBytes(),
                view.rowSetCount(),
                view.diskBytes(),
                view.deltaBytes(),
                view.missing().size(),
                view.undecidedBatches(),
                view.failure().isPresent() ? 1 : 0,
                view.isHeld() ? 1 : 0,
                view.bytesPerSecondMax() == WritePace.UNLIMITED ? 0 : 1,
                view.isFlushWanted() ? 1 : 0);
    }

    Sums plus(Sums other) {
        return new Sums(
                tabletCount + other.tabletCount,
                liveRows + other.liveRows,
                freshRows + other.freshRows,
                freshBytes + other.freshBytes,
                changeBytes + other.changeBytes,
                rowSets + other.rowSets,
                diskBytes + other.diskBytes,
                deltaBytes + other.deltaBytes,
                missingRowSets + other.missingRowSets,
                undecidedBatches + other.undecidedBatches,
                failed + other.failed,
                held + other.held,
                slowed + other.slowed,
                awaitingFlush + other.awaitingFlush);
    }
}
