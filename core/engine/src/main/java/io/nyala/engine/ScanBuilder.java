package io.nyala.engine;

import io.nyala.rows.Column;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.table.Aggregate;
import io.nyala.table.Aggregates;
import io.nyala.table.HostedTablet;
import io.nyala.table.KeyPieces;
import io.nyala.table.ScanPlan;
import io.nyala.table.ScanToken;
import io.nyala.table.TableDroppedException;
import io.nyala.table.TableState;
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
    private final Schema schema;
    private final List<Predicate> predicates = new ArrayList<>();
    private List<Integer> projection;
    private long limit = Long.MAX_VALUE;
    private long snapshot = LATEST;
    private long start = ScanSpec.NO_START;
    private boolean keyOrder;
    private boolean allowPartial;
    private long onlyTablet = ANY_TABLET;
    private KeyRange keys = KeyRange.ALL;

    private static final long LATEST = 0;
    private static final long ANY_TABLET = -1;
    private static final long WHOLE_TABLETS = Long.MAX_VALUE;

    ScanBuilder(Engine engine, Table table) {
        this.engine = engine;
        this.table = table;
        this.schema = table.schema();
        this.projection = new ArrayList<>();
        for (int i = 0; i < schema.columnCount(); i++) {
            projection.add(i);
        }
    }

    /** The columns to yield, in this order. None at all is fine: batches then only have a row count. */
    public ScanBuilder project(String... columns) {
        List<Integer> indexes = new ArrayList<>();
        for (String column : columns) {
            indexes.add(schema.indexOfExisting(column));
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

    /** Only rows of one tablet of {@link Table#tablets}. */
    public ScanBuilder onlyTablet(long tabletId) {
        onlyTablet = tabletId;
        return this;
    }

    /**
     * Only rows whose encoded primary key ({@link io.nyala.rows.KeyCodec}) is in the range, in addition to earlier
     * ranges.
     */
    public ScanBuilder keys(KeyRange range) {
        keys = keys.and(range);
        return this;
    }

    /**
     * The state at hybrid time {@code timestamp} (of an earlier {@link CommitResult}, or made by
     * {@link io.nyala.time.HybridTime}). A time of the future is refused.
     */
    public ScanBuilder at(long timestamp) {
        if (timestamp <= 0) {
            throw new IllegalArgumentException("a snapshot is a positive hybrid time, was " + timestamp);
        }
        snapshot = timestamp;
        return this;
    }

    /**
     * The state to which {@link Table#createSnapshot} gave this name.
     *
     * @throws IllegalArgumentException if the table has no such snapshot
     */
    public ScanBuilder asOf(String name) {
        return at(table.snapshot(name));
    }

    /**
     * Only rows that changed after hybrid time {@code timestamp}, up to {@link #at} or now, in the order of their
     * primary key; with one column more, the last one, by which {@link io.nyala.rows.ColumnBatch#isDeleted} tells
     * whether a row is deleted. What it was in between is not told:
     *
     * <ul>
     *   <li>a row that was inserted or changed, or deleted and inserted again, comes once, as it is at the end, also if
     *       it was changed back;
     *   <li>one that was deleted comes with the values that it had just before, when that happened for the first time;
     *   <li>one that was inserted and deleted meanwhile does not come.
     * </ul>
     *
     * Predicates are asked of the values with which a row would come. To follow a table, give the {@link Scan#snapshot}
     * of one scan to the next. That of a table to which nothing was written may be 0, since when every row is new,
     * however old it is. Without {@link #at}, the snapshot of the scan is not before {@code timestamp}; one in the
     * future is refused.
     */
    public ScanBuilder changedSince(long timestamp) {
        if (timestamp < ScanSpec.BEGINNING) {
            throw new IllegalArgumentException("changes are since a hybrid time, or 0 for all, was " + timestamp);
        }
        start = timestamp;
        return this;
    }

    /**
     * Goes on where rows cannot be read, because their file is damaged or gone, instead of failing: {@link
     * Scan#isPartial} says at the end whether any were left out. Not together with {@link #changedSince}.
     */
    public ScanBuilder allowPartial() {
        allowPartial = true;
        return this;
    }

    /**
     * Starts the scan. Everything that was acknowledged before is seen, unless {@link #at} says otherwise: one snapshot
     * of all tablets that may have matching rows.
     *
     * @throws io.nyala.tablet.MissingRowSetException if rows that it may need cannot be read; those of a later tablet
     *     may be missed by {@link Scan#next} only
     * @throws EngineLimitException if too many scans are open
     * @throws TableDroppedException if the table was dropped
     * @throws IllegalArgumentException if its time is in the future, or it is of changes and may leave rows out
     */
    public Scan open() {
        engine.callBegins();
        try {
            return engine.start(table, plan(), limit, allowPartial);
        } finally {
            engine.callEnds();
        }
    }

    /**
     * Answers questions about all matching rows, without yielding any of them: where a rowset on disk was not changed,
     * counts and bounds without conditions come from what its file says of its pages, which are not read. What is
     * projected, and the order, do not matter.
     *
     * @throws IllegalArgumentException if a column has no such aggregate, or the scan has a limit, or may leave rows
     *     out, or is of changes
     * @throws io.nyala.tablet.MissingRowSetException if rows cannot be read
     */
    public Aggregates aggregate(Aggregate... wanted) {
        if (limit != Long.MAX_VALUE || allowPartial || start != ScanSpec.NO_START) {
            throw new IllegalArgumentException(
                    "aggregates are of all matching rows as they are: a scan for them takes no"
                            + " limit, leaves nothing out, and tells no changes");
        }
        var aggregates = new Aggregates(schema, List.of(wanted));
        project(aggregates.columns());
        keyOrder = false;
        try (Scan scan = open()) {
            aggregates.snapshot(scan.snapshot());
            scan.batch().sink(aggregates);
            while (scan.step()) {
                aggregates.add(scan.batch());
            }
        }
        return aggregates;
    }

    /**
     * The scan in parts that can be started apart, in any order, on any thread: one for each tablet that may have
     * matching rows, all at one snapshot. A limit holds for each.
     */
    public List<ScanToken> tokens() {
        return tokens(WHOLE_TABLETS);
    }

    /**
     * As {@link #tokens()}, with several parts for a tablet that has more bytes of the projected columns than a part is
     * to have: each of another range of keys. Sizes are estimates.
     */
    public List<ScanToken> tokens(long partBytes) {
        engine.callBegins();
        try {
            ScanPlan plan = plan();
            List<ScanToken> tokens = new ArrayList<>();
            try {
                for (HostedTablet tablet : plan.held()) {
                    for (KeyRange part : parts(tablet, plan.spec(), partBytes)) {
                        ScanSpec spec = plan.spec().withKeyRange(part);
                        tokens.add(ScanToken.of(engine.hostId(), table.id(), tablet.id(), spec, limit, allowPartial));
                    }
                }
            } finally {
                plan.letGo(engine.host());
            }
            return tokens;
        } finally {
            engine.callEnds();
        }
    }

    private static List<KeyRange> parts(HostedTablet tablet, ScanSpec spec, long partBytes) {
        if (partBytes == WHOLE_TABLETS || spec.keyRange().isEmpty()) {
            return List.of(spec.keyRange());
        }
        int[] columnIds = spec.projectedColumns().stream().mapToInt(Column::id).toArray();
        return KeyPieces.of(tablet.tablet(), spec.keyRange(), columnIds, partBytes).stream()
                .map(KeyPieces.Piece::keys)
                .toList();
    }

    private ScanPlan plan() {
        if (start != ScanSpec.NO_START && allowPartial) {
            throw changesInPart();
        }
        ScanSpec spec = ScanSpec.all(schema, snapshot)
                .withProjection(projection)
                .withPredicates(predicates)
                .withKeyRange(KeyRange.from(new KeyCodec(new RowLayout(schema)), predicates)
                        .and(keys))
                .withKeyOrder(keyOrder);
        ScanSpec wanted = start == ScanSpec.NO_START ? spec : spec.withStart(start);
        return table.read(state -> plan(state, ScanToken.translate(wanted, state.schema())));
    }

    /** A row that was deleted in one file may be live in another, which cannot be read. */
    static IllegalArgumentException changesInPart() {
        return new IllegalArgumentException("a scan with changedSince takes no allowPartial: where a rowset cannot be"
                + " read, rows that are live in it would be told as deleted. Repair the rowset first, or read all rows"
                + " by a scan without changedSince");
    }

    private ScanPlan plan(TableState state, ScanSpec spec) {
        List<HostedTablet> tablets = onlyTablet == ANY_TABLET ? state.prune(spec) : only(state, spec);
        return snapshot == LATEST
                ? ScanPlan.latest(engine.host(), state, tablets, spec)
                : ScanPlan.at(engine.host(), state, tablets, spec);
    }

    private List<HostedTablet> only(TableState state, ScanSpec spec) {
        HostedTablet tablet = state.tablet(onlyTablet);
        return state.mayMatch(tablet, spec) ? List.of(tablet) : List.of();
    }
}
