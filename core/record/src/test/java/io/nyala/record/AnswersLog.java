package io.nyala.record;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A log of one tablet in memory, as far as it concerns answers: batches without effects, answers carried forward, and
 * what was let go of. One thread.
 */
final class AnswersLog {
    private static final long TABLET_ID = 4;

    private final RequestLimits limits;
    private final TreeMap<Long, byte[]> records = new TreeMap<>();
    private long lastSequence;
    private long neededFrom = Long.MAX_VALUE;

    // Of answers on their way.
    private @Nullable AnswersWriter carried;
    private long carriedFrom;

    AnswersLog(RequestLimits limits) {
        this.limits = limits;
    }

    long lastSequence() {
        return lastSequence;
    }

    int recordCount() {
        return records.size();
    }

    /** The record of a named batch; its sequence. */
    long append(RequestName name, long timestamp, RequestErrors refused) {
        int bytes = TabletRecordFormat.headerBytes(name) + refused.errorCount() * TabletRecordFormat.ERROR_BYTES;
        byte[] record = new byte[bytes];
        MemorySegment memory = MemorySegment.ofArray(record);
        for (int i = 0; i < refused.errorCount(); i++) {
            long at = TabletRecordFormat.headerBytes(name) + (long) i * TabletRecordFormat.ERROR_BYTES;
            TabletRecordFormat.writeError(memory, at, refused.errorIndex(i), refused.errorCodeNumber(i));
        }
        TabletRecordFormat.writeHeader(
                memory, 0, new TabletRecordFormat.Header(TABLET_ID, timestamp, name, 0, 0, 0, refused.errorCount()));
        return append(record);
    }

    private long append(byte[] record) {
        records.put(++lastSequence, record);
        neededFrom = Math.min(neededFrom, lastSequence);
        return lastSequence;
    }

    /** Writes one record of what {@code results} remembers; with the last of them, older records are let go of. */
    void carryNext(RequestResults results, int wantedBytes, int recordBytesMax) {
        AnswersWriter writer = carried;
        if (writer == null) {
            writer = new AnswersWriter(results, TABLET_ID, recordBytesMax);
            carried = writer;
            carriedFrom = lastSequence + 1;
        }
        if (writer.isDone()) {
            neededFrom = Math.min(carriedFrom, writer.heldFrom());
            records.headMap(neededFrom).clear();
            carried = null;
            return;
        }
        int bytesMax = writer.nextBytesMax(wantedBytes);
        byte[] room = new byte[bytesMax];
        int bytes = writer.writeNext(MemorySegment.ofArray(room), 0, bytesMax, 0, 0);
        append(Arrays.copyOf(room, bytes));
    }

    /** The writer was another one's: of a tablet that is no more. */
    void giveUpCarrying() {
        carried = null;
    }

    /** What a restart knows. */
    RequestResults replay() {
        var results = new RequestResults(limits, AnswerRoom.unlimited());
        records.forEach((sequence, record) -> replay(results, sequence, MemorySegment.ofArray(record)));
        return results;
    }

    private static void replay(RequestResults results, long sequence, MemorySegment record) {
        int bytes = (int) record.byteSize();
        if (TabletRecordFormat.kind(record, 0, bytes) == TabletRecordFormat.ANSWERS) {
            AnswersFormat.read(record, 0, bytes, sequence, results);
            return;
        }
        TabletRecordFormat.Header header = TabletRecordFormat.readHeader(record, 0, bytes);
        RequestName name = header.name();
        if (name == null) {
            throw new AssertionError("record " + sequence + " has no name");
        }
        results.replay(name, header.timestamp(), sequence, TabletRecordFormat.readErrors(record, 0, header));
    }
}
