package io.nyala.wal;

import io.nyala.io.Completions;
import io.nyala.io.Disk;
import io.nyala.io.IoQueue;
import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The log on a local disk: one for all tablets of a disk, and with small segments also the log of the storage's own
 * changes.
 *
 * <pre>{@code
 * Recovery recovery = WriteAheadLog.open(config, disk, account, random.nextLong());
 * recovery.forEach((sequence, memory, offset, bytes) -> ...);
 * WriteAheadLog log = recovery.start(newestSequenceInAnyManifest, micros);
 * var runner = new AgentRunner(log.agent().idleStrategy(), ..., log.agent());
 * ...
 * log.agent().parking().stop(runner); // Seals the log.
 * log.close();
 * }</pre>
 *
 * <p>Shared by threads, but {@link #close} comes last. Memory is from the account and goes back at {@link #close}.
 */
public final class WriteAheadLog implements CommitLog {
    private final MemoryAccount account;
    private final Slab slab;
    private final LogParts parts;
    private final LogAgent agent;
    private final int payloadBytesMax;
    private boolean isClosed;

    private WriteAheadLog(MemoryAccount account, Slab slab, LogParts parts, LogAgent agent, int payloadBytesMax) {
        this.account = account;
        this.slab = slab;
        this.parts = parts;
        this.agent = agent;
        this.payloadBytesMax = payloadBytesMax;
    }

    /**
     * Looks at the log in the configured directory, which may be empty. Nothing is changed before {@link
     * Recovery#start}.
     *
     * @param account whose reservation is at least {@link WalConfig#memoryBytes}
     * @param newLogId random identity, used if there is no log yet
     * @param streams which records belong together
     * @throws CorruptLogException if a file is not what it must be
     */
    public static Recovery open(
            WalConfig config, Disk disk, MemoryAccount account, long newLogId, RecordStreams streams) {
        return new Recovery(config, disk, account, newLogId, streams);
    }

    /** As above, where all records are of one stream. */
    public static Recovery open(WalConfig config, Disk disk, MemoryAccount account, long newLogId) {
        return open(config, disk, account, newLogId, RecordStreams.ONE);
    }

    /**
     * As {@link #open}, to be read only: nothing is changed, it cannot be started, and the directory need not exist.
     *
     * @throws CorruptLogException if a file is not what it must be
     */
    public static Recovery inspect(WalConfig config, Disk disk, MemoryAccount account) {
        return Recovery.toRead(config, disk, account);
    }

    /** Begins a new epoch behind the end of what was read. */
    static WriteAheadLog start(
            WalConfig config, Disk disk, MemoryAccount account, StartPoint point, LongSupplier micros) {
        Slab slab = account.take(config.bufferBytes());
        @Nullable SegmentPreparer preparer = null;
        @Nullable Segment first = null;
        try {
            var counters = new LogCounters();
            preparer = new SegmentPreparer(disk, point.files(), config.segmentBytes(), account, counters);
            SegmentHeader header = point.header();
            first = prepare(disk, preparer, header);
            point.files().begin(header.number());
            var context = new RecordContext(header.logId(), header.epoch(), header.opening());
            context.sequence = point.sequence();
            context.previousCrc = point.end().lastCrc();
            var progress = new LogProgress(point.sequence());
            MemorySegment memory = slab.segment().asSlice(0, config.bufferBytes());
            var buffer = new LogBuffer(memory, progress, context, first, point);
            List<Segment> recovered = point.segments();
            var retention = new Retention(point.files(), buffer, progress, recovered, first);
            var parts = new LogParts(buffer, progress, retention, preparer, point.files(), header, counters);
            var agent = new LogAgent(parts, disk, config, micros);
            return new WriteAheadLog(account, slab, parts, agent, config.payloadBytesMax());
        } catch (RuntimeException | Error e) { // Also if there is no thread for the disk's queue.
            if (first != null) {
                first.closeFile();
            }
            if (preparer != null) {
                preparer.close();
            }
            account.giveBack(slab);
            throw e;
        }
    }

    /** Writes the log's bytes; to be run by one thread until it is closed. */
    public LogAgent agent() {
        return agent;
    }

    public LogCounters counters() {
        return parts.counters();
    }

    @Override
    public int payloadBytesMax() {
        return payloadBytesMax;
    }

    @Override
    public MemorySegment memory() {
        return parts.buffer().memory();
    }

    @Override
    public long reserve(int payloadBytesMaximum) {
        Check.inRange("payloadBytes", payloadBytesMaximum, 0, payloadBytesMax);
        long offset = parts.buffer().reserve(payloadBytesMaximum);
        return offset > 0 ? offset : refused(offset);
    }

    @Override
    public long reserveToRelease(int payloadBytesMaximum) {
        Check.inRange("payloadBytes", payloadBytesMaximum, 0, payloadBytesMax);
        long offset = parts.buffer().reserve(payloadBytesMaximum);
        if (offset != LogBuffer.NO_SEGMENT || !agent.isAtLimit()) {
            return offset > 0 ? offset : refused(offset);
        }
        if (!agent.tryExceed()) { // To wait for a release here could be to wait for oneself.
            throw new LogFullException("the log has more segments than it may have already");
        }
        return 0;
    }

    @Override
    public long publish(int payloadBytes, Durability durability) {
        long sequence = parts.buffer().publish(payloadBytes, durability == Durability.SYNC);
        parts.counters().published(payloadBytes);
        agent.parking().wake();
        return sequence;
    }

    @Override
    public void abandon() {
        parts.buffer().abandon();
    }

    /**
     * Goes on in a fresh segment now, so that all before it can be released: for a checkpoint, whose records then lead
     * the segment.
     *
     * @return sequence with which the segment begins, smaller than that of all records published later; 0 if it is not
     *     ready just now, as for {@link #reserve}
     */
    public long roll() {
        long sequence = parts.buffer().roll();
        if (sequence <= 0) {
            return refused(sequence);
        }
        agent.parking().wake();
        return sequence;
    }

    @Override
    public long lastSequence() {
        return parts.buffer().lastSequence();
    }

    @Override
    public long durableUpTo() {
        return parts.progress().durableUpTo();
    }

    @Override
    public long writtenUpTo() {
        return parts.progress().writtenUpTo();
    }

    @Override
    public void onProgress(Runnable wake) {
        parts.progress().onProgress(wake);
    }

    @Override
    public void wantDurable(long sequence) {
        agent.wantDurable(sequence);
    }

    @Override
    public @Nullable RuntimeException failure() {
        return parts.progress().failure();
    }

    @Override
    public void releaseUpTo(long sequence) {
        parts.retention().releaseUpTo(sequence);
        agent.parking().wake();
    }

    /**
     * Tells which records are still needed. Segments before are used again, as by {@link #releaseUpTo}; and of those
     * that are kept the next start reads what is needed, as was told when the log went on in its newest segment.
     */
    public void release(StreamNeeds needs) {
        parts.buffer().needs(needs);
        releaseUpTo(needs.releasable());
    }

    /** Segments that hold records still needed, the one written to included. */
    public int segmentCount() {
        return parts.retention().segmentCount();
    }

    /**
     * Appenders wait, because there are as many segments as there may be, and none of them was released. Whoever can
     * have records released is told by {@link #onProgress} when it comes to that.
     */
    public boolean isAtLimit() {
        return agent.isAtLimit();
    }

    /**
     * Nobody will release records just now: until one does, appenders at the limit do not wait but are refused.
     *
     * @param reason what holds the oldest segment, and what to do
     */
    public void refuseAtLimit(String reason) {
        agent.refuseAtLimit(reason);
    }

    /**
     * The disk has no room for the next segment: since when, and why; or null. What is under way in the present one
     * goes on. To ask has it tried again, so that it ends also where nobody appends.
     */
    public @Nullable LogFullException noRoom() {
        return agent.attempts().takeNoRoom();
    }

    /** Sequence with which the newest {@code count} of those segments begin, or all where there are fewer. */
    public long newestFrom(int count) {
        Check.positive("count", count);
        return parts.retention().newestFrom(count);
    }

    @Override
    public long oldestSequence() {
        return parts.retention().oldestSequence();
    }

    /**
     * Gives the memory back. The agent's runner was stopped before; if there was none, seals the log on this thread.
     */
    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        closeParts(agent::onClose);
    }

    /** As if the process ended here: nothing is written any more. */
    void kill() {
        if (isClosed) {
            return;
        }
        isClosed = true;
        closeParts(agent::kill);
    }

    /** The memory goes back also where the disk is gone, and nothing can be closed any more. */
    private void closeParts(Runnable endOfAgent) {
        try {
            endOfAgent.run();
        } finally {
            try {
                parts.preparer().close();
            } finally {
                account.giveBack(slab);
            }
        }
    }

    /** 0 if it is worth waiting. */
    private long refused(long reason) {
        RuntimeException failure = parts.progress().failure();
        if (failure != null) {
            throw new LogStoppedException(Objects.requireNonNull(failure.getMessage()), failure);
        }
        String limit = reason == LogBuffer.NO_SEGMENT ? agent.takeLimitRefusal() : null; // Null: wait.
        if (limit != null) {
            throw new LogFullException("the log has as many segments as it may have, so nothing more is accepted; what"
                    + " was accepted is safe: " + limit);
        }
        RuntimeException full =
                reason == LogBuffer.NO_SEGMENT ? agent.attempts().takeFull() : null;
        if (full != null) {
            throw new LogFullException(
                    "no room for the log's next segment, so nothing more is accepted; what was accepted is safe: "
                            + full.getMessage(),
                    full);
        }
        return 0;
    }

    private static Segment prepare(Disk disk, SegmentPreparer preparer, SegmentHeader header) {
        try (IoQueue queue = disk.newQueue(1)) {
            Completions receiver = (_, bytes, failure) -> preparer.completed(bytes, failure);
            preparer.start(header);
            while (!preparer.isReady()) {
                RuntimeException full = preparer.full();
                if (full != null) {
                    throw new LogFullException("no room for the log's first segment: " + full.getMessage(), full);
                }
                if (!preparer.step(queue) && queue.poll(receiver) == 0) {
                    queue.await(Long.MAX_VALUE);
                }
            }
        }
        return preparer.take();
    }
}
