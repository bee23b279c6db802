package io.nyala.engine;

import io.nyala.catalog.TableChange;
import io.nyala.io.Disk;
import io.nyala.io.Disks;
import io.nyala.io.HugePageSource;
import io.nyala.maintenance.Maintenance;
import io.nyala.memory.AccountUsage;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryLeakException;
import io.nyala.rows.Schema;
import io.nyala.table.ScanPlan;
import io.nyala.table.ScanToken;
import io.nyala.table.TableDroppedException;
import io.nyala.table.TableHost;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Tables in one directory: the way in for a program that embeds the engine.
 *
 * <pre>{@code
 * try (Engine engine = Engine.open(EngineConfig.in(Path.of("data")))) {
 *     Table table = engine.createTable("metrics", schema);
 *     ...
 * }
 * }</pre>
 *
 * <p><b>Threads</b>: an engine and its tables are for any number of threads; a batch or a scan is for one. The engine
 * has a few threads of its own between {@link #open} and {@link #close}, which sleep when there is nothing to do.
 *
 * <p><b>Memory</b>: all native memory comes from one budget of {@link EngineConfig#memoryBytes}; {@link #close} gives
 * all of it back, and fails by name if a batch or scan is still open.
 *
 * <p><b>Several engines</b> may live in one process, in different directories; a directory is locked while it is open.
 */
public final class Engine implements AutoCloseable {
    private static final ScopedValue<Runnable> WANTED = ScopedValue.newInstance();

    private static final Logger LOG = System.getLogger(Engine.class.getName());

    /** Scans of an engine; each has native memory and keeps its tablets open. */
    public static final int OPEN_SCANS_MAX = 4096;

    private final OpenEngine parts;
    private final @Nullable Disk ownDisk;
    private final Tables tables;
    private final AtomicInteger callsInFlight = new AtomicInteger();
    private final AtomicInteger openScans = new AtomicInteger();
    private final Map<AutoCloseable, OpenRead> reads = new ConcurrentHashMap<>(); // Scans and look-ups that are open.
    private volatile boolean isClosed;

    /**
     * Opens the directory of {@code config}, creating what is missing, and recovers what was acknowledged.
     *
     * @throws io.nyala.io.DirectoryLockedException if another engine has it open
     * @throws EngineOpenException if it cannot be opened: what, where, what to do
     */
    public static Engine open(EngineConfig config) {
        RuntimeChecks.require();
        RuntimeChecks.warnings().forEach(warning -> LOG.log(Level.WARNING, warning));
        Disk disk = Disks.named(config.disk());
        LOG.log(Level.INFO, "opening {0} on {1}", config.directory(), disk.description());
        var environment = new EngineEnvironment(
                disk,
                () -> TimeUnit.MILLISECONDS.toMicros(System.currentTimeMillis()),
                HugePageSource.orJdk(),
                new ThreadHost("nyala-"));
        try {
            return new Engine(OpenEngine.open(config, environment, EngineCounters::mapped), disk).opened();
        } catch (RuntimeException e) {
            disk.close();
            throw e;
        }
    }

    /** Opens an engine in a world of the caller's making; its disk stays the caller's. */
    public static Engine open(EngineConfig config, EngineEnvironment environment) {
        return new Engine(OpenEngine.open(config, environment, _ -> EngineCounters.inMemory()), null).opened();
    }

    /** How what is open is ended by the engine, and what it is called. */
    private record OpenRead(Runnable end, Supplier<String> description) {}

    private Engine(OpenEngine parts, @Nullable Disk ownDisk) {
        this.parts = parts;
        this.ownDisk = ownDisk;
        this.tables = new Tables(this, parts);
    }

    private Engine opened() {
        try {
            tables.purgeExpired();
            return this;
        } catch (RuntimeException e) {
            try {
                parts.close(); // Its disk is closed by who opened it.
            } catch (RuntimeException suppressed) {
                e.addSuppressed(suppressed);
            }
            throw e;
        }
    }

    /**
     * Makes a new, empty table of one tablet. It exists, durably, when this returns.
     *
     * @throws TableExistsException if there is one of that name
     */
    public Table createTable(String name, Schema schema) {
        return createTable(TableSpec.of(name, schema));
    }

    /**
     * Makes a new, empty table. It exists with all its tablets, durably, when this returns; if the process ends before
     * that, it exists with all of them or not at all.
     *
     * @throws TableExistsException if there is one of that name
     * @throws EngineLimitException if there is no room for it
     */
    public Table createTable(TableSpec spec) {
        return changed(() -> tables.create(spec));
    }

    /** The table of that name, if there is one. */
    public Optional<Table> table(String name) {
        throwIfClosed();
        return tables.named(name);
    }

    /** The table of that id, if there is one; it may be a dropped one that can be recalled. */
    public Optional<Table> table(long id) {
        throwIfClosed();
        return tables.ofId(id);
    }

    /** All tables that are not dropped, by name. */
    public List<Table> tables() {
        throwIfClosed();
        return tables.all();
    }

    /**
     * Ends a table, for good: when this returns there is none of that name, and its files are deleted as soon as the
     * scans under way have ended.
     *
     * @throws TableNotFoundException if there is none
     */
    public void dropTable(String name) {
        dropTable(name, Duration.ZERO);
    }

    /**
     * Hides a table. Its name is free, and for a while {@link #recallTable} brings it back with all its rows; after
     * that it is ended by the next change of the catalog, or the next {@link #open}.
     *
     * @param recallable up to 2^32 - 1 seconds; zero ends it at once
     * @throws TableNotFoundException if there is none
     */
    public void dropTable(String name, Duration recallable) {
        change(() -> tables.drop(name, recallable));
    }

    /**
     * As {@link #dropTable(String, Duration)}, whatever its name is by now.
     *
     * @throws TableNotFoundException if there is none of that id, or if it was dropped already
     */
    public void dropTable(long id, Duration recallable) {
        change(() -> tables.drop(id, recallable));
    }

    /** Tables that were dropped and can be recalled, in the order of their creation. */
    public List<Table> droppedTables() {
        throwIfClosed();
        return tables.dropped();
    }

    /**
     * Brings a dropped table back under its old name.
     *
     * @throws TableNotFoundException if there is none of that id
     * @throws TableExistsException if another table has its name by now
     */
    public Table recallTable(long id) {
        return changed(() -> tables.recall(id, null));
    }

    /** As {@link #recallTable(long)}, under another name. */
    public Table recallTable(long id, String newName) {
        return changed(() -> tables.recall(id, newName));
    }

    /**
     * Ends a dropped table before its time.
     *
     * @throws TableNotFoundException if there is none of that id
     */
    public void purgeTable(long id) {
        change(() -> tables.purge(id));
    }

    void alter(Table table, Consumer<TableChange> steps) {
        change(() -> tables.alter(table, steps));
    }

    private void change(Runnable change) {
        callBegins();
        try {
            change.run();
        } finally {
            callEnds();
        }
    }

    private Table changed(Supplier<Table> change) {
        callBegins();
        try {
            return change.get();
        } finally {
            callEnds();
        }
    }

    /**
     * Writes what is in memory of all tables to disk, also of dropped ones that can be recalled; complete when it is
     * there. If nothing is written meanwhile, the next {@link #open} has nothing to replay.
     */
    public CompletableFuture<Void> flush() {
        callBegins();
        try {
            return CompletableFuture.allOf(tables.flush().toArray(CompletableFuture<?>[]::new));
        } finally {
            callEnds();
        }
    }

    /** Hybrid time now; a scan at it sees everything acknowledged before the call. */
    public long now() {
        throwIfClosed();
        return parts.clock().now();
    }

    /**
     * Takes note of a hybrid time that came from another host: what happens here from now on happens after it.
     *
     * @throws IllegalArgumentException if it is more than 10 s ahead of this host's clock
     */
    public void observe(long time) {
        throwIfClosed();
        parts.clock().observe(time);
    }

    /** As {@link #now}, also for a call that was under way when the engine was closed. */
    long time() {
        return parts.clock().now();
    }

    /** Native memory in use, by what it is used for. */
    public List<AccountUsage> memoryUsage() {
        return parts.memory().usage();
    }

    /** Most native memory in use at any moment since the engine was opened, in bytes. */
    public long memoryBytesPeak() {
        return parts.memory().peakBytes();
    }

    /**
     * What does not work now, and why, the gravest first; empty if all is well. A log that has failed and maintenance
     * that has ended stay so until the engine is opened again; a flush, the clock or a disk without room for the log
     * may work when it is tried again, which to ask brings about for the log.
     */
    public List<RuntimeException> failures() {
        return parts.failures();
    }

    /**
     * Rows inserted, changed or deleted that were in the log only when the engine was opened, and were applied again.
     * None if all tables were flushed before it was closed.
     */
    public long changesReplayed() {
        return parts.changesReplayed();
    }

    /** What it has and does now, for those who watch it: counters read, for which nobody waits. */
    public EngineView view() {
        callBegins();
        try {
            return EngineView.of(parts, openScans.get());
        } finally {
            callEnds();
        }
    }

    /** What the engine does its input and output with, and what is lost by it if it is not the best. */
    public String diskDescription() {
        return parts.disk().description();
    }

    /**
     * Waits for commits under way, then stops the engine's threads, seals its logs and gives all memory back. What was
     * not flushed stays in the log and is found at the next {@link #open}.
     *
     * @throws MemoryLeakException if a batch or a scan is still open: which scans, and since when. Everything is closed
     *     nevertheless, and such a scan goes no further; what its batch holds can be read until it is closed
     */
    @Override
    public void close() {
        synchronized (tables) {
            if (isClosed) {
                return;
            }
            isClosed = true;
        }
        List<String> left = List.of();
        try {
            parts.stopWaiting();
            parts.agents().await(() -> callsInFlight.get() == 0);
            left = endReads();
        } finally {
            try {
                closeParts(left);
            } finally {
                if (ownDisk != null) {
                    ownDisk.close();
                }
            }
        }
    }

    /** What scans have of files and tablets must not outlive those; answers which were open. */
    private List<String> endReads() {
        List<OpenRead> open = List.copyOf(reads.values());
        open.forEach(read -> read.end().run());
        return open.stream().map(read -> read.description().get()).toList();
    }

    private void closeParts(List<String> readsLeft) {
        try {
            parts.close();
        } catch (MemoryLeakException e) {
            throw readsLeft.isEmpty() ? e : Scan.leak(readsLeft, e);
        }
    }

    void throwIfClosed() {
        if (isClosed) {
            throw new EngineClosedException();
        }
    }

    /**
     * A commit or a step of a scan begins, which {@link #close} waits for; {@link #callEnds} follows, whatever happens.
     */
    void callBegins() {
        callsInFlight.incrementAndGet();
        if (isClosed) {
            callEnds();
            throw new EngineClosedException();
        }
    }

    void callEnds() {
        if (callsInFlight.decrementAndGet() == 0 && isClosed) {
            parts.agents().announce(); // To close(), which says that it is closed before it looks at the count.
        }
    }

    /** Identity of the directory, drawn when it was created; tokens carry it. */
    public long hostId() {
        return parts.storage().hostId();
    }

    /** Starts a scan that was planned, and takes the plan over. */
    Scan start(Table table, ScanPlan plan, long limit, boolean allowPartial) {
        boolean isStarted = false;
        try {
            countRead();
            var scan = new Scan(this, table, plan, limit, allowPartial);
            reads.put(scan, new OpenRead(scan::end, scan::describe));
            counters().scanOpened();
            isStarted = true;
            return scan;
        } finally {
            if (!isStarted) {
                openScans.decrementAndGet();
                plan.letGo(parts);
            }
        }
    }

    /** {@link #readClosed} follows, also if it throws. */
    private void countRead() {
        if (openScans.incrementAndGet() > OPEN_SCANS_MAX) {
            throw new EngineLimitException("%,d scans are open, which is the limit; close those that are not needed"
                    .formatted(OPEN_SCANS_MAX));
        }
    }

    /** It counts as a scan until {@link #readClosed}, which follows also if this throws. */
    void opened(Lookup lookup) {
        countRead();
        reads.put(lookup, new OpenRead(lookup::end, lookup::describe));
    }

    void readClosed(AutoCloseable closed) {
        reads.remove(closed);
        openScans.decrementAndGet();
    }

    /**
     * Starts the scan of one tablet that a token describes.
     *
     * @throws TableNotFoundException if there is no such table (any more)
     * @throws TableDroppedException if the tablet was dropped
     * @throws IllegalArgumentException if the token is of another engine, or names columns that were dropped
     */
    public Scan open(ScanToken token) {
        callBegins();
        try {
            if (token.hostId() != hostId()) {
                throw new IllegalArgumentException("a scan token of engine " + Long.toHexString(token.hostId())
                        + " was given to engine " + Long.toHexString(hostId()) + "; open it where it was made");
            }
            Table table = tables.ofId(token.tableId())
                    .orElseThrow(() -> new TableNotFoundException(
                            "there is no table " + token.tableId() + ", of which a scan token was made"));
            ScanPlan plan = table.read(state ->
                    ScanPlan.at(parts, state, List.of(state.tablet(token.tabletId())), token.spec(state.schema())));
            return start(table, plan, token.limit(), token.allowsPartial());
        } finally {
            callEnds();
        }
    }

    TableHost host() {
        return parts;
    }

    EngineCounters counters() {
        return parts.counters();
    }

    AgentHost agents() {
        return parts.agents();
    }

    Maintenance maintenance() {
        return parts.maintenance();
    }

    MemoryAccount batchMemory() {
        return parts.memory().batches();
    }

    MemoryAccount rowSetMemory() {
        return parts.memory().rowSets();
    }

    /** Of scans, and for what a host makes of their results; give it back before the engine ends. */
    public MemoryAccount resultMemory() {
        return parts.memory().scans();
    }

    // ---- Waits that are given up ----

    /**
     * Does something in which a check ends what it waits for on this thread: memory for rows of a batch, the end of a
     * change of the table, a place in a tablet's queue. And the commits that it starts, as long as they wait in such a
     * queue, for memory or for room in the log. What the check throws is the answer, nothing that was waited for is
     * done, and others go on. It runs where waiting begins and ends, and at {@link #lookAtWaits}, also on threads of
     * the engine: it must not wait. What is in the log goes on.
     */
    public static void whileWanted(Runnable check, Runnable action) {
        ScopedValue.where(WANTED, check).run(action);
    }

    /** Runs the checks of all who wait; a host whose checks depend on time calls it now and then. Any thread. */
    public void lookAtWaits() {
        parts.lookAtWaits();
    }

    /** The check of {@link #whileWanted} on this thread, for waits of a host's own; does nothing without one. */
    public static Runnable wanted() {
        return WANTED.orElse(() -> {});
    }
}
