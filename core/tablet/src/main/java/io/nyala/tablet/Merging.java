package io.nyala.tablet;

import io.nyala.compaction.MergePlaces;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryLimitException;
import io.nyala.memrowset.DeltaMemStore;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether rowsets of a tablet, or delta files, are being merged, and whether they may be. While rowsets are, their
 * changes in memory are flushed only with the outcome. Thread-safe.
 */
public final class Merging {
    private final Pressure pressure;
    private volatile @Nullable Task running;
    private volatile boolean isPaused;
    private volatile boolean isFlushOwed;
    private volatile Pressure.@Nullable SetAside setAside; // While rowsets are merged.

    /** Rowsets that are not to be merged before the history mark is so far. */
    private final Map<Long, Long> apart = new ConcurrentHashMap<>();

    // Guarded by this.
    private int lostCount;
    private final List<Runnable> freedLater = new ArrayList<>();

    Merging(Pressure pressure) {
        this.pressure = pressure;
    }

    /**
     * What puts files of a tablet in the place of others, from its claim to its swap, in steps. Belongs to a
     * maintenance worker.
     */
    public sealed interface Task permits MergeTask, DeltaMergeTask {
        Tablet tablet();

        /**
         * Does one bounded piece; answers whether it got anywhere. When it did not, the writer or the log will wake the
         * worker.
         */
        boolean step();

        /** Whether the outputs are in the place of the inputs. */
        boolean isDone();

        /**
         * Gives back what an unfinished one holds, and deletes files that are surely not part of the tablet; the inputs
         * go on. Nothing happens if the swap was asked for: the writer runs it even if it is closed.
         */
        void abort();

        /**
         * Takes its files from a worker that is not heard of, so that another one can have them; false if it is too
         * late for that, since its outputs are about to take their place. If that worker comes back, its next step says
         * that by {@link TakenOverException}, what it has written is refused, and it aborts. By maintenance.
         */
        boolean takeOver();

        /** Whether it has changes in memory, so that a flush of them follows it. */
        boolean hasChanges();

        /** What it is, in words. */
        String describe();

        /** Of what it reads: files, and changes in memory. */
        long readBytes();

        /** Of the files that it has written. */
        long writtenBytes();

        /** About how much it has read and written so far. By its worker. */
        long movedBytes();
    }

    /**
     * How far a merge is.
     *
     * @param rowSetCount rowsets that become others
     * @param rowsWritten rows that are in the outputs
     * @param rowsMax rows of the inputs: at most so many will be
     */
    public record Progress(int rowSetCount, long rowsWritten, long rowsMax) {}

    /**
     * The outputs of a merge that will take a rowset's place: what happens to its rows until then happens there too.
     *
     * @param merging what is set aside there pays for what is carried over
     * @param input index of the rowset among the inputs that are read, -1 for one that is not
     * @param below of each output what came before it took changes: carried over
     */
    record Successors(
            Merging merging, MergePlaces places, int input, List<LiveRowSet> rowSets, List<DeltaMemStore> below) {
        /** Where the change of a row goes: never nowhere, since a row that was dropped was deleted before. */
        private int place(long ordinal) {
            int place = input < 0 ? MergePlaces.NONE : places.place(input, ordinal);
            if (place == MergePlaces.NONE) {
                throw new IllegalStateException("row " + ordinal + " of input " + input
                        + " of a merge changes, and is in no output, because it was deleted");
            }
            return place;
        }

        private LiveRowSet rowSet(int place) {
            return rowSets.get(MergePlaces.output(place));
        }

        /** Carries the change over that a cursor stands on. */
        void carry(DeltaSource.Cursor change) {
            int place = place(change.ordinal());
            DeltaMemStore target = below.get(MergePlaces.output(place));
            merging.makeRoom(target, change.changeBytes());
            if (RowChange.kind(change.memory(), change.changeOffset()) == RowChange.DELETE) {
                target.delete(MergePlaces.ordinal(place), change.time());
            } else {
                target.update(
                        MergePlaces.ordinal(place),
                        change.memory(),
                        change.changeOffset(),
                        change.changeBytes(),
                        change.time());
            }
        }

        void expectChange(int effectBytesMax) {
            for (int i = 0; i < rowSets.size(); i++) {
                rowSets.get(i).expectChange(effectBytesMax); // Which one it is of shows when it is applied.
            }
        }

        /** Of several inputs the first reserves what all expect. */
        boolean reserveExpected(long nextSequence) {
            boolean isReserved = true;
            for (int i = 0; i < rowSets.size(); i++) {
                isReserved &= rowSets.get(i).reserveIfExpected(nextSequence);
            }
            return isReserved;
        }

        void apply(long ordinal, MemorySegment memory, long effect, long time) {
            int place = place(ordinal);
            rowSet(place).apply(MergePlaces.ordinal(place), memory, effect, time);
        }
    }

