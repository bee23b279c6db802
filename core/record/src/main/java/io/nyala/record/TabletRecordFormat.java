package io.nyala.record;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.nyala.memory.Check;
import io.nyala.memory.Notes;
import io.nyala.rows.Effect;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * What one write batch left in one tablet, as the payload of a log record: the decided effects and the answer that the
 * caller got.
 *
 * <pre>{@code
 *   0           8           16          24          32        36         40        44       48
 *   +-----------+-----------+-----------+-----------+---------+----------+---------+--------+- - -+- - -+
 *   | tablet id | timestamp | client id | request   | schema  | effect   | effect  | error  |effects|errors
 *   |           |           |           | sequence  | version | count    | bytes   | count  |       |
 *   +-----------+-----------+-----------+-----------+---------+----------+---------+--------+- - -+- - -+
 *       u64         i64         u64         u64         u32       u32        u32      u32
 * }</pre>
 *
 * <ul>
 *   <li>{@code timestamp}: hybrid time of all effects; they happened in the order in which they stand here.
 *   <li>{@code client id}, {@code request sequence}: opaque name of the request, both 0 if the caller gave none. With
 *       the errors they let a retried request get the same answer after a crash.
 *   <li>{@code effects}: {@code effect count} of {@link Effect}, {@code effect bytes} in all.
 *   <li>{@code errors}: {@code error count} times {@code u32 operation index | u32 code}; the code is that
 *       of {@link io.nyala.rows.RowErrorCode#code}.
 * </ul>
 *
 * Integers are little-endian. An operation that failed has no effect; UPSERT stands as the insert or update it became.
 */
public final class TabletRecordFormat {
    private static final ValueLayout.OfInt U32 = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int TABLET_ID = 0;
    private static final int TIMESTAMP = 8;
    private static final int CLIENT_ID = 16;
    private static final int REQUEST_SEQUENCE = 24;
    private static final int SCHEMA_VERSION = 32;
    private static final int EFFECT_COUNT = 36;
    private static final int EFFECT_BYTES = 40;
    private static final int ERROR_COUNT = 44;

    public static final int HEADER_BYTES = 48;
    public static final int ERROR_BYTES = 8;

    private static final int EFFECT_BYTES_MIN = 8;

    static {
        Check.that(ERROR_COUNT + Integer.BYTES == HEADER_BYTES, "the header of a tablet record is 48 bytes");
        Check.that(HEADER_BYTES % Long.BYTES == 0, "effects start 8-byte aligned");
    }

    private TabletRecordFormat() {}

    /** Fills in the header; effects and errors already stand behind it. */
    public static void writeHeader(MemorySegment memory, long record, Header header) {
        memory.set(U64, record + TABLET_ID, header.tabletId());
        memory.set(U64, record + TIMESTAMP, header.timestamp());
        memory.set(U64, record + CLIENT_ID, header.clientId());
        memory.set(U64, record + REQUEST_SEQUENCE, header.requestSequence());
        memory.set(U32, record + SCHEMA_VERSION, header.schemaVersion());
        memory.set(U32, record + EFFECT_COUNT, header.effectCount());
        memory.set(U32, record + EFFECT_BYTES, header.effectBytes());
        memory.set(U32, record + ERROR_COUNT, header.errorCount());
    }

    public static void writeError(MemorySegment memory, long at, int operationIndex, int code) {
        memory.set(U32, at, operationIndex);
        memory.set(U32, at + 4, code);
    }

    /** Tablet that a record belongs to; all that a host needs to route it. */
    public static long tabletId(MemorySegment memory, long record) {
        return memory.get(U64, record + TABLET_ID);
    }

    /** Reads and checks the header of a record of {@code recordBytes}. */
    public static Header readHeader(MemorySegment memory, long record, int recordBytes) {
        Check.that(recordBytes >= HEADER_BYTES, "a tablet record has at least 48 bytes, this one has " + recordBytes);
        var header = new Header(
                memory.get(U64, record + TABLET_ID),
                memory.get(U64, record + TIMESTAMP),
                memory.get(U64, record + CLIENT_ID),
                memory.get(U64, record + REQUEST_SEQUENCE),
                memory.get(U32, record + SCHEMA_VERSION),
                memory.get(U32, record + EFFECT_COUNT),
                memory.get(U32, record + EFFECT_BYTES),
                memory.get(U32, record + ERROR_COUNT));
        long expectedBytes = HEADER_BYTES + (long) header.effectBytes() + (long) header.errorCount() * ERROR_BYTES;
        Check.that(
                header.effectBytes() >= 0
                        && header.effectCount() >= 0
                        && header.errorCount() >= 0
                        && expectedBytes == recordBytes,
                "a tablet record of " + recordBytes + " bytes says that it has " + expectedBytes);
        Check.that(
                header.effectCount() <= header.effectBytes() / EFFECT_BYTES_MIN,
                "a tablet record says that it has " + header.effectCount() + " effects in " + header.effectBytes()
                        + " bytes");
        return header;
    }

    /** Explains one record, its effects one by one. */
    public static void annotate(RowLayout layout, MemorySegment memory, long record, int recordBytes, Notes notes) {
        Header header = readHeader(memory, record, recordBytes);
        notes.section("tablet record");
        notes.note(record + TABLET_ID, 8, "tablet id: " + header.tabletId());
        notes.note(record + TIMESTAMP, 8, "timestamp: " + header.timestamp());
        notes.note(record + CLIENT_ID, 8, "client id: " + header.clientId());
        notes.note(record + REQUEST_SEQUENCE, 8, "request sequence: " + header.requestSequence());
        notes.note(record + SCHEMA_VERSION, 4, "schema version: " + header.schemaVersion());
        notes.note(record + EFFECT_COUNT, 4, "effect count: " + header.effectCount());
        notes.note(record + EFFECT_BYTES, 4, "effect bytes: " + header.effectBytes());
        notes.note(record + ERROR_COUNT, 4, "error count: " + header.errorCount());
        long at = record + HEADER_BYTES;
        if (header.schemaVersion() == layout.schema().version()) {
            for (int i = 0; i < header.effectCount(); i++) {
                at += Effect.annotate(layout, memory, at, notes);
            }
        } else {
            String text = header.effectCount() + " effects, in another version of the schema than "
                    + layout.schema().version();
            notes.note(at, header.effectBytes(), text);
            at += header.effectBytes();
        }
        for (int i = 0; i < header.errorCount(); i++) {
            notes.note(at, 4, "operation index: " + memory.get(U32, at));
            notes.note(at + 4, 4, "error code: " + memory.get(U32, at + 4));
            at += ERROR_BYTES;
        }
        notes.endSection();
    }

    /** The fixed part of a record. */
    public record Header(
            long tabletId,
            long timestamp,
            long clientId,
            long requestSequence,
            int schemaVersion,
            int effectCount,
            int effectBytes,
            int errorCount) {}
}
