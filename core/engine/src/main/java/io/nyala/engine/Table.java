package io.nyala.engine;

import io.nyala.catalog.TableDescription;
import io.nyala.catalog.TabletPlace;
import io.nyala.maintenance.TabletExplanation;
import io.nyala.maintenance.TabletUpkeep;
import io.nyala.memory.Check;
import io.nyala.partition.PartitionMap;
import io.nyala.rows.KeyRange;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.table.HostedTablet;
import io.nyala.table.KeyPieces;
import io.nyala.table.ScanPlan;
import io.nyala.table.TableDroppedException;
import io.nyala.table.TableHost;
import io.nyala.table.TableState;
import io.nyala.table.TableStatistics;
import io.nyala.table.TabletStatistics;
import io.nyala.tablet.MissingRowSet;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletView;
import io.nyala.time.HybridTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A table of an open engine: rows in one tablet, or spread over many by hash and by range.
 *
 * <p>Thread-safe. Batches and scans made from it belong to one thread each, and must be closed before the engine. When
 * the table is dropped, those that are under way end well, and new ones are refused.
 */
public final class Table {
    private final Engine engine;
    private final long id;
    private volatile TableState state;
    private volatile boolean isPaused;
    private volatile @Nullable RuntimeException doubt;
    private final AtomicInteger batchCount = new AtomicInteger(); // Of those under way.

    Table(Engine engine, TableState state) {
        this.engine = engine;
        this.id = state.entry().id();
        this.state = state;
    }

    /** Unique in its engine, never used again. */
    public long id() {
        return id;
    }

    public String name() {
        return state.description().name();
    }

    /** As the host program calls it; may be empty. */
    public String owner() {
        return state.description().owner();
    }

    /** For people; may be empty. */
    public String comment() {
        return state.description().comment();
    }

    /** How long old versions of rows are kept, or {@link TableDescription#HISTORY_FOREVER}. */
    public long historySecondsMax() {
        return state.description().historySecondsMax();
    }

    /**
     * What the host program notes of the table, by name. The engine minds two, by which Kudu's clients say how rowsets
     * are merged by themselves: {@code kudu.table.disable_compaction} (1: not at all) and {@code
     * kudu.table.maintenance_priority} (-5 to 5: after those of other tables, or before them).
     */
    public SortedMap<String, String> settings() {
        return state.description().settings();
    }

    public Schema schema() {
        return state.schema();
    }

    /** How rows are spread over the tablets, now. */
    public PartitionMap partitions() {
        return state.map();
    }

    /** Its tablets, in the order of the partitions of {@link #partitions}. */
    public List<TabletPlace> tablets() {
        return state.tablets().stream().map(HostedTablet::place).toList();
    }

    /** Whether the tablet of that id is one of them still. */
    public boolean hasTablet(long id) {
        List<HostedTablet> present = state.tablets();
        for (int i = 0; i < present.size(); i++) {
            if (present.get(i).id() == id) {
                return true;
            }
        }
        return false;
    }

    /** An empty batch of operations on this table. Fill, commit, and fill it again: it keeps its memory. */
    public WriteBatch newBatch() {
        engine.throwIfClosed();
        present();
        return new WriteBatch(engine, this);
    }

    /** Describes changes of this table; {@link AlterTable#commit} makes them. */
    public AlterTable alter() {
        engine.throwIfClosed();
        present();
        return new AlterTable(engine, this);
    }

    /**
     * Gives the state of now a name. It can be read ({@link ScanBuilder#asOf}), and what changed since
     * ({@link ScanBuilder#changedSince}), until {@link #dropSnapshot}, also after a restart: history is kept from then
     * on, however old it becomes, and takes space. Answers its hybrid time.
     *
     * @throws IllegalArgumentException if there is one of that name, or too many
     */
    public long createSnapshot(String name) {
        return keep(name, state -> ScanPlan.toKeep(engine.host(), state, ScanSpec.all(schema(), 0), engine.now()));
    }

