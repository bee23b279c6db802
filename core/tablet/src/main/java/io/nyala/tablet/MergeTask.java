package io.nyala.tablet;

import io.nyala.compaction.Flush;
import io.nyala.compaction.MergePlaces;
import io.nyala.compaction.MergeSource;
import io.nyala.compaction.RewriteSource;
import io.nyala.diskrowset.DiskRowSet;
import io.nyala.diskrowset.RowSetOutput;
import io.nyala.memrowset.DeltaMemStore;
import io.nyala.rows.DeltaSource;
import io.nyala.wal.LogFullException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One merge of rowsets from its claim to its swap, in steps. Belongs to a maintenance worker.
 *
 * <pre>{@code
 *   worker                                        writer
 *   claim the inputs                         ->   freeze their changes: the merge has them up to here
 *   write the outputs                             (changes go to the inputs)
 *                                            ->   freeze what came since: from here on changes go to both
 *   carry it over, below what comes
 *   one edit: outputs in the place of inputs
 *                                            ->   swap: the map has the outputs
 * }</pre>
 *
 * <p>Inputs of which no row can be seen any more are not read: where there are no others, a merge is its edit.
 *
 * <p>Until the outputs take changes, the inputs can be taken from a worker that is not heard of ({@link #takeOver}):
 * the writer lets the outputs take changes only if its claim holds, and from then on nobody takes it.
 *
 * <p>The writer carries nothing over, however much came while the outputs were written: so none of its steps takes
 * longer for that. What was frozen goes to a store of its own for each output, which is put below the changes that the
 * writer has applied there when the output comes into the map.
 *
 * <p>Nothing can fail between the edit and the swap, since the outputs have everything already. Before the edit a merge
 * can be given up at any point: the inputs have everything, too. A crash before the edit leaves orphan files, whose ids
 * are logged; after it the log records since the freeze are applied to the outputs.
 */
public final class MergeTask implements Merging.Task {
    private enum Stage {
        START,
        FREEZING,
        AWAIT_LOG,
        WRITING,
        WRITTEN,
        HANDING_OVER,
        CARRYING,
        COMMITTING,
        SWAPPING,
        DONE
    }

    /** Bounded as a step of writing is. */
    static final int CHANGES_PER_STEP = 1024;

    private final Tablet tablet;
    private final FlushContext context;
    private final WriterAgent.Command writer;
    private final List<LiveRowSet> inputs;
    private final Merging.Claims claims;
    private final long rowsMax;
    private final List<LiveRowSet> outputs = new ArrayList<>();

    /** What was carried over, of each output. */
    private final List<DeltaMemStore> carried = new ArrayList<>();

    /** Inputs that have rows to be seen. */
    private List<LiveRowSet> read = List.of();

    private final List<RowSetEntry> entries = new ArrayList<>();
    private final List<Merging.Successors> successors = new ArrayList<>();
    private Stage stage = Stage.START;
    private @Nullable MergePlaces places;
    private @Nullable Flush merge;
    private long historyMark;
    private long readBytes;
    private long copiedPages;
    private DeltaSource.@Nullable Cursor carrying;
    private int carriedStores; // Of those that were frozen.

    /** Of all outputs. Written by the worker alone. */
    private volatile long rowsWritten;

    // Answers of the writer.
    private volatile long frozenAt;
    private volatile long upTo;
    private volatile List<List<DeltaSource>> changes = List.of();
    private volatile List<LiveRowSet> deleted = List.of();
    private volatile List<Late> frozen = List.of();
    private volatile long handedOverAt;

    /** Changes that came between the two freezes, of one input. */
    private record Late(Merging.Successors to, DeltaMemStore from) {}

    private MergeTask(Tablet tablet, FlushContext context, List<LiveRowSet> inputs, Merging.Claims claims) {
        this.tablet = tablet;
        this.context = context;
        this.writer = new WriterAgent.Command(tablet, context.wake());
        this.inputs = List.copyOf(inputs);
        this.claims = claims;
        this.rowsMax =
                inputs.stream().mapToLong(input -> input.base().rowCount()).sum();
    }

    /**
     * Claims rowsets of a tablet for a merge; null if one is claimed or is none of the tablet's any more, or if no
     * merge may begin.
     */
    public static @Nullable MergeTask begin(Tablet tablet, FlushContext context, List<Long> fileIds) {
        if (!tablet.merging().mayBegin() || fileIds.isEmpty()) {
            return null;
        }
        List<LiveRowSet> inputs = tablet.map().onDisk().stream()
                .filter(rowSet -> fileIds.contains(rowSet.base().fileId()))
                .toList();
        Merging.Claims claims = inputs.size() == fileIds.size() ? Merging.Claims.tryRows(inputs) : null;
        if (claims == null) {
            return null;
        }
        var task = new MergeTask(tablet, context, inputs, claims);
        tablet.merging().running(task);
        return task;
    }

    @Override
    public Tablet tablet() {
        return tablet;
    }

    @Override
    public boolean hasChanges() {
        return true;
    }

    @Override
    public String describe() {
        return "merge of rowsets " + inputIds();
    }

    /** Whether a rowset is written again by itself, with its changes: a major delta compaction. */
    public boolean isMajorDeltaCompaction() {
        return inputs.size() == 1 && !changes.getFirst().isEmpty();
    }

    /** Rowsets that have rows to be seen. */
    public int readCount() {
        return read.size();
    }

    /** Rowsets of which nobody could see a row any more: they went without being read. */
    public int droppedCount() {
        return inputs.size() - read.size();
    }

    @Override
    public long readBytes() {
        return readBytes;
    }

    @Override
    public long writtenBytes() {
        return entries.stream().mapToLong(RowSetEntry::fileBytes).sum();
    }

    /** Pages that it has written as they were. */
    public long copiedPages() {
        return copiedPages;
    }

    /** What is written is about what was read. */
    @Override
    public long movedBytes() {
        return rowsMax == 0 ? 0 : (long) (2.0 * readBytes * rowsWritten / rowsMax);
    }

    /** Files of what is merged. */
    private List<Long> inputIds() {
        return inputs.stream().map(input -> input.base().fileId()).toList();
    }

    /** Any thread. */
    Merging.Progress progress() {
        return new Merging.Progress(inputs.size(), rowsWritten, rowsMax);
    }

    @Override
    public boolean isDone() {
        return stage == Stage.DONE;
    }

    @Override
    public boolean step() {
        if (stage != Stage.SWAPPING && stage != Stage.DONE) {
            check(claims.isHeld());
            tablet.pending().throwIfFailed();
        }
        return switch (stage) {
            case START -> ask(this::freeze, Stage.FREEZING);
            case FREEZING -> isAnswered(Stage.AWAIT_LOG);
            case AWAIT_LOG -> awaitLog();
            case WRITING -> write();
            case WRITTEN -> ask(this::handOver, Stage.HANDING_OVER);
            case HANDING_OVER -> isAnswered(Stage.CARRYING);
            case CARRYING -> carry();
            case COMMITTING -> commit();
            case SWAPPING -> isAnswered(Stage.DONE);
            case DONE -> false;
        };
    }

    private void check(boolean isOurs) {
        if (!isOurs) {
            throw new Merging.TakenOverException(this);
        }
    }

    @Override
    public boolean takeOver() {
        boolean isTaken = tablet.merging().takeOver(claims::revoke);
        context.wake().run();
        return isTaken;
    }

    private boolean isAnswered(Stage next) {
        boolean isAnswered = writer.isAnswered();
        if (isAnswered) {
            stage = next;
        }
        return isAnswered;
    }

    /** On the writer: what is frozen after this is in the outputs' files. */
    private boolean freeze() {
        check(claims.isHeld());
        List<List<DeltaSource>> present = new ArrayList<>();
        long last = tablet.lastSequence();
        for (LiveRowSet input : inputs) {
            input.seal(tablet.lastSequence());
            checkFrozen(input);
            present.add(input.frozen());
            last = Math.max(last, input.appliedUpTo());
        }
        changes = present;
        deleted = inputs.stream().filter(MergeTask::isDeleted).toList();
        tablet.merging().begins(inputs, context.changeMemory());
        frozenAt = tablet.lastSequence();
        upTo = last;
        return true;
    }

    private void checkFrozen(LiveRowSet input) {
        if (input.activeChangeCount() > 0) {
            throw new IllegalStateException(
                    "rowset " + input.base().fileId() + " of tablet " + tablet.id() + " has " + LiveRowSet.SEALED_MAX
                            + " stores of changes that could not be flushed; it is merged when they are");
        }
    }

    private boolean awaitLog() {
        long last = frozenAt; // What the manifest names must be in the log, whether or not it concerns these rows.
        if (tablet.log().durableUpTo() < last) {
            tablet.log().wantDurable(last);
            return false;
        }
        historyMark = context.raiseHistoryMark(tablet); // What is left out of the outputs nobody reads before the edit.
        read = inputs.stream().filter(input -> !isForgotten(input)).toList();
        readBytes = read.stream().mapToLong(input -> input.shape().cost()).sum();
        var target = new MergePlaces(
                read.stream().map(input -> input.base().rowCount()).toList(), context.mergeMemory());
        places = target;
        merge = openRewrite(target)
                .map(rows -> context.newMerge(tablet, rows))
                .orElseGet(() -> context.newMerge(tablet, openSource(target)));
        stage = Stage.WRITING;
        return true;
    }

    /** Of one rowset, if nothing says yet that it cannot be written again with all of its rows. */
    private Optional<RewriteSource> openRewrite(MergePlaces target) {
        if (read.size() != 1) {
            return Optional.empty();
        }
        LiveRowSet input = read.getFirst();
        boolean hasForgotten = input.base().deletedCount() > 0 && input.base().newestChange() <= historyMark;
        return hasForgotten
                ? Optional.empty()
                : RewriteSource.open(
                        input.base(),
                        tablet.schema(),
                        changes.get(inputs.indexOf(input)),
                        historyMark,
                        target,
                        context.mergeMemory());
    }

    /** Whether the files alone say that all rows were deleted, so that none of them changes any more. */
    private static boolean isDeleted(LiveRowSet input) {
        return input.sealed().isEmpty() && input.liveRows() == 0;
    }

    private boolean isForgotten(LiveRowSet input) {
        return deleted.contains(input) && input.newestChange() <= historyMark;
    }

    private MergeSource openSource(MergePlaces target) {
        List<MergeSource.Input> sources = read.stream()
                .map(input -> new MergeSource.Input(input.base(), changes.get(inputs.indexOf(input))))
                .toList();
        return MergeSource.open(sources, tablet.schema(), historyMark, target, context.mergeMemory());
    }

    private boolean write() {
        Flush running = Objects.requireNonNull(merge, "nothing is written yet");
        boolean isWriting;
        try {
            isWriting = running.step();
        } catch (DiskRowSet.HistoryLimitException e) {
            tablet.merging().keepApart(e.fileId(), tablet.visible());
            throw new Merging.KeptApartException(e.fileId(), e);
        }
        rowsWritten = running.rowCount();
        if (running.isGivenUp()) {
            MergePlaces present = Objects.requireNonNull(places, "there are places where something is written");
            merge = null;
            running.close();
            merge = context.newMerge(tablet, openSource(present)); // Which is told of each row again.
            return true;
        }
        if (!isWriting) {
            copiedPages = running.copiedPageCount();
            for (RowSetOutput output : running.outputs()) {
                DiskRowSet rowSet = context.open(tablet, output.fileId());
                outputs.add(new LiveRowSet(rowSet, List.of(), upTo, context.changeMemory()));
                carried.add(new DeltaMemStore(0, context.changeMemory()));
                entries.add(RowSetEntry.of(
                        output.fileId(),
                        output.rowCount(),
                        output.fileBytes(),
                        rowSet.minKey(),
                        rowSet.maxKey(),
                        upTo));
            }
            MergePlaces present = Objects.requireNonNull(places, "there are places where there are outputs");
            for (int i = 0; i < inputs.size(); i++) {
                successors.add(tablet.merging().successors(present, read.indexOf(inputs.get(i)), outputs, carried));
            }
            stage = Stage.WRITTEN;
        }
        return true;
    }

    /** What came while the outputs were written. */
    private boolean carry() {
        if (carriedStores == frozen.size()) {
            carried.forEach(DeltaMemStore::batchEnds);
            stage = Stage.COMMITTING;
            return true;
        }
        Late next = frozen.get(carriedStores);
        DeltaSource.Cursor cursor = carrying;
        if (cursor == null) {
            cursor = next.from().changes(0, Long.MAX_VALUE, DeltaMemStore.EVERY_CHANGE);
            carrying = cursor;
        }
        for (int i = 0; i < CHANGES_PER_STEP; i++) {
            if (!cursor.next()) {
                cursor.close();
                carrying = null;
                carriedStores++;
                return true;
            }
            next.to().carry(cursor);
        }
        return true;
    }

    /** On the writer: freezes what came since, which is carried over beside it; all that comes goes to both. */
    private boolean handOver() {
        check(claims.isHeld());
        List<Late> newlyFrozen = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            if (inputs.get(i).activeChangeCount() > 0) {
                inputs.get(i).seal(tablet.lastSequence());
                checkFrozen(inputs.get(i));
                newlyFrozen.add(new Late(
                        successors.get(i), inputs.get(i).sealed().getLast().changes()));
            }
        }
        check(claims.tryCommit()); // From here on nobody takes them, so the outputs may count.
        handedOverAt = tablet.lastSequence();
        for (int i = 0; i < inputs.size(); i++) {
            inputs.get(i).succeededBy(successors.get(i));
        }
        tablet.merging().handedOver();
        frozen = newlyFrozen;
        return true;
    }

    /** Changes that were carried over so far, by whom ever. */
    long carriedCount() {
        return carried.stream().mapToLong(DeltaMemStore::changeCount).sum();
    }

    private boolean commit() {
        Flush written = merge;
        if (written != null) {
            try {
                context.manifest().merged(tablet.id(), inputIds(), entries, upTo, historyMark);
            } catch (LogFullException | TabletClosedException e) {
                throw e; // There is no such edit, so the files can go.
            } catch (RuntimeException e) {
                written.keepOutputs(); // Nobody knows whether the edit is on disk; the next start does.
                throw e;
            }
            written.keepOutputs();
            merge = null;
            written.close();
        }
        return ask(this::swap, Stage.SWAPPING);
    }

    private boolean swap() {
        assert claims.isHeld() : "a merge has lost its claims between its edit and its swap";
        for (int i = 0; i < outputs.size(); i++) {
            if (carried.get(i).changeCount() > 0) {
                outputs.get(i).putBelow(carried.get(i), handedOverAt);
            } else {
                carried.get(i).close();
            }
        }
        tablet.swap(inputs, outputs, context::discard);
        end();
        return true;
    }

    @Override
    public void abort() {
        if (stage == Stage.SWAPPING || stage == Stage.DONE) {
            return;
        }
        boolean isOurs = claims.tryCommit(); // Else it was taken over, and the inputs are another's.
        boolean isWritersTurn = isOurs && stage.compareTo(Stage.HANDING_OVER) >= 0;
        stage = Stage.DONE;
        DeltaSource.Cursor cursor = carrying;
        Flush unfinished = merge;
        try {
            if (cursor != null) {
                cursor.close();
            }
            if (unfinished != null) {
                unfinished.close();
            }
        } finally {
            Runnable undo = () -> {
                outputs.forEach(LiveRowSet::close);
                carried.forEach(DeltaMemStore::close);
                if (isOurs) {
                    end();
                } else {
                    closePlaces();
                    tablet.merging().workerBack();
                    context.wake().run();
                }
            };
            if (!isWritersTurn || tablet.writer().isClosed() || !tablet.writer().command(undo)) {
                undo.run();
            }
        }
    }

    /** What happens to the inputs concerns nobody else any more. By who writes to them, or nobody does yet. */
    private void end() {
        inputs.forEach(input -> input.succeededBy(null));
        closePlaces();
        claims.end();
        tablet.merging().running(null);
        context.wake().run(); // A flush may wait for it.
    }

    private void closePlaces() {
        if (places != null) {
            places.close();
        }
    }

    private boolean ask(BooleanSupplier command, Stage next) {
        boolean isAsked = writer.ask(command);
        if (isAsked) {
            stage = next;
        }
        return isAsked;
    }
}
