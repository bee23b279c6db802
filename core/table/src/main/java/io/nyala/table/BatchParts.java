package io.nyala.table;

import io.nyala.partition.PartitionMap;
import io.nyala.record.RequestName;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.OperationKind;
import io.nyala.tablet.Tablet;
import io.nyala.tablet.TabletWrite;
import io.nyala.wal.Durability;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A batch on its way to the tablets of its table: which operations are whose, and what the tablets answered. Rows are
 * not copied: each tablet gets the offsets of its operations.
 *
 * <p>Belongs to the batch's thread, but that tablets answer on their writers' threads. Reused from commit to commit:
 * splitting a batch allocates nothing once there is a part for each tablet that it meets.
 */
public final class BatchParts {
    private static final int[] NONE = {};
    private static final long ANY_TABLET = -1;

    private final OperationBatch rows;
    private final Answers answers;
    private final List<Part> parts = new ArrayList<>(); // The first partCount of them are in use.
    private int partCount;

    // By partition: the number of its part, from 1; 0 for none.
    private int[] partOf = NONE;
    private int[] strayOffsets = NONE;
    private int strayCount;
    private @Nullable PartitionMap map;
    private @Nullable TableHost host;
    private Durability durability = Durability.SYNC;
    private boolean isAtomic;
    private boolean isRefused;
    private Runnable wanted = () -> {};
    private @Nullable RequestName name;
    private boolean isRequestPart;
    private boolean isLastPart;
    private boolean isOnlyRepeated;
    private long onlyTablet = ANY_TABLET;
    private final AtomicInteger unanswered = new AtomicInteger();

    public BatchParts(OperationBatch rows, Answers answers) {
        this.rows = rows;
        this.answers = answers;
    }

    /** Who waits. Called on any thread: must neither block nor throw. */
    public interface Answers {
        /** All parts have their answers. */
        void allAnswered();

        /** A part's keys must be looked up again, on a thread that may read from disk. */
        void probeWanted(Part part);
    }

    /** The operations of one tablet. */
    public final class Part implements TabletWrite.Completion {
        private final TabletWrite write = new TabletWrite(rows, this);
        private int partition;
        private @Nullable HostedTablet target;
        private boolean isHeld; // From the splitting to the answer the tablet is not taken down.
        private @Nullable RuntimeException failure;

        public TabletWrite write() {
            return write;
        }

        /** Why it failed, once all parts have their answers; null if it did not. */
        public @Nullable RuntimeException failure() {
            return failure;
        }

        public HostedTablet target() {
            return Objects.requireNonNull(target, "a part without a tablet");
        }

        @Override
        public void completed(TabletWrite done, @Nullable RuntimeException newFailure) {
            failure = newFailure;
            if (isHeld) {
                isHeld = false;
                target().letGo(host());
            }
            answered();
        }

        @Override
        public void probeWanted(TabletWrite waiting) {
            answers.probeWanted(this);
        }
    }

    public void durability(Durability newDurability) {
        durability = newDurability;
    }

    /**
     * Whether all operations of one tablet are done or none. If one is refused before any tablet has seen it, nothing
     * of the whole batch is done; but if the batch has a name, tablets that did their part before say so.
     */
    public void atomic(boolean newIsAtomic) {
        isAtomic = newIsAtomic;
    }

    /** What throws when what is split from now on is not wanted any more: {@link TabletWrite#wanted}. */
    public void wanted(Runnable check) {
        wanted = check;
    }

    /** Names what is split from now on; null for no name. */
    public void name(@Nullable RequestName newName) {
        name = newName;
        isRequestPart = false;
        isOnlyRepeated = false;
    }

    /**
     * Names what is split from now on, and must belong to one tablet, as a part of a request: {@link
     * TabletWrite#requestPart}.
     */
    public void requestPart(RequestName newName, boolean newIsLastPart) {
        name = newName;
        isRequestPart = true;
        isLastPart = newIsLastPart;
        isOnlyRepeated = false;
    }

    /** Nothing of what was named last is to be done: it is asked for its answer. */
    public void onlyRepeat() {
        isOnlyRepeated = true;
    }

    /** What is split from now on must belong to this tablet. */
    public void onlyTablet(long tabletId) {
        onlyTablet = tabletId;
    }

    // ---- Splitting ----