    /** What a worker hears that has lost its claim to another one. */
    public static final class TakenOverException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public TakenOverException(Task lost) {
            super(lost.describe() + " of tablet " + lost.tablet().id()
                    + " was taken from its worker, which was not heard of for too long; it is done anew by another"
                    + " one, see why reading or writing its files hangs");
        }
    }

    /** A rowset cannot be merged for now; others are merged without it from now on. */
    public static final class KeptApartException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final long fileId;

        KeptApartException(long fileId, RuntimeException cause) {
            super(cause.getMessage(), cause);
            this.fileId = fileId;
        }

        /** Of the rowset. */
        public long fileId() {
            return fileId;
        }
    }

    /** Whether something has rowsets or delta files of the tablet. */
    public boolean isRunning() {
        return running != null;
    }

    /** Whether a flush waits for the end of what is running. */
    public boolean isFlushOwed() {
        return isFlushOwed;
    }

    /** Whether a worker may be using something of the tablet: what it has claimed, or what was taken from it. */
    public synchronized boolean isInUse() {
        return running != null || lostCount > 0;
    }

    /** Takes what is running from its worker, if {@code claims} can be: until that is back it may be reading them. */
    boolean takeOver(BooleanSupplier claims) {
        synchronized (this) {
            lostCount++; // Before somebody else has them, and frees what they have become.
        }
        boolean isTaken = claims.getAsBoolean();
        if (isTaken) {
            running(null);
        } else {
            workerBack();
        }
        return isTaken;
    }

    /** A worker that was lost has come back and let go of all, or was not lost after all. */
    void workerBack() {
        List<Runnable> freed;
        synchronized (this) {
            lostCount--;
            if (lostCount > 0 || freedLater.isEmpty()) {
                return;
            }
            freed = List.copyOf(freedLater);
            freedLater.clear();
        }
        RowSetMap.runAll(freed.iterator());
    }

    /** Frees what no reader has any more: not before workers that were lost are back, which might be reading it. */
    void free(Runnable closer) {
        synchronized (this) {
            if (lostCount > 0) {
                freedLater.add(closer);
                return;
            }
        }
        closer.run();
    }

    /**
     * Whether a flush has to leave changes to what is running, or is to wait for its end, since the files must not
     * change any more.
     */
    public boolean isAheadOfFlush() {
        Task present = running;
        return present != null && (present.hasChanges() || isPaused);
    }

    /** What has rowsets or delta files of the tablet, in words. */
    public Optional<String> describe() {
        return Optional.ofNullable(running).map(Task::describe);
    }

    /** The part of it that is done, of what has rowsets or delta files of the tablet. */
    public OptionalDouble share() {
        return switch (running) {
            case null -> OptionalDouble.empty();
            case MergeTask merge ->
                OptionalDouble.of((double) merge.progress().rowsWritten()
                        / Math.max(1, merge.progress().rowsMax()));
            case DeltaMergeTask merge -> OptionalDouble.of(merge.share());
        };
    }

    /** How far the merge is that has rowsets of the tablet, if one has. */
    public Optional<Merging.Progress> progress() {
        return running instanceof MergeTask merge ? Optional.of(merge.progress()) : Optional.empty();
    }

    /** A rowset cannot be merged before what is visible now is forgotten: others are merged without it. */
    void keepApart(long fileId, long visible) {
        apart.put(fileId, visible);
    }

    /** Whether it is in vain to merge a rowset by itself, or with others, at a history mark. */
    boolean isApart(long fileId, long mark) {
        Long until = apart.get(fileId);
        return until != null && mark < until;
    }

    /** They are the tablet's no more. */
    void forget(List<LiveRowSet> merged) {
        merged.forEach(rowSet -> apart.remove(rowSet.base().fileId()));
    }

    /** Whether one may begin: one at a time in a tablet. */
    boolean mayBegin() {
        return !isPaused && running == null;
    }

    /** By the worker; null for none. */
    void running(@Nullable Task task) {
        setAside(null); // Before another one may begin, which has its own.
        running = task;
        if (task == null) {
            askForWhatIsOwed();
        }
    }

    /** A merge has all changes of rowsets up to now: those that come are carried over. By the writer. */
    void begins(List<LiveRowSet> inputs, MemoryAccount account) {
        setAside(new Pressure.SetAside(inputs, account));
    }

    /** What comes from now on goes to the outputs, too, and reserves its memory there. By the writer. */
    void handedOver() {
        Pressure.SetAside present = setAside;
        if (present != null) {
            present.endsHere();
        }
    }

    private void setAside(Pressure.@Nullable SetAside next) {
        Pressure.SetAside before = setAside;
        setAside = next;
        if (before != null) {
            before.close();
        }
    }

    /** For what comes of an input of the merge that is read, or of one that is not: then it is -1. */
    Successors successors(MergePlaces places, int input, List<LiveRowSet> outputs, List<DeltaMemStore> below) {
        return new Successors(this, places, input, List.copyOf(outputs), List.copyOf(below));
    }

    /** Whether what has come since can be carried over: if not, writers wait for the end of the merge. The writer. */
    boolean canCarryOver() {
        Pressure.SetAside present = setAside;
        return present == null || present.ensure();
    }

    /** By who carries over. */
    private void makeRoom(DeltaMemStore target, int changeBytes) {
        while (!target.reserve(changeBytes, 1)) {
            Pressure.SetAside present = setAside;
            if (present == null || !present.release()) {
                throw new MemoryLimitException("no memory to carry a change of " + changeBytes + " bytes over to a"
                        + " rowset that was merged; the merge is tried again. Raise memoryBytes if that happens often");
            }
        }
    }

    /**
     * What a merge has in memory is to be flushed when that is over. (Both fields are volatile: who sets the second one
     * sees the first.)
     */
    public void oweFlush() {
        isFlushOwed = true;
        if (running == null) {
            askForWhatIsOwed();
        }
    }

    private void askForWhatIsOwed() {
        if (isFlushOwed) {
            isFlushOwed = false;
            pressure.wantChangeFlush();
        }
    }

    /**
     * No merge begins until {@link #goOn}: another tablet is to take the place of this one, with the same rowsets. One
     * that is under way is over when a flush that is asked for afterwards has ended.
     */
    public void pause() {
        isPaused = true;
    }

    public void goOn() {
        isPaused = false;
    }

    public boolean isPaused() {
        return isPaused;
    }

    /**
     * Who replaces something of a rowset at the moment, if anybody does: one at a time, by compare-and-set, with an
     * epoch that grows with each claim and each end of one.
     *
     * <pre>{@code
     *   free(e) -- tryRows ------> rows(e + 1) -----------+-- end, revoke ----> free(e + 2)
     *         '--- tryDeltaFiles -> delta files(e + 1) ---'
     *                                      '-- tryCommit --> committed(e + 1) -- end --> free(e + 2)
     * }</pre>
     *
     * <p>Of a claim that is revoked the result is refused, since it cannot be committed; one that is committed cannot
     * be revoked. Who claims several rowsets commits the first claim, and who revokes them revokes that one first.
     *
     * <p>Who has its rows has its changes too, and nothing else is done with these. Who has its delta files has those
     * that there were: changes in memory are flushed behind them meanwhile. Thread-safe.
     */
    static final class Claim {
        /** What {@link #tryRows} and {@link #tryDeltaFiles} answer if it is taken. */
        static final long NONE = 0;

        private static final long FREE = 0;
        private static final long ROWS = 1;
        private static final long DELTA_FILES = 2;
        private static final long KIND = 3;
        private static final long COMMITTED = 4;
        private static final long EPOCH = COMMITTED << 1;

        private final AtomicLong state = new AtomicLong();

        /** Takes it for a merge. */
        long tryRows() {
            return tryTake(ROWS);
        }

        /** Takes it for something that puts delta files in the place of others. */
        long tryDeltaFiles() {
            return tryTake(DELTA_FILES);
        }

        private long tryTake(long kind) {
            long before = state.get();
            long after = before + EPOCH + kind;
            return (before & KIND) == FREE && state.compareAndSet(before, after) ? after : NONE;
        }

        /** Whether somebody has its rows, and so its changes. */
        boolean isOfRows() {
            return (state.get() & KIND) == ROWS;
        }

        /** Whether a claim holds still, committed or not: if not, its result must not be used. */
        boolean isHeld(long claimed) {
            return claimed != NONE && (state.get() & ~COMMITTED) == claimed;
        }

        /** From now on the claim is its worker's until its end; false if it was revoked before. */
        boolean tryCommit(long claimed) {
            return state.compareAndSet(claimed, claimed | COMMITTED) || state.get() == (claimed | COMMITTED);
        }

        /** Takes the claim from its worker; false if that has committed it, or it is over. */
        boolean revoke(long claimed) {
            return state.compareAndSet(claimed, free(claimed));
        }

        /** Ends a claim; nothing happens if it was over before. */
        void end(long claimed) {
            if (claimed != NONE && !revoke(claimed)) {
                state.compareAndSet(claimed | COMMITTED, free(claimed));
            }
        }

        private static long free(long claimed) {
            return (claimed & ~KIND) + EPOCH;
        }
    }

    /** Claims of the rows of several rowsets: all of them are held, committed and taken as the first one is. */
    static final class Claims {
        private final List<Claim> claims;
        private final long[] held;

        private Claims(List<Claim> claims) {
            this.claims = claims;
            this.held = new long[claims.size()];
        }

        /** Null if somebody has one of them. */
        static @Nullable Claims tryRows(List<LiveRowSet> rowSets) {
            var claims = new Claims(rowSets.stream().map(LiveRowSet::claim).toList());
            for (int i = 0; i < claims.held.length; i++) {
                claims.held[i] = claims.claims.get(i).tryRows();
                if (claims.held[i] == Claim.NONE) {
                    claims.end();
                    return null;
                }
            }
            return claims;
        }

        boolean isHeld() {
            return claims.getFirst().isHeld(held[0]);
        }

        boolean tryCommit() {
            return claims.getFirst().tryCommit(held[0]);
        }

        boolean revoke() {
            boolean isRevoked = claims.getFirst().revoke(held[0]);
            if (isRevoked) {
                end();
            }
            return isRevoked;
        }

        void end() {
            for (int i = 0; i < held.length; i++) {
                claims.get(i).end(held[i]);
            }
        }
    }
}