    /**
     * As above, of the state at a hybrid time that can be read.
     *
     * @throws io.nyala.table.AncientSnapshotException if it cannot be read any more
     */
    public long createSnapshot(String name, long timestamp) {
        Check.inRange("hybrid time of a snapshot", timestamp, 1, Long.MAX_VALUE);
        ScanSpec spec = ScanSpec.all(schema(), timestamp);
        return keep(name, state -> ScanPlan.at(engine.host(), state, state.tablets(), spec));
    }

    /** The plan holds the history until the snapshot does, and nothing changes any more at or before its time. */
    private long keep(String name, Function<TableState, ScanPlan> planning) {
        engine.callBegins();
        ScanPlan plan = null;
        try {
            plan = read(planning);
            long time = plan.spec().snapshot();
            changeSnapshots(snapshots -> {
                Long before = snapshots.putIfAbsent(name, time);
                if (before != null) {
                    throw new IllegalArgumentException("table \"" + name() + "\" has a snapshot \"" + name
                            + "\" already, of " + HybridTime.format(before) + "; drop it first, or take another name");
                }
            });
            return time;
        } finally {
            if (plan != null) {
                plan.letGo(engine.host());
            }
            engine.callEnds();
        }
    }

    /**
     * Forgets a named snapshot: from now on its history is kept as long as the table says, and no longer.
     *
     * @throws IllegalArgumentException if there is none of that name
     */
    public void dropSnapshot(String name) {
        changeSnapshots(snapshots -> {
            if (snapshots.remove(name) == null) {
                throw noSnapshot(name, snapshots);
            }
        });
    }

    private void changeSnapshots(Consumer<SortedMap<String, Long>> change) {
        engine.alter(
                this,
                steps -> steps.describe(description -> {
                    SortedMap<String, Long> snapshots = new TreeMap<>(description.snapshots());
                    change.accept(snapshots);
                    return description.withSnapshots(snapshots);
                }));
    }

    /** Hybrid times of the named snapshots. */
    public SortedMap<String, Long> snapshots() {
        return state.description().snapshots();
    }

    long snapshot(String name) {
        Long time = snapshots().get(name);
        if (time == null) {
            throw noSnapshot(name, snapshots());
        }
        return time;
    }

    private IllegalArgumentException noSnapshot(String name, SortedMap<String, Long> snapshots) {
        return new IllegalArgumentException("table \"" + name() + "\" has no snapshot \"" + name + "\"; it has "
                + (snapshots.isEmpty() ? "none" : String.join(", ", snapshots.keySet())));
    }

    /** Describes a scan of this table; {@link ScanBuilder#open} starts it. */
    public ScanBuilder scan() {
        engine.throwIfClosed();
        present();
        return new ScanBuilder(engine, this);
    }

    /**
     * For rows by their keys: it is made once, and used for as many keys as a thread likes. It yields these columns, in
     * this order; all of them if none is named.
     *
     * @throws EngineLimitException if too many scans and look-ups are open
     */
    public Lookup lookup(String... columns) {
        engine.throwIfClosed();
        present();
        return Lookup.open(engine, this, columns);
    }

    /** Writes the rows that are in memory now to disk as columns; complete when they are there. */
    public CompletableFuture<Void> flush() {
        engine.throwIfClosed();
        List<CompletableFuture<Void>> flushes = new ArrayList<>();
        for (HostedTablet tablet : present().tablets()) {
            flushes.add(engine.maintenance().flush(tablet.tablet()));
        }
        return flushes.size() == 1
                ? flushes.getFirst()
                : CompletableFuture.allOf(flushes.toArray(CompletableFuture<?>[]::new));
    }

