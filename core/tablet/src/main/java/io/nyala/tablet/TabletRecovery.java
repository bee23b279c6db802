package io.nyala.tablet;

import io.nyala.diskrowset.DiskRowSet;
import io.nyala.memory.Check;
import io.nyala.memory.Slab;
import io.nyala.memrowset.MemRowSet;
import io.nyala.rows.Effect;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.RowLayout;
import io.nyala.wal.CommitLog;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tablet on its way up: the rowsets that its manifest names, and the log records since, applied again exactly as the
 * writer did: they were decided then. {@link #start} makes a tablet of it.
 *
 * <p>One thread. Close it if it is not started.
 */
public final class TabletRecovery implements AutoCloseable {
    private final TabletConfig config;
    private final List<DiskRowSet> rowSets;
    private final List<MissingRowSet> missing;
    private final KeyCodec keys;
    private final MemRowSet replayed;
    private @Nullable Slab nextSlab;
    private final long appliedUpTo;
    private long sequence;
    private long newestTime;
    private boolean isStarted;

    /**
     * @param rowSets the tablet's rowsets, open; owned from here on
     * @param missing the others, which cannot be read. Times of their changes are not known, but the lease of the clock
     *     covers them
     * @param appliedUpTo log records up to this sequence are in one or the other
     */
    public TabletRecovery(
            TabletConfig config, List<DiskRowSet> rowSets, List<MissingRowSet> missing, long appliedUpTo) {
        this.config = config;
        this.rowSets = List.copyOf(rowSets);
        this.missing = List.copyOf(missing);
        this.keys = new KeyCodec(new RowLayout(config.schema()));
        this.replayed = new MemRowSet(1, config.schema(), config.memory());
        this.appliedUpTo = appliedUpTo;
        this.sequence = appliedUpTo;
        for (DiskRowSet rowSet : rowSets) {
            newestTime = Math.max(newestTime, rowSet.newestChange());
        }
    }

    /** Whose record it is; all that a host needs to route it. */
    public static long tabletId(MemorySegment memory, long record) {
        return TabletRecordFormat.tabletId(memory, record);
    }

    /** Applies one log record of this tablet, unless its effects are in rowsets already. */
    public void replay(long recordSequence, MemorySegment memory, long record, int recordBytes) {
        if (recordSequence <= sequence) {
            return;
        }
        TabletRecordFormat.Header header = TabletRecordFormat.readHeader(memory, record, recordBytes);
        check(header);
        try {
            apply(header, memory, record + TabletRecordFormat.HEADER_BYTES);
        } catch (MalformedBytesException | IllegalStateException e) {
            throw new IllegalStateException(
                    "log record " + recordSequence + " of tablet " + config.id() + " has effects that make no sense: "
                            + e.getMessage() + ". Its checksum is right, so it was written like this; keep a copy of"
                            + " the directory and report it",
                    e);
        }
        sequence = recordSequence;
        newestTime = Math.max(newestTime, header.timestamp());
    }

    private void apply(TabletRecordFormat.Header header, MemorySegment memory, long firstEffect) {
        if (nextSlab == null) {
            nextSlab = config.memory().take(MemRowSet.FIRST_SLAB_BYTES); // As the writer does, see Seals.
        }
        long end = firstEffect + header.effectBytes();
        long effect = firstEffect;
        for (int i = 0; i < header.effectCount(); i++) {
            int bytes = Effect.check(keys, memory, effect, end);
            Check.that(
                    replayed.reserve(bytes, 1),
                    "tablet " + config.id() + " has more unflushed rows in the log than fit in memory; open with a"
                            + " larger memoryBytes");
            replayed.replay(memory, effect, header.timestamp());
            effect += bytes;
        }
        if (effect != end) {
            throw new IllegalStateException(
                    (end - effect) + " bytes follow the last of " + header.effectCount() + " effects");
        }
    }

    private void check(TabletRecordFormat.Header header) {
        Check.that(
                header.tabletId() == config.id(),
                "a record of tablet " + header.tabletId() + " was replayed into tablet " + config.id());
        int schemaVersion = config.schema().version();
        Check.that(
                header.schemaVersion() == schemaVersion,
                "tablet " + config.id() + " has schema version " + schemaVersion + ", its log record has "
                        + header.schemaVersion());
        Check.that(
                header.timestamp() >= newestTime,
                "a record of tablet " + config.id() + " has the time " + header.timestamp() + ", one before it "
                        + newestTime);
    }

    /** Nothing will happen at or below {@code time}: it was read already, in an earlier life of the tablet. */
    public void startAbove(long time) {
        newestTime = Math.max(newestTime, time);
    }

    public long id() {
        return config.id();
    }

    /** Rowsets that cannot be read. */
    public List<MissingRowSet> missingRowSets() {
        return missing;
    }

    /** Time of the newest change that was found. */
    public long newestTime() {
        return newestTime;
    }

    /** Opens the tablet for writes. */
    public Tablet start(CommitLog log, WriterAgent writer) {
        isStarted = true;
        var map = new RowSetMap(1, new FreshRows(replayed), List.of(), rowSets, missing);
        var tablet = new Tablet(config, log, writer, new Tablet.Beginning(map, nextSlab, sequence, newestTime));
        tablet.applied(appliedUpTo);
        writer.attach(tablet);
        return tablet;
    }

    @Override
    public void close() {
        if (!isStarted) {
            replayed.close();
            if (nextSlab != null) {
                config.memory().giveBack(nextSlab);
            }
            rowSets.forEach(DiskRowSet::close);
        }
    }
}
