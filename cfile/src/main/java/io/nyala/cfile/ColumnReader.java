package io.nyala.cfile;

import io.nyala.encoding.DecoderScratch;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One column of an open file: what the footer says of it, and cursors over its vectors.
 *
 * <p>Immutable; shared by threads. Belongs to its {@link CFileReader}.
 */
public final class ColumnReader {
    private final OpenFile file;
    private final Section section;
    private final PageCache cache;

    ColumnReader(OpenFile file, Section section, PageCache cache) {
        this.file = file;
        this.section = section;
        this.cache = cache;
    }

    public int id() {
        return section.id();
    }

    public String name() {
        return section.name();
    }

    public CellKind kind() {
        return section.cellKind();
    }

    public boolean isKey() {
        return section.isKey();
    }

    public boolean isNullable() {
        return section.isNullable();
    }

    public long rowCount() {
        return section.rowCount();
    }

    public int vectorCount() {
        return (int) ((rowCount() + ColumnSpec.VECTOR_ROWS - 1) / ColumnSpec.VECTOR_ROWS);
    }

    public int pageCount() {
        return section.pageCount();
    }

    OpenFile file() {
        return file;
    }

    Section section() {
        return section;
    }

    PageCache cache() {
        return cache;
    }

    /** What it takes in the file, the dictionary of its pages included. */
    public long bytes() {
        Section dictionary = section.dictionarySection();
        return section.bytes() + (dictionary == null ? 0 : dictionary.bytes());
    }

    /** Whether its pages are compressed by a dictionary. */
    public boolean hasDictionary() {
        return section.dictionary() != null;
    }

    /** Adds what its pages take to the vectors that are in them. */
    public void addBytes(long[] bytesOfVectors) {
        for (int page = 0; page < section.pageCount(); page++) {
            int first = section.firstRow(page) / ColumnSpec.VECTOR_ROWS;
            int count = (section.pageRows(page) + ColumnSpec.VECTOR_ROWS - 1) / ColumnSpec.VECTOR_ROWS;
            for (int i = 0; i < count; i++) {
                bytesOfVectors[first + i] += section.slotBytes(page) / count;
            }
        }
    }

    public long nullCount() {
        long sum = 0;
        for (int page = 0; page < section.pageCount(); page++) {
            sum += section.nullCount(page);
        }
        return sum;
    }

    /** The page that has a vector. */
    public int pageOf(int vector) {
        return section.pageOfRow(vector * ColumnSpec.VECTOR_ROWS);
    }

    /** The first vector of a page; of the number of pages, the number of vectors. */
    public int firstVector(int page) {
        return page == section.pageCount() ? vectorCount() : section.firstRow(page) / ColumnSpec.VECTOR_ROWS;
    }

    public int nullCount(int page) {
        return section.nullCount(page);
    }

    public int pageRows(int page) {
        return section.pageRows(page);
    }

    /** Whether {@link #least} and {@link #greatest} of a page are values that it has, or all of it is NULL. */
    public boolean hasExactBounds(int page) {
        return section.zoneFlags(page) == Zone.HAS_BOUNDS || section.nullCount(page) == section.pageRows(page);
    }

    /** The least value of a page that has exact bounds; null if all of it is NULL. Of zeros it may be the other one. */
    public @Nullable MemorySegment least(int page) {
        return (section.zoneFlags(page) & Zone.HAS_BOUNDS) == 0
                ? null
                : section.zoneMemory().asSlice(section.minOffset(page), section.minBytes(page));
    }

    /** Likewise the greatest. */
    public @Nullable MemorySegment greatest(int page) {
        return (section.zoneFlags(page) & Zone.HAS_BOUNDS) == 0
                ? null
                : section.zoneMemory().asSlice(section.maxOffset(page), section.maxBytes(page));
    }

    /** Unselects the vectors of pages that cannot have a matching row. Reads nothing. */
    public void prune(ColumnPredicate predicate, VectorSelection selection) {
        for (int page = 0; page < section.pageCount(); page++) {
            if (!predicate.mayMatch(section, page)) {
                int first = section.firstRow(page) / ColumnSpec.VECTOR_ROWS;
                int rows = section.pageRows(page);
                selection.removeRange(first, first + (rows + ColumnSpec.VECTOR_ROWS - 1) / ColumnSpec.VECTOR_ROWS);
            }
        }
    }

    /**
     * A cursor that reads a page when it comes to it: for look-ups. What it pins again and again stays in the cache.
     *
     * @param scratch shared by the cursors of a thread; closed by the caller after them
     */
    public ColumnCursor cursor(DecoderScratch scratch) {
        return new ColumnCursor(this, scratch, null, false);
    }

    /**
     * As above, for who needs rows here and there, but in their order, and once: as with a scan, a page has one visit.
     */
    public ColumnCursor forwardCursor(DecoderScratch scratch) {
        return new ColumnCursor(this, scratch, null, true);
    }

    /**
     * A cursor for a scan, forward.
     *
     * @param scratch shared by the cursors of a thread; closed by the caller after them
     * @param ahead of files that share a cache with this one; closed by the caller after all cursors
     * @param wanted which vectors the scan will come to; as it is while the cursor is used; null for all
     */
    public ColumnCursor cursor(DecoderScratch scratch, ReadAhead ahead, @Nullable VectorSelection wanted) {
        return new ColumnCursor(this, scratch, ahead.stream(file, section, wanted), true);
    }
}
