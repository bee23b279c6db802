package io.nyala.diskrowset;

import io.nyala.cfile.CellKind;
import io.nyala.cfile.ColumnCursor;
import io.nyala.cfile.ColumnPredicate;
import io.nyala.cfile.KeyIndex;
import io.nyala.cfile.VectorSelection;
import io.nyala.memory.Kernels;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.Limits;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.Predicate;
import io.nyala.rows.ScanSpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which rows of a vector a scan yields: by key range, deletion, insert time, and predicates on the encoded columns. It
 * stops at the first test that leaves no row.
 *
 * <p>Belongs to one cursor.
 */
final class VectorFilter implements AutoCloseable {
    /** Room behind a selection or bitmap for kernels that write whole words. */
    static final int PADDING_BYTES = 64;

    private static final int BITMAP_BYTES = Limits.VECTOR_ROWS / Byte.SIZE;

    private static final Column DELETED = Column.of("deleted", ColumnType.INT8);
    private static final Column INSERT_TIME = Column.of("insert time", ColumnType.INT64);

    private static final Kernels KERNELS = Kernels.best();

    private final ScanSpec spec;
    private final ScanColumns columns;
    private final RowAssembly assembly;
    private final MemoryAccount account;
    private final Slab bitmap;
    private final @Nullable ColumnPredicate isLive;
    private final @Nullable ColumnPredicate isInserted;
    private final List<Test> tests = new ArrayList<>();
    private final DiskRowSet rowSet;
    private int firstVector;
    private int lastVector;

    /** A predicate, and the column in the schema that it is about. */
    private record Test(int column, ColumnPredicate predicate) {}

    VectorFilter(DiskRowSet rowSet, ScanSpec spec, ScanColumns columns, RowAssembly assembly, MemoryAccount account) {
        this.rowSet = rowSet;
        this.spec = spec;
        this.columns = columns;
        this.assembly = assembly;
        this.account = account;
        this.isLive = rowSet.deletedCount() == 0
                ? null
                : ColumnPredicate.of(new Predicate.Equal(0, CellValue.of(DELETED, 0L)), CellKind.INT8);
        this.isInserted = spec.snapshot() >= rowSet.newestChange()
                ? null
                : ColumnPredicate.of(
                        new Predicate.Range(0, null, CellValue.of(INSERT_TIME, spec.snapshot() + 1)), CellKind.INT64);
        for (Predicate predicate : spec.predicates()) {
            CellKind kind = rowSet.column(predicate.column()).kind();
            tests.add(new Test(predicate.column(), ColumnPredicate.of(predicate, kind)));
        }
        this.bitmap = account.take(BITMAP_BYTES + PADDING_BYTES); // Last: nothing can fail with it in hand.
    }

    /** Leaves only vectors that may have a row of the scan; by values only if {@code byValue}. Reads no page. */
    void prune(VectorSelection vectors, boolean byValue) {
        int count = vectors.vectorCount();
        KeyIndex index = rowSet.index();
        byte[] lower = spec.lowerKey();
        byte[] upper = spec.upperKey();
        firstVector = lower == null || count == 0 ? 0 : floor(index, lower);
        lastVector = upper == null || count == 0 ? count - 1 : floor(index, upper);
        vectors.removeRange(0, Math.min(firstVector, count));
        vectors.removeRange(Math.min(lastVector + 1, count), count);
        if (byValue) {
            for (Test test : tests) {
                rowSet.column(test.column()).prune(test.predicate(), vectors);
            }
        }
    }

    private static int floor(KeyIndex index, byte[] key) {
        return index.floor(MemorySegment.ofArray(key), 0, key.length);
    }

    /** Selects the rows of a vector in the scan's key range, whatever their state; answers how many. */
    int selectByKey(int vector, Slab selection) {
        int rows = rowSet.vectorRows(vector);
        int from = vector == firstVector && spec.lowerKey() != null ? lowerBound(vector, rows, spec.lowerKey()) : 0;
        int to = vector == lastVector && spec.upperKey() != null ? lowerBound(vector, rows, spec.upperKey()) : rows;
        int count = 0;
        for (int row = from; row < to; row++) {
            setRow(selection, count++, row);
        }
        return count;
    }

    /** Selects the rows of a vector that the scan yields, judged by their newest state; answers how many. */
    int select(int vector, Slab selection) {
        int rows = rowSet.vectorRows(vector);
        int from = vector == firstVector && spec.lowerKey() != null ? lowerBound(vector, rows, spec.lowerKey()) : 0;
        int to = vector == lastVector && spec.upperKey() != null ? lowerBound(vector, rows, spec.upperKey()) : rows;
        if (from >= to) {
            return 0;
        }
        setRange(from, to);
        MemorySegment bits = bitmap.segment();
        if (isLive != null) {
            columns.deletedAt(vector).and(isLive, bits, 0);
        }
        if (isInserted != null) {
            columns.insertTimeAt(vector).and(isInserted, bits, 0);
        }
        for (int i = 0; i < tests.size(); i++) {
            if (isEmpty()) {
                return 0;
            }
            Test test = tests.get(i);
            columns.at(test.column(), vector).and(test.predicate(), bits, 0);
        }
        return KERNELS.bitmapToSelection(bits, 0, Limits.VECTOR_ROWS, selection.segment(), 0);
    }

    private void setRange(int from, int to) {
        for (int first = 0; first < Limits.VECTOR_ROWS; first += Long.SIZE) {
            long word = bitsBelow(to - first) & ~bitsBelow(from - first);
            LittleEndian.setLong(bitmap.segment(), first / Byte.SIZE, word);
        }
    }

    private static long bitsBelow(int bit) {
        return bit >= Long.SIZE ? -1L : bit <= 0 ? 0 : (1L << bit) - 1;
    }

    private boolean isEmpty() {
        long any = 0;
        for (int at = 0; at < BITMAP_BYTES; at += Long.BYTES) {
            any |= LittleEndian.getLong(bitmap.segment(), at);
        }
        return any == 0;
    }

    private static void setRow(Slab selection, int index, int row) {
        LittleEndian.setInt(selection.segment(), (long) index * Integer.BYTES, row);
    }

    /** The first row of a vector whose key is not below {@code bound}, which may be the beginning of a key. */
    private int lowerBound(int vector, int rows, byte[] bound) {
        MemorySegment boundSegment = MemorySegment.ofArray(bound);
        ColumnCursor[] keys = columns.keysAt(vector);
        int low = 0;
        int high = rows;
        while (low < high) {
            int middle = (low + high) >>> 1;
            assembly.assemble(keys, keys.length, middle);
            int keyBytes = assembly.encodeKey();
            if (KeyCodec.compare(assembly.keyMemory(), 0, keyBytes, boundSegment, 0, bound.length) < 0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    @Override
    public void close() {
        account.giveBack(bitmap);
    }
}