    /**
     * Merges rowsets on disk until hardly a key lies in the range of two, and few changes lie beside their rows;
     * complete when nothing more is worth it, with what should have been merged and could not be. Rows are read and
     * written meanwhile as always. What is in memory stays there: {@link #flush} before it takes part.
     */
    public CompletableFuture<List<TabletUpkeep.Left>> compact() {
        return ofTablets(_ -> true, TabletUpkeep::compact);
    }

    /** As {@link #compact()}, of one tablet; nothing happens if the table has it no more. */
    public CompletableFuture<List<TabletUpkeep.Left>> compact(long tabletId) {
        return ofTablets(id -> id == tabletId, TabletUpkeep::compact);
    }

    private CompletableFuture<List<TabletUpkeep.Left>> ofTablets(
            LongPredicate isOne, Function<TabletUpkeep, CompletableFuture<List<TabletUpkeep.Left>>> work) {
        engine.throwIfClosed();
        List<CompletableFuture<List<TabletUpkeep.Left>>> all = present().tablets().stream()
                .filter(tablet -> isOne.test(tablet.id()))
                .map(tablet -> work.apply(new TabletUpkeep(engine.maintenance(), tablet.tablet())))
                .toList();
        return CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new))
                .thenApply(
                        _ -> all.stream().flatMap(left -> left.join().stream()).toList());
    }

    /**
     * Gives up all history now, whatever the table says of its age, but for what its named snapshots keep: files are
     * written anew without it and without rows that are deleted, one after the other, and space comes back; complete
     * when that is done, with those that could not be. What was at a time before this call can be read by scans that
     * are under way, and by no others. What is in memory stays there, as for {@link #compact}.
     */
    public CompletableFuture<List<TabletUpkeep.Left>> vacuum() {
        return ofTablets(_ -> true, TabletUpkeep::vacuum);
    }

    /** As {@link #vacuum()}, of one tablet; nothing happens if the table has it no more. */
    public CompletableFuture<List<TabletUpkeep.Left>> vacuum(long tabletId) {
        return ofTablets(id -> id == tabletId, TabletUpkeep::vacuum);
    }

    /**
     * The newest time at which anything changed: every change that was acknowledged is at or below it. After a restart
     * it may be below the times of batches that changed nothing. Between it and those nothing has happened, nor ever
     * will, so that all of them are the same snapshot.
     */
    public long latest() {
        return state.latest();
    }

    /**
     * Rowsets that could not be read when the engine was opened. Scans and writes whose keys may be in one of them are
     * refused; {@link ScanBuilder#allowPartial} scans without them.
     */
    public List<MissingRowSet> missingRowSets() {
        List<MissingRowSet> missing = new ArrayList<>();
        state.tablets().forEach(tablet -> missing.addAll(tablet.tablet().missingRowSets()));
        return missing;
    }

    /** What is stored for this table now, missing rowsets left out. */
    public TableStatistics statistics() {
        return TableStatistics.of(state.tablets().stream()
                .map(tablet -> TabletStatistics.of(tablet, engine.host()))
                .toList());
    }

    /** What one of its tablets has and does now; empty if it has none of that id any more. */
    public Optional<TabletView> view(long tabletId) {
        return look(tabletId, Tablet::view);
    }

    /** Of tablets in the order of {@link #tablets}, from one index to before another; dropped ones are left out. */
    public List<TabletView> views(int from, int to) {
        engine.callBegins();
        try {
            List<HostedTablet> all = state.tablets();
            int end = Math.min(to, all.size());
            return all.subList(Math.min(from, end), end).stream()
                    .flatMap(tablet -> tablet.look(engine.host(), Tablet::view).stream())
                    .toList();
        } finally {
            engine.callEnds();
        }
    }

    /**
     * Of each tablet how its rowsets lie, what is merged next, and what is done about it, in the order of {@link
     * #tablets}; of dropped ones nothing.
     */
    public List<TabletExplanation> explain() {
        engine.callBegins();
        try {
            return state.tablets().stream()
                    .flatMap(tablet -> tablet.look(engine.host(), engine.maintenance()::explain).stream())
                    .toList();
        } finally {
            engine.callEnds();
        }
    }

    /** As {@link #explain()}, of one of its tablets; empty if it has none of that id any more. */
    public Optional<TabletExplanation> explain(long tabletId) {
        return look(tabletId, engine.maintenance()::explain);
    }

    /** The rowsets of one of its tablets that can be read, in no particular order; empty if it is gone. */
    public List<RowSetEntry> rowSets(long tabletId) {
        return look(tabletId, TabletView::rowSets).orElse(List.of());
    }

    /**
     * A range of encoded keys of one tablet in pieces of about so many bytes on disk and in memory, for scans that
     * share it ({@link ScanBuilder#keys}); empty if the tablet is gone. See {@link KeyPieces}.
     *
     * @param columnIds of the columns whose bytes count; none for all, and all that is kept beside them
     */
    public Optional<List<KeyPieces.Piece>> pieces(long tabletId, KeyRange keys, int[] columnIds, long targetBytes) {
        return look(tabletId, tablet -> KeyPieces.of(tablet, keys, columnIds, targetBytes));
    }

    private <T> Optional<T> look(long tabletId, Function<Tablet, T> looking) {
        engine.callBegins();
        try {
            return state.tablets().stream()
                    .filter(tablet -> tablet.id() == tabletId)
                    .findFirst()
                    .flatMap(tablet -> tablet.look(engine.host(), looking));
        } finally {
            engine.callEnds();
        }
    }

    /** Whether it was dropped; it may be recalled. */
    public boolean isDropped() {
        return state.entry().isDropped();
    }

    TableState state() {
        return state;
    }

    /** The state of a table that can be used. */
    TableState present() {
        TableState present = state;
        if (present.entry().isDropped()) {
            throw new TableDroppedException("table \"" + present.description().name() + "\" was dropped");
        }
        return present;
    }

    /** Reads the table as it is: once more if it has become another one in between. */
    @SuppressWarnings("ReferenceEquality") // Each change makes a new state.
    <T> T read(Function<TableState, T> reading) {
        while (true) {
            TableState seen = present();
            try {
                return reading.apply(seen);
            } catch (TableDroppedException e) {
                if (state == seen) {
                    throw e;
                }
            }
        }
    }

    void become(TableState newState) {
        state = newState;
    }

    // ---- Batches, and what they must not meet ----

    /** A batch begins; waits while the table is altered. {@link #batchEnds} follows, unless it throws. */
    TableState batchBegins(TableHost host) {
        while (true) {
            if (isPaused) {
                host.await(() -> !isPaused);
            }
            batchCount.incrementAndGet();
            if (!isPaused) {
                break;
            }
            batchEnds(host);
        }
        boolean isPresent = false;
        try {
            TableState present = present();
            throwIfInDoubt();
            isPresent = true;
            return present;
        } finally {
            if (!isPresent) {
                batchEnds(host);
            }
        }
    }

    /**
     * A change of the table has failed, and nobody knows before the next open whether it holds. What was acknowledged
     * from now on could be lost with the columns or ranges that it was for: no batch begins any more.
     */
    void inDoubt(RuntimeException reason) {
        doubt = reason;
    }

    private void throwIfInDoubt() {
        RuntimeException reason = doubt;
        if (reason != null) {
            throw reason; // Of the storage log: it says what failed, and to open the engine again.
        }
    }

    void batchEnds(TableHost host) {
        if (batchCount.decrementAndGet() == 0 && isPaused) {
            host.announce();
        }
    }

    /** New batches wait from now on; answers when those under way have ended. {@link #goOn} follows. */
    void pause(TableHost host) {
        isPaused = true;
        host.await(() -> batchCount.get() == 0);
    }

    void goOn(TableHost host) {
        isPaused = false;
        host.announce();
    }
}
