package io.nyala.catalog;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.Notes;
import io.nyala.partition.PartitionFormat;
import io.nyala.partition.PartitionSchema;
import io.nyala.partition.PartitionSchemaFormat;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.Schema;
import io.nyala.rows.SchemaFormat;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.RowSetEntry;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One edit of the storage log, as the payload of a log record.
 *
 * <pre>{@code
 *   0        4         8
 *   +--------+---------+------------------- - -
 *   |  kind  | version | body
 *   |        | = 4 - 8 |
 *   +--------+---------+------------------- - -
 *      u32       u32
 *
 *    1 IDENTITY        host id u64
 *    2 CREATE TABLE    table id u64 | description | tablets
 *    3 ALLOCATE FILES  next file id u64
 *    4 FLUSHED         tablet id u64 | applied up to u64 | rowset count u32 | zero u32 | rowsets
 *    5 CLOCK LEASE     lease end i64
 *    6 LOG STARTED     log id u64
 *    7 CHECKPOINT      mark u64: 0 BEGIN, 1 END
 *    8 ALTER TABLE     table id u64 | description | tablets, added | tablet count u32 | zero u32 | ids u64, dropped
 *    9 DROP TABLE      table id u64 | at i64 | reserved until i64, in microseconds since 1970
 *   10 RECALL TABLE    table id u64 | name
 *   11 PURGE TABLE     table id u64
 *   12 DELTAS FLUSHED  tablet id u64 | rowset file id u64 | applied up to u64 | deltas
 *   13 ALLOCATE IDS    next id u64, of tables and tablets
 *   14 MERGED          tablet id u64 | applied up to u64 | rowset count u32 | zero u32 | file ids u64, removed
 *                      | rowset count u32 | zero u32 | rowsets, added | history mark i64, in edits of version 6 only
 *   15 DELTAS REPLACED tablet id u64 | rowset file id u64 | delta file count u32 | zero u32 | file ids u64, removed
 *                      | deltas, added; version 7
 *
 *   description   name | owner | comment | history i64, in seconds, -1 for ever | schema | partitioning bytes u32
 *                 | partitioning | settings, in edits of versions 5 and 8 | snapshots, in edits of version 8
 *   settings      setting count u32 | zero u32 | of each, by ascending names: name | value
 *   snapshots     snapshot count u32 | zero u32 | of each, by ascending names: name | hybrid time i64
 *   name, owner, comment, value
 *                 bytes u32 | UTF-8
 *   tablets       tablet count u32 | zero u32 | of each: id u64 | partition bytes u32 | partition
 *   rowset        file id u64 | row count u64 | file bytes u64 | applied up to u64 | least key bytes u32
 *                 | greatest key bytes u32 | least key | greatest key | deltas
 *   deltas        delta file count u32 | zero u32 | of each: file id u64 | file bytes u64 | change count u64
 *                 | deleted rows u64
 * }</pre>
 *
 * Integers are little-endian and not aligned. The schema is in the form of {@link SchemaFormat}, the
 * partitioning in that of {@link PartitionSchemaFormat}, a partition in that of {@link PartitionFormat}. The record
 * around the edit has the checksum. Edits of version 1 had zero in the place of the version and no keys of rowsets;
 * those of version 2 knew tables of one tablet only. The version is 5 where the description of a table has settings,
 * and ends with them, 8 where it has snapshots, 6 where a merge has left something out of the past, and 7 where delta
 * files replace others; else it is 4.
 *
 * <p>Stateless.
 */
public final class StorageEditFormat {
    private static final int VERSION = 4;
    private static final int VERSION_WITH_SETTINGS = 5;
    private static final int VERSION_WITH_MARK = 6;
    private static final int VERSION_WITH_REPLACED = 7;
    private static final int VERSION_WITH_SNAPSHOTS = 8;

    private static final int IDENTITY = 1;
    private static final int CREATE_TABLE = 2;
    private static final int ALLOCATE_FILES = 3;
    private static final int FLUSHED = 4;
    private static final int CLOCK_LEASE = 5;
    private static final int LOG_STARTED = 6;
    private static final int CHECKPOINT = 7;
    private static final int ALTER_TABLE = 8;
    private static final int DROP_TABLE = 9;
    private static final int RECALL_TABLE = 10;
    private static final int PURGE_TABLE = 11;
    private static final int DELTAS_FLUSHED = 12;
    private static final int ALLOCATE_IDS = 13;
    private static final int MERGED = 14;
    private static final int DELTAS_REPLACED = 15;

