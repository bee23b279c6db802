package io.nyala.diskrowset;

import io.nyala.cfile.CFileWriter;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.RowSource;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Collects the history of rows into chunks. A row's history may be longer than a chunk, and is not divided. Belongs to
 * a {@link RowSetWriter}.
 */
final class HistoryWriter implements AutoCloseable {
    private final CFileWriter file;
    private final GrowingBuffer buffer;
    private final List<RowSetFormat.Chunk> chunks = new ArrayList<>();
    private long used;
    private int firstOrdinal;
    private int lastOrdinal;

    HistoryWriter(CFileWriter file, MemoryAccount account) {
        this.file = file;
        this.buffer = new GrowingBuffer(account);
    }

    /** Adds the history of the present row of {@code source}, if it has any. */
    void append(int ordinal, RowSource source) {
        int count = source.historyCount();
        if (count == 0) {
            return;
        }
        if (used >= RowSetFormat.CHUNK_BYTES) {
            endChunk();
        }
        if (used == 0) {
            firstOrdinal = ordinal;
        }
        lastOrdinal = ordinal;
        for (int i = 0; i < count; i++) {
            int changeBytes = source.historyBytes(i);
            buffer.ensure(used, used + RowSetFormat.historyBytes(changeBytes));
            MemorySegment target = buffer.memory();
            MemorySegment.copy(
                    source.memory(),
                    source.historyOffset(i),
                    target,
                    used + RowSetFormat.HISTORY_HEADER_BYTES,
                    changeBytes);
            used += RowSetFormat.writeHistory(target, used, ordinal, source.historyTime(i), changeBytes);
        }
    }

    long pendingBytes() {
        return used;
    }

    /** Ends the last chunk; answers what all chunks are about. */
    List<RowSetFormat.Chunk> finish() {
        if (used > 0) {
            endChunk();
        }
        return chunks;
    }

    private void endChunk() {
        int index = chunks.size();
        file.addRaw(RowSetFormat.HISTORY_ID + index, "history " + index, buffer.memory(), 0, used);
        chunks.add(new RowSetFormat.Chunk(firstOrdinal, lastOrdinal));
        used = 0;
    }

    @Override
    public void close() {
        buffer.close();
    }
}
