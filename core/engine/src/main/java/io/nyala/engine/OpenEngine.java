package io.nyala.engine;

import io.nyala.catalog.StorageState;
import io.nyala.cfile.PageCache;
import io.nyala.compaction.Flush;
import io.nyala.compaction.MaintenanceScheduler;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.RowSetFile;
import io.nyala.io.Disk;
import io.nyala.io.IoPool;
import io.nyala.io.Parking;
import io.nyala.rows.HybridClock;
import io.nyala.rows.HybridTime;
import io.nyala.rows.Schema;
import io.nyala.tablet.MissingRowSet;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletConfig;
import io.nyala.tablet.TabletRecovery;
import io.nyala.tablet.WriterAgent;
import io.nyala.wal.Recovery;
import io.nyala.wal.WalConfig;
import io.nyala.wal.WriteAheadLog;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * The parts of an open engine, and the order in which they come up:
 *
 * <pre>{@code
 *   lock -> memory -> storage log -> clock -> rowsets -> write-ahead log, replayed into tablets -> writer, maintenance
 * }</pre>
 *
 * They go down in the opposite order, also when opening fails half-way.
 */
final class OpenEngine implements AutoCloseable {
    private static final Logger LOG = System.getLogger(OpenEngine.class.getName());

    /** Queues for reading; scans and look-ups beyond it wait for one another. */
    private static final int READ_QUEUES_MAX = 64;

    private static final int READ_QUEUE_DEPTH = 64;

    private static final long STORAGE_SEGMENT_BYTES = 1 << 20;

    private final EngineConfig config;
    private final EngineEnvironment environment;
    private final DirectoryLayout layout;
    private final Resources resources;
    private final EngineCounters counters;
    private final EngineMemory memory;
    private final StorageLog storage;
    private final HostClock clock;
    private final IoPool io;
    private final PageCache cache;
    private final Parking maintenanceParking = Parking.ofThread();
    private final Parking keeperParking = Parking.ofThread();
    private final WriterAgent writer = new WriterAgent("writer", Parking.ofThread());
    private final WriteAheadLog log;
    private final Maintenance maintenance;
    private final Map<StorageState.TableEntry, Tablet> tablets = new ConcurrentHashMap<>();
    private final Resources logs = new Resources();
    private final Resources open = new Resources();

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

        WalConfig walConfig = WalConfig.in(layout.wal()).withSegmentBytes(config.logSegmentBytes());
        WalConfig storageConfig = WalConfig.in(layout.storage()).withSegmentBytes(STORAGE_SEGMENT_BYTES);
        memory = new EngineMemory(environment.pages(), config, walConfig, storageConfig);
        resources.add(memory::close);
        io = new IoPool(disk, READ_QUEUES_MAX, READ_QUEUE_DEPTH);
        resources.add(io::close);
        cache = new PageCache(memory.cache(), io, config.cacheBytes());
        resources.add(cache::close);

        // Agents stop first, and an agent seals its log when it stops; what they worked on is closed after them.
        resources.add(logs::close);
        resources.add(open::close);
        resources.add(environment.agents()::close);
        storage = StorageLog.open(storageConfig, config.catalogEditsMax(), environment, memory.log(), layout, logs);

