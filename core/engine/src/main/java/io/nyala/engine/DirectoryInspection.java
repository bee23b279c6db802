package io.nyala.engine;

import io.nyala.catalog.StorageEditFormat;
import io.nyala.catalog.StorageState;
import io.nyala.catalog.TableEntry;
import io.nyala.catalog.TabletPlace;
import io.nyala.cfile.CFileDump;
import io.nyala.cfile.CFileReader;
import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.MetadataNotes;
import io.nyala.cfile.PageCache;
import io.nyala.diskrowset.DeltaFile;
import io.nyala.diskrowset.DeltaFileNotes;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.LookupMemory;
import io.nyala.diskrowset.RowSetFile;
import io.nyala.encoding.DecoderScratch;
import io.nyala.io.Access;
import io.nyala.io.BlockingIo;
import io.nyala.io.Disk;
import io.nyala.io.DiskFile;
import io.nyala.io.Disks;
import io.nyala.io.HugePageSource;
import io.nyala.io.IoPool;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.Notes;
import io.nyala.memory.Slab;
import io.nyala.record.TabletRecordFormat;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import io.nyala.tablet.DeltaFileEntry;
import io.nyala.tablet.MissingRowSet;
import io.nyala.tablet.RowSetEntry;
import io.nyala.wal.LogInspection;
import io.nyala.wal.Recovery;
import io.nyala.wal.WalConfig;
import io.nyala.wal.WriteAheadLog;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Looks at an engine's directory without opening an engine and without changing a file, for tools: checks every record
 * of its logs and every page of its rowsets, and explains log records by the schemas in its catalog. What keeps an
 * engine from opening is a defect here too: both ask the same, {@link StorageLog#read} and {@link StorageLog#check}.
 *
 * <p>The directory should be nobody's at the moment: {@link #lock} keeps engines out. One thread; whoever opened it
 * closes it.
 */
public final class DirectoryInspection implements AutoCloseable {
    private static final long MIB = 1L << 20;

    /** A log's window, a rowset's directory and filters, and a few pages. */
    private static final long MEMORY_BYTES = 256 * MIB;

    private static final long CACHE_BYTES = 8 * MIB;
    private static final int READ_DEPTH = 4;
    private static final long READ_BYTES = MIB;

    private final DirectoryLayout layout;
    private final Disk disk;
    private final Resources resources = new Resources();
    private final MemoryAccount account;
    private final PageCache cache;
    private final RowSetFiles files;
    private final Map<Long, RowLayout> layouts = new HashMap<>();

    /** What the storage log says; null until it was read. */
    private @Nullable StorageState state;

    private long hostId;

    private DirectoryInspection(Path directory, Disk disk, Runnable closedLast) {
        layout = new DirectoryLayout(directory);
        this.disk = disk;
        resources.add(closedLast);
        MemoryBudget budget = MemoryBudget.open(HugePageSource.orJdk(), MEMORY_BYTES);
        resources.add(budget::close);
        account = budget.account("inspection", 0);
        IoPool io = new IoPool(disk, 2, READ_DEPTH);
        resources.add(io::close);
        cache = new PageCache(account, io, CACHE_BYTES);
        resources.add(cache::close);
        var lookups = new LookupMemory(account);
        resources.add(lookups::close);
        files = new RowSetFiles(cache, account, lookups);
    }

    /** What is being checked, and how it turned out. Called by the checking thread. */
    public interface Findings {
        /**
         * A file, or a whole log, was checked.
         *
         * @param about a few words on what is in it
         * @param defect what is wrong with it, or null
         */
        void checked(Path file, String about, @Nullable RuntimeException defect);

        /**
         * A rowset cannot be opened at all: an engine sets it aside and refuses whatever may concern its keys, but
         * serves all others.
         */
        void setAside(MissingRowSet rowSet);
    }

    /** Opens a directory of this computer; nothing is read yet. */
    public static DirectoryInspection of(Path directory) {
        Disk disk = Disks.channel();
        return new DirectoryInspection(directory, disk, disk::close);
    }

    /** Opens a directory on a disk, which whoever made it closes; nothing is read yet. */
    public static DirectoryInspection of(Path directory, Disk disk) {
        return new DirectoryInspection(directory, disk, () -> {});
    }

    /** Whether a directory looks like an engine's. */
    public boolean isEngine() {
        return disk.exists(layout.storage()) && disk.exists(layout.wal());
    }

    /** Keeps engines out until this is closed; throws {@link io.nyala.io.DirectoryLockedException} if one is in. */
    public void lock() {
        resources.add(disk.lock(layout.root())::close);
    }

    /**
     * Reads the storage log, so that log records of tablets can be explained; throws if it is damaged or missing, as an
     * engine does.
     */
    public LogInspection readCatalog() {
        Recovery log = inspect(layout.storage());
        StorageState read = StorageLog.read(log, disk, layout);
        hostId = read.hostId() == 0 ? log.logId() : read.hostId(); // An engine begins with its identity.
        for (TableEntry table : read.tables()) {
            var rows = new RowLayout(table.description().schema());
            table.tablets().forEach(place -> layouts.put(place.id(), rows));
        }
        state = read;
        return log.inspection();
    }

    /**
     * Checks everything: first both logs, then each rowset that the catalog names, or whatever lies there if there is
     * no catalog. If no defect is found and nothing is missing, an engine can be opened here.
     */
    public void verify(Findings findings) {
        check(layout.storage(), findings, this::readCatalog);
        check(layout.wal(), findings, this::readLog);
        StorageState catalog = state;
        if (catalog == null) {
            verifyAlone(findings);
            return;
        }
        for (TableEntry table : catalog.tables()) {
            for (TabletPlace place : table.tablets()) {
                for (RowSetEntry rowSet : catalog.tablet(place.id()).rowSets()) {
                    verify(table, place.id(), rowSet, findings);
                }
            }
        }
    }

    private LogInspection readLog() {
        Recovery log = inspect(layout.wal());
        if (state != null) {
            StorageLog.check(log, hostId, state, layout);
        }
        log.forEachKept(this::checkRecord);
        if (state != null) {
            StorageLog.checkEnd(log, state, layout);
        }
        return log.inspection();
    }

    /** Each rowset by itself: which there should be is not known. */
    private void verifyAlone(Findings findings) {
        if (disk.exists(layout.rowSets())) {
            for (Path path : disk.list(layout.rowSets())) {
                if (DirectoryLayout.fileId(path).isPresent()) {
                    verifyRowSet(path, findings);
                }
            }
        }
    }

    /** Number of the files with rows and changes that the catalog names, for a progress bar. */
    public int fileCount() {
        return state == null
                ? 0
                : rowSets().mapToInt(rowSet -> 1 + rowSet.deltas().size()).sum();
    }

    private static void check(Path directory, Findings findings, Supplier<LogInspection> read) {
        try {
            findings.checked(directory, describe(read.get()), null);
        } catch (RuntimeException e) {
            findings.checked(directory, "log", e);
        }
    }

    private static String describe(LogInspection log) {
        if (log.segmentCount() == 0) {
            return "log, not begun yet";
        }
        String end = log.wasClosedCleanly() ? "closed cleanly" : "not closed cleanly";
        return "log, %,d %s, records %,d to %,d, %s%s"
                .formatted(
                        log.segmentCount(),
                        log.segmentCount() == 1 ? "segment" : "segments",
                        log.firstSequence(),
                        log.lastSequence(),
                        end,
                        log.tornTail() == null ? "" : ", nothing acknowledged is missing");
    }

    private void checkRecord(long sequence, MemorySegment memory, long at, int bytes) {
        long tabletId = TabletRecordFormat.tabletId(memory, at, bytes);
        if (state != null && !layouts.containsKey(tabletId)) {
            StorageLog.checkDropped(sequence, tabletId, state, layout);
        }
    }

    private void verify(TableEntry table, long tabletId, RowSetEntry entry, Findings findings) {
        Schema schema = table.description().schema();
        Path path = layout.rowSet(entry.fileId());
        String about = "rowset of table %s, %,d rows".formatted(table.name(), entry.rowCount());
        try (DiskRowSet rowSet = files.openBase(file(tabletId, entry.fileId()), entry, schema)) {
            findings.checked(path, about, defect(rowSet::verify));
            for (DeltaFileEntry delta : entry.deltas()) {
                verify(rowSet, tabletId, delta, findings);
            }
        } catch (RuntimeException e) {
            if (!MissingRowSet.isCause(e)) {
                findings.checked(path, about, e);
                return;
            }
            findings.setAside(new MissingRowSet(tabletId, schema, path, entry, e));
        }
    }

    /** A delta file that cannot be opened is thrown: its rowset is set aside then. */
    private void verify(DiskRowSet rowSet, long tabletId, DeltaFileEntry entry, Findings findings) {
        String about = "delta file, %,d changes".formatted(entry.changeCount());
        try (DeltaFile deltas = files.openDeltas(file(tabletId, entry.fileId()), entry, rowSet)) {
            findings.checked(layout.rowSet(entry.fileId()), about, defect(deltas::verify));
        }
    }

    private static @Nullable RuntimeException defect(Runnable verify) {
        try {
            verify.run();
            return null;
        } catch (RuntimeException e) {
            return e;
        }
    }

    private RowSetFile file(long tabletId, long fileId) {
        return new RowSetFile(disk, layout.rowSet(fileId), fileId, StorageLog.ownerId(hostId, tabletId));
    }

    /** Explains a record of the write-ahead log; raw if its tablet is not known. After {@link #readCatalog}. */
    public void annotateRecord(MemorySegment memory, long at, int bytes, Notes notes) {
        RowLayout rows = layouts.get(TabletRecordFormat.tabletId(memory, at, bytes));
        if (rows == null) {
            notes.note(at, bytes, "tablet record; its tablet is not in the catalog");
        } else {
            TabletRecordFormat.annotate(rows, memory, at, bytes, notes);
        }
    }

    /** Explains a whole rowset file that lies in memory, or what is left of one. */
    public void annotateRowSet(Path path, MemorySegment whole, Notes notes) {
        if (footerDefect(path, whole) != null) {
            CFileDump.annotateWithoutFooter(whole, notes);
            return;
        }
        try (DecoderScratch scratch = new DecoderScratch(account)) {
            MetadataNotes writer = DeltaFileNotes.isDeltaFile(CFileDump.metadata(path, whole))
                    ? new DeltaFileNotes()
                    : (memory, at, _, target) -> DiskRowSet.annotateMetadata(memory, at, target);
            CFileDump.annotate(path, whole, scratch, writer, notes);
        }
    }

    /** Why the end of a rowset file cannot be read, without which it cannot be explained in full; null if it can. */
    public static @Nullable String footerDefect(Path path, MemorySegment whole) {
        if (whole.byteSize() < 2L * Disk.ALIGNMENT_BYTES) {
            return "it has " + whole.byteSize() + " bytes, too few for a header and a footer";
        }
        try {
            CFileDump.metadata(path, whole);
            return null;
        } catch (CorruptPageException | IllegalArgumentException | IndexOutOfBoundsException e) {
            return e.getMessage() == null ? e.toString() : e.getMessage();
        }
    }

    /**
     * Whether a column file is a delta file, by itself, or by the catalog if it cannot be read; otherwise it is a
     * rowset's.
     */
    public boolean isDeltaFile(Path path) {
        try (CFileReader file = CFileReader.open(source(path), cache, account)) {
            return DeltaFileNotes.isDeltaFile(MemorySegment.ofArray(file.metadata()));
        } catch (CorruptPageException _) {
            return deltas().anyMatch(delta -> layout.rowSet(delta.fileId()).equals(path));
        }
    }

    /** How long the catalog says that a file of a rowset is; -1 if it does not know the file, or cannot be read. */
    public long expectedBytes(Path path) {
        return LongStream.concat(
                        rowSets()
                                .filter(rowSet -> layout.rowSet(rowSet.fileId()).equals(path))
                                .mapToLong(RowSetEntry::fileBytes),
                        deltas().filter(delta -> layout.rowSet(delta.fileId()).equals(path))
                                .mapToLong(DeltaFileEntry::fileBytes))
                .findFirst()
                .orElse(-1);
    }

    private Stream<DeltaFileEntry> deltas() {
        return rowSets().flatMap(rowSet -> rowSet.deltas().stream());
    }

    /** Of all tablets; none if there is no catalog that can be read. */
    private Stream<RowSetEntry> rowSets() {
        try {
            if (state == null) {
                readCatalog();
            }
        } catch (RuntimeException _) {
            return Stream.of(); // Whoever asks about one file wants to hear about that one.
        }
        return Objects.requireNonNull(state).tablets().stream().flatMap(tablet -> tablet.rowSets().stream());
    }

    private CFileReader.Source source(Path path) {
        return CFileDump.source(disk, path, read(path, Disk.ALIGNMENT_BYTES));
    }

    /** Checks every page of one file of a rowset, or of its changes, which may lie anywhere. */
    public void verifyRowSet(Path path, Findings findings) {
        RuntimeException defect = null;
        String about = "rowset";
        try {
            CFileReader.Source source = source(path);
            if (isDeltaFile(path)) {
                about = "delta file";
                var named = new RowSetFile(disk, path, source.fileId(), source.ownerId());
                try (DeltaFile file = DeltaFile.open(named, cache, account)) {
                    about = "delta file, %,d cells, %,d deletions".formatted(file.cellCount(), file.deletedCount());
                    file.verify();
                }
            } else {
                try (CFileReader file = CFileReader.open(source, cache, account)) {
                    about = "rowset, %,d rows".formatted(file.rowCount());
                    file.verify();
                }
            }
        } catch (RuntimeException e) {
            defect = e;
        }
        findings.checked(path, about, defect);
    }

    /**
     * A file's bytes in memory that is valid until this is closed; at most {@code bytesMax} from its beginning. One
     * that was cut ends anywhere.
     */
    public MemorySegment read(Path path, long bytesMax) {
        try (DiskFile file = disk.open(path, Access.READ);
                BlockingIo io = new BlockingIo(disk)) {
            long bytes = Math.min(Math.min(file.bytes(), bytesMax), MemoryBudget.SLAB_BYTES_MAX);
            Slab slab = account.take(Math.max(1, bytes));
            resources.add(() -> account.giveBack(slab));
            long aligned = (bytes + Disk.ALIGNMENT_BYTES - 1) & -Disk.ALIGNMENT_BYTES; // What may be asked for.
            long done = 0;
            while (done < bytes) {
                int read = io.read(file, done, slab.segment(), done, (int) Math.min(READ_BYTES, aligned - done));
                Check.that(read > 0, path + " ends at byte " + done + ", it had " + bytes + " bytes just now");
                done += read;
            }
            return slab.segment().asSlice(0, bytes);
        }
    }

    /** Explains a record of the storage log. */
    public static void annotateEdit(MemorySegment memory, long at, int bytes, Notes notes) {
        StorageEditFormat.annotate(memory, at, bytes, notes);
    }

    private Recovery inspect(Path directory) {
        return WriteAheadLog.inspect(WalConfig.in(directory), disk, account);
    }

    @Override
    public void close() {
        resources.close();
    }
}
