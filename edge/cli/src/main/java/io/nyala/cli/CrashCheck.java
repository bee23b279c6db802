package io.nyala.cli;

import io.nyala.engine.Scan;
import io.nyala.engine.Table;
import io.nyala.rows.ColumnBatch;
import io.trino.tpch.LineItem;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Compares a table, row by row in key order, with what a killed writer may have left: of each part a number of whole
 * batches from its first on, at least those that were acknowledged, every column as the generator made it, and nothing
 * else.
 *
 * <p>Batches of a part are committed in order and a log keeps a prefix of what was committed, so a batch that is there
 * behind one that is not is a violation too. One thread, used once.
 */
final class CrashCheck {
    private final Ingest.Plan plan;
    private final List<Long> acknowledged;
    private final Scan scan;
    private int row;
    private boolean isEnd;

    private CrashCheck(Ingest.Plan plan, List<Long> acknowledged, Scan scan) {
        this.plan = plan;
        this.acknowledged = acknowledged;
        this.scan = scan;
    }

    /**
     * What is there.
     *
     * @param rows all, each compared
     * @param batches of each part
     */
    record Found(long rows, List<Long> batches) {
        Found {
            batches = List.copyOf(batches);
        }
    }

    /**
     * Checks everything.
     *
     * @param acknowledged batches of each part
     * @throws CheckFailedException at the first violation
     */
    static Found check(Table table, Ingest.Plan plan, List<Long> acknowledged) {
        try (Scan scan = table.scan().inKeyOrder().open()) {
            return new CrashCheck(plan, acknowledged, scan).run();
        }
    }

    private Found run() {
        isEnd = !scan.next();
        long rows = 0;
        List<Long> batches = new ArrayList<>();
        List<LineItem> items = new ArrayList<>();
        for (int part = 0; part < plan.threads(); part++) {
            Iterator<LineItem> source = LineItems.part(plan.scale(), part, plan.threads());
            long batch = 0;
            while (true) {
                items.clear();
                while (items.size() < plan.batchRows() && source.hasNext()) {
                    items.add(source.next());
                }
                if (items.isEmpty() || !isThere(items.getFirst())) {
                    break;
                }
                compare(part, batch, items);
                rows += items.size();
                batch++;
            }
            if (batch < acknowledged.get(part)) {
                throw new CheckFailedException("batch " + batch + " of part " + part + " was acknowledged, but its row "
                        + LineItems.key(items.getFirst()) + " is missing; " + next());
            }
            batches.add(batch);
        }
        if (!isEnd) {
            throw new CheckFailedException("a row that nobody wrote whole: " + next() + ", behind "
                    + Figures.count(rows) + " rows that are as expected");
        }
        return new Found(rows, batches);
    }

    private boolean isThere(LineItem item) {
        return !isEnd && LineItems.hasKey(scan.batch(), row, item);
    }

    private void compare(int part, long batch, List<LineItem> items) {
        boolean isAcknowledged = batch < acknowledged.get(part);
        String kind = (isAcknowledged ? "acknowledged" : "unacknowledged") + " batch " + batch + " of part " + part;
        for (int i = 0; i < items.size(); i++) {
            LineItem item = items.get(i);
            if (!isThere(item)) {
                throw new CheckFailedException(kind + " is there in part only: " + i + " of its " + items.size()
                        + " rows are, then " + LineItems.key(item) + " is missing; " + next());
            }
            String difference = LineItems.difference(scan.batch(), row, item);
            if (difference != null) {
                throw new CheckFailedException(
                        "row " + LineItems.key(item) + " of " + kind + " is wrong: " + difference);
            }
            advance();
        }
    }

    private void advance() {
        ColumnBatch batch = scan.batch();
        row++;
        if (row == batch.rowCount()) {
            row = 0;
            isEnd = !scan.next();
        }
    }

    private String next() {
        return isEnd ? "the table ends there" : "the next row of the table is " + LineItems.key(scan.batch(), row);
    }
}
