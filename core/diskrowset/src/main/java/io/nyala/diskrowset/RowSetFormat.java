package io.nyala.diskrowset;

import static io.nyala.rows.LittleEndian.getInt;
import static io.nyala.rows.LittleEndian.getLong;
import static io.nyala.rows.LittleEndian.setInt;
import static io.nyala.rows.LittleEndian.setLong;
import static io.nyala.rows.LittleEndian.unsignedByte;

import io.nyala.memory.Check;
import io.nyala.memory.Notes;
import io.nyala.memory.Zeros;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * What a rowset puts into a column file beyond the columns of its table.
 *
 * <pre>{@code
 *   section                     what it has
 *   column, the table's id      one for each column of the table, rows in key order
 *   column INSERT_TIME_ID       INT64: start of the row's current (if deleted: last) lifetime
 *   column DELETED_ID           INT8: 1 if the newest state of the row is deleted
 *   raw HISTORY_ID + i          the i-th chunk of the history
 *   metadata                    below
 *
 *   0         4         8                  16               24            28            32
 *   +---------+---------+------------------+----------------+-------------+-------------+---------- - -
 *   | version | schema  |  deleted rows    | newest change  | history     |    zero     | chunks
 *   |   = 1   | version |                  |                | chunk count |             |
 *   +---------+---------+------------------+----------------+-------------+-------------+---------- - -
 *      u32       u32           u64               i64             u32           u32       u32 first, u32 last
 *                                                                                        ordinal of each
 * }</pre>
 *
 * The history of a row is what to apply, newest first, to see it before each of its changes (UNDO). A chunk holds the
 * history of rows with ascending ordinals, never a part of a row's:
 *
 * <pre>{@code
 *   0           4              8             16
 *   +-----------+--------------+-------------+------------------- - -+---- - -
 *   |  ordinal  | change bytes |    time     |  RowChange            | zero to 8
 *   +-----------+--------------+-------------+------------------- - -+---- - -
 *       u32          u32            i64
 * }</pre>
 *
 * Integers are little-endian.
 */
final class RowSetFormat {
    static final int VERSION = 1;

    /** Beyond the ids of a table's columns, which are 16 bits wide. */
    static final int INSERT_TIME_ID = 1 << 16;

    static final int DELETED_ID = INSERT_TIME_ID + 1;
    static final int HISTORY_ID = 1 << 17;

    /** A chunk is full from here on. */
    static final int CHUNK_BYTES = 64 << 10;

    private static final int METADATA_BYTES = 32;
    private static final int CHUNK_ENTRY_BYTES = 8;

    static final int HISTORY_HEADER_BYTES = 16;
    private static final int HISTORY_ALIGNMENT = 8;

    private RowSetFormat() {}

    /**
     * What the metadata says.
     *
     * @param deletedCount rows whose newest state is deleted
     * @param newestChange time of the newest insert or change of any row
     * @param chunks which rows the chunks of the history are about
     */
    record Metadata(int schemaVersion, long deletedCount, long newestChange, List<Chunk> chunks) {
        Metadata {
            chunks = List.copyOf(chunks);
        }
    }

    /** Ordinals of the first and of the last row with history in a chunk. */
    record Chunk(int firstOrdinal, int lastOrdinal) {}

    static byte[] metadata(Metadata metadata) {
        byte[] bytes = new byte[METADATA_BYTES + metadata.chunks().size() * CHUNK_ENTRY_BYTES];
        MemorySegment target = MemorySegment.ofArray(bytes);
        setInt(target, 0, VERSION);
        setInt(target, 4, metadata.schemaVersion());
        setLong(target, 8, metadata.deletedCount());
        setLong(target, 16, metadata.newestChange());
        setInt(target, 24, metadata.chunks().size());
        int at = METADATA_BYTES;
        for (Chunk chunk : metadata.chunks()) {
            setInt(target, at, chunk.firstOrdinal());
            setInt(target, at + 4, chunk.lastOrdinal());
            at += CHUNK_ENTRY_BYTES;
        }
        return bytes;
    }

    /** The version of the format that metadata says it has. */
    static int version(byte[] bytes) {
        Check.that(
                bytes.length >= METADATA_BYTES,
                "the metadata of a rowset has " + bytes.length + " bytes; 32 is the least");
        return getInt(MemorySegment.ofArray(bytes), 0);
    }

