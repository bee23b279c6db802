package io.nyala.diskrowset;

import static io.nyala.rows.LittleEndian.getInt;
import static io.nyala.rows.LittleEndian.getLong;
import static io.nyala.rows.LittleEndian.setByte;
import static io.nyala.rows.LittleEndian.setInt;
import static io.nyala.rows.LittleEndian.setLong;
import static io.nyala.rows.LittleEndian.unsignedByte;
import static io.nyala.rows.LittleEndian.unsignedShort;

import io.nyala.encoding.Annotation;
import io.nyala.encoding.EncodedVector;
import io.nyala.memory.Check;
import io.nyala.memory.Notes;
import io.nyala.rows.Limits;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * What a delta file puts into a column file, which has no columns then: for each column of the table that changes set,
 * a raw section of delta pages with the column's id, and more for what happened to rows as a whole.
 *
 * <p>A delta page has up to 1,024 entries of one column, by ordinal, of each row in the order in which they are
 * applied, at most one for each time:
 *
 * <pre>{@code
 *   0         4               8              12     13      14     16          20           24            28     32
 *   +---------+---------------+--------------+------+-------+------+-----------+------------+-------------+------+
 *   | entries | first ordinal | last ordinal | rows | nulls | zero | row bytes | time bytes | value bytes | zero |
 *   +---------+---------------+--------------+------+-------+------+-----------+------------+-------------+------+
 *       u32         u32             u32         u8     u8     u16      u32         u32           u32        u32
 *
 *   32
 *   +------+------+--------------+------+------------------+---------------+------+
 *   | rows | zero | times vector | zero | validity, or none | values vector | zero |
 *   +------+------+--------------+------+------------------+---------------+------+
 *            to 8                  to 8   u64[ceil(n / 64)]                  to 8
 * }</pre>
 *
 * <ul>
 *   <li>{@code rows}: 1 a bitmap, bit {@code i % 8} of byte {@code i / 8} is 1 if row {@code first ordinal + i} has an
 *       entry; 2 a vector of 4-byte cells, the distance of each entry's row from the first. The bitmap where each row
 *       has one entry and it is not larger.
 *   <li>{@code times}: a vector of 8-byte cells, hybrid times.
 *   <li>{@code nulls}: 0 all valid, 1 a bitmap says which (bit 1 = valid), 2 all NULL and no values, 3 not a
 *       column's, so there are no values. A NULL has zero or an empty string in the vector.
 * </ul>
 *
 * The metadata in the footer says which pages there are:
 *
 * <pre>{@code
 *   0       4         8         12     16          24          32            40            48
 *   +-------+---------+---------+------+-----------+-----------+-------------+-------------+- -
 *   | magic | version | schema  | kind | base file | base rows | oldest time | newest time |
 *   +-------+---------+---------+------+-----------+-----------+-------------+-------------+- -
 *      u32      u32     version    u32      u64         u64          i64           i64
 *
 *    48        52             56             60     64
 *   - -+---------+--------------+--------------+------+----------------+----------+----------+-- - -
 *      | columns | first vector | vector count | zero | changed vectors | column 0 | column 1 | ...
 *   - -+---------+--------------+--------------+------+----------------+----------+----------+-- - -
 *        u32          u32            u32         u32    u64[ceil(n / 64)]
 *
 *   column    0    4            8       12     16        page     0         4       8      12     16       24       32
 *             +----+------------+-------+------+-- - -            +---------+-------+------+------+--------+--------+
 *             | id | cell bytes | pages | zero | pages            | entries | first | last | zero | oldest | newest |
 *             +----+------------+-------+------+-- - -            +---------+-------+------+------+--------+--------+
 *              u32      u32        u32    u32                        u32      u32     u32    u32    i64      i64
 * }</pre>
 *
 * <ul>
 *   <li>{@code magic}: {@code DELT}, which no version of a rowset's metadata is.
 *   <li>{@code kind}: 1, what happened since the base was written, of each row oldest first. There is no other.
 *   <li>{@code changed vectors}: bit {@code i} is 1 if a row of vector {@code first vector + i} of the base has an
 *       entry; bits behind are zero.
 *   <li>{@code cell bytes}: of fixed-width cells; 0 of strings, and of what is no column. Columns ascend by id.
 * </ul>
 *
 * One id is beyond those of a table's columns: in 65,537 an entry says that the row is deleted.
 *
 * Integers are little-endian.
 */
