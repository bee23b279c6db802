package io.nyala.record;

import static io.nyala.record.TabletRecordFormat.PREFIX_BYTES;

import io.nyala.memory.Check;
import io.nyala.memory.Notes;
import io.nyala.rows.LittleEndian;
import java.lang.foreign.MemorySegment;
import java.util.UUID;

/**
 * What a tablet had answered to requests with names, as the payload of a log record: said again, so that the records
 * can go that said it first. Has no effects.
 *
 * <pre>{@code
 *   0      2         4         8           16          24       28     32
 *   +------+---------+---------+-----------+-----------+--------+------+- - - - - -+
 *   | kind | version | schema  | tablet id | timestamp | client | zero |  clients  |
 *   | = 2  | = 2, 3  | version |           |           | count  |      |           |
 *   +------+---------+---------+-----------+-----------+--------+------+- - - - - -+
 *     u16      u16       u32        u64         i64        u32     u32
 *
 *   client:  0           8          16          24          32        36     40
 *            +-----------+----------+-----------+-----------+---------+------+- - - - - -+
 *            | client id | client   | forgotten | last used | request | zero | requests  |
 *            | high      | id low   | below     |           | count   |      |           |
 *            +-----------+----------+-----------+-----------+---------+------+- - - - - -+
 *                u64         u64         u64         i64        u32      u32
 *
 *   request: 0          8           16       20     24
 *            +----------+-----------+--------+------+- - - - +
 *            | sequence | timestamp | error  | zero | errors |
 *            |          |           | count  |      |        |
 *            +----------+-----------+--------+------+- - - - +
 *               u64         i64        u32     u32
 * }</pre>
 *
 * <ul>
 *   <li>{@code timestamp}: of the record; none before it in the log of the tablet has a later one.
 *   <li>{@code forgotten below}: requests of the client below it have no answer any more.
 *   <li>{@code last used}: hybrid time at which the client was last heard of.
 *   <li>requests stand in the order of their sequences; {@code timestamp} is when each took effect; errors are those of
 *       {@link TabletRecordFormat}.
 * </ul>
 *
 * Integers are little-endian. What does not fit in one record goes on in the next, a client if need be in both; so a
 * record adds to what is known, and does not replace it. A restart may find several, and what they say twice is the
 * same.
 */
public final class AnswersFormat {
    private static final int CLIENT_COUNT = 24;
    private static final int ZERO = 28;

    static final int HEADER_BYTES = 32;

    private static final int FORGOTTEN_BELOW = 16;
    private static final int LAST_USED = 24;
    private static final int REQUEST_COUNT = 32;
    private static final int CLIENT_ZERO = 36;

    static final int CLIENT_BYTES = 40;

    private static final int ERROR_COUNT = 16;
    private static final int REQUEST_ZERO = 20;

    static final int REQUEST_BYTES = 24;
    static final int ERROR_BYTES = TabletRecordFormat.ERROR_BYTES;

    static {
        Check.that(CLIENT_COUNT == PREFIX_BYTES, "all kinds of records begin alike");
    }

    private AnswersFormat() {}

    // ---- Writing ----

    static void writeClientCount(MemorySegment memory, long record, int clientCount, boolean hasCounts) {
        TabletRecordFormat.writeVersion(memory, record, hasCounts);
        LittleEndian.setInt(memory, record + CLIENT_COUNT, clientCount);
        LittleEndian.setInt(memory, record + ZERO, 0);
    }

    static void writeClient(MemorySegment memory, long at, ClientResults client, int requestCount) {
        LittleEndian.setLong(memory, at, client.high);
        LittleEndian.setLong(memory, at + 8, client.low);
        LittleEndian.setLong(memory, at + FORGOTTEN_BELOW, client.forgottenBelow());
        LittleEndian.setLong(memory, at + LAST_USED, client.lastUsed());
        LittleEndian.setInt(memory, at + REQUEST_COUNT, requestCount);
        LittleEndian.setInt(memory, at + CLIENT_ZERO, 0);
    }

    /** Bytes that a request takes, its errors included. */
    static long requestBytes(ClientResults client, int place) {
        return REQUEST_BYTES + (long) client.errorCount(place) * ERROR_BYTES;
    }

    /** Answers whether there are counts among its errors. */
    static boolean writeRequest(
            MemorySegment memory, long at, ClientResults client, int place, RefusedOperations errors) {
        int errorCount = client.errorCount(place);
        LittleEndian.setLong(memory, at, client.sequence(place));
        LittleEndian.setLong(memory, at + 8, client.timestamp(place));
        LittleEndian.setInt(memory, at + ERROR_COUNT, errorCount);
        LittleEndian.setInt(memory, at + REQUEST_ZERO, 0);
        int errorsAt = client.errorsAt(place);
        for (int i = 0; i < errorCount; i++) {
            TabletRecordFormat.writeError(
                    memory,
                    at + REQUEST_BYTES + (long) i * ERROR_BYTES,
                    errors.index(errorsAt, i),
                    errors.code(errorsAt, i));
        }
        return TabletRecordFormat.endsWithCount(memory, at + REQUEST_BYTES, errorCount);
    }

    // ---- Reading ----

    /** Who hears what stands in a record: each client, and then its requests. */
    private interface Visitor {
        void client(long at, int requestCount);

        void request(long client, long at, int errorCount);
    }

