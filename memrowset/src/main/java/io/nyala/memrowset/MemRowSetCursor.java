package io.nyala.memrowset;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.CellFilter;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.Limits;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a {@link MemRowSet} that are live at a snapshot and match, always in the order of their keys.
 *
 * <pre>{@code
 *   leaves --> candidates --> visible at the snapshot --> matching --> columns
 *              row[1,024]     packed row[1,024]
 * }</pre>
 *
 * <p>Each step works on up to 1,024 rows at once. It touches the memory of the MemRowSet within {@link #next} only:
 * between two calls that may be freed, if this cursor is then used no more but closed; {@link #lastKey} tells where to
 * go on in what has taken its place.
 *
 * <p>One thread at a time. Whoever opened it closes it, which gives scratch memory back to the account.
 */
public final class MemRowSetCursor implements RowCursor.Keyed {
    /** Beyond so many bytes of rows put together from changes, a batch ends. */
    private static final long SCRATCH_BYTES = 256 << 10;

    /** Where rows of few columns end, in bytes from their header on. */
    private static final long SMALL_ROW_BYTES = 48;

    private static final int CANDIDATES_MAX = Limits.VECTOR_ROWS + Permutation.ENTRIES_MAX;

    private final MemorySegment memory;
    private final RowLayout layout;
    private final long snapshot;
    private final CellFilter[] filters;
    private final RowsToColumns columns;
    private final LeafReader leaves;
    private final Scratch scratch;
    private final Scratch bounds;
    private final RowStates states;

    private long lowerKey; // Until the first leaf was read, then 0.
    private final int lowerBytes;
    private final long upperKey; // 0 if there is none.
    private final int upperBytes;
    private boolean isAtEnd;

    private final long[] candidates = new long[CANDIDATES_MAX];
    private int nextCandidate;
    private int candidateCount;

    private final long[] rows = new long[Limits.VECTOR_ROWS];
    private final long[] packedRows = new long[Limits.VECTOR_ROWS];
    private int nextRow;
    private int rowCount;
    /** Nobody asks for it, but a compiler would leave out the reading of what is not kept. */
    @SuppressWarnings("UnusedVariable")
    private long touched;

    private byte[] lastKey = new byte[16];
    private int lastKeyBytes = -1;

    MemRowSetCursor(RowTree tree, RowLayout layout, ScanSpec spec, MemoryAccount account) {
        Check.that(layout.schema().equals(spec.schema()), "a scan must name columns in the schema of the rows");
        this.memory = tree.memory();
        this.layout = layout;
        this.snapshot = spec.snapshot();
        this.filters = spec.predicates().stream()
                .map(predicate -> CellFilter.of(spec.schema(), predicate))
                .toArray(CellFilter[]::new);
        this.columns = new RowsToColumns(layout, memory, spec.projectedIndexes());
        this.leaves = new LeafReader(tree);
        this.scratch = new Scratch(account, SCRATCH_BYTES);
        this.bounds = new Scratch(account, 2L * Limits.KEY_BYTES_MAX);
        this.states = new RowStates(layout, memory, scratch);
        this.lowerKey = bounds.copyOf(spec.lowerKey(), memory);
        this.lowerBytes = spec.lowerKey() == null ? 0 : spec.lowerKey().length;
        this.upperKey = bounds.copyOf(spec.upperKey(), memory);
        this.upperBytes = spec.upperKey() == null ? 0 : spec.upperKey().length;
    }

    @Override
    public boolean next(ColumnBatch target) {
        target.clear();
        for (int looks = 0; nextRow == rowCount; looks++) {
            if (looks == LOOKS_MAX) {
                return true;
            }
            if (nextCandidate == candidateCount && !readCandidates()) {
                return false;
            }
            selectRows();
        }
        int count = columns.fitting(packedRows, nextRow, Math.min(rowCount, nextRow + target.rowsMax()));
        if (target.hasKeys()) {
            count = columns.fittingKeys(rows, nextRow, nextRow + count);
            columns.fillKeys(target, rows, nextRow, count);
        }
        columns.fill(target, packedRows, nextRow, count);
        nextRow += count;
        keepLastKey(rows[nextRow - 1]);
        return true;
    }

    @Override
    public byte @Nullable [] lastKey() {
        return lastKeyBytes < 0 ? null : Arrays.copyOf(lastKey, lastKeyBytes);
    }

    private void keepLastKey(long row) {
        lastKeyBytes = RowHeader.keyBytes(memory, row);
        if (lastKeyBytes > lastKey.length) {
            lastKey = new byte[Math.max(lastKeyBytes, 2 * lastKey.length)];
        }
        MemorySegment.copy(memory, JAVA_BYTE, RowHeader.keyOffset(row), lastKey, 0, lastKeyBytes);
    }

    /** Rows within the bounds, leaf by leaf; false if there are no more. */
    private boolean readCandidates() {
        nextCandidate = 0;
        candidateCount = 0;
        if (lowerKey != 0) {
            leaves.seek(memory, lowerKey, lowerBytes);
        }
        while (!isAtEnd && candidateCount < Limits.VECTOR_ROWS) {
            int first = candidateCount;
            candidateCount += leaves.read(candidates, candidateCount);
            isAtEnd = leaves.isAtEnd();
            if (lowerKey != 0) {
                dropBelowLower();
            }
            if (upperKey != 0) {
                dropFromUpper(first);
            }
        }
        lowerKey = 0;
        return candidateCount > nextCandidate;
    }

    /** Of the first leaf, and of more only if it was split just now. */
    private void dropBelowLower() {
        while (nextCandidate < candidateCount && compare(lowerKey, lowerBytes, candidates[nextCandidate]) > 0) {
            nextCandidate++;
        }
        if (nextCandidate < candidateCount) {
            lowerKey = 0;
        } else {
            nextCandidate = 0;
            candidateCount = 0;
        }
    }

    private void dropFromUpper(int first) {
        while (candidateCount > first && compare(upperKey, upperBytes, candidates[candidateCount - 1]) <= 0) {
            candidateCount--;
            isAtEnd = true;
        }
        nextCandidate = Math.min(nextCandidate, candidateCount);
    }

    private int compare(long key, int keyBytes, long row) {
        return Keys.compare(memory, key, keyBytes, memory, row);
    }

    /** Takes candidates that are visible, then of those the ones that match. */
    private void selectRows() {
        nextRow = 0;
        rowCount = 0;
        scratch.clear();
        int count = 0;
        int at = nextCandidate;
        int end = Math.min(candidateCount, at + Limits.VECTOR_ROWS);
        touched = touch(at, end);
        for (; at < end && scratch.usedBytes() < SCRATCH_BYTES; at++) {
            long row = candidates[at];
            long packedRow = states.at(row, snapshot);
            rows[count] = row;
            packedRows[count] = packedRow;
            count += packedRow != 0 ? 1 : 0;
        }
        nextCandidate = at;
        for (CellFilter filter : filters) {
            count = matching(filter, count);
        }
        rowCount = count;
    }

    /**
     * Reads a little of each row, so that the processor waits for many of them at the same time: what is done with a
     * row is so much that it would come to few others while it waits for one. Answers something that depends on all.
     */
    private long touch(int from, int to) {
        long last = memory.byteSize() - 1;
        long sum = 0;
        for (int i = from; i < to; i++) {
            long row = candidates[i];
            sum += memory.get(JAVA_BYTE, row) + memory.get(JAVA_BYTE, Math.min(row + SMALL_ROW_BYTES, last));
        }
        return sum;
    }

    private int matching(CellFilter filter, int count) {
        int kept = 0;
        for (int i = 0; i < count; i++) {
            rows[kept] = rows[i];
            packedRows[kept] = packedRows[i];
            kept += filter.matches(layout, memory, packedRows[i]) ? 1 : 0;
        }
        return kept;
    }

    @Override
    public void close() {
        scratch.close();
        bounds.close();
        isAtEnd = true;
        nextRow = rowCount;
        nextCandidate = candidateCount;
    }
}
