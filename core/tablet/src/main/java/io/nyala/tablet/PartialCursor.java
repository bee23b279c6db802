package io.nyala.tablet;

import io.nyala.cursor.UnionCursor;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import java.util.List;
import java.util.function.Consumer;

/**
 * Rows of a rowset up to the first that cannot be read. That there are others is told to whoever asked for such a scan.
 */
final class PartialCursor implements RowCursor {
    private final Tablet tablet;
    private final LiveRowSet rowSet;
    private final Consumer<MissingRowSet> leftOut;
    private final RowCursor cursor;
    private boolean isEnded;

    private PartialCursor(Tablet tablet, LiveRowSet rowSet, Consumer<MissingRowSet> leftOut, RowCursor cursor) {
        this.tablet = tablet;
        this.rowSet = rowSet;
        this.leftOut = leftOut;
        this.cursor = cursor;
    }

    /** A cursor over what can be read of a rowset; perhaps nothing. */
    static RowCursor open(
            Tablet tablet, LiveRowSet rowSet, ScanSpec spec, MemoryAccount account, Consumer<MissingRowSet> leftOut) {
        try {
            return new PartialCursor(
                    tablet, rowSet, leftOut, new TabletScan.EpochCursor(tablet, rowSet, spec, account));
        } catch (RuntimeException e) {
            leaveOut(tablet, rowSet, leftOut, e);
            return new UnionCursor(List.of());
        }
    }

    static void leaveOut(Tablet tablet, LiveRowSet rowSet, Consumer<MissingRowSet> leftOut, RuntimeException failure) {
        if (!MissingRowSet.isCause(failure)) {
            throw failure;
        }
        leftOut.accept(MissingRowSet.of(tablet, rowSet.base(), failure));
    }

    @Override
    public boolean next(ColumnBatch target) {
        if (isEnded) {
            return false;
        }
        try {
            return cursor.next(target);
        } catch (RuntimeException e) {
            isEnded = true;
            target.clear(); // Rows of a batch that was not filled to its end are not whole.
            leaveOut(tablet, rowSet, leftOut, e);
            return false;
        }
    }

    @Override
    public void close() {
        cursor.close();
    }
}
