package io.nyala.diskrowset;

import io.nyala.cfile.CellKind;
import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.ColumnPredicate;
import io.nyala.cfile.KeyIndex;
import io.nyala.cfile.VectorSelection;
import io.nyala.memory.Kernels;
import io.nyala.memory.Slab;
import io.nyala.rows.CellFilter;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.Limits;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.Predicate;
import io.nyala.rows.ScanSpec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which rows of a vector a scan yields, as far as the file alone tells: by key range, deletion, insert time, and
 * predicates on the encoded columns. It stops at the first test that leaves no row.
 *
 * <pre>{@code
 *   begin: key range, tests that no change touches -> rows with changes are taken out -> finish: the other tests
 * }</pre>
 *
 * <p>Belongs to one cursor.
 */
final class VectorFilter {
    /** Room behind a selection or bitmap for kernels that write whole words. */
    static final int PADDING_BYTES = 64;

    /** Vectors after which tests are put in order anew. */
    private static final int ORDER_VECTORS = 16;

    /** Of asking strings, where asking numbers is 1. */
    private static final double STRING_COST = 8;

    static final int BITMAP_BYTES = Limits.VECTOR_ROWS / Byte.SIZE;

    private static final Column DELETED = Column.of("deleted", ColumnType.INT8);
    static final Column INSERT_TIME = Column.of("insert time", ColumnType.INT64);

    private static final Kernels KERNELS = Kernels.best();

    private final DiskRowSet rowSet;
    private final ScanSpec spec;
    private final ScanColumns columns;
    private final RowAssembly assembly;
    private final ReaderMemory memory;
    private final @Nullable ColumnPredicate isLive;
    private final @Nullable ColumnPredicate isInserted;
    private final List<Test> tests = new ArrayList<>();
    private int firstVector;
    private int lastVector;
    private int testedVectors;

    /** A predicate, the column in the schema that it is about, and what became of rows that it was asked of. */
    private static final class Test {
        private final int column;
        private final int columnId;

        /** Null if the file does not have the column. */
        private final @Nullable ColumnPredicate predicate;

        /** Whether the default of such a column matches. */
        private final boolean matchesDefault;

        private final double cost;
        private long asked;
        private long kept;

        Test(int column, int columnId, @Nullable ColumnPredicate predicate, boolean matchesDefault, double cost) {
            this.column = column;
            this.columnId = columnId;
            this.predicate = predicate;
            this.matchesDefault = matchesDefault;
            this.cost = cost;
        }

        void saw(int before, int after) {
            asked += before;
            kept += after;
        }

        /** The part of the rows that it spares the others, for what it takes. */
        double worth() {
            return (1 + asked - kept) / ((2 + asked) * cost);
        }

        /** What was seen so far has half its weight from now on. */
        void age() {
            asked >>= 1;
            kept >>= 1;
        }
    }

    VectorFilter(
            DiskRowSet rowSet,
            ScanSpec spec,
            RowShape shape,
            ScanColumns columns,
            RowAssembly assembly,
            ReaderMemory memory) {
        this.rowSet = rowSet;
        this.spec = spec;
        this.columns = columns;
        this.assembly = assembly;
        this.memory = memory;
        this.isLive = rowSet.deletedCount() == 0
                ? null
                : ColumnPredicate.of(new Predicate.Equal(0, CellValue.of(DELETED, 0L)), CellKind.INT8);
        this.isInserted = spec.snapshot() >= rowSet.newestChange()
                ? null
                : ColumnPredicate.of(
                        new Predicate.Range(0, null, CellValue.of(INSERT_TIME, spec.snapshot() + 1)), CellKind.INT64);
        for (Predicate predicate : spec.predicates()) {
            tests.add(test(predicate, shape));
        }
    }

    private Test test(Predicate predicate, RowShape shape) {
        int column = predicate.column();
        int id = spec.schema().column(column).id();
        if (columns.has(column)) {
            CellKind kind = columns.stored(column).kind();
            double cost = kind.isBinary() ? STRING_COST : 1;
            return new Test(column, id, ColumnPredicate.of(predicate, kind), false, cost);
        }
        CellFilter filter = CellFilter.of(shape.layout().schema(), shape.localized(predicate));
        return new Test(column, id, null, filter.matches(shape.layout(), shape.template(), 0), 1);
    }

