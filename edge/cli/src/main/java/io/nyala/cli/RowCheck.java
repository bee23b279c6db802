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
import io.nyala.text.Figures;
import io.trino.tpch.LineItem;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Compares a table, row by row in key order, with what a killed writer may have left: in each tablet, of each part a
 * number of whole batches from its first on, at least those that were acknowledged, every column as the generator made
 * it or {@link LineItemChange} changed it, and nothing else. The changes of a batch are a batch themselves, behind it.
 * Of a batch only those rows count that are the tablet's: some tablets may have taken theirs, and others not.
 *
 * <p>Batches of a part are committed in order and a log keeps a prefix of what was committed, so a batch that is there
 * behind one that is not is a violation too. One thread, used once.
 */
final class RowCheck implements AutoCloseable {
    private final Table table;
    private final Ingest.Plan plan;
    private final Batches acknowledged;
    private final WriteBatch batch;
    private final List<TabletRows> tablets = new ArrayList<>();

    private RowCheck(Table table, Ingest.Plan plan, Batches acknowledged) {
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
     * Some batches of each part, as numbers in it.
     *
     * @param inserted whose rows were inserted
     * @param changed whose rows were changed
     */
    record Batches(List<BitSet> inserted, List<BitSet> changed) {
        Batches {
            inserted = List.copyOf(inserted);
            changed = List.copyOf(changed);
        }

        static Batches none(int parts) {
            return new Batches(
                    Stream.generate(BitSet::new).limit(parts).toList(),
                    Stream.generate(BitSet::new).limit(parts).toList());
        }

        /** Every batch that there can be. */
        static Batches all(Ingest.Plan plan) {
            Batches all = none(plan.threads());
            int batches = Math.toIntExact(2 * LineItems.rowCountEstimate(plan.scale()) / plan.batchRows() + 2);
            Stream.concat(all.inserted().stream(), all.changed().stream()).forEach(part -> part.set(0, batches));
            return all;
        }

        long count() {
            return Stream.concat(inserted.stream(), changed.stream())
                    .mapToLong(BitSet::cardinality)
                    .sum();
        }
    }

    /**
     * What is there.
     *
     * @param rows all, each compared
     * @param updated among them
     * @param deleted rows that were there
     * @param inserted batches of each part, from the first on, that are there whole
     * @param changed batches of each part, from the first on, whose changes are
     * @param survived batches that are there whole and were not acknowledged
     */
    record Found(long rows, long updated, long deleted, List<Long> inserted, List<Long> changed, long survived) {
        Found {
            inserted = List.copyOf(inserted);
            changed = List.copyOf(changed);
        }

        /** Where there is no table. */
        static Found nothing(int parts) {
            return new Found(0, 0, 0, Demo.fresh(parts), Demo.fresh(parts), 0);
        }
    }

    /**
     * Checks everything.
     *
     * @param acknowledged one batch may be before another that went before it, but not in any tablet
     * @throws CheckFailedException at the first violation
     */
    static Found check(Engine engine, Table table, Ingest.Plan plan, Batches acknowledged) {
        try (RowCheck check = new RowCheck(table, plan, acknowledged)) {
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
        List<Long> inserted = new ArrayList<>();
        List<Long> changed = new ArrayList<>();
        List<LineItem> items = new ArrayList<>();
        long survived = 0;
        for (int part = 0; part < plan.threads(); part++) {
            Iterator<LineItem> source = LineItems.part(plan.scale(), part, plan.threads());
            tablets.forEach(TabletRows::partBegins);
            long wholeInserted = 0;
            long wholeChanged = 0;
            for (int number = 0; next(source, items); number++) {
                boolean mustBe = acknowledged.inserted().get(part).get(number);
                boolean mustBeChanged = acknowledged.changed().get(part).get(number);
                String name = "batch " + number + " of part " + part;
                compare(items, name, mustBe, mustBeChanged);
                boolean isThere = tablets.stream().allMatch(TabletRows::isThere);
                boolean isChanged = tablets.stream().allMatch(TabletRows::isChanged);
                wholeInserted += isThere && wholeInserted == number ? 1 : 0;
                wholeChanged += isChanged && wholeChanged == number ? 1 : 0;
                boolean isSeen = tablets.stream().anyMatch(TabletRows::isSeen);
                boolean isChangeSeen = tablets.stream().anyMatch(TabletRows::isChangeSeen);
                survived += isThere && isSeen && !mustBe ? 1 : 0;
                survived += isChanged && isChangeSeen && !mustBeChanged ? 1 : 0;
            }
            inserted.add(wholeInserted);
            changed.add(wholeChanged);
        }
        for (TabletRows tablet : tablets) {
            if (!tablet.isEnd) {
                throw new CheckFailedException("a row that nobody wrote whole in tablet " + tablet.id + ": "
                        + tablet.next() + ", behind " + Figures.count(tablet.rowCount) + " rows that are as expected");
            }
        }
        return new Found(
                tablets.stream().mapToLong(tablet -> tablet.rowCount).sum(),
                tablets.stream().mapToLong(tablet -> tablet.updatedCount).sum(),
                tablets.stream().mapToLong(tablet -> tablet.deletedCount).sum(),
                inserted,
                changed,
                survived);
    }

    private boolean next(Iterator<LineItem> source, List<LineItem> items) {
        items.clear();
        while (items.size() < plan.batchRows() && source.hasNext()) {
            items.add(source.next());
        }
        return !items.isEmpty();
    }

    /** Compares a batch, as it was committed, with the next rows of the tablets. */
    private void compare(List<LineItem> items, String name, boolean mustBe, boolean mustBeChanged) {
        OperationBatch rows = batch.rows();
        rows.clear();
        items.forEach(item -> LineItems.insert(rows, OperationKind.INSERT, item));
        MemorySegment memory = rows.memory();
        PartitionMap map = table.partitions();
        tablets.forEach(tablet -> tablet.batchBegins(name, mustBe, mustBeChanged));
        long operation = 0;
        for (LineItem item : items) {
            tablets.get(map.findOperation(memory, operation)).compare(item);
            operation += OperationFormat.operationBytes(memory, operation);
        }
        tablets.forEach(TabletRows::batchEnds);
    }

    /** The rows of one tablet, one after the other. */
    private static final class TabletRows {
        private final long id;
        private final Scan scan;
        private int row;
        private boolean isEnd;
        private long rowCount;
        private long updatedCount;
        private long deletedCount;

        // No later batch of the part may be there, or be changed.
        private boolean isPartOver;
        private boolean isChangeOver;

        // The batch, and what may have become of its rows here: each row leaves less.
        private String batch = "";
        private boolean mustBe;
        private boolean mustBeChanged;
        private boolean mayBeAbsent;
        private boolean mayBeAsInserted;
        private boolean mayBeChanged;
        private int batchRowCount;
        private int batchUpdatedCount;
        private int batchDeletedCount;

        TabletRows(long id, Scan scan) {
            this.id = id;
            this.scan = scan;
            this.isEnd = !scan.next();
        }

        void partBegins() {
            isPartOver = false;
            isChangeOver = false;
        }

        void batchBegins(String name, boolean newMustBe, boolean newMustBeChanged) {
            batch = name;
            mustBe = newMustBe;
            mustBeChanged = newMustBeChanged;
            mayBeAbsent = true;
            mayBeAsInserted = true;
            mayBeChanged = true;
            batchRowCount = 0;
            batchUpdatedCount = 0;
            batchDeletedCount = 0;
        }

        /** Whether the batch may be there, as its rows here say; which it is where it has none. */
        boolean isThere() {
            return mayBeAsInserted || mayBeChanged;
        }

        boolean isChanged() {
            return mayBeChanged;
        }

        /** Whether rows of the batch are here. */
        boolean isSeen() {
            return !mayBeAbsent;
        }

        /** Whether rows of it are here and changed. */
        boolean isChangeSeen() {
            return !mayBeAbsent && !mayBeAsInserted;
        }

        /** Looks at what there is of a row of the batch. */
        void compare(LineItem item) {
            LineItemChange change = LineItemChange.of(item);
            if (isEnd || !LineItems.hasKey(scan.batch(), row, item)) {
                mayBeAsInserted = false;
                mayBeChanged &= change == LineItemChange.DELETE;
                batchDeletedCount++;
                throwIfImpossible(item, "is missing; " + next());
                return;
            }
            String difference = LineItems.difference(scan.batch(), row, item);
            boolean isUpdated = difference != null && change == LineItemChange.UPDATE;
            if (isUpdated) {
                difference = LineItems.difference(scan.batch(), row, LineItemChange.updated(item));
                batchUpdatedCount++;
            }
            if (difference != null) {
                throw new CheckFailedException(
                        "row " + LineItems.key(item) + " of " + name() + " is wrong: " + difference);
            }
            mayBeAbsent = false;
            mayBeAsInserted &= !isUpdated;
            mayBeChanged &= change == LineItemChange.NONE || isUpdated;
            batchRowCount++;
            throwIfImpossible(item, isUpdated ? "is updated" : "is there as it was inserted");
            advance();
        }

        /** None of its rows, all of them, or all of them changed; and what was acknowledged. */
        private void throwIfImpossible(LineItem item, String found) {
            String row = "row " + LineItems.key(item);
            if (!mayBeAbsent && !mayBeAsInserted && !mayBeChanged) {
                throw new CheckFailedException(name() + " is there in part only: " + batchRowCount
                        + " of its rows in tablet " + id + " are, then " + row + " " + found);
            }
            if (mustBe && !isThere()) {
                throw new CheckFailedException(name() + " is not there: its " + row + " " + found);
            }
            if (mustBeChanged && !mayBeChanged) {
                throw new CheckFailedException(
                        "the acknowledged changes of " + batch + " are not there: its " + row + " " + found);
            }
            if (isPartOver && !mayBeAbsent) {
                throw new CheckFailedException(
                        row + " of " + name() + " is in tablet " + id + ", but not what was written to it before");
            }
            if (isChangeOver && !mayBeAbsent && !mayBeAsInserted) {
                throw new CheckFailedException(row + " of " + name() + " is changed in tablet " + id
                        + ", but not what was to be changed before");
            }
        }

        void batchEnds() {
            isPartOver |= !isThere();
            isChangeOver |= !mayBeChanged;
            updatedCount += batchUpdatedCount;
            deletedCount += mayBeChanged ? batchDeletedCount : 0;
        }

        private String name() {
            return (mustBe ? "acknowledged " : "unacknowledged ") + batch;
        }

        private void advance() {
            ColumnBatch rows = scan.batch();
            rowCount++;
            row++;
            if (row == rows.rowCount()) {
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
