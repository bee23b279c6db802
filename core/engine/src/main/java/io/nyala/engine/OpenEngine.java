package io.nyala.engine;

import io.nyala.catalog.TableDescription;
import io.nyala.cfile.PageCache;
import io.nyala.compaction.CompactionPolicy;
import io.nyala.compaction.Flush;
import io.nyala.compaction.MergePolicy;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.LookupMemory;
import io.nyala.diskrowset.RowSetFile;
import io.nyala.io.Disk;
import io.nyala.io.IoPool;
import io.nyala.io.Parking;
import io.nyala.maintenance.LeadWorker;
import io.nyala.maintenance.Maintenance;
import io.nyala.maintenance.MergeSettings;
import io.nyala.maintenance.MergeWorker;
import io.nyala.maintenance.Wakes;
import io.nyala.memory.MemoryAccount;
import io.nyala.record.AnswerRoom;
import io.nyala.rows.Schema;
import io.nyala.table.TableHost;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletRecovery;
import io.nyala.tablet.WriterAgent;
import io.nyala.time.HybridClock;
import io.nyala.time.HybridTime;
import io.nyala.wal.ParallelReplay;
import io.nyala.wal.Recovery;
import io.nyala.wal.WalConfig;
import io.nyala.wal.WriteAheadLog;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The parts of an open engine, and the order in which they come up:
 *
 * <pre>{@code
 *   lock -> memory -> storage log -> clock -> rowsets -> write-ahead log, replayed into tablets -> writer, maintenance
 * }</pre>
 *
 * They go down in the opposite order, also when opening fails half-way.
 */
final class OpenEngine implements TableHost, AutoCloseable {
    /** Queues for reading; scans and look-ups beyond it wait for one another. */
    private static final int READ_QUEUES_MAX = 64;

    private static final int READ_QUEUE_DEPTH = 64;

    private static final long STORAGE_SEGMENT_BYTES = 1 << 20;

    private static final long MERGE_INPUT_BYTES = 1 << 20; // In memory, with what it leaves for the output.
    private static final int MERGE_INPUTS_MIN = 4;

    /** Of the memory of merges what the delta files may have that become one, and so about what that has. */
    private static final int DELTA_PART = 2;

    /** Of a rowset as large as they become: 8 MiB where there is memory for the largest. */
    private static final int SMALL_PART = 4;

    /**
     * Of a rowset, what nobody can read any more and comes back when it is written again: so each byte that comes back
     * costs the writing of four at most, once in the age to which history is kept.
     */
    private static final double FORGOTTEN_SHARE_MIN = 0.2;

    /** Look-ups in a tablet that is being filled may ask so many rowsets too many. */
    private static final double YOUNG_GAIN_MIN = 3;

    /** A tablet that is flushed all the time is merged all the same, after so many delays. */
    private static final int MERGE_DELAYS_MAX = 6;

    /** Of the segments that the log is kept to: what answers take when all of them are carried forward. */
    private static final long ANSWER_SEGMENTS = Upkeep.LOG_SEGMENTS_MAX / 4;

    private final EngineConfig config;
    private final EngineEnvironment environment;
    private final DirectoryLayout layout;
    private final Resources resources;
    private final EngineCounters counters;
    private final EngineMemory memory;
    private final StorageLog storage;
    private final HostClock clock;
    private final IoPool io;
    private final RowSetFiles files;
    private final BatchMemory batchMemory;
    private final AnswerRoom answers;
    private final Wakes maintenanceWakes = new Wakes();
    private final Tablets tablets;
    private final Parking keeperParking = Parking.ofThread();
    private final WriteAheadLog log;
    private final long changesReplayed;
    private final EngineFlushes flushes;
    private final Maintenance maintenance;
    private final Resources logs = new Resources();

    static OpenEngine open(
            EngineConfig config, EngineEnvironment environment, Function<Path, EngineCounters> counters) {
        var resources = new Resources();
        try {
            return new OpenEngine(config, environment, counters, resources);
        } catch (RuntimeException e) {
            resources.closeAfter(e);
            throw e;
        }
    }