    /**
     * Finds the tablet of each operation, and keeps it open until the batch has its answers: submit it then.
     *
     * @throws WrongTabletException if all must be of one tablet, and an operation is not; then none is handed over
     */
    public void split(TableState state, TableHost newHost) {
        clear();
        host = newHost;
        map = state.map();
        if (state.isOneTablet()) {
            addPart(0, state.tablets().getFirst()).write.addAll();
        } else {
            splitByPartition(state);
            if (partCount == 0 && isRequestPart) {
                addEmptyPart(state);
            }
        }
        isRefused = isAtomic && (strayCount > 0 || !rows.errors().isEmpty());
        for (int i = 0; i < partCount; i++) {
            part(i).write.onlyRepeat(isRefused || isOnlyRepeated);
        }
        if (onlyTablet != ANY_TABLET) {
            checkTablet(state);
        }
    }

    /**
     * Finds out whether the batch could be split, and forgets the answer: nothing is to be submitted.
     *
     * @throws WrongTabletException as {@link #split}
     */
    public void check(TableState state, TableHost newHost) {
        try {
            split(state, newHost);
        } finally {
            clear();
        }
    }

    private void checkTablet(TableState state) {
        long foreign = strayCount > 0 ? strayOffset(0) : -1;
        for (int i = 0; i < partCount; i++) {
            if (part(i).target().id() != onlyTablet) {
                foreign = part(i).write.operationOffset(0);
            }
        }
        if (foreign >= 0) {
            clear();
            HostedTablet tablet = state.tablet(onlyTablet);
            throw new WrongTabletException("Row not in tablet partition. Partition: '"
                    + state.map().schema().describeAsKudu(tablet.partition()) + "', row: '"
                    + state.map().describeRowAsKudu(rows.memory(), OperationFormat.rowOffset(rows.memory(), foreign))
                    + "'.");
        }
    }

    private void splitByPartition(TableState state) {
        if (partOf.length < state.map().size()) {
            partOf = new int[state.map().size()];
        }
        MemorySegment memory = rows.memory();
        int count = rows.acceptedCount();
        long operation = 0;
        for (int i = 0; i < count; i++) {
            int partition = state.map().findOperation(memory, operation);
            if (partition == PartitionMap.NOT_FOUND) {
                addStray(operation);
            } else {
                int number = partOf[partition];
                Part part = number == 0 ? addPart(partition, state.tablets().get(partition)) : parts.get(number - 1);
                part.write.add(operation);
            }
            operation += OperationFormat.operationBytes(memory, operation);
        }
    }

    /** The answer of a request is its tablet's, even if nothing of it is left to be done. */
    private void addEmptyPart(TableState state) {
        for (int i = 0; i < state.tablets().size(); i++) {
            if (state.tablets().get(i).id() == onlyTablet) {
                addPart(i, state.tablets().get(i));
            }
        }
    }

    private void clear() {
        for (int i = 0; i < partCount; i++) {
            Part part = parts.get(i);
            if (part.partition < partOf.length) {
                partOf[part.partition] = 0;
            }
            if (part.isHeld) { // It was never handed over.
                part.isHeld = false;
                part.target().letGo(host());
            }
            part.target = null; // Not to keep a dropped tablet alive.
        }
        partCount = 0;
        strayCount = 0;
    }

    private Part addPart(int partition, HostedTablet tablet) {
        if (partCount == parts.size()) {
            parts.add(new Part());
        }
        Part part = parts.get(partCount++);
        part.partition = partition;
        part.target = tablet;
        part.failure = null;
        part.isHeld = tablet.tryHold();
        part.write.clear();
        part.write.wanted(wanted);
        part.write.durability(durability);
        part.write.atomic(isAtomic);
        part.write.name(name);
        part.write.requestPart(isRequestPart, isLastPart);
        if (partition < partOf.length) {
            partOf[partition] = partCount;
        }
        return part;
    }

    private void addStray(long operation) {
        if (strayCount == strayOffsets.length) {
            strayOffsets = Arrays.copyOf(strayOffsets, Math.max(16, 2 * strayCount));
        }
        strayOffsets[strayCount++] = (int) operation;
    }

    // ---- Handing over ----

