package io.nyala.cfile;

import io.nyala.cfile.PageFormat.Page;
import io.nyala.memory.Check;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * One section of an open file: where its pages are, what the footer says of them, and which of them are in the cache.
 *
 * <p>Immutable but for the cache's slots. Shared by threads. The zones lie in the footer, which the reader keeps.
 */
final class Section {
    private final FooterFormat.SectionEntry entry;
    private final @Nullable CellKind cellKind;
    private final long position;
    private final long bytes;
    private final long entriesStart;
    private final long entryEnd;
    private final MemorySegment footer;
    private final long[] positions;
    private final int[] firstRows;
    private final int[] payloadBytes;
    private final long[] zones;

    /** Of its pages; set while the file is being opened, before anybody else sees the section. */
    private @Nullable PageDictionary dictionary;

    private @Nullable Section dictionarySection;

    /** The page, where it is cached or being loaded. Written with the cache's lock held, read without. */
    private final AtomicReferenceArray<@Nullable CachedPage> cached;

    /**
     * When each page last left the cache, in the cache's count of insertions; 0 never. Guarded by the cache's lock.
     */
    private final long[] evictions;

    /** Reads the entries of the pages at {@code at} of {@code footer}. */
    Section(FooterFormat.SectionEntry entry, long position, int pageCount, MemorySegment footer, long at) {
        Check.within("pages", at, (long) pageCount * FooterFormat.PAGE_BYTES, footer.byteSize());
        this.entry = entry;
        this.cellKind = entry.kind() == SectionKind.COLUMN ? CellKind.of(entry.cellId()) : null;
        this.position = position;
        this.footer = footer;
        positions = new long[pageCount + 1];
        firstRows = new int[pageCount + 1];
        payloadBytes = new int[pageCount];
        zones = new long[pageCount];
        cached = new AtomicReferenceArray<>(pageCount);
        evictions = new long[pageCount];
        positions[0] = position;
        entriesStart = at;
        long next = at;
        for (int page = 0; page < pageCount; page++) {
            next = readPage(page, next);
        }
        bytes = positions[pageCount] - position;
        entryEnd = next;
    }

    private long readPage(int page, long at) {
        int rows = footer.get(Cells.INT, at + 4);
        int slotBytes = footer.get(Cells.INT, at + 8);
        Check.inRange("first row", footer.get(Cells.INT, at), firstRows[page], firstRows[page]);
        boolean isLast = page == payloadBytes.length - 1;
        boolean isColumn = cellKind != null;
        Check.inRange("rows of a page", rows, isColumn ? 1 : 0, isColumn ? Integer.MAX_VALUE - firstRows[page] : 0);
        Check.that(isLast || rows % ColumnSpec.VECTOR_ROWS == 0, "all vectors but the last must be full");
        Check.inRange("bytes of a slot", slotBytes, PageFormat.HEADER_BYTES, Integer.MAX_VALUE - 7);
        Check.multipleOf("bytes of a slot", slotBytes, 8);
        payloadBytes[page] = footer.get(Cells.INT, at + 12);
        Check.inRange("payload bytes", payloadBytes[page], 0, PAYLOAD_BYTES_MAX);
        firstRows[page + 1] = firstRows[page] + rows;
        positions[page + 1] = positions[page] + slotBytes;
        zones[page] = at + 16;
        int flags = Cells.u8(footer, at + 20);
        int minBytes = Cells.u8(footer, at + 21);
        int maxBytes = Cells.u8(footer, at + 22);
        Check.inRange("nulls", footer.get(Cells.INT, at + 16), 0, rows);
        checkBounds(flags, minBytes, maxBytes);
        Check.inRange("zero", Cells.u8(footer, at + 23), 0, 0);
        long bounds = at + FooterFormat.PAGE_BYTES;
        Check.within("bounds", bounds, minBytes + maxBytes, footer.byteSize());
        return FooterFormat.checkedPad(footer, bounds + minBytes + maxBytes);
    }

    private void checkBounds(int flags, int minBytes, int maxBytes) {
        boolean hasBounds = (flags & Zone.HAS_BOUNDS) != 0;
        int most =
                !hasBounds || cellKind == null ? 0 : cellKind.isBinary() ? Zone.BOUND_BYTES_MAX : cellKind.cellBytes();
        int least = cellKind != null && cellKind.isBinary() ? 0 : most;
        Check.inRange("bytes of the lower bound", minBytes, least, most);
        Check.inRange("bytes of the upper bound", maxBytes, least, most);
        boolean mayCut = hasBounds && cellKind == CellKind.BINARY;
        Check.inRange("flags of a page", flags, 0, mayCut ? 7 : hasBounds ? 1 : 0);
    }

    /** The largest payload that a slab holds together with the padding behind it. */
    static final int PAYLOAD_BYTES_MAX = (60 << 20);