        List<TabletRecovery> recoveries = new ArrayList<>();
        var hybridClock = new HybridClock(environment.micros());
        clock = new HostClock(hybridClock, storage.leaseEnd(), keeperParking::wake);
        log = recover(walConfig, hybridClock, recoveries);
        RowSetFiles.tidy(disk, layout, storage); // Not before it is sure that logs and rowsets belong together.
        maintenance = new Maintenance(
                maintenanceParking, new MaintenanceScheduler(), new EngineFlushes(this), new Upkeep(this));
        start(recoveries);
        new Upkeep(this).releaseLog();
    }

    /** Opens the rowsets of all tablets and applies what the log has beyond them; the log is ready for more. */
    private WriteAheadLog recover(WalConfig walConfig, HybridClock hybridClock, List<TabletRecovery> recoveries) {
        // The log is another one than the storage log of the same host: their files must not be taken for each other.
        long logId = storage.hostId() + 1;
        Recovery recovery = WriteAheadLog.open(walConfig, environment.disk(), memory.log(), logId);
        if (recovery.isNew() && storage.logId() != 0) {
            throw new EngineOpenException("the write-ahead log in " + layout.wal()
                    + " is missing, and acknowledged writes with it; put its files back, or restore a backup");
        }
        if (recovery.logId() != logId) {
            throw new EngineOpenException("the write-ahead log in " + layout.wal() + " is log "
                    + Long.toHexString(recovery.logId()) + ", but this engine's is " + Long.toHexString(logId)
                    + "; it belongs to another directory");
        }
        Map<Long, TabletRecovery> byTablet = openTablets(recoveries);
        long appliedUpToMax = storage.tablets().stream()
                .mapToLong(StorageState.TabletEntry::appliedUpTo)
                .max()
                .orElse(0);
        recovery.forEach((sequence, memorySegment, record, bytes) -> {
            TabletRecovery tablet = byTablet.get(TabletRecovery.tabletId(memorySegment, record));
            if (tablet == null) {
                throw new EngineOpenException("the write-ahead log in " + layout.wal() + " has record " + sequence
                        + " of a tablet that the storage log does not know; it belongs to another directory");
            }
            tablet.replay(sequence, memorySegment, record, bytes);
        });
        long newest = storage.leaseEnd();
        for (TabletRecovery tablet : recoveries) {
            newest = Math.max(newest, tablet.newestTime());
        }
        hybridClock.startAbove(newest);
        WriteAheadLog started = recovery.start(appliedUpToMax);
        logs.add(started::close);
        return started;
    }

    private Map<Long, TabletRecovery> openTablets(List<TabletRecovery> recoveries) {
        Map<Long, TabletRecovery> byTablet = new LinkedHashMap<>();
        for (StorageState.TableEntry table : storage.tables()) {
            StorageState.TabletEntry entry = storage.tablet(table.tabletId());
            List<DiskRowSet> rowSets = new ArrayList<>();
            List<MissingRowSet> missing = new ArrayList<>();
            TabletRecovery recovery;
            try {
                for (RowSetEntry rowSet : entry.rowSets()) {
                    openListed(table, rowSet, rowSets, missing);
                }
                recovery = new TabletRecovery(tabletConfig(table), rowSets, missing, entry.appliedUpTo());
            } catch (RuntimeException e) {
                rowSets.forEach(DiskRowSet::close);
                throw e;
            }
            open.add(recovery::close);
            recoveries.add(recovery);
            byTablet.put(table.tabletId(), recovery);
        }
        return byTablet;
    }

    /** A rowset that is damaged or gone is set aside, and all else serves. It stays in the storage log. */
    private void openListed(
            StorageState.TableEntry table, RowSetEntry entry, List<DiskRowSet> opened, List<MissingRowSet> missing) {
        RowSetFile file = rowSetFile(table.tabletId(), entry.fileId());
        try {
            opened.add(RowSetFiles.open(file, entry, table.schema(), cache, memory.cache()));
        } catch (RuntimeException e) {
            if (!MissingRowSet.isCause(e)) {
                throw e; // Says nothing about the file, or is of another version, where nothing is wrong with it.
            }
            var rowSet = new MissingRowSet(table.tabletId(), table.schema(), file.path(), entry, e);
            LOG.log(Level.ERROR, "set aside: {0} of table \"{1}\": {2}", rowSet, table.name(), e.getMessage());
            missing.add(rowSet);
        }
    }

    private void start(List<TabletRecovery> recoveries) {
        environment
                .agents()
                .start(log.agent(), log.agent().idleStrategy(), log.agent().parking());
        if (storage.logId() == 0) {
            storage.logStarted(storage.hostId() + 1);
        }
        log.onProgress(writer::wake);
        log.onProgress(maintenance::logProgressed);
        environment.agents().start(writer, writer.parking(), writer.parking());
        environment.agents().start(maintenance, maintenance.parking(), maintenance.parking());
        var keeper = new LeaseKeeper(keeperParking, clock, this::renewLease);
        environment.agents().start(keeper, keeper.parking(), keeper.parking());
        for (TabletRecovery recovery : recoveries) {
            add(storage.tableOfTablet(recovery.id()), recovery);
        }
    }

    /** Makes a table with its tablet, durably. */
    Map.Entry<StorageState.TableEntry, Tablet> createTable(String name, Schema schema) {
        StorageState.TableEntry table = storage.newTable(name, schema);
        // Memory first: a table that exists but cannot be opened would be in the way of the next try.
        var recovery = new TabletRecovery(tabletConfig(table), List.of(), List.of(), 0);
        try {
            storage.createTable(table);
        } catch (RuntimeException e) {
            recovery.close();
            throw e;
        }
        return Map.entry(table, add(table, recovery));
    }

    private Tablet add(StorageState.TableEntry table, TabletRecovery recovery) {
        Tablet tablet = recovery.start(log, writer);
        tablets.put(table, tablet);
        open.add(tablet::close);
        maintenance.attach(tablet);
        return tablet;
    }

    private TabletConfig tabletConfig(StorageState.TableEntry table) {
        return new TabletConfig(
                table.tabletId(), table.schema(), memory.rows(), config.flushBytes(), clock, this::wakeMaintenance);
    }

    /** Opens a rowset for reading. */
    DiskRowSet openRowSet(long tabletId, Schema schema, long fileId) {
        return DiskRowSet.open(rowSetFile(tabletId, fileId), schema, cache, memory.cache());
    }

    private RowSetFile rowSetFile(long tabletId, long fileId) {
        return new RowSetFile(environment.disk(), storage.path(fileId), fileId, tabletId);
    }

    /** Where the flush of a tablet writes to. */
    Flush.Target flushTarget(Tablet tablet) {
        return new Flush.Target(
                tablet.schema(),
                memory.flush(),
                EngineMemory.rowSetBytes(config),
                io,
                () -> rowSetFile(tablet.id(), storage.allocateFileId(tablet.id())));
    }

    void wakeMaintenance() {
        maintenanceParking.wake();
    }

    /** Makes sure that nothing will ever happen at or below {@code timestamp} after a restart either. */
    void coverByLease(long timestamp) {
        long now = clock.now();
        if (timestamp > now) {
            throw new IllegalArgumentException("a scan at " + HybridTime.format(timestamp) + " is in the future; it is "
                    + HybridTime.format(now) + " now");
        }
        if (timestamp > clock.leaseEnd()) {
            renewLease();
        }
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
            writer.wake();
        }
    }

    /** Whoever waits for room, which may never come, waits no longer: the engine is about to close. */
    void stopWaiting() {
        writer.stopWaiting();
        agents().announce();
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

    StorageLog storage() {
        return storage;
    }

    HostClock clock() {
        return clock;
    }

    WriteAheadLog log() {
        return log;
    }

    DirectoryLayout layout() {
        return layout;
    }

    Maintenance maintenance() {
        return maintenance;
    }

    Map<StorageState.TableEntry, Tablet> tablets() {
        return tablets;
    }

    @Override
    public void close() {
        resources.close();
    }
}
