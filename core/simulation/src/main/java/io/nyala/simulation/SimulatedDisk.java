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
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Predicate;

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
    private final FileTree tree;
    private final Space space;
    private final SplittableRandom random;
    private final InFlight inFlight;
    private int openFileCount;
    private volatile long boot;
    private volatile boolean isOff;
    private volatile boolean blocksWhenIdle;
    private volatile boolean failsQueues;
    private volatile int delayPollsMax = DELAY_POLLS;

    public SimulatedDisk(SplittableRandom random) {
        this(random, new FileTree(new Directory()));
    }

    private SimulatedDisk(SplittableRandom random, FileTree tree) {
        this.random = random;
        this.tree = tree;
        this.space = new Space(tree);
        this.inFlight = new InFlight(faults, space, random);
    }

    // What tests do to it.

    /**
     * Loses what was not synced, in an arbitrary part, and everything that is open or in flight. Until {@link #restart}
     * every use throws {@link PowerCutException}; handles from before do so for ever.
     */
    public synchronized void powerCut() {
        Fate fate = new Fate(random.split());
        inFlight.lose(fate, inode -> inode);
        tree.root().cutPower(fate);
        endProcess();
    }

    /**
     * The process dies and the machine goes on: everything that is open is gone and each transfer in flight happens or
     * not, but nothing that was written is lost, synced or not. Until {@link #restart} every use throws {@link
     * PowerCutException}.
     */
    public synchronized void killProcess() {
        inFlight.finishSome();
        endProcess();
    }

    private synchronized void endProcess() {
        inFlight.forget();
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
        inFlight.lose(fate, copies::of);
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

    /** The next call that fits, and is no query, fails. Several of these may be waiting; each is used once. */
    public synchronized void failNext(Predicate<Call> which, Kind kind) {
        faults.failNext(which, kind);
    }

    public synchronized void failNext(Operation operation, Kind kind) {
        if (operation.isQuery()) {
            faults.failNextQuery(call -> call.operation() == operation, kind);
        } else {
            faults.failNext(call -> call.operation() == operation, kind);
        }
    }

    /**
     * The call or query of this {@link Call#index} fails, so that a test can let each call of a run fail once.
     */
    public synchronized void failCall(long callIndex, Kind kind) {
        if (callIndex < 0) {
            faults.failNextQuery(call -> call.index() == callIndex, kind);
        } else {
            faults.failNext(call -> call.index() == callIndex, kind);
        }
    }

    /**
     * The next call that fits takes long: {@code meanwhile} runs within it, on its thread, which may use the disk, but
     * no queue of its caller's. Several of these may be waiting; each is used once.
     */
    public synchronized void hangNext(Predicate<Call> which, Runnable meanwhile) {
        faults.hangNext(which, meanwhile);
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
        space.limitTo(bytes);
    }

    /** Somebody made room: {@link #noSpaceAfter} no longer holds. */
    public synchronized void unlimitSpace() {
        space.unlimit();
    }

    /**
     * From now on the kernel refuses to be asked for completions: a queue with something in flight can neither be
     * polled nor awaited nor closed. What is in flight may still happen at any time.
     */
    public void failQueues(boolean isFailing) {
        failsQueues = isFailing;
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

    /** The last calls, without queries, oldest first. */
    public synchronized List<Call> trace() {
        return faults.trace();
    }

    /** Calls so far, without queries: the index of the next one. */
    public synchronized long callCount() {
        return faults.callCount();
    }

    public synchronized long callCount(Operation operation) {
        return faults.callCount(operation);
    }

    /** Queries so far: the index of the next one is {@code -1} less this. */
    public synchronized long queryCount() {
        return faults.queryCount();
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
        begin(Operation.EXISTS, path, 0, 0);
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
        begin(Operation.USABLE_BYTES, directory, 0, 0);
        return space.usableBytes();
    }

    @Override
    public synchronized IoQueue newQueue(int depthMax) {
        begin(Operation.NEW_QUEUE, QUEUE, 0, 0);
        SimulatedQueue queue = new SimulatedQueue(this, depthMax, random.split());
        inFlight.add(queue);
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

    boolean failsQueues() {
        return failsQueues;
    }

    synchronized long bytes(SimulatedFile file) {
        begin(Operation.LENGTH, file.path(), 0, 0);
        return file.inode().bytes();
    }

    /** A file is closed also where that fails. */
    synchronized void closed(SimulatedFile file, long bootAtOpen) {
        if (bootAtOpen == boot && !isOff) {
            openFileCount--;
            begin(Operation.CLOSE, file.path(), 0, 0);
        }
    }

    synchronized void closed(SimulatedQueue queue, long bootAtOpen) {
        if (bootAtOpen == boot) {
            inFlight.closed(queue);
        }
    }

    synchronized void change(Operation operation, SimulatedFile file, long position, long bytes, Runnable change) {
        begin(operation, file.path(), position, bytes);
        change.run();
    }

    synchronized void allocate(SimulatedFile file, long bytes) {
        Call call = begin(Operation.ALLOCATE, file.path(), bytes, 0);
        long from = Inode.alignUp(file.inode().bytes());
        if (bytes > from && !space.has(file.inode().newPageCount(from, bytes - from))) {
            throw Faults.exception(call, Kind.NO_SPACE, "there are " + space.usableBytes() + " bytes left");
        }
        file.inode().allocate(bytes);
    }

    synchronized void started(Transfer transfer, List<Transfer> transfers) {
        checkOn();
        Call call = note(transfer.operation, transfer.file.path(), transfer.position, transfer.bytes());
        transfer.call = call;
        transfer.plannedFailure = faults.failure(call);
        transfer.isLie = faults.isLie(call);
        transfers.add(transfer);
    }

    synchronized Transfer taken(List<Transfer> transfers, int index) {
        return transfers.remove(index);
    }

    synchronized void carryOut(Transfer transfer) {
        inFlight.carryOut(transfer);
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
        Runnable meanwhile = faults.hang(call);
        if (meanwhile != null) {
            meanwhile.run();
            checkOn();
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
