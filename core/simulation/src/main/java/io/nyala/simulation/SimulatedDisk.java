package io.nyala.simulation;

import io.nyala.io.Access;
import io.nyala.io.DirectoryLock;
import io.nyala.io.DirectoryLockedException;
import io.nyala.io.Disk;
import io.nyala.io.DiskException;
import io.nyala.io.DiskException.Kind;
import io.nyala.io.DiskFile;
import io.nyala.io.IoQueue;
import io.nyala.simulation.SimulatedQueue.Transfer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * A disk in memory that behaves as badly as a real one may: completions are delayed and reordered, and a {@link
 * #powerCut} takes what was not synced, in part, torn, data and names each for themselves. Every call can be made to
 * fail, and syncs to lie. All of it is drawn from a seed.
 *
 * <p>Rules that are stricter than most file systems: a sync covers only the writes whose completion was handed out
 * before it was queued; a name survives only through {@link #syncDirectory} of its directory, also that of a synced
 * file; after a failed sync, later ones may not make the same writes durable.
 *
 * <p>Shared by threads, but repeats itself only if one thread drives it.
 */
public final class SimulatedDisk implements Disk {
    /** What a queue that cannot be made is called in errors: it is of no file. */
    public static final Path QUEUE = Path.of("io queue");

    /** Polls that a transfer takes at most. */
    public static final int DELAY_POLLS = 4;

    private final Faults faults = new Faults();
    private final Set<Path> locks = new HashSet<>();
    private final List<SimulatedQueue> queues = new ArrayList<>();
    private final FileTree tree;
    private SplittableRandom random;
    private long capacityBytes = Long.MAX_VALUE;
    private int openFileCount;
    private volatile long boot;
    private volatile boolean isOff;
    private volatile boolean blocksWhenIdle;
    private volatile int delayPollsMax = DELAY_POLLS;

    public SimulatedDisk(SplittableRandom random) {
        this(random, new FileTree(new Directory()));
    }

    private SimulatedDisk(SplittableRandom random, FileTree tree) {
        this.random = random;
        this.tree = tree;
    }

    // What tests do to it.

    /**
     * Loses what was not synced, in an arbitrary part, and everything that is open or in flight. Until {@link #restart}
     * every use throws {@link PowerCutException}; handles from before do so for ever.
     */
    public synchronized void powerCut() {
        Fate fate = new Fate(random.split());
        loseUnfinished(fate, inode -> inode);
        tree.root().cutPower(fate);
        endProcess();
    }

    /**
     * The process dies and the machine goes on: everything that is open is gone and each transfer in flight happens or
     * not, but nothing that was written is lost, synced or not. Until {@link #restart} every use throws {@link
     * PowerCutException}.
     */
    public synchronized void killProcess() {
        for (SimulatedQueue queue : queues) {
            for (Transfer transfer : queue.inFlightTransfers()) {
                if (transfer.isWrite() && transfer.memory.scope().isAlive() && random.nextBoolean()) {
                    transfer.checkUnchanged();
                    transfer.file.inode().write(transfer.position, transfer.memory, 0, transfer.bytes());
                }
            }
        }
        endProcess();
    }

    private synchronized void endProcess() {
        queues.forEach(SimulatedQueue::wake);
        queues.clear();
        locks.clear();
        openFileCount = 0;
        boot++;
        isOff = true;
    }

    /** Whether the power is cut or the process dead, and {@link #restart} is to come. */
    public boolean isOff() {
        return isOff;
    }

    /** Power is back. */
    public synchronized void restart() {
        isOff = false;
    }

    /** Another disk: this one as it might be after a power cut now. This one goes on untouched. */
    public synchronized SimulatedDisk afterPowerCut(long seed) {
        SplittableRandom fork = new SplittableRandom(seed);
        Copies copies = new Copies();
        SimulatedDisk copy = new SimulatedDisk(fork, new FileTree(tree.root().copy(copies)));
        Fate fate = new Fate(fork.split());
        loseUnfinished(fate, copies::of);
        copy.tree.root().cutPower(fate);
        return copy;
    }

    /** Cuts the power when the call of this {@link Call#index} is made, which throws. */
    public synchronized void cutPowerAtCall(long callIndex) {
        faults.cutPowerAt(callIndex);
    }

    /** As {@link #cutPowerAtCall}, but the process dies. */
    public synchronized void killProcessAtCall(long callIndex) {
        faults.killAt(callIndex);
    }

    /** The next call that fits fails. Several of these may be waiting; each is used once. */
    public synchronized void failNext(Predicate<Call> which, Kind kind) {
        faults.failNext(which, kind);
    }

    public void failNext(Operation operation, Kind kind) {
        failNext(call -> call.operation() == operation, kind);
    }

    /** The call of this {@link Call#index} fails, so that a test can let each call of a run fail once. */
    public void failCall(long callIndex, Kind kind) {
        failNext(call -> call.index() == callIndex, kind);
    }

    /** The next read that fits, and finds something, goes wrong without saying so. Several may be waiting. */
    public synchronized void damageNextRead(Predicate<Call> which, ReadDamage damage) {
        faults.damageNext(call -> call.operation() == Operation.READ && which.test(call), damage);
    }

    /** Syncs and durable writes that fit seem to work, but make nothing durable. Replaces an earlier such rule. */
    public synchronized void ignoreSyncs(Predicate<Call> which) {
        faults.ignoreSyncs(which);
    }

    /** Only so many bytes more can be written before {@link Kind#NO_SPACE}; what is deleted counts again. */
    public synchronized void noSpaceAfter(long bytes) {
        capacityBytes = tree.usedBytes() + bytes;
    }

    /** Somebody made room: {@link #noSpaceAfter} no longer holds. */
    public synchronized void unlimitSpace() {
        capacityBytes = Long.MAX_VALUE;
    }

    /** Transfers take up to so many polls from now on; {@link #DELAY_POLLS} unless told. */
    public void delayTransfers(int pollsMax) {
        delayPollsMax = pollsMax;
    }

    /** Whatever was planned to fail and has not yet will not. */
    public synchronized void forgetFailures() {
        faults.forget();
    }

    /** Changes one bit of a file behind everyone's back. */
    public synchronized void flipBit(Path path, long position, int bit) {
        inode("flip", path).flipBit(position, bit);
    }

    /** What a reader would see of a file. */
    public synchronized byte[] contents(Path path) {
        return inode("read", path).contents();
    }

    /** Replaces a file's contents, durably, behind everyone's back. */
    public synchronized void setContents(Path path, byte[] contents) {
        inode("write", path).setContents(contents);
    }

    /** Lets {@code await} wait for {@code wake} when nothing is in flight, for tests with real threads. */
    public void blockWhenIdle() {
        blocksWhenIdle = true;
    }

    /** The last calls, oldest first. */
    public synchronized List<Call> trace() {
        return faults.trace();
    }

    /** Calls so far: the index of the next one. */
    public synchronized long callCount() {
        return faults.callCount();
    }

    public synchronized long callCount(Operation operation) {
        return faults.callCount(operation);
    }

    /** Files that were opened and not closed, to find leaks. */
    public synchronized int openFileCount() {
        return openFileCount;
    }

    // What a disk does.

    @Override
    public String description() {
        return "simulated";
    }

    @Override
    public synchronized DiskFile create(Path path) {
        Call call = begin(Operation.CREATE, path, 0, 0);
        Directory directory = tree.parent(call, path);
        if (directory.find(FileTree.name(path)) != null) {
            throw Faults.exception(call, Kind.EXISTS, "it exists already");
        }
        Inode inode = new Inode();
        directory.put(FileTree.name(path), inode);
        openFileCount++;
        return new SimulatedFile(this, path, Access.READ_WRITE, inode);
    }

    @Override
    public synchronized DiskFile open(Path path, Access access) {
        Call call = begin(Operation.OPEN, path, 0, 0);
        if (!(tree.node(call, path) instanceof Inode inode)) {
            throw Faults.exception(call, Kind.OTHER, "is a directory");
        }
        openFileCount++;
        return new SimulatedFile(this, path, access, inode);
    }

    @Override
    public synchronized void delete(Path path) {
        Call call = begin(Operation.DELETE, path, 0, 0);
        if (tree.node(call, path) instanceof Directory directory
                && !directory.entries().isEmpty()) {
            throw Faults.exception(call, Kind.OTHER, "the directory is not empty");
        }
        tree.parent(call, path).remove(FileTree.name(path));
    }

    @Override
    public synchronized void rename(Path from, Path to) {
        Call call = begin(Operation.RENAME, to, 0, 0);
        Node node = tree.node(call, from);
        Directory source = tree.parent(call, from);
        Directory target = tree.parent(call, to);
        if (target.find(FileTree.name(to)) instanceof Directory) {
            throw Faults.exception(call, Kind.EXISTS, "it is a directory");
        }
        if (source == target) {
            source.move(FileTree.name(from), FileTree.name(to), node);
        } else {
            target.put(FileTree.name(to), node);
            source.remove(FileTree.name(from));
        }
    }

    @Override
    public synchronized boolean exists(Path path) {
        checkOn();
        return tree.find(path) != null;
    }

    @Override
    public synchronized List<Path> list(Path directory) {
        Call call = begin(Operation.LIST, directory, 0, 0);
        return tree.directory(call, directory).entries().keySet().stream()
                .map(directory::resolve)
                .toList();
    }

    @Override
    public synchronized void createDirectories(Path directory) {
        Call call = begin(Operation.CREATE_DIRECTORIES, directory, 0, 0);
        tree.createDirectories(call, directory);
    }

    @Override
    public synchronized void syncDirectory(Path directory) {
        checkOn();
        Call call = note(Operation.SYNC_DIRECTORY, directory, 0, 0);
        Directory synced = tree.directory(call, directory);
        Kind failure = faults.failure(call);
        if (failure != null) {
            synced.dropPending(new Fate(random));
            throw Faults.exception(call, failure, "injected into " + call);
        }
        if (!faults.isLie(call)) {
            synced.sync();
        }
    }

    @Override
    public synchronized DirectoryLock lock(Path directory) {
        Call call = begin(Operation.LOCK, directory, 0, 0);
        tree.directory(call, directory);
        if (!locks.add(FileTree.absolute(directory))) {
            throw new DirectoryLockedException(
                    directory, ProcessHandle.current().pid());
        }
        return new SimulatedLock(this, directory, boot);
    }

    @Override
    public synchronized long usableBytes(Path directory) {
        checkOn();
        return Math.max(0, capacityBytes - tree.usedBytes());
    }

    @Override
    public synchronized IoQueue newQueue(int depthMax) {
        begin(Operation.NEW_QUEUE, QUEUE, 0, 0);
        SimulatedQueue queue = new SimulatedQueue(this, depthMax, random.split());
        queues.add(queue);
        return queue;
    }

    @Override
    public void close() {}

    // What its files and queues ask of it.

    long boot() {
        return boot;
    }

    boolean blocksWhenIdle() {
        return blocksWhenIdle;
    }

    int delayPollsMax() {
        return delayPollsMax;
    }

    void checkBoot(long bootAtOpen) {
        if (bootAtOpen != boot) {
            throw new PowerCutException("a power cut was here: this handle belongs to a dead process");
        }
    }

    synchronized void unlock(Path directory, long bootAtLock) {
        if (bootAtLock == boot) {
            locks.remove(FileTree.absolute(directory));
        }
    }

    synchronized long bytes(Inode inode) {
        return inode.bytes();
    }

    synchronized void closed(long bootAtOpen) {
        openFileCount -= bootAtOpen == boot ? 1 : 0;
    }

    /** What is in flight when a queue is closed still happens, or not. */
    synchronized void closed(SimulatedQueue queue, long bootAtOpen) {
        if (bootAtOpen == boot) {
            for (Transfer transfer : queue.inFlightTransfers()) {
                if (random.nextBoolean()) {
                    carryOut(transfer);
                }
            }
            queues.remove(queue);
        }
    }

    synchronized void change(Operation operation, SimulatedFile file, long position, long bytes, Runnable change) {
        begin(operation, file.path(), position, bytes);
        change.run();
    }

    synchronized void allocate(SimulatedFile file, long bytes) {
        Call call = begin(Operation.ALLOCATE, file.path(), bytes, 0);
        long from = Inode.alignUp(file.inode().bytes());
        if (bytes > from && isWithoutSpace(file.inode().newPageCount(from, bytes - from))) {
            throw Faults.exception(call, Kind.NO_SPACE, "there are " + usableBytes(file.path()) + " bytes left");
        }
        file.inode().allocate(bytes);
    }

    synchronized void started(Transfer transfer, List<Transfer> inFlight) {
        checkOn();
        Call call = note(transfer.operation, transfer.file.path(), transfer.position, transfer.bytes());
        transfer.call = call;
        transfer.plannedFailure = faults.failure(call);
        transfer.isLie = faults.isLie(call);
        inFlight.add(transfer);
    }

    synchronized Transfer taken(List<Transfer> inFlight, int index) {
        return inFlight.remove(index);
    }

    synchronized void carryOut(Transfer transfer) {
        transfer.checkUnchanged();
        Inode inode = transfer.file.inode();
        Kind failure = transfer.plannedFailure;
        if (failure == null && isWithoutSpace(transfer)) {
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

    private boolean isWithoutSpace(Transfer transfer) {
        return capacityBytes != Long.MAX_VALUE
                && transfer.isWrite()
                && isWithoutSpace(transfer.file.inode().newPageCount(transfer.position, transfer.bytes()));
    }

    private boolean isWithoutSpace(int newPages) {
        return newPages > 0 && tree.usedBytes() + (long) newPages * Inode.PAGE_BYTES > capacityBytes;
    }

    /** Writes in flight may have reached the disk in part. */
    private void loseUnfinished(Fate fate, UnaryOperator<Inode> where) {
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

    private Call begin(Operation operation, Path path, long position, long bytes) {
        checkOn();
        Call call = note(operation, path, position, bytes);
        Kind failure = faults.failure(call);
        if (failure != null) {
            throw Faults.exception(call, failure, "injected into " + call);
        }
        return call;
    }

    private Call note(Operation operation, Path path, long position, long bytes) {
        Call call = faults.next(operation, path, position, bytes);
        if (faults.cutsPower(call)) {
            powerCut();
            throw new PowerCutException("power is cut at " + call);
        }
        if (faults.kills(call)) {
            killProcess();
            throw new PowerCutException("the process dies at " + call);
        }
        return call;
    }

    private void checkOn() {
        if (isOff) {
            throw new PowerCutException("there is no power: restart() the disk first");
        }
    }

    private Inode inode(String what, Path path) {
        if (tree.find(path) instanceof Inode inode) {
            return inode;
        }
        throw DiskException.of(what, path, Kind.NOT_FOUND, "no such file");
    }
}
