package io.nyala.simulation;

import io.nyala.io.Completions;
import io.nyala.io.DiskException;
import io.nyala.io.DiskFile;
import io.nyala.io.IoQueue;
import io.nyala.io.Transfers;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Transfers in flight on a simulated disk. They happen when they are handed out, which is some polls after they were
 * queued and in an order drawn from the seed. A caller that touches the memory meanwhile is found out: what a read will
 * fill is garbage until then, and what a write takes must not have changed. One thread, but for {@code wake}; the
 * disk's monitor guards what a power cut needs.
 */
final class SimulatedQueue implements IoQueue {
    private final SimulatedDisk disk;
    private final int depthMax;
    private final long boot;
    private final SplittableRandom random;
    private final List<Transfer> transfers = new ArrayList<>();
    private final IdleGate gate = new IdleGate();
    private long pollCount;
    private boolean isClosed;

    SimulatedQueue(SimulatedDisk disk, int depthMax, SplittableRandom random) {
        Transfers.checkDepth(depthMax);
        this.disk = disk;
        this.depthMax = depthMax;
        this.boot = disk.boot();
        this.random = random;
    }

    @Override
    public void read(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        SimulatedFile target = checked(file);
        Transfers.checkRead(file, position, memory, offset, bytes);
        memory.asSlice(offset, bytes).fill((byte) random.nextInt());
        add(new Transfer(Operation.READ, target, position, memory.asSlice(offset, bytes), token));
    }

    @Override
    public void write(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        SimulatedFile target = checked(file);
        Transfers.checkWrite(file, position, memory, offset, bytes);
        add(new Transfer(Operation.WRITE, target, position, memory.asSlice(offset, bytes), token));
    }

    @Override
    public void writeDurable(DiskFile file, long position, MemorySegment memory, long offset, int bytes, long token) {
        SimulatedFile target = checked(file);
        Transfers.checkWrite(file, position, memory, offset, bytes);
        add(new Transfer(Operation.WRITE_DURABLE, target, position, memory.asSlice(offset, bytes), token));
    }

    @Override
    public void sync(DiskFile file, long token) {
        add(new Transfer(Operation.SYNC, checked(file), 0, MemorySegment.NULL, token));
    }

    @Override
    public int inFlight() {
        return transfers.size();
    }

    @Override
    public int depthMax() {
        return depthMax;
    }

    @Override
    public int poll(Completions completions) {
        checkUsable();
        checkAnswers();
        pollCount++;
        int count = 0;
        // Bounded by what was there at the start: the receiver may queue more.
        for (int left = transfers.size(); left > 0; left--) {
            Transfer transfer = takeReady();
            if (transfer == null) {
                break;
            }
            disk.carryOut(transfer);
            count++;
            completions.completed(transfer.token, transfer.done, transfer.failure);
        }
        return count;
    }

    @Override
    public void await(long nanosMax) {
        checkUsable();
        checkAnswers();
        if (transfers.isEmpty()) {
            if (disk.blocksWhenIdle()) {
                gate.await(nanosMax);
            }
            return;
        }
        long earliest = transfers.stream().mapToLong(each -> each.readyAt).min().getAsLong();
        pollCount = Math.max(pollCount, earliest);
    }

    @Override
    public void wake() {
        gate.open();
    }

    @Override
    public void close() {
        if (!isClosed) {
            isClosed = true;
            checkAnswers();
            disk.closed(this, boot);
            transfers.clear();
        }
    }

    /** What has not been handed out, for a power cut or for the disk to finish when the queue is closed. */
    List<Transfer> inFlightTransfers() {
        return transfers;
    }

    private SimulatedFile checked(DiskFile file) {
        checkUsable();
        if (!(file instanceof SimulatedFile target) || target.disk() != disk) {
            throw new IllegalArgumentException(file.path() + " was opened by another disk");
        }
        target.checkOpen();
        Transfers.checkRoom(transfers.size(), depthMax);
        return target;
    }

    private void checkUsable() {
        disk.checkBoot(boot);
        if (isClosed) {
            throw new IllegalStateException("the queue is closed");
        }
    }

    /** What is in flight stays so where the kernel does not let us ask for it. */
    private void checkAnswers() {
        if (disk.failsQueues() && !transfers.isEmpty()) {
            throw new IllegalStateException(
                    "the kernel refuses to be waited for, with " + transfers.size() + " transfers in flight");
        }
    }

    private void add(Transfer transfer) {
        transfer.readyAt = pollCount + 1 + random.nextInt(disk.delayPollsMax());
        disk.started(transfer, transfers);
    }

    /** One of those whose time has come, by lot. */
    private @Nullable Transfer takeReady() {
        int ready = 0;
        int chosen = -1;
        for (int i = 0; i < transfers.size(); i++) {
            if (transfers.get(i).readyAt <= pollCount && random.nextInt(++ready) == 0) {
                chosen = i;
            }
        }
        return chosen < 0 ? null : disk.taken(transfers, chosen);
    }

    /** One transfer or sync between being queued and being handed out. */
    static final class Transfer {
        final Operation operation;
        final SimulatedFile file;
        final long position;
        final MemorySegment memory;
        final long token;
        final long checksum;
        final long syncSequence;
        long readyAt;
        boolean isLie;
        int done;

        @Nullable
        Call call;

        DiskException.@Nullable Kind plannedFailure;

        @Nullable
        DiskException failure;

        Transfer(Operation operation, SimulatedFile file, long position, MemorySegment memory, long token) {
            this.operation = operation;
            this.file = file;
            this.position = position;
            this.memory = memory;
            this.token = token;
            this.checksum = operation == Operation.READ ? 0 : checksum(memory);
            this.syncSequence = file.inode().sequence();
        }

        boolean isWrite() {
            return operation == Operation.WRITE || operation == Operation.WRITE_DURABLE;
        }

        int bytes() {
            return (int) memory.byteSize();
        }

        void checkUnchanged() {
            if (operation != Operation.READ && checksum(memory) != checksum) {
                throw new AssertionError("the memory of " + call + " was changed while it was in flight");
            }
        }

        /** Does to the file, or to the memory, what was asked for. */
        void carryOut() {
            Inode inode = file.inode();
            int bytes = bytes();
            done = bytes;
            switch (operation) {
                case READ -> done = inode.read(position, memory, 0, bytes);
                case WRITE -> inode.write(position, memory, 0, bytes);
                case WRITE_DURABLE -> {
                    if (isLie) {
                        inode.write(position, memory, 0, bytes);
                    } else {
                        inode.writeDurable(position, memory, 0, bytes);
                    }
                }
                case SYNC -> {
                    if (!isLie) {
                        inode.sync(syncSequence);
                    }
                }
                default -> throw new AssertionError(operation + " is not queued");
            }
        }

        private static long checksum(MemorySegment memory) {
            CRC32C crc = new CRC32C();
            crc.update(memory.asByteBuffer());
            return crc.getValue();
        }
    }
}
