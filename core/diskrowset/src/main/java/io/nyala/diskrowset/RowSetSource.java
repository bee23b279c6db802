package io.nyala.diskrowset;

import io.nyala.cfile.ReadAhead;
import io.nyala.cfile.VectorSelection;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.GrowingBuffer;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.Limits;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowPatch;
import io.nyala.rows.RowSource;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All rows of a rowset on disk, deleted ones included, with their whole histories and everything that has happened to
 * them since their file was written: what a merge reads. Changes since become values and history, as if the file had
 * been written after them.
 *
 * <pre>{@code
 *   file:  row (2, 1), UNDO: T1 a=1, T0 DELETE       since:  T2 UPDATE b=5, T3 DELETE
 *
 *   answer: deleted, last values (2, 5), history, newest first:
 *   T3 UPDATE of nothing | T2 UPDATE b=1 | T1 UPDATE a=1 | T0 DELETE
 * }</pre>
 *
 * <p>Rows are read from their columns some hundred at a time, and pages are held only meanwhile: memory is that of
 * these rows, of reads that are ahead of them, of one row with its history, and of one chunk of history.
 *
 * <p>What nobody can see any more has no record, however often a row changed: it is as if it had been in the file from
 * the beginning of its lifetime.
 *
 * <p>For a {@link RowSetRewrite} rows have no keys and few columns, while their history is whole. For those who want to
 * know what happened between two times, vectors in which nothing did are left out, changes since the file that came
 * after the later time are not applied, and those in between leave two records of UPDATEs at most, the newest of which
 * is of the newest time.
 *
 * <p>One thread. Whoever made it closes it, before the rowset and the sources.
 */
public final class RowSetSource implements RowSource {
    /** Of what is read ahead a half are pages, others of which are read one by one, and a quarter rows of a vector. */
    private static final long BYTES_MAX = 2 << 20;

    /** Of changes that are decoded a page at a time; those beyond it, of columns or delta files, some 200 at a time. */
    private static final long CHANGES_BYTES_KEPT = 256 << 10;

    /** Of a row in a merge, which copies it twice beside an output of up to half of its memory. */
    private static final long HISTORY_BYTES_MAX = 8 << 20;

    /** In the place of the ordinal at which a cursor stands: it is still to be moved. */
    private static final long UNKNOWN = -1;

    private final DiskRowSet rowSet;
    private final Schema schema;
    private final Reading reading;
    private final @Nullable ScanSpec interval;
    private final boolean hasKeys; // If not, a rewrite has them.
    private final RedoSources since;
    private final ReaderMemory memory;
    private final RowLayout layout;
    private final KeyCodec keys;
    private final RowPatch patch;
    private final RowShape shape;
    private final VectorSelection vectors;
    private final ScanColumns columns;
    private final RowAssembly assembly;
    private final RowAssembly.@Nullable Whole whole; // Null if all rows are.
    private final Opened opened = new Opened();
    private final DeltaSource.Cursor history;

    /** What {@link #redo} reads; null before they were opened. */
    private @Nullable List<DeltaSource> sources;

    private ScanDeltas.Every redo;
    private long historyOrdinal = UNKNOWN;

    /** Rows that were read ahead; behind them, what is put together of the present row. */
    private final GrowingBuffer buffer;

    /** The present row between two of its changes; one of the two. */
    private GrowingBuffer changed;

    private GrowingBuffer spare;
    private final long[] rowOffsets = new long[Limits.VECTOR_ROWS];
    private final int[] rowLengths = new int[Limits.VECTOR_ROWS];
    private final long[] insertTimes = new long[Limits.VECTOR_ROWS];
    private final boolean[] deletions = new boolean[Limits.VECTOR_ROWS];
    private long aheadOrdinal;
    private int aheadCount;
    private long aheadEnd;

    // The present row.
    private long ordinal = -1;
    private long end;
    private long keyOffset;
    private int keyBytes;
    private long rowOffset;
    private int rowBytes;
    private int wholeRowBytes;
    private long insertTime;
    private boolean isDeleted;
    private long newestChange;

    private final History.Records older = new History.Records(); // As in the file: newest first.
    private final History.Records newer = new History.Records(); // Since: oldest first.

    /**
     * Opens it on the first row.
     *
     * @param schema of the table, in which rows are answered
     * @param mark no snapshot before it is read any more: what happened at or before it needs no record
     * @param since what happened to the rows since the file was written, oldest first; must not change any more
     * @param account pays for all that it needs until it is closed
     */
    public RowSetSource(DiskRowSet rowSet, Schema schema, long mark, List<DeltaSource> since, MemoryAccount account) {
        this(rowSet, schema, new Reading(schema, mark, BYTES_MAX, 0), since, account);
    }

