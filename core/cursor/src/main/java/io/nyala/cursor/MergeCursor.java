package io.nyala.cursor;

import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.Limits;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Rows of several cursors, each in key order, as one sequence in key order. A snapshot sees a key live in one rowset at
 * most, so there are no ties. Among rows that changed there are: a key that one rowset says is deleted another has
 * live, if it was inserted again. Then only the live one is yielded, if it matches.
 *
 * <p>Rowsets often follow one another without overlap, as the outputs of one flush do. So when a whole batch of an
 * input came before all others, its next one is read where the caller wants it, and copied only if it turns out to
 * overlap after all.
 */
public final class MergeCursor implements RowCursor {
    /** Rows that a call leaves out before it comes back without one. */
    private static final int LEFT_OUT_MAX = LOOKS_MAX * Limits.VECTOR_ROWS;

    private final List<Input> inputs = new ArrayList<>();
    private final PriorityQueue<Input> heads;
    private final boolean isOfChanges;

    /** Their next row is not known yet: it may be before all others. */
    private final ArrayDeque<Input> unread = new ArrayDeque<>();

    /** Where the last row came from. */
    private @Nullable Input latest;

    /** In no order with the heads: its last batch was before all of them, its next one is not read yet. */
    private @Nullable Input ahead;

    /** Takes the cursors over, unless it throws. */
    public MergeCursor(List<RowCursor> cursors, ScanSpec spec, MemoryAccount account) {
        this.heads = new PriorityQueue<>(
                cursors.size(), spec.isOfChanges() ? MergeCursor::compareChanges : MergeCursor::compareHeads);
        this.isOfChanges = spec.isOfChanges();
        try {
            for (RowCursor cursor : cursors) {
                inputs.add(new Input(cursor, new ColumnBatch(spec.batchColumns(), true, account)));
            }
            unread.addAll(inputs);
        } catch (RuntimeException e) {
            inputs.forEach(input -> input.batch.close());
            throw e;
        }
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
            if (!target.appendFrom(least.batch, least.row)) {
                heads.add(least);
                break;
            }
            noteSource(least);
            if (least.row + 1 == least.batch.rowCount() && !least.isInterleaved && !isOfChanges) {
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
            return least.batch.fate(least.row) == ColumnBatch.UNMATCHED;
        }
        Check.that(least.isDeleted() && !next.isDeleted(), "a key lives in one rowset, and dies in one, at most");
        return true;
    }

    /** Reads the next rows of inputs that have none; false if one has looked for them for long, and found none yet. */
    private boolean readHeads() {
        for (Input input = unread.peek(); input != null; input = unread.peek()) {
            if (!input.read()) {
                unread.remove();
            } else if (input.batch.isEmpty()) {
                return false;
            } else {
                heads.add(unread.remove());
            }
        }
        return true;
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
            return false;
        }
        Input next = heads.peek();
        if (next == null
                || target.isEmpty()
                || compareKeys(target.keys(), target.rowCount() - 1, next.batch.keys(), next.row) < 0) {
            return true;
        }
        ahead = null;
        input.take(target);
        target.clear();
        heads.add(input);
        return false;
    }

    @Override
    public void close() {
        inputs.forEach(Input::close);
        inputs.clear();
        heads.clear();
        unread.clear();
    }

    private static int compareHeads(Input left, Input right) {
        return compareKeys(left.batch.keys(), left.row, right.batch.keys(), right.row);
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

    /** One cursor and its present row. */
    private static final class Input {
        private final RowCursor cursor;
        private final ColumnBatch batch;
        private int row;

        /** A row of another input came after one of this batch, and there may be more of this batch. */
        private boolean isInterleaved;

        Input(RowCursor cursor, ColumnBatch batch) {
            this.cursor = cursor;
            this.batch = batch;
        }

        /** False if the present batch is at its end. */
        boolean advance() {
            row++;
            return row < batch.rowCount();
        }

        /** Of the present row, among rows that changed. */
        boolean isDeleted() {
            return batch.isDeleted(row);
        }

        /** The next batch, which may be empty; false at the end. */
        boolean read() {
            row = 0;
            isInterleaved = false;
            return cursor.next(batch);
        }

        /** Goes on with rows that this input's cursor has put elsewhere. */
        void take(ColumnBatch rows) {
            row = 0;
            isInterleaved = false;
            batch.clear();
            for (int i = 0; i < rows.rowCount(); i++) {
                if (!batch.appendFrom(rows, i)) {
                    throw new AssertionError("a batch does not fit into an empty one");
                }
            }
        }

        void close() {
            batch.close();
            cursor.close();
        }
    }
}
