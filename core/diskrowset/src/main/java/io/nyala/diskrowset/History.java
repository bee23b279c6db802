package io.nyala.diskrowset;

import io.nyala.cfile.CFileReader;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.GrowingBuffer;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * What to undo to see the rows of a rowset as they were: its history chunks, in order. Thread-safe; its cursors are
 * not.
 */
final class History implements DeltaSource {
    private final CFileReader file;
    private final RowSetFormat.Metadata metadata;
    private final MemoryAccount account;

    /** {@code account} pays for the chunks that cursors hold. */
    History(CFileReader file, RowSetFormat.Metadata metadata, MemoryAccount account) {
        this.file = file;
        this.metadata = metadata;
        this.account = account;
    }

    boolean isEmpty() {
        return metadata.chunks().isEmpty();
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
        return new ChunkCursor(from, to, snapshot);
    }

    /** Reads a chunk at a time. */
    private final class ChunkCursor implements Cursor {
        private final long to;
        private final long from;
        private final long snapshot;
        private final GrowingBuffer buffer = new GrowingBuffer(account);
        private int chunk;
        private long chunkBytes;
        private long position;
        private long present = -1;

        ChunkCursor(long from, long to, long snapshot) {
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