    /** Adds what a record of {@code recordBytes} says to what is known. */
    public static void read(
            MemorySegment memory, long record, int recordBytes, long logSequence, RequestResults target) {
        walk(memory, record, recordBytes, new Visitor() {
            @Override
            public void client(long at, int requestCount) {
                target.mergeClient(
                        LittleEndian.getLong(memory, at),
                        LittleEndian.getLong(memory, at + 8),
                        LittleEndian.getLong(memory, at + FORGOTTEN_BELOW),
                        LittleEndian.getLong(memory, at + LAST_USED));
            }

            @Override
            public void request(long client, long at, int errorCount) {
                target.mergeRequest(
                        LittleEndian.getLong(memory, client),
                        LittleEndian.getLong(memory, client + 8),
                        LittleEndian.getLong(memory, at),
                        LittleEndian.getLong(memory, at + 8),
                        logSequence,
                        TabletRecordFormat.readErrors(memory, at + REQUEST_BYTES, errorCount));
            }
        });
    }

    private static void walk(MemorySegment memory, long record, int recordBytes, Visitor visitor) {
        long end = record + recordBytes;
        long at = take(record, HEADER_BYTES, end);
        int clientCount = LittleEndian.getInt(memory, record + CLIENT_COUNT);
        checkZero(memory, record + ZERO);
        for (int i = 0; i < clientCount; i++) {
            long client = at;
            at = take(at, CLIENT_BYTES, end);
            checkClient(memory, client);
            int requestCount = LittleEndian.getInt(memory, client + REQUEST_COUNT);
            visitor.client(client, requestCount);
            long previous = LittleEndian.getLong(memory, client + FORGOTTEN_BELOW) - 1;
            for (int k = 0; k < requestCount; k++) {
                long request = at;
                at = take(at, REQUEST_BYTES, end);
                previous = checkSequence(memory, request, previous);
                int errorCount = LittleEndian.getInt(memory, request + ERROR_COUNT);
                at = take(at, (long) errorCount * ERROR_BYTES, end);
                TabletRecordFormat.checkErrors(memory, record, request + REQUEST_BYTES, errorCount);
                visitor.request(client, request, errorCount);
            }
        }
        if (clientCount < 0 || at != end) {
            throw new IllegalArgumentException("a record of answers of " + recordBytes + " bytes says that it has "
                    + (at - record) + ", for " + clientCount + " clients");
        }
    }

    private static long take(long at, long bytes, long end) {
        if (bytes < 0 || bytes > end - at) {
            throw new IllegalArgumentException(
                    "a record of answers ends " + (end - at) + " bytes behind something that needs " + bytes);
        }
        return at + bytes;
    }

    private static void checkClient(MemorySegment memory, long client) {
        checkZero(memory, client + CLIENT_ZERO);
        long id = LittleEndian.getLong(memory, client) | LittleEndian.getLong(memory, client + 8);
        long forgottenBelow = LittleEndian.getLong(memory, client + FORGOTTEN_BELOW);
        int requestCount = LittleEndian.getInt(memory, client + REQUEST_COUNT);
        if (id == 0 || forgottenBelow < 0 || requestCount < 0) {
            throw new IllegalArgumentException("a record of answers has client " + clientId(memory, client) + " with "
                    + requestCount + " requests, none below " + forgottenBelow);
        }
    }

    private static long checkSequence(MemorySegment memory, long request, long previous) {
        checkZero(memory, request + REQUEST_ZERO);
        long sequence = LittleEndian.getLong(memory, request);
        if (sequence <= previous) {
            throw new IllegalArgumentException(
                    "a record of answers has request " + sequence + " behind what ends at " + previous);
        }
        return sequence;
    }

    private static void checkZero(MemorySegment memory, long at) {
        int found = LittleEndian.getInt(memory, at);
        if (found != 0) {
            throw new IllegalArgumentException("a record of answers has " + found + " where there is zero");
        }
    }

    private static UUID clientId(MemorySegment memory, long client) {
        return new UUID(LittleEndian.getLong(memory, client), LittleEndian.getLong(memory, client + 8));
    }

    // ---- Explaining ----

    static void annotate(MemorySegment memory, long record, int recordBytes, Notes notes) {
        notes.section("tablet record");
        TabletRecordFormat.annotatePrefix(memory, record, "answers", notes);
        notes.note(record + CLIENT_COUNT, 4, "client count: " + LittleEndian.getInt(memory, record + CLIENT_COUNT));
        notes.note(record + ZERO, 4, "zero");
        walk(memory, record, recordBytes, new Visitor() {
            @Override
            public void client(long at, int requestCount) {
                notes.note(at, 16, "client: " + clientId(memory, at));
                notes.note(
                        at + FORGOTTEN_BELOW,
                        8,
                        "forgotten below: " + LittleEndian.getLong(memory, at + FORGOTTEN_BELOW));
                notes.note(at + LAST_USED, 8, "last used: " + LittleEndian.getLong(memory, at + LAST_USED));
                notes.note(at + REQUEST_COUNT, 4, "request count: " + requestCount);
                notes.note(at + CLIENT_ZERO, 4, "zero");
            }

            @Override
            public void request(long client, long at, int errorCount) {
                notes.note(at, 8, "request sequence: " + LittleEndian.getLong(memory, at));
                notes.note(at + 8, 8, "timestamp: " + LittleEndian.getLong(memory, at + 8));
                notes.note(at + ERROR_COUNT, 4, "error count: " + errorCount);
                notes.note(at + REQUEST_ZERO, 4, "zero");
                TabletRecordFormat.annotateErrors(memory, at + REQUEST_BYTES, errorCount, notes);
            }
        });
        notes.endSection();
    }
}
