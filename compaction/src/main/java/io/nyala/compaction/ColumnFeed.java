package io.nyala.compaction;

import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.ColumnReader;
import io.nyala.cfile.ColumnWriter;
import io.nyala.cfile.ReadAhead;
import io.nyala.cfile.VectorSelection;
import io.nyala.encoding.DecoderScratch;
import io.nyala.encoding.FlatBinary;
import io.nyala.encoding.VectorFormat;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.CellValue;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.Limits;
import io.nyala.rows.LittleEndian;
import org.jspecify.annotations.Nullable;

/**
 * The cells of a column of one input of a merge, of ascending rows: decoded a vector at a time, so that a page is
 * pinned only meanwhile. Strings are decoded where a vector has few of them, and else one by one.
 *
 * <p>One thread. Goes from one column to the next, and keeps its memory; whoever made it closes it.
 */
final class ColumnFeed implements AutoCloseable {
    /** Strings of a vector that are decoded at once: a merge has many inputs. */
    private static final long STRING_BYTES_MAX = 64 << 10;

    private static final long PADDING = VectorFormat.WRITE_PADDING_BYTES;

    // Where the parts of the decoded vector are: the values are cells, or the offsets of strings.
    private static final long VALIDITY = 0;
    private static final long VALUES = VALIDITY + Limits.VECTOR_ROWS / Byte.SIZE;

    private final GrowingBuffer decoded;
    private final GrowingBuffer strings;
    private final FlatBinary flat = new FlatBinary();
    private @Nullable ColumnCursor cursor;

    /** Of all rows, where the file does not have the column. */
    private @Nullable CellValue preset;

    private int cellBytes; // 0 for strings.
    private int vector;
    private boolean isAllNull;
    private boolean hasNulls;
    private boolean isOneByOne;

    ColumnFeed(MemoryAccount account) {
        decoded = new GrowingBuffer(account);
        strings = new GrowingBuffer(account);
    }

    /** Goes to a column that the file has; {@code wanted} says of which vectors there will be rows. */
    void open(ColumnReader column, DecoderScratch scratch, ReadAhead ahead, VectorSelection wanted) {
        var opened = column.cursor(scratch, ahead, wanted);
        cursor = opened;
        vector = -1;
        cellBytes = column.kind().isBinary() ? 0 : column.kind().cellBytes();
        long valueBytes =
                cellBytes == 0 ? (Limits.VECTOR_ROWS + 1L) * Integer.BYTES : (long) Limits.VECTOR_ROWS * cellBytes;
        decoded.ensure(0, VALUES + valueBytes + PADDING);
        opened.prepare(wanted.next(0));
    }

    /** Goes to a column that was added since the file was written: what it reads as, null for NULL. */
    void open(@Nullable CellValue readDefault) {
        preset = readDefault;
    }

    /** Adds the cells of {@code count} rows from {@code ordinal} on. */
    void append(long ordinal, int count, ColumnWriter target) {
        ColumnCursor open = cursor;
        if (open == null) {
            appendPreset(count, target);
            return;
        }
        long at = ordinal;
        for (int left = count; left > 0; ) {
            int row = (int) (at % Limits.VECTOR_ROWS);
            int some = Math.min(left, Limits.VECTOR_ROWS - row);
            load(open, (int) (at / Limits.VECTOR_ROWS));
            appendRows(open, row, some, target);
            at += some;
            left -= some;
        }
    }

    private void appendPreset(int count, ColumnWriter target) {
        CellValue value = preset;
        for (int i = 0; i < count; i++) {
            if (value == null) {
                target.appendNull();
            } else {
                target.append(value.segment(), 0, value.bytes());
            }
        }
    }

    private void load(ColumnCursor open, int wanted) {
        if (wanted == vector && !isOneByOne) {
            return;
        }
        open.seek(wanted); // Which is nothing if it is there.
        if (wanted == vector) {
            return;
        }
        vector = wanted;
        isAllNull = open.isAllNull();
        hasNulls = open.nullCount() > 0;
        isOneByOne = !isAllNull && open.binaryBytes() > STRING_BYTES_MAX;
        if (isOneByOne) {
            return;
        }
        if (hasNulls) {
            open.readValidity(decoded.memory(), VALIDITY);
        }
        if (!isAllNull && cellBytes > 0) {
            open.readFixed(decoded.memory(), VALUES);
        } else if (!isAllNull) {
            strings.ensure(0, open.binaryBytes() + PADDING);
            open.readBinary(flat.wrap(decoded.memory(), VALUES, strings.memory(), 0));
        }
        open.release();
    }

    private void appendRows(ColumnCursor open, int first, int count, ColumnWriter target) {
        if (cellBytes > 0 && !hasNulls) {
            target.appendAll(decoded.memory(), VALUES + (long) first * cellBytes, count);
            return;
        }
        for (int row = first; row < first + count; row++) {
            if (isAllNull || (hasNulls && isNull(open, row))) {
                target.appendNull();
            } else if (isOneByOne) {
                int bytes = open.cellBytes(row);
                strings.ensure(0, bytes);
                open.readCell(row, strings.memory(), 0);
                target.append(strings.memory(), 0, bytes);
            } else if (cellBytes > 0) {
                target.append(decoded.memory(), VALUES + (long) row * cellBytes, cellBytes);
            } else {
                target.append(strings.memory(), flat.start(row), flat.bytes(row));
            }
        }
    }

    private boolean isNull(ColumnCursor open, int row) {
        return isOneByOne
                ? open.isNull(row)
                : (LittleEndian.getLong(decoded.memory(), VALIDITY + (row >>> 6) * (long) Long.BYTES) >>> row & 1) == 0;
    }

    /** Unpins the page that it may have. */
    void rest() {
        ColumnCursor open = cursor;
        if (open != null) {
            open.release();
        }
    }

    /** Leaves the column. */
    void end() {
        ColumnCursor open = cursor;
        cursor = null;
        if (open != null) {
            open.close();
        }
    }

    @Override
    public void close() {
        try {
            end();
        } finally {
            decoded.close();
            strings.close();
        }
    }
}