    /**
     * Leaves only vectors that may have a row of the scan: by their keys, and by the values of columns that no change
     * touches there. Reads no page.
     */
    void prune(VectorSelection vectors, ScanDeltas deltas) {
        int count = vectors.vectorCount();
        KeyIndex index = rowSet.index();
        byte[] lower = spec.lowerKey();
        byte[] upper = spec.upperKey();
        firstVector = lower == null || count == 0 ? 0 : floor(index, lower);
        lastVector = upper == null || count == 0 ? count - 1 : floor(index, upper);
        vectors.removeRange(0, Math.min(firstVector, count));
        vectors.removeRange(Math.min(lastVector + 1, count), count);
        deltas.limit(Math.min(rowSet.rowCount(), (lastVector + 1L) * Limits.VECTOR_ROWS));
        VectorSelection unchanged = null;
        for (Test test : tests) {
            if (!deltas.touches(test.columnId)) {
                prune(test, vectors);
            } else {
                unchanged = unchanged == null ? new VectorSelection(rowSet.rowCount()) : unchanged;
                prune(test, unchanged);
            }
        }
        for (int vector = vectors.next(0); unchanged != null && vector >= 0; vector = vectors.next(vector + 1)) {
            long first = (long) vector * Limits.VECTOR_ROWS;
            if (!unchanged.has(vector) && !deltas.mayChange(first, first + Limits.VECTOR_ROWS)) {
                vectors.remove(vector);
            }
        }
    }

    private void prune(Test test, VectorSelection vectors) {
        ColumnPredicate predicate = test.predicate;
        if (predicate != null) {
            columns.stored(test.column).prune(predicate, vectors);
        } else if (!test.matchesDefault) {
            vectors.removeRange(0, vectors.vectorCount());
        }
    }

    private static int floor(KeyIndex index, byte[] key) {
        return index.floor(MemorySegment.ofArray(key), 0, key.length);
    }

    /** Whether there are conditions, so that other columns are needed of some rows only. */
    boolean hasTests() {
        return !tests.isEmpty();
    }

    /**
     * Starts reading one unit more of each column that the first tests of a scan need, which begins at a vector; false
     * if there is nothing more to read.
     */
    boolean prepareMore(int vector) {
        boolean isMore = isLive != null && columns.prepareMoreDeleted(vector);
        isMore |= isInserted != null && columns.prepareMoreInsertTimes(vector);
        for (int i = 0; i < tests.size() && columns.hasRoom(); i++) {
            if (tests.get(i).predicate != null) {
                isMore |= columns.prepareMore(tests.get(i).column, vector);
            }
        }
        return isMore;
    }

    /** Whether all rows of some vectors match, as the file has them, whatever is in its pages. */
    boolean takesAll(int from, int to, ScanDeltas deltas) {
        return tests.isEmpty()
                && isLive == null
                && isInserted == null
                && (spec.lowerKey() == null || from > firstVector)
                && (spec.upperKey() == null || to <= lastVector)
                && !deltas.mayChange((long) from * Limits.VECTOR_ROWS, (long) to * Limits.VECTOR_ROWS);
    }

    /** The first row of a vector in the scan's key range. */
    int firstRow(int vector) {
        byte[] lower = spec.lowerKey();
        return vector == firstVector && lower != null ? lowerBound(vector, lower) : 0;
    }

    /** Behind the last row of a vector in the scan's key range. */
    int endRow(int vector) {
        byte[] upper = spec.upperKey();
        return vector == lastVector && upper != null ? lowerBound(vector, upper) : rowSet.vectorRows(vector);
    }

    /**
     * Begins with rows {@code from} to {@code to}, excluded, of a vector, and applies the tests that are true or false
     * whatever has changed; false if no row is left.
     */
    boolean begin(int vector, int from, int to, ScanDeltas deltas) {
        if (from >= to) {
            return false;
        }
        setRange(from, to);
        if (!deltas.isUndo() && isLive != null) {
            columns.deletedAt(vector).and(isLive, bitmap(), 0);
        }
        return testAll(vector, deltas, false);
    }

    /** Applies the other tests; to be called when the rows that have changes were taken out. */
    boolean finish(int vector, ScanDeltas deltas) {
        if (deltas.isUndo() && isLive != null) {
            columns.deletedAt(vector).and(isLive, bitmap(), 0);
        }
        if (isInserted != null) {
            columns.insertTimeAt(vector).and(isInserted, bitmap(), 0);
        }
        return testAll(vector, deltas, true);
    }

    private boolean testAll(int vector, ScanDeltas deltas, boolean isTouched) {
        int left = count();
        for (int i = 0; i < tests.size() && left > 0; i++) {
            Test test = tests.get(i);
            if (deltas.touches(test.columnId) == isTouched) {
                ColumnPredicate predicate = test.predicate;
                if (predicate != null) {
                    columns.at(test.column, vector).and(predicate, bitmap(), 0);
                } else if (!test.matchesDefault) {
                    setRange(0, 0);
                }
                int kept = count();
                test.saw(left, kept);
                left = kept;
            }
        }
        if (++testedVectors % ORDER_VECTORS == 0) {
            order();
        }
        return left > 0;
    }

