package io.nyala.io;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Transfers through a ring of one's own. Each has a slot, whose number is the kernel's user data, and keeps its file
 * open and its memory reachable until it is over. After the ring is made, nothing is allocated but for failures.
 *
 * <p>The ring is made on first use, by the thread that then owns the queue, because the kernel ties a ring to its
 * thread. To be woken from elsewhere, a waiting queue has a read of an event counter in its ring, which {@link #wake}
 * completes.
 *
 * <p>If the kernel refuses to be waited for when the queue is closed, it may still read or write the memory of what was
 * in flight: that is told, and stays reachable as long as the disk.
 */
final class RingQueue implements IoQueue {
    /** User data of the read that ends waiting. */
    private static final long WAKE = -1;

    /**
     * In a queue of up to this depth, what takes the place of a transfer is submitted at once: together with others it
     * would leave a device idle, which then works in bursts (docs/PERFORMANCE.md). A deeper queue keeps it busy anyway,
     * and saves the calls.
     */
    private static final int SHALLOW_DEPTH_MAX = 64;

    /**
     * Where the kernel leaves the counts of events of all queues, at which nobody looks. Never freed: it may still do
     * so after a queue is closed.
     */
    private static final MemorySegment EVENT_COUNT = Arena.global().allocate(Long.BYTES, Long.BYTES);

    private final RingDisk disk;
    private final int depthMax;
    private final int togetherMax; // Queued by the receiver of a poll, before they are submitted.
    private final RingSetup best;
    private final boolean isMovable;
    private final Wakeup wakeup = new Wakeup();
    private final Descriptor event;
    private boolean isEventRead;

    private final @Nullable DescriptorFile[] files;
    private final MemorySegment[] memories;
    private final byte[] opcodes;
    private final int[] flags;
    private final long[] positions;
    private final long[] addresses;
    private final int[] byteCounts;
    private final Progress[] progress;
    private final boolean[] isPausing; // In the ring is a pause, and the rest comes after it.
    private final long[] tokens;
    private final int[] freeSlots;
    private int inFlight;

    private @Nullable Ring ring;
    private long ownerId; // Of the thread, once there is a ring.
    private boolean isClosed;

    /**
     * A movable one may go from thread to thread; then completions have to interrupt: with any other setup, that of a
     * read of the event could wait for the thread that had the queue before.
     */
    RingQueue(RingDisk disk, int depthMax, RingSetup best, boolean isMovable) {
        assert !isMovable || best == RingSetup.INTERRUPTING : best + " ties a ring to a thread";
        this.disk = disk;
        this.depthMax = depthMax;
        this.togetherMax = depthMax <= SHALLOW_DEPTH_MAX ? 1 : depthMax;
        this.best = best;
        this.isMovable = isMovable;
        files = new DescriptorFile[depthMax];
        memories = new MemorySegment[depthMax];
        opcodes = new byte[depthMax];
        flags = new int[depthMax];
        positions = new long[depthMax];
        addresses = new long[depthMax];
        byteCounts = new int[depthMax];
        progress = new Progress[depthMax];
        Arrays.setAll(progress, _ -> new Progress());
        isPausing = new boolean[depthMax];
        tokens = new long[depthMax];
        freeSlots = new int[depthMax];
        Arrays.setAll(freeSlots, slot -> slot);
        int fd = Kernel.newEvent();
        if (fd < 0) {
            throw new RingException("eventfd: " + Errno.text(-fd));
        }
        event = new Descriptor(fd);
    }

    @Override
    public void read(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        Transfers.checkRead(file, position, memory, offset, bytes);
        int slot = take(file, Ring.OPCODE_READ, 0, token);
        transfer(slot, position, memory, offset, bytes);
    }

    @Override
    public void write(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        Transfers.checkWrite(file, position, memory, offset, bytes);
        int slot = take(file, Ring.OPCODE_WRITE, 0, token);
        transfer(slot, position, memory, offset, bytes);
    }

    @Override
    public void writeDurable(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        Transfers.checkWrite(file, position, memory, offset, bytes);
        int slot = take(file, Ring.OPCODE_WRITE, Ring.RWF_DSYNC, token);
        transfer(slot, position, memory, offset, bytes);
    }

    @Override
    public void sync(DiskFile file, long token) {
        int slot = take(file, Ring.OPCODE_FSYNC, Ring.FSYNC_DATASYNC, token);
        transfer(slot, 0, MemorySegment.NULL, 0, 0);
    }

    @Override
    public int inFlight() {
        return inFlight;
    }

    @Override
    public int depthMax() {
        return depthMax;
    }

    @Override
    public int poll(Completions completions) {
        Ring own = ring();
        if (inFlight == 0) {
            return 0;
        }
        own.submit();
        int count = 0;
        for (int left = depthMax;
                left > 0 && own.hasCompletion();
                left--) { // Bounded, though the receiver queues more.
            count += next(own, completions) ? 1 : 0;
            if (own.unsubmitted() >= togetherMax) {
                own.submit();
            }
        }
        if (own.unsubmitted() > 0) {
            own.submit(); // The rest of short transfers, and what the receiver has queued.
        }
        return count;
    }

    @Override
    public void await(long nanosMax) {
        Ring own = ring();
        if (own.hasCompletion() && own.userData() == WAKE) {
            takeWake(own); // Of an earlier waiting that ended for another reason.
        }
        if (own.hasCompletion() || !wakeup.prepare()) {
            own.submit();
            return;
        }
        if (!isEventRead) {
            isEventRead = true;
            long entry = own.add(Ring.OPCODE_READ, event.fd(), 0, WAKE);
            own.place(entry, 0, EVENT_COUNT.address(), Long.BYTES);
        }
        try {
            own.submitAndWait(nanosMax);
        } finally {
            wakeup.finish(); // Also if the ring fails: wakers must not take its owner for one who waits.
        }
    }

    @Override
    public void wake() {
        if (wakeup.signal() && event.acquire()) {
            Kernel.raiseEvent(event.fd());
            event.release();
        }
    }

    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        Ring own = ring;
        if (own == null) {
            isClosed = true;
            closeParts(null);
            return;
        }
        if (inFlight > 0) {
            checkOwner();
        }
        isClosed = true;
        try {
            finishAll(own);
        } catch (RingException e) {
            throw abandoned(e);
        } finally {
            closeParts(own);
        }
    }

    /** The kernel may not be done with what is in flight, and cannot be asked. */
    private RingException abandoned(RingException cause) {
        int count = inFlight;
        long bytes = 0;
        for (int slot = 0; slot < depthMax; slot++) {
            if (files[slot] != null) {
                bytes += byteCounts[slot];
                disk.keep(memories[slot], byteCounts[slot]);
            }
        }
        String message = String.format(
                Locale.ROOT,
                "%s; %,d transfers are in flight for ever, and %,d bytes of memory must not be used again",
                cause.getMessage(),
                count,
                bytes);
        return new RingException(message, cause);
    }

    private void closeParts(@Nullable Ring own) {
        if (own != null) {
            own.close(); // Cancels the read of the event.
        }
        for (int slot = 0; slot < depthMax; slot++) {
            if (files[slot] != null) { // The kernel itself keeps the files open that it needs.
                free(slot);
            }
        }
        event.close();
    }

    /** Nobody hears of these any more, but the kernel must be done with their memory. */
    private void finishAll(Ring own) {
        while (inFlight > 0) {
            own.submitAndWait(Long.MAX_VALUE);
            while (own.hasCompletion()) {
                long slot = own.userData();
                own.removeCompletion();
                if (slot != WAKE) {
                    free((int) slot);
                }
            }
        }
    }

    /** Takes the oldest completion; true if a transfer is over. */
    private boolean next(Ring own, Completions completions) {
        if (own.userData() == WAKE) {
            takeWake(own);
            return false;
        }
        int slot = (int) own.userData();
        int result = own.result();
        own.removeCompletion();
        if (isPausing[slot]) { // Its result is that the time is up.
            isPausing[slot] = false;
            submit(own, slot);
            return false;
        }
        int outcome = progress[slot].settle(result);
        if (outcome == Progress.END_UNKNOWN) {
            outcome = progress[slot].settleWithin(Kernel.bytes(file(slot).fd()));
        }
        if (outcome == Progress.LATER) {
            isPausing[slot] = true;
            own.addPause(progress[slot].pauseNanos(), slot);
            return false;
        }
        if (outcome == Progress.REST) {
            submit(own, slot);
            return false;
        }
        DiskException failure = outcome == Progress.OVER ? null : failure(slot, outcome);
        long token = tokens[slot];
        int done = progress[slot].doneBytes();
        free(slot); // First, so that the receiver can queue another.
        completions.completed(token, done, failure);
        return true;
    }

    private void takeWake(Ring own) {
        own.removeCompletion();
        isEventRead = false;
    }

    private DiskException failure(int slot, int errno) {
        DescriptorFile file = file(slot);
        return switch (opcodes[slot]) {
            case Ring.OPCODE_FSYNC -> Errno.exception("sync", file.path(), errno);
            case Ring.OPCODE_READ -> failure("read", slot, errno);
            default -> failure(flags[slot] == Ring.RWF_DSYNC ? "durable write" : "write", slot, errno);
        };
    }

    private DiskException failure(String operation, int slot, int errno) {
        return DiskException.ofTransfer(
                operation, file(slot).path(), positions[slot], byteCounts[slot], Errno.kind(errno), Errno.text(errno));
    }

    private int take(DiskFile file, byte opcode, int operationFlags, long token) {
        ring();
        if (!(file instanceof DescriptorFile target)) {
            throw new IllegalArgumentException(file.path() + " was opened by another kind of disk: "
                    + file.getClass().getSimpleName());
        }
        Transfers.checkRoom(inFlight, depthMax);
        target.acquire(); // Until free.
        int slot = freeSlots[depthMax - 1 - inFlight];
        inFlight++;
        files[slot] = target;
        opcodes[slot] = opcode;
        flags[slot] = operationFlags;
        tokens[slot] = token;
        return slot;
    }

    private void transfer(int slot, long position, MemorySegment memory, long offset, int bytes) {
        memories[slot] = memory;
        positions[slot] = position;
        addresses[slot] = memory.address() + offset;
        byteCounts[slot] = bytes;
        progress[slot].begin(opcodes[slot] == Ring.OPCODE_READ, position, bytes);
        submit(ring(), slot);
    }

    private void submit(Ring own, int slot) {
        int done = progress[slot].doneBytes();
        DescriptorFile file = file(slot);
        long entry = own.add(opcodes[slot], file.fd(), flags[slot], slot);
        own.place(entry, positions[slot] + done, addresses[slot] + done, byteCounts[slot] - done);
    }

    private void free(int slot) {
        file(slot).release();
        files[slot] = null;
        isPausing[slot] = false;
        memories[slot] = MemorySegment.NULL;
        inFlight--;
        freeSlots[depthMax - 1 - inFlight] = slot;
    }

    private DescriptorFile file(int slot) {
        return Objects.requireNonNull(files[slot], "the slot is free");
    }

    /** The ring, which is made if there is none yet; for this thread only. */
    Ring ring() {
        Ring own = ring;
        if (own != null && ownerId == Thread.currentThread().threadId() && !isClosed) {
            return own;
        }
        if (isClosed) {
            throw new IllegalStateException("the queue is closed");
        }
        if (own != null) {
            checkOwner();
            return own;
        }
        ownerId = Thread.currentThread().threadId();
        // One more for the read of the event. A virtual thread changes its kernel thread now and then.
        own = new Ring(disk.kernel(), depthMax + 1, Thread.currentThread().isVirtual() ? RingSetup.INTERRUPTING : best);
        ring = own;
        return own;
    }

    private void checkOwner() {
        if (ownerId != Thread.currentThread().threadId() && !isMovable) {
            throw new IllegalStateException("the queue belongs to thread " + ownerId + ", but " + Thread.currentThread()
                    + " uses it, with " + inFlight + " transfers in flight");
        }
    }
}
