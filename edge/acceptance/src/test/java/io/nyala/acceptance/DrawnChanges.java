package io.nyala.acceptance;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.RowResult;

/** A random scan of what changed between two snapshots, or from one until the present. Immutable. */
final class DrawnChanges {
    private final int from;
    private final int to;
    private final int snapshots;
    private final int batchBytes;

    private DrawnChanges(int snapshots, SplittableRandom random) {
        this.snapshots = snapshots;
        from = random.nextInt(snapshots);
        to = random.nextInt(3) > 0 ? snapshots : random.nextInt(from, snapshots);
        batchBytes = random.nextInt(3) == 0 ? 64 : 1 << 20;
    }

    /** Of so many snapshots, of which there must be one. */
    static DrawnChanges draw(int snapshots, SplittableRandom random) {
        return new DrawnChanges(snapshots, random);
    }

    /** Reads; answers the rows, and of those that were deleted their keys: no more is promised of these. */
    String run(ClusterRun run, KuduTable table) throws KuduException {
        long start = run.snapshot(from);
        long end = to == snapshots ? run.present() : run.snapshot(to);
        KuduScanner scanner = run.client()
                .newScannerBuilder(table)
                .batchSizeBytes(batchBytes)
                .diffScan(start, end)
                .build();
        List<String> rows = new ArrayList<>();
        while (scanner.hasMoreRows()) {
            for (RowResult row : scanner.nextRows()) {
                rows.add(row.isDeleted() ? "deleted " + key(table, row) : row.rowToString());
            }
        }
        scanner.close();
        Collections.sort(rows); // Of several tablets.
        return rows.toString();
    }

    private static String key(KuduTable table, RowResult row) {
        List<String> key = new ArrayList<>();
        for (int i = 0; i < table.getSchema().getPrimaryKeyColumnCount(); i++) {
            Object value = row.getObject(i);
            key.add(value instanceof byte[] bytes ? HexFormat.of().formatHex(bytes) : String.valueOf(value));
        }
        return key.toString();
    }

    @Override
    public String toString() {
        return "changes from snapshot " + from + " to " + (to == snapshots ? "the present" : to) + " by " + batchBytes;
    }
}
