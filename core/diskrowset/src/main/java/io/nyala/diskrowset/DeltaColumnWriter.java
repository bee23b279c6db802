package io.nyala.diskrowset;

import static io.nyala.rows.LittleEndian.getInt;
import static io.nyala.rows.LittleEndian.getLong;
import static io.nyala.rows.LittleEndian.setInt;
import static io.nyala.rows.LittleEndian.setLong;
import static io.nyala.rows.LittleEndian.unsignedByte;

import io.nyala.cfile.CFileWriter;
import io.nyala.diskrowset.DeltaFileFormat.PageEntry;
import io.nyala.encoding.EncoderScratch;
import io.nyala.encoding.EncodingHint;
import io.nyala.encoding.FlatBinary;
import io.nyala.encoding.VectorEncoder;
import io.nyala.encoding.VectorFormat;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Collects the entries of one column of a delta file, and makes pages of them. Part of a {@link DeltaFileWriter}, with
 * which it is closed.
 */
final class DeltaColumnWriter implements AutoCloseable {
    /** A page of strings is full here, whatever the number of its entries. */
    private static final int STRING_BYTES_FULL = 64 << 10;

    private static final int ENTRIES_MAX = DeltaFileFormat.PAGE_ENTRIES_MAX;
    private static final int PADDING = VectorFormat.READ_PADDING_BYTES;

    // Where the parts of what is collected are.
    private static final long ORDINALS = 0;
    private static final long TIMES = ORDINALS + ENTRIES_MAX * (long) Integer.BYTES + PADDING;
    private static final long VALIDITY = TIMES + ENTRIES_MAX * (long) Long.BYTES + PADDING;
    private static final long VALUES = VALIDITY + ENTRIES_MAX / Byte.SIZE;

    /** For entries without values. */
    static final int NO_CELLS = -1;

    private final int id;
    private final int cellBytes;
    private final CFileWriter.RawSection pages;
    private final MemoryAccount account;
    private final VectorEncoder numbers;
    private final VectorEncoder values;
    private final FlatBinary flat = new FlatBinary();
    private final GrowingBuffer strings;
    private final GrowingBuffer assembly;
    private final Slab slab;
    private final MemorySegment stage;
    private final List<PageEntry> entries = new ArrayList<>();
    private int count;
    private int nullCount;
    private int stringBytes;
    private boolean hasRepeatedRows;
    private long entryCount;

    /**
     * What a column is.
     *
     * @param cellBytes of fixed cells, 0 of strings, {@link #NO_CELLS}
     */
    record Spec(int id, int cellBytes, EncodingHint encoding) {}

    /** @param assembly shared by the columns of a file */
    DeltaColumnWriter(
            Spec spec,
            CFileWriter.RawSection pages,
            EncoderScratch scratch,
            GrowingBuffer assembly,
            MemoryAccount account) {
        this.id = spec.id();
        this.cellBytes = spec.cellBytes();
        this.pages = pages;
        this.account = account;
        this.numbers = new VectorEncoder(scratch, EncodingHint.AUTO);
        this.values = new VectorEncoder(scratch, spec.encoding());
        this.assembly = assembly;
        this.strings = new GrowingBuffer(account);
        long width = cellBytes == 0 ? Integer.BYTES : Math.max(0, cellBytes);
        this.slab = account.take(VALUES + (ENTRIES_MAX + 1L) * width + PADDING);
        this.stage = slab.segment();
        clear();
    }

    private void clear() {
        count = 0;
        nullCount = 0;
        stringBytes = 0;
        hasRepeatedRows = false;
        stage.asSlice(VALIDITY, ENTRIES_MAX / Byte.SIZE).fill((byte) 0);
        if (cellBytes == 0) {
            setInt(stage, VALUES, 0);
        }
    }

    /** Cells so far. */
    long entryCount() {
        return entryCount;
    }

    boolean hasCells() {
        return cellBytes != NO_CELLS;
    }

    /** Bytes of the cells collected for the next page. */
    long pendingBytes() {
        return (long) count * (Integer.BYTES + Long.BYTES + Math.max(0, cellBytes)) + stringBytes;
    }

    /** Adds a cell that is not NULL; of the same row and time as the one before, in its place. */
    void append(int ordinal, long time, MemorySegment memory, long value, int valueBytes) {
        startEntry(ordinal, time);
        int row = count - 1;
        if (cellBytes == 0) {
            strings.ensure(stringBytes, (long) stringBytes + valueBytes + PADDING);
            MemorySegment.copy(memory, value, strings.memory(), stringBytes, valueBytes);
            stringBytes += valueBytes;
            setInt(stage, VALUES + count * (long) Integer.BYTES, stringBytes);
        } else {
            assert valueBytes == cellBytes : valueBytes + " for cells of " + cellBytes;
            MemorySegment.copy(memory, value, stage, VALUES + (long) row * cellBytes, valueBytes);
        }
        long word = VALIDITY + (row >>> 6) * (long) Long.BYTES;
        setLong(stage, word, getLong(stage, word) | 1L << row);
    }

    /** Adds a NULL, or an entry that has no value. */
    void appendWithoutValue(int ordinal, long time) {
        startEntry(ordinal, time);
        nullCount++;
        if (cellBytes == 0) {
            setInt(stage, VALUES + count * (long) Integer.BYTES, stringBytes);
        } else if (cellBytes > 0) {
            stage.asSlice(VALUES + (count - 1L) * cellBytes, cellBytes).fill((byte) 0);
        }
    }