    private static final int TABLET_BYTES_MIN = Long.BYTES + Integer.BYTES;
    private static final int SETTING_BYTES_MIN = 2 * Integer.BYTES;
    private static final int SNAPSHOT_BYTES_MIN = Integer.BYTES + Long.BYTES;
    private static final int ROWSET_BYTES_MIN = 48;
    static final int DELTA_BYTES = 32;

    private StorageEditFormat() {}

    /** Bytes that {@link #write} will write. */
    public static int bytes(StorageEdit edit) {
        var counter = new EditWriter();
        put(edit, counter);
        return counter.bytes();
    }

    /** Bytes that a rowset takes in a FLUSHED edit. */
    static int bytes(RowSetEntry rowSet) {
        var counter = new EditWriter();
        put(rowSet, counter);
        return counter.bytes();
    }

    /** Bytes that a tablet takes in a CREATE TABLE or ALTER TABLE edit. */
    static int bytes(TabletPlace tablet) {
        var counter = new EditWriter();
        put(tablet, counter);
        return counter.bytes();
    }

    /** Bytes that a description takes in a CREATE TABLE or ALTER TABLE edit. */
    public static int bytes(TableDescription description) {
        var counter = new EditWriter();
        put(description, counter);
        return counter.bytes();
    }

    public static void write(StorageEdit edit, MemorySegment memory, long at) {
        put(edit, new EditWriter(memory, at));
    }

    private static void put(StorageEdit edit, EditWriter target) {
        switch (edit) {
            case StorageEdit.Identity identity -> head(IDENTITY, target).putLong(identity.hostId());
            case StorageEdit.LogStarted started -> head(LOG_STARTED, target).putLong(started.logId());
            case StorageEdit.Checkpoint checkpoint ->
                head(CHECKPOINT, target).putLong(checkpoint.mark().code());
            case StorageEdit.AllocateFiles files -> head(ALLOCATE_FILES, target).putLong(files.nextFileId());
            case StorageEdit.AllocateIds ids -> head(ALLOCATE_IDS, target).putLong(ids.nextId());
            case StorageEdit.ClockLease lease -> head(CLOCK_LEASE, target).putLong(lease.leaseEnd());
            case StorageEdit.CreateTable create -> {
                head(CREATE_TABLE, create.description(), target).putLong(create.tableId());
                put(create.description(), target);
                putTablets(create.tablets(), target);
            }
            case StorageEdit.AlterTable alter -> {
                head(ALTER_TABLE, alter.description(), target).putLong(alter.tableId());
                put(alter.description(), target);
                putTablets(alter.addedTablets(), target);
                target.putCount(alter.droppedTablets().size());
                alter.droppedTablets().forEach(target::putLong);
            }
            case StorageEdit.DropTable drop ->
                head(DROP_TABLE, target)
                        .putLong(drop.tableId())
                        .putLong(drop.drop().atMicros())
                        .putLong(drop.drop().reservedUntilMicros());
            case StorageEdit.RecallTable recall ->
                head(RECALL_TABLE, target).putLong(recall.tableId()).putText(recall.name());
            case StorageEdit.PurgeTable purge -> head(PURGE_TABLE, target).putLong(purge.tableId());
            case StorageEdit.Flushed flushed -> {
                head(FLUSHED, target)
                        .putLong(flushed.tabletId())
                        .putLong(flushed.appliedUpTo())
                        .putCount(flushed.added().size());
                flushed.added().forEach(rowSet -> put(rowSet, target));
            }
            case StorageEdit.DeltasFlushed flushed -> {
                head(DELTAS_FLUSHED, target)
                        .putLong(flushed.tabletId())
                        .putLong(flushed.rowSetFileId())
                        .putLong(flushed.appliedUpTo());
                putDeltas(flushed.added(), target);
            }
            case StorageEdit.DeltasReplaced replaced -> {
                head(DELTAS_REPLACED, VERSION_WITH_REPLACED, target)
                        .putLong(replaced.tabletId())
                        .putLong(replaced.rowSetFileId())
                        .putCount(replaced.removed().size());
                replaced.removed().forEach(target::putLong);
                putDeltas(replaced.added(), target);
            }
            case StorageEdit.Merged merged -> put(merged, target);
        }
    }

