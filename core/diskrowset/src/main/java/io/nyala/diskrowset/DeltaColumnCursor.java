package io.nyala.diskrowset;

import static io.nyala.rows.LittleEndian.getInt;
import static io.nyala.rows.LittleEndian.getLong;
import static io.nyala.rows.LittleEndian.setInt;
import static io.nyala.rows.LittleEndian.unsignedByte;

import io.nyala.cfile.CorruptPageException;
import io.nyala.cfile.Prefetch;
import io.nyala.cfile.RawReader;
import io.nyala.diskrowset.DeltaFileFormat.PageEntry;
import io.nyala.encoding.CorruptVectorException;
import io.nyala.encoding.DecoderScratch;
import io.nyala.encoding.EncodedVector;
import io.nyala.encoding.FlatBinary;
import io.nyala.encoding.VectorDecoder;
import io.nyala.encoding.VectorFormat;
import io.nyala.memory.MemoryAccount;
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
 * The relevant entries of one column of a delta file, by ordinal and time. Holds a decoded copy of the present page, so
 * that no page is pinned while nobody reads.
 *
 * <p>Belongs to one {@link DeltaFileCursor}. Allocates nothing per page; takes memory when it comes to its first one.
 */
final class DeltaColumnCursor implements AutoCloseable {
    private static final int ENTRIES_MAX = DeltaFileFormat.PAGE_ENTRIES_MAX;
    private static final int PADDING = VectorFormat.WRITE_PADDING_BYTES;

    // Where the parts of the decoded page are.
    private static final long ORDINALS = 0;
    private static final long TIMES = ORDINALS + ENTRIES_MAX * (long) Integer.BYTES + PADDING;
    private static final long VALIDITY = TIMES + ENTRIES_MAX * (long) Long.BYTES + PADDING;
    private static final long VALUES = VALIDITY + ENTRIES_MAX / Byte.SIZE + PADDING;

    private final DeltaColumn column;
    private final Path path;
    private final Range range;
    private final MemoryAccount account;
    private final RawReader.Cursor pages;
    private final EncodedVector vector;
    private final FlatBinary flat = new FlatBinary();
    private final GrowingBuffer strings;
    private @Nullable Slab slab;
    private MemorySegment decoded = MemorySegment.NULL;
    private long from; // Of the range, or further.
    private int nextPage;
    private int count;
    private int index;

    /**
     * Which entries are relevant: of rows {@code from} to {@code to}, excluded, and for the snapshot.
     *
     * @param isNewestEnough whether of a row's entries that are relevant only the newest matters, as it does to who
     *     wants to know what the row is at the snapshot: the cell that it sets takes the place of those before. REDO
     */
    record Range(DeltaKind kind, long from, long to, long snapshot, boolean isNewestEnough) {
        boolean isRelevant(PageEntry page) {
            return kind.isRelevant(page.oldestTime(), page.newestTime(), snapshot);
        }

        boolean isRelevant(long time) {
            return kind.isRelevant(time, time, snapshot);
        }
    }

