package io.nyala.compaction;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.diskrowset.DiskRowSet;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowSource;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows of several sources as those of one, in the order of their keys. A key that is in several of them becomes one row
 * with one history: in all but one it was deleted, and its lifetimes do not overlap, but may lie between each other.
 *
 * <pre>{@code
 *   input 0   (k, 7) live since T5:  T2 REINSERT (k, 1) | T1 DELETE
 *   input 1   (k, 3) deleted:        T4 UPDATE of nothing | T3 DELETE
 *
 *   output    (k, 7) live since T5:  T4 REINSERT (k, 3) | T3 DELETE | T2 REINSERT (k, 1) | T1 DELETE
 * }</pre>
 *
 * <p>The row that began last gives the values. Of the others the deletion, which says that the values are those of
 * the row, becomes a REINSERT of them. Records are merged by time; where one lifetime ends at the very time at which
 * another begins, because one batch did both, the beginning comes first: looking back, the row did not exist, and then
 * did.
 *
 * <p>What nobody can see any more is left out: records at or before the {@code mark}, before which no snapshot is read,
 * and rows that were deleted by then; and when rows were inserted by then, which is the mark for all of them: a column
 * of one value takes no room.
 *
 * <p>One thread. Owns the sources.
 */
public final class MergeSource implements RowSource {
    /** Before all times: there is history from the beginning. */
    public static final long NO_MARK = 0;

    private final List<? extends RowSource> inputs;
    private final long mark;
    private final MergePlaces places;
    private final @Nullable MergeColumns columns;
    private final GrowingBuffer buffer;
    private final long[] ordinals;

    /** Indexes of inputs, the one with the least key first; those at the end are not in it. */
    private final int[] heap;

    private int heapCount;
    private boolean isStarted;

    /** The inputs that the present row is in, the one that gives the values first. */
    private final int[] present;

    private int presentCount;
    private long droppedRows;

    // The present row, if it is of several inputs.
    private long end;
    private long keyOffset;
    private long rowOffset;
    private long[] times = new long[16];
    private long[] offsets = new long[16];
    private int[] lengths = new int[16];
    private int historyCount;

    /**
     * Rows of a rowset, and what is to become of them.
     *
     * @param since what happened to the rows since the file was written, oldest first; must not change any more
     */
    public record Input(DiskRowSet rowSet, List<DeltaSource> since) {}

    /**
     * Opens rowsets, to be merged by rows of the columns only that need it: the others are written when the rows are.
     *
     * @param schema of the table
     * @param mark no snapshot before it is read any more; {@link #NO_MARK} if all may be
     * @param places takes where each row went
     * @param account pays for all that it needs until it is closed
     */
    public static MergeSource open(
            List<Input> inputs, Schema schema, long mark, MergePlaces places, MemoryAccount account) {
        var columns = new MergeColumns(inputs, schema);
        return new MergeSource(columns.openRows(mark, account), mark, places, columns, account);
    }

    /**
     * @param inputs of distinct keys each
     * @param mark no snapshot before it is read any more; {@link #NO_MARK} if all may be
     * @param places takes where each row went
     */
    public MergeSource(List<? extends RowSource> inputs, long mark, MergePlaces places, MemoryAccount account) {
        this(inputs, mark, places, null, account);
    }

    private MergeSource(
            List<? extends RowSource> inputs,
            long mark,
            MergePlaces places,
            @Nullable MergeColumns columns,
            MemoryAccount account) {
        this.columns = columns;
        this.inputs = List.copyOf(inputs);
        this.mark = mark;
        this.places = places;
        this.buffer = new GrowingBuffer(account);
        this.ordinals = new long[inputs.size()];
        Arrays.fill(ordinals, -1);
        this.heap = new int[inputs.size()];
        this.present = new int[inputs.size()];
    }

    @Override
    public boolean next() {
        start();
        while (true) {
            for (int i = 0; i < presentCount; i++) {
                advance(present[i]);
            }
            presentCount = 0;
            if (heapCount == 0) {
                return false;
            }
            collect();
            if (isSeen()) {
                return true;
            }
            droppedRows += presentCount;
        }
    }