final class DeltaFileFormat {
    static final int VERSION = 1;

    /** {@code DELT} as bytes. */
    static final int MAGIC = 0x544C_4544;

    /** Beyond the ids of a table's columns. */
    private static final int COLUMN_IDS_END = 1 << 16;

    /** Section of the deletions: behind all cells of the same time. */
    static final int DELETED_ID = COLUMN_IDS_END + 1;

    /** Changes that lead forward. Where those are that lead back is told in decision 0025. */
    private static final int KIND = 1;

    static final int PAGE_ENTRIES_MAX = Limits.VECTOR_ROWS;

    static final int PAGE_HEADER_BYTES = 32;

    static final int ROWS_BITMAP = 1;
    static final int ROWS_VECTOR = 2;

    static final int ALL_VALID = 0;
    static final int VALIDITY = 1;
    static final int ALL_NULL = 2;
    static final int NO_VALUES = 3;

    private static final int METADATA_BYTES = 64;
    private static final int COLUMN_BYTES = 16;
    private static final int PAGE_BYTES = 32;

    private DeltaFileFormat() {}

    /**
     * What the metadata says.
     *
     * @param firstVector of the base that has a changed row
     * @param changedVectors bits, from the first vector on
     */
    @SuppressWarnings("ArrayRecordComponent") // Nobody compares them.
    record Metadata(
            int schemaVersion,
            DeltaBase base,
            long oldestTime,
            long newestTime,
            int firstVector,
            int vectorCount,
            long[] changedVectors,
            List<ColumnEntry> columns) {
        boolean isChanged(int vector) {
            int index = vector - firstVector;
            return index >= 0 && index < vectorCount && (changedVectors[index >>> 6] >>> index & 1) != 0;
        }
    }

    /** One section. */
    record ColumnEntry(int id, int cellBytes, List<PageEntry> pages) {}

    /** What is in a page. */
    record PageEntry(int entryCount, int firstOrdinal, int lastOrdinal, long oldestTime, long newestTime) {}

    static byte[] metadata(Metadata metadata) {
        long bytes = METADATA_BYTES + metadata.changedVectors().length * (long) Long.BYTES;
        for (ColumnEntry column : metadata.columns()) {
            bytes += COLUMN_BYTES + (long) PAGE_BYTES * column.pages().size();
        }
        byte[] target = new byte[Math.toIntExact(bytes)];
        MemorySegment memory = MemorySegment.ofArray(target);
        setInt(memory, 0, MAGIC);
        setInt(memory, 4, VERSION);
        setInt(memory, 8, metadata.schemaVersion());
        setInt(memory, 12, KIND);
        setLong(memory, 16, metadata.base().fileId());
        setLong(memory, 24, metadata.base().rowCount());
        setLong(memory, 32, metadata.oldestTime());
        setLong(memory, 40, metadata.newestTime());
        setInt(memory, 48, metadata.columns().size());
        setInt(memory, 52, metadata.firstVector());
        setInt(memory, 56, metadata.vectorCount());
        long at = METADATA_BYTES;
        for (long word : metadata.changedVectors()) {
            setLong(memory, at, word);
            at += Long.BYTES;
        }
        for (ColumnEntry column : metadata.columns()) {
            setInt(memory, at, column.id());
            setInt(memory, at + 4, column.cellBytes());
            setInt(memory, at + 8, column.pages().size());
            at += COLUMN_BYTES;
            for (PageEntry page : column.pages()) {
                setInt(memory, at, page.entryCount());
                setInt(memory, at + 4, page.firstOrdinal());
                setInt(memory, at + 8, page.lastOrdinal());
                setLong(memory, at + 16, page.oldestTime());
                setLong(memory, at + 24, page.newestTime());
                at += PAGE_BYTES;
            }
        }
        return target;
    }