    /**
     * How a merge reads a rowset.
     *
     * @param ofRows columns that rows have: those of the key, and all that changed; the others are written otherwise
     * @param mark no snapshot before it is read any more: what happened at or before it needs no record
     * @param bytesMax about what is read ahead, in all; more than two MiB are of no use, and not used
     * @param collectedBytes of changes that are copied, of one source after the other; 0 to read all side by side
     */
    public record Reading(Schema ofRows, long mark, long bytesMax, long collectedBytes) {
        public Reading {
            bytesMax = Math.min(bytesMax, BYTES_MAX);
        }
    }

    public RowSetSource(
            DiskRowSet rowSet, Schema schema, Reading reading, List<DeltaSource> since, MemoryAccount account) {
        this(rowSet, schema, new Past(rowSet, schema, reading), () -> since, account);
    }

    /** Of the columns that a rewrite does not copy, and without keys. */
    RowSetSource(RowSetRewrite rewrite, long mark, List<DeltaSource> since, MemoryAccount account) {
        this(rewrite.rowSet(), rewrite.schema(), new Past(rewrite, mark), () -> since, account);
    }

    /** What is told of it: what happened after a time, and, if it is for a scan, up to another. */
    private record Past(
            RowShape shape, Reading reading, @Nullable ScanSpec interval) {
        Past(DiskRowSet rowSet, Schema schema, Reading reading) {
            this(RowShape.of(reading.ofRows(), schema, rowSet), reading, null);
        }

        Past(RowSetRewrite rewrite, long mark) {
            this(rewrite.shape(), new Reading(rewrite.schema(), mark, BYTES_MAX, 0), null);
        }

        Past(DiskRowSet rowSet, ScanSpec scan) {
            var reading = new Reading(scan.schema(), scan.start(), BYTES_MAX, 0);
            this(RowShape.of(scan.schema(), scan.schema(), rowSet), reading, scan);
        }
    }

    /**
     * Rows of vectors in which something may have happened between the start and the snapshot of a scan. Reads nothing
     * before the first {@link #refresh}.
     *
     * @param scan in the columns in which rows are answered; its predicates are not looked at
     * @param schema of the table, with all columns: changes of others are none
     * @param since may be replaced between two calls of {@link #refresh}
     */
    public RowSetSource(DiskRowSet rowSet, ScanSpec scan, Schema schema, RedoSources since, MemoryAccount account) {
        this(rowSet, schema, new Past(rowSet, scan), since, account);
    }

