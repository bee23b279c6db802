package io.nyala.wal;

import io.nyala.io.Completions;
import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import io.nyala.io.DiskFile;
import io.nyala.io.IoQueue;
import io.nyala.io.Parking;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * Writes what was appended, whatever waits in one transfer, and says how far the log is durable. Also prepares the next
 * segment and takes released ones away.
 *
 * <pre>{@code
 *   buffer: closed groups --> durable write --------------------------> contiguous done: durable up to
 *                        '--> write (only WRITTEN records, or such --> contiguous done: written up to --> sync
 *                              are not yet flushed)
 * }</pre>
 *
 * <p>{@link #doWork} starts and reaps transfers, and never waits for them. Once a segment it makes a name durable,
 * which the disk does at once (about a millisecond). A failed write or sync stops the log for good: the kernel may have
 * dropped the pages, so trying again could report a success that is none.
 *
 * <p>One thread, to be run with {@link #idleStrategy}; {@link #onClose} on that thread ends the log.
 */
public final class LogAgent implements Agent {
    private static final long SYNC_TOKEN = -1;

    /**
     * After so long without work a MARK is written. Longer than a caller needs who appends one record after the other,
     * so that it costs such a one nothing.
     */
    private static final long MARK_DELAY_NANOS = 1_000_000;

    /** Segments beyond the limit for records that let older ones go: they hold many of those, so few will do. */
    private static final int EXCESS_MAX = 2;

    private final LogBuffer buffer;
    private final LogProgress progress;
    private final Retention retention;
    private final SegmentPreparer preparer;
    private final SegmentFiles files;
    private final IoQueue queue;
    private final Parking parking;
    private final Attempts attempts;
    private final int inFlightMax;
    private final int segmentsMax;
    private final SegmentHeader firstHeader;
    private final LogCounters counters;

    private final Completions receiver = this::completed;

    private long issuedCount;
    private long writtenCount;
    private boolean isSyncInFlight;
    private boolean isLimitTold;
    private boolean mustSyncAll;
    private long syncWanted;
    private long syncTarget;
    private long newestUnsynced;
    private long toldUpTo; // All that is durable up to here can be missed: something behind it says so.
    private int idleRounds;
    private @Nullable Segment writtenSegment;
    private boolean isClosed;
    private volatile boolean mayExceed;
    private volatile boolean mustNotExceed;
    private volatile @Nullable String limitRefusal;
    private final AtomicLong syncAsked = new AtomicLong();

    LogAgent(LogParts parts, Disk disk, WalConfig config, LongSupplier micros) {
        this.buffer = parts.buffer();
        this.progress = parts.progress();
        this.retention = parts.retention();
        this.preparer = parts.preparer();
        this.files = parts.files();
        this.firstHeader = parts.header();
        this.counters = parts.counters();
        this.inFlightMax = config.inFlightMax();
        this.segmentsMax = config.segmentsMax();
        this.queue = disk.newQueue(inFlightMax + 2); // And one sync, and one of the preparer.
        this.parking = Parking.ofQueue(queue);
        this.attempts = new Attempts(files.directory(), micros, parking::wake);
        this.toldUpTo = buffer.lastSequence();
        buffer.onFree(parking::wake);
    }

    /** Where the agent sleeps; woken by whoever appends. */
    public Parking parking() {
        return parking;
    }

    /**
     * To be run with: parks in {@link #parking} when there is nothing to do, and not for long while a MARK is still to
     * come.
     */
    public IdleStrategy idleStrategy() {
        return new LogIdle();
    }

    @Override
    public String roleName() {
        return "log in " + files.directory().getFileName();
    }

    @Override
    public int doWork() {
        try {
            return round();
        } catch (RuntimeException | Error e) {
            stop(e); // A mistake of ours, but nobody may wait for ever because of it.
            throw e;
        }
    }

    private int round() {
        if (isClosed) {
            return 0;
        }
        int work = step();
        if (work == 0) {
            idleRounds++;
            work = mark();
        } else {
            idleRounds = 0;
        }
        return work;
    }

    /** Makes everything durable, seals the log and closes its files. After a failure it only closes. */
    @Override
    public void onClose() {
        if (isClosed) {
            return;
        }
        try {
            if (progress.failure() == null) {
                drain();
                seal();
            }
        } catch (DiskException e) {
            stop(e);
        } finally {
            kill();
        }
    }

    /** Ends without a word. */
    void kill() {
        isClosed = true;
        try {
            queue.close();
        } finally {
            try {
                closeFiles();
            } finally {
                progress.fail(new LogStoppedException("the log is closed"));
            }
        }
    }

    /** For any thread. */
    void wantDurable(long sequence) {
        if (sequence > progress.durableUpTo()) {
            syncAsked.accumulateAndGet(sequence, Math::max);
            parking.wake();
        }
    }

    /** Whether there is room on the disk. */
    Attempts attempts() {
        return attempts;
    }

    private int step() {
        int work = queue.poll(receiver);
        if (progress.failure() != null) {
            return work;
        }
        try {
            work += prepare();
            work += issue();
            work += sync();
            if (retention.step()) {
                attempts.wantAtOnce(); // A released segment is room for the next.
                limitRefusal = null;
                work++;
            }
        } catch (DiskException e) {
            stop(e);
            work++;
        }
        return work;
    }

    private int prepare() {
        if (preparer.isReady()) {
            buffer.giveNext(preparer.take());
            attempts.succeeded();
            progress.wakeAll();
            return 1;
        }
        if (preparer.isFull() && attempts.mayTry()) {
            preparer.retry();
        }
        if (preparer.isIdle() && !buffer.hasNext() && !mustSyncAll) {
            Segment active = retention.active();
            // Groups of a segment that was rolled to may not have come by yet.
            long number = Math.max(active.number, buffer.segmentNumber()) + 1;
            if (!hasRoomFor(retention.countTo(number))) {
                return tellOfLimit();
            }
            isLimitTold = false;
            preparer.start(new SegmentHeader(
                    firstHeader.logId(), firstHeader.epoch(), firstHeader.opening(), number, active.bytes));
            noteFull();
        }
        return preparer.step(queue) ? 1 : 0;
    }

    /** Room for so many segments. */
    private boolean hasRoomFor(long count) {
        mustNotExceed = count > (long) segmentsMax + EXCESS_MAX;
        boolean hasRoom = count <= segmentsMax || (mayExceed && !mustNotExceed);
        mayExceed = false;
        return hasRoom;
    }

    /** Whoever can have records released hears of it, once. */
    private int tellOfLimit() {
        if (isLimitTold) {
            return 0;
        }
        isLimitTold = true;
        limitRefusal = null;
        progress.wakeAll();
        return 1;
    }

    /** There can be no next segment before the oldest is released, which it is not. For any thread. */
    boolean isAtLimit() {
        return !buffer.hasNext() && retention.countHeldTo(buffer.segmentNumber() + 1) > segmentsMax;
    }

    /** Asks for a segment more than there may be; false if there are some already. For any thread. */
    boolean tryExceed() {
        if (mustNotExceed) {
            return false;
        }
        mayExceed = true;
        parking.wake();
        return true;
    }

    /** See {@link WriteAheadLog#refuseAtLimit}. */
    void refuseAtLimit(String reason) {
        limitRefusal = reason;
        progress.wakeAll();
    }

    /** Why nobody will make room at the limit, or null: someone may. For any thread. */
    @Nullable
    String takeLimitRefusal() {
        String reason = isAtLimit() ? limitRefusal : null;
        if (reason != null) {
            progress.wakeAll(); // Who could make room may try again.
        }
        return reason;
    }

    private void noteFull() {
        if (attempts.note(preparer.full())) {
            progress.wakeAll();
        }
    }

    /** Starts as many writes as may be in flight. */
    private int issue() {
        int issued = 0;
        while (issuedCount - writtenCount < inFlightMax) {
            if (issuedCount == buffer.closedCount() && !buffer.tryClose()) {
                break;
            }
            WriteGroup group = buffer.group(issuedCount);
            Segment segment = group.segment();
            if (segment != retention.active()) {
                if (hasUnsynced()) {
                    return issued; // A segment is durable before anything is written to the next.
                }
                retention.add(segment);
            }
            write(group, segment);
            issued++;
        }
        return issued;
    }

    private void write(WriteGroup group, Segment segment) {
        long token = issuedCount++;
        long offset = buffer.offset(group);
        DiskFile file = segment.file();
        group.isDurableWrite = group.needsSync && !hasUnsynced();
        counters.write(group.bytes);
        if (group.isDurableWrite) {
            queue.writeDurable(file, group.filePosition, buffer.memory(), offset, group.bytes, token);
        } else {
            newestUnsynced = group.lastSequence;
            queue.write(file, group.filePosition, buffer.memory(), offset, group.bytes, token);
        }
    }

    /** Flushes writes that were not durable by themselves, when a record asks for it. */
    private int sync() {
        syncWanted = Math.max(syncWanted, syncAsked.get());
        boolean isWanted = syncWanted > progress.durableUpTo() || (mustSyncAll && hasUnsynced());
        if (!isWanted || isSyncInFlight || progress.writtenUpTo() <= progress.durableUpTo()) {
            return 0;
        }
        isSyncInFlight = true;
        syncTarget = progress.writtenUpTo();
        counters.sync();
        queue.sync(retention.active().file(), SYNC_TOKEN);
        return 1;
    }

    /** Records that were or are being written, but neither durably nor flushed since. */
    private boolean hasUnsynced() {
        return newestUnsynced > progress.durableUpTo();
    }

    private void completed(long token, int bytes, @Nullable DiskException failure) {
        if (progress.failure() != null) {
            return;
        }
        if (token == SegmentPreparer.TOKEN) {
            prepared(bytes, failure);
        } else if (failure != null) {
            stop(failure);
        } else if (token == SYNC_TOKEN) {
            isSyncInFlight = false;
            progress.durable(syncTarget);
            progress.wakeAll();
        } else {
            buffer.group(token).isDone = true;
            advance();
        }
    }

    private void prepared(int bytes, @Nullable DiskException failure) {
        try {
            preparer.completed(bytes, failure);
            noteFull();
        } catch (DiskException e) {
            stop(e);
        }
    }

    /** Takes the contiguous finished writes as written, and as durable where they are. */
    private void advance() {
        long before = writtenCount;
        while (writtenCount < issuedCount && buffer.group(writtenCount).isDone) {
            WriteGroup group = buffer.group(writtenCount);
            progress.written(group.lastSequence);
            if (group.isDurableWrite) {
                progress.durable(group.lastSequence);
            } else if (group.needsSync) {
                syncWanted = group.lastSequence;
            }
            closeFinished(group.segment());
            buffer.free(group, writtenCount);
            writtenCount++;
        }
        if (writtenCount > before) {
            progress.wakeAll();
        }
    }

    /** The files of segments that are complete and durable are not needed open. */
    private void closeFinished(Segment current) {
        Segment before = writtenSegment;
        if (before != current) {
            writtenSegment = current;
            if (before != null) {
                before.closeDurable();
            }
        }
    }

    /** When nothing happens: notes that all before was durable, so that damage to it cannot pass for a torn tail. */
    private int mark() {
        if (idleRounds < 2 || !wantsMark()) {
            return 0;
        }
        long durable = progress.durableUpTo();
        long sequence = buffer.tryMark(buffer.oldestSegment(), false, false);
        if (sequence == 0) {
            return 0;
        }
        // Of a MARK itself nobody was told; but records between may yet become durable, and need another.
        toldUpTo = durable == sequence - 1 ? sequence : durable;
        return 1;
    }

    /** Something is durable of which the log does not say so, and nothing is on its way that would. */
    private boolean wantsMark() {
        return progress.durableUpTo() > toldUpTo
                && progress.writtenUpTo() == buffer.lastSequence()
                && !isSyncInFlight
                && progress.failure() == null
                && !isClosed;
    }

    private void drain() {
        mustSyncAll = true;
        buffer.refuse();
        while (!isDrained()) {
            if (step() == 0) {
                queue.await(Long.MAX_VALUE);
            }
            throwIfStopped();
        }
    }

    private boolean isDrained() {
        return buffer.isStarted()
                && progress.durableUpTo() == buffer.lastSequence()
                && !preparer.isInFlight()
                && queue.inFlight() == 0;
    }

    private void seal() {
        Segment unused = preparer.isReady() ? preparer.take() : buffer.takeBackNext();
        if (unused != null) {
            unused.closeFile();
            files.recycle(unused.path);
        }
        buffer.seal();
        drain();
        Segment last = retention.active();
        last.closeFile();
        files.seal(last);
    }

    private void closeFiles() {
        retention.closeFiles();
        for (long count = issuedCount; count < buffer.closedCount(); count++) {
            buffer.group(count).segment().closeFile();
        }
        buffer.closeFiles();
    }

    private void throwIfStopped() {
        RuntimeException failure = progress.failure();
        if (failure instanceof LogStoppedException stopped && stopped.getCause() instanceof DiskException cause) {
            throw cause;
        }
    }

    private void stop(Throwable cause) {
        progress.fail(new LogStoppedException(
                "the log stopped for good, and acknowledges nothing after record " + progress.durableUpTo()
                        + "; close it, mend the disk and open it again: " + cause.getMessage(),
                cause));
    }

    private final class LogIdle implements IdleStrategy {
        @Override
        public void idle(int workCount) {
            if (workCount <= 0) {
                idle();
            }
        }

        @Override
        public void idle() {
            if (idleRounds < 2 && wantsMark()) {
                parking.park(MARK_DELAY_NANOS);
            } else {
                parking.idle();
            }
        }

        @Override
        public void reset() {}
    }
}
