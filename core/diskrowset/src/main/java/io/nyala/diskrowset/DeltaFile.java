package io.nyala.diskrowset;

import io.nyala.cfile.CFileReader;
import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.PageCache;
import io.nyala.cfile.Prefetch;
import io.nyala.cfile.UnsupportedFormatException;
import io.nyala.diskrowset.DeltaFileFormat.ColumnEntry;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.Limits;
import io.nyala.rows.Schema;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Changes of a rowset's rows since its file was written, in a file of their own, column by column.
 *
 * <p>What it has of each page, which vectors of rows have changes, and which rows it deletes is in memory while it is
 * open; pages come through the cache. Immutable; shared by threads. Whoever opened it closes it, after its cursors.
 */
public final class DeltaFile implements DeltaSource, AutoCloseable {
    private final CFileReader file;
    private final DeltaFileFormat.Metadata metadata;
    private final MemoryAccount account;
    private final List<DeltaColumn> columns = new ArrayList<>();
    private final DeletedRows deleted;

    private DeltaFile(CFileReader file, DeltaFileFormat.Metadata metadata, MemoryAccount account) {
        this.file = file;
        this.metadata = metadata;
        this.account = account;
        for (ColumnEntry entry : metadata.columns()) {
            var column = new DeltaColumn(entry.id(), entry.cellBytes(), entry.pages(), file.rawPages(entry.id()));
            if (column.reader().pageCount() != entry.pages().size()) {
                throw new IllegalArgumentException("column " + entry.id() + " has "
                        + column.reader().pageCount() + " pages, expected "
                        + entry.pages().size());
            }
            columns.add(column);
        }
        this.deleted = readDeleted();
    }

    private DeletedRows readDeleted() {
        DeltaColumn column = columns.isEmpty() ? null : columns.getLast();
        if (column == null || !column.isDeletions()) {
            return new DeletedRows(0, 0, 0, account);
        }
        long first = column.pages().getFirst().firstOrdinal();
        long last = column.pages().getLast().lastOrdinal();
        DeletedRows rows = new DeletedRows(first, last, Math.toIntExact(column.entryCount()), account);
        try (var memory = new ReaderMemory(account);
                Cursor deletions = cursor(List.of(column), DeltaColumnCursor.Range.EVERYTHING, memory, false)) {
            while (deletions.next()) {
                rows.add(deletions.ordinal());
            }
            return rows;
        } catch (RuntimeException | Error e) {
            rows.close();
            throw e;
        }
    }

    /**
     * Opens a delta file, checks everything but its pages, and reads which rows it deletes.
     *
     * @param base whose rows it should be about
     * @param account pays for what stays in memory, and for readers that have no account of their own
     * @throws CorruptPageException if the file is damaged, or another one
     * @throws UnsupportedFormatException if it is of another version
     */
    public static DeltaFile open(RowSetFile source, DeltaBase base, PageCache cache, MemoryAccount account) {
        return openAny(source, base, cache, account);
    }

    /** As above, whatever rowset it is about: for tools. */
    public static DeltaFile open(RowSetFile source, PageCache cache, MemoryAccount account) {
        return openAny(source, null, cache, account);
    }