    private OpenEngine(
            EngineConfig config,
            EngineEnvironment environment,
            Function<Path, EngineCounters> newCounters,
            Resources resources) {
        this.config = config;
        this.environment = environment;
        this.resources = resources;
        this.layout = new DirectoryLayout(config.directory());
        Disk disk = environment.disk();
        layout.createRoot(disk);
        resources.add(disk.lock(layout.root())::close);
        layout.create(disk);
        counters = newCounters.apply(layout.root());
        resources.add(counters::close);
        counters.watch(environment.micros(), TimeUnit.MILLISECONDS.toMicros(config.slowCommitMillis()));

        WalConfig walConfig = WalConfig.in(layout.wal())
                .withSegmentBytes(config.logSegmentBytes())
                .withSegmentsMax(config.logSegmentsMax());
        WalConfig storageConfig = WalConfig.in(layout.storage()).withSegmentBytes(STORAGE_SEGMENT_BYTES);
        memory = new EngineMemory(environment.pages(), config, walConfig, storageConfig);
        resources.add(memory::close);
        batchMemory = new BatchMemory(environment.agents(), this::wakeMaintenance);
        memory.batches().relief(batchMemory);
        answers = new AnswerRoom(ANSWER_SEGMENTS * config.logSegmentBytes(), this::wakeMaintenance);
        io = new IoPool(disk, READ_QUEUES_MAX, READ_QUEUE_DEPTH);
        resources.add(io::close);
        var cache = new PageCache(memory.cache(), io, config.cacheBytes());
        resources.add(cache::close);
        var lookups = new LookupMemory(memory.lookups());
        resources.add(lookups::close);
        files = new RowSetFiles(cache, memory.rowSets(), lookups);

        // Agents stop first, and an agent seals its log when it stops; what they worked on is closed after them.
        tablets = new Tablets(this, config.writers());
        flushes = new EngineFlushes(this);
        resources.add(logs::close);
        resources.add(() -> flushes.closeMerged(false)); // What nobody reads any more once the tablets are closed.
        resources.add(tablets::close);
        resources.add(environment.agents()::close);
        storage = StorageLog.open(storageConfig, config.catalogEditsMax(), environment, memory.log(), layout, logs);

        var hybridClock = new HybridClock(environment.micros());
        clock = new HostClock(hybridClock, storage.leaseEnd(), keeperParking::wake);
        log = recover(walConfig, hybridClock);
        changesReplayed = tablets.changesReplayed();
        RowSetFiles.tidy(disk, layout, storage); // Not before it is sure that logs and rowsets belong together.
        maintenance = new Maintenance(
                maintenanceWakes,
                flushes,
                new Upkeep(this),
                mergeSettings(),
                config.maintenanceWorkers(),
                keeperParking::wake);
        start();
        new Upkeep(this).releaseLog();
    }

    private MergeSettings mergeSettings() {
        long delayMicros = TimeUnit.MILLISECONDS.toMicros(config.mergeDelayMillis());
        return new MergeSettings(
                config.automaticMerges(),
                mergeBudget(),
                delayMicros,
                YOUNG_GAIN_MIN,
                MERGE_DELAYS_MAX * delayMicros,
                config.mergeBytesPerSecond());
    }

    /**
     * As Kudu has it, but for rows, each noted in 4 bytes, and for inputs, of which little memory takes few. A rowset
     * is small beside what comes out of a merge: where there is little memory that is little, and would be merged
     * again, for ever.
     */
    private MergePolicy.Budget mergeBudget() {
        long bytes = memory.merges().reservedBytes() / Math.max(1, config.maintenanceWorkers() - 1); // Of each.
        long inputs = bytes / MERGE_INPUT_BYTES;
        int inputsMax = Math.clamp(inputs, MERGE_INPUTS_MIN, MergePolicy.INPUTS_MAX);
        var deltas = new CompactionPolicy.Deltas(config.deltaFilesMin(), MergePolicy.INPUTS_MAX, bytes / DELTA_PART);
        double changeShareMin = config.changePercentMin() / 100.0;
        long smallBytes = config.rowSetBytes() / SMALL_PART;
        return new MergePolicy.Budget(
                128L << 20, 8 << 20, inputsMax, smallBytes, 0.01, changeShareMin, FORGOTTEN_SHARE_MIN, deltas);
    }

