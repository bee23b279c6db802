package io.nyala.wal;

import static io.nyala.wal.SegmentFormat.LONG;

import io.nyala.io.Disk;
import io.nyala.memory.Check;
import io.nyala.memory.Zeros;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Records that were appended and are not yet written: a ring of memory, in which they are built in place, in groups of
 * which each is one write.
 *
 * <pre>{@code
 *        head                                       tail
 *   +------|-------------|-------------|--------------|- - - - - - - - -+
 *   | free |  in flight  |   closed    |  open group  |  reserved, free |
 *   +------|-------------|-------------|--------------|- - - - - - - - -+
 *            groups, 4 KiB-aligned       grows by records
 * }</pre>
 *
 * <p>A group's place in the file is known when it is opened, because those before it are closed; so a roll to the next
 * segment happens here, when a record does not fit, and only if that segment is ready. Positions count over all rounds
 * of the ring; a group never wraps.
 *
 * <p>Appending is under a lock that is held from {@link #reserve} to {@link #publish}. The agent takes closed groups
 * without it, and closes the open one only if the lock is free. Owns no memory.
 */
final class LogBuffer {
    /** The next segment is not ready. */
    static final long NO_SEGMENT = -1;

    /**
     * At the end of a segment: a sector for its ROLL or SEAL, and before it one for a MARK, so that segments can be
     * released even if this one is full and there is no room for another.
     */
    private static final int KEPT_BYTES = 2 * Disk.ALIGNMENT_BYTES;

    private static final int GROUPS = 64;
    private static final int ROLL_BYTES = RecordFormat.recordBytes(RecordFormat.MARK_PAYLOAD_BYTES);
    private static final int SPINS = 200;
    private static final long PARK_NANOS = 1_000;

    private static final VarHandle LOCK = field("lock", int.class);
    private static final VarHandle HEAD = field("head", long.class);
    private static final VarHandle CLOSED_COUNT = field("closedCount", long.class);
    private static final VarHandle FREED_COUNT = field("freedCount", long.class);

    private final MemorySegment memory;
    private final long ringBytes;
    private final LogProgress progress;
    private final RecordContext context;
    private final StreamIndex streams; // Of the segment that is written; until there is a START, of the one before.
    private final WriteGroup[] groups = new WriteGroup[GROUPS];

    @SuppressWarnings("UnusedVariable") // Through LOCK.
    private int lock;

    @SuppressWarnings("UnusedVariable") // Through HEAD: the agent's, but when nothing is in use.
    private long head;

    @SuppressWarnings("UnusedVariable") // Through CLOSED_COUNT: released by who closes a group, acquired by the agent.
    private long closedCount;

    @SuppressWarnings("UnusedVariable") // Through FREED_COUNT: released by the agent, acquired by appenders.
    private long freedCount;

    // Guarded by the lock.
    private Segment segment;
    private long groupPosition;
    private int groupBytes;
    private boolean groupNeedsSync;
    private long filePosition;
    private boolean isStartPending;
    private long continuesAfter;
    private long previousEnd;
    private int reservedBytes = -1; // Of payload, or nothing is reserved.
    private boolean lacksSegment;
    private boolean isRefusing;

    private volatile StreamNeeds needs;
    private volatile boolean isAgentTurnedAway;
    private volatile Runnable wakeAgent = () -> {};
    private volatile long segmentNumber;
    private volatile long lastSequence;
    private volatile long oldestSegment;
    private volatile @Nullable Segment next;

    /**
     * @param context with the last sequence and checksum so far
     * @param first what is written into first; begins with a START record
     * @param point what was before
     */
    LogBuffer(MemorySegment memory, LogProgress progress, RecordContext context, Segment first, StartPoint point) {
        this.memory = memory;
        this.ringBytes = memory.byteSize();
        this.progress = progress;
        this.context = context;
        this.streams = point.streams();
        this.needs = point.needs();
        this.segment = first;
        this.segmentNumber = first.number;
        this.filePosition = SegmentFormat.HEADER_BYTES;
        this.continuesAfter = point.end().lastSequence();
        this.previousEnd = point.end().position();
        this.oldestSegment = point.end().oldestSegment();
        this.lastSequence = context.sequence;
        this.isStartPending = true;
        for (int i = 0; i < GROUPS; i++) {
            groups[i] = new WriteGroup();
        }
        boolean isStarted = appendStart();
        assert isStarted : "an empty buffer has room";
    }

    /** Called when the agent found the lock taken and it is free again. */
    void onFree(Runnable wake) {
        wakeAgent = wake;
    }

    MemorySegment memory() {
        return memory;
    }

    /** What the next START tells. For any thread. */
    void needs(StreamNeeds present) {
        needs = present;
    }

    /**
     * Where to put a payload, and then with the lock held; or 0 if there is no room just now, or {@link #NO_SEGMENT} if
     * the next segment is not ready.
     */
    long reserve(int payloadBytes) {
        lock();
        boolean keepsLock = false;
        try {
            lacksSegment = false;
            keepsLock = isAccepting() && makeRoomFor(RecordFormat.recordBytes(payloadBytes), KEPT_BYTES);
            if (keepsLock) {
                reservedBytes = payloadBytes;
                return recordAt() + RecordFormat.HEADER_BYTES;
            }
            return lacksSegment ? NO_SEGMENT : 0;
        } finally {
            if (!keepsLock) {
                unlock();
            }
        }
    }

    long publish(int payloadBytes, boolean needsSync) {
        Check.inRange("payloadBytes", payloadBytes, 0, reservedBytes); // What is behind may be in flight.
        try {
            streams.add(context.sequence + 1, memory, recordAt() + RecordFormat.HEADER_BYTES, payloadBytes);
            return append(RecordKind.DATA, payloadBytes, needsSync);
        } finally {
            reservedBytes = -1;
            unlock();
        }
    }

    void abandon() {
        assert reservedBytes >= 0 : "abandon without reserve";
        reservedBytes = -1;
        unlock();
    }

    /** Goes on in the next segment now: sequence of its first record; else as {@link #reserve}. */
    long roll() {
        lock();
        try {
            lacksSegment = false;
            if (isAccepting() && (!isStartPending || appendStart()) && tryRoll()) {
                return segment.firstSequence;
            }
            return lacksSegment ? NO_SEGMENT : 0;
        } finally {
            unlock();
        }
    }

    /**
     * Appends a MARK that names the oldest segment needed: its sequence, or 0 if that is not possible just now. If it
     * is not for a release, records that nobody wants durable are not made so for its sake.
     *
     * @param mayTakeLast of a full segment's kept sectors the one that is for this
     */
    long tryMark(long oldest, boolean isRelease, boolean mayTakeLast) {
        if (!tryLockOrBeWoken()) {
            return 0;
        }
        try {
            oldestSegment = oldest;
            int keptBytes = mayTakeLast ? KEPT_BYTES - Disk.ALIGNMENT_BYTES : KEPT_BYTES;
            if (!isAccepting() || !makeRoomFor(ROLL_BYTES, keptBytes)) {
                return 0;
            }
            boolean needsSync = isRelease || progress.durableUpTo() == context.sequence;
            return appendControl(RecordKind.MARK, RecordFormat.MARK_PAYLOAD_BYTES, needsSync);
        } finally {
            unlock();
        }
    }

    /** Appends the SEAL. Everything before it is durable. */
    void seal() {
        lock();
        try {
            assert groupBytes == 0 && progress.durableUpTo() == context.sequence : "a seal is a write of its own";
            boolean hasRoom = makeRoomInRing(ROLL_BYTES); // Each segment keeps a sector for its end.
            assert hasRoom : "an empty buffer has room";
            appendControl(RecordKind.SEAL);
            segment.lastSequence = context.sequence;
        } finally {
            unlock();
        }
    }

    /** The START of a segment that was rolled to when the buffer was full is in the buffer now. */
    boolean isStarted() {
        lock();
        try {
            return !isStartPending || appendStart();
        } finally {
            unlock();
        }
    }

    /** From now on nothing is reserved. */
    void refuse() {
        lock();
        isRefusing = true;
        unlock();
    }

    long lastSequence() {
        return lastSequence;
    }

    /** Of the segment that is appended to. */
    long segmentNumber() {
        return segmentNumber;
    }

    long oldestSegment() {
        return oldestSegment;
    }

    boolean hasNext() {
        return next != null;
    }

    /** Where to roll to; given by the agent. */
    void giveNext(Segment ready) {
        assert next == null;
        next = ready;
    }

    /** Takes back what was not rolled to. */
    @Nullable
    Segment takeBackNext() {
        lock();
        try {
            Segment unused = next;
            next = null;
            return unused;
        } finally {
            unlock();
        }
    }

    /** For the agent: a closed group, numbered from 0 by those before it. */
    WriteGroup group(long count) {
        return groups[(int) (count % GROUPS)];
    }

    /** For the agent: where in {@link #memory()} a group begins. */
    long offset(WriteGroup group) {
        return group.bufferPosition % ringBytes;
    }

    /** For the agent: how many groups were closed. */
    long closedCount() {
        return (long) CLOSED_COUNT.getAcquire(this);
    }

    /** For the agent: closes the open group, if it holds something and nobody is appending just now. */
    boolean tryClose() {
        if (!tryLockOrBeWoken()) {
            return false;
        }
        try {
            if (groupBytes == 0 || !hasGroupSlots()) {
                return false;
            }
            closeGroup();
            return true;
        } finally {
            unlock();
        }
    }

    /** For the agent: a group's memory is free again; those before it are. */
    void free(WriteGroup group, long count) {
        HEAD.setRelease(this, group.bufferPosition + group.bytes);
        FREED_COUNT.setRelease(this, count + 1);
    }

    /** At the end: closes the files of segments that the agent has not heard of. */
    void closeFiles() {
        lock();
        try {
            segment.closeFile();
            Segment unused = next;
            if (unused != null) {
                next = null;
                unused.closeFile();
            }
        } finally {
            unlock();
        }
    }

    private boolean isAccepting() {
        return !isRefusing && progress.failure() == null;
    }

    /** Rolls if the segment has no room for it, and finds a place in the ring; false if either must wait. */
    private boolean makeRoomFor(int recordBytes, int keptBytes) {
        if (isStartPending && !appendStart()) {
            return false;
        }
        // First the ring, because wrapping it closes the group, which takes room in the segment.
        if (!makeRoomInRing(recordBytes)) {
            return false;
        }
        long end = filePosition + groupBytes + recordBytes;
        return end <= segment.bytes - keptBytes || (tryRoll() && makeRoomInRing(recordBytes));
    }

    private boolean tryRoll() {
        Segment following = next;
        if (following == null) {
            lacksSegment = true;
            return false;
        }
        if (!makeRoomInRing(ROLL_BYTES)) {
            return false;
        }
        appendControl(RecordKind.ROLL);
        segment.lastSequence = context.sequence;
        previousEnd = RecordFormat.nextWrite(filePosition + groupBytes);
        continuesAfter = context.sequence;
        closeGroup();
        segment = following;
        segmentNumber = following.number;
        next = null;
        filePosition = SegmentFormat.HEADER_BYTES;
        isStartPending = true;
        return appendStart();
    }

    private boolean appendStart() {
        StreamNeeds told = needs.atMost(streams.streamsMax());
        int bytes = RecordFormat.startBytes(streams, told);
        if (!makeRoomInRing(RecordFormat.recordBytes(bytes))) {
            return false;
        }
        isStartPending = false;
        long at = recordAt();
        memory.set(LONG, at + RecordFormat.CONTINUES_AFTER_AT, continuesAfter);
        memory.set(LONG, at + RecordFormat.PREVIOUS_END_AT, previousEnd);
        RecordFormat.writeStreams(memory, at, streams, told, segmentNumber);
        streams.clear();
        segment.firstSequence = appendControl(RecordKind.START, bytes, true);
        return true;
    }

    private long appendControl(RecordKind kind) {
        return appendControl(kind, RecordFormat.MARK_PAYLOAD_BYTES, true);
    }

    private long appendControl(RecordKind kind, int payloadBytes, boolean needsSync) {
        memory.set(LONG, recordAt() + RecordFormat.OLDEST_SEGMENT_AT, oldestSegment);
        return append(kind, payloadBytes, needsSync);
    }

    private long append(RecordKind kind, int payloadBytes, boolean needsSync) {
        context.sequence++;
        context.durableUpTo = progress.durableUpTo();
        context.previousCrc = RecordFormat.seal(memory, recordAt(), kind, payloadBytes, context);
        groupBytes += RecordFormat.recordBytes(payloadBytes);
        groupNeedsSync |= needsSync;
        lastSequence = context.sequence;
        return context.sequence;
    }

    /** Finds contiguous memory behind the open group, or at the start of the ring for a new group. */
    private boolean makeRoomInRing(int recordBytes) {
        if (!hasGroupSlots()) {
            return false;
        }
        long start = groupPosition % ringBytes;
        if (RecordFormat.nextWrite(start + groupBytes + recordBytes) > ringBytes) {
            if (groupBytes > 0) {
                closeGroup();
            }
            long wrapped = (groupPosition + ringBytes - 1) / ringBytes * ringBytes;
            if ((long) HEAD.getAcquire(this) == groupPosition) {
                HEAD.setRelease(this, wrapped); // Nothing is in use, so the agent does not touch it.
            }
            if (wrapped + RecordFormat.nextWrite(recordBytes) - (long) HEAD.getAcquire(this) > ringBytes) {
                return false;
            }
            groupPosition = wrapped;
        }
        return groupPosition + RecordFormat.nextWrite(groupBytes + recordBytes) - (long) HEAD.getAcquire(this)
                <= ringBytes;
    }

    /** Room for what one append can close: the open group, that of a roll, and one at the end of the ring. */
    private boolean hasGroupSlots() {
        return closedCount() - (long) FREED_COUNT.getAcquire(this) < GROUPS - 3;
    }

    private void closeGroup() {
        assert groupBytes > 0;
        long start = groupPosition % ringBytes;
        int bytes = (int) RecordFormat.nextWrite(groupBytes);
        assert start + bytes <= ringBytes && filePosition + bytes <= segment.bytes;
        Zeros.fill(memory, start + groupBytes, bytes - groupBytes);
        long count = closedCount();
        WriteGroup group = group(count);
        group.bufferPosition = groupPosition;
        group.bytes = bytes;
        group.segment = segment;
        group.filePosition = filePosition;
        group.lastSequence = context.sequence;
        group.needsSync = groupNeedsSync;
        group.isDone = false;
        groupPosition += bytes;
        filePosition += bytes;
        groupBytes = 0;
        groupNeedsSync = false;
        CLOSED_COUNT.setRelease(this, count + 1);
    }

    private long recordAt() {
        return groupPosition % ringBytes + groupBytes;
    }

    private void lock() {
        for (int i = 0; !tryLock(); i++) {
            if (i < SPINS) {
                Thread.onSpinWait();
            } else {
                LockSupport.parkNanos(PARK_NANOS); // The owner copies a record; on few cores it needs ours.
            }
        }
    }

    private boolean tryLock() {
        return (int) LOCK.getOpaque(this) == 0 && LOCK.compareAndSet(this, 0, 1);
    }

    /** For the agent, which does not wait for the lock: if it is taken, whoever has it wakes the agent afterwards. */
    private boolean tryLockOrBeWoken() {
        if (tryLock()) {
            return true;
        }
        isAgentTurnedAway = true;
        // It may have become free before its owner could see the flag. Not tryLock(), which may read before the flag is
        // out.
        return LOCK.compareAndSet(this, 0, 1);
    }

    private void unlock() {
        assert (int) LOCK.get(this) == 1;
        LOCK.setVolatile(this, 0); // Not just a release: the flag must not be read before the lock is free.
        if (isAgentTurnedAway) {
            isAgentTurnedAway = false;
            wakeAgent.run();
        }
    }

    private static VarHandle field(String name, Class<?> type) {
        try {
            return MethodHandles.lookup().findVarHandle(LogBuffer.class, name, type);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