    /** Whether a column file's metadata is that of a delta file. */
    static boolean isDelta(MemorySegment metadata) {
        return metadata.byteSize() >= METADATA_BYTES && getInt(metadata, 0) == MAGIC;
    }

    /** The version of the format that metadata says it has. */
    static int version(byte[] bytes) {
        MemorySegment metadata = MemorySegment.ofArray(bytes);
        Check.that(isDelta(metadata), "its metadata does not begin as that of a delta file does");
        return getInt(metadata, 4);
    }

    /** Reads what {@link #metadata} wrote; a checksum has been verified before. */
    static Metadata readMetadata(byte[] bytes) {
        int version = version(bytes);
        Check.that(version == VERSION, "the delta file has format version " + version + ", this program reads 1");
        MemorySegment memory = MemorySegment.ofArray(bytes);
        Check.that(getInt(memory, 60) == 0, "the unused part of the metadata must be zero");
        Check.that(getInt(memory, 12) == KIND, "the kind is " + getInt(memory, 12) + ", expected 1, REDO");
        var base = new DeltaBase(getLong(memory, 16), getLong(memory, 24));
        Check.inRange("rows of the base", base.rowCount(), 0, Integer.MAX_VALUE);
        int columnCount = getInt(memory, 48);
        int firstVector = getInt(memory, 52);
        int vectorCount = getInt(memory, 56);
        long vectorsMax = (base.rowCount() + Limits.VECTOR_ROWS - 1) / Limits.VECTOR_ROWS;
        Check.inRange("first vector", firstVector, 0, vectorsMax);
        Check.inRange("vectors", vectorCount, 0, vectorsMax - firstVector);
        Check.inRange("columns", columnCount, 1, Limits.COLUMNS_MAX + 1L);
        long[] words = new long[(vectorCount + Long.SIZE - 1) / Long.SIZE];
        Check.within("changed vectors", METADATA_BYTES, (long) words.length * Long.BYTES, bytes.length);
        long at = METADATA_BYTES;
        for (int i = 0; i < words.length; i++, at += Long.BYTES) {
            words[i] = getLong(memory, at);
        }
        List<ColumnEntry> columns = new ArrayList<>();
        for (int i = 0; i < columnCount; i++) {
            ColumnEntry column = readColumn(memory, at, base.rowCount());
            Check.that(columns.isEmpty() || columns.getLast().id() < column.id(), "columns must ascend by id");
            columns.add(column);
            at += COLUMN_BYTES + (long) PAGE_BYTES * column.pages().size();
        }
        Check.that(at == bytes.length, "the metadata has " + bytes.length + " bytes, its columns end at " + at);
        long oldest = getLong(memory, 32);
        long newest = getLong(memory, 40);
        checkTimes(oldest, newest, columns);
        return new Metadata(
                getInt(memory, 8), base, oldest, newest, firstVector, vectorCount, words, List.copyOf(columns));
    }

    private static void checkTimes(long oldest, long newest, List<ColumnEntry> columns) {
        long oldestOfPages = Long.MAX_VALUE;
        long newestOfPages = Long.MIN_VALUE;
        for (ColumnEntry column : columns) {
            for (PageEntry page : column.pages()) {
                oldestOfPages = Math.min(oldestOfPages, page.oldestTime());
                newestOfPages = Math.max(newestOfPages, page.newestTime());
            }
        }
        Check.that(
                oldest == oldestOfPages && newest == newestOfPages,
                "the times are " + oldest + " to " + newest + ", those of the pages " + oldestOfPages + " to "
                        + newestOfPages);
    }