    private static void put(StorageEdit.Merged merged, EditWriter target) {
        head(MERGED, merged.historyMark() == 0 ? VERSION : VERSION_WITH_MARK, target)
                .putLong(merged.tabletId())
                .putLong(merged.appliedUpTo())
                .putCount(merged.removed().size());
        merged.removed().forEach(target::putLong);
        target.putCount(merged.added().size());
        merged.added().forEach(rowSet -> put(rowSet, target));
        if (merged.historyMark() != 0) {
            target.putLong(merged.historyMark());
        }
    }

    private static EditWriter head(int kind, EditWriter target) {
        return head(kind, VERSION, target);
    }

    private static EditWriter head(int kind, int version, EditWriter target) {
        return target.putInt(kind).putInt(version);
    }

    private static EditWriter head(int kind, TableDescription description, EditWriter target) {
        if (!description.snapshots().isEmpty()) {
            return head(kind, VERSION_WITH_SNAPSHOTS, target);
        }
        return head(kind, description.settings().isEmpty() ? VERSION : VERSION_WITH_SETTINGS, target);
    }

    private static void put(TableDescription description, EditWriter target) {
        target.putText(description.name())
                .putText(description.owner())
                .putText(description.comment())
                .putLong(description.historySecondsMax())
                .putBytes(SchemaFormat.toBytes(description.schema()))
                .putCounted(PartitionSchemaFormat.toBytes(description.partitioning()));
        boolean hasSnapshots = !description.snapshots().isEmpty();
        if (hasSnapshots || !description.settings().isEmpty()) {
            target.putCount(description.settings().size());
            description.settings().forEach((name, value) -> target.putText(name).putText(value));
        }
        if (hasSnapshots) {
            target.putCount(description.snapshots().size());
            description.snapshots().forEach((name, time) -> target.putText(name).putLong(time));
        }
    }

    private static void putTablets(List<TabletPlace> tablets, EditWriter target) {
        target.putCount(tablets.size());
        tablets.forEach(tablet -> put(tablet, target));
    }

    private static void put(TabletPlace tablet, EditWriter target) {
        target.putLong(tablet.id()).putCounted(PartitionFormat.toBytes(tablet.partition()));
    }

    private static void put(RowSetEntry rowSet, EditWriter target) {
        target.putLong(rowSet.fileId())
                .putLong(rowSet.rowCount())
                .putLong(rowSet.fileBytes())
                .putLong(rowSet.appliedUpTo())
                .putInt(rowSet.minKey().length)
                .putInt(rowSet.maxKey().length)
                .putBytes(rowSet.minKey())
                .putBytes(rowSet.maxKey());
        putDeltas(rowSet.deltas(), target);
    }

    private static void putDeltas(List<DeltaFileEntry> deltas, EditWriter target) {
        target.putCount(deltas.size());
        for (DeltaFileEntry delta : deltas) {
            target.putLong(delta.fileId())
                    .putLong(delta.fileBytes())
                    .putLong(delta.changeCount())
                    .putLong(delta.deletedRowCount());
        }
    }

    /**
     * Reads an edit of {@code editBytes}; refuses anything that {@link #write} would not have written.
     *
     * @throws MalformedBytesException what is wrong, and at which byte of the edit
     */
    public static StorageEdit read(MemorySegment memory, long at, int editBytes) {
        StorageEdit edit = take(new EditReader(memory, at, editBytes, null));
        var again = new byte[bytes(edit)];
        write(edit, MemorySegment.ofArray(again), 0);
        byte[] read = memory.asSlice(at, editBytes).toArray(JAVA_BYTE);
        int mismatch = Arrays.mismatch(read, again);
        if (mismatch >= 0) {
            throw new MalformedBytesException("an edit of the storage log has bytes that nothing writes", mismatch);
        }
        return edit;
    }