    /** Reads what {@link #metadata} wrote, for {@code rowCount} rows; a checksum has been verified before. */
    static Metadata readMetadata(byte[] bytes, long rowCount) {
        int version = version(bytes);
        Check.that(version == VERSION, "the rowset has format version " + version + ", this program reads " + VERSION);
        MemorySegment source = MemorySegment.ofArray(bytes);
        Check.inRange("deleted rows", getLong(source, 8), 0, rowCount);
        Check.that(getInt(source, 28) == 0, "the unused part of a rowset's metadata is " + getInt(source, 28));
        int chunkCount = getInt(source, 24);
        Check.that(
                chunkCount >= 0 && bytes.length == METADATA_BYTES + (long) chunkCount * CHUNK_ENTRY_BYTES,
                "the metadata of a rowset has " + bytes.length + " bytes, which do not fit " + chunkCount + " chunks");
        List<Chunk> chunks = new ArrayList<>();
        int after = -1;
        for (int i = 0; i < chunkCount; i++) {
            int at = METADATA_BYTES + i * CHUNK_ENTRY_BYTES;
            var chunk = new Chunk(getInt(source, at), getInt(source, at + 4));
            Check.that(
                    after < chunk.firstOrdinal()
                            && chunk.firstOrdinal() <= chunk.lastOrdinal()
                            && chunk.lastOrdinal() < rowCount,
                    "history chunk " + i + " is about rows " + chunk + " of " + rowCount);
            after = chunk.lastOrdinal();
            chunks.add(chunk);
        }
        return new Metadata(getInt(source, 4), getLong(source, 8), getLong(source, 16), chunks);
    }

    /** Explains metadata. */
    static void annotateMetadata(MemorySegment memory, long at, Notes notes) {
        notes.section("rowset metadata");
        notes.note(at, 4, "version: " + getInt(memory, at));
        notes.note(at + 4, 4, "schema version: " + getInt(memory, at + 4));
        notes.note(at + 8, 8, "deleted rows: " + getLong(memory, at + 8));
        notes.note(at + 16, 8, "newest change: " + getLong(memory, at + 16));
        int chunkCount = getInt(memory, at + 24);
        notes.note(at + 24, 4, "history chunk count: " + chunkCount);
        notes.note(at + 28, 4, "zero");
        for (int i = 0; i < chunkCount; i++) {
            long entry = at + METADATA_BYTES + (long) i * CHUNK_ENTRY_BYTES;
            notes.note(entry, 8, "chunk " + i + ": rows " + getInt(memory, entry) + " to " + getInt(memory, entry + 4));
        }
        notes.endSection();
    }

    static long historyBytes(int changeBytes) {
        return ((long) HISTORY_HEADER_BYTES + changeBytes + HISTORY_ALIGNMENT - 1) & -HISTORY_ALIGNMENT;
    }

    static int ordinal(MemorySegment memory, long history) {
        return getInt(memory, history);
    }

    static int changeBytes(MemorySegment memory, long history) {
        return getInt(memory, history + 4);
    }

    static long time(MemorySegment memory, long history) {
        return getLong(memory, history + 8);
    }

    /** Whether the bytes behind a change, up to the next record, are zero. */
    static boolean isPaddedWithZeros(MemorySegment memory, long history) {
        int changeBytes = changeBytes(memory, history);
        long end = history + historyBytes(changeBytes);
        for (long at = history + HISTORY_HEADER_BYTES + changeBytes; at < end; at++) {
            if (unsignedByte(memory, at) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Explains the records of one chunk of the history. */
    static void annotateHistory(RowLayout layout, MemorySegment memory, long at, long chunkBytes, Notes notes) {
        long end = at + chunkBytes;
        for (long history = at; history < end; ) {
            int changeBytes = changeBytes(memory, history);
            notes.section("history");
            notes.note(history, 4, "ordinal: " + ordinal(memory, history));
            notes.note(history + 4, 4, "change bytes: " + changeBytes);
            notes.note(history + 8, 8, "time: " + time(memory, history));
            RowChange.annotate(layout, memory, history + HISTORY_HEADER_BYTES, notes);
            long used = HISTORY_HEADER_BYTES + (long) changeBytes;
            int padding = (int) (historyBytes(changeBytes) - used);
            if (padding > 0) {
                notes.note(history + used, padding, "zero");
            }
            notes.endSection();
            history += historyBytes(changeBytes);
        }
    }

    /** Writes one history record and its padding; answers its bytes. */
    static long writeHistory(MemorySegment target, long at, int ordinal, long time, int changeBytes) {
        setInt(target, at, ordinal);
        setInt(target, at + 4, changeBytes);
        setLong(target, at + 8, time);
        long bytes = historyBytes(changeBytes);
        int used = HISTORY_HEADER_BYTES + changeBytes;
        Zeros.fill(target, at + used, bytes - used);
        return bytes;
    }
}