    DeltaColumnCursor(DeltaColumn column, Path path, Range range, DecoderScratch scratch, MemoryAccount account) {
        this.column = column;
        this.path = path;
        this.range = range;
        this.account = account;
        this.pages = column.reader().cursor();
        this.vector = new EncodedVector(scratch);
        this.strings = new GrowingBuffer(account);
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
                if (ordinal() >= range.to()) {
                    return end();
                }
                if (ordinal() >= from && range.isRelevant(time()) && !isSuperseded()) {
                    return true;
                }
            }
            while (nextPage < column.pages().size() && !isNeeded(nextPage)) {
                nextPage++;
            }
            if (nextPage == column.pages().size()
                    || column.pages().get(nextPage).firstOrdinal() >= range.to()) {
                return end();
            }
            if (!column.reader().isCached(nextPage)) {
                noteAhead(prefetch, pagesAhead);
                prefetch.run();
            }
            load(nextPage++);
        }
    }

    /** Whether the next entry is relevant, and of the same row: as far as is known, at the end of a page. */
    private boolean isSuperseded() {
        if (!range.isNewestEnough()) {
            return false;
        }
        if (index + 1 == count) {
            return beginsWith(nextPage, ordinal());
        }
        long next = index + 1L;
        return getInt(decoded, ORDINALS + next * Integer.BYTES) == ordinal()
                && range.isRelevant(getLong(decoded, TIMES + next * Long.BYTES));
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

    private boolean end() {
        index = 0;
        count = 0;
        nextPage = column.pages().size();
        return false;
    }

    /** Leaves out the entries of rows before {@code ordinal}, as if they had been read. */
    void skipTo(long ordinal) {
        from = Math.max(from, ordinal);
        if (count == 0 || column.pages().get(nextPage - 1).lastOrdinal() < ordinal) {
            index = 0;
            count = 0;
            nextPage = column.pageFrom(ordinal, nextPage);
        }
    }

    /** Whether the present entry, if there is one, is of this row or of one behind it. */
    boolean isAtOrBehind(long ordinal) {
        return index < count && ordinal() >= ordinal;
    }

    /** Reads all pages, and checks that they are what the footer says of them. */
    void verify(DeltaFileFormat.Metadata metadata) {
        for (int page = 0; page < column.pages().size(); page++) {
            load(page);
            PageEntry entry = column.pages().get(page);
            long oldest = Long.MAX_VALUE;
            long newest = Long.MIN_VALUE;
            int ordinalBefore = -1;
            long timeBefore = 0;
            for (index = 0; index < count; index++) {
                if (ordinal() == ordinalBefore && !range.kind().isBefore(timeBefore, time())) {
                    throw wrong(
                            page,
                            "changes of row " + ordinal() + " are not in the order of " + range.kind() + ": one at "
                                    + time() + " follows one at " + timeBefore);
                }
                if (!metadata.isChanged(ordinal() / Limits.VECTOR_ROWS)) {
                    throw wrong(page, "the footer denies that row " + ordinal() + " has changes");
                }
                ordinalBefore = ordinal();
                timeBefore = time();
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

    private void load(int page) {
        if (slab == null) {
            long width = column.cellBytes() == 0 ? Integer.BYTES : column.cellBytes();
            Slab taken = account.take(VALUES + (ENTRIES_MAX + 1L) * width + PADDING);
            slab = taken;
            decoded = taken.segment();
        }
        pages.seek(page);
        try {
            decode(pages.memory(), pages.bytes(), column.pages().get(page));
        } catch (CorruptVectorException | IllegalArgumentException e) {
            throw new CorruptPageException(
                    path,
                    column.reader().position(page),
                    "delta page " + page + " of column " + column.id() + " makes no sense: " + e.getMessage(),
                    e);
        } finally {
            pages.release();
        }
        count = column.pages().get(page).entryCount();
        index = -1;
    }

    private void decode(MemorySegment page, int bytes, PageEntry entry) {
        count = 0;
        int entries = entry.entryCount();
        DeltaFileFormat.checkPage(page, bytes, entry, column.cellBytes(), column.hasCells());
        decodeRows(page, entry);
        vector.wrap(page, DeltaFileFormat.timesOffset(page, 0), DeltaFileFormat.timeBytes(page, 0))
                .expect(Long.BYTES, entries);
        VectorDecoder.decodeFixed(vector, decoded, TIMES);
        int nulls = DeltaFileFormat.nulls(page, 0);
        long validityBytes = DeltaFileFormat.validityBytes(nulls, entries);
        if (validityBytes > 0) {
            MemorySegment.copy(page, DeltaFileFormat.validityOffset(page, 0), decoded, VALIDITY, validityBytes);
        } else {
            decoded.asSlice(VALIDITY, ENTRIES_MAX / Byte.SIZE)
                    .fill((byte) (nulls == DeltaFileFormat.ALL_VALID ? -1 : 0));
        }
        if (nulls <= DeltaFileFormat.VALIDITY) {
            vector.wrap(page, DeltaFileFormat.valuesOffset(page, 0), DeltaFileFormat.valueBytes(page, 0))
                    .expect(column.cellBytes(), entries);
            if (column.cellBytes() > 0) {
                VectorDecoder.decodeFixed(vector, decoded, VALUES);
            } else {
                strings.ensure(0, vector.decodedBytes() + PADDING);
                VectorDecoder.decodeBinary(vector, flat.wrap(decoded, VALUES, strings.memory(), 0));
            }
        }
    }

    private void decodeRows(MemorySegment page, PageEntry entry) {
        int rowBytes = DeltaFileFormat.rowBytes(page, 0);
        int found = 0;
        if (DeltaFileFormat.rowsForm(page, 0) == DeltaFileFormat.ROWS_VECTOR) {
            vector.wrap(page, DeltaFileFormat.PAGE_HEADER_BYTES, rowBytes).expect(Integer.BYTES, entry.entryCount());
            VectorDecoder.decodeFixed(vector, decoded, ORDINALS);
            found = entry.entryCount();
        } else {
            for (int at = 0; at < rowBytes; at++) {
                int bits = unsignedByte(page, DeltaFileFormat.PAGE_HEADER_BYTES + (long) at);
                for (; bits != 0; bits &= bits - 1, found++) {
                    if (found < entry.entryCount()) {
                        int row = at * Byte.SIZE + Integer.numberOfTrailingZeros(bits);
                        setInt(decoded, ORDINALS + found * (long) Integer.BYTES, row);
                    }
                }
            }
        }
        if (found != entry.entryCount()) {
            throw new IllegalArgumentException("it has " + found + " rows, expected " + entry.entryCount());
        }
        int span = entry.lastOrdinal() - entry.firstOrdinal();
        int before = 0;
        for (int i = 0; i < found; i++) {
            long at = ORDINALS + i * (long) Integer.BYTES;
            int row = getInt(decoded, at);
            if (row < before || row > span || (i == 0 && row != 0) || (i == found - 1 && row != span)) {
                throw new IllegalArgumentException(
                        "row " + row + " follows row " + before + " of " + span + ", at entry " + i);
            }
            before = row;
            setInt(decoded, at, entry.firstOrdinal() + row);
        }
    }

    int ordinal() {
        return getInt(decoded, ORDINALS + index * (long) Integer.BYTES);
    }

    long time() {
        return getLong(decoded, TIMES + index * (long) Long.BYTES);
    }

    boolean isNull() {
        return (getLong(decoded, VALIDITY + (index >>> 6) * (long) Long.BYTES) >>> index & 1) == 0;
    }

    /** Of the value; 0 if it is NULL. */
    int valueBytes() {
        if (isNull()) {
            return 0;
        }
        return column.cellBytes() > 0 ? column.cellBytes() : stringEnd(index + 1) - stringEnd(index);
    }

    private int stringEnd(int number) {
        return getInt(decoded, VALUES + number * (long) Integer.BYTES);
    }

    /** Copies the value, which is not NULL. */
    void copyValue(MemorySegment target, long offset) {
        if (column.cellBytes() > 0) {
            long source = VALUES + (long) index * column.cellBytes();
            MemorySegment.copy(decoded, source, target, offset, column.cellBytes());
        } else {
            MemorySegment.copy(strings.memory(), stringEnd(index), target, offset, valueBytes());
        }
    }

    /** Adds the present entry to a file that is being written. */
    void appendTo(DeltaColumnWriter target) {
        if (isNull()) { // An entry that has no value is, too.
            target.appendWithoutValue(ordinal(), time());
        } else if (column.cellBytes() > 0) {
            target.append(ordinal(), time(), decoded, VALUES + (long) index * column.cellBytes(), column.cellBytes());
        } else {
            target.append(ordinal(), time(), strings.memory(), stringEnd(index), valueBytes());
        }
    }

    /** Whether the value is that of a cell of a {@link RowChange}. */
    boolean isEqual(ColumnType type, MemorySegment memory, long cell) {
        if (isNull() || RowChange.cellIsNull(memory, cell)) {
            return isNull() == RowChange.cellIsNull(memory, cell);
        }
        boolean isFixed = column.cellBytes() > 0;
        MemorySegment values = isFixed ? decoded : strings.memory();
        long value = isFixed ? VALUES + (long) index * column.cellBytes() : stringEnd(index);
        return CellEquality.ofValue(type, values, value, valueBytes(), memory, cell);
    }

    @Override
    public void close() {
        pages.close();
        strings.close();
        Slab taken = slab;
        slab = null;
        if (taken != null) {
            account.giveBack(taken);
        }
    }
}
