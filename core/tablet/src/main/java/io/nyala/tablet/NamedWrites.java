package io.nyala.tablet;

import io.nyala.record.AnswersWriter;
import io.nyala.record.RequestName;
import io.nyala.record.RequestResults;
import io.nyala.time.TabletClock;
import io.nyala.wal.CommitLog;
import io.nyala.wal.Durability;
import io.nyala.wal.LogFullException;
import io.nyala.wal.LogStoppedException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Requests of a tablet that have names, so that none takes effect twice: those that have an answer get that, and
 * answers outlive the log records that gave them.
 *
 * <pre>{@code
 *   log:  |batch 1|batch 2| ... |batch 9|          | answers 1 to 9 |batch 10| ...
 *         ^ needed from                            ^ needed from, once these are durable
 * }</pre>
 *
 * <p>Rows are flushed, and then the log need not keep their records; answers would hold it for an hour. So when they
 * are what holds it, they are written again, as new records ({@link #carry}).
 *
 * <p>Belongs to the tablet's writer, but for {@link #neededFrom}, {@link #isCarrying} and {@link #takeBack}, which are
 * for any thread. A tablet to which no named request came has no memory for answers.
 */
final class NamedWrites {
    private static final Logger LOG = System.getLogger(NamedWrites.class.getName());

    /** Of the writer's time at once: copying this takes some ten microseconds. */
    private static final int CARRIED_BYTES_MAX = 64 << 10;

    private final Tablet tablet;
    private @Nullable RequestResults results;

    /** First log record that a restart needs to know all answers. */
    private volatile long neededFrom;

    // Of answers on their way into the log again.
    private volatile boolean isCarrying;
    private @Nullable AnswersWriter carried;
    private Runnable whenCarried = () -> {};
    private long carriedFrom;
    private long carriedUpTo;

    /** Another tablet has the answers now: to write them again is its part. */
    private volatile boolean areHandedOver;

    /** {@code results}, as found in the log from {@code neededFrom} on, or null. */
    NamedWrites(Tablet tablet, @Nullable RequestResults results, long neededFrom) {
        this.tablet = tablet;
        this.results = results;
        this.neededFrom = neededFrom;
    }

    /** First log record that a restart needs to know all answers; {@link Long#MAX_VALUE} if there are none. */
    long neededFrom() {
        return neededFrom;
    }

    // ---- Answering ----

    /**
     * Whether the request has an answer: then the batch has it now, and is complete when that is durable. Otherwise
     * there is room for its answer, if it can get one.
     *
     * @throws io.nyala.record.StaleRequestException if it may have had one
     * @throws io.nyala.record.RequestMismatchException if it has one, but is another request
     * @throws TabletBusyException if there is no room
     */
    boolean isAnswered(TabletWrite write, RequestName name) {
        RequestResults known = results;
        if (known == null) {
            known = new RequestResults(tablet.config().answers());
            results = known;
        }
        long now = now();
        if (known.find(name, now)) {
            write.repeat(name, known.timestamp(), known.logSequence(), known);
            if (write.durability == Durability.SYNC) {
                tablet.log().wantDurable(write.sequence());
            }
            return true;
        }
        if (!write.isOnlyRepeated() && !known.makeRoom(name, write.answerEntriesMax(), now)) {
            throw new TabletBusyException("there is no room in tablet " + tablet.id() + " for the answer of " + name
                    + ": " + known.describeFullness() + ". Answers go when clients name requests with a higher"
                    + " firstIncomplete, or are not heard of for an hour; try again then");
        }
        return false;
    }

    /** Hybrid time, or 0 where there is no lease; an answer that is known needs none. */
    private long now() {
        try {
            return tablet.config().clock().draw();
        } catch (TabletBusyException e) {
            return TabletClock.NOT_LEASED;
        }
    }

    /** A named batch is about to be published. From here on the log must keep it. */
    void publishes() {
        if (neededFrom == Long.MAX_VALUE) {
            neededFrom = tablet.lastSequence() + 1;
        }
    }

    /** It has been. */
    void published(TabletWrite write, RequestName name) {
        RequestResults known = Objects.requireNonNull(results, "published before it was looked for");
        if (known.isEmpty()) {
            neededFrom = write.sequence(); // More exactly than before.
        }
        // Its place may be behind those that are being carried forward, even before the first of them was.
        carriedFrom = Math.min(carriedFrom, write.sequence());
        known.add(name, write.timestamp(), write.sequence(), write.answer());
    }

    /**
     * What is remembered, for the tablet that takes this one's place; null for nothing. From now on nothing is written
     * any more: it would stand in the log between records of that tablet, which are newer.
     */
    @Nullable
    RequestResults handOver() {
        areHandedOver = true;
        if (isCarrying) {
            endCarrying(); // The records that there are remain needed.
        }
        RequestResults known = results;
        return known == null ? null : known.copy();
    }

    /** No tablet takes this one's place. Any thread. */
    void takeBack() {
        areHandedOver = false;
    }

    /** Whether there are answers that the log must keep. Any thread. */
    boolean hasAnswers() {
        return neededFrom != Long.MAX_VALUE;
    }

    /** Forgets clients that have not been heard of for long, though nobody asks. */
    void forgetLate() {
        RequestResults known = results;
        if (known != null) {
            known.forgetLate(now());
            if (known.isEmpty() && !isCarrying) {
                neededFrom = Long.MAX_VALUE;
            }
        }
    }

    /** With the writer gone. */
    void close() {
        RequestResults known = results;
        if (known != null) {
            known.close();
        }
    }

    // ---- Carrying ----

    /**
     * Writes all answers into the log again, if that lets go of records: rows need it less far back than answers do,
     * and the oldest is not one that fits in no record. {@link #carryOn} goes on with that, and then {@code whenDone}
     * is run. Where that is under way already, it is awaited.
     */
    void carry(Runnable whenDone) {
        RequestResults known = results;
        if (known == null || isCarrying || areHandedOver) {
            return;
        }
        known.forgetLate(now());
        if (known.isEmpty()) {
            neededFrom = Long.MAX_VALUE;
            return;
        }
        var writer = new AnswersWriter(known, tablet.id(), tablet.log().payloadBytesMax());
        if (neededFrom < Math.min(tablet.rowsNeededFrom(), writer.heldFrom())) {
            carried = writer;
            whenCarried = whenDone;
            carriedFrom = Long.MAX_VALUE;
            isCarrying = true;
            tablet.writer().list(tablet.queue().turn());
        }
    }

    /** Whether answers are on their way. */
    boolean isCarrying() {
        return isCarrying;
    }

    /** Does one bounded piece; answers whether it got anywhere. When it did not, the log will wake the writer. */
    boolean carryOn() {
        AnswersWriter writer = carried;
        if (writer == null) {
            return false;
        }
        CommitLog log = tablet.log();
        if (!writer.isDone()) {
            return carryNext(writer, log);
        }
        if (log.failure() == null && log.durableUpTo() < carriedUpTo) {
            return false;
        }
        if (log.failure() == null) { // And not before they are durable: those that it replaces may go now.
            neededFrom = Math.min(carriedFrom, writer.heldFrom());
        }
        endCarrying();
        return true;
    }

    private boolean carryNext(AnswersWriter writer, CommitLog log) {
        int bytesMax = writer.nextBytesMax(Math.min(CARRIED_BYTES_MAX, log.payloadBytesMax()));
        long record;
        try {
            record = log.reserveToRelease(bytesMax);
        } catch (LogFullException | LogStoppedException e) {
            LOG.log(
                    Level.WARNING,
                    "answers of tablet {0} cannot be written into the log again, so it is kept from record {1} on; the"
                            + " next flush tries again: {2}",
                    tablet.id(),
                    neededFrom,
                    e.getMessage());
            endCarrying(); // The records that there are remain needed.
            return true;
        }
        if (record == 0) {
            return false;
        }
        long time = tablet.lastTime();
        int bytes = 0;
        try {
            bytes = writer.writeNext(
                    log.memory(), record, bytesMax, tablet.schema().version(), time);
        } finally {
            if (bytes == 0) {
                log.abandon(); // Or nobody could append to the log any more.
            }
        }
        carriedUpTo = log.publish(bytes, Durability.SYNC);
        carriedFrom = Math.min(carriedFrom, carriedUpTo);
        tablet.published(carriedUpTo, time);
        return true;
    }

    private void endCarrying() {
        carried = null;
        isCarrying = false;
        whenCarried.run();
    }
}