    private void start() {
        if (!isStarted) {
            isStarted = true;
            for (int i = 0; i < ordinals.length; i++) {
                advance(i);
            }
        }
    }

    private void advance(int input) {
        if (inputs.get(input).next()) {
            ordinals[input]++;
            push(input);
        }
    }

    /** Takes all inputs that stand on the least key, the one whose lifetime began last to the front. */
    private void collect() {
        do {
            int input = pop();
            present[presentCount++] = input;
            if (inputs.get(input).insertTime() > inputs.get(present[0]).insertTime()) {
                present[presentCount - 1] = present[0];
                present[0] = input;
            }
        } while (heapCount > 0 && compareKeys(heap[0], present[0]) == 0);
        for (int i = 1; i < presentCount; i++) {
            if (!inputs.get(present[i]).isDeleted()) {
                throw twice(present[0], present[i]);
            }
        }
    }

    private IllegalStateException twice(int newer, int older) {
        RowSource source = inputs.get(older);
        byte[] key =
                source.memory().asSlice(source.keyOffset(), source.keyBytes()).toArray(JAVA_BYTE);
        return new IllegalStateException(
                "key " + HexFormat.of().formatHex(key) + " is live in input " + older + " since "
                        + source.insertTime() + ", and is in input " + newer + " since "
                        + inputs.get(newer).insertTime() + " as well; nothing is merged");
    }

    /** Puts the present row together; false if nobody can see it any more. */
    private boolean isSeen() {
        RowSource newest = inputs.get(present[0]);
        if (presentCount == 1) {
            historyCount = seenRecords(newest);
        } else {
            combine(newest);
        }
        return !newest.isDeleted() || historyCount > 0;
    }

