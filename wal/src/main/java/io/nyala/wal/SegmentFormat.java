package io.nyala.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.io.Disk;
import io.nyala.memory.Crc32c;
import io.nyala.memory.Notes;
import io.nyala.memory.Zeros;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * A file of the log: a header that says whose file it is, then writes of records, each write at a multiple of 4 KiB.
 *
 * <pre>{@code
 *   0           8         12      16        24          32              40       44      48          4,096
 *   +-----------+---------+-------+---------+-----------+---------------+--------+-------+---- - - ----+
 *   |   magic   | version | epoch | log id  |  number   | segment bytes | opening| crc32c|    zero     |
 *   +-----------+---------+-------+---------+-----------+---------------+--------+-------+---- - - ----+
 *   "NYALAWAL"      u32      u32     u64        u64           u64           u32      u32
 *
 *   4,096
 *   +---------------------------+-------------------------+-------------------+--- - - - ----+
 *   | START | DATA | .. | zeros | DATA | .. | DATA | zeros | DATA | ROLL | zeros | stale bytes |
 *   +---------------------------+-------------------------+-------------------+--- - - - ----+
 *     one durable write           one durable write         the last write      never read
 * }</pre>
 *
 * <ul>
 *   <li>{@code log id}: random, drawn when the log was created; the same in all its segments and records.
 *   <li>{@code epoch}: 1 for the first opening of the log, one more for each further.
 *   <li>{@code opening}: a random number, drawn at each opening of the log and the same in all its records. An epoch
 *       has the same number as one that somebody undid by putting an older copy back; their openings differ.
 *   <li>{@code number}: also the file's name; the segments of a log are numbered without gaps.
 *   <li>{@code segment bytes}: the file's length, a multiple of 4 KiB.
 *   <li>{@code crc32c}: of bytes 0 to 44. The rest up to 4 KiB is zero and checked.
 * </ul>
 *
 * <p>The header is written while the file has another name, and is durable before the file gets its own. So each file
 * that is named as a segment has a valid header, or is damaged; it is never written again. What depends on what was
 * logged before (first sequence, checksum of the record before) is in the {@link RecordKind#START} record.
 *
 * <p>Version 1 had no streams in its START records, which as a START of version 2 says that nothing is known of them:
 * so it can be read, and gone on with in a later one. Before version 3, {@code opening} was zero in segments and
 * records, and was called so. Before version 4, a START did not name its segment.
 *
 * <p>Example, segment 7 of log 0x1234, opened for the third time: {@code magic=NYALAWAL version=4 epoch=3 log id=0x1234
 * number=7 segment bytes=67108864}.
 *
 * <p>Stateless.
 */
public final class SegmentFormat {
    /** Bytes of the header: one sector of direct I/O. */
    public static final int HEADER_BYTES = Disk.ALIGNMENT_BYTES;

    public static final int VERSION = 4;

    private static final int VERSION_MIN = 1;

    /** Before, zero was where it is now. */
    private static final int VERSION_OF_OPENINGS = 3;

    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** "NYALAWAL" read as a little-endian number. */
    static final long MAGIC = 0x4C41_5741_4C41_594EL;

    private static final int VERSION_AT = 8;
    private static final int EPOCH_AT = 12;
    private static final int LOG_ID_AT = 16;
    private static final int NUMBER_AT = 24;
    private static final int SEGMENT_BYTES_AT = 32;
    private static final int OPENING_AT = 40;
    private static final int CRC_AT = 44;
    private static final int REST_AT = 48;

    private SegmentFormat() {}

    static void write(MemorySegment memory, long at, SegmentHeader header) {
        Zeros.fill(memory, at, HEADER_BYTES);
        memory.set(LONG, at, MAGIC);
        memory.set(INT, at + VERSION_AT, VERSION);
        memory.set(INT, at + EPOCH_AT, header.epoch());
        memory.set(LONG, at + LOG_ID_AT, header.logId());
        memory.set(LONG, at + NUMBER_AT, header.number());
        memory.set(LONG, at + SEGMENT_BYTES_AT, header.segmentBytes());
        memory.set(INT, at + OPENING_AT, header.opening());
        memory.set(INT, at + CRC_AT, Crc32c.of(memory, at, CRC_AT));
        assert defect(memory, at) == null : defect(memory, at);
    }

    /** Whether these bytes begin as a segment does, of which perhaps no more is left. */
    public static boolean isSegment(MemorySegment segment) {
        return segment.byteSize() >= Long.BYTES && segment.get(LONG, 0) == MAGIC;
    }

    /** How long a file is that begins with these bytes, or -1 if its header is cut off or damaged. */
    public static long segmentBytes(MemorySegment segment) {
        return segment.byteSize() >= HEADER_BYTES && defect(segment, 0) == null
                ? segment.get(LONG, SEGMENT_BYTES_AT)
                : -1;
    }

    /** What is wrong with the header, or null. */
    static @Nullable String defect(MemorySegment memory, long at) {
        long magic = memory.get(LONG, at);
        if (magic != MAGIC) {
            return "it does not begin with NYALAWAL but with 0x" + Long.toHexString(magic);
        }
        int crc = memory.get(INT, at + CRC_AT);
        int expected = Crc32c.of(memory, at, CRC_AT);
        if (crc != expected) {
            return String.format("crc32c of the segment header is 0x%x, expected 0x%x", expected, crc);
        }
        int version = memory.get(INT, at + VERSION_AT);
        if (!isReadable(version)) {
            return "it has format version " + version + ", this program reads version 1 to version " + VERSION;
        }
        boolean hasOpening = memory.get(INT, at + OPENING_AT) != 0;
        if ((version < VERSION_OF_OPENINGS && hasOpening) || !isZero(memory, at + REST_AT, HEADER_BYTES - REST_AT)) {
            return "the unused rest of the segment header is not zero";
        }
        return null;
    }

    static boolean isReadable(int version) {
        return version >= VERSION_MIN && version <= VERSION;
    }

    /** The version of a header that is whole but for its version; {@link #VERSION} if that is not so. */
    static int otherVersion(MemorySegment memory, long at) {
        boolean isWhole =
                memory.get(LONG, at) == MAGIC && memory.get(INT, at + CRC_AT) == Crc32c.of(memory, at, CRC_AT);
        return isWhole ? memory.get(INT, at + VERSION_AT) : VERSION;
    }

    /** The fields of a header without {@link #defect}. */
    static SegmentHeader read(MemorySegment memory, long at) {
        return new SegmentHeader(
                memory.get(LONG, at + LOG_ID_AT),
                memory.get(INT, at + EPOCH_AT),
                memory.get(INT, at + OPENING_AT),
                memory.get(LONG, at + NUMBER_AT),
                memory.get(LONG, at + SEGMENT_BYTES_AT));
    }

    static boolean isZero(MemorySegment memory, long at, long bytes) {
        for (long i = at; i < at + bytes; i++) {
            if (memory.get(JAVA_BYTE, i) != 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * Explains a segment: its header, and each write and record up to the first bytes that are no record that follows
     * on.
     *
     * @param segment the file from its start, whole or in part
     */
    public static void annotate(MemorySegment segment, Notes notes) {
        annotate(segment, PayloadNotes.RAW, notes);
    }

    /** As {@link #annotate(MemorySegment, Notes)}, with the payloads of DATA records explained by their owner. */
    public static void annotate(MemorySegment segment, PayloadNotes payloads, Notes notes) {
        if (segment.byteSize() < HEADER_BYTES) {
            notes.note(0, (int) segment.byteSize(), "segment header, cut off");
            return;
        }
        notes.section("segment header");
        notes.note(0, 8, "magic: NYALAWAL");
        notes.note(VERSION_AT, 4, "version: " + segment.get(INT, VERSION_AT));
        notes.note(EPOCH_AT, 4, "epoch: " + segment.get(INT, EPOCH_AT));
        notes.note(LOG_ID_AT, 8, "log id: 0x" + Long.toHexString(segment.get(LONG, LOG_ID_AT)));
        notes.note(NUMBER_AT, 8, "number: " + segment.get(LONG, NUMBER_AT));
        notes.note(SEGMENT_BYTES_AT, 8, "segment bytes: " + segment.get(LONG, SEGMENT_BYTES_AT));
        notes.note(OPENING_AT, 4, "opening: 0x" + Integer.toHexString(segment.get(INT, OPENING_AT)));
        notes.note(CRC_AT, 4, "crc32c" + (defect(segment, 0) == null ? "" : ", WRONG: " + defect(segment, 0)));
        notes.note(REST_AT, HEADER_BYTES - REST_AT, "zero");
        notes.endSection();
        long at = HEADER_BYTES;
        while (at < segment.byteSize()) {
            at = annotateWrite(segment, at, payloads, notes);
        }
    }

    /** Explains the write at a multiple of 4 KiB; answers where the next one begins, or the end of the segment. */
    private static long annotateWrite(MemorySegment segment, long start, PayloadNotes payloads, Notes notes) {
        RecordView view = new RecordView();
        long at = start;
        while (view.parse(segment, at, segment.byteSize()) == null && view.isOf(read(segment, 0))) {
            RecordFormat.annotate(segment, at, payloads, notes);
            at += view.recordBytes();
        }
        if (at == start) {
            if (start < segment.byteSize()) {
                notes.section("no record: unused, stale or torn");
                notes.note(start, Math.toIntExact(segment.byteSize() - start), "unused");
                notes.endSection();
            }
            return segment.byteSize();
        }
        long next = Math.min(segment.byteSize(), RecordFormat.nextWrite(at));
        if (next > at) {
            boolean isZero = isZero(segment, at, next - at);
            notes.note(at, (int) (next - at), isZero ? "padding of the write" : "padding of the write, NOT ZERO");
        }
        return next;
    }
}
