package io.nyala.diskrowset;

import static io.nyala.rows.LittleEndian.getInt;
import static io.nyala.rows.LittleEndian.getLong;
import static io.nyala.rows.LittleEndian.setInt;
import static io.nyala.rows.LittleEndian.unsignedByte;

import io.nyala.cfile.CorruptPageException;
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
import io.nyala.rows.GrowingBuffer;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One column of an open delta file: where its pages are, and what each is about. Immutable; shared by threads.
 *
 * @param id of the column, or that of the deletions, which have no cells
 * @param cellBytes of fixed cells; 0 of strings, and where there are none
 */
record DeltaColumn(int id, int cellBytes, List<PageEntry> pages, RawReader reader) {
    boolean isDeletions() {
        return id == DeltaFileFormat.DELETED_ID;
    }

    boolean hasCells() {
        return !isDeletions();
    }

    /** Bytes that each value has beside those of strings. */
    int fixedBytes() {
        return cellBytes == 0 ? Integer.BYTES : cellBytes;
    }

    /** The first page, at or after {@code first}, that reaches to a row or beyond; the page count if none does. */
    int pageFrom(long ordinal, int first) {
        int low = first;
        int high = pages.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (pages.get(middle).lastOrdinal() < ordinal) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Entries of all pages. */
    long entryCount() {
        long sum = 0;
        for (PageEntry page : pages) {
            sum += page.entryCount();
        }
        return sum;
    }

    CorruptPageException corrupt(Path path, int page, String what, Throwable cause) {
        return new CorruptPageException(
                path, reader.position(page), "delta page " + page + " of column " + id + " " + what, cause);
    }

    /**
     * One page of some column at a time, decoded: all cursors of a reader take what they need of it in turn. Pins it
     * only meanwhile.
     *
     * <p>One thread. Owns its memory.
     */
    static final class Page implements AutoCloseable {
        private static final int ENTRIES_MAX = DeltaFileFormat.PAGE_ENTRIES_MAX;
        private static final int PADDING = VectorFormat.WRITE_PADDING_BYTES;

        /** Of the widest cell. */
        private static final int CELL_BYTES_MAX = 16;

        // Where the parts are.
        private static final long ORDINALS = 0;
        private static final long TIMES = ORDINALS + ENTRIES_MAX * (long) Integer.BYTES + PADDING;
        private static final long VALIDITY = TIMES + ENTRIES_MAX * (long) Long.BYTES + PADDING;
        private static final long VALUES = VALIDITY + ENTRIES_MAX / Byte.SIZE + PADDING;
        private static final long BYTES = VALUES + (ENTRIES_MAX + 1L) * CELL_BYTES_MAX + PADDING;

        private final MemoryAccount account;
        private final Slab slab;
        private final MemorySegment decoded;
        private final GrowingBuffer strings;
        private final EncodedVector vector;
        private final FlatBinary flat = new FlatBinary();
        private @Nullable DeltaColumn column;
        private int page;
        private int count;

        Page(DecoderScratch scratch, MemoryAccount account) {
            this.account = account;
            this.vector = new EncodedVector(scratch);
            this.strings = new GrowingBuffer(account);
            this.slab = account.take(BYTES);
            this.decoded = slab.segment();
        }

        /** Decodes a page, unless that was the last one. */
        @SuppressWarnings("ReferenceEquality") // That column of that file, as it was opened.
        void load(DeltaColumn ofColumn, RawReader.Cursor pages, int number, Path path) {
            if (column == ofColumn && page == number) {
                return;
            }
            column = null;
            pages.seek(number);
            try {
                decode(ofColumn, pages.memory(), pages.bytes(), ofColumn.pages().get(number));
            } catch (CorruptVectorException | IllegalArgumentException e) {
                throw ofColumn.corrupt(path, number, "makes no sense: " + e.getMessage(), e);
            } finally {
                pages.release();
            }
            count = ofColumn.pages().get(number).entryCount();
            column = ofColumn;
            page = number;
        }

        private void decode(DeltaColumn of, MemorySegment source, int bytes, PageEntry entry) {
            int entries = entry.entryCount();
            DeltaFileFormat.checkPage(source, bytes, entry, of.cellBytes(), of.hasCells());
            decodeRows(source, entry);
            vector.wrap(source, DeltaFileFormat.timesOffset(source, 0), DeltaFileFormat.timeBytes(source, 0))
                    .expect(Long.BYTES, entries);
            VectorDecoder.decodeFixed(vector, decoded, TIMES);
            int nulls = DeltaFileFormat.nulls(source, 0);
            long validityBytes = DeltaFileFormat.validityBytes(nulls, entries);
            if (validityBytes > 0) {
                MemorySegment.copy(source, DeltaFileFormat.validityOffset(source, 0), decoded, VALIDITY, validityBytes);
            } else {
                decoded.asSlice(VALIDITY, ENTRIES_MAX / Byte.SIZE)
                        .fill((byte) (nulls == DeltaFileFormat.ALL_VALID ? -1 : 0));
            }
            if (nulls <= DeltaFileFormat.VALIDITY) {
                vector.wrap(source, DeltaFileFormat.valuesOffset(source, 0), DeltaFileFormat.valueBytes(source, 0))
                        .expect(of.cellBytes(), entries);
                if (of.cellBytes() > 0) {
                    VectorDecoder.decodeFixed(vector, decoded, VALUES);
                } else {
                    strings.ensure(0, vector.decodedBytes() + PADDING);
                    VectorDecoder.decodeBinary(vector, flat.wrap(decoded, VALUES, strings.memory(), 0));
                }
            }
        }

        private void decodeRows(MemorySegment source, PageEntry entry) {
            int rowBytes = DeltaFileFormat.rowBytes(source, 0);
            int found = 0;
            if (DeltaFileFormat.rowsForm(source, 0) == DeltaFileFormat.ROWS_VECTOR) {
                vector.wrap(source, DeltaFileFormat.PAGE_HEADER_BYTES, rowBytes)
                        .expect(Integer.BYTES, entry.entryCount());
                VectorDecoder.decodeFixed(vector, decoded, ORDINALS);
                found = entry.entryCount();
            } else {
                for (int at = 0; at < rowBytes; at++) {
                    int bits = unsignedByte(source, DeltaFileFormat.PAGE_HEADER_BYTES + (long) at);
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

        int count() {
            return count;
        }

        int ordinal(int index) {
            return getInt(decoded, ORDINALS + index * (long) Integer.BYTES);
        }

        long time(int index) {
            return getLong(decoded, TIMES + index * (long) Long.BYTES);
        }

        boolean isNull(int index) {
            return (getLong(decoded, VALIDITY + (index >>> 6) * (long) Long.BYTES) >>> index & 1) == 0;
        }

        /** Of a string that is not NULL. */
        int stringBytes(int index) {
            assert !isNull(index) : "entry " + index + " has no value";
            return stringEnd(index + 1) - stringEnd(index);
        }

        private int stringEnd(int number) {
            return getInt(decoded, VALUES + number * (long) Integer.BYTES);
        }

        /** Copies a value that is not NULL, of a column with so many bytes of fixed cells. */
        void copyValue(int index, int cellBytes, MemorySegment target, long offset) {
            if (cellBytes > 0) {
                MemorySegment.copy(decoded, VALUES + (long) index * cellBytes, target, offset, cellBytes);
            } else {
                MemorySegment.copy(strings.memory(), stringEnd(index), target, offset, stringBytes(index));
            }
        }

        @Override
        public void close() {
            column = null;
            strings.close();
            account.giveBack(slab);
        }
    }
}
