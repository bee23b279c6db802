package io.nyala.engine;

import io.nyala.rows.ColumnBatch;
import io.nyala.rows.Limits;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowError;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.table.ScanToken;
import io.nyala.table.TableDroppedException;
import io.nyala.table.TableState;
import io.nyala.table.TabletsLookup;
import io.nyala.tablet.TabletLookup;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a table by their keys, one at a time or many together: what many need of the disk is read together, in two
 * rounds, of their keys and of their rows.
 *
 * <pre>{@code
 * try (Lookup lookup = table.lookup("price", "state")) {
 *     lookup.key().setLong(0, 17).end();
 *     lookup.key().setLong(0, 18).end();
 *     while (lookup.next()) {
 *         for (int row = 0; row < lookup.batch().rowCount(); row++) {
 *             ... lookup.keyOf(row) is 0 or 1; a key whose row is not there does not come ...
 *         }
 *     }
 * }
 * }</pre>
 *
 * Everything that was acknowledged before is seen, unless {@link #at} says otherwise; all keys that are given together
 * at one snapshot. After that it is used for other keys: made once, it costs no heap for one key at a time, but where a
 * row on disk has changes that were not merged with it yet; for many keys together it costs a few objects.
 *
 * <p>One thread. The batch lives in native memory of the engine; {@link #close} gives it back.
 */
public final class Lookup implements AutoCloseable {
    /** Keys that can be given together; their rows come in as many batches as they need. */
    public static final int KEYS_MAX = 10_000;

    private final Engine engine;
    private final Table table;
    private final String opener = Thread.currentThread().getName();
    private final long openedNanos = System.nanoTime();
    private final ScanSpec spec;
    private final OperationBatch keys;
    private final ColumnBatch batch;
    private final int[] keyOfRow = new int[Limits.VECTOR_ROWS];
    private @Nullable TabletsLookup lookups;
    private TabletLookup.Effort effortBefore = TabletLookup.Effort.NONE; // Of the table as it was before.
    private long snapshot = TabletsLookup.LATEST;

    // Of the present keys.
    private boolean isBegun;
    private long seenSnapshot;
    private boolean isDone = true;
    private @Nullable RuntimeException failure;

    private boolean isClosed;
    private boolean isEnded; // Guarded by this: the engine may end it before its thread closes it.

    static Lookup open(Engine engine, Table table, String... columns) {
        var lookup = new Lookup(engine, table, columns);
        try {
            engine.opened(lookup);
            return lookup;
        } catch (RuntimeException e) {
            lookup.close();
            throw e;
        }
    }

    private Lookup(Engine engine, Table table, String... columns) {
        this.engine = engine;
        this.table = table;
        Schema schema = table.schema();
        ScanSpec all = ScanSpec.all(schema, 0);
        this.spec = columns.length == 0
                ? all
                : all.withProjection(
                        Arrays.stream(columns).map(schema::indexOfExisting).toList());
        var keySchema = new Schema(
                schema.version(), schema.nextColumnId(), schema.columns().subList(0, schema.keyColumnCount()));
        this.keys = new OperationBatch(new RowLayout(keySchema), engine.resultMemory()); // Takes nothing yet.
        this.batch = new ColumnBatch(spec.projectedColumns(), false, engine.resultMemory());
    }

    /**
     * Later keys are looked up as their rows were at hybrid time {@code timestamp}, as {@link ScanBuilder#at} says.
     */
    public Lookup at(long timestamp) {
        if (timestamp <= 0) {
            throw new IllegalArgumentException("a snapshot is a positive hybrid time, was " + timestamp);
        }
        snapshot = timestamp;
        return this;
    }

    /** Later keys are looked up as their rows are now; that is how it begins. */
    public Lookup atLatest() {
        snapshot = TabletsLookup.LATEST;
        return this;
    }

    /**
     * Begins a key: its columns are to be set, and then {@link OperationBatch#end} called. Forgets the keys before it
     * once {@link #next} was asked for their rows, and what went wrong with them. What it answers is the same object
     * each time; it takes no more keys between {@link #next} and the next call of this method.
     */
    public OperationBatch key() {
        throwIfClosed();
        if (isBegun) {
            leave();
            isBegun = false;
            failure = null;
            keys.takeBack();
            keys.clear();
        }
        if (keys.operationCount() == KEYS_MAX) {
            throw new IllegalStateException(
                    "%,d keys were given, which is the limit; ask next() for their rows first".formatted(KEYS_MAX));
        }
        return keys.start(OperationKind.DELETE); // Which has a key and nothing else.
    }

    /**
     * Moves to the next rows of the keys that were given, 1 to 1,024 of them, in no particular order; false at the end.
     * If it fails, it fails likewise until {@link #key} begins others: no row that is there may be taken for absent.
     *
     * @throws IllegalArgumentException if a key is not complete or was not ended, or cannot be one
     * @throws io.nyala.tablet.MissingRowSetException if a key may be in a rowset that cannot be read
     * @throws io.nyala.cfile.CorruptPageException if a page that was needed is damaged
     * @throws io.nyala.io.DiskException if a page that was needed cannot be read
     * @throws io.nyala.memory.MemoryLimitException if there is no memory for a row, or to read pages into
     * @throws io.nyala.table.AncientSnapshotException if the snapshot is before the ancient history mark
     * @throws TableDroppedException if the table was dropped
     */
    public boolean next() {
        throwIfClosed();
        engine.callBegins();
        try {
            batch.clear();
            RuntimeException before = failure;
            if (before != null) {
                throw before;
            }
            if (!isBegun) {
                begin();
            }
            if (!isDone) {
                TabletsLookup present = Objects.requireNonNull(lookups, "begun");
                boolean isLast = present.next(batch, keyOfRow);
                seenSnapshot = present.snapshot();
                if (isLast) {
                    finish();
                }
            }
            return !batch.isEmpty();
        } catch (RuntimeException e) {
            failure = e;
            batch.clear();
            finish();
            throw e;
        } finally {
            engine.callEnds();
        }
    }

    private void begin() {
        isBegun = true;
        if (keys.isStarted()) {
            throw new IllegalArgumentException(
                    "key " + keys.operationCount() + " was begun and not ended; call end() when its columns are set");
        }
        keys.lend(); // Rows are looked for where its keys lie: another one might move them.
        isDone = false;
        if (!keys.errors().isEmpty()) {
            RowError error = keys.errors().getFirst();
            throw new IllegalArgumentException("key " + error.operationIndex() + ": " + error.message());
        }
        while (true) {
            TabletsLookup present = lookups();
            try {
                present.begin(keys, snapshot);
                return;
            } catch (TableDroppedException e) {
                if (isCurrent(present)) {
                    throw e;
                }
            }
        }
    }

    @SuppressWarnings("ReferenceEquality") // Each change of the table makes a new state.
    private boolean isCurrent(TabletsLookup seen) {
        return seen.state() == table.present();
    }

    /** Of the table as it is. */
    private TabletsLookup lookups() {
        TabletsLookup known = lookups;
        if (known != null && isCurrent(known)) {
            return known;
        }
        if (known != null) {
            effortBefore = effort();
            lookups = null;
            known.close();
        }
        TableState state = table.present();
        var made = new TabletsLookup(
                engine.host(), state, ScanToken.translate(spec, state.schema()), engine.resultMemory());
        lookups = made;
        return made;
    }

    /** Inside a call of the engine, which is not closed meanwhile. */
    private void finish() {
        isDone = true;
        if (lookups != null) {
            lookups.end();
        }
    }

    /** Outside of one: the engine may be closed, by another thread at this moment, and has ended this itself then. */
    private synchronized void leave() {
        if (!isDone && !isEnded) {
            finish();
        }
    }

    /** The present rows; the same object each time. */
    public ColumnBatch batch() {
        return batch;
    }

    /** Of which key a present row is: the first one that was given is 0. */
    public int keyOf(int row) {
        Objects.checkIndex(row, batch.rowCount());
        return keyOfRow[row];
    }

    /** Hybrid time whose state was seen when {@link #next} was last asked. */
    public long snapshot() {
        return seenSnapshot;
    }

    /** What the look-ups of all keys took so far: how many rowsets they had to ask, and how far. */
    public TabletLookup.Effort effort() {
        TabletsLookup present = lookups;
        return present == null ? effortBefore : effortBefore.plus(present.effort());
    }

    private void throwIfClosed() {
        if (isClosed) {
            throw new IllegalStateException("the look-up is closed");
        }
    }

    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            try {
                end();
            } finally {
                keys.takeBack();
                keys.close();
                batch.close();
                engine.readClosed(this);
                engine.agents().announce(); // Somebody may wait for its memory.
            }
        }
    }

    /** Gives back all but keys and batch; for the engine, too, which closes while nobody is in {@link #next}. */
    synchronized void end() {
        if (!isEnded) {
            isEnded = true;
            if (lookups != null) {
                lookups.close();
            }
        }
    }

    /** Which one it is, for who left it open. */
    String describe() {
        return "of table \"" + table.name() + "\", for look-ups, opened by thread \"" + opener + "\" "
                + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - openedNanos) + " ms ago";
    }
}
