package io.nyala.engine;

import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.tablet.Tablet;
import java.util.ArrayList;
import java.util.List;

/**
 * Describes a scan:
 *
 * <pre>{@code
 * try (Scan scan = table.scan().project("id", "price").where(Predicate.atLeast(schema, "price", 10.0)).open()) {
 *     while (scan.next()) {
 *         ColumnBatch batch = scan.batch();
 *         ...
 *     }
 * }
 * }</pre>
 *
 * Without {@link #project} it yields all columns, without {@link #at} the latest state. One thread.
 */
public final class ScanBuilder {
    private final Engine engine;
    private final Table table;
    private final List<Predicate> predicates = new ArrayList<>();
    private List<Integer> projection;
    private long limit = Long.MAX_VALUE;
    private long snapshot = LATEST;
    private boolean keyOrder;
    private boolean allowPartial;

    private static final long LATEST = 0;

    ScanBuilder(Engine engine, Table table) {
        this.engine = engine;
        this.table = table;
        this.projection = new ArrayList<>();
        for (int i = 0; i < table.schema().columnCount(); i++) {
            projection.add(i);
        }
    }

    /** The columns to yield, in this order. None at all is fine: batches then only have a row count. */
    public ScanBuilder project(String... columns) {
        List<Integer> indexes = new ArrayList<>();
        for (String column : columns) {
            indexes.add(table.schema().indexOfExisting(column));
        }
        projection = indexes;
        return this;
    }

    /** Only rows that match, in addition to earlier predicates. The column need not be projected. */
    public ScanBuilder where(Predicate predicate) {
        predicates.add(predicate);
        return this;
    }

    /** At most so many rows. */
    public ScanBuilder limit(long rows) {
        if (rows < 0) {
            throw new IllegalArgumentException("limit must not be negative, was " + rows);
        }
        limit = rows;
        return this;
    }

    /** Rows in the order of their primary key. */
    public ScanBuilder inKeyOrder() {
        keyOrder = true;
        return this;
    }

    /**
     * The state at hybrid time {@code timestamp} (of an earlier {@link CommitResult}, or made by
     * {@link io.nyala.rows.HybridTime}). A time of the future is refused.
     */
    public ScanBuilder at(long timestamp) {
        if (timestamp <= 0) {
            throw new IllegalArgumentException("a snapshot is a positive hybrid time, was " + timestamp);
        }
        snapshot = timestamp;
        return this;
    }

    /**
     * Goes on where rows cannot be read, because their file is damaged or gone, instead of failing: {@link
     * Scan#isPartial} says at the end whether any were left out.
     */
    public ScanBuilder allowPartial() {
        allowPartial = true;
        return this;
    }

    /**
     * Starts the scan.
     *
     * @throws io.nyala.tablet.MissingRowSetException if rows that it may need cannot be read
     */
    public Scan open() {
        engine.callBegins();
        try {
            return start();
        } finally {
            engine.callEnds();
        }
    }

    private Scan start() {
        Tablet tablet = table.tablet();
        long time = snapshot == LATEST ? tablet.visible() : settled(tablet, snapshot);
        Schema schema = table.schema();
        var spec = ScanSpec.all(schema, time)
                .withProjection(projection)
                .withPredicates(predicates)
                .withKeyRange(KeyRange.from(new KeyCodec(new RowLayout(schema)), predicates))
                .withKeyOrder(keyOrder);
        return new Scan(engine, tablet, spec, limit, allowPartial);
    }

    private long settled(Tablet tablet, long timestamp) {
        engine.coverByLease(timestamp);
        tablet.promise(timestamp);
        engine.agents().await(() -> tablet.isSettled(timestamp));
        return timestamp;
    }
}
