package io.nyala.cfile;

import io.nyala.encoding.CorruptVectorException;
import io.nyala.encoding.DecoderScratch;
import io.nyala.encoding.EncodedVector;
import io.nyala.encoding.FlatBinary;
import io.nyala.encoding.VectorDecoder;
import io.nyala.encoding.VectorEntries;
import io.nyala.encoding.VectorFormat;
import io.nyala.memory.Check;
import io.nyala.memory.Zeros;
import io.nyala.rows.ColumnVector;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A position in a column: one vector, whose page is pinned. Answers what is in it, from one cell to all, without
 * copying what is not asked for. Allocates nothing while pages are found in the cache.
 *
 * <p>Targets have {@link VectorFormat#WRITE_PADDING_BYTES} behind what is written. Bitmaps are of 64-bit words, bit
 * {@code i % 64} of word {@code i / 64} for row {@code i}. A selection is an array of 32-bit row indexes, ascending.
 *
 * <p>Belongs to one thread at a time. Whoever opened it closes it, before the file.
 */
public final class ColumnCursor implements AutoCloseable {
    private static final int NONE = -1;

    /** Instead of the last page, of cursors that go anywhere at any time. */
    private static final int ANY = -2;

    private final ColumnReader column;
    private final Section section;
    private final CellKind kind;
    private final ReadAhead.@Nullable Stream ahead;
    private final EncodedVector encoded;
    private final FlatBinary flat = new FlatBinary();
    private final MemorySegment wide = MemorySegment.ofArray(new long[2]);

    private @Nullable CachedPage page;

    /** The one that it had last, pinned or not, or {@link #ANY}. */
    private int lastPage;

    private int pageEnd;
    private int pageFirst;
    private int vector = NONE;
    private int rowCount;
    private int nullCount;

    /** Where the validity bitmap is in the page, if some rows are null and some are not. */
    private long validity;

    private MemorySegment memory = MemorySegment.NULL;

    /** @param isForward whether it only ever goes forward: a page that it comes back to it has not left */
    ColumnCursor(ColumnReader column, DecoderScratch scratch, ReadAhead.@Nullable Stream ahead, boolean isForward) {
        this.column = column;
        this.section = column.section();
        this.kind = section.cellKind();
        this.ahead = ahead;
        this.lastPage = isForward ? NONE : ANY;
        this.encoded = new EncodedVector(scratch);
    }

    /** Goes to a vector. */
    public void seek(int target) {
        if (target == vector) {
            return;
        }
        int row = Math.multiplyExact(target, ColumnSpec.VECTOR_ROWS);
        Check.inRange("first row of the vector", row, 0, section.rowCount() - 1);
        if (page == null || row < pageFirst || row >= pageEnd) {
            turnTo(section.pageOfRow(row));
        }
        open(target, (row - pageFirst) / ColumnSpec.VECTOR_ROWS, Math.min(ColumnSpec.VECTOR_ROWS, pageEnd - row));
    }

    /** Starts reading what {@link #seek} will need of a scan, so that reads of several columns go on side by side. */
    public void prepare(int target) {
        int row = Math.multiplyExact(target, ColumnSpec.VECTOR_ROWS);
        if (ahead == null || (page != null && row >= pageFirst && row < pageEnd)) {
            return;
        }
        int number = section.pageOfRow(row);
        if (section.cached(number) == null) {
            ahead.prepare(number);
        }
    }

    /**
     * Starts reading one unit more of what a scan needs that begins at a vector, while it is still at another file;
     * false if all of it is under way that should be, or cached.
     */
    public boolean prepareMore(int target) {
        return ahead != null
                && ahead.prepareMore(section.pageOfRow(Math.multiplyExact(target, ColumnSpec.VECTOR_ROWS)));
    }

    private void turnTo(int number) {
        release();
        PageCache cache = column.cache();
        CachedPage pinned = number == lastPage
                ? cache.pinAgain(column.file(), section, number, ahead)
                : cache.pin(column.file(), section, number, ahead);
        page = pinned;
        lastPage = lastPage == ANY ? ANY : number;
        memory = pinned.memory();
        pageFirst = section.firstRow(number);
        pageEnd = pageFirst + section.pageRows(number);
    }

    private void open(int target, int index, int rows) {
        int offset = PageFormat.vectorOffset(memory, 0, index);
        int state = PageFormat.validity(memory, 0, index);
        vector = NONE;
        if (state != PageFormat.ALL_NULL) {
            try {
                encoded.wrap(memory, offset, PageFormat.vectorBytes(memory, 0, index));
            } catch (CorruptVectorException e) {
                throw corrupt(e);
            }
            if (encoded.count() != rows || encoded.cellBytes() != kind.cellBytes()) {
                throw new CorruptPageException(
                        column.file().path(),
                        position(),
                        "vector " + target + " has " + encoded.count() + " cells of " + encoded.cellBytes()
                                + " bytes, expected " + rows + " of " + kind.cellBytes());
            }
        }
        rowCount = rows;
        nullCount = PageFormat.nullCount(memory, 0, index);
        validity = state == PageFormat.BITMAP ? offset - PageFormat.bitmapBytes(rows) : NONE;
        vector = target;
    }

    private long position() {
        CachedPage pinned = page;
        return pinned == null ? section.position() : section.pagePosition(pinned.page());
    }

    private CorruptPageException corrupt(CorruptVectorException cause) {
        return new CorruptPageException(
                column.file().path(), position(), cause.getMessage() + ", in vector " + vector, cause);
    }

    /** The vector that {@link #seek} went to, or -1. */
    public int vector() {
        return vector;
    }

    public int rowCount() {
        return rowCount;
    }

    public int nullCount() {
        return nullCount;
    }

    /** Whether all rows are null; then there are no {@link #values}. */
    public boolean isAllNull() {
        assert vector >= 0 : "no vector";
        return nullCount == rowCount;
    }

    /**
     * The encoded values, for kernels that work on them; null rows have zero or an empty string. Valid until the cursor
     * moves.
     */
    public EncodedVector values() {
        assert !isAllNull() : "there are no values";
        return encoded;
    }

    /** Bytes of all strings of the vector together; 0 if cells are fixed. */
    public long binaryBytes() {
        return kind.isBinary() && !isAllNull() ? encoded.decodedBytes() : 0;
    }

    public boolean isNull(int row) {
        assert 0 <= row && row < rowCount : row + " of " + rowCount;
        if (validity < 0) {
            return nullCount > 0;
        }
        return (memory.get(Cells.LONG, validity + (row >>> 6) * (long) Long.BYTES) >>> row & 1) == 0;
    }

    /** Clears the bits of the rows that do not match, and those behind the last row of its word. */
    public void and(ColumnPredicate predicate, MemorySegment bitmap, long offset) {
        assert vector >= 0 : "no vector";
        boolean isNone = predicate.isNever() || (predicate.isNullTest() ? nullCount == 0 : isAllNull());
        for (int first = 0; first < rowCount; first += Long.SIZE) {
            long at = offset + first / Byte.SIZE;
            long word = isNone ? 0 : validWord(first) ^ (predicate.isNullTest() ? -1 : 0);
            bitmap.set(Cells.LONG, at, bitmap.get(Cells.LONG, at) & word & ones(rowCount - first));
        }
        if (!isNone && !predicate.isNullTest()) {
            try {
                predicate.and(encoded, bitmap, offset);
            } catch (CorruptVectorException e) {
                throw corrupt(e);
            }
        }
    }

    /** The validity of 64 rows; bits behind the last row are anything. */
    private long validWord(int first) {
        if (validity < 0) {
            return nullCount > 0 ? 0 : -1;
        }
        return memory.get(Cells.LONG, validity + first / Byte.SIZE);
    }

    private static long ones(int count) {
        return count >= Long.SIZE ? -1 : (1L << count) - 1;
    }

    /** Writes the validity of all rows, zeros behind the last. */
    public void readValidity(MemorySegment target, long offset) {
        for (int first = 0; first < rowCount; first += Long.SIZE) {
            target.set(Cells.LONG, offset + first / Byte.SIZE, validWord(first) & ones(rowCount - first));
        }
    }

    /** Writes all fixed cells; null rows as zeros. */
    public void readFixed(MemorySegment target, long offset) {
        if (isAllNull()) {
            Zeros.fill(target, offset, (long) rowCount * kind.cellBytes());
            return;
        }
        try {
            VectorDecoder.decodeFixed(encoded, target, offset);
        } catch (CorruptVectorException e) {
            throw corrupt(e);
        }
    }

    /** Writes all strings, {@link #binaryBytes} and {@code rowCount + 1} offsets; null rows as empty ones. */
    public void readBinary(FlatBinary target) {
        if (isAllNull()) {
            Zeros.fill(target.offsets(), target.offsetsOffset(), (rowCount + 1L) * Integer.BYTES);
            return;
        }
        try {
            VectorDecoder.decodeBinary(encoded, target);
        } catch (CorruptVectorException e) {
            throw corrupt(e);
        }
    }

    /** Clears the bits of the rows that are null, and those behind the last row of its word. */
    public void andValid(MemorySegment bitmap, long offset) {
        assert vector >= 0 : "no vector";
        for (int first = 0; first < rowCount; first += Long.SIZE) {
            long at = offset + first / Byte.SIZE;
            bitmap.set(Cells.LONG, at, bitmap.get(Cells.LONG, at) & validWord(first) & ones(rowCount - first));
        }
    }

    /**
     * Whether the vector has few values that come again and again, and {@link #readEntries} costs less than to read
     * {@code rows} of its rows. Of strings, these values take at most {@code bytesMax} together.
     */
    public boolean hasFewEntries(int rows, int bytesMax) {
        return !isAllNull()
                && VectorEntries.areFew(encoded, rows)
                && (!kind.isBinary() || VectorEntries.binaryBytes(encoded) <= bytesMax);
    }

    /**
     * Fills a column of a batch with the values that {@link #hasFewEntries} speaks of, its validity left out, and says
     * how many of the rows with a bit in {@code bitmap}, none of them null, have each; answers how many values.
     */
    public int readEntries(ColumnVector target, MemorySegment bitmap, long offset, int[] counts) {
        try {
            VectorEntries.count(encoded, bitmap, offset, counts);
            if (kind.isBinary()) {
                MemorySegment bytes = target.reserve(0, Math.toIntExact(VectorEntries.binaryBytes(encoded)));
                VectorEntries.readBinary(encoded, flat.wrap(target.offsets(), 0, bytes, 0));
            } else {
                VectorEntries.readFixed(encoded, target.values(), 0);
            }
            return VectorEntries.count(encoded);
        } catch (CorruptVectorException e) {
            throw corrupt(e);
        }
    }

    /** Fills a column of a batch with all rows. Of strings, the vector has at most as many bytes as a batch takes. */
    public void read(ColumnVector target) {
        readValidity(target.validity(), 0);
        if (kind.isBinary()) {
            MemorySegment bytes = target.reserve(0, Math.toIntExact(binaryBytes()));
            readBinary(flat.wrap(target.offsets(), 0, bytes, 0));
        } else {
            readFixed(target.values(), 0);
        }
    }

    /**
     * Fills a column of a batch with the first {@code count} selected rows. Of strings, as many as {@link #fittingRows}
     * allows.
     */
    public void readSelected(ColumnVector target, MemorySegment selection, long offset, int count) {
        readSelectedValidity(target.validity(), selection, offset, count);
        if (isAllNull()) {
            int cellBytes = kind.isBinary() ? Integer.BYTES : kind.cellBytes();
            MemorySegment zeroed = kind.isBinary() ? target.offsets() : target.values();
            Zeros.fill(zeroed, 0, (count + (kind.isBinary() ? 1L : 0)) * cellBytes);
            return;
        }
        try {
            if (kind.isBinary()) {
                long total = VectorDecoder.selectedRoom(encoded, selection, offset, count);
                MemorySegment bytes = target.reserve(0, Math.toIntExact(total));
                VectorDecoder.decodeBinarySelected(
                        encoded, selection, offset, count, flat.wrap(target.offsets(), 0, bytes, 0));
            } else {
                VectorDecoder.decodeFixedSelected(encoded, selection, offset, count, target.values(), 0);
            }
        } catch (CorruptVectorException e) {
            throw corrupt(e);
        }
    }

    private void readSelectedValidity(MemorySegment target, MemorySegment selection, long offset, int count) {
        for (int first = 0; first < count; first += Long.SIZE) {
            long word = validity < 0 ? validWord(0) : selectedWord(selection, offset, first, count);
            target.set(Cells.LONG, first / Byte.SIZE, word & ones(count - first));
        }
    }

    private long selectedWord(MemorySegment selection, long offset, int first, int count) {
        long word = 0;
        int end = Math.min(count, first + Long.SIZE);
        for (int i = first; i < end; i++) {
            word |= (isNull(selection.get(Cells.INT, offset + i * 4L)) ? 0L : 1L) << i;
        }
        return word;
    }

    /** How many of the selected rows have strings of at most {@code bytesMax} together, from the first on. */
    public int fittingRows(MemorySegment selection, long offset, int count, int bytesMax) {
        if (binaryBytes() <= bytesMax) {
            return count;
        }
        try {
            long sum = 0;
            for (int i = 0; i < count; i++) {
                sum += VectorDecoder.binaryCellBytes(encoded, selection.get(Cells.INT, offset + i * 4L));
                if (sum > bytesMax) {
                    return i;
                }
            }
            if (count == rowCount) { // Who reads all of them makes room for what the vector says that they have.
                encoded.expectDecodedBytes(sum);
            }
            return count;
        } catch (CorruptVectorException e) {
            throw corrupt(e);
        }
    }

    /** An integer of up to 8 bytes, or the bits of a floating point number. The row is not null. */
    public long longAt(int row) {
        assert !isNull(row) : "row " + row + " is null";
        try {
            return VectorDecoder.longAt(encoded, row);
        } catch (CorruptVectorException e) {
            throw corrupt(e);
        }
    }

    /** Bytes of the cell of a row that is not null. */
    public int cellBytes(int row) {
        assert !isNull(row) : "row " + row + " is null";
        try {
            return kind.isBinary() ? VectorDecoder.binaryCellBytes(encoded, row) : kind.cellBytes();
        } catch (CorruptVectorException e) {
            throw corrupt(e);
        }
    }

    /** Writes the cell of a row that is not null, exactly {@link #cellBytes}. */
    public void readCell(int row, MemorySegment target, long offset) {
        assert !isNull(row) : "row " + row + " is null";
        try {
            if (kind.isBinary()) {
                VectorDecoder.binaryCell(encoded, row, target, offset);
            } else {
                VectorDecoder.fixedCell(encoded, row, target, offset);
            }
        } catch (CorruptVectorException e) {
            throw corrupt(e);
        }
    }

    /** Compares the cell of a row that is not null with one in memory, in the order of the kind. */
    public int compareCell(int row, MemorySegment cell, long offset, int bytes) {
        try {
            return switch (kind) {
                case BINARY -> VectorDecoder.compareBinary(encoded, row, cell, offset, bytes);
                case INT8, INT16, INT32, INT64 ->
                    Long.compare(VectorDecoder.longAt(encoded, row), kind.integer(cell, offset));
                case INT128, FLOAT, DOUBLE -> {
                    VectorDecoder.fixedCell(encoded, row, wide, 0);
                    yield kind.compare(wide, 0, cell, offset);
                }
            };
        } catch (CorruptVectorException e) {
            throw corrupt(e);
        }
    }

    /** Whether cells are integers of up to 8 bytes. */
    boolean isInteger() {
        return kind.isInteger();
    }

    /** The integer in memory, as a cell of this column has it. */
    long integer(MemorySegment cell, long offset) {
        return kind.integer(cell, offset);
    }

    /**
     * In a vector that ascends and has no nulls, the first row whose integer is not smaller; the row count if there is
     * none.
     */
    int lowerBound(long value) {
        try {
            return VectorDecoder.lowerBoundLong(encoded, value);
        } catch (CorruptVectorException e) {
            throw corrupt(e);
        }
    }

    /** Unpins the page; {@link #seek} pins again. For cursors that rest while nobody waits for them. */
    public void release() {
        CachedPage pinned = page;
        page = null;
        vector = NONE;
        memory = MemorySegment.NULL;
        if (pinned != null) {
            pinned.unpin();
        }
    }

    /** Unpins the page, and waits for what is being read ahead. */
    @Override
    public void close() {
        release();
        if (ahead != null) {
            ahead.end();
        }
    }
}