    SectionKind kind() {
        return entry.kind();
    }

    boolean isColumn() {
        return cellKind != null;
    }

    boolean isKeyFilter() {
        return kind() == SectionKind.KEY_FILTER || kind() == SectionKind.KEY_FILTER_BEFORE;
    }

    @Nullable
    PageDictionary dictionary() {
        return dictionary;
    }

    /** Where {@link #dictionary} is in the file. */
    @Nullable
    Section dictionarySection() {
        return dictionarySection;
    }

    void dictionary(PageDictionary opened, Section section) {
        dictionary = opened;
        dictionarySection = section;
    }

    CellKind cellKind() {
        CellKind kind = cellKind;
        if (kind == null) {
            throw new IllegalStateException("section " + name() + " is no column");
        }
        return kind;
    }

    int id() {
        return entry.id();
    }

    String name() {
        return entry.name();
    }

    boolean isKey() {
        return (entry.flags() & FooterFormat.KEY) != 0;
    }

    boolean isNullable() {
        return (entry.flags() & FooterFormat.NULLABLE) != 0;
    }

    long position() {
        return position;
    }

    long bytes() {
        return bytes;
    }

    /** What it is, as the footer has it. */
    FooterFormat.SectionEntry entry() {
        return entry;
    }

    /** Where in {@link #zoneMemory} the entries of its pages begin, which end at {@link #entryEnd}. */
    long entriesStart() {
        return entriesStart;
    }

    /** Where in the footer the next section's entry begins. */
    long entryEnd() {
        return entryEnd;
    }

    int pageCount() {
        return payloadBytes.length;
    }

    long rowCount() {
        return firstRows[payloadBytes.length];
    }

    long pagePosition(int page) {
        return positions[page];
    }

    int slotBytes(int page) {
        return (int) (positions[page + 1] - positions[page]);
    }

    int payloadBytes(int page) {
        return payloadBytes[page];
    }

    int firstRow(int page) {
        return firstRows[page];
    }

    int pageRows(int page) {
        return firstRows[page + 1] - firstRows[page];
    }

    Page page(int page) {
        return new Page(id(), positions[page], slotBytes(page), payloadBytes[page], firstRows[page], pageRows(page));
    }

    /** The page that has a row. */
    int pageOfRow(int row) {
        assert row >= 0 && row < rowCount() : row + " of " + rowCount();
        int found = Arrays.binarySearch(firstRows, row);
        return found >= 0 ? found : -found - 2;
    }

    int nullCount(int page) {
        return footer.get(Cells.INT, zones[page]);
    }

    /** Flags of {@link Zone}. */
    int zoneFlags(int page) {
        return Cells.u8(footer, zones[page] + 4);
    }

    /** What {@link #minOffset} and {@link #maxOffset} refer to. */
    MemorySegment zoneMemory() {
        return footer;
    }

    long minOffset(int page) {
        return zones[page] + 8;
    }

    int minBytes(int page) {
        return Cells.u8(footer, zones[page] + 5);
    }

    long maxOffset(int page) {
        return minOffset(page) + minBytes(page);
    }

    int maxBytes(int page) {
        return Cells.u8(footer, zones[page] + 6);
    }

    @Nullable
    CachedPage cached(int page) {
        return cached.getAcquire(page);
    }

    /** With the cache's lock held. */
    void cached(int page, @Nullable CachedPage value) {
        cached.setRelease(page, value);
    }

    long evictedAt(int page) {
        return evictions[page];
    }

    void evictedAt(int page, long count) {
        evictions[page] = count;
    }

    void annotatePage(int page, long shift, Notes notes) {
        long at = zones[page] - 16;
        long to = at + shift;
        notes.section("page " + page);
        notes.note(to, 4, "first row: " + firstRows[page]);
        notes.note(to + 4, 4, "rows: " + pageRows(page));
        notes.note(to + 8, 4, "slot bytes: " + slotBytes(page));
        notes.note(to + 12, 4, "payload bytes: " + payloadBytes[page]);
        notes.note(to + 16, 4, "nulls: " + nullCount(page));
        notes.note(to + 20, 1, "flags: " + zoneFlags(page));
        notes.note(to + 21, 1, "min bytes: " + minBytes(page));
        notes.note(to + 22, 1, "max bytes: " + maxBytes(page));
        notes.note(to + 23, 1, "zero");
        FooterFormat.noteUnlessEmpty(minOffset(page) + shift, minBytes(page), "min", notes);
        FooterFormat.noteUnlessEmpty(maxOffset(page) + shift, maxBytes(page), "max", notes);
        long end = maxOffset(page) + maxBytes(page);
        FooterFormat.noteUnlessEmpty(end + shift, Cells.pad8(end) - end, "zero", notes);
        notes.endSection();
    }
}