    private static ColumnEntry readColumn(MemorySegment memory, long at, long baseRows) {
        Check.within("column", at, COLUMN_BYTES, memory.byteSize());
        int id = getInt(memory, at);
        int cellBytes = getInt(memory, at + 4);
        int pageCount = getInt(memory, at + 8);
        Check.inRange("column id", id, 0, DELETED_ID);
        boolean isKnown = cellBytes == 0 || (cellBytes <= 16 && Integer.bitCount(cellBytes) == 1 && cellBytes > 0);
        Check.that(id < COLUMN_IDS_END || id == DELETED_ID, "no section has the id " + id);
        Check.that(isKnown && (id < DELETED_ID || cellBytes == 0), "column " + id + " has cells of " + cellBytes);
        Check.inRange("pages", pageCount, 1, (memory.byteSize() - at) / PAGE_BYTES);
        Check.that(getInt(memory, at + 12) == 0, "the unused part of a column must be zero");
        List<PageEntry> pages = new ArrayList<>();
        int before = 0;
        for (int i = 0; i < pageCount; i++) {
            long page = at + COLUMN_BYTES + (long) i * PAGE_BYTES;
            Check.within("page", page, PAGE_BYTES, memory.byteSize());
            var entry = new PageEntry(
                    getInt(memory, page),
                    getInt(memory, page + 4),
                    getInt(memory, page + 8),
                    getLong(memory, page + 16),
                    getLong(memory, page + 24));
            Check.inRange("entries", entry.entryCount(), 1, PAGE_ENTRIES_MAX);
            Check.inRange("first ordinal", entry.firstOrdinal(), before, baseRows - 1);
            Check.inRange("last ordinal", entry.lastOrdinal(), entry.firstOrdinal(), baseRows - 1);
            Check.that(entry.oldestTime() <= entry.newestTime(), "the oldest time of a page is not the newest");
            Check.that(getInt(memory, page + 12) == 0, "the unused part of a page must be zero");
            before = entry.lastOrdinal();
            pages.add(entry);
        }
        return new ColumnEntry(id, cellBytes, List.copyOf(pages));
    }

    // ---- Pages ----

    /** Lengths of the parts of a page. */
    record Parts(int rowsForm, int rowBytes, int timeBytes, int nulls, int valueBytes) {}

    static void writePageHeader(MemorySegment page, PageEntry entry, Parts parts) {
        page.asSlice(0, PAGE_HEADER_BYTES).fill((byte) 0);
        setInt(page, 0, entry.entryCount());
        setInt(page, 4, entry.firstOrdinal());
        setInt(page, 8, entry.lastOrdinal());
        setByte(page, 12, parts.rowsForm());
        setByte(page, 13, parts.nulls());
        setInt(page, 16, parts.rowBytes());
        setInt(page, 20, parts.timeBytes());
        setInt(page, 24, parts.valueBytes());
    }

    static int entryCount(MemorySegment page, long at) {
        return getInt(page, at);
    }

    static int firstOrdinal(MemorySegment page, long at) {
        return getInt(page, at + 4);
    }

    static int lastOrdinal(MemorySegment page, long at) {
        return getInt(page, at + 8);
    }

    static int rowsForm(MemorySegment page, long at) {
        return unsignedByte(page, at + 12);
    }

    static int nulls(MemorySegment page, long at) {
        return unsignedByte(page, at + 13);
    }

    static int rowBytes(MemorySegment page, long at) {
        return getInt(page, at + 16);
    }

    static int timeBytes(MemorySegment page, long at) {
        return getInt(page, at + 20);
    }

    static int valueBytes(MemorySegment page, long at) {
        return getInt(page, at + 24);
    }

    static long pad8(long bytes) {
        return (bytes + Long.BYTES - 1) & -Long.BYTES;
    }

