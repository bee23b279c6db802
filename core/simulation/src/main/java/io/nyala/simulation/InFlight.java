package io.nyala.simulation;

import io.nyala.io.DiskException.Kind;
import io.nyala.simulation.SimulatedQueue.Transfer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;

/**
 * The queues of a simulated disk, and what becomes of the transfers in them: carried out, failed, damaged, or lost in
 * an arbitrary part. Guarded by the disk's monitor.
 */
final class InFlight {
    private final Faults faults;
    private final Space space;
    private final SplittableRandom random;
    private final List<SimulatedQueue> queues = new ArrayList<>();

    InFlight(Faults faults, Space space, SplittableRandom random) {
        this.faults = faults;
        this.space = space;
        this.random = random;
    }

    void add(SimulatedQueue queue) {
        queues.add(queue);
    }

    /** The process that had the queues is dead. */
    void forget() {
        queues.forEach(SimulatedQueue::wake);
        queues.clear();
    }

    /** What is in flight when a queue is closed still happens, or not. */
    void closed(SimulatedQueue queue) {
        for (Transfer transfer : queue.inFlightTransfers()) {
            if (random.nextBoolean()) {
                carryOut(transfer);
            }
        }
        queues.remove(queue);
    }

    void carryOut(Transfer transfer) {
        transfer.checkUnchanged();
        Inode inode = transfer.file.inode();
        Kind failure = transfer.plannedFailure;
        if (failure == null && !space.has(transfer)) {
            failure = Kind.NO_SPACE;
        }
        if (failure != null) {
            fail(transfer, inode, failure);
            return;
        }
        transfer.carryOut();
        ReadDamage damage = transfer.done == 0 ? null : faults.damage(Objects.requireNonNull(transfer.call));
        if (damage != null) {
            transfer.done = damage.apply(inode, transfer.position, transfer.memory, transfer.done, random);
        }
    }

    /** A failed write may have changed a part; a failed sync lets the kernel forget what it should have written. */
    private void fail(Transfer transfer, Inode inode, Kind failure) {
        Call call = Objects.requireNonNull(transfer.call, "a transfer that was never started");
        if (transfer.isWrite()) {
            int written = random.nextInt(transfer.bytes() / Inode.PAGE_BYTES) * Inode.PAGE_BYTES;
            if (written > 0 && failure != Kind.NO_SPACE) {
                inode.write(transfer.position, transfer.memory, 0, written);
            }
        }
        if (transfer.operation == Operation.SYNC
                || (transfer.operation == Operation.WRITE_DURABLE && failure == Kind.IO_ERROR)) {
            inode.dropPending(new Fate(random));
        }
        transfer.failure = Faults.exception(call, failure, "injected into " + call);
    }

    /** The power is cut: writes may have reached the disk in part. */
    void lose(Fate fate, UnaryOperator<Inode> where) {
        for (SimulatedQueue queue : queues) {
            for (Transfer transfer : queue.inFlightTransfers()) {
                if (transfer.isWrite() && transfer.memory.scope().isAlive() && fate.coin()) {
                    transfer.checkUnchanged();
                    where.apply(transfer.file.inode())
                            .writeUnseen(transfer.position, transfer.memory, 0, transfer.bytes());
                }
            }
        }
    }

    /** The process dies: each write happens or not. */
    void finishSome() {
        for (SimulatedQueue queue : queues) {
            for (Transfer transfer : queue.inFlightTransfers()) {
                if (transfer.isWrite() && transfer.memory.scope().isAlive() && random.nextBoolean()) {
                    transfer.checkUnchanged();
                    transfer.file.inode().write(transfer.position, transfer.memory, 0, transfer.bytes());
                }
            }
        }
    }
}
