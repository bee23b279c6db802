package io.nyala.wal;

import static io.nyala.wal.SegmentFormat.INT;
import static io.nyala.wal.SegmentFormat.LONG;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.io.Disk;
import io.nyala.memory.Crc32c;
import io.nyala.memory.Notes;
import java.lang.foreign.MemorySegment;

/**
 * One entry of the log: who wrote it, when in the order of things, and a payload that only its owner understands.
 *
 * <pre>{@code
 *   0        4       6      7      8               12             16
 *   +--------+-------+------+------+---------------+--------------+
 *   | crc32c | magic | kind | zero | payload bytes | previous crc |
 *   +--------+-------+------+------+---------------+--------------+
 *      u32      u16     u8     u8         u32            u32
 *
 *   16       24         32             40      44     48
 *   +--------+----------+--------------+-------+------+--------- - -
 *   | log id | sequence | durable upto | epoch |opening| payload
 *   +--------+----------+--------------+-------+------+--------- - -
 *      u64       u64          u64         u32     u32
 * }</pre>
 *
 * <p>The payload is followed by zeros up to a multiple of 8. Records of one write follow each other directly; a write
 * begins at a multiple of 4 KiB and is filled up with zeros to the next, because a sector that holds an acknowledged
 * record is never written again.
 *
 * <ul>
 *   <li>{@code crc32c}: of everything after it, the zeros after the payload included.
 *   <li>{@code kind}: 1 DATA, 2 START, 3 MARK, 4 ROLL, 5 SEAL; see {@link RecordKind}.
 *   <li>{@code previous crc}: the {@code crc32c} of the record before, 0 for the first of all. With it, and with the
 *       sequence, what a recycled segment held before is never taken for a record.
 *   <li>{@code sequence}: one more than the record before; a new epoch may leave a gap, of which its START tells.
 *   <li>{@code durable upto}: the log was known to be durable up to this sequence when the record was built. If a
 *       record is missing although one that follows it says this, it was lost, and not just never written.
 *   <li>{@code opening}: as in the header of its segment. With it, records of an epoch that somebody undid, by putting
 *       an older copy of the log back, are not taken for those of the epoch that has its number now.
 * </ul>
 *
 * <p>Payload of the kinds that are not DATA, all fields u64:
 *
 * <pre>{@code
 *   START             | oldest segment | continues after | previous end | needed as of | counts |
 *                     | streams | needs | segment |
 *   MARK, ROLL, SEAL  | oldest segment |
 * }</pre>
 *
 * <ul>
 *   <li>{@code oldest segment}: segments from this number on are needed; if one of them is missing, the log is damaged.
 *   <li>{@code continues after}: sequence of the record before, 0 if there is none. Less than {@code sequence - 1} only
 *       where an epoch begins.
 *   <li>{@code previous end}: where in the segment before the log ended. What comes after it there was cut off.
 *   <li>{@code needed as of}: of records up to this sequence only those are needed that {@code needs} tells of.
 *   <li>{@code counts}: u32 each, the number of entries in {@code streams} and in {@code needs}.
 *   <li>{@code streams}: which streams the segment before holds, each with the last of its records there, see {@link
 *       StreamIndex}.
 *   <li>{@code needs}: u64 stream and u64 sequence: its records from this one on are needed, see {@link StreamNeeds}.
 *   <li>{@code segment}: the number of the one that it begins. Behind the first record of a segment each follows from
 *       the one before; the first alone could be taken for another's, where a write went astray.
 * </ul>
 *
 * <p>Example, the payload "hi" as record 2 of log 0x1234 after the START of its first segment: {@code kind=1 payload
 * bytes=2 sequence=2 durable upto=1 epoch=1}, in all 56 bytes.
 *
 * <p>Stateless.
 */
public final class RecordFormat {
    public static final int HEADER_BYTES = 48;

    /** Largest payload of one record: a batch of one tablet, so that replaying it needs bounded memory. */
    public static final int PAYLOAD_BYTES_MAX = 8 << 20;

    static final int CRC_AT = 0;
    static final int MAGIC_AT = 4;
    static final int KIND_AT = 6;
    static final int PAYLOAD_BYTES_AT = 8;
    static final int PREVIOUS_CRC_AT = 12;
    static final int LOG_ID_AT = 16;
    static final int SEQUENCE_AT = 24;
    static final int DURABLE_UP_TO_AT = 32;
    static final int EPOCH_AT = 40;
    static final int OPENING_AT = 44;

