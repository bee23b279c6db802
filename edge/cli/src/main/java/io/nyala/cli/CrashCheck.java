package io.nyala.cli;

import io.nyala.engine.Engine;
import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.engine.WriteBatch;
import io.nyala.partition.PartitionMap;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.OperationKind;
import io.nyala.table.ScanToken;
import io.nyala.table.TabletStatistics;
import io.trino.tpch.LineItem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;

/**
 * Compares a table, row by row in key order, with what a killed writer may have left: in each tablet, of each part a
 * number of whole batches from its first on, at least those that were acknowledged, every column as the generator made
 * it, and nothing else. Of a batch only those rows count that are the tablet's: some tablets may have taken theirs, and
 * others not.
 *
 * <p>Batches of a part are committed in order and a log keeps a prefix of what was committed, so a batch that is there
 * behind one that is not is a violation too. One thread, used once.
 */
final class CrashCheck implements AutoCloseable {
    private final Table table;
    private final Ingest.Plan plan;
    private final List<BitSet> acknowledged;
    private final WriteBatch batch;
    private final List<TabletRows> tablets = new ArrayList<>();

    private CrashCheck(Table table, Ingest.Plan plan, List<BitSet> acknowledged) {
        this.table = table;
        this.plan = plan;
        this.acknowledged = acknowledged;
        this.batch = table.newBatch();
    }

    private void open(Engine engine) {
        List<ScanToken> tokens = table.scan().inKeyOrder().tokens();
        for (TabletStatistics tablet : table.statistics().tablets()) {
            ScanToken own = tokens.stream()
                    .filter(token -> token.tabletId() == tablet.tabletId())
                    .findFirst()
                    .orElseThrow(() -> new CheckFailedException("tablet " + tablet.tabletId() + " is not scanned"));
            tablets.add(new TabletRows(tablet.tabletId(), engine.open(own)));
        }
    }

    /**
     * What is there.
     *
     * @param rows all, each compared
     * @param batches of each part, from the first on, that are there whole
     * @param survived batches that are there whole and were not acknowledged
     */
    record Found(long rows, List<Long> batches, long survived) {
        Found {
            batches = List.copyOf(batches);
        }
    }

    /**
     * Checks everything.
     *
     * @param acknowledged batches of each part; one may be before another that went before it, but not in any tablet
     * @throws CheckFailedException at the first violation
     */
    static Found check(Engine engine, Table table, Ingest.Plan plan, List<BitSet> acknowledged) {
        try (CrashCheck check = new CrashCheck(table, plan, acknowledged)) {
            check.open(engine);
            return check.run();
        }
    }

    @Override
    public void close() {
        tablets.forEach(tablet -> tablet.scan.close());
        batch.close();
    }

    private Found run() {
        List<Long> batches = new ArrayList<>();
        List<LineItem> items = new ArrayList<>();
        long survived = 0;
        for (int part = 0; part < plan.threads(); part++) {
            Iterator<LineItem> source = LineItems.part(plan.scale(), part, plan.threads());
            tablets.forEach(TabletRows::partBegins);
            long whole = 0;
            for (int number = 0; next(source, items); number++) {
                boolean isAcknowledged = acknowledged.get(part).get(number);
                String name =
                        (isAcknowledged ? "acknowledged" : "unacknowledged") + " batch " + number + " of part " + part;
                boolean isWhole = compare(items, name, isAcknowledged);
                whole += isWhole && whole == number ? 1 : 0;
                survived += isWhole && !isAcknowledged ? 1 : 0;
            }
            batches.add(whole);
        }
        long rows = 0;
        for (TabletRows tablet : tablets) {
            rows += tablet.rowCount;
            if (!tablet.isEnd) {
                throw new CheckFailedException("a row that nobody wrote whole in tablet " + tablet.id + ": "
                        + tablet.next() + ", behind " + Figures.count(tablet.rowCount) + " rows that are as expected");
            }
        }
        return new Found(rows, batches, survived);
    }

    private boolean next(Iterator<LineItem> source, List<LineItem> items) {
        items.clear();
        while (items.size() < plan.batchRows() && source.hasNext()) {
            items.add(source.next());
        }
        return !items.isEmpty();
    }

    /** Compares a batch, as it was committed, with the next rows of the tablets; answers whether all is there. */
    private boolean compare(List<LineItem> items, String name, boolean isAcknowledged) {
        OperationBatch rows = batch.rows();
        rows.clear();
        items.forEach(item -> LineItems.insert(rows, OperationKind.INSERT, item));
        MemorySegment memory = rows.memory();
        PartitionMap map = table.partitions();
        tablets.forEach(TabletRows::batchBegins);
        boolean isWhole = true;
        long operation = 0;
        for (LineItem item : items) {
            isWhole &= tablets.get(map.findOperation(memory, operation)).compare(item, name, isAcknowledged);
            operation += OperationFormat.operationBytes(memory, operation);
        }
        return isWhole;
    }

    /** The rows of one tablet, one after the other. */
    private static final class TabletRows {
        private final long id;
        private final Scan scan;
        private int row;
        private boolean isEnd;
        private long rowCount;
        private boolean isPartOver; // No later batch of the part may be there.
        private int batchRowCount;

        TabletRows(long id, Scan scan) {
            this.id = id;
            this.scan = scan;
            this.isEnd = !scan.next();
        }

        void partBegins() {
            isPartOver = false;
        }

        void batchBegins() {
            batchRowCount = 0;
        }

        /** Whether the next row is this one, as it must be unless nothing of its batch was there before. */
        boolean compare(LineItem item, String name, boolean isAcknowledged) {
            if (isEnd || !LineItems.hasKey(scan.batch(), row, item)) {
                if (batchRowCount > 0) {
                    throw new CheckFailedException(name + " is there in part only: " + batchRowCount
                            + " of its rows in tablet " + id + " are, then " + LineItems.key(item) + " is missing; "
                            + next());
                }
                if (isAcknowledged) {
                    throw new CheckFailedException(
                            name + " is not there: its row " + LineItems.key(item) + " is missing; " + next());
                }
                isPartOver = true;
                return false;
            }
            if (isPartOver) {
                throw new CheckFailedException("row " + LineItems.key(item) + " of " + name + " is in tablet " + id
                        + ", but not what was written to it before");
            }
            String difference = LineItems.difference(scan.batch(), row, item);
            if (difference != null) {
                throw new CheckFailedException(
                        "row " + LineItems.key(item) + " of " + name + " is wrong: " + difference);
            }
            advance();
            return true;
        }

        private void advance() {
            ColumnBatch batch = scan.batch();
            rowCount++;
            batchRowCount++;
            row++;
            if (row == batch.rowCount()) {
                row = 0;
                isEnd = !scan.next();
            }
        }

        private String next() {
            return isEnd
                    ? "tablet " + id + " ends there"
                    : "the next row of tablet " + id + " is " + LineItems.key(scan.batch(), row);
        }
    }
}