    /** Opens the rowsets of all tablets and applies what the log has beyond them; the log is ready for more. */
    private WriteAheadLog recover(WalConfig walConfig, HybridClock hybridClock) {
        long logId = StorageLog.logId(storage.hostId());
        Recovery recovery =
                WriteAheadLog.open(walConfig, environment.disk(), memory.log(), logId, TabletRecovery::tabletId);
        storage.check(recovery);
        tablets.recover();
        replay(walConfig, recovery);
        storage.checkEnd(recovery);
        hybridClock.startAbove(Math.max(storage.leaseEnd(), tablets.newestTime()));
        WriteAheadLog started = recovery.start(storage.appliedUpToMax(), environment.micros());
        logs.add(started::close);
        return started;
    }

    /** Tablets side by side, where there are threads, and memory that the log will need later. */
    private void replay(WalConfig walConfig, Recovery recovery) {
        int helpers = environment.agents().helpersMax();
        boolean hasMemory = ParallelReplay.memoryBytes(helpers) <= walConfig.bufferBytes() / 4;
        try (var replay = new ParallelReplay(
                TabletRecovery::tabletId,
                this::replay,
                memory.log(),
                hasMemory ? helpers : 1,
                Thread.ofPlatform().daemon().name("nyala-replay-", 0).factory())) {
            var progress = Tablets.Progress.of(record -> String.format(
                    Locale.ROOT,
                    "opening: the log is replayed to record %,d; its newest file begins with %,d",
                    record,
                    recovery.newestFrom()));
            recovery.forEach((sequence, memorySegment, record, bytes) -> {
                progress.at(sequence);
                replay.record(sequence, memorySegment, record, bytes);
            });
            replay.finish();
        }
    }

    private void replay(long sequence, MemorySegment memorySegment, long record, int bytes) {
        long tabletId = TabletRecovery.tabletId(memorySegment, record, bytes);
        TabletRecovery tablet = tablets.recovery(tabletId);
        if (tablet != null) {
            tablet.replay(sequence, memorySegment, record, bytes);
        } else {
            storage.checkDropped(sequence, tabletId);
        }
    }

    private void start() {
        AgentHost agents = environment.agents();
        agents.start(log.agent(), log.agent().idleStrategy(), log.agent().parking());
        if (storage.logId() == 0) {
            storage.logStarted();
        }
        for (WriterAgent writer : tablets.writers()) {
            log.onProgress(writer::wake);
        }
        log.onProgress(maintenance::logProgressed);
        for (WriterAgent writer : tablets.writers()) {
            agents.start(writer, writer.idleStrategy(), writer.parking());
        }
        // All tablets before maintenance: one that is not there yet would need nothing of the log, which it releases.
        tablets.startAll();
        LeadWorker lead = maintenance.lead();
        agents.start(lead, lead.idleStrategy(), lead.parking());
        for (MergeWorker worker : maintenance.mergeWorkers()) {
            agents.start(worker, worker.idleStrategy(), worker.parking());
        }
        var keeper = new HostClock.LeaseKeeper(keeperParking, clock, this::renewLease, maintenance.watch());
        agents.start(keeper, keeper.idleStrategy(), keeper.parking());
    }

    /** Opens a rowset for reading. */
    DiskRowSet openRowSet(long tabletId, Schema schema, long fileId) {
        return files.open(rowSetFile(tabletId, fileId), schema);
    }

    RowSetFile rowSetFile(long tabletId, long fileId) {
        return new RowSetFile(environment.disk(), storage.path(fileId), fileId, storage.ownerId(tabletId));
    }

