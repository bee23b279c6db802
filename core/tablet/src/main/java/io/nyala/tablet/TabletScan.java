package io.nyala.tablet;

import io.nyala.diskrowset.DiskRowSet;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import java.util.ArrayList;
import java.util.List;

/**
 * Puts the cursors over a tablet's rowsets together. The snapshot was taken before the map is read here, so the map
 * holds every row that the snapshot may see.
 */
final class TabletScan {
    private TabletScan() {}

    static RowCursor open(Tablet tablet, ScanSpec spec, MemoryAccount account) {
        RowSetMap map = tablet.map();
        List<RowCursor> cursors = new ArrayList<>();
        try {
            for (DiskRowSet rowSet : map.onDisk()) {
                if (rowSet.meets(spec.keyRange())) {
                    cursors.add(rowSet.scan(spec, account));
                }
            }
            for (FreshRows sealed : map.sealed()) {
                cursors.add(new ReseatingCursor(tablet, sealed, spec, account));
            }
            cursors.add(new ReseatingCursor(tablet, map.active(), spec, account));
            return spec.keyOrder() && cursors.size() > 1
                    ? new MergeCursor(cursors, spec, account)
                    : new UnionCursor(cursors);
        } catch (RuntimeException e) {
            cursors.forEach(RowCursor::close);
            throw e;
        }
    }
}
