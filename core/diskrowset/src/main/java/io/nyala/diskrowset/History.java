package io.nyala.diskrowset;

import io.nyala.cfile.CFileReader;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * What to undo to see the rows of a rowset as they were: its history chunks, in order. Thread-safe; its cursors are
 * not.
 */
final class History implements DeltaSource {
    private final CFileReader file;
    private final RowSetFormat.Metadata metadata;
    private final MemoryAccount account;

    /** {@code account} pays for the chunks that cursors hold whose readers have no account of their own. */
    History(CFileReader file, RowSetFormat.Metadata metadata, MemoryAccount account) {
        this.file = file;
        this.metadata = metadata;
        this.account = account;
    }

    boolean isEmpty() {
        return metadata.chunks().isEmpty();
    }

    int chunkCount() {
        return metadata.chunks().size();
    }

    /** On disk. */
    long bytes() {
        long bytes = 0;
        for (int i = 0; i < chunkCount(); i++) {
            bytes += file.rawBytes(RowSetFormat.HISTORY_ID + i);
        }
        return bytes;
    }

    @Override
    public boolean mayChange(long from, long to, long snapshot) {
        if (snapshot >= metadata.newestChange()) {
            return false;
        }
        List<RowSetFormat.Chunk> chunks = metadata.chunks();
        int found = chunkFrom(from, 0);
        return found < chunks.size() && chunks.get(found).firstOrdinal() < to;
    }

    /** The first chunk, at or after {@code first}, that reaches to a row or beyond; the chunk count if none does. */
    private int chunkFrom(long ordinal, int first) {
        List<RowSetFormat.Chunk> chunks = metadata.chunks();
        int low = first;
        int high = chunks.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (chunks.get(middle).lastOrdinal() < ordinal) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    @Override
    public Cursor changes(long from, long to, long snapshot) {
        return changes(from, to, snapshot, account);
    }

    @Override
    public Cursor changes(long from, long to, long snapshot, MemoryAccount reader) {
        return new ChunkCursor(from, to, snapshot, reader);
    }

    /** UNDO records of a row, which lie in a buffer of somebody else's. */
    static final class Records {
        private long[] times = new long[16];
        private long[] offsets = new long[16];
        private int[] bytes = new int[16];
        private int count;
        private int joined; // How many of the last ones were added by join.

        void clear() {
            count = 0;
            joined = 0;
        }

        int count() {
            return count;
        }

        long time(int index) {
            return times[index];
        }

        long offset(int index) {
            return offsets[index];
        }

        int bytes(int index) {
            return bytes[index];
        }

        /** Where the last one ends. */
        long end() {
            return offsets[count - 1] + bytes[count - 1];
        }

        void add(long time, long offset, int recordBytes) {
            if (count == times.length) {
                times = Arrays.copyOf(times, 2 * count);
                offsets = Arrays.copyOf(offsets, 2 * count);
                bytes = Arrays.copyOf(bytes, 2 * count);
            }
            times[count] = time;
            offsets[count] = offset;
            bytes[count] = recordBytes;
            count++;
        }

        /**
         * Adds an UPDATE that is newer than those before, and makes these one, at the time of the oldest: for who does
         * not look at versions in between. That of the newest time stays apart, since a deletion may follow at that
         * time. No other record is added but by this method meanwhile; the buffer is used up to {@link #end} only.
         */
        void join(MemorySegment memory, long time, long offset, int recordBytes) {
            long from = offset;
            if (joined > 0 && times[count - 1] == time) {
                addCells(memory, count - 1, from);
                return;
            }
            if (joined == 2) {
                addCells(memory, count - 2, offsets[count - 1]);
                count--;
                joined--;
                from = end();
                MemorySegment.copy(memory, offset, memory, from, recordBytes);
            }
            add(time, from, recordBytes);
            joined++;
        }

        /** To an UPDATE the cells of a newer one, behind it, that it does not set: of others the older value holds. */
        private void addCells(MemorySegment memory, int index, long newer) {
            long target = offsets[index];
            long end = target + bytes[index];
            int cells = RowChange.cellCount(memory, target);
            long cell = RowChange.firstCell(newer);
            for (int i = RowChange.cellCount(memory, newer); i > 0; i--) {
                long next = RowChange.nextCell(memory, cell);
                if (RowChange.findCell(memory, target, RowChange.cellColumnId(memory, cell)) == 0) {
                    MemorySegment.copy(memory, cell, memory, end, next - cell);
                    end += next - cell;
                    cells++;
                }
                cell = next;
            }
            RowChange.startUpdate(memory, target, cells);
            bytes[index] = (int) (end - target);
        }
    }

    /** Reads a chunk at a time. */
    private final class ChunkCursor implements Cursor {
        private final long to;
        private final long from;
        private final long snapshot;
        private final GrowingBuffer buffer;
        private int chunk;
        private long chunkBytes;
        private long position;
        private long present = -1;

        ChunkCursor(long from, long to, long snapshot, MemoryAccount reader) {
            this.buffer = new GrowingBuffer(reader);
            this.from = from;
            this.to = to;
            this.snapshot = snapshot;
            this.chunk = chunkFrom(from, 0);
        }

        @Override
        public boolean seek(long ordinal) {
            if (chunk > 0 && metadata.chunks().get(chunk - 1).lastOrdinal() < ordinal) {
                position = chunkBytes; // The one in hand ends before it, and others may too.
                chunk = chunkFrom(ordinal, chunk);
            }
            return Cursor.super.seek(ordinal);
        }

        @Override
        public boolean next() {
            while (position < chunkBytes || load()) {
                present = position;
                if (!isWhole()) {
                    throw new IllegalArgumentException("history of " + file.path() + " has no whole record at byte "
                            + position + " of chunk " + (chunk - 1));
                }
                position += RowSetFormat.historyBytes(changeBytes());
                if (ordinal() >= to) {
                    return false;
                }
                if (ordinal() >= from && time() > snapshot) {
                    return true;
                }
            }
            return false;
        }

        private boolean isWhole() {
            return chunkBytes - position >= RowSetFormat.HISTORY_HEADER_BYTES
                    && changeBytes() >= 0
                    && chunkBytes - position >= RowSetFormat.historyBytes(changeBytes())
                    && RowSetFormat.isPaddedWithZeros(memory(), present);
        }

        private boolean load() {
            if (chunk == metadata.chunks().size()
                    || metadata.chunks().get(chunk).firstOrdinal() >= to) {
                return false;
            }
            int id = RowSetFormat.HISTORY_ID + chunk;
            chunkBytes = file.rawBytes(id);
            buffer.ensure(0, chunkBytes);
            file.readRaw(id, buffer.memory(), 0);
            position = 0;
            chunk++;
            return true;
        }

        @Override
        public long ordinal() {
            return RowSetFormat.ordinal(buffer.memory(), present);
        }

        @Override
        public long time() {
            return RowSetFormat.time(buffer.memory(), present);
        }

        @Override
        public MemorySegment memory() {
            return buffer.memory();
        }

        @Override
        public long changeOffset() {
            return present + RowSetFormat.HISTORY_HEADER_BYTES;
        }

        @Override
        public int changeBytes() {
            return RowSetFormat.changeBytes(buffer.memory(), present);
        }

        @Override
        public void close() {
            buffer.close();
        }
    }
}
