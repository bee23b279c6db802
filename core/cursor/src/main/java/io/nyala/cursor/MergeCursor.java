package io.nyala.cursor;

import io.nyala.memory.MemoryAccount;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.RowCursor;
import io.nyala.rows.ScanSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Rows of several cursors, each in key order, as one sequence in key order. A snapshot sees a key live in one rowset at
 * most, so there are no ties.
 *
 * <p>Rowsets often follow one another without overlap, as the outputs of one flush do. So when a whole batch of an
 * input came before all others, its next one is read where the caller wants it, and copied only if it turns out to
 * overlap after all.
 */
public final class MergeCursor implements RowCursor {
    private final List<Input> inputs = new ArrayList<>();
    private final PriorityQueue<Input> heads;

    /** Their next row is not known yet: it may be before all others. */
    private final ArrayDeque<Input> unread = new ArrayDeque<>();

    /** Where the last row came from. */
    private @Nullable Input latest;

    /** In no order with the heads: its last batch was before all of them, its next one is not read yet. */
    private @Nullable Input ahead;

    /** Takes the cursors over, unless it throws. */
    public MergeCursor(List<RowCursor> cursors, ScanSpec spec, MemoryAccount account) {
        this.heads = new PriorityQueue<>(cursors.size(), MergeCursor::compareHeads);
        try {
            for (RowCursor cursor : cursors) {
                inputs.add(new Input(cursor, new ColumnBatch(spec.projectedColumns(), true, account)));
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
        while (!target.isFull() && ahead == null && readHeads()) {
            Input least = heads.poll();
            if (least == null) {
                return !target.isEmpty();
            }
            if (!target.appendFrom(least.batch, least.row)) {
                heads.add(least);
                break;
            }
            noteSource(least);
            if (least.row + 1 == least.batch.rowCount() && !least.isInterleaved) {
                ahead = least;
            } else if (least.advance()) {
                heads.add(least);
            } else {
                unread.add(least);
            }
        }
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