    /**
     * Hands each part to its tablet; waits where a tablet has too many batches already, behind who came before. A part
     * that is refused at once has its answer, and holds up no other.
     */
    public void submit() {
        unanswered.set(partCount + 1); // One more than parts, so that the last answer cannot come before the end here.
        for (int i = 0; i < partCount; i++) {
            Part part = parts.get(i);
            if (isRefused && name == null) {
                part.write.rollBack();
                part.completed(part.write, null);
            } else {
                submit(part, host());
            }
        }
        answered();
    }

    private static void submit(Part part, TableHost host) {
        if (!part.isHeld) {
            part.completed(part.write, part.target().droppedReason());
            return;
        }
        Tablet tablet = part.target().tablet();
        try {
            if (!tablet.trySubmit(part.write)) {
                tablet.submit(part.write, host::await);
            }
        } catch (RuntimeException e) {
            refused(part, host, e);
        } catch (Error e) { // Other parts are on their way, and the rows are theirs: all must have their answers first.
            refused(part, host, new IllegalStateException("a batch could not be handed to a tablet: " + e, e));
        }
    }

    private static void refused(Part part, TableHost host, RuntimeException reason) {
        host.announce(); // Its place in the tablet's queue may be free again.
        part.completed(part.write, reason);
    }

    private TableHost host() {
        return Objects.requireNonNull(host, "the batch was not handed over");
    }

    private void answered() {
        if (unanswered.decrementAndGet() == 0) {
            answers.allAnswered();
        }
    }

    // ---- What came of it ----

    public int partCount() {
        return partCount;
    }

    public Part part(int index) {
        assert index < partCount : index + " of " + partCount;
        return parts.get(index);
    }

    /** Operations outside of all ranges. */
    public int strayCount() {
        return strayCount;
    }

    /** Where one of those lies. */
    public long strayOffset(int index) {
        return strayOffsets[index];
    }

    /** By which the batch was split. */
    public PartitionMap map() {
        return Objects.requireNonNull(map, "the batch was not split");
    }

    /**
     * Operations that were refused one by one, those included that never came into the batch. A part that failed has
     * refused nothing: what it was judged by may be lost with it.
     */
    public int errorCount() {
        int count = repeatedPart() == null ? rows.errors().size() + strayCount : 0; // It has all of them.
        for (int i = 0; i < partCount; i++) {
            count += parts.get(i).failure == null ? parts.get(i).write.errorCount() : 0;
        }
        return count;
    }

    /** The batch as a part of a request that was answered before; null if it is none. */
    public @Nullable TabletWrite repeatedPart() {
        boolean isRepeated = partCount == 1
                && parts.getFirst().failure == null
                && parts.getFirst().write.isRepeatedPart();
        return isRepeated ? parts.getFirst().write : null;
    }

    /** Operations of an {@code _IGNORE} kind that would be errors if they were of the plain one. */
    public int ignoredCount(OperationKind kind) {
        int count = 0;
        for (int i = 0; i < partCount; i++) {
            count += parts.get(i).failure == null ? parts.get(i).write.ignoredCount(kind) : 0;
        }
        return count;
    }

    /** The updates among those that were done, but for immutable columns. */
    public int updatesInPart() {
        int count = 0;
        for (int i = 0; i < partCount; i++) {
            count += parts.get(i).failure == null ? parts.get(i).write.updatesInPart() : 0;
        }
        return count;
    }

    /** As {@link TabletWrite#filtersAsked}, in all tablets. */
    public long filtersAsked() {
        long count = 0;
        for (int i = 0; i < partCount; i++) {
            count += parts.get(i).write.filtersAsked();
        }
        return count;
    }

    /** As {@link TabletWrite#keysLookedUp}, in all tablets. */
    public long keysLookedUp() {
        long count = 0;
        for (int i = 0; i < partCount; i++) {
            count += parts.get(i).write.keysLookedUp();
        }
        return count;
    }

    /** The largest time at which anything took effect; 0 if no tablet has decided anything. */
    public long timestamp() {
        long timestamp = 0;
        for (int i = 0; i < partCount; i++) {
            if (parts.get(i).failure == null && parts.get(i).write.isDecided()) {
                timestamp = Math.max(timestamp, parts.get(i).write.timestamp());
            }
        }
        return timestamp;
    }

    /** The first of the failures of parts, or null. */
    public @Nullable RuntimeException firstFailure() {
        for (int i = 0; i < partCount; i++) {
            RuntimeException failure = parts.get(i).failure;
            if (failure != null) {
                return failure;
            }
        }
        return null;
    }
}