    private void startEntry(int ordinal, long time) {
        if (count > 0 && ordinal(count - 1) == ordinal && time(count - 1) == time) {
            dropLast();
        } else if (count == ENTRIES_MAX || stringBytes >= STRING_BYTES_FULL) {
            endPage();
        }
        hasRepeatedRows |= count > 0 && ordinal(count - 1) == ordinal;
        setInt(stage, ORDINALS + count * (long) Integer.BYTES, ordinal);
        setLong(stage, TIMES + count * (long) Long.BYTES, time);
        count++;
        entryCount++;
    }

    /** Of several changes of a batch the last one is what it did. */
    private void dropLast() {
        count--;
        entryCount--;
        long word = VALIDITY + (count >>> 6) * (long) Long.BYTES;
        boolean isValid = (getLong(stage, word) >>> count & 1) != 0;
        nullCount -= isValid ? 0 : 1;
        setLong(stage, word, getLong(stage, word) & ~(1L << count));
        if (cellBytes == 0) {
            stringBytes = getInt(stage, VALUES + count * (long) Integer.BYTES);
        }
    }

    private int ordinal(int index) {
        return getInt(stage, ORDINALS + index * (long) Integer.BYTES);
    }

    private long time(int index) {
        return getLong(stage, TIMES + index * (long) Long.BYTES);
    }

    /** Ends the last page; answers what the metadata says of all. */
    DeltaFileFormat.ColumnEntry finish() {
        if (count > 0) {
            endPage();
        }
        return new DeltaFileFormat.ColumnEntry(id, Math.max(0, cellBytes), List.copyOf(entries));
    }

    private void endPage() {
        long oldest = Long.MAX_VALUE;
        long newest = Long.MIN_VALUE;
        for (int i = 0; i < count; i++) {
            oldest = Math.min(oldest, time(i));
            newest = Math.max(newest, time(i));
        }
        int first = ordinal(0);
        var entry = new PageEntry(count, first, ordinal(count - 1), oldest, newest);
        assembly.ensure(0, pageBytesMax(entry));
        MemorySegment page = assembly.memory();
        long rowsAt = DeltaFileFormat.PAGE_HEADER_BYTES;
        for (int i = 0; i < count; i++) {
            setInt(stage, ORDINALS + i * (long) Integer.BYTES, ordinal(i) - first);
        }
        int rowBytes = (int) numbers.encodeFixed(stage, ORDINALS, Integer.BYTES, count, page, rowsAt);
        long bitmapBytes = ((long) entry.lastOrdinal() - first) / Byte.SIZE + 1;
        boolean isBitmap = !hasRepeatedRows && bitmapBytes <= rowBytes;
        if (isBitmap) {
            rowBytes = (int) bitmapBytes;
            writeBitmap(page, rowsAt, rowBytes);
        }
        long at = pad(page, rowsAt + rowBytes);
        int timeBytes = (int) numbers.encodeFixed(stage, TIMES, Long.BYTES, count, page, at);
        at = pad(page, at + timeBytes);
        int nulls = nulls();
        long validityBytes = DeltaFileFormat.validityBytes(nulls, count);
        MemorySegment.copy(stage, VALIDITY, page, at, validityBytes);
        at += validityBytes;
        int valueBytes = nulls <= DeltaFileFormat.VALIDITY ? encodeValues(page, at) : 0;
        at = pad(page, at + valueBytes);
        var parts = new DeltaFileFormat.Parts(
                isBitmap ? DeltaFileFormat.ROWS_BITMAP : DeltaFileFormat.ROWS_VECTOR,
                rowBytes,
                timeBytes,
                nulls,
                valueBytes);
        DeltaFileFormat.writePageHeader(page, entry, parts);
        pages.add(page.asSlice(0, at));
        entries.add(entry);
        clear();
    }

    private long pageBytesMax(PageEntry entry) {
        long values = cellBytes == 0
                ? VectorFormat.maxBinaryBytes(count, stringBytes)
                : cellBytes > 0 ? VectorFormat.maxFixedBytes(count, cellBytes) : 0;
        return DeltaFileFormat.PAGE_HEADER_BYTES
                + VectorFormat.maxFixedBytes(entry.entryCount(), Integer.BYTES)
                + VectorFormat.maxFixedBytes(entry.entryCount(), Long.BYTES)
                + ENTRIES_MAX / Byte.SIZE
                + values
                + 4L * PADDING;
    }

    private int nulls() {
        if (cellBytes == NO_CELLS) {
            return DeltaFileFormat.NO_VALUES;
        }
        return nullCount == 0
                ? DeltaFileFormat.ALL_VALID
                : nullCount == count ? DeltaFileFormat.ALL_NULL : DeltaFileFormat.VALIDITY;
    }

    private void writeBitmap(MemorySegment page, long at, int bytes) {
        page.asSlice(at, bytes).fill((byte) 0);
        for (int i = 0; i < count; i++) {
            int row = ordinal(i); // By now from the first on.
            long target = at + (row >>> 3);
            LittleEndian.setByte(page, target, unsignedByte(page, target) | 1 << (row & 7));
        }
    }

    private int encodeValues(MemorySegment page, long at) {
        if (cellBytes > 0) {
            return (int) values.encodeFixed(stage, VALUES, cellBytes, count, page, at);
        }
        strings.ensure(stringBytes, (long) stringBytes + PADDING);
        return (int) values.encodeBinary(flat.wrap(stage, VALUES, strings.memory(), 0), count, page, at);
    }

    /** Writes zeros up to a multiple of 8; answers where that is. */
    private static long pad(MemorySegment page, long at) {
        long padded = DeltaFileFormat.pad8(at);
        for (long i = at; i < padded; i++) {
            LittleEndian.setByte(page, i, 0);
        }
        return padded;
    }

    @Override
    public void close() {
        strings.close();
        account.giveBack(slab);
    }
}
