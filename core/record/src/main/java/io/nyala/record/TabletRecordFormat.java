package io.nyala.record;

import io.nyala.memory.Check;
import io.nyala.memory.Notes;
import io.nyala.rows.Effect;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What one write batch left in one tablet, as the payload of a log record: the decided effects, and if the request has
 * a name, that and the answer that the caller got.
 *
 * <pre>{@code
 *   0      2         4         8           16          24       28       32       36      40
 *   +------+---------+---------+-----------+-----------+--------+--------+--------+-------+- - - -+- - - -+- - - -+
 *   | kind | version | schema  | tablet id | timestamp | effect | effect | error  | name  | name  |effects| errors|
 *   | = 1  | = 2, 3  | version |           |           | count  | bytes  | count  | bytes |       |       |       |
 *   +------+---------+---------+-----------+-----------+--------+--------+--------+-------+- - - -+- - - -+- - - -+
 *     u16      u16       u32        u64         i64        u32      u32      u32     u32
 *
 *   name: 0           8          16         24                 32
 *         +-----------+----------+----------+------------------+
 *         | client id | client   | request  | first incomplete |
 *         | high      | id low   | sequence |                  |
 *         +-----------+----------+----------+------------------+
 *             u64         u64        u64            u64
 * }</pre>
 *
 * <ul>
 *   <li>{@code kind}: 1, {@link #BATCH}; 2 is {@link AnswersFormat}. All kinds begin with the first 24 bytes.
 *   <li>{@code version}: of all of this; 3 where there are counts among the errors, else 2. The first had the tablet
 *       id here, so it reads as 0.
 *   <li>{@code timestamp}: hybrid time of all effects; they happened in the order in which they stand here.
 *   <li>{@code name bytes}: 32, or 0 if the caller gave no name, and then there are no errors either. See {@link
 *       RequestName}.
 *   <li>{@code effects}: {@code effect count} of {@link Effect}, {@code effect bytes} in all.
 *   <li>{@code errors}: {@code error count} times {@code u32 operation index | u32 code}; the code is that
 *       of {@link io.nyala.rows.RowErrorCode#code}. Behind those of operations there may be counts: {@code u32 number |
 *       u32 code} with a code of {@link AnswerCount#code}, ascending.
 * </ul>
 *
 * Integers are little-endian. An operation that failed has no effect; UPSERT stands as the insert or update it became.
 */
public final class TabletRecordFormat {
    /** Kind of a record that a batch left. */
    public static final int BATCH = 1;

    /** Kind of a record that says again what was answered: {@link AnswersFormat}. */
    public static final int ANSWERS = 2;

    static final int VERSION = 2;
    static final int VERSION_WITH_COUNTS = 3;

    private static final int KIND = 0;
    private static final int VERSION_AT = 2;
    private static final int SCHEMA_VERSION = 4;
    private static final int TABLET_ID = 8;
    private static final int TIMESTAMP = 16;

    /** What all kinds begin with. */
    static final int PREFIX_BYTES = 24;

    private static final int EFFECT_COUNT = 24;
    private static final int EFFECT_BYTES = 28;
    private static final int ERROR_COUNT = 32;
    private static final int NAME_BYTES_AT = 36;

    /** Without the name. */
    public static final int HEADER_BYTES = 40;

    public static final int NAME_BYTES = 32;
    public static final int ERROR_BYTES = 8;

    private static final int EFFECT_BYTES_MIN = 8;

    static {
        Check.that(NAME_BYTES_AT + Integer.BYTES == HEADER_BYTES, "the header of a tablet record is 40 bytes");
        Check.that(HEADER_BYTES % Long.BYTES == 0 && NAME_BYTES % Long.BYTES == 0, "effects start 8-byte aligned");
    }

    private TabletRecordFormat() {}

    /** The fixed part of a record of a batch. */
    public record Header(
            long tabletId,
            long timestamp,
            @Nullable RequestName name,
            int schemaVersion,
            int effectCount,
            int effectBytes,
            int errorCount) {
        /** Where the effects begin in the record. */
        public int bytes() {
            return headerBytes(name);
        }
    }

    /** Where the effects begin in a record, if the request has this name. */
    public static int headerBytes(@Nullable RequestName name) {
        return name == null ? HEADER_BYTES : HEADER_BYTES + NAME_BYTES;
    }

    // ---- Writing ----

    /** Fills in the header; effects and errors already stand behind it. */
    public static void writeHeader(MemorySegment memory, long record, Header header) {
        writePrefix(memory, record, BATCH, header.schemaVersion(), header.tabletId(), header.timestamp());
        long errorsAt = record + header.bytes() + header.effectBytes();
        writeVersion(memory, record, endsWithCount(memory, errorsAt, header.errorCount()));
        LittleEndian.setInt(memory, record + EFFECT_COUNT, header.effectCount());
        LittleEndian.setInt(memory, record + EFFECT_BYTES, header.effectBytes());
        LittleEndian.setInt(memory, record + ERROR_COUNT, header.errorCount());
        RequestName name = header.name();
        if (name == null) {
            LittleEndian.setInt(memory, record + NAME_BYTES_AT, 0);
            return;
        }
        LittleEndian.setInt(memory, record + NAME_BYTES_AT, NAME_BYTES);
        long at = record + HEADER_BYTES;
        LittleEndian.setLong(memory, at, name.clientHigh());
        LittleEndian.setLong(memory, at + 8, name.clientLow());
        LittleEndian.setLong(memory, at + 16, name.sequence());
        LittleEndian.setLong(memory, at + 24, name.firstIncomplete());
    }

    static void writePrefix(
            MemorySegment memory, long record, int kind, int schemaVersion, long tabletId, long timestamp) {
        LittleEndian.setShort(memory, record + KIND, kind);
        LittleEndian.setShort(memory, record + VERSION_AT, VERSION);
        LittleEndian.setInt(memory, record + SCHEMA_VERSION, schemaVersion);
        LittleEndian.setLong(memory, record + TABLET_ID, tabletId);
        LittleEndian.setLong(memory, record + TIMESTAMP, timestamp);
    }

    /** Afterwards: what comes last in the errors of a request tells whether there are counts. */
    static void writeVersion(MemorySegment memory, long record, boolean hasCounts) {
        LittleEndian.setShort(memory, record + VERSION_AT, hasCounts ? VERSION_WITH_COUNTS : VERSION);
    }

    /** Whether the last of some errors is a count. */
    static boolean endsWithCount(MemorySegment memory, long at, int errorCount) {
        return errorCount > 0
                && AnswerCount.isCount(LittleEndian.getInt(memory, at + (long) errorCount * ERROR_BYTES - 4));
    }

    public static void writeError(MemorySegment memory, long at, int operationIndex, int code) {
        LittleEndian.setInt(memory, at, operationIndex);
        LittleEndian.setInt(memory, at + 4, code);
    }

    // ---- Reading ----

    /** What kind of record it is; refuses what is none, or of another version. */
    public static int kind(MemorySegment memory, long record, int recordBytes) {
        if (recordBytes < PREFIX_BYTES) {
            throw new IllegalArgumentException(
                    "a tablet record has at least " + PREFIX_BYTES + " bytes, this one has " + recordBytes);
        }
        int version = LittleEndian.unsignedShort(memory, record + VERSION_AT);
        if (version != VERSION && version != VERSION_WITH_COUNTS) {
            throw new IllegalArgumentException("a tablet record is of version " + version + ", this release reads "
                    + VERSION + " and " + VERSION_WITH_COUNTS + "; open the directory with the release that wrote it");
        }
        int kind = LittleEndian.unsignedShort(memory, record + KIND);
        if (kind != BATCH && kind != ANSWERS) {
            throw new IllegalArgumentException(
                    "a tablet record is of kind " + kind + "; there are " + BATCH + " and " + ANSWERS);
        }
        return kind;
    }

    /** Tablet that a record belongs to; all that a host needs to route it. */
    public static long tabletId(MemorySegment memory, long record, int recordBytes) {
        kind(memory, record, recordBytes);
        return LittleEndian.getLong(memory, record + TABLET_ID);
    }

    public static int schemaVersion(MemorySegment memory, long record) {
        return LittleEndian.getInt(memory, record + SCHEMA_VERSION);
    }

    public static long timestamp(MemorySegment memory, long record) {
        return LittleEndian.getLong(memory, record + TIMESTAMP);
    }

    /** Reads and checks the header of a batch's record of {@code recordBytes}. */
    public static Header readHeader(MemorySegment memory, long record, int recordBytes) {
        if (recordBytes < HEADER_BYTES) {
            throw new IllegalArgumentException(
                    "a batch's record has at least " + HEADER_BYTES + " bytes, this one has " + recordBytes);
        }
        int nameBytes = LittleEndian.getInt(memory, record + NAME_BYTES_AT);
        boolean isNamed = nameBytes == NAME_BYTES && recordBytes >= HEADER_BYTES + NAME_BYTES;
        if (nameBytes != 0 && !isNamed) {
            throw new IllegalArgumentException(
                    "a batch's record of " + recordBytes + " bytes says that its name has " + nameBytes);
        }
        var header = new Header(
                LittleEndian.getLong(memory, record + TABLET_ID),
                timestamp(memory, record),
                isNamed ? readName(memory, record + HEADER_BYTES) : null,
                schemaVersion(memory, record),
                LittleEndian.getInt(memory, record + EFFECT_COUNT),
                LittleEndian.getInt(memory, record + EFFECT_BYTES),
                LittleEndian.getInt(memory, record + ERROR_COUNT));
        long expectedBytes = header.bytes() + (long) header.effectBytes() + (long) header.errorCount() * ERROR_BYTES;
        Check.that(
                header.effectBytes() >= 0
                        && header.effectCount() >= 0
                        && header.errorCount() >= 0
                        && expectedBytes == recordBytes,
                "a batch's record of " + recordBytes + " bytes says that it has " + expectedBytes);
        Check.that(
                isNamed || header.errorCount() == 0,
                "a batch's record without a name says that it has " + header.errorCount() + " errors");
        Check.that(
                header.effectCount() <= header.effectBytes() / EFFECT_BYTES_MIN,
                "a batch's record says that it has " + header.effectCount() + " effects in " + header.effectBytes()
                        + " bytes");
        checkErrors(memory, record, record + header.bytes() + header.effectBytes(), header.errorCount());
        return header;
    }

    /** Operations, then counts in the order of their codes, which only records of the version for that have. */
    static void checkErrors(MemorySegment memory, long record, long at, int count) {
        boolean mayCount = LittleEndian.unsignedShort(memory, record + VERSION_AT) == VERSION_WITH_COUNTS;
        int countBefore = 0;
        for (int i = 0; i < count; i++) {
            long error = at + (long) i * ERROR_BYTES;
            int index = LittleEndian.getInt(memory, error);
            int code = LittleEndian.getInt(memory, error + 4);
            boolean isGood = AnswerCount.ofCode(code) != null
                    ? mayCount && index > 0 && code > countBefore
                    : RowErrorCode.isCode(code) && index >= 0 && countBefore == 0;
            if (!isGood) {
                throw new IllegalArgumentException(
                        "a tablet record has error " + code + " of operation " + index + ", which makes no sense");
            }
            countBefore = AnswerCount.isCount(code) ? code : 0;
        }
    }

    private static RequestName readName(MemorySegment memory, long at) {
        try {
            return new RequestName(
                    LittleEndian.getLong(memory, at),
                    LittleEndian.getLong(memory, at + 8),
                    LittleEndian.getLong(memory, at + 16),
                    LittleEndian.getLong(memory, at + 24));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("the name in a batch's record makes no sense: " + e.getMessage(), e);
        }
    }

    /** The errors of a record with this header. */
    public static RequestErrors readErrors(MemorySegment memory, long record, Header header) {
        return readErrors(memory, record + header.bytes() + header.effectBytes(), header.errorCount());
    }

    static RequestErrors readErrors(MemorySegment memory, long at, int count) {
        return new RequestErrors() {
            @Override
            public int errorCount() {
                return count;
            }

            @Override
            public int errorIndex(int error) {
                return LittleEndian.getInt(memory, at + (long) error * ERROR_BYTES);
            }

            @Override
            public int errorCodeNumber(int error) {
                return LittleEndian.getInt(memory, at + (long) error * ERROR_BYTES + 4);
            }
        };
    }

    // ---- Explaining ----

    /** Explains one record, its effects or answers one by one. */
    public static void annotate(RowLayout layout, MemorySegment memory, long record, int recordBytes, Notes notes) {
        if (kind(memory, record, recordBytes) == ANSWERS) {
            AnswersFormat.annotate(memory, record, recordBytes, notes);
        } else {
            annotateBatch(layout, memory, record, readHeader(memory, record, recordBytes), notes);
        }
    }

    static void annotatePrefix(MemorySegment memory, long record, String kind, Notes notes) {
        notes.note(record + KIND, 2, "kind: " + LittleEndian.unsignedShort(memory, record + KIND) + ", " + kind);
        notes.note(record + VERSION_AT, 2, "version: " + LittleEndian.unsignedShort(memory, record + VERSION_AT));
        notes.note(record + SCHEMA_VERSION, 4, "schema version: " + schemaVersion(memory, record));
        notes.note(record + TABLET_ID, 8, "tablet id: " + LittleEndian.getLong(memory, record + TABLET_ID));
        notes.note(record + TIMESTAMP, 8, "timestamp: " + timestamp(memory, record));
    }

    private static void annotateBatch(RowLayout layout, MemorySegment memory, long record, Header header, Notes notes) {
        notes.section("tablet record");
        annotatePrefix(memory, record, "batch", notes);
        notes.note(record + EFFECT_COUNT, 4, "effect count: " + header.effectCount());
        notes.note(record + EFFECT_BYTES, 4, "effect bytes: " + header.effectBytes());
        notes.note(record + ERROR_COUNT, 4, "error count: " + header.errorCount());
        notes.note(record + NAME_BYTES_AT, 4, "name bytes: " + (header.bytes() - HEADER_BYTES));
        RequestName name = header.name();
        if (name != null) {
            notes.note(record + HEADER_BYTES, 16, "client: " + name.client());
            notes.note(record + HEADER_BYTES + 16, 8, "request sequence: " + name.sequence());
            notes.note(record + HEADER_BYTES + 24, 8, "first incomplete: " + name.firstIncomplete());
        }
        long at = record + header.bytes();
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
        annotateErrors(memory, at, header.errorCount(), notes);
        notes.endSection();
    }

    static void annotateErrors(MemorySegment memory, long at, int count, Notes notes) {
        for (int i = 0; i < count; i++) {
            long error = at + (long) i * ERROR_BYTES;
            int code = LittleEndian.getInt(memory, error + 4);
            AnswerCount what = AnswerCount.ofCode(code);
            notes.note(
                    error, 4, (what == null ? "operation index: " : "number: ") + LittleEndian.getInt(memory, error));
            notes.note(error + 4, 4, what == null ? "error code: " + code : "code: " + code + ", " + what);
        }
    }
}
