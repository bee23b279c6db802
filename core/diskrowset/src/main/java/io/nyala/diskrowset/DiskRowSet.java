package io.nyala.diskrowset;

import io.nyala.cfile.CFileReader;
import io.nyala.cfile.ColumnReader;
import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.KeyFilter;
import io.nyala.cfile.KeyIndex;
import io.nyala.cfile.PageCache;
import io.nyala.cfile.ReadAhead;
import io.nyala.cfile.UnsupportedFormatException;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Notes;
import io.nyala.rows.Column;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Limits;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSet;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Rows of one file: found by key through filter, index and key columns, scanned as columns at any snapshot.
 *
 * <p>The index is in memory while it is open; pages, those of the filter included, come through the cache. Immutable;
 * shared by threads. Whoever opened it closes it, after its cursors.
 */
public final class DiskRowSet implements RowSet, AutoCloseable {
    /** Answer of {@link #find}: no row, live or deleted, has the key. */
    public static final long NO_ROW = -1;

    /** Answer of {@link #find}: there was a row, but it was deleted before the file was written. */
    public static final long DELETED_ROW = -2;

    private final CFileReader file;
    private final Schema schema;
    private final RowLayout layout;
    private final FileColumns fileColumns;
    private final RowSetFormat.Metadata metadata;
    private final History history;
    private final @Nullable KeyFilter filter; // Null if it is of before and too large: then each key may be here.
    private final KeyIndex index;
    private final Lookups lookups;
    private final CellLookups cellLookups;

    private DiskRowSet(CFileReader file, Schema schema, RowSetFormat.Metadata metadata, LookupMemory lookups) {
        this.file = file;
        this.schema = schema;
        this.layout = new RowLayout(schema);
        this.fileColumns = new FileColumns(file, schema);
        this.metadata = metadata;
        this.history = new History(file, metadata, lookups.account());
        this.filter = file.keyFilter();
        this.index = Objects.requireNonNull(file.keyIndex(), "a rowset has a key index");
        this.lookups = new Lookups(this, lookups);
        this.cellLookups = new CellLookups(this);
    }

