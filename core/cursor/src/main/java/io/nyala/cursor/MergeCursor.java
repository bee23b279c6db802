package io.nyala.cursor;

import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Limits;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Rows of several cursors, each in key order, as one sequence in key order. A snapshot sees a key live in one rowset at
 * most, so there are no ties. Among rows that changed there are: a key that one rowset says is deleted another has
 * live, if it was inserted again. Then only the live one is yielded, if it matches.
 *
 * <p>Rowsets often follow one another without overlap, as the outputs of one flush do. So when a whole batch of an
 * input came before all others, its next one is read where the caller wants it, and copied only if it turns out to
 * overlap after all. An input whose keys all lie behind the row that comes next has not been asked for any yet, and one
 * that has ended is closed.
 *
 * <pre>{@code
 *   key range of     a  |----awake----|
 *   an input         b     |--------awake--------|
 *                    c                      |-----asleep-----|
 *   next row                      ^
 * }</pre>
 *
 * <p>Memory: a batch for each input that is awake. Where very many of them overlap, batches are small, so that they
 * take {@link #INPUT_BYTES} together, and what strings have more than was guessed.
 */
public final class MergeCursor implements RowCursor {
    private static final byte[] LEAST = {};

    /** Rows that a call leaves out before it comes back without one. */
    private static final int LEFT_OUT_MAX = LOOKS_MAX * Limits.VECTOR_ROWS;

    /** Of the batches of all inputs together. */
    static final long INPUT_BYTES = 4 << 20;

    private final List<Input> inputs = new ArrayList<>();
    private final PriorityQueue<Input> heads;

    /** The one first whose least possible key is least; its batch is made when that comes. */
    private final PriorityQueue<Input> asleep;

    private final ScanSpec spec;
    private final MemoryAccount account;
    private final int rowsMax; // Of a batch.
    private final boolean isOfChanges;

    /** Their next row is not known yet: it may be before all others. */
    private final ArrayDeque<Input> unread = new ArrayDeque<>();

    /** Where the last row came from. */
    private @Nullable Input latest;

    /** In no order with the heads: its last batch was before all of them, its next one is not read yet. */
    private @Nullable Input ahead;

    /** Of the inputs that are awake, how many have a batch of full size where others are small. */
    private int largeCount;

    /** Takes the cursors over, unless it throws. */
    public MergeCursor(List<RowCursor> cursors, ScanSpec spec, MemoryAccount account) {
        this.heads = new PriorityQueue<>(
                cursors.size(), spec.isOfChanges() ? MergeCursor::compareChanges : MergeCursor::compareHeads);
        this.asleep = new PriorityQueue<>(
                cursors.size(), (left, right) -> Arrays.compareUnsigned(left.firstKey, right.firstKey));
        this.isOfChanges = spec.isOfChanges();
        this.spec = spec;
        this.account = account;
        for (RowCursor cursor : cursors) {
            inputs.add(new Input(cursor));
        }
        asleep.addAll(inputs);
        this.rowsMax = ColumnBatch.rowsWithin(INPUT_BYTES / awakeMax(cursors), spec.batchColumns());
    }

    /** How many inputs are awake at a time, at most. */
    private static int awakeMax(List<RowCursor> cursors) {
        List<KeyRange> ranges = new ArrayList<>();
        int awake = 0; // Those without an end stay awake.
        for (RowCursor cursor : cursors) {
            KeyRange range = cursor.keyRange();
            if (range.upper() == null) {
                awake++;
            } else {
                ranges.add(range);
            }
        }
        ranges.sort((left, right) -> Arrays.compareUnsigned(firstKey(left), firstKey(right)));
        PriorityQueue<byte[]> ends = new PriorityQueue<>(Arrays::compareUnsigned);
        int overlapping = 0;
        for (KeyRange range : ranges) {
            byte[] first = firstKey(range);
            for (byte[] end = ends.peek(); end != null && Arrays.compareUnsigned(end, first) <= 0; end = ends.peek()) {
                ends.remove();
            }
            ends.add(Objects.requireNonNull(range.upper(), "ranges without an end are counted apart"));
            overlapping = Math.max(overlapping, ends.size());
        }
        return Math.max(1, awake + overlapping);
    }

    private static byte[] firstKey(KeyRange range) {
        byte[] lower = range.lower();
        return lower == null ? LEAST : lower;
    }

    @Override
    public boolean next(ColumnBatch target) {
        target.clear();
        if (!readHeads() || readAhead(target)) {
            return true;
        }
        int leftOut = 0;
        while (!target.isFull() && ahead == null && leftOut < LEFT_OUT_MAX && readHeads()) {
            Input least = heads.poll();
            if (least == null) {
                return !target.isEmpty();
            }
            if (isOfChanges && isLeftOut(least)) {
                noteSource(least);
                goOn(least);
                leftOut++;
                continue;
            }
            if (!target.appendFrom(least.batch(), least.row)) {
                heads.add(least);
                break;
            }
            noteSource(least);
            if (least.row + 1 == least.batch().rowCount() && !least.isInterleaved && !isOfChanges && largeCount == 0) {
                ahead = least;
            } else {
                goOn(least);
            }
        }
        return true;
    }

    private void goOn(Input input) {
        if (input.advance()) {
            heads.add(input);
        } else {
            unread.add(input);
        }
    }

    /** Whether the least row of all is one that another input has inserted again, or does not match. */
    private boolean isLeftOut(Input least) {
        Input next = heads.peek();
        if (next == null || compareHeads(least, next) != 0) {
            return least.batch().fate(least.row) == ColumnBatch.UNMATCHED;
        }
        Check.that(least.isDeleted() && !next.isDeleted(), "a key lives in one rowset, and dies in one, at most");
        return true;
    }

    /** Reads the next rows of inputs that have none; false if one has looked for them for long, and found none yet. */
    private boolean readHeads() {
        for (Input input = nextUnread(); input != null; input = nextUnread()) {
            if (!input.read()) {
                unread.remove().close();
            } else if (input.batch().isEmpty()) {
                return false;
            } else {
                heads.add(unread.remove());
            }
        }
        return true;
    }

    /** Of all inputs that may have the next row, one of which nothing is read; null if there is none. */
    private @Nullable Input nextUnread() {
        if (unread.isEmpty()) {
            Input next = asleep.peek();
            if (next != null && isDue(next)) {
                unread.add(asleep.remove());
            }
        }
        return unread.peek();
    }

    /** Whether an input that is asleep may have the least row of all, or, where nothing is known of others, has to. */
    private boolean isDue(Input input) {
        Input least = heads.peek();
        if (least == null) {
            return ahead == null; // Which is compared with it when its rows are known.
        }
        ColumnVector keys = least.batch().keys();
        return compareKey(keys, least.row, input.firstKey) >= 0;
    }

    private void noteSource(Input least) {
        if (latest != null && latest != least) {
            latest.isInterleaved = true;
        }
        latest = least;
    }

    /**
     * Fills the target from the input that was ahead of the others, if it still is, perhaps with nothing; false, and it
     * is among them otherwise.
     */
    private boolean readAhead(ColumnBatch target) {
        Input input = ahead;
        if (input == null) {
            return false;
        }
        if (!input.cursor.next(target)) {
            ahead = null;
            input.close();
            return false;
        }
        if (target.isEmpty() || isBeforeOthers(target)) {
            return true;
        }
        ahead = null;
        input.take(target);
        target.clear();
        heads.add(input);
        return false;
    }

    private boolean isBeforeOthers(ColumnBatch rows) {
        int last = rows.rowCount() - 1;
        Input next = heads.peek();
        Input later = asleep.peek();
        return (next == null || compareKeys(rows.keys(), last, next.batch().keys(), next.row) < 0)
                && (later == null || compareKey(rows.keys(), last, later.firstKey) < 0);
    }

    @Override
    public void close() {
        inputs.forEach(Input::close);
        inputs.clear();
        heads.clear();
        unread.clear();
        asleep.clear();
        ahead = null;
    }

    private static int compareHeads(Input left, Input right) {
        return compareKeys(left.batch().keys(), left.row, right.batch().keys(), right.row);
    }

    /** Of a key that is deleted and live, the deleted one comes first. */
    private static int compareChanges(Input left, Input right) {
        int byKey = compareHeads(left, right);
        return byKey == 0 ? Boolean.compare(right.isDeleted(), left.isDeleted()) : byKey;
    }

    private static int compareKeys(ColumnVector left, int leftRow, ColumnVector right, int rightRow) {
        return KeyCodec.compare(
                left.bytes(),
                left.variableOffset(leftRow),
                left.variableBytes(leftRow),
                right.bytes(),
                right.variableOffset(rightRow),
                right.variableBytes(rightRow));
    }

    private static int compareKey(ColumnVector keys, int row, byte[] key) {
        return KeyCodec.compare(keys.bytes(), keys.variableOffset(row), keys.variableBytes(row), key);
    }

    /** One cursor and its present row. */
    private final class Input {
        private final RowCursor cursor;
        private final byte[] firstKey; // No row is below it.
        private @Nullable ColumnBatch batch; // Of one that was read, and not closed.
        private boolean isClosed;
        private int row;

        /** A row of another input came after one of this batch, and there may be more of this batch. */
        private boolean isInterleaved;

        Input(RowCursor cursor) {
            this.cursor = cursor;
            this.firstKey = MergeCursor.firstKey(cursor.keyRange());
        }

        ColumnBatch batch() {
            return Objects.requireNonNull(batch, "nothing was read of this input");
        }

        /** An empty one of so many rows. */
        private ColumnBatch emptyBatch(int rows) {
            ColumnBatch present = batch;
            if (present == null || present.rowsMax() != rows) {
                closeBatch();
                present = new ColumnBatch(spec.batchColumns(), true, rows, account);
                batch = present;
                largeCount += rows > rowsMax ? 1 : 0;
            }
            present.clear();
            return present;
        }

        private void closeBatch() {
            ColumnBatch present = batch;
            batch = null;
            if (present != null) {
                largeCount -= present.rowsMax() > rowsMax ? 1 : 0;
                present.close();
            }
        }

        /** False if the present batch is at its end. */
        boolean advance() {
            row++;
            return row < batch().rowCount();
        }

        /** Of the present row, among rows that changed. */
        boolean isDeleted() {
            return batch().isDeleted(row);
        }

        /** The next batch, which may be empty; false at the end. */
        boolean read() {
            row = 0;
            isInterleaved = false;
            return cursor.next(emptyBatch(rowsMax));
        }

        /** Goes on with rows that this input's cursor has put elsewhere. */
        void take(ColumnBatch rows) {
            row = 0;
            isInterleaved = false;
            ColumnBatch copy = emptyBatch(Limits.VECTOR_ROWS);
            for (int i = 0; i < rows.rowCount(); i++) {
                if (!copy.appendFrom(rows, i)) {
                    throw new AssertionError("a batch does not fit into an empty one");
                }
            }
        }

        void close() {
            if (!isClosed) {
                isClosed = true;
                closeBatch();
                cursor.close();
            }
        }
    }
}
