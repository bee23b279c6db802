package io.nyala.diskrowset;

import static io.nyala.rows.LittleEndian.getInt;
import static io.nyala.rows.LittleEndian.getLong;
import static io.nyala.rows.LittleEndian.setInt;
import static io.nyala.rows.LittleEndian.setLong;

import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.Prefetch;
import io.nyala.cfile.RawReader;
import io.nyala.diskrowset.DeltaFileFormat.PageEntry;
import io.nyala.memory.Slab;
import io.nyala.rows.CellEquality;
import io.nyala.rows.ColumnType;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.Limits;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The relevant entries of one column of a delta file, by ordinal and time. Holds copies of those that come next, so
 * that no page is pinned while nobody reads: of a page or less, some 200 where the reader has many such cursors.
 *
 * <pre>{@code
 *   page       [ decoded, in memory that all cursors of the reader share                  ]
 *                        |relevant entries, the next ones|
 *   window               [ ordinals | times | validity | values, or ends of strings ]
 * }</pre>
 *
 * <p>Belongs to one {@link DeltaFileCursor}. Allocates nothing per page; takes memory when it comes to its first one.
 */
final class DeltaColumnCursor implements AutoCloseable {
    /** Of a window, where the reader has many of them, or needs few rows; some 200 entries. */
    private static final int WINDOW_BYTES_MIN = 4 << 10;

    /** Of a window that takes all entries of a page, of whatever type. */
    private static final int WINDOW_BYTES_MAX = 32 << 10;

    /** Strings in a window, as many times as it has bytes: of more than that there is one, at least. */
    private static final int STRING_BYTES_FACTOR = 2;

    /** A reader that wants so few rows only needs few entries. */
    private static final int FEW_ROWS = 64;

    private final DeltaColumn column;
    private final Path path;
    private final Range range;
    private final ReaderMemory memory;
    private final RawReader.Cursor pages;
    private final GrowingBuffer strings;
    private @Nullable Slab slab;
    private MemorySegment window = MemorySegment.NULL;
    private long from; // Of the range, or further.
    private int nextPage;

    /** The first entry of the page before the next one that was not looked at; of none, behind the last one. */
    private int nextEntry = Integer.MAX_VALUE;

    // Of the window.
    private int entriesMax;
    private long stringBytesMax;
    private long times;
    private long validity;
    private long values;
    private int count;
    private int index;

    /**
     * Which entries are relevant: of rows {@code from} to {@code to}, excluded, and for the snapshot.
     *
     * @param isNewestEnough whether of a row's entries that are relevant only the newest matters, as it does to who
     *     wants to know what the row is at the snapshot: the cell that it sets takes the place of those before
     */
    record Range(long from, long to, long snapshot, boolean isNewestEnough) {
        static final Range EVERYTHING = new Range(0, Long.MAX_VALUE, Long.MAX_VALUE, false);

        boolean isRelevant(PageEntry page) {
            return page.oldestTime() <= snapshot;
        }

        boolean isRelevant(long time) {
            return time <= snapshot;
        }
    }

    DeltaColumnCursor(DeltaColumn column, Path path, Range range, ReaderMemory memory) {
        this.column = column;
        this.path = path;
        this.range = range;
        this.memory = memory;
        this.pages = column.reader().cursor();
        this.strings = new GrowingBuffer(memory.account());
        this.from = range.from();
        this.nextPage = column.pageFrom(from, 0);
    }

    DeltaColumn column() {
        return column;
    }

    /** Moves to the next relevant entry; false at the end. */
    boolean next(Prefetch prefetch, int pagesAhead) {
        while (true) {
            while (++index < count) {
                if (ordinal() >= from) {
                    return true;
                }
            }
            index = 0;
            count = 0;
            if (!hasRest() && !turn(prefetch, pagesAhead)) {
                return false;
            }
            fill();
            index = -1;
        }
    }

    /** Whether entries of the page before the next one were not looked at yet. */
    private boolean hasRest() {
        return nextPage > 0 && nextEntry < column.pages().get(nextPage - 1).entryCount();
    }

    /** Goes to the next page that may have a relevant entry; false at the end. */
    private boolean turn(Prefetch prefetch, int pagesAhead) {
        while (nextPage < column.pages().size() && !isNeeded(nextPage)) {
            nextPage++;
        }
        if (nextPage == column.pages().size() || column.pages().get(nextPage).firstOrdinal() >= range.to()) {
            nextPage = column.pages().size();
            nextEntry = Integer.MAX_VALUE;
            return false;
        }
        if (!column.reader().isCached(nextPage)) {
            noteAhead(prefetch, pagesAhead);
            prefetch.run();
        }
        nextPage++;
        nextEntry = 0;
        return true;
    }

