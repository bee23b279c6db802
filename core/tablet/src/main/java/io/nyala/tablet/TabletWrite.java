package io.nyala.tablet;

import io.nyala.record.AnswerCount;
import io.nyala.record.AnswerEntries;
import io.nyala.record.RequestErrors;
import io.nyala.record.RequestMismatchException;
import io.nyala.record.RequestName;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowError;
import io.nyala.rows.RowErrorCode;
import io.nyala.wal.Durability;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One write batch, or those of its operations that are one tablet's, on its way through the tablet: handed over by a
 * caller, decided and applied by the writer, complete when the log record is durable. Reused by its caller for batch
 * after batch.
 *
 * <p><b>Ownership</b>: the caller's until {@link Tablet#submit}, then the tablet's until {@link
 * Completion#completed} was called, then the caller's again. The operations must not change in between.
 */
public final class TabletWrite {
    private static final int[] NO_INDEXES = {};
    private static final RowErrorCode[] NO_CODES = {};

    private final OperationBatch operations;
    private final Completion completion;

    // Which operations of the batch are this tablet's, by their offsets in it.
    private int[] offsets = NO_INDEXES;
    private int operationCount;

    final Probe probe = new Probe(this);
    final BatchConditions conditions = new BatchConditions();
    final Admission.Caller caller = new Admission.Caller();
    private @Nullable Runnable wanted;
    private boolean isAtomic;
    private boolean isOnlyRepeated;
    private boolean isRequestPart;
    private boolean isLastPart;

    // Set by the probe stage.
    int epochTicket = NO_TICKET;
    long mapVersion;
    long recordBytesMax;
    long effectBytesMax;

    @Nullable
    RuntimeException probeFailure;

    /** How often its keys were looked up again since it last could be decided, or was handed over. The writer's. */
    int probesAgain;

    /** Set by the writer, which has nothing to do with the batch until the prober clears it. */
    volatile boolean isProbing;

    @Nullable
    RequestName name;

    Durability durability = Durability.SYNC;

    private @Nullable RowHome[] homes = {};
    private long[] places = {};

    // Set by the writer.
    private boolean isDecided;
    private boolean isRepeated;
    private long timestamp;
    private long sequence;
    private int[] errorIndexes = NO_INDEXES;
    private int[] errorOffsets = NO_INDEXES;
    private RowErrorCode[] errorCodes = NO_CODES;
    private int errorCount;
    private final int[] ignoredCounts = new int[OperationKind.UPSERT_IGNORE.code() + 1]; // By the kind's code.
    private int updatesInPart;
    private int answeredCount;
    private final AnswerEntries answer = new AnswerEntries();

    static final int NO_TICKET = -1;

    /** An answer of all operations that a request had left. */
    public static final int ALL_OPERATIONS = Integer.MAX_VALUE;

    public TabletWrite(OperationBatch operations, Completion completion) {
        this.operations = operations;
        this.completion = completion;
    }

    /** Who wants to know. Called on the writer's thread: it must neither block nor throw. */
    public interface Completion {
        /**
         * The batch is durable and visible, or {@code failure} says why it will never be known to be. Once per
         * submission.
         */
        void completed(TabletWrite write, @Nullable RuntimeException failure);

        /**
         * The batch had to wait, and rowsets have changed since its keys were looked up: call {@link
         * Tablet#probeAgain} soon, on a thread that may read from disk. The batch keeps its place meanwhile.
         */
        void probeWanted(TabletWrite write);
    }

    /** Names the request, so that a retry gets the recorded answer; null for no name. */
    public void name(@Nullable RequestName newName) {
        name = newName;
    }

    /**
     * What throws if the batch is not wanted any more, with which it then ends, unless it is decided: see {@link
     * WriterAgent#lookAtWaits}. Runs on the writer's thread: it must not wait. Wanted until it is answered unless said
     * otherwise, each time anew.
     */
    public void wanted(Runnable check) {
        wanted = check;
    }

    /** Null if it is. */
    @Nullable
    RuntimeException whyUnwanted() {
        Runnable check = wanted;
        try {
            if (check != null) {
                check.run();
            }
            return null;
        } catch (RuntimeException e) {
            return e;
        } catch (Error _) { // No heap to say so: the next look may have some, and the writer must not end for it.
            return null;
        }
    }

    /** When the batch counts as acknowledged; {@link Durability#SYNC} unless said otherwise. */
    public void durability(Durability newDurability) {
        durability = newDurability;
    }

    /**
     * Whether all operations are done or none: if one is an error, nothing happens, and all others are {@link
     * RowErrorCode#ROLLED_BACK}. Not so unless said otherwise.
     */
    public void atomic(boolean newIsAtomic) {
        isAtomic = newIsAtomic;
    }

    boolean isAtomic() {
        return isAtomic;
    }

    /**
     * Whether nothing may be done: a request that has no answer yet is rolled back, since an operation of its batch
     * that is no tablet's was refused. Not so unless said otherwise.
     */
    public void onlyRepeat(boolean newIsOnlyRepeated) {
        isOnlyRepeated = newIsOnlyRepeated;
    }

    boolean isOnlyRepeated() {
        return isOnlyRepeated;
    }

    /**
     * Whether the batch is a part of a request, all of it this tablet's, which may be cut otherwise when it comes
     * again: then the answer is that of the operations which the part had, however many there are now. It is of errors
     * too that kept operations out of the batch. Not so unless said otherwise.
     *
     * @param newIsLastPart whether the part has all operations that the request has left
     */
    public void requestPart(boolean newIsRequestPart, boolean newIsLastPart) {
        isRequestPart = newIsRequestPart;
        isLastPart = newIsLastPart;
    }

    /** What an answer may say: each operation once, and of how many it is. */
    int answerEntriesMax() {
        return operationCount + (isRequestPart ? operations.errors().size() + 1 : 0);
    }

    /** Whether what becomes of each operation must be known before the first one is done. */
    boolean isJudged() {
        return isAtomic || conditions.count() > 0;
    }

    /** The whole batch, of which only some operations may be this tablet's. */
    public OperationBatch operations() {
        return operations;
    }

    /** Forgets which operations are this tablet's: before the batch is handed over again. */
    public void clear() {
        operationCount = 0;
        clearErrors();
        isDecided = false;
        isRepeated = false;
    }

    /** Adds an operation of the batch, behind those that were added before and lie before it. */
    public void add(long operation) {
        if (operationCount == offsets.length) {
            offsets = Arrays.copyOf(offsets, Math.max(64, 2 * operationCount));
        }
        offsets[operationCount++] = (int) operation;
    }

    /** Adds all operations of the batch. */
    public void addAll() {
        int count = operations.acceptedCount();
        if (count > offsets.length) {
            offsets = new int[Math.max(count, 2 * offsets.length)];
        }
        MemorySegment memory = operations.memory();
        long operation = 0;
        for (int i = 0; i < count; i++) {
            offsets[i] = (int) operation;
            operation += OperationFormat.operationBytes(memory, operation);
        }
        operationCount = count;
    }

    /** How many operations are this tablet's. */
    public int operationCount() {
        return operationCount;
    }

    /** Where one of this tablet's operations lies in the memory of {@link #operations}, in the order of the batch. */
    public long operationOffset(int index) {
        assert index >= 0 && index < operationCount : index + " of " + operationCount;
        return offsets[index];
    }

    /**
     * How many filters of rowsets were asked for its keys, to find out which of them are on disk: one for each key and
     * rowset in whose range it is.
     */
    public long filtersAsked() {
        return probe.filtersAsked();
    }

    /** How many keys were looked for in rowsets whose filters let them through. */
    public long keysLookedUp() {
        return probe.keysLookedUp();
    }

    /**
     * Whether the batch was decided and is in the log's order: if it failed nevertheless, nobody knows whether it will
     * be found at the next open. Otherwise nothing of it happened.
     */
    public boolean isDecided() {
        return isDecided;
    }

    /** Hybrid time at which the batch took effect; with no effects, the time of the state that it was judged by. */
    public long timestamp() {
        return timestamp;
    }

    /** Sequence of the log record that must be durable before the batch is answered. */
    long sequence() {
        return sequence;
    }

    /** How many operations the tablet refused; of a part that was answered before, how many operations were. */
    public int errorCount() {
        return errorCount;
    }

    public int errorIndex(int error) {
        return errorIndexes[error];
    }

    /**
     * Where the refused operation lies in {@link #operations}, so that nobody has to look for it. Negative if it does
     * not, in the answer of a part that was cut otherwise.
     */
    public int errorOffset(int error) {
        return errorOffsets[error];
    }

    public RowErrorCode errorCode(int error) {
        return errorCodes[error];
    }

    /**
     * How many operations of an {@code _IGNORE} kind would be errors if they were of the plain one: their rows were
     * there already, or were not, or they set immutable columns.
     */
    public int ignoredCount(OperationKind kind) {
        return ignoredCounts[kind.code()];
    }

    /** How many of the updates among those found their row, so that it changed but for its immutable columns. */
    public int updatesInPart() {
        return updatesInPart;
    }

    /** How many operations the answer of a part of a request is of that was answered before; from the part's first. */
    public int answeredCount() {
        return answeredCount;
    }

    /** Puts together what is to be remembered; answers how many entries that has. */
    int makeAnswer() {
        answer.clear();
        List<RowError> before = isRequestPart ? operations.errors() : List.of();
        int next = 0;
        for (int i = 0; i < errorCount; i++) {
            while (next < before.size() && before.get(next).operationIndex() < errorIndexes[i]) {
                next = refusedBefore(before, next);
            }
            answer.refused(errorIndexes[i], errorCodes[i].code());
        }
        while (next < before.size()) {
            next = refusedBefore(before, next);
        }
        answer.counted(AnswerCount.OPERATIONS, isRequestPart && !isLastPart ? operations.operationCount() : 0);
        answer.counted(AnswerCount.INSERTS_IGNORED, ignoredCount(OperationKind.INSERT_IGNORE));
        answer.counted(AnswerCount.UPDATES_IGNORED, ignoredCount(OperationKind.UPDATE_IGNORE) - updatesInPart);
        answer.counted(AnswerCount.DELETES_IGNORED, ignoredCount(OperationKind.DELETE_IGNORE));
        answer.counted(AnswerCount.UPDATES_IN_PART, updatesInPart);
        answer.counted(AnswerCount.UPSERTS_IN_PART, ignoredCount(OperationKind.UPSERT_IGNORE));
        assert answer.errorCount() <= answerEntriesMax() : answer.errorCount() + " of " + answerEntriesMax();
        return answer.errorCount();
    }

    private int refusedBefore(List<RowError> before, int next) {
        RowError error = before.get(next);
        answer.refused(error.operationIndex(), error.code().code());
        return next + 1;
    }

    /** What is to be remembered. */
    RequestErrors answer() {
        return answer;
    }

    /** Where the operation's row is, if it is not in the active MemRowSet; as far as is known, and perhaps deleted. */
    @Nullable
    RowHome home(int operation) {
        return homes[operation];
    }

    /** Of the row in its {@link #home}. */
    long place(int operation) {
        return places[operation];
    }

    void home(int operation, @Nullable RowHome home, long place) {
        homes[operation] = home;
        places[operation] = place;
    }

    /** Forgets all homes, and makes room for those of all operations. */
    void clearHomes() {
        if (homes.length < operationCount) {
            homes = new RowHome[operationCount];
            places = new long[operationCount];
        } else {
            Arrays.fill(homes, null); // All of them, so that nothing keeps a rowset that is gone.
        }
    }

    /** Answers that nothing was done, because another operation of the batch was refused. */
    public void rollBack() {
        clearErrors();
        for (int i = 0; i < operationCount; i++) {
            addError(i, RowErrorCode.ROLLED_BACK);
        }
    }

    void clearErrors() {
        errorCount = 0;
        Arrays.fill(ignoredCounts, 0);
        updatesInPart = 0;
    }

    void addIgnored(OperationKind kind) {
        ignoredCounts[kind.code()]++;
    }

    /** Of an update or upsert that is done, but for immutable columns. */
    void addDoneInPart(OperationKind kind) {
        addIgnored(kind);
        updatesInPart += kind == OperationKind.UPDATE_IGNORE ? 1 : 0;
    }

    void addError(int index, RowErrorCode code) {
        addError(OperationFormat.operationIndex(operations.memory(), offsets[index]), offsets[index], code);
    }

    private void addError(int operationIndex, int offset, RowErrorCode code) {
        if (errorCount == errorIndexes.length) {
            int capacity = Math.max(16, 2 * errorCount);
            errorIndexes = Arrays.copyOf(errorIndexes, capacity);
            errorOffsets = Arrays.copyOf(errorOffsets, capacity);
            errorCodes = Arrays.copyOf(errorCodes, capacity);
        }
        errorOffsets[errorCount] = offset;
        errorIndexes[errorCount] = operationIndex;
        errorCodes[errorCount++] = code;
    }

    /** Gets the answer that the request had before. */
    void repeat(RequestName repeated, long newTimestamp, long newSequence, RequestErrors entries) {
        clearErrors();
        answeredCount = ALL_OPERATIONS;
        for (int i = 0; i < entries.errorCount(); i++) {
            AnswerCount what = AnswerCount.ofCode(entries.errorCodeNumber(i));
            if (what == null) {
                repeatError(repeated, entries.errorIndex(i), RowErrorCode.ofCode(entries.errorCodeNumber(i)));
            } else {
                repeatCount(what, entries.errorIndex(i));
            }
        }
        decided(newTimestamp, newSequence);
        isRepeated = true;
    }

    private void repeatError(RequestName repeated, int operationIndex, RowErrorCode code) {
        int operation = find(operationIndex);
        if (operation < 0 && !isRequestPart) {
            clearErrors();
            throw new RequestMismatchException(repeated, operationIndex);
        }
        addError(operationIndex, operation < 0 ? -1 : offsets[operation], code);
    }

    private void repeatCount(AnswerCount what, int number) {
        switch (what) {
            case OPERATIONS -> answeredCount = number;
            case INSERTS_IGNORED -> ignoredCounts[OperationKind.INSERT_IGNORE.code()] = number;
            case UPDATES_IGNORED -> ignoredCounts[OperationKind.UPDATE_IGNORE.code()] += number;
            case DELETES_IGNORED -> ignoredCounts[OperationKind.DELETE_IGNORE.code()] = number;
            case UPDATES_IN_PART -> {
                ignoredCounts[OperationKind.UPDATE_IGNORE.code()] += number;
                updatesInPart = number;
            }
            case UPSERTS_IN_PART -> ignoredCounts[OperationKind.UPSERT_IGNORE.code()] = number;
        }
    }

    /** Which of this tablet's operations has that index in the batch; -1 if there is none. */
    private int find(int operationIndex) {
        MemorySegment memory = operations.memory();
        int low = 0;
        int high = operationCount - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            int found = OperationFormat.operationIndex(memory, operationOffset(middle));
            if (found == operationIndex) {
                return middle;
            }
            low = found < operationIndex ? middle + 1 : low;
            high = found < operationIndex ? high : middle - 1;
        }
        return -1;
    }

    /** Whether the answer is one that was given before. */
    public boolean isRepeated() {
        return isRepeated;
    }

    /** Whether the answer is one that a part of a request was given before. */
    public boolean isRepeatedPart() {
        return isRepeated && isRequestPart;
    }

    void decided(long newTimestamp, long newSequence) {
        timestamp = newTimestamp;
        sequence = newSequence;
        isDecided = true;
    }

    void wantProbe() {
        completion.probeWanted(this);
    }

    void complete(@Nullable RuntimeException failure) {
        wanted = null; // Keeps nothing of its caller's.
        completion.completed(this, failure);
    }
}
