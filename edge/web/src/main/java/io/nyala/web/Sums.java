package io.nyala.web;

import io.nyala.compaction.WritePace;
import io.nyala.engine.Table;
import io.nyala.tablet.TabletView;
import io.nyala.text.Figures;
import java.util.List;
import java.util.Optional;

/**
 * What tablets have together. Immutable.
 *
 * @param tabletCount how many they are
 * @param historyBytes on disk, of what rows were before their files were written
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
        long historyBytes,
        int missingRowSets,
        long undecidedBatches,
        int failed,
        int held,
        int slowed,
        int awaitingFlush) {
    /** Less history than that is nobody's trouble, however few rows there are. */
    static final long HISTORY_BYTES_MIN = 64L << 20;

    private static final Sums NONE = new Sums(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

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

    static Sums of(TabletView view) {
        return new Sums(
                1,
                view.liveRowCount(),
                view.freshRowCount(),
                view.freshBytes(),
                view.changeBytes(),
                view.rowSetCount(),
                view.diskBytes(),
                view.deltaBytes(),
                view.historyBytes(),
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
                historyBytes + other.historyBytes,
                missingRowSets + other.missingRowSets,
                undecidedBatches + other.undecidedBatches,
                failed + other.failed,
                held + other.held,
                slowed + other.slowed,
                awaitingFlush + other.awaitingFlush);
    }

    /** A warning, if history takes more than rows as they are now, and it is worth to be thought of. */
    Optional<String> historyWarning() {
        long rowBytes = diskBytes - deltaBytes - historyBytes;
        if (historyBytes <= rowBytes || historyBytes < HISTORY_BYTES_MIN) {
            return Optional.empty();
        }
        return Optional.of("History takes " + Figures.bytes(historyBytes) + " on disk, more than the rows as they are"
                + " now, " + Figures.bytes(rowBytes) + ". It goes by itself when it is older than its table keeps it"
                + " (kudu.table.history_max_age_sec), unless a snapshot with a name keeps it (nyala snapshot list), or"
                + " at once by nyala vacuum");
    }
}