    /** Takes the next relevant entries of the page before the next one; perhaps none. */
    private void fill() {
        DeltaColumn.Page page = memory.page();
        page.load(column, pages, nextPage - 1, path);
        takeWindow();
        long stringEnd = 0;
        int entry = nextEntry;
        for (; entry < page.count() && count < entriesMax; entry++) {
            int ordinal = page.ordinal(entry);
            if (ordinal >= range.to()) {
                entry = page.count();
                break;
            }
            if (ordinal >= from && range.isRelevant(page.time(entry)) && !isSuperseded(page, entry)) {
                int bytes = column.cellBytes() > 0 || page.isNull(entry) ? 0 : page.stringBytes(entry);
                if (count > 0 && stringEnd + bytes > stringBytesMax) {
                    break;
                }
                stringEnd = copy(page, entry, stringEnd, bytes);
            }
        }
        nextEntry = entry;
    }

    /** Copies an entry behind those of the window; answers where strings end. */
    private long copy(DeltaColumn.Page page, int entry, long stringEnd, int stringBytes) {
        setInt(window, count * (long) Integer.BYTES, page.ordinal(entry));
        setLong(window, times + count * (long) Long.BYTES, page.time(entry));
        boolean isNull = page.isNull(entry);
        long word = validity + (count >>> 6) * (long) Long.BYTES;
        long bit = 1L << count;
        setLong(window, word, (getLong(window, word) & ~bit) | (isNull ? 0 : bit));
        if (column.cellBytes() > 0) {
            if (!isNull) {
                page.copyValue(entry, column.cellBytes(), window, values + (long) count * column.cellBytes());
            }
            count++;
            return 0;
        }
        long after = stringEnd + stringBytes;
        if (stringBytes > 0) {
            growStrings(stringEnd, after);
            page.copyValue(entry, 0, strings.memory(), stringEnd);
        }
        count++;
        setInt(window, values + count * (long) Integer.BYTES, (int) after);
        return after;
    }

    private void growStrings(long usedBytes, long bytes) {
        long before = strings.memory().byteSize();
        strings.ensure(usedBytes, bytes);
        memory.countChanges(strings.memory().byteSize() - before);
    }

    private void takeWindow() {
        if (slab != null) {
            return;
        }
        boolean isSmall = memory.isFullOfChanges() || range.to() - from <= FEW_ROWS;
        Slab taken = memory.account().take(isSmall ? WINDOW_BYTES_MIN : WINDOW_BYTES_MAX);
        slab = taken;
        window = taken.segment();
        long bytes = window.byteSize();
        memory.countChanges(bytes);
        long entryBits = (Integer.BYTES + Long.BYTES + column.fixedBytes()) * (long) Byte.SIZE + 1;
        long room = (bytes - Integer.BYTES) * Byte.SIZE / entryBits;
        entriesMax = (int) Math.min(DeltaFileFormat.PAGE_ENTRIES_MAX, room & -Long.SIZE);
        times = entriesMax * (long) Integer.BYTES;
        validity = times + entriesMax * (long) Long.BYTES;
        values = validity + entriesMax / Byte.SIZE;
        stringBytesMax = STRING_BYTES_FACTOR * bytes;
        long end = values + (long) entriesMax * column.fixedBytes() + Integer.BYTES; // Strings have one end more.
        assert entriesMax > 0 && end <= bytes : entriesMax + " in " + bytes;
        setInt(window, values, 0);
    }

    /** Whether the next entry is relevant, and of the same row: as far as is known, at the end of a page. */
    private boolean isSuperseded(DeltaColumn.Page page, int entry) {
        if (!range.isNewestEnough()) {
            return false;
        }
        if (entry + 1 == page.count()) {
            return beginsWith(nextPage, page.ordinal(entry));
        }
        return page.ordinal(entry + 1) == page.ordinal(entry) && range.isRelevant(page.time(entry + 1));
    }

    /** Whether a page is known to begin with a relevant entry of this row. */
    private boolean beginsWith(int page, int ordinal) {
        return page < column.pages().size()
                && column.pages().get(page).firstOrdinal() == ordinal
                && range.isRelevant(column.pages().get(page).newestTime());
    }

    /** Whether a page may have an entry that is relevant and not superseded: a row may have changed very often. */
    private boolean isNeeded(int page) {
        PageEntry entry = column.pages().get(page);
        boolean isOfOneRow = entry.firstOrdinal() == entry.lastOrdinal();
        return range.isRelevant(entry)
                && !(range.isNewestEnough() && isOfOneRow && beginsWith(page + 1, entry.lastOrdinal()));
    }

