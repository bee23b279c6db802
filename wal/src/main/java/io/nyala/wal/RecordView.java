package io.nyala.wal;

import static io.nyala.wal.SegmentFormat.INT;
import static io.nyala.wal.SegmentFormat.LONG;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.Crc32c;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Reads one record after the other, checking each on its own; whether it is the one that comes next, the reader checks.
 */
final class RecordView {
    /** Not a record because there are too few bytes to say. */
    static final String NEEDS_MORE = "it goes beyond the bytes at hand";

    private @Nullable RecordKind kind;
    private int payloadBytes;
    private int crc;
    private int previousCrc;
    private long logId;
    private long sequence;
    private long durableUpTo;
    private int epoch;
    private int opening;
    private long oldestSegment;
    private long continuesAfter;
    private long previousEnd;
    private long segment;

    /**
     * Takes the record at an offset apart.
     *
     * @param end where the bytes at hand end
     * @return what is wrong with it, or null; {@link #NEEDS_MORE} if that cannot be said without more bytes
     */
    @Nullable
    String parse(MemorySegment memory, long at, long end) {
        kind = null;
        if (end - at < RecordFormat.HEADER_BYTES) {
            return NEEDS_MORE;
        }
        int magic = memory.get(INT, at + RecordFormat.MAGIC_AT);
        RecordKind read = RecordKind.ofCode(magic >>> 16);
        if ((magic & 0xFFFF) != RecordFormat.MAGIC || read == null) {
            return "it does not begin as a record";
        }
        payloadBytes = memory.get(INT, at + RecordFormat.PAYLOAD_BYTES_AT);
        logId = memory.get(LONG, at + RecordFormat.LOG_ID_AT);
        sequence = memory.get(LONG, at + RecordFormat.SEQUENCE_AT);
        epoch = memory.get(INT, at + RecordFormat.EPOCH_AT);
        opening = memory.get(INT, at + RecordFormat.OPENING_AT);
        previousCrc = memory.get(INT, at + RecordFormat.PREVIOUS_CRC_AT);
        durableUpTo = memory.get(LONG, at + RecordFormat.DURABLE_UP_TO_AT);
        crc = memory.get(INT, at + RecordFormat.CRC_AT);
        if (payloadBytes < 0 || payloadBytes > RecordFormat.PAYLOAD_BYTES_MAX) {
            return "its payload would have " + payloadBytes + " bytes";
        }
        if (end - at < recordBytes()) {
            return NEEDS_MORE;
        }
        int expected = Crc32c.of(memory, at + RecordFormat.MAGIC_AT, recordBytes() - RecordFormat.MAGIC_AT);
        if (crc != expected) {
            return String.format("crc32c is 0x%x, expected 0x%x", expected, crc);
        }
        return parseBody(memory, at, read);
    }

    private @Nullable String parseBody(MemorySegment memory, long at, RecordKind read) {
        for (long i = at + RecordFormat.HEADER_BYTES + payloadBytes; i < at + recordBytes(); i++) {
            if (memory.get(JAVA_BYTE, i) != 0) {
                return "the padding of its payload is not zero";
            }
        }
        oldestSegment = 0;
        segment = 0;
        switch (read) {
            case DATA -> {}
            case START -> {
                if (!isStart(memory, at)) {
                    return "a START record of " + payloadBytes + " bytes";
                }
                oldestSegment = memory.get(LONG, at + RecordFormat.OLDEST_SEGMENT_AT);
                continuesAfter = memory.get(LONG, at + RecordFormat.CONTINUES_AFTER_AT);
                previousEnd = memory.get(LONG, at + RecordFormat.PREVIOUS_END_AT);
            }
            case MARK, ROLL, SEAL -> {
                if (payloadBytes != RecordFormat.MARK_PAYLOAD_BYTES) {
                    return "a " + read + " record of " + payloadBytes + " bytes";
                }
                oldestSegment = memory.get(LONG, at + RecordFormat.OLDEST_SEGMENT_AT);
            }
        }
        kind = read;
        return null;
    }

    private boolean isStart(MemorySegment memory, long at) {
        if (payloadBytes < RecordFormat.NAMELESS_START_PAYLOAD_BYTES) {
            return payloadBytes == RecordFormat.OLD_START_PAYLOAD_BYTES;
        }
        long entries = (memory.get(INT, at + RecordFormat.STREAM_COUNT_AT) & 0xFFFF_FFFFL)
                + (memory.get(INT, at + RecordFormat.NEED_COUNT_AT) & 0xFFFF_FFFFL);
        long entriesBytes = entries * StreamIndex.ENTRY_BYTES;
        if (payloadBytes == RecordFormat.START_PAYLOAD_BYTES + entriesBytes) {
            segment = memory.get(LONG, RecordFormat.entryAt(at, entries));
            return segment > 0;
        }
        return payloadBytes == RecordFormat.NAMELESS_START_PAYLOAD_BYTES + entriesBytes;
    }

    RecordKind kind() {
        return Objects.requireNonNull(kind, "no valid record");
    }

    int payloadBytes() {
        return payloadBytes;
    }

    /** Also when the record is invalid, if its length is plausible; for telling how much a torn one lacks. */
    int recordBytes() {
        return RecordFormat.recordBytes(payloadBytes);
    }

    int crc() {
        return crc;
    }

    int previousCrc() {
        return previousCrc;
    }

    long logId() {
        return logId;
    }

    long sequence() {
        return sequence;
    }

    long durableUpTo() {
        return durableUpTo;
    }

    int epoch() {
        return epoch;
    }

    int opening() {
        return opening;
    }

    /** It is of the same opening of the same log as a segment, and does not begin another one. */
    boolean isOf(SegmentHeader header) {
        return logId == header.logId()
                && epoch == header.epoch()
                && opening == header.opening()
                && (segment == 0 || segment == header.number());
    }

    /** Of a record that is not DATA. */
    long oldestSegment() {
        return oldestSegment;
    }

    /** Of a START. */
    long continuesAfter() {
        return continuesAfter;
    }

    /** Of a START. */
    long previousEnd() {
        return previousEnd;
    }

    /** Which one a START begins; 0 if it does not say, as before version 4, and of others. */
    long segment() {
        return segment;
    }
}