    /**
     * Where the flush or merge of a tablet writes to; {@code account} pays for a rowset under construction, of which so
     * much may be taken.
     */
    Flush.Target flushTarget(Tablet tablet, MemoryAccount account, long memoryBytes) {
        return new Flush.Target(
                tablet.schema(),
                account,
                config.rowSetBytes(),
                memoryBytes,
                config.filterRate(),
                io,
                () -> rowSetFile(tablet.id(), storage.allocateFileId(tablet.id())));
    }

    void wakeMaintenance() {
        maintenanceWakes.wake();
    }

    @Override
    public void await(BooleanSupplier condition) {
        Runnable wanted = Engine.wanted();
        agents().await(() -> {
            wanted.run();
            return condition.getAsBoolean();
        });
    }

    @Override
    public void announce() {
        agents().announce();
    }

    @Override
    public void tabletIsFree() {
        wakeMaintenance();
    }

    @Override
    public void coverByLease(long timestamp) {
        long now = clock.now();
        if (timestamp > now) {
            throw new IllegalArgumentException("a scan at " + HybridTime.format(timestamp) + " is in the future; it is "
                    + HybridTime.format(now) + " now");
        }
        if (timestamp > clock.leaseEnd()) {
            renewLease();
        }
    }

    @Override
    public long historyMark(long historySeconds) {
        return historySeconds == TableDescription.HISTORY_FOREVER
                ? HybridTime.NONE
                : HybridTime.ofMicros(
                        Math.max(0, HybridTime.micros(clock.now()) - TimeUnit.SECONDS.toMicros(historySeconds)));
    }

    void renewLease() {
        clock.renewalBegins();
        try {
            long end = clock.nextLeaseEnd();
            storage.renewLease(end);
            clock.renewed(end);
        } catch (RuntimeException e) {
            clock.renewalFailed(e);
            throw e;
        } finally {
            tablets.writers().forEach(WriterAgent::wake);
        }
    }

    /** What does not work now, and why, the gravest first. */
    List<RuntimeException> failures() {
        List<RuntimeException> failures = new ArrayList<>();
        Stream.of(
                        storage.failure(),
                        Optional.ofNullable(log.failure()),
                        storage.noRoom(),
                        Optional.ofNullable(log.noRoom()),
                        clock.failure(),
                        tablets.closeFailure())
                .flatMap(Optional::stream)
                .forEach(failures::add);
        failures.addAll(maintenance.failures());
        return failures;
    }

    void lookAtWaits() {
        agents().announce();
        tablets.writers().forEach(WriterAgent::lookAtWaits);
    }

    /** Whoever waits for room, which may never come, waits no longer: the engine is about to close. */
    void stopWaiting() {
        tablets.writers().forEach(WriterAgent::stopWaiting);
        batchMemory.end(new EngineClosedException());
        agents().announce();
    }

    /** The time of day, by the host's clock. */
    long micros() {
        return environment.micros().getAsLong();
    }

    EngineConfig config() {
        return config;
    }

    Disk disk() {
        return environment.disk();
    }

    AgentHost agents() {
        return environment.agents();
    }

    EngineCounters counters() {
        return counters;
    }

    EngineMemory memory() {
        return memory;
    }

    IoPool io() {
        return io;
    }

    RowSetFiles files() {
        return files;
    }

    /** What there is for answers of named requests. */
    AnswerRoom answers() {
        return answers;
    }

    BatchMemory batchMemory() {
        return batchMemory;
    }

    StorageLog storage() {
        return storage;
    }

    HostClock clock() {
        return clock;
    }

    WriteAheadLog log() {
        return log;
    }

    /** Changes of rows that only the log had when it was opened. */
    long changesReplayed() {
        return changesReplayed;
    }

    DirectoryLayout layout() {
        return layout;
    }

    EngineFlushes flushes() {
        return flushes;
    }

    Maintenance maintenance() {
        return maintenance;
    }

    Tablets tablets() {
        return tablets;
    }

    @Override
    public void close() {
        resources.close();
    }
}
