package io.nyala.engine;

import io.nyala.catalog.TableEntry;
import io.nyala.catalog.TabletEntry;
import io.nyala.catalog.TabletPlace;
import io.nyala.compaction.WritePace;
import io.nyala.io.Parking;
import io.nyala.memory.Check;
import io.nyala.record.RequestResults;
import io.nyala.rows.Schema;
import io.nyala.table.HostedTablet;
import io.nyala.tablet.LiveRowSet;
import io.nyala.tablet.MissingRowSet;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletConfig;
import io.nyala.tablet.TabletRecovery;
import io.nyala.tablet.WriterAgent;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The tablets of an open engine: recovers them, makes new ones, and spreads them over the writers.
 *
 * <pre>{@code
 *   recover: rowsets opened -> log replayed -> started        prepare: memory taken -> edit durable -> started
 *   leave: hidden from all -> last user ended -> left its writer -> closed, files deleted
 * }</pre>
 *
 * <p>{@link #all} and {@link #existing} are for any thread, the rest for one at a time.
 */
final class Tablets implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Tablets.class.getName());

    /** Of its own, for programs that show these lines and no others. */
    private static final Logger PROGRESS = System.getLogger(Tablets.class.getPackageName() + ".progress");

    private final OpenEngine engine;
    private final List<WriterAgent> writers;
    private final Map<Long, TabletRecovery> recoveries = new LinkedHashMap<>();
    private final Map<Long, HostedTablet> open = new ConcurrentHashMap<>();
    private final Queue<Leaving> leaving = new ConcurrentLinkedQueue<>();
    private int nextWriter;

    /** Why the last one of dropped tablets was not closed whole; null if all were. */
    private volatile @Nullable RuntimeException closeFailure;

    /** A tablet on its way down. Of maintenance, of which a worker that hung may come back beside its successor. */
    private static final class Leaving {
        private final HostedTablet tablet;
        private final boolean isDeleted;
        private final AtomicBoolean isAsked = new AtomicBoolean();
        private volatile boolean hasLeft;

        Leaving(HostedTablet tablet, boolean isDeleted) {
            this.tablet = tablet;
            this.isDeleted = isDeleted;
        }

        /** A worker has rowsets of it still, which it gives up soon. */
        boolean isMerging() {
            return tablet.tablet().merging().isInUse();
        }
    }

    /** Lines for who waits for much work: one every few seconds, and none where it is quick. One thread. */
    static final class Progress {
        static final long LINE_NANOS = TimeUnit.SECONDS.toNanos(5);

        private final LongSupplier nanoTime;
        private final Consumer<String> told;
        private final LongFunction<String> line;
        private long toldNanos;
        private long done;

        /** @param line what is said of so much */
        Progress(LongSupplier nanoTime, Consumer<String> told, LongFunction<String> line) {
            this.nanoTime = nanoTime;
            this.told = told;
            this.line = line;
            this.toldNanos = nanoTime.getAsLong();
        }

        /** Into the log. */
        static Progress of(LongFunction<String> line) {
            return new Progress(System::nanoTime, text -> PROGRESS.log(Level.INFO, text), line);
        }

        /** Of that many tablets. */
        static Progress of(String before, long tablets, String after) {
            return of(done -> String.format(Locale.ROOT, "%s%,d of %,d tablets %s", before, done, tablets, after));
        }

        void one() {
            at(done + 1);
        }

        void at(long newDone) {
            done = newDone;
            long now = nanoTime.getAsLong();
            if (now - toldNanos >= LINE_NANOS) {
                toldNanos = now;
                told.accept(line.apply(done));
            }
        }
    }

    Tablets(OpenEngine engine, int writerCount) {
        this.engine = engine;
        this.writers = IntStream.range(0, writerCount)
                .mapToObj(i -> writerCount == 1 ? "writer" : "writer-" + i)
                .map(name -> new WriterAgent(name, Parking.ofThread(), engine::micros))
                .toList();
    }

    /** Opens the rowsets of all tablets. */
    void recover() {
        Progress progress =
                Progress.of("opening: rowsets of ", count(engine.storage().tables()), "are open");
        for (TableEntry table : engine.storage().tables()) {
            for (TabletPlace place : table.tablets()) {
                recoveries.put(
                        place.id(),
                        recover(table.name(), place.id(), table.description().schema()));
                progress.one();
            }
        }
    }

    private static long count(List<TableEntry> tables) {
        return tables.stream().mapToLong(table -> table.tablets().size()).sum();
    }

    /** Opens those for writes that were recovered. */
    void startAll() {
        List<TableEntry> tables = engine.storage().tables();
        Progress progress = Progress.of("opening: ", count(tables), "take writes");
        long done = 0;
        for (TableEntry table : tables) {
            done += start(table.tablets()).size();
            progress.at(done);
        }
    }

    /**
     * Opens the rowsets of tablets once more, as those of a later schema: their rows are all on disk, and nobody writes
     * to them. What was opened until it throws is to be discarded, and answers are to be taken back.
     */
    void reopen(String table, List<HostedTablet> tablets, Schema schema) {
        for (HostedTablet hosted : tablets) {
            TabletRecovery recovery = recover(table, hosted.id(), schema);
            recoveries.put(hosted.id(), recovery);
            recovery.startAbove(hosted.tablet().visible());
            takeAnswers(hosted.tablet(), recovery);
            int missing = hosted.tablet().missingRowSets().size();
            if (recovery.missingRowSets().size() > missing) { // It was read well until now.
                throw recovery.missingRowSets().getLast().cause();
            }
        }
    }

    /** What named requests were answered is the tablet's whatever its schema. */
    private void takeAnswers(Tablet tablet, TabletRecovery target) {
        var asked = new AtomicReference<Optional<CompletableFuture<@Nullable RequestResults>>>(Optional.empty());
        engine.await(() -> {
            asked.set(tablet.handOverAnswers());
            return asked.get().isPresent();
        });
        CompletableFuture<@Nullable RequestResults> answers = asked.get().orElseThrow();
        engine.await(answers::isDone);
        if (answers.isCompletedExceptionally()) {
            throw new IllegalStateException(
                    "the table is not changed, because its writer has ended: "
                            + answers.exceptionNow().getMessage(),
                    answers.exceptionNow());
        }
        target.startWith(answers.join(), tablet.neededFrom());
    }

    private TabletRecovery recover(String table, long tabletId, Schema schema) {
        TabletEntry entry = engine.storage().tablet(tabletId);
        List<LiveRowSet> rowSets = new ArrayList<>();
        List<MissingRowSet> missing = new ArrayList<>();
        try {
            for (RowSetEntry rowSet : entry.rowSets()) {
                try {
                    rowSets.add(open(tabletId, rowSet, schema));
                } catch (RuntimeException e) {
                    Path path = engine.storage().path(rowSet.fileId());
                    missing.add(setAside(table, new MissingRowSet(tabletId, schema, path, rowSet, e), e));
                }
            }
            var recovery = new TabletRecovery(config(tabletId, schema), rowSets, missing, entry.appliedUpTo());
            recovery.leftOut(entry.mergedUpTo(), entry.historyMark());
            return recovery;
        } catch (RuntimeException e) {
            rowSets.forEach(LiveRowSet::close);
            throw e;
        }
    }

    private LiveRowSet open(long tabletId, RowSetEntry rowSet, Schema schema) {
        return engine.files()
                .open(
                        fileId -> engine.rowSetFile(tabletId, fileId),
                        rowSet,
                        schema,
                        engine.memory().changes());
    }

    /** A rowset that is damaged or gone is set aside, and all else serves. It stays in the storage log. */
    private static MissingRowSet setAside(String table, MissingRowSet rowSet, RuntimeException reason) {
        if (!MissingRowSet.isCause(reason)) {
            throw reason; // Says nothing about the file, or is of another version, where nothing is wrong with it.
        }
        LOG.log(
                Level.ERROR,
                "set aside: {0} of table \"{1}\": {2}; `nyala verify {3}` says what is damaged",
                rowSet,
                table,
                reason.getMessage(),
                rowSet.file());
        return rowSet;
    }

    /** A tablet on its way up, or null if there is none of that id. */
    @Nullable
    TabletRecovery recovery(long id) {
        return recoveries.get(id);
    }

    /** Changes of rows that only the log had. */
    long changesReplayed() {
        return recoveries.values().stream()
                .mapToLong(TabletRecovery::changesReplayed)
                .sum();
    }

    /** Time of the newest change that was found in any tablet. */
    long newestTime() {
        return recoveries.values().stream()
                .mapToLong(TabletRecovery::newestTime)
                .max()
                .orElse(0);
    }

    /** Takes what new tablets need in memory: one that exists but cannot be opened would be in the way. */
    void prepare(List<TabletPlace> places, Schema schema) {
        try {
            for (TabletPlace place : places) {
                recoveries.put(place.id(), new TabletRecovery(config(place.id(), schema), List.of(), List.of(), 0));
            }
        } catch (RuntimeException e) {
            discard(places);
            throw e;
        }
    }

    /** Gives back what {@link #prepare} took. */
    void discard(List<TabletPlace> places) {
        for (TabletPlace place : places) {
            TabletRecovery recovery = recoveries.remove(place.id());
            if (recovery != null) {
                recovery.close();
            }
        }
    }

    /** Opens tablets for writes that were recovered or prepared. */
    List<HostedTablet> start(List<TabletPlace> places) {
        List<HostedTablet> started = new ArrayList<>();
        for (TabletPlace place : places) {
            TabletRecovery recovery = recoveries.remove(place.id());
            if (recovery == null) {
                throw new IllegalStateException("tablet " + place.id() + " was not made ready");
            }
            WriterAgent writer = writers.get(nextWriter++ % writers.size());
            var tablet = new HostedTablet(place, recovery.start(engine.log(), writer));
            open.put(place.id(), tablet);
            Check.that(
                    tablet.pin(engine.storage().snapshots(place.id())),
                    "history of a named snapshot was given up"); // Before anything may be merged.
            engine.maintenance().attach(tablet.tablet());
            started.add(tablet);
        }
        return started;
    }

    /** Nobody is to use the tablet from now on; it is taken down when those have ended who do. */
    void leave(HostedTablet tablet, boolean isDeleted) {
        open.remove(tablet.id(), tablet);
        engine.maintenance().detach(tablet.tablet(), tablet.droppedReason());
        leaving.add(new Leaving(tablet, isDeleted));
        tablet.drop();
        engine.wakeMaintenance();
    }

    /** Takes down what can be. Does not wait: the writer wakes maintenance, and so does the last who used a tablet. */
    void takeDown() {
        for (Leaving next : List.copyOf(leaving)) {
            if (next.hasLeft) {
                if (leaving.remove(next)) {
                    close(next);
                }
            } else if (next.tablet.isFree() && !next.isMerging() && !next.isAsked.getAndSet(true)) {
                boolean isAsked = next.tablet.tablet().leave(() -> {
                    next.hasLeft = true;
                    engine.wakeMaintenance();
                });
                next.isAsked.set(isAsked);
            }
        }
    }

    /** Nobody reads it any more: one that cannot be closed is no reason to end all maintenance. */
    private void close(Leaving gone) {
        List<Path> files = gone.isDeleted ? gone.tablet.tablet().files() : List.of();
        try {
            gone.tablet.tablet().close();
        } catch (RuntimeException e) {
            var failure = new IllegalStateException(
                    "tablet " + gone.tablet.id() + ", which was dropped or changed, could not be closed; what it has"
                            + " left open stays so until the engine is opened again, all else goes on: "
                            + e.getMessage(),
                    e);
            closeFailure = failure;
            LOG.log(Level.ERROR, failure.getMessage(), e);
        }
        for (Path file : files) {
            try {
                if (engine.disk().exists(file)) {
                    engine.disk().delete(file);
                }
            } catch (RuntimeException e) {
                LOG.log(
                        Level.WARNING,
                        "{0} of a dropped table is deleted at the next start: {1}",
                        file,
                        e.getMessage());
            }
        }
    }

    /** Why the last one of dropped tablets was not closed whole, if any was not. Any thread. */
    Optional<RuntimeException> closeFailure() {
        return Optional.ofNullable(closeFailure);
    }

    private TabletConfig config(long tabletId, Schema schema) {
        return new TabletConfig(
                tabletId,
                schema,
                engine.memory().rows(),
                engine.config().flushBytes(),
                engine.clock(),
                engine::wakeMaintenance,
                engine.config().automaticMerges() ? engine.config().slowdownHeight() : WritePace.NEVER,
                engine.answers());
    }

    /** Those that are open for writes. */
    Collection<HostedTablet> all() {
        return open.values();
    }

    /** Those that are open for writes, themselves. */
    List<Tablet> open() {
        return open.values().stream().map(HostedTablet::tablet).toList();
    }

    /** One that is open for writes. */
    HostedTablet existing(long id) {
        HostedTablet tablet = open.get(id);
        if (tablet == null) {
            throw new IllegalStateException("tablet " + id + " is not open");
        }
        return tablet;
    }

    List<WriterAgent> writers() {
        return writers;
    }

    /** After the writers have stopped, and with no reader left. */
    @Override
    public void close() {
        var closers = new Resources();
        List<Runnable> all = new ArrayList<>();
        recoveries.values().forEach(recovery -> all.add(recovery::close));
        open.values().forEach(tablet -> all.add(tablet.tablet()::close));
        leaving.forEach(gone -> all.add(gone.tablet.tablet()::close));
        Progress progress = Progress.of("closing: ", all.size(), "are closed");
        all.forEach(each -> {
            closers.add(progress::one);
            closers.add(each);
        });
        recoveries.clear();
        open.clear();
        leaving.clear();
        closers.close();
    }
}
