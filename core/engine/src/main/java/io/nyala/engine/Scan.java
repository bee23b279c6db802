package io.nyala.engine;

import io.nyala.memory.MemoryLeakException;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import io.nyala.table.HostedTablet;
import io.nyala.table.ScanPlan;
import io.nyala.table.TabletsCursor;
import io.nyala.tablet.MissingRowSet;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a table at one snapshot, a batch of columns at a time. Each {@link #next} replaces what {@link #batch} holds.
 *
 * <p>One thread. The batch lives in native memory of the engine; {@link #close} gives it back.
 */
public final class Scan implements AutoCloseable {
    private static final int TABLETS_SHOWN_MAX = 4;
    private static final int SCANS_SHOWN_MAX = 5;

    private final Engine engine;
    private final Table table;
    private final String opener = Thread.currentThread().getName();
    private final long openedNanos = System.nanoTime();
    private final ScanPlan plan;
    private final RowCursor cursor;
    private final ColumnBatch batch;
    private final List<MissingRowSet> missing = new ArrayList<>();
    private long remaining;
    private boolean isClosed;
    private boolean isEnded; // Guarded by this: the engine may end it before its thread closes it.
    private @Nullable RuntimeException failure;

    /** Takes the plan over, unless it throws. */
    Scan(Engine engine, Table table, ScanPlan plan, long limit, boolean allowPartial) {
        this.engine = engine;
        this.table = table;
        this.plan = plan;
        this.remaining = limit;
        ScanSpec spec = plan.spec();
        if (spec.isOfChanges() && allowPartial) {
            throw ScanBuilder.changesInPart();
        }
        this.batch = ColumnBatch.of(spec, engine.resultMemory());
        Consumer<MissingRowSet> leftOut = allowPartial ? missing::add : null;
        try {
            this.cursor = new TabletsCursor(plan, engine.resultMemory(), leftOut);
        } catch (RuntimeException e) {
            batch.close();
            throw e;
        }
    }

    /** Moves to the next rows, 1 to 1,024 of them; false at the end. */
    public boolean next() {
        while (step()) {
            if (!batch.isEmpty()) {
                return true;
            }
        }
        return false;
    }

    /**
     * As {@link #next}, but also comes back, with an empty {@link #batch}, when it has looked at many rows and none of
     * them matched: for callers with a deadline.
     */
    public boolean step() {
        if (isClosed) {
            throw new IllegalStateException("the scan is closed");
        }
        engine.callBegins();
        try {
            return advance();
        } finally {
            engine.callEnds();
        }
    }

    private boolean advance() {
        RuntimeException before = failure;
        if (before != null) {
            throw before; // A cursor that failed has lost its place: going on would leave rows out.
        }
        try {
            if (remaining <= 0 || !cursor.next(batch)) {
                batch.clear();
                return false;
            }
        } catch (RuntimeException e) {
            failure = e;
            throw e;
        }
        if (batch.rowCount() > remaining) {
            batch.rowCount((int) remaining);
        }
        remaining -= batch.rowCount();
        return true;
    }

    /** The present rows; the same object each time. */
    public ColumnBatch batch() {
        return batch;
    }

    /** Hybrid time whose state this scan sees. */
    public long snapshot() {
        return plan.spec().snapshot();
    }

    /**
     * Whether rows were left out so far, because they cannot be read; only with {@link ScanBuilder#allowPartial}.
     * Certain when {@link #next} has answered false.
     */
    public boolean isPartial() {
        return !missing.isEmpty();
    }

    /** The rowsets of which some or all rows were left out so far. */
    public List<MissingRowSet> missingRowSets() {
        return List.copyOf(missing);
    }

    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            try {
                end();
            } finally {
                batch.close();
                engine.readClosed(this);
                engine.agents().announce(); // Somebody may wait for its memory.
            }
        }
    }

    /**
     * Gives back all but the batch, which its thread may be reading. For the engine, too, which closes while nobody is
     * in {@link #step}.
     */
    synchronized void end() {
        if (!isEnded) {
            isEnded = true;
            try {
                cursor.close();
            } finally {
                plan.letGo(engine.host());
            }
        }
    }

    /** Which one it is, for who left it open. */
    String describe() {
        List<Long> tablets = plan.held().stream().map(HostedTablet::id).toList();
        List<Long> shown = tablets.subList(0, Math.min(TABLETS_SHOWN_MAX, tablets.size()));
        return "of table \"" + table.name() + "\" (tablets " + shown
                + (shown.size() < tablets.size() ? " and " + (tablets.size() - shown.size()) + " more" : "")
                + "), opened by thread \"" + opener + "\" "
                + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - openedNanos) + " ms ago";
    }

    /** What is thrown when an engine was closed while these were open. */
    static MemoryLeakException leak(List<String> open, MemoryLeakException cause) {
        String shown = String.join("; ", open.subList(0, Math.min(SCANS_SHOWN_MAX, open.size())));
        return new MemoryLeakException(
                (open.size() == 1 ? "a scan was open" : open.size() + " scans were open")
                        + " when the engine was closed: " + shown + (open.size() > SCANS_SHOWN_MAX ? "; and more" : "")
                        + ". The engine is closed, and they go no further: close each Scan before its engine, best by"
                        + " try-with-resources. Memory is kept until they are closed: " + cause.getMessage(),
                cause);
    }
}