    /** "NR" read as a little-endian number; with kind and zero it is one int. */
    static final int MAGIC = 0x524E;

    static final int OLDEST_SEGMENT_AT = HEADER_BYTES;
    static final int CONTINUES_AFTER_AT = HEADER_BYTES + 8;
    static final int PREVIOUS_END_AT = HEADER_BYTES + 16;
    static final int NEEDED_AS_OF_AT = HEADER_BYTES + 24;
    static final int STREAM_COUNT_AT = HEADER_BYTES + 32;
    static final int NEED_COUNT_AT = HEADER_BYTES + 36;
    static final int STREAMS_AT = HEADER_BYTES + 40;

    /** Without streams and needs. */
    static final int START_PAYLOAD_BYTES = 48;

    /** What versions 2 and 3 of the format had, which did not name the segment, without streams and needs. */
    static final int NAMELESS_START_PAYLOAD_BYTES = 40;

    /** What the first version of the format had, which told nothing of streams either. */
    static final int OLD_START_PAYLOAD_BYTES = 24;

    static final int MARK_PAYLOAD_BYTES = 8;

    static {
        assert HEADER_BYTES % Long.BYTES == 0 : "a payload starts 8-byte aligned";
    }

    private RecordFormat() {}

    /** Bytes of a record with such a payload. */
    static int recordBytes(int payloadBytes) {
        assert payloadBytes >= 0 && payloadBytes <= PAYLOAD_BYTES_MAX : payloadBytes;
        return HEADER_BYTES + (payloadBytes + 7 & -8);
    }

    /** Payload of a START that tells of these. */
    static int startBytes(StreamIndex streams, StreamNeeds needs) {
        return START_PAYLOAD_BYTES + (streams.count() + needs.count()) * StreamIndex.ENTRY_BYTES;
    }

    /** Fills in what a START tells of streams, and whose it is. */
    static void writeStreams(MemorySegment memory, long at, StreamIndex streams, StreamNeeds needs, long segment) {
        memory.set(LONG, at + NEEDED_AS_OF_AT, needs.asOf());
        memory.set(INT, at + STREAM_COUNT_AT, streams.count());
        memory.set(INT, at + NEED_COUNT_AT, needs.count());
        streams.write(memory, at + STREAMS_AT);
        needs.write(memory, entryAt(at, streams.count()));
        memory.set(LONG, entryAt(at, streams.count() + needs.count()), segment);
    }

    /** Where in a START that entry is, of streams or of needs, or behind the last of them its segment. */
    static long entryAt(long at, long index) {
        return at + STREAMS_AT + index * StreamIndex.ENTRY_BYTES;
    }

    /** Where the next write begins after one that ends here. */
    static long nextWrite(long position) {
        return position + Disk.ALIGNMENT_BYTES - 1 & -Disk.ALIGNMENT_BYTES;
    }

    /**
     * Completes the record whose payload is in place: zeros, header, checksum.
     *
     * @return the checksum
     */
    static int seal(MemorySegment memory, long at, RecordKind kind, int payloadBytes, RecordContext context) {
        int recordBytes = recordBytes(payloadBytes);
        for (long i = at + HEADER_BYTES + payloadBytes; i < at + recordBytes; i++) {
            memory.set(JAVA_BYTE, i, (byte) 0);
        }
        memory.set(INT, at + MAGIC_AT, MAGIC | kind.code() << 16);
        memory.set(INT, at + PAYLOAD_BYTES_AT, payloadBytes);
        memory.set(INT, at + PREVIOUS_CRC_AT, context.previousCrc);
        memory.set(LONG, at + LOG_ID_AT, context.logId);
        memory.set(LONG, at + SEQUENCE_AT, context.sequence);
        memory.set(LONG, at + DURABLE_UP_TO_AT, context.durableUpTo);
        memory.set(INT, at + EPOCH_AT, context.epoch);
        memory.set(INT, at + OPENING_AT, context.opening);
        int crc = Crc32c.of(memory, at + MAGIC_AT, recordBytes - MAGIC_AT);
        memory.set(INT, at + CRC_AT, crc);
        return crc;
    }