    static long timesOffset(MemorySegment page, long at) {
        return at + PAGE_HEADER_BYTES + pad8(rowBytes(page, at));
    }

    static long validityOffset(MemorySegment page, long at) {
        return timesOffset(page, at) + pad8(timeBytes(page, at));
    }

    static long validityBytes(int nulls, int entryCount) {
        return nulls == VALIDITY ? (entryCount + Long.SIZE - 1) / Long.SIZE * (long) Long.BYTES : 0;
    }

    static long valuesOffset(MemorySegment page, long at) {
        return validityOffset(page, at) + validityBytes(nulls(page, at), entryCount(page, at));
    }

    /** Requires that the header of a page is that of this entry, and that its parts fill the page. */
    static void checkPage(MemorySegment page, int bytes, PageEntry entry, int cellBytes, boolean hasCells) {
        Check.that(bytes >= PAGE_HEADER_BYTES, "a delta page has a header");
        Check.inRange("entries", entryCount(page, 0), entry.entryCount(), entry.entryCount());
        Check.inRange("first ordinal", firstOrdinal(page, 0), entry.firstOrdinal(), entry.firstOrdinal());
        Check.inRange("last ordinal", lastOrdinal(page, 0), entry.lastOrdinal(), entry.lastOrdinal());
        Check.inRange("form of the rows", rowsForm(page, 0), ROWS_BITMAP, ROWS_VECTOR);
        Check.inRange("nulls", nulls(page, 0), hasCells ? ALL_VALID : NO_VALUES, hasCells ? ALL_NULL : NO_VALUES);
        Check.that(unsignedShort(page, 14) == 0 && getInt(page, 28) == 0, "unused parts of a page must be zero");
        Check.inRange("row bytes", rowBytes(page, 0), 1, bytes);
        Check.inRange("time bytes", timeBytes(page, 0), 1, bytes);
        boolean hasValues = nulls(page, 0) <= VALIDITY;
        Check.inRange("value bytes", valueBytes(page, 0), hasValues ? 1 : 0, hasValues ? bytes : 0);
        long end = valuesOffset(page, 0) + pad8(valueBytes(page, 0));
        Check.inRange("bytes of a page of cells of " + cellBytes, bytes, end, end);
    }

    // ---- For the dump tool ----

    static void annotateMetadata(MemorySegment memory, long at, Notes notes) {
        notes.section("delta file metadata");
        notes.note(at, 4, "magic: DELT");
        notes.note(at + 4, 4, "version: " + getInt(memory, at + 4));
        notes.note(at + 8, 4, "schema version: " + getInt(memory, at + 8));
        notes.note(at + 12, 4, "kind: " + (getInt(memory, at + 12) == KIND ? "REDO" : "unknown"));
        notes.note(at + 16, 8, "base file: " + getLong(memory, at + 16));
        notes.note(at + 24, 8, "base rows: " + getLong(memory, at + 24));
        notes.note(at + 32, 8, "oldest time: " + getLong(memory, at + 32));
        notes.note(at + 40, 8, "newest time: " + getLong(memory, at + 40));
        int columnCount = getInt(memory, at + 48);
        int vectorCount = getInt(memory, at + 56);
        notes.note(at + 48, 4, "columns: " + columnCount);
        notes.note(at + 52, 4, "first vector: " + getInt(memory, at + 52));
        notes.note(at + 56, 4, "vector count: " + vectorCount);
        notes.note(at + 60, 4, "zero");
        long next = at + METADATA_BYTES;
        int bitmapBytes = (vectorCount + Long.SIZE - 1) / Long.SIZE * Long.BYTES;
        if (bitmapBytes > 0) {
            notes.note(next, bitmapBytes, "changed vectors");
        }
        next += bitmapBytes;
        for (int i = 0; i < columnCount; i++) {
            next = annotateColumn(memory, next, notes);
        }
        notes.endSection();
    }

