package io.nyala.record;

import io.nyala.memory.Check;
import java.lang.foreign.MemorySegment;

/**
 * Writes all answers that a tablet remembers into log records ({@link AnswersFormat}), one after the other, while it
 * goes on answering: what comes meanwhile stands in records of its own, behind the first of these.
 *
 * <p>An answer that does not fit in any record, because it was given when records could be larger, is left out, and its
 * own record kept: {@link #heldFrom}.
 *
 * <p>Belongs to the tablet's writer.
 */
public final class AnswersWriter {
    private final RequestResults results;
    private final long tabletId;
    private final int recordBytesMax;

    // What was written: clients in the slots before, and of that in the slot what is below the sequence.
    private int slot;
    private long sequence;
    private boolean hasCounts; // The record that is being written.
    private final long heldFrom;

    /** {@code recordBytesMax}: the largest record there can be, with room for a client and a small request at least. */
    public AnswersWriter(RequestResults results, long tabletId, int recordBytesMax) {
        Check.that(
                recordBytesMax >= AnswersFormat.HEADER_BYTES + AnswersFormat.CLIENT_BYTES + AnswersFormat.REQUEST_BYTES,
                "no answer fits in a record of " + recordBytesMax + " bytes");
        this.results = results;
        this.tabletId = tabletId;
        this.recordBytesMax = recordBytesMax;
        this.heldFrom = firstTooLarge();
    }

    private long firstTooLarge() {
        long first = Long.MAX_VALUE;
        for (int i = 0; i < results.slotsUsed(); i++) {
            ClientResults client = results.clientAt(i);
            for (int place = client == null ? 0 : client.first(); client != null && place < client.end(); place++) {
                first = isTooLarge(client, place) ? Math.min(first, client.logSequence(place)) : first;
            }
        }
        return first;
    }

    /** Whether all has been written. */
    public boolean isDone() {
        while (slot < results.slotsUsed() && results.clientAt(slot) == null) {
            slot++;
            sequence = 0; // That was of a client which is forgotten.
        }
        return slot >= results.slotsUsed();
    }

    /** First log record that is needed for answers which cannot be written; {@link Long#MAX_VALUE} for none. */
    public long heldFrom() {
        return heldFrom;
    }

    /**
     * For how many bytes the next record should be made: {@code wanted}, or fewer if less is left, or more if the next
     * answer is larger.
     */
    public int nextBytesMax(int wanted) {
        long needed = AnswersFormat.HEADER_BYTES + AnswersFormat.CLIENT_BYTES;
        ClientResults client = isDone() ? null : results.clientAt(slot);
        if (client != null) {
            int place = client.ceiling(sequence);
            while (place < client.end() && isTooLarge(client, place)) {
                place++;
            }
            needed += place < client.end() ? AnswersFormat.requestBytes(client, place) : 0;
        }
        long all = AnswersFormat.HEADER_BYTES + results.bytes();
        return (int) Math.max(needed, Math.min(wanted, all));
    }

    private boolean isTooLarge(ClientResults client, int place) {
        long bytesMax = (long) recordBytesMax - AnswersFormat.HEADER_BYTES - AnswersFormat.CLIENT_BYTES;
        return AnswersFormat.requestBytes(client, place) > bytesMax;
    }

    /** Writes the next record; answers its bytes, at most {@code bytesMax}, which is {@link #nextBytesMax} or more. */
    public int writeNext(MemorySegment memory, long record, int bytesMax, int schemaVersion, long timestamp) {
        TabletRecordFormat.writePrefix(memory, record, TabletRecordFormat.ANSWERS, schemaVersion, tabletId, timestamp);
        long end = record + bytesMax;
        long at = record + AnswersFormat.HEADER_BYTES;
        int clientCount = 0;
        boolean isFull = false;
        hasCounts = false;
        while (!isFull && !isDone()) {
            long next = writeClient(memory, at, end);
            isFull = next == at;
            clientCount += isFull ? 0 : 1;
            at = next;
            isFull |= sequence > 0; // The client goes on in the next record.
        }
        AnswersFormat.writeClientCount(memory, record, clientCount, hasCounts);
        return (int) (at - record);
    }

    /** As many requests of the client as fit, from where the last record ended; answers the end, or {@code at}. */
    private long writeClient(MemorySegment memory, long at, long end) {
        ClientResults client = results.clientAt(slot);
        if (client == null || at + AnswersFormat.CLIENT_BYTES > end) {
            return at;
        }
        long next = at + AnswersFormat.CLIENT_BYTES;
        int requestCount = 0;
        int place = client.ceiling(sequence);
        for (; place < client.end(); place++) {
            long bytes = AnswersFormat.requestBytes(client, place);
            if (isTooLarge(client, place)) {
                continue;
            }
            if (next + bytes > end) {
                break;
            }
            hasCounts |= AnswersFormat.writeRequest(memory, next, client, place, results.errors());
            next += bytes;
            requestCount++;
        }
        boolean isWhole = place == client.end();
        if (!isWhole && requestCount == 0) {
            return at;
        }
        AnswersFormat.writeClient(memory, at, client, requestCount);
        if (isWhole) {
            slot++;
            sequence = 0;
        } else {
            sequence = client.sequence(place);
        }
        return next;
    }
}