    private static StorageEdit take(EditReader source) {
        int kind = source.takeInt("kind", StorageEditFormat::kindName);
        int version = source.takeInt("version");
        if (version < VERSION || version > VERSION_WITH_SNAPSHOTS) {
            throw source.malformed("format version " + (version == 0 ? "1" : Integer.toUnsignedString(version))
                    + ", this build reads versions " + VERSION + " to " + VERSION_WITH_SNAPSHOTS
                    + "; use the release that wrote it");
        }
        StorageEdit edit =
                switch (kind) {
                    case IDENTITY -> new StorageEdit.Identity(source.takeLong("host id", Long::toHexString));
                    case LOG_STARTED -> new StorageEdit.LogStarted(source.takeLong("log id", Long::toHexString));
                    case CHECKPOINT -> new StorageEdit.Checkpoint(takeMark(source));
                    case ALLOCATE_FILES -> new StorageEdit.AllocateFiles(source.takeLong("next file id"));
                    case ALLOCATE_IDS -> new StorageEdit.AllocateIds(source.takeLong("next id"));
                    case CLOCK_LEASE -> new StorageEdit.ClockLease(source.takeLong("lease end"));
                    case CREATE_TABLE ->
                        new StorageEdit.CreateTable(
                                source.takeLong("table id"), takeDescription(source, version), takeTablets(source));
                    case ALTER_TABLE ->
                        new StorageEdit.AlterTable(
                                source.takeLong("table id"),
                                takeDescription(source, version),
                                takeTablets(source),
                                takeDropped(source));
                    case DROP_TABLE ->
                        new StorageEdit.DropTable(
                                source.takeLong("table id"),
                                new TableEntry.Drop(source.takeLong("dropped at"), source.takeLong("reserved until")));
                    case RECALL_TABLE ->
                        new StorageEdit.RecallTable(source.takeLong("table id"), source.takeText("name"));
                    case PURGE_TABLE -> new StorageEdit.PurgeTable(source.takeLong("table id"));
                    case FLUSHED -> takeFlushed(source);
                    case DELTAS_FLUSHED -> takeDeltasFlushed(source);
                    case DELTAS_REPLACED -> takeDeltasReplaced(source);
                    case MERGED -> takeMerged(source, version);
                    default ->
                        throw source.malformed("kind " + Integer.toUnsignedString(kind)
                                + ", which this version does not know; a newer version wrote it");
                };
        source.end();
        return edit;
    }

    private static String kindName(long kind) {
        return switch ((int) kind) {
            case IDENTITY -> "IDENTITY";
            case CREATE_TABLE -> "CREATE TABLE";
            case ALLOCATE_FILES -> "ALLOCATE FILES";
            case FLUSHED -> "FLUSHED";
            case CLOCK_LEASE -> "CLOCK LEASE";
            case LOG_STARTED -> "LOG STARTED";
            case CHECKPOINT -> "CHECKPOINT";
            case ALTER_TABLE -> "ALTER TABLE";
            case DROP_TABLE -> "DROP TABLE";
            case RECALL_TABLE -> "RECALL TABLE";
            case PURGE_TABLE -> "PURGE TABLE";
            case DELTAS_FLUSHED -> "DELTAS FLUSHED";
            case ALLOCATE_IDS -> "ALLOCATE IDS";
            case MERGED -> "MERGED";
            case DELTAS_REPLACED -> "DELTAS REPLACED";
            default -> Long.toString(kind);
        };
    }

    private static StorageEdit.Checkpoint.Mark takeMark(EditReader source) {
        long code = source.takeLong("mark", mark -> mark == 0 ? "BEGIN" : "END");
        for (StorageEdit.Checkpoint.Mark mark : StorageEdit.Checkpoint.Mark.values()) {
            if (mark.code() == code) {
                return mark;
            }
        }
        throw source.malformed("a checkpoint's mark is " + code + "; 0 and 1 are known");
    }

    private static TableDescription takeDescription(EditReader source, int version) {
        String name = source.takeText("name");
        String owner = source.takeText("owner");
        String comment = source.takeText("comment");
        long historySecondsMax = source.takeLong("history seconds");
        Schema schema = source.takeSchema();
        PartitionSchema partitioning = source.takePartitioning(schema);
        SortedMap<String, String> settings = new TreeMap<>();
        if (version == VERSION_WITH_SETTINGS || version == VERSION_WITH_SNAPSHOTS) {
            for (int i = source.takeCount("settings", SETTING_BYTES_MIN); i > 0; i--) {
                settings.put(source.takeText("setting"), source.takeText("value"));
            }
        }
        SortedMap<String, Long> snapshots = new TreeMap<>();
        if (version == VERSION_WITH_SNAPSHOTS) {
            for (int i = source.takeCount("snapshots", SNAPSHOT_BYTES_MIN); i > 0; i--) {
                snapshots.put(source.takeText("snapshot"), source.takeLong("time"));
            }
        }
        return source.checked(() -> new TableDescription(
                name, owner, comment, historySecondsMax, schema, partitioning, settings, snapshots));
    }