    private static DeltaFile openAny(
            RowSetFile source, @Nullable DeltaBase base, PageCache cache, MemoryAccount account) {
        CFileReader file = CFileReader.open(
                new CFileReader.Source(source.disk(), source.path(), source.fileId(), source.ownerId()),
                cache,
                account);
        try {
            return open(file, base, account);
        } catch (IllegalArgumentException | IllegalStateException e) {
            file.closeAfter(e);
            String whose = base == null ? "" : " of this rowset";
            throw new CorruptPageException(source.path(), 0, "not a delta file" + whose + ": " + e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            file.closeAfter(e);
            throw e;
        }
    }

    private static DeltaFile open(CFileReader file, @Nullable DeltaBase base, MemoryAccount account) {
        byte[] bytes = file.metadata();
        int version = DeltaFileFormat.version(bytes);
        if (version != DeltaFileFormat.VERSION) {
            throw new UnsupportedFormatException(file.path(), version, DeltaFileFormat.VERSION);
        }
        DeltaFileFormat.Metadata metadata = DeltaFileFormat.readMetadata(bytes);
        if (base != null && !metadata.base().equals(base)) {
            throw new IllegalArgumentException("it is about " + metadata.base() + ", expected " + base);
        }
        return new DeltaFile(file, metadata, account);
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

    /** The rowset whose rows it is about. */
    public DeltaBase base() {
        return metadata.base();
    }

    public long oldestTime() {
        return metadata.oldestTime();
    }

    public long newestTime() {
        return metadata.newestTime();
    }

    /** Rows that it deletes. */
    public int deletedCount() {
        return deleted.count();
    }

    /** Whether it deletes a row, at whatever time. Reads nothing. */
    public boolean isDeleted(long ordinal) {
        return deleted.has(ordinal);
    }

    /** Cells that it sets, and rows that it deletes; as in {@link DeltaFileOutput#changeCount}. */
    public long changeCount() {
        return cellCount() + deletedCount();
    }

    /** Cells that its changes set. */
    public long cellCount() {
        long sum = 0;
        for (DeltaColumn column : columns) {
            sum += column.hasCells() ? column.entryCount() : 0;
        }
        return sum;
    }

    @Override
    public boolean touches(int columnId) {
        return column(columnId) != null;
    }

    @Override
    public boolean mayChange(long from, long to, long snapshot) {
        return metadata.oldestTime() <= snapshot && mayHave(from, to);
    }

    /** Whether a vector that has changes has any of the rows. */
    private boolean mayHave(long from, long to) {
        if (from >= to) {
            return false;
        }
        long first = Math.max(0, from / Limits.VECTOR_ROWS - metadata.firstVector());
        long last = Math.min(metadata.vectorCount() - 1L, (to - 1) / Limits.VECTOR_ROWS - metadata.firstVector());
        for (long vector = first; vector <= last; vector++) {
            long word = metadata.changedVectors()[(int) (vector >>> 6)] >>> vector;
            if (word != 0) {
                return vector + Long.numberOfTrailingZeros(word) <= last;
            }
            vector |= Long.SIZE - 1;
        }
        return false;
    }

    @Override
    public boolean mayChangeBetween(long from, long to, long after, long upTo) {
        return metadata.newestTime() > after && metadata.oldestTime() <= upTo && mayHave(from, to);
    }

    @Override
    public Cursor changes(long from, long to, long snapshot) {
        return changes(from, to, snapshot, account);
    }

    @Override
    public Cursor changes(long from, long to, long snapshot, MemoryAccount reader) {
        return changes(from, to, snapshot, new ReaderMemory(reader), true);
    }

    /** As above, in memory that others of the reader's use, too. */
    Cursor changes(long from, long to, long snapshot, ReaderMemory memory) {
        return changes(from, to, snapshot, memory, false);
    }

    private Cursor changes(long from, long to, long snapshot, ReaderMemory memory, boolean ownsMemory) {
        return cursor(columns, new DeltaColumnCursor.Range(from, to, snapshot, false), memory, ownsMemory);
    }

    /**
     * {@inheritDoc} Only the newest cell of each row and column is answered, at its time: a row that changed very often
     * takes no longer.
     */
    @Override
    public Cursor changes(long from, long to, long snapshot, int[] columnIds, MemoryAccount reader) {
        return changes(from, to, snapshot, columnIds, new ReaderMemory(reader), true);
    }

    /** As above, in memory that others of the reader's use, too. */
    Cursor changes(long from, long to, long snapshot, int[] columnIds, ReaderMemory memory) {
        return changes(from, to, snapshot, columnIds, memory, false);
    }

    private Cursor changes(
            long from, long to, long snapshot, int[] columnIds, ReaderMemory memory, boolean ownsMemory) {
        List<DeltaColumn> wanted = new ArrayList<>();
        for (DeltaColumn column : columns) {
            if (column.isDeletions() || Arrays.binarySearch(columnIds, column.id()) >= 0) {
                wanted.add(column);
            }
        }
        return cursor(wanted, new DeltaColumnCursor.Range(from, to, snapshot, true), memory, ownsMemory);
    }

    private Cursor cursor(
            List<DeltaColumn> wanted, DeltaColumnCursor.Range range, ReaderMemory memory, boolean ownsMemory) {
        return new DeltaFileCursor(wanted, file.path(), range, file.prefetch(), memory, ownsMemory);
    }

    /**
     * Answers those of the open questions whose cell this file sets, by the newest change of it here.
     *
     * @param schema by which columns are named
     */
    public void answer(CellTests tests, Schema schema) {
        try (var memory = new ReaderMemory(account)) {
            answer(tests, schema, memory);
        }
    }

    private void answer(CellTests tests, Schema schema, ReaderMemory memory) {
        for (int first = 0; first < tests.count() && tests.isAnyOpen(); ) {
            int end = tests.columnEnd(first);
            DeltaColumn column = column(schema.column(tests.column(first)).id());
            if (column != null) {
                ColumnType type = schema.column(tests.column(first)).type();
                try (var cursor =
                        new DeltaColumnCursor(column, file.path(), DeltaColumnCursor.Range.EVERYTHING, memory)) {
                    new CellLookup(column, cursor, type, file.prefetch()).answer(tests, first, end);
                }
            }
            first = end;
        }
    }

    /** What it has, by ids, deletions last. */
    List<DeltaColumn> columns() {
        return columns;
    }

    /** Reads pages of its columns ahead, for one thread. */
    Prefetch prefetch() {
        return file.prefetch();
    }

    /** The cells that are set of a column; null if none are. */
    private @Nullable DeltaColumn column(int id) {
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).id() == id && columns.get(i).hasCells()) {
                return columns.get(i);
            }
        }
        return null;
    }

    /** Reads and checks every page of the file, and that its pages are what the footer says of them. */
    public void verify() {
        file.verify();
        try (var memory = new ReaderMemory(account)) {
            for (DeltaColumn column : columns) {
                try (var cursor =
                        new DeltaColumnCursor(column, file.path(), DeltaColumnCursor.Range.EVERYTHING, memory)) {
                    cursor.verify(metadata);
                }
            }
        }
    }

    @Override
    public void close() {
        deleted.close();
        file.close();
    }

    /**
     * Answers {@link CellTests} on one column by what a delta file sets of it: of the entries of a row, which are
     * oldest first, the last one counts. Reads the pages that have these rows, many at a time. One thread, for one use.
     */
    private static final class CellLookup {
        private final DeltaColumn column;
        private final DeltaColumnCursor cursor;
        private final ColumnType type;
        private final Prefetch prefetch;

        /** {@code cursor}: over all entries of the column; not moved yet. */
        CellLookup(DeltaColumn column, DeltaColumnCursor cursor, ColumnType type, Prefetch prefetch) {
            this.column = column;
            this.cursor = cursor;
            this.type = type;
            this.prefetch = prefetch;
        }

        /** Answers what is open of the questions from {@code first} to {@code end}, excluded, on this column. */
        void answer(CellTests tests, int first, int end) {
            for (int next = first; next < end; ) {
                int windowEnd = prefetch(tests, next, end);
                while (next < windowEnd) {
                    int cellEnd = tests.cellEnd(next);
                    if (isOpen(tests, next, cellEnd)) {
                        answerCell(tests, next, cellEnd);
                    }
                    next = cellEnd;
                }
            }
        }

        /** Who answers one question on a cell answers all. */
        private static boolean isOpen(CellTests tests, int first, int end) {
            assert tests.isOpen(first) == tests.isOpen(end - 1) : "half of the questions on a cell are answered";
            return tests.isOpen(first);
        }

        /** Reads pages from one question on; answers behind the last one for whose pages there was room. */
        private int prefetch(CellTests tests, int first, int end) {
            int next = first;
            while (next < end && (!tests.isOpen(next) || add(tests.ordinal(next)))) {
                next++;
            }
            prefetch.run();
            return Math.max(
                    next, first + 1); // A row may have more entries than one run reads: the rest comes by itself.
        }

        private boolean add(long ordinal) {
            int pageCount = column.pages().size();
            for (int page = column.pageFrom(ordinal, 0); page < pageCount; page++) {
                if (column.pages().get(page).firstOrdinal() > ordinal) {
                    return true;
                }
                if (!prefetch.add(column.reader(), page)) {
                    return false;
                }
            }
            return true;
        }

        private void answerCell(CellTests tests, int first, int end) {
            long ordinal = tests.ordinal(first);
            cursor.skipTo(ordinal);
            boolean isThere = cursor.isAtOrBehind(ordinal) || cursor.next(prefetch, 1);
            while (isThere && cursor.ordinal() == ordinal) {
                for (int test = first; test < end; test++) {
                    tests.answer(test, cursor.isEqual(type, tests.memory(), tests.cell(test)));
                }
                isThere = cursor.next(prefetch, 1);
            }
        }
    }
}
