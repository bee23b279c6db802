package io.nyala.wal;

import io.nyala.io.Access;
import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import io.nyala.io.DiskFile;
import io.nyala.io.IoQueue;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes the next segment ready before it is needed, a step at a time: a released file or a new one filled with zeros,
 * its header, all of it durable, then its name, durable too. So writing into it allocates nothing and cannot find the
 * disk full.
 *
 * <pre>{@code
 *   IDLE --start--> FILLING (new files only) --> HEADER --> SYNC --> READY --take--> IDLE
 *                       '----- disk full -----> FULL --retry--> IDLE
 * }</pre>
 *
 * One thread at a time, with whose queue it steps. Closed by its owner, after that queue.
 */
final class SegmentPreparer implements AutoCloseable {
    /** One sector for the header, the rest zeros. */
    static final int BUFFER_BYTES = 256 << 10;

    /** That its transfers carry. */
    static final long TOKEN = -2;

    private static final int ZEROS_AT = SegmentFormat.HEADER_BYTES;

    private final Disk disk;
    private final SegmentFiles files;
    private final long segmentBytes;
    private final MemoryAccount account;
    private final Slab slab;
    private final LogCounters counters;

    private State state = State.IDLE;
    private boolean isInFlight;
    private @Nullable SegmentHeader header;
    private @Nullable Path path;
    private @Nullable DiskFile file;
    private long filledBytes;
    private @Nullable DiskException full;

    private enum State {
        IDLE,
        FILLING,
        HEADER,
        SYNC,
        READY,
        FULL
    }

    /**
     * @param counters told of what is written
     */
    SegmentPreparer(Disk disk, SegmentFiles files, long segmentBytes, MemoryAccount account, LogCounters counters) {
        this.disk = disk;
        this.files = files;
        this.segmentBytes = segmentBytes;
        this.account = account;
        this.counters = counters;
        this.slab = account.take(BUFFER_BYTES);
        slab.segment().fill((byte) 0);
    }

    boolean isIdle() {
        return state == State.IDLE;
    }

    boolean isReady() {
        return state == State.READY;
    }

    boolean isFull() {
        return state == State.FULL;
    }

    boolean isInFlight() {
        return isInFlight;
    }

    /** Why there was no room for it, or null. */
    @Nullable
    DiskException full() {
        return full;
    }

    void start(SegmentHeader next) {
        assert state == State.IDLE : state;
        assert next.segmentBytes() == segmentBytes : next.segmentBytes();
        header = next;
        full = null; // Whether there is room is to be seen: until then, who appends waits.
        SegmentFormat.write(slab.segment(), 0, next);
        try {
            if (!openSpare()) {
                create();
            }
            open().expectLifetime(DiskFile.Lifetime.SHORT);
        } catch (DiskException e) {
            failed(e);
        }
    }

    /** May start again. */
    void retry() {
        assert state == State.FULL : state;
        state = State.IDLE;
    }

    /** Queues what comes next, if it does not wait for something; answers whether it did. */
    boolean step(IoQueue queue) {
        if (isInFlight) {
            return false;
        }
        switch (state) {
            case IDLE, READY, FULL -> {
                return false;
            }
            case FILLING -> {
                int bytes = (int) Math.min(BUFFER_BYTES - ZEROS_AT, segmentBytes - filledBytes);
                queue.write(open(), filledBytes, slab.segment(), ZEROS_AT, bytes, TOKEN);
            }
            case HEADER -> queue.write(open(), 0, slab.segment(), 0, SegmentFormat.HEADER_BYTES, TOKEN);
            case SYNC -> queue.sync(open(), TOKEN);
        }
        isInFlight = true;
        return true;
    }

    /** Takes the completion of what {@link #step} queued; throws if it failed for another reason than a full disk. */
    void completed(int bytes, @Nullable DiskException failure) {
        assert isInFlight;
        isInFlight = false;
        if (failure != null) {
            failed(failure);
            return;
        }
        counters.prepared(bytes);
        switch (state) {
            case FILLING -> {
                filledBytes += bytes;
                if (filledBytes == segmentBytes) {
                    state = State.HEADER;
                }
            }
            case HEADER -> state = State.SYNC;
            case SYNC -> {
                SegmentHeader prepared = Objects.requireNonNull(header);
                path = files.admit(Objects.requireNonNull(path), prepared.number());
                reopen(path);
                state = State.READY;
            }
            case IDLE, READY, FULL -> throw new IllegalStateException("nothing was in flight: " + state);
        }
    }

    /** By its new name, or errors would tell of a file that is not there. */
    private void reopen(Path named) {
        DiskFile unnamed = open();
        file = disk.open(named, Access.READ_WRITE);
        unnamed.close();
        open().expectLifetime(DiskFile.Lifetime.SHORT);
    }

    /** The segment that is ready, now the caller's. */
    Segment take() {
        assert state == State.READY : state;
        SegmentHeader prepared = Objects.requireNonNull(header);
        var segment = new Segment(prepared.number(), Objects.requireNonNull(path), segmentBytes, open());
        state = State.IDLE;
        file = null;
        path = null;
        return segment;
    }

    /** Gives the memory back. A file that is not ready stays as a spare. */
    @Override
    public void close() {
        DiskFile unfinished = file;
        try {
            if (unfinished != null) {
                file = null;
                unfinished.close();
            }
        } finally {
            account.giveBack(slab);
        }
    }

    private boolean openSpare() {
        for (Path spare = files.takeSpare(); spare != null; spare = files.takeSpare()) {
            DiskFile opened = disk.open(spare, Access.READ_WRITE);
            file = opened; // From here on close() sees to it.
            path = spare;
            if (opened.bytes() == segmentBytes) {
                filledBytes = segmentBytes;
                state = State.HEADER;
                return true;
            }
            file = null;
            path = null;
            opened.close(); // Left over from another configuration, or half filled when the process ended.
            disk.delete(spare);
        }
        return false;
    }

    private void create() {
        Path created = files.newSpare();
        file = disk.create(created);
        path = created;
        filledBytes = 0;
        state = State.FILLING;
    }

    private void failed(DiskException failure) {
        if (failure.kind() != DiskException.Kind.NO_SPACE) {
            throw failure;
        }
        full = failure;
        state = State.FULL;
        DiskFile partial = file;
        if (partial != null) {
            file = null;
            partial.close();
            disk.delete(Objects.requireNonNull(path));
            path = null;
        }
    }

    private DiskFile open() {
        return Objects.requireNonNull(file, "no file");
    }
}