    /** Puts those first that have been worth most of late, so that the others often need not be asked. */
    private void order() {
        for (int i = 1; i < tests.size(); i++) {
            Test test = tests.get(i);
            int place = i;
            for (; place > 0 && tests.get(place - 1).worth() < test.worth(); place--) {
                tests.set(place, tests.get(place - 1));
            }
            tests.set(place, test);
        }
        for (int i = 0; i < tests.size(); i++) {
            tests.get(i).age();
        }
    }

    /** Whether a row is still among those that may match. */
    boolean has(int row) {
        return (bitmap().get(ValueLayout.JAVA_BYTE, row >>> 3) >>> (row & 7) & 1) != 0;
    }

    /** Takes a row out. */
    void remove(int row) {
        int rest = bitmap().get(ValueLayout.JAVA_BYTE, row >>> 3) & ~(1 << (row & 7));
        bitmap().set(ValueLayout.JAVA_BYTE, row >>> 3, (byte) rest);
    }

    /** Takes a row and all behind it out. */
    void removeFrom(int row) {
        for (int first = 0; first < Limits.VECTOR_ROWS; first += Long.SIZE) {
            long at = first / Byte.SIZE;
            LittleEndian.setLong(bitmap(), at, LittleEndian.getLong(bitmap(), at) & bitsBelow(row - first));
        }
    }

    /** Copies which rows are left. */
    void copyTo(MemorySegment target) {
        MemorySegment.copy(bitmap(), 0, target, 0, BITMAP_BYTES);
    }

    /** Writes the rows that are left; answers how many. */
    int select(Slab selection) {
        return KERNELS.bitmapToSelection(bitmap(), 0, Limits.VECTOR_ROWS, selection.segment(), 0);
    }

    /** Good within one call. */
    private MemorySegment bitmap() {
        return memory.bitmap();
    }

    private void setRange(int from, int to) {
        for (int first = 0; first < Limits.VECTOR_ROWS; first += Long.SIZE) {
            long word = bitsBelow(to - first) & ~bitsBelow(from - first);
            LittleEndian.setLong(bitmap(), first / Byte.SIZE, word);
        }
    }

    private static long bitsBelow(int bit) {
        return bit >= Long.SIZE ? -1L : bit <= 0 ? 0 : (1L << bit) - 1;
    }

    private int count() {
        return KERNELS.popCount(bitmap(), 0, Limits.VECTOR_ROWS);
    }

    /** The first row of a vector whose key is not below {@code bound}, which may be the beginning of a key. */
    private int lowerBound(int vector, byte[] bound) {
        MemorySegment boundSegment = MemorySegment.ofArray(bound);
        columns.prepareKeys(vector);
        ColumnCursor[] keys = columns.keysAt(vector);
        int low = 0;
        int high = rowSet.vectorRows(vector);
        while (low < high) {
            int middle = (low + high) >>> 1;
            assembly.assembleKey(keys, middle);
            int keyBytes = assembly.encodeKey();
            if (KeyCodec.compare(assembly.keyMemory(), 0, keyBytes, boundSegment, 0, bound.length) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /**
     * Leaves only vectors with rows of a scan of changes to which something may have happened. Reads no page.
     *
     * @param since what happened since the file was written
     */
    static void selectChanged(DiskRowSet rowSet, ScanSpec scan, List<DeltaSource> since, VectorSelection vectors) {
        var inserted = new VectorSelection(rowSet.rowCount());
        var isLater = new Predicate.Range(0, CellValue.of(INSERT_TIME, scan.start() + 1), null);
        rowSet.file().column(RowSetFormat.INSERT_TIME_ID).prune(ColumnPredicate.of(isLater, CellKind.INT64), inserted);
        int first = scan.lowerKey() == null ? 0 : floor(rowSet.index(), scan.lowerKey());
        int last = scan.upperKey() == null ? vectors.vectorCount() - 1 : floor(rowSet.index(), scan.upperKey());
        for (int vector = vectors.next(0); vector >= 0; vector = vectors.next(vector + 1)) {
            boolean isInRange = first <= vector && vector <= last;
            if (!isInRange || !(inserted.has(vector) || mayHaveChanged(rowSet, vector, scan, since))) {
                vectors.remove(vector);
            }
        }
    }

    private static boolean mayHaveChanged(DiskRowSet rowSet, int vector, ScanSpec scan, List<DeltaSource> since) {
        long from = (long) vector * Limits.VECTOR_ROWS;
        long to = from + rowSet.vectorRows(vector);
        boolean isAny = rowSet.history().mayChange(from, to, scan.start());
        for (int i = 0; i < since.size() && !isAny; i++) {
            isAny = since.get(i).mayChangeBetween(from, to, scan.start(), scan.snapshot());
        }
        return isAny;
    }
}