    /** Records behind the mark come last, since the newest come first. */
    private int seenRecords(RowSource source) {
        int low = 0;
        int high = source.historyCount();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (source.historyTime(middle) > mark) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private void combine(RowSource newest) {
        end = 0;
        historyCount = 0;
        keyOffset = copy(newest.memory(), newest.keyOffset(), newest.keyBytes());
        rowOffset = copy(newest.memory(), newest.rowOffset(), newest.rowBytes());
        int[] next = new int[presentCount]; // Rows that lie in several inputs are few.
        int[] count = new int[presentCount];
        for (int i = 0; i < presentCount; i++) {
            count[i] = seenRecords(inputs.get(present[i]));
        }
        while (true) {
            int first = -1;
            for (int i = 0; i < presentCount; i++) {
                if (next[i] < count[i] && (first < 0 || comesBefore(i, next[i], first, next[first]))) {
                    first = i;
                }
            }
            if (first < 0) {
                return;
            }
            // All of that time, so that what one lifetime has at it stays together.
            long time = inputs.get(present[first]).historyTime(next[first]);
            do {
                add(inputs.get(present[first]), next[first], first > 0);
                next[first]++;
            } while (next[first] < count[first] && inputs.get(present[first]).historyTime(next[first]) == time);
        }
    }

    private boolean comesBefore(int left, int leftRecord, int right, int rightRecord) {
        RowSource one = inputs.get(present[left]);
        RowSource other = inputs.get(present[right]);
        long leftTime = one.historyTime(leftRecord);
        long rightTime = other.historyTime(rightRecord);
        return leftTime != rightTime ? leftTime > rightTime : isBeginning(one, leftRecord);
    }

    private static boolean isBeginning(RowSource source, int record) {
        return RowChange.kind(source.memory(), source.historyOffset(record)) == RowChange.DELETE;
    }

    private void add(RowSource source, int record, boolean isOlder) {
        MemorySegment memory = source.memory();
        long change = source.historyOffset(record);
        boolean isDeletion = isOlder && record == 0 && RowChange.kind(memory, change) == RowChange.UPDATE;
        long offset;
        int bytes;
        if (isDeletion) { // Its values are those of the row, which is that of another lifetime here.
            long row = source.wholeRowOffset();
            bytes = 2 * Integer.BYTES + source.wholeRowBytes();
            offset = allocate(bytes);
            int written =
                    RowChange.writeReinsert(source.memory(), row, source.wholeRowBytes(), buffer.memory(), offset);
            assert written == bytes : written + " bytes, not " + bytes;
        } else {
            bytes = source.historyBytes(record);
            offset = copy(memory, change, bytes);
        }
        if (historyCount == times.length) {
            times = Arrays.copyOf(times, 2 * historyCount);
            offsets = Arrays.copyOf(offsets, 2 * historyCount);
            lengths = Arrays.copyOf(lengths, 2 * historyCount);
        }
        times[historyCount] = source.historyTime(record);
        offsets[historyCount] = offset;
        lengths[historyCount++] = bytes;
    }

    private long copy(MemorySegment memory, long from, int bytes) {
        long offset = allocate(bytes);
        MemorySegment.copy(memory, from, buffer.memory(), offset, bytes);
        return offset;
    }

    private long allocate(long bytes) {
        long offset = end;
        end += bytes + Long.BYTES - 1 & -Long.BYTES;
        buffer.ensure(offset, end);
        return offset;
    }

    // ---- The heap ----

    private int compareKeys(int left, int right) {
        RowSource one = inputs.get(left);
        RowSource other = inputs.get(right);
        return KeyCodec.compare(
                one.memory(), one.keyOffset(), one.keyBytes(), other.memory(), other.keyOffset(), other.keyBytes());
    }

    private void push(int input) {
        int at = heapCount++;
        for (; at > 0 && compareKeys(input, heap[(at - 1) >>> 1]) < 0; at = (at - 1) >>> 1) {
            heap[at] = heap[(at - 1) >>> 1];
        }
        heap[at] = input;
    }

    private int pop() {
        int top = heap[0];
        int last = heap[--heapCount];
        int at = 0;
        for (int child = 1; child < heapCount; child = 2 * at + 1) {
            if (child + 1 < heapCount && compareKeys(heap[child + 1], heap[child]) < 0) {
                child++;
            }
            if (compareKeys(heap[child], last) >= 0) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = last;
        return top;
    }

    // ---- The present row ----

    /** Rows of inputs that are in no output, those that became part of another row not counted. */
    public long droppedRows() {
        return droppedRows;
    }

    /** How the merge is divided; null if rows have all columns. */
    @Nullable
    MergeColumns columns() {
        return columns;
    }

    /** The input that the values of the row are from. */
    int input() {
        return present[0];
    }

    /** Of the row in {@link #input}. */
    long ordinal() {
        return ordinals[present[0]];
    }

    private RowSource newest() {
        return inputs.get(present[0]);
    }

    private boolean isCombined() {
        return presentCount > 1;
    }

    @Override
    public MemorySegment memory() {
        return isCombined() ? buffer.memory() : newest().memory();
    }

    @Override
    public long keyOffset() {
        return isCombined() ? keyOffset : newest().keyOffset();
    }

    @Override
    public int keyBytes() {
        return newest().keyBytes();
    }

    @Override
    public long rowOffset() {
        return isCombined() ? rowOffset : newest().rowOffset();
    }

    @Override
    public int rowBytes() {
        return newest().rowBytes();
    }

    @Override
    public long insertTime() {
        return Math.max(newest().insertTime(), mark);
    }

    @Override
    public boolean isDeleted() {
        return newest().isDeleted();
    }

    @Override
    public long newestChange() {
        return Math.max(newest().newestChange(), mark); // No insert is newer.
    }

    @Override
    public int historyCount() {
        return historyCount;
    }

    @Override
    public long historyTime(int index) {
        return isCombined() ? times[index] : newest().historyTime(index);
    }

    @Override
    public long historyOffset(int index) {
        return isCombined() ? offsets[index] : newest().historyOffset(index);
    }

    @Override
    public int historyBytes(int index) {
        return isCombined() ? lengths[index] : newest().historyBytes(index);
    }

    /** An older lifetime of the row went there as well. */
    @Override
    public void placed(int output, int ordinal) {
        for (int i = 0; i < presentCount; i++) {
            places.set(present[i], ordinals[present[i]], output, ordinal);
        }
    }

    @Override
    public void close() {
        buffer.close();
        inputs.forEach(RowSource::close);
    }
}