    /**
     * Opens a rowset and checks everything but its pages.
     *
     * @param schema of the table; columns are found by their ids. One that the file does not have was added later,
     *     and needs a read default unless it is nullable
     * @param account pays for what stays in memory, and for what it is read into
     * @param lookups what look-ups need, shared with other rowsets
     * @throws CorruptPageException if the file is damaged, or another one
     * @throws UnsupportedFormatException if it is of another version
     */
    public static DiskRowSet open(
            RowSetFile source, Schema schema, PageCache cache, MemoryAccount account, LookupMemory lookups) {
        CFileReader file = CFileReader.open(
                new CFileReader.Source(source.disk(), source.path(), source.fileId(), source.ownerId()),
                cache,
                account);
        try {
            int version = RowSetFormat.version(file.metadata());
            if (version != RowSetFormat.VERSION) {
                throw new UnsupportedFormatException(source.path(), version, RowSetFormat.VERSION);
            }
            RowSetFormat.Metadata metadata = RowSetFormat.readMetadata(file.metadata(), file.rowCount());
            file.column(RowSetFormat.INSERT_TIME_ID);
            file.column(RowSetFormat.DELETED_ID);
            return new DiskRowSet(file, schema, metadata, lookups);
        } catch (IllegalArgumentException | IllegalStateException | NullPointerException e) {
            file.closeAfter(e);
            throw new CorruptPageException(source.path(), 0, "not a rowset of this table: " + e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            file.closeAfter(e);
            throw e;
        }
    }

    /** Explains the metadata that a rowset has in its file's footer, for the dump tool. */
    public static void annotateMetadata(MemorySegment memory, long at, Notes notes) {
        RowSetFormat.annotateMetadata(memory, at, notes);
    }

    CFileReader file() {
        return file;
    }

    RowLayout layout() {
        return layout;
    }

    FileColumns fileColumns() {
        return fileColumns;
    }

    History history() {
        return history;
    }

    KeyIndex index() {
        return index;
    }

    Lookups lookups() {
        return lookups;
    }

    /** Rows of a vector: 1,024 in all but the last. */
    int vectorRows(int vector) {
        return (int) Math.min(Limits.VECTOR_ROWS, rowCount() - (long) vector * Limits.VECTOR_ROWS);
    }

    ColumnReader column(int schemaIndex) {
        return file.column(schema.column(schemaIndex).id());
    }

    /** What the file has of a column of the table; null if that was added later. */
    public @Nullable ColumnReader stored(Column column) {
        return fileColumns.has(column) ? fileColumns.reader(column) : null;
    }

    public Path path() {
        return file.path();
    }

    public long fileId() {
        return file.fileId();
    }

    /** Length of the file. */
    public long fileBytes() {
        return file.bytes();
    }

    /** Changes since the rows were first inserted. */
    public DeltaSource changes() {
        return history;
    }

    /** Whether there are any of {@link #changes}. */
    public boolean hasHistory() {
        return !history.isEmpty();
    }

    /** What they take of the file. */
    public long historyBytes() {
        return history.bytes();
    }

    /** Time of the newest insert or change of any row: a scan at or after it needs neither insert times nor history. */
    public long newestChange() {
        return metadata.newestChange();
    }

    @Override
    public long rowCount() {
        return file.rowCount();
    }

    /** Rows whose newest state is deleted. */
    public long deletedCount() {
        return metadata.deletedCount();
    }

    @Override
    public byte[] minKey() {
        return index.minKey();
    }

    @Override
    public byte[] maxKey() {
        return index.maxKey();
    }

    /** Whether a scan could find rows here, by keys alone. */
    private boolean meets(KeyRange range) {
        return rowCount() > 0 && range.meets(minKey(), maxKey());
    }

    /**
     * Whether a scan could find rows here; of a range of one key the filter tells more than the range of all keys, and
     * may be read for it.
     */
    public boolean mayHave(KeyRange range) {
        byte[] only = range.onlyKey();
        return meets(range)
                && (only == null || filter == null || filter.mayContain(MemorySegment.ofArray(only), 0, only.length));
    }

    @Nullable
    KeyFilter filter() {
        return filter;
    }

    @Override
    public RowCursor scan(ScanSpec spec, MemoryAccount account) {
        return scan(spec, account, RedoSources.NONE);
    }

    /**
     * As above, of rows that have changed since the file was written.
     *
     * @param spec its schema may be newer than the file, and than this rowset
     * @param redo not asked before the first {@code next} of the cursor, and only within it
     */
    public RowCursor scan(ScanSpec spec, MemoryAccount account, RedoSources redo) {
        return DiskRowSetCursor.alone(this, spec, redo, account);
    }

    /**
     * As above, for who reads several rowsets that share a cache, by reads of {@link #readAhead}: of native memory all
     * their cursors together take little more than one does.
     */
    public RowCursor scan(ScanSpec spec, ReaderMemory memory, RedoSources redo, ReadAhead ahead) {
        return new DiskRowSetCursor(this, spec, redo, ahead, memory);
    }

    /**
     * The reads of a scan of this rowset and of others that share its cache; {@code account} pays for them. The caller
     * closes it, after the cursors.
     */
    public ReadAhead readAhead(MemoryAccount account) {
        return file.readAhead(account);
    }

    /** As above, with buffers of so many bytes at most. */
    public ReadAhead readAhead(MemoryAccount account, long bufferBytesMax) {
        return file.readAhead(account, bufferBytesMax);
    }

    @Override
    public void outline(KeyRange range, int[] columnIds, long partBytes, Outline target) {
        if (!meets(range)) {
            return;
        }
        long[] bytes = bytesOfVectors(columnIds);
        int from = range.lower() == null ? 0 : floor(range.lower());
        int end = range.upper() == null ? bytes.length : floor(range.upper()) + 1;
        int first = from;
        long sum = 0;
        for (int i = from; i < end; i++) {
            sum += bytes[i];
            if (sum >= partBytes || i == end - 1) {
                target.part(index.lowest(first), sum);
                first = i + 1;
                sum = 0;
            }
        }
    }

    private long[] bytesOfVectors(int[] columnIds) {
        long[] bytes = new long[index.vectorCount()];
        if (columnIds.length > 0) {
            for (int id : columnIds) {
                if (file.hasColumn(id)) { // Else it was added later, and takes nothing.
                    file.column(id).addBytes(bytes);
                }
            }
            return bytes;
        }
        long rest = fileBytes();
        for (ColumnReader column : file.columns()) {
            column.addBytes(bytes);
            rest -= column.bytes();
        }
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] += Math.max(0, rest) / bytes.length;
        }
        return bytes;
    }

    /** The last vector that does not begin above a key; the first if all do. */
    private int floor(byte[] key) {
        int low = 0;
        int high = index.vectorCount() - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            boolean isAbove = Arrays.compareUnsigned(index.lowest(middle), key) > 0;
            low = isAbove ? low : middle;
            high = isAbove ? middle - 1 : high;
        }
        return low;
    }

    @Override
    public int lookup(MemorySegment memory, long key, int keyBytes) {
        long found = find(memory, key, keyBytes);
        return found >= 0 ? LIVE : found == NO_ROW ? ABSENT : DELETED;
    }

    /** The ordinal of the row with a key, or {@link #NO_ROW}, or {@link #DELETED_ROW}, by what the file says. */
    public long find(MemorySegment memory, long key, int keyBytes) {
        int vector = vectorOf(memory, key, keyBytes);
        boolean mayHave = vector >= 0 && (filter == null || filter.mayContain(memory, key, keyBytes));
        return mayHave ? lookups.find(vector, memory, key, keyBytes) : NO_ROW;
    }

    /**
     * As {@link #find}, of many keys, whose pages are read together where they are not cached.
     *
     * @param keys where in {@code memory} they begin; ascending as keys are, or it takes longer
     * @param keyBytes of each
     * @param count how many; the arrays may be longer
     * @param ordinals takes the answer of each
     * @return how many of them were looked for in the key columns: the filter, or the index, knew of the others
     */
    public int findAll(MemorySegment memory, long[] keys, int[] keyBytes, int count, long[] ordinals) {
        Check.inRange("keys", count, 0, Math.min(keys.length, Math.min(keyBytes.length, ordinals.length)));
        return lookups.findAll(memory, keys, keyBytes, count, ordinals);
    }

    /** Answers what is open of the questions, by what the file says. */
    public void answer(CellTests tests) {
        cellLookups.answer(tests);
    }

    /** The only vector that may have a key, by the index alone; -1 if none has it. */
    public int vectorOf(MemorySegment memory, long key, int keyBytes) {
        return rowCount() == 0 ? -1 : index.find(memory, key, keyBytes);
    }

    /** Reads and checks every page of the file. */
    public void verify() {
        file.verify();
    }

    @Override
    public void close() {
        file.close();
    }

    /** A merge has met a row with more history than it may have in memory at a time, which is all of one row's. */
    public static final class HistoryLimitException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final long fileId;

        HistoryLimitException(DiskRowSet rowSet, long ordinal, int records, long bytes, long bytesMax) {
            super("row " + ordinal + " of rowset " + rowSet.fileId() + " (" + rowSet.path() + ") changed so often that"
                    + " its history has " + records + " records of " + bytes + " bytes and more, and a merge has that"
                    + " of a row in memory, " + bytesMax + " bytes at most; the rowset stays as it is, and others are"
                    + " merged without it, until that history is forgotten. Let the table keep less of it"
                    + " (kudu.table.history_max_age_sec), or give it up now (nyala vacuum)");
            this.fileId = rowSet.fileId();
        }

        /** Of the rowset. */
        public long fileId() {
            return fileId;
        }
    }
}
