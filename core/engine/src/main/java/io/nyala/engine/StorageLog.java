package io.nyala.engine;

import io.nyala.catalog.CatalogLimits;
import io.nyala.catalog.StorageEdit;
import io.nyala.catalog.StorageEditFormat;
import io.nyala.catalog.StorageReplay;
import io.nyala.catalog.StorageState;
import io.nyala.catalog.TableDescription;
import io.nyala.catalog.TableEntry;
import io.nyala.catalog.TabletEntry;
import io.nyala.io.Disk;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.MalformedBytesException;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import io.nyala.tablet.TabletClosedException;
import io.nyala.tablet.TabletManifest;
import io.nyala.wal.Durability;
import io.nyala.wal.Recovery;
import io.nyala.wal.WalConfig;
import io.nyala.wal.WriteAheadLog;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The log of everything a host stores: catalog, manifests of all tablets, file ids, the clock's lease. An edit is
 * durable when the call that makes it returns.
 *
 * <p>It is a {@link WriteAheadLog} with small segments, whose whole content is replayed at start. After
 * {@link EngineConfig#catalogEditsMax} edits a checkpoint repeats the state in a fresh segment, and what is before it
 * is forgotten.
 *
 * <p>Thread-safe; one edit at a time.
 */
final class StorageLog implements TabletManifest {
    /** File ids are taken from the log in ranges, so that a flush of many files costs one edit. */
    private static final int FILE_IDS_PER_EDIT = 64;

    /** Hosts must differ, also from those of other processes; nothing else depends on it. */
    private static final SecureRandom HOST_IDS = new SecureRandom();

    private final WriteAheadLog log;
    private final AgentHost agents;
    private final DirectoryLayout layout;
    private final StorageState state;
    private final int editsMax;
    private long fileIdNext;
    private int editsSinceCheckpoint;

    private StorageLog(WriteAheadLog log, AgentHost agents, DirectoryLayout layout, StorageState state, int editsMax) {
        this.log = log;
        this.agents = agents;
        this.layout = layout;
        this.state = state;
        this.editsMax = editsMax;
        this.fileIdNext = state.nextFileId();
    }

    /**
     * Reads the log in {@code config}'s directory, or begins it.
     *
     * @param editsMax after so many a checkpoint is written
     * @param layout where everything else of the host is
     * @param logs closes the log after its agent has stopped
     */
    static StorageLog open(
            WalConfig config,
            int editsMax,
            EngineEnvironment environment,
            MemoryAccount account,
            DirectoryLayout layout,
            Resources logs) {
        long newHostId = HOST_IDS.nextLong() & ~1L; // The write-ahead log's id is the odd one above it.
        Recovery recovery = WriteAheadLog.open(config, environment.disk(), account, newHostId);
        StorageState state = read(recovery, environment.disk(), layout);
        WriteAheadLog log = recovery.start(0, environment.micros());
        logs.add(log::close);
        AgentHost agents = environment.agents();
        agents.start(log.agent(), log.agent().idleStrategy(), log.agent().parking());
        var storage = new StorageLog(log, agents, layout, state, editsMax);
        if (state.hostId() == 0) {
            storage.append(new StorageEdit.Identity(recovery.logId()));
        } else {
            // The log has just begun a segment. So it never grows from one start to the next, and a checkpoint that a
            // crash cut off is replaced.
            storage.writeCheckpoint(recovery.lastSequence());
        }
        return storage;
    }

    /** What the log says; throws if it cannot be the whole storage log of this directory. Also for who only looks. */
    static StorageState read(Recovery recovery, Disk disk, DirectoryLayout layout) {
        if (recovery.isNew()) {
            layout.refuseToForget(disk);
        }
        Path directory = layout.storage();
        var replay = new StorageReplay();
        recovery.forEach((sequence, memory, offset, bytes) -> {
            try {
                replay.add(StorageEditFormat.read(memory, offset, bytes));
            } catch (IllegalArgumentException | IllegalStateException | MalformedBytesException e) {
                throw new EngineOpenException(
                        "record " + sequence + " of the storage log in " + directory + ": " + e.getMessage(), e);
            }
        });
        try {
            return replay.state();
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw new EngineOpenException("the storage log in " + directory + ": " + e.getMessage(), e);
        }
    }

    /** What a write-ahead log that was found must be to belong to this one; throws otherwise. */
    synchronized void check(Recovery found) {
        check(found, state.hostId(), state, layout);
    }

    /** As above, for who only looks. {@code hostId} is the state's, or what an engine would make it. */
    static void check(Recovery found, long hostId, StorageState state, DirectoryLayout layout) {
        long logId = logId(hostId);
        if (found.isNew() && state.logId() != 0) {
            throw new EngineOpenException("the write-ahead log in " + layout.wal()
                    + " is missing, and acknowledged writes with it; put its files back, or restore a backup");
        }
        if (!found.isNew() && found.logId() != logId) {
            throw new EngineOpenException("the write-ahead log in " + layout.wal() + " is log "
                    + Long.toHexString(found.logId()) + ", but this engine's is " + Long.toHexString(logId)
                    + "; it belongs to another directory");
        }
    }

    /** What a write-ahead log that was read must have to belong to this one; throws otherwise. */
    synchronized void checkEnd(Recovery read) {
        checkEnd(read, state, layout);
    }

    /** As above, for who only looks. Only what the log has durably is ever flushed. */
    static void checkEnd(Recovery read, StorageState state, DirectoryLayout layout) {
        if (read.lastSequence() < state.appliedUpToMax()) {
            throw new EngineOpenException("the write-ahead log in " + layout.wal() + " ends with record "
                    + read.lastSequence() + ", but up to record " + state.appliedUpToMax()
                    + " was flushed: its end is missing, and acknowledged writes with it; put its files back, or"
                    + " restore a backup of the whole directory");
        }
    }

    /** Guards a record of the write-ahead log that is of no tablet there is: there must have been one. */
    synchronized void checkDropped(long sequence, long tabletId) {
        checkDropped(sequence, tabletId, state, layout);
    }

    /** As above, for who only looks. */
    static void checkDropped(long sequence, long tabletId, StorageState state, DirectoryLayout layout) {
        if (!state.wasGivenOut(tabletId)) {
            throw new EngineOpenException(
                    "the write-ahead log in " + layout.wal() + " has record " + sequence + " of tablet " + tabletId
                            + ", which the storage log does not know; it belongs to another directory");
        } // Else it was of a table that was dropped, or of a part of one.
    }

    /** The write-ahead log is another one than the storage log of its host: their files must not be mixed up. */
    static long logId(long hostId) {
        return hostId + 1;
    }

    /** Identity of the host, which its write-ahead log shares. */
    synchronized long hostId() {
        return state.hostId();
    }

    /** Whose a tablet's files are: not another tablet's, nor that of another host with the same number. */
    synchronized long ownerId(long tabletId) {
        return ownerId(state.hostId(), tabletId);
    }

    static long ownerId(long hostId, long tabletId) {
        return hostId + tabletId;
    }

    /** Identity of the write-ahead log; 0 before it exists. */
    synchronized long logId() {
        return state.logId();
    }

    synchronized void logStarted() {
        append(new StorageEdit.LogStarted(logId(state.hostId())));
    }

    synchronized long leaseEnd() {
        return state.leaseEnd();
    }

    /** All tables, dropped ones that can be recalled too. */
    synchronized List<TableEntry> tables() {
        return List.copyOf(state.tables());
    }

    synchronized List<TabletEntry> tablets() {
        return List.copyOf(state.tablets());
    }

    synchronized TabletEntry tablet(long id) {
        return state.tablet(id);
    }

    /** How long the table of a tablet keeps its history, or {@link TableDescription#HISTORY_FOREVER}. */
    synchronized long historySecondsMax(long tabletId) {
        throwIfGone(tabletId);
        long tableId = state.tablet(tabletId).tableId();
        return state.table(tableId).orElseThrow().description().historySecondsMax();
    }

    /** As above; for ever if there is no such tablet any more. */
    synchronized long historySecondsIfAny(long tabletId) {
        return state.hasTablet(tabletId) ? historySecondsMax(tabletId) : TableDescription.HISTORY_FOREVER;
    }

    /** Of the table of a tablet; none if there is no such tablet any more. */
    synchronized Map<String, String> settings(long tabletId) {
        return state.hasTablet(tabletId)
                ? state.table(state.tablet(tabletId).tableId())
                        .map(table -> table.description().settings())
                        .orElseThrow()
                : Map.of();
    }

    /** Times from which on the table of a tablet keeps its history, however old they are. */
    synchronized Collection<Long> snapshots(long tabletId) {
        return state.table(state.tablet(tabletId).tableId())
                .orElseThrow()
                .description()
                .snapshots()
                .values();
    }

    synchronized int tableCount() {
        return state.tableCount();
    }

    synchronized int tabletCount() {
        return state.tabletCount();
    }

    /** The next id for a table or a tablet; all below were given out. */
    synchronized long nextId() {
        return state.nextId();
    }

    /** The greatest sequence of the write-ahead log that the catalog knows of. */
    synchronized long appliedUpToMax() {
        return state.appliedUpToMax();
    }

    /** Makes a change of the catalog, which fits. */
    synchronized void change(StorageEdit edit) {
        append(edit);
    }

    synchronized void renewLease(long leaseEnd) {
        append(new StorageEdit.ClockLease(leaseEnd));
    }

    @Override
    public synchronized long allocateFileId(long tabletId) {
        RuntimeException failure = log.failure();
        if (failure != null) {
            throw failure; // The last range of ids may not be durable.
        }
        if (fileIdNext == state.nextFileId()) {
            append(new StorageEdit.AllocateFiles(fileIdNext + FILE_IDS_PER_EDIT));
        }
        return fileIdNext++;
    }

    @Override
    public Path path(long fileId) {
        return layout.rowSet(fileId);
    }

    /** Whether a file of that id may have been created by this host. */
    synchronized boolean isAllocated(long fileId) {
        return fileId < state.nextFileId();
    }

    @Override
    public synchronized void flushed(long tabletId, List<RowSetEntry> added, long appliedUpTo) {
        throwIfGone(tabletId);
        append(new StorageEdit.Flushed(tabletId, added, appliedUpTo));
    }

    @Override
    public synchronized void deltasFlushed(
            long tabletId, long rowSetFileId, List<DeltaFileEntry> added, long appliedUpTo) {
        throwIfGone(tabletId);
        append(new StorageEdit.DeltasFlushed(tabletId, rowSetFileId, added, appliedUpTo));
    }

    @Override
    public synchronized void deltasReplaced(
            long tabletId, long rowSetFileId, List<Long> removed, List<DeltaFileEntry> added) {
        throwIfGone(tabletId);
        append(new StorageEdit.DeltasReplaced(tabletId, rowSetFileId, removed, added));
    }

    @Override
    public synchronized void merged(
            long tabletId, List<Long> removed, List<RowSetEntry> added, long appliedUpTo, long historyMark) {
        throwIfGone(tabletId);
        append(new StorageEdit.Merged(tabletId, removed, added, appliedUpTo, historyMark));
    }

    /** What is flushed while its table is dropped goes with it. */
    private void throwIfGone(long tabletId) {
        if (!state.hasTablet(tabletId)) {
            throw new TabletClosedException(tabletId);
        }
    }

    private void append(StorageEdit edit) {
        if (editsSinceCheckpoint >= editsMax) {
            checkpoint();
        }
        state.check(edit); // Once it is in the log, no start could do without it.
        long sequence = publish(edit);
        state.apply(edit); // In the log's order, also where somebody makes an edit while we wait (as in a simulation).
        editsSinceCheckpoint++;
        awaitDurable(sequence);
    }

    /** Repeats the state where a fresh segment begins; everything before that is not needed any more. */
    private void checkpoint() {
        long before = log.lastSequence();
        // The checkpoint begins a segment, so that everything before it can be forgotten.
        agents.await(() -> log.roll() != 0);
        writeCheckpoint(before);
    }

    /** Repeats the state; what the log has up to sequence {@code before} can then be forgotten. */
    private void writeCheckpoint(long before) {
        publish(new StorageEdit.Checkpoint(StorageEdit.Checkpoint.Mark.BEGIN));
        for (StorageEdit edit : state.asEdits()) {
            publish(edit);
        }
        awaitDurable(publish(new StorageEdit.Checkpoint(StorageEdit.Checkpoint.Mark.END)));
        log.releaseUpTo(before);
        editsSinceCheckpoint = 0;
    }

    private long publish(StorageEdit edit) {
        int bytes = StorageEditFormat.bytes(edit);
        if (bytes > CatalogLimits.EDIT_BYTES_MAX) {
            throw new EngineLimitException("this change of the catalog takes %,d bytes; %,d is the limit"
                            .formatted(bytes, CatalogLimits.EDIT_BYTES_MAX)
                    + ". Use fewer columns or tablets, or shorter defaults and bounds");
        }
        long[] reserved = new long[1];
        agents.await(() -> (reserved[0] = log.reserve(bytes)) != 0);
        try {
            StorageEditFormat.write(edit, log.memory(), reserved[0]);
        } catch (RuntimeException e) {
            log.abandon();
            throw e;
        }
        return log.publish(bytes, Durability.SYNC);
    }

    /** Since when and why its disk has no room for more of it. */
    Optional<RuntimeException> noRoom() {
        return Optional.ofNullable(log.noRoom());
    }

    /** Why nothing can be changed any more, if that is so. */
    Optional<RuntimeException> failure() {
        return Optional.ofNullable(log.failure());
    }

    private void awaitDurable(long sequence) {
        agents.await(() -> {
            RuntimeException failure = log.failure();
            if (failure != null) {
                throw failure;
            }
            return log.durableUpTo() >= sequence;
        });
    }
}
