package io.nyala.engine;

import io.nyala.rows.Schema;
import io.nyala.tablet.MissingRowSet;
import io.nyala.tablet.Tablet;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A table of an open engine.
 *
 * <p>Thread-safe. Batches and scans made from it belong to one thread each, and must be closed before the engine.
 */
public final class Table {
    private final Engine engine;
    private final long id;
    private final String name;
    private final Tablet tablet;

    Table(Engine engine, long id, String name, Tablet tablet) {
        this.engine = engine;
        this.id = id;
        this.name = name;
        this.tablet = tablet;
    }

    /** Unique in its engine, never used again. */
    public long id() {
        return id;
    }

    public String name() {
        return name;
    }

    public Schema schema() {
        return tablet.schema();
    }

    /** An empty batch of operations on this table. Fill, commit, and fill it again: it keeps its memory. */
    public WriteBatch newBatch() {
        engine.throwIfClosed();
        return new WriteBatch(engine, this);
    }

    /** Describes a scan of this table; {@link ScanBuilder#open} starts it. */
    public ScanBuilder scan() {
        engine.throwIfClosed();
        return new ScanBuilder(engine, this);
    }

    /** Writes the rows that are in memory now to disk as columns; complete when they are there. */
    public CompletableFuture<Void> flush() {
        engine.throwIfClosed();
        return engine.maintenance().flush(tablet);
    }

    /** Newest time that a scan can read without waiting: everything acknowledged is at or below it. */
    public long latest() {
        return tablet.visible();
    }

    /**
     * Rowsets that could not be read when the engine was opened. Scans and writes whose keys may be in one of them are
     * refused; {@link ScanBuilder#allowPartial} scans without them.
     */
    public List<MissingRowSet> missingRowSets() {
        return tablet.missingRowSets();
    }

    /** What is stored for this table now, missing rowsets left out. */
    public TableStatistics statistics() {
        return new TableStatistics(tablet.rowCount(), tablet.memoryBytes(), tablet.rowSetCount(), tablet.diskBytes());
    }

    Tablet tablet() {
        return tablet;
    }
}