    /** Explains the record at an offset. */
    public static void annotate(MemorySegment memory, long at, Notes notes) {
        annotate(memory, at, PayloadNotes.RAW, notes);
    }

    /** As {@link #annotate(MemorySegment, long, Notes)}, with the payload of a DATA record explained by its owner. */
    public static void annotate(MemorySegment memory, long at, PayloadNotes payloads, Notes notes) {
        RecordView view = new RecordView();
        String defect = view.parse(memory, at, memory.byteSize());
        RecordKind kind = RecordKind.ofCode(memory.get(JAVA_BYTE, at + KIND_AT));
        notes.section("record " + memory.get(LONG, at + SEQUENCE_AT) + " " + kind);
        notes.note(at, 4, "crc32c" + (defect == null ? "" : ", WRONG: " + defect));
        notes.note(at + MAGIC_AT, 2, "magic: NR");
        notes.note(at + KIND_AT, 1, "kind: " + kind);
        notes.note(at + KIND_AT + 1, 1, "zero");
        notes.note(at + PAYLOAD_BYTES_AT, 4, "payload bytes: " + memory.get(INT, at + PAYLOAD_BYTES_AT));
        notes.note(at + PREVIOUS_CRC_AT, 4, "previous crc");
        notes.note(at + LOG_ID_AT, 8, "log id: 0x" + Long.toHexString(memory.get(LONG, at + LOG_ID_AT)));
        notes.note(at + SEQUENCE_AT, 8, "sequence: " + memory.get(LONG, at + SEQUENCE_AT));
        notes.note(at + DURABLE_UP_TO_AT, 8, "durable upto: " + memory.get(LONG, at + DURABLE_UP_TO_AT));
        notes.note(at + EPOCH_AT, 4, "epoch: " + memory.get(INT, at + EPOCH_AT));
        notes.note(at + OPENING_AT, 4, "opening: 0x" + Integer.toHexString(memory.get(INT, at + OPENING_AT)));
        if (defect == null) {
            annotatePayload(memory, at, view, payloads, notes);
        }
        notes.endSection();
    }

    private static void annotateStreams(MemorySegment memory, long at, RecordView view, Notes notes) {
        int streams = memory.get(INT, at + STREAM_COUNT_AT);
        int needs = memory.get(INT, at + NEED_COUNT_AT);
        notes.note(at + NEEDED_AS_OF_AT, 8, "needed as of: " + memory.get(LONG, at + NEEDED_AS_OF_AT));
        notes.note(at + STREAM_COUNT_AT, 4, "streams: " + streams);
        notes.note(at + NEED_COUNT_AT, 4, "needs: " + needs);
        for (int i = 0; i < streams + needs; i++) {
            long entry = entryAt(at, i);
            notes.note(entry, 8, "stream " + memory.get(LONG, entry));
            String sequence = (i < streams ? "last: " : "needed from: ") + memory.get(LONG, entry + 8);
            notes.note(entry + 8, 8, sequence);
        }
        if (view.segment() != 0) {
            notes.note(entryAt(at, streams + needs), 8, "segment: " + view.segment());
        }
    }

    private static void annotatePayload(
            MemorySegment memory, long at, RecordView view, PayloadNotes payloads, Notes notes) {
        if (view.kind() == RecordKind.DATA) {
            if (view.payloadBytes() > 0) {
                payloads.annotate(memory, at + HEADER_BYTES, view.payloadBytes(), notes);
            }
            int zeros = view.recordBytes() - HEADER_BYTES - view.payloadBytes();
            if (zeros > 0) {
                notes.note(at + HEADER_BYTES + view.payloadBytes(), zeros, "zero");
            }
            return;
        }
        notes.note(at + OLDEST_SEGMENT_AT, 8, "oldest segment: " + memory.get(LONG, at + OLDEST_SEGMENT_AT));
        if (view.kind() == RecordKind.START) {
            notes.note(at + CONTINUES_AFTER_AT, 8, "continues after: " + memory.get(LONG, at + CONTINUES_AFTER_AT));
            notes.note(at + PREVIOUS_END_AT, 8, "previous end: " + memory.get(LONG, at + PREVIOUS_END_AT));
            if (view.payloadBytes() >= NAMELESS_START_PAYLOAD_BYTES) {
                annotateStreams(memory, at, view, notes);
            }
        }
    }
}
