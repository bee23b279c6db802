package io.nyala.acceptance;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.apache.kudu.ColumnSchema;
import org.apache.kudu.client.AsyncKuduScanner;
import org.apache.kudu.client.KuduException;
import org.apache.kudu.client.KuduPredicate;
import org.apache.kudu.client.KuduScanner;
import org.apache.kudu.client.KuduTable;
import org.apache.kudu.client.RowResult;
import org.apache.kudu.client.RowResultIterator;

/** A random scan. Immutable. */
final class DrawnScan {
    private static final int NO_SNAPSHOT = -1;
    private static final List<KuduPredicate.ComparisonOp> OPERATORS = List.of(KuduPredicate.ComparisonOp.values());

    private final List<String> projection;
    private final List<KuduPredicate> predicates;
    private final boolean isOrdered;
    private final long limit;
    private final int snapshot;

    /** Which the server picks: all that was acknowledged has happened by then. */
    private final boolean isAtAnyTime;

    private final boolean isColumnar;
    private final int batchBytes;

    private DrawnScan(DrawnTable table, int snapshots, SplittableRandom random) {
        projection = new ArrayList<>();
        predicates = new ArrayList<>();
        for (ColumnSchema column : table.columns()) {
            if (random.nextInt(4) > 0) {
                projection.add(column.getName());
            }
            if (random.nextInt(5) == 0) {
                predicates.add(predicate(column, random));
            }
        }
        if (random.nextInt(8) == 0) {
            projection.clear();
        }
        snapshot = snapshots > 0 && random.nextInt(4) == 0 ? random.nextInt(snapshots) : NO_SNAPSHOT;
        isOrdered = random.nextInt(3) == 0;
        limit = random.nextInt(6) == 0 ? random.nextInt(1, 6) : Long.MAX_VALUE;
        isAtAnyTime = snapshot == NO_SNAPSHOT && random.nextInt(3) == 0;
        isColumnar = random.nextInt(4) == 0;
        batchBytes = random.nextInt(3) == 0 ? 64 : 1 << 20;
    }

    static DrawnScan draw(DrawnTable table, int snapshots, SplittableRandom random) {
        return new DrawnScan(table, snapshots, random);
    }

    private static KuduPredicate predicate(ColumnSchema column, SplittableRandom random) {
        int kind = random.nextInt(8);
        if (kind == 6) {
            return KuduPredicate.newIsNullPredicate(column);
        }
        if (kind == 7) {
            return KuduPredicate.newIsNotNullPredicate(column);
        }
        if (kind == 5) {
            List<Object> values = new ArrayList<>();
            for (int i = 0; i < 1 + random.nextInt(4); i++) {
                values.add(Values.drawDefault(column, random));
            }
            return KuduPredicate.newInListPredicate(column, values);
        }
        KuduPredicate.ComparisonOp operator = OPERATORS.get(kind);
        return KuduPredicate.newComparisonPredicate(column, operator, Values.draw(column, random));
    }

    /**
     * Reads; answers the rows, in their order if they have one. A limit without an order leaves open which rows, so
     * that their number counts, and that they are rows of the same scan without a limit.
     */
    String run(ClusterRun run, KuduTable table) throws KuduException {
        long time = snapshot == NO_SNAPSHOT ? run.present() : run.snapshot(snapshot);
        List<String> rows = rows(builder(run, table, time).limit(limit));
        if (isOrdered) {
            return rows.toString();
        }
        if (limit == Long.MAX_VALUE) {
            Collections.sort(rows);
            return rows.toString();
        }
        List<String> others = new ArrayList<>(rows);
        rows(builder(run, table, time)).forEach(others::remove);
        return rows.size() + " rows, of which are no rows without it: " + others;
    }

    private KuduScanner.KuduScannerBuilder builder(ClusterRun run, KuduTable table, long time) {
        KuduScanner.KuduScannerBuilder builder = run.client()
                .newScannerBuilder(table)
                .setProjectedColumnNames(projection)
                .batchSizeBytes(batchBytes)
                .setFaultTolerant(isOrdered);
        predicates.forEach(builder::addPredicate);
        if (isAtAnyTime) {
            return builder.readMode(AsyncKuduScanner.ReadMode.READ_AT_SNAPSHOT);
        }
        return snapshot != NO_SNAPSHOT || isOrdered
                ? builder.readMode(AsyncKuduScanner.ReadMode.READ_AT_SNAPSHOT).snapshotTimestampRaw(time)
                : builder.readMode(AsyncKuduScanner.ReadMode.READ_YOUR_WRITES);
    }

    private List<String> rows(KuduScanner.KuduScannerBuilder builder) throws KuduException {
        KuduScanner scanner = builder.build();
        if (isColumnar) {
            scanner.setRowDataFormat(AsyncKuduScanner.RowDataFormat.COLUMNAR);
        }
        List<String> rows = new ArrayList<>();
        while (scanner.hasMoreRows()) {
            RowResultIterator batch = scanner.nextRows();
            while (batch.hasNext()) {
                RowResult row = batch.next();
                rows.add(row.rowToString());
            }
        }
        scanner.close();
        return rows;
    }

    @Override
    public String toString() {
        return projection + " where " + predicates + (isOrdered ? " in order" : "")
                + (limit == Long.MAX_VALUE ? "" : " limit " + limit)
                + (snapshot == NO_SNAPSHOT ? "" : " at snapshot " + snapshot) + (isAtAnyTime ? " at any time" : "")
                + (isColumnar ? " columnar" : "")
                + " by " + batchBytes;
    }
}