    private static List<TabletPlace> takeTablets(EditReader source) {
        int count = source.takeCount("tablets", TABLET_BYTES_MIN);
        List<TabletPlace> tablets = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            source.section("tablet");
            tablets.add(new TabletPlace(source.takeLong("id"), source.takePartition()));
            source.endSection();
        }
        return tablets;
    }

    private static List<Long> takeDropped(EditReader source) {
        int count = source.takeCount("dropped tablets", Long.BYTES);
        List<Long> dropped = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            dropped.add(source.takeLong("tablet id"));
        }
        return dropped;
    }

    private static StorageEdit takeFlushed(EditReader source) {
        long tabletId = source.takeLong("tablet id");
        long appliedUpTo = source.takeLong("applied up to");
        return new StorageEdit.Flushed(tabletId, takeRowSets(source), appliedUpTo);
    }

    private static StorageEdit takeMerged(EditReader source, int version) {
        long tabletId = source.takeLong("tablet id");
        long appliedUpTo = source.takeLong("applied up to");
        List<Long> removed = takeFileIds("removed rowsets", source);
        List<RowSetEntry> added = takeRowSets(source);
        long historyMark = version == VERSION_WITH_MARK ? source.takeLong("history mark") : 0;
        return new StorageEdit.Merged(tabletId, removed, added, appliedUpTo, historyMark);
    }

    private static StorageEdit takeDeltasReplaced(EditReader source) {
        long tabletId = source.takeLong("tablet id");
        long rowSetFileId = source.takeLong("rowset file id");
        List<Long> removed = takeFileIds("removed delta files", source);
        return new StorageEdit.DeltasReplaced(tabletId, rowSetFileId, removed, takeDeltas(source));
    }

    private static List<Long> takeFileIds(String what, EditReader source) {
        int count = source.takeCount(what, Long.BYTES);
        List<Long> fileIds = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            fileIds.add(source.takeLong("file id"));
        }
        return fileIds;
    }

    private static List<RowSetEntry> takeRowSets(EditReader source) {
        int count = source.takeCount("rowsets", ROWSET_BYTES_MIN);
        List<RowSetEntry> rowSets = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            source.section("rowset");
            rowSets.add(takeRowSet(source));
            source.endSection();
        }
        return rowSets;
    }

    private static RowSetEntry takeRowSet(EditReader source) {
        long fileId = source.takeLong("file id");
        long rowCount = source.takeLong("row count");
        long fileBytes = source.takeLong("file bytes");
        long appliedUpTo = source.takeLong("applied up to");
        int minKeyBytes = source.takeInt("least key bytes");
        int maxKeyBytes = source.takeInt("greatest key bytes");
        byte[] minKey = source.takeBytes("least key", minKeyBytes);
        byte[] maxKey = source.takeBytes("greatest key", maxKeyBytes);
        List<DeltaFileEntry> deltas = takeDeltas(source);
        return source.checked(() -> new RowSetEntry(fileId, rowCount, fileBytes, minKey, maxKey, appliedUpTo, deltas));
    }

    private static StorageEdit takeDeltasFlushed(EditReader source) {
        long tabletId = source.takeLong("tablet id");
        long rowSetFileId = source.takeLong("rowset file id");
        long appliedUpTo = source.takeLong("applied up to");
        return new StorageEdit.DeltasFlushed(tabletId, rowSetFileId, takeDeltas(source), appliedUpTo);
    }

    private static List<DeltaFileEntry> takeDeltas(EditReader source) {
        int count = source.takeCount("delta files", DELTA_BYTES);
        List<DeltaFileEntry> deltas = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            source.section("delta file");
            deltas.add(source.checked(() -> new DeltaFileEntry(
                    source.takeLong("file id"),
                    source.takeLong("file bytes"),
                    source.takeLong("change count"),
                    source.takeLong("deleted rows"))));
            source.endSection();
        }
        return deltas;
    }

    /** Explains one edit that can be read. */
    public static void annotate(MemorySegment memory, long at, int editBytes, Notes notes) {
        read(memory, at, editBytes);
        notes.section("storage edit");
        take(new EditReader(memory, at, editBytes, notes));
        notes.endSection();
    }
}