    private static long annotateColumn(MemorySegment memory, long at, Notes notes) {
        int id = getInt(memory, at);
        int pageCount = getInt(memory, at + 8);
        notes.section(id == DELETED_ID ? "deleted" : "column " + id);
        notes.note(at, 4, "id: " + id);
        notes.note(at + 4, 4, "cell bytes: " + getInt(memory, at + 4));
        notes.note(at + 8, 4, "pages: " + pageCount);
        notes.note(at + 12, 4, "zero");
        long page = at + COLUMN_BYTES;
        for (int i = 0; i < pageCount; i++, page += PAGE_BYTES) {
            notes.note(page, 4, "page " + i + ", entries: " + getInt(memory, page));
            notes.note(page + 4, 4, "first ordinal: " + getInt(memory, page + 4));
            notes.note(page + 8, 4, "last ordinal: " + getInt(memory, page + 8));
            notes.note(page + 12, 4, "zero");
            notes.note(page + 16, 8, "oldest time: " + getLong(memory, page + 16));
            notes.note(page + 24, 8, "newest time: " + getLong(memory, page + 24));
        }
        notes.endSection();
        return page;
    }

    /** Explains a delta page, behind which there is the padding that vectors need. */
    static void annotatePage(MemorySegment memory, long at, EncodedVector handle, Notes notes) {
        int rowBytes = rowBytes(memory, at);
        int timeBytes = timeBytes(memory, at);
        int valueBytes = valueBytes(memory, at);
        boolean isBitmap = rowsForm(memory, at) == ROWS_BITMAP;
        notes.note(at, 4, "entries: " + entryCount(memory, at));
        notes.note(at + 4, 4, "first ordinal: " + firstOrdinal(memory, at));
        notes.note(at + 8, 4, "last ordinal: " + lastOrdinal(memory, at));
        notes.note(at + 12, 1, "rows: " + (isBitmap ? "bitmap" : "vector"));
        notes.note(at + 13, 1, "nulls: " + nullsName(nulls(memory, at)));
        notes.note(at + 14, 2, "zero");
        notes.note(at + 16, 4, "row bytes: " + rowBytes);
        notes.note(at + 20, 4, "time bytes: " + timeBytes);
        notes.note(at + 24, 4, "value bytes: " + valueBytes);
        notes.note(at + 28, 4, "zero");
        long rows = at + PAGE_HEADER_BYTES;
        if (isBitmap) {
            notes.note(rows, rowBytes, "rows");
        } else {
            annotateVector("rows", memory, rows, rowBytes, handle, notes);
        }
        annotatePadding(rows + rowBytes, notes, rowBytes);
        long times = timesOffset(memory, at);
        annotateVector("times", memory, times, timeBytes, handle, notes);
        annotatePadding(times + timeBytes, notes, timeBytes);
        long values = valuesOffset(memory, at);
        int validityBytes = (int) (values - validityOffset(memory, at));
        if (validityBytes > 0) {
            notes.note(values - validityBytes, validityBytes, "validity");
        }
        if (valueBytes > 0) {
            annotateVector("values", memory, values, valueBytes, handle, notes);
            annotatePadding(values + valueBytes, notes, valueBytes);
        }
    }

    private static void annotateVector(
            String title, MemorySegment memory, long at, int bytes, EncodedVector handle, Notes notes) {
        notes.section(title);
        Annotation.annotate(handle.wrap(memory, at, bytes), notes);
        notes.endSection();
    }

    private static void annotatePadding(long at, Notes notes, int bytes) {
        int padding = (int) (pad8(bytes) - bytes);
        if (padding > 0) {
            notes.note(at, padding, "zero");
        }
    }

    private static String nullsName(int nulls) {
        return switch (nulls) {
            case ALL_VALID -> "none";
            case VALIDITY -> "some";
            case ALL_NULL -> "all";
            default -> "no values";
        };
    }
}