    /** Leaves out the entries of rows before {@code ordinal}, as if they had been read. */
    void skipTo(long ordinal) {
        from = Math.max(from, ordinal);
        boolean isPassed = hasRest()
                ? column.pages().get(nextPage - 1).lastOrdinal() < ordinal
                : count == 0 || ordinal(count - 1) < ordinal;
        if (isPassed) {
            index = 0;
            count = 0;
            nextPage = column.pageFrom(ordinal, nextPage);
            nextEntry = Integer.MAX_VALUE;
        }
    }

    /** Whether the present entry, if there is one, is of this row or of one behind it. */
    boolean isAtOrBehind(long ordinal) {
        return index < count && ordinal() >= ordinal;
    }

    /** Reads all pages, and checks that they are what the footer says of them. */
    void verify(DeltaFileFormat.Metadata metadata) {
        DeltaColumn.Page decoded = memory.page();
        for (int page = 0; page < column.pages().size(); page++) {
            decoded.load(column, pages, page, path);
            PageEntry entry = column.pages().get(page);
            long oldest = Long.MAX_VALUE;
            long newest = Long.MIN_VALUE;
            int ordinalBefore = -1;
            long timeBefore = 0;
            for (int i = 0; i < decoded.count(); i++) {
                int ordinal = decoded.ordinal(i);
                long time = decoded.time(i);
                if (ordinal == ordinalBefore && time <= timeBefore) {
                    throw wrong(
                            page,
                            "changes of row " + ordinal + " do not ascend: one at " + time + " follows one at "
                                    + timeBefore);
                }
                if (!metadata.isChanged(ordinal / Limits.VECTOR_ROWS)) {
                    throw wrong(page, "the footer denies that row " + ordinal + " has changes");
                }
                ordinalBefore = ordinal;
                timeBefore = time;
                oldest = Math.min(oldest, timeBefore);
                newest = Math.max(newest, timeBefore);
            }
            if (oldest != entry.oldestTime() || newest != entry.newestTime()) {
                throw wrong(page, "times are " + oldest + " to " + newest + ", the footer says " + entry);
            }
        }
    }

    private CorruptPageException wrong(int page, String what) {
        return new CorruptPageException(
                path, column.reader().position(page), "delta page " + page + " of column " + column.id() + ": " + what);
    }

    /** Notes the next pages to be read. */
    void noteAhead(Prefetch prefetch, int pagesAhead) {
        int noted = 0;
        for (int page = nextPage; page < column.pages().size() && noted < pagesAhead; page++) {
            PageEntry entry = column.pages().get(page);
            if (entry.firstOrdinal() >= range.to()) {
                return;
            }
            if (isNeeded(page)) {
                prefetch.add(column.reader(), page);
                noted++;
            }
        }
    }

    int ordinal() {
        return ordinal(index);
    }

    private int ordinal(int entry) {
        return getInt(window, entry * (long) Integer.BYTES);
    }

    long time() {
        return getLong(window, times + index * (long) Long.BYTES);
    }

    boolean isNull() {
        return (getLong(window, validity + (index >>> 6) * (long) Long.BYTES) >>> index & 1) == 0;
    }

    /** Of the value; 0 if it is NULL. */
    int valueBytes() {
        if (isNull()) {
            return 0;
        }
        return column.cellBytes() > 0 ? column.cellBytes() : stringEnd(index + 1) - stringEnd(index);
    }

    private int stringEnd(int number) {
        return getInt(window, values + number * (long) Integer.BYTES);
    }

    /** Copies the value, which is not NULL. */
    void copyValue(MemorySegment target, long offset) {
        MemorySegment.copy(valueMemory(), valueOffset(), target, offset, valueBytes());
    }

    private MemorySegment valueMemory() {
        return column.cellBytes() > 0 ? window : strings.memory();
    }

    private long valueOffset() {
        return column.cellBytes() > 0 ? values + (long) index * column.cellBytes() : stringEnd(index);
    }

    /** Adds the present entry to a file that is being written. */
    void appendTo(DeltaColumnWriter target) {
        if (isNull()) { // An entry that has no value is, too.
            target.appendWithoutValue(ordinal(), time());
        } else {
            target.append(ordinal(), time(), valueMemory(), valueOffset(), valueBytes());
        }
    }

    /** Whether the value is that of a cell of a {@link RowChange}. */
    boolean isEqual(ColumnType type, MemorySegment other, long cell) {
        if (isNull() || RowChange.cellIsNull(other, cell)) {
            return isNull() == RowChange.cellIsNull(other, cell);
        }
        return CellEquality.ofValue(type, valueMemory(), valueOffset(), valueBytes(), other, cell);
    }

    @Override
    public void close() {
        pages.close();
        memory.countChanges(-strings.memory().byteSize());
        strings.close();
        Slab taken = slab;
        slab = null;
        if (taken != null) {
            memory.countChanges(-window.byteSize());
            memory.account().giveBack(taken);
        }
    }
}