    private RowSetSource(DiskRowSet rowSet, Schema schema, Past past, RedoSources since, MemoryAccount account) {
        this.rowSet = rowSet;
        this.schema = schema;
        this.reading = past.reading();
        this.interval = past.interval();
        this.since = since;
        this.memory = new ReaderMemory(account, CHANGES_BYTES_KEPT);
        Schema answered = interval == null ? schema : interval.schema();
        this.shape = past.shape();
        this.hasKeys = !shape.isPreset(0);
        this.layout = shape.layout();
        this.keys = new KeyCodec(layout);
        this.patch = new RowPatch(layout);
        this.vectors = new VectorSelection(rowSet.rowCount());
        this.redo = new ScanDeltas.Every(List.of(), 0, 0, 0, memory);
        try {
            ReadAhead ahead =
                    rowSet.file().readAhead(account, interval == null ? reading.bytesMax() / 2 : Long.MAX_VALUE);
            opened.add(ahead::close);
            opened.add(memory::close);
            this.columns = new ScanColumns(rowSet, answered, vectors, memory, ahead);
            opened.add(columns::close);
            this.assembly = new RowAssembly(shape, rowSet.fileColumns().layout(), memory);
            boolean isSome = hasKeys && shape.layout().columnCount() < answered.columnCount();
            this.whole = isSome ? new RowAssembly.Whole(rowSet, answered, memory) : null;
            this.buffer = new GrowingBuffer(account);
            opened.add(buffer::close);
            this.changed = new GrowingBuffer(account);
            opened.add(() -> changed.close()); // Whichever of the two it is.
            this.spare = new GrowingBuffer(account);
            opened.add(() -> spare.close());
            this.history = rowSet.history().changes(0, rowSet.rowCount(), reading.mark(), account);
            opened.add(history::close);
            opened.add(() -> redo.close());
            if (interval == null) {
                refresh();
            }
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // That is how a replacement is told.
    public void refresh() {
        List<DeltaSource> now = since.oldestFirst();
        if (now == sources) {
            return;
        }
        if (sources == null && interval != null) {
            VectorFilter.selectChanged(rowSet, interval, now, vectors);
        }
        sources = null;
        redo.close();
        redo = new ScanDeltas.Every(now, ordinal + 1, rowSet.rowCount(), reading.collectedBytes(), memory);
        sources = now;
    }

    @Override
    public boolean next() {
        do {
            if (!goOn()) {
                return false;
            }
        } while (interval != null && !interval.keyRange().contains(buffer.memory(), keyOffset, keyBytes));
        return true;
    }

    private boolean goOn() {
        long following = ordinal + 1;
        if (following >= rowSet.rowCount()) {
            return false;
        }
        if (following == aheadOrdinal + aheadCount) {
            int vector = vectors.next((int) (following / Limits.VECTOR_ROWS));
            if (vector < 0) {
                return false;
            }
            following = Math.max(following, (long) vector * Limits.VECTOR_ROWS);
            readAhead(following);
        }
        ordinal = following;
        int index = (int) (ordinal - aheadOrdinal);
        end = aheadEnd;
        rowOffset = rowOffsets[index];
        rowBytes = rowLengths[index];
        insertTime = insertTimes[index];
        isDeleted = deletions[index];
        older.clear();
        newer.clear();
        takeHistory();
        newestChange = older.count() == 0 ? insertTime : Math.max(insertTime, older.time(0));
        takeChanges();
        if (hasKeys) {
            keyOffset = allocate(keys.encodedBytesMax(buffer.memory(), rowOffset));
            keyBytes = keys.encode(buffer.memory(), rowOffset, buffer.memory(), keyOffset);
        }
        return true;
    }

    /** Pages are pinned only in here, those of one vector of this rowset, as in a scan. */
    private void readAhead(long from) {
        int vector = (int) (from / Limits.VECTOR_ROWS);
        int first = (int) (from % Limits.VECTOR_ROWS);
        int vectorRows = rowSet.vectorRows(vector);
        aheadOrdinal = from;
        aheadCount = 0;
        end = 0;
        try {
            for (int row = first; row < vectorRows && end < reading.bytesMax() / 4; row++) {
                assembly.begin(true);
                assembly.complete(shape.untested(), columns, vector, row);
                assembly.pack();
                rowOffsets[aheadCount] = allocate(assembly.bytes());
                rowLengths[aheadCount] = (int) assembly.bytes();
                MemorySegment.copy(
                        assembly.memory(), 0, buffer.memory(), rowOffsets[aheadCount], rowLengths[aheadCount]);
                insertTimes[aheadCount] = columns.insertTimeAt(vector).longAt(row);
                deletions[aheadCount] = columns.deletedAt(vector).longAt(row) != 0;
                aheadCount++;
            }
        } finally {
            columns.release();
        }
        aheadEnd = end;
    }

    /** Offset of so many bytes more, 8-byte aligned. The buffer may be elsewhere afterwards. */
    private long allocate(long bytes) {
        long offset = end;
        end = DeltaFileFormat.pad8(offset + bytes);
        buffer.ensure(offset, end);
        return offset;
    }

    private void takeHistory() {
        if (historyOrdinal < ordinal) {
            historyOrdinal = history.seek(ordinal) ? history.ordinal() : Long.MAX_VALUE;
        }
        while (historyOrdinal == ordinal) {
            checkHistory();
            MemorySegment memory = history.memory();
            long change = history.changeOffset();
            RowChange.check(rowSet.fileColumns().layout(), memory, change, history.changeBytes());
            if (RowChange.kind(memory, change) == RowChange.REINSERT && hasKeys) {
                RowAssembly all = whole == null ? assembly : whole.assembly();
                int bytes = all.reinserted(history); // Into a row of the columns that the table has now.
                long at = allocate(2L * Long.BYTES + bytes);
                int recordBytes = RowChange.writeReinsert(all.memory(), 0, bytes, buffer.memory(), at);
                older.add(history.time(), at, recordBytes);
            } else {
                long at = allocate(history.changeBytes());
                MemorySegment.copy(memory, change, buffer.memory(), at, history.changeBytes());
                older.add(history.time(), at, history.changeBytes());
            }
            historyOrdinal = history.next() ? history.ordinal() : Long.MAX_VALUE;
        }
    }

    private void takeChanges() {
        DeltaSource.Cursor cursor = redo.first(ordinal);
        if (cursor == null) {
            return;
        }
        changed.ensure(0, rowBytes);
        MemorySegment.copy(buffer.memory(), rowOffset, changed.memory(), 0, rowBytes);
        for (; cursor != null; cursor = redo.next(ordinal)) {
            take(cursor);
        }
        rowOffset = allocate(rowBytes);
        MemorySegment.copy(changed.memory(), 0, buffer.memory(), rowOffset, rowBytes);
    }

    private void checkHistory() {
        if (interval == null && end - aheadEnd > HISTORY_BYTES_MAX) {
            throw new DiskRowSet.HistoryLimitException(
                    rowSet, ordinal, historyCount(), end - aheadEnd, HISTORY_BYTES_MAX);
        }
    }

    /** Notes how to undo a change, and applies it to {@link #changed}. */
    private void take(DeltaSource.Cursor cursor) {
        if (interval != null && cursor.time() > interval.snapshot()) {
            return;
        }
        MemorySegment memory = cursor.memory();
        long change = cursor.changeOffset();
        RowChange.check(layout, memory, change, cursor.changeBytes());
        if (isDeleted || RowChange.kind(memory, change) == RowChange.REINSERT) {
            throw new IllegalArgumentException("row " + ordinal + " of " + rowSet.path() + " changes at "
                    + cursor.time() + " after it was deleted, or is inserted again; only a MemRowSet takes inserts");
        }
        checkHistory();
        boolean isRecorded = cursor.time() > reading.mark();
        if (RowChange.kind(memory, change) == RowChange.DELETE) {
            isDeleted = true;
            newestChange = cursor.time();
            if (isRecorded) {
                beginHistory();
                long at = allocate(RowChange.HEADER_BYTES);
                RowChange.startUpdate(buffer.memory(), at, 0); // Its last values stay those of the row.
                newer.add(cursor.time(), at, RowChange.HEADER_BYTES);
            }
            return;
        }
        if (!RowChange.setsAnyOf(schema, memory, change)) {
            return; // It changes columns only that were dropped.
        }
        newestChange = cursor.time();
        if (isRecorded) {
            recordUpdate(cursor.time(), memory, change);
        }
        MemorySegment row = changed.memory();
        spare.ensure(0, patch.appliedBytesMax(row, 0, memory, change));
        rowBytes = patch.apply(row, 0, memory, change, spare.memory(), 0);
        GrowingBuffer before = changed;
        changed = spare;
        spare = before;
    }

    /** Notes what an UPDATE is going to set, as it is before. */
    private void recordUpdate(long time, MemorySegment memory, long change) {
        beginHistory();
        long inverse = allocate(patch.inverseBytesMax(changed.memory(), 0, memory, change));
        int bytes = patch.writeInverse(changed.memory(), 0, memory, change, buffer.memory(), inverse);
        if (interval == null) {
            newer.add(time, inverse, bytes);
        } else {
            newer.join(buffer.memory(), time, inverse, bytes);
        }
        end = DeltaFileFormat.pad8(newer.end());
    }

    /** Before the first record of the row's lifetime, one that it did not exist before. */
    private void beginHistory() {
        boolean isFirst = newer.count() == 0 && (older.count() == 0 || older.time(0) < insertTime);
        if (isFirst && insertTime > reading.mark()) {
            long begin = allocate(RowChange.HEADER_BYTES);
            newer.add(insertTime, begin, RowChange.writeDelete(buffer.memory(), begin));
        }
    }

    @Override
    public MemorySegment memory() {
        return buffer.memory();
    }

    @Override
    public long keyOffset() {
        return keyOffset;
    }

    @Override
    public int keyBytes() {
        return keyBytes;
    }

    @Override
    public long rowOffset() {
        return rowOffset;
    }

    @Override
    public int rowBytes() {
        return rowBytes;
    }

    @Override
    public long wholeRowOffset() {
        if (whole == null) {
            return rowOffset;
        }
        wholeRowBytes = whole.assemble(layout, buffer.memory(), rowOffset, ordinal);
        long at = allocate(wholeRowBytes);
        MemorySegment.copy(whole.assembly().memory(), 0, buffer.memory(), at, wholeRowBytes);
        return at;
    }

    @Override
    public int wholeRowBytes() {
        return whole == null ? rowBytes : wholeRowBytes;
    }

    @Override
    public long insertTime() {
        return insertTime;
    }

    @Override
    public boolean isDeleted() {
        return isDeleted;
    }

    @Override
    public long newestChange() {
        return newestChange;
    }

    @Override
    public int historyCount() {
        return newer.count() + older.count();
    }

    @Override
    public long historyTime(int index) {
        return index < newer.count() ? newer.time(newer.count() - 1 - index) : older.time(index - newer.count());
    }

    @Override
    public long historyOffset(int index) {
        return index < newer.count() ? newer.offset(newer.count() - 1 - index) : older.offset(index - newer.count());
    }

    @Override
    public int historyBytes(int index) {
        return index < newer.count() ? newer.bytes(newer.count() - 1 - index) : older.bytes(index - newer.count());
    }

    @Override
    public void close() {
        opened.close();
    }
}
