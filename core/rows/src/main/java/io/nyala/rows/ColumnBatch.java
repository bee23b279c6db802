package io.nyala.rows;

import io.nyala.memory.Check;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Up to 1,024 rows as columns, off-heap: what scans yield. It is full at 1,024 rows, or fewer if it was made so, or
 * when the bytes of a variable-length column would pass 1 MiB. Optionally has the encoded key of each row beside the
 * columns.
 *
 * <p>Reused from call to call: {@link #clear}, fill, read. Belongs to one thread at a time; whoever made it closes it,
 * which gives its memory back to the account. Appending allocates nothing on the heap once the variable-length columns
 * have grown.
 */
public final class ColumnBatch implements AutoCloseable {
    private static final Column KEY = Column.of("key", ColumnType.BINARY);

    /** So that vectors start where cache lines do. */
    private static final int VECTOR_ALIGNMENT = 64;

    /** Vectors share slabs of this size: larger ones would have to wait for adjacent blocks. */
    private static final long SLAB_BYTES = 2 << 20;

    /** What a string is taken to have, where nothing is known of it yet. */
    private static final long VARIABLE_BYTES_EXPECTED = 32;

    /** Of a row that changed, and is there. */
    public static final byte LIVE = 0;

    /** Of a row that changed, and was deleted. */
    public static final byte DELETED = 1;

    /**
     * Of a row that was inserted, and does not match: it is not to be yielded, but another rowset may say that its key
     * was deleted, and that is not to be yielded either. In no batch that a scan yields.
     */
    public static final byte UNMATCHED = 2;

    private final List<Column> columns;
    private final ColumnVector[] vectors;
    private final @Nullable ColumnVector keys;
    private final int rowsMax;
    private final MemoryAccount account;
    private final List<Slab> slabs = new ArrayList<>();
    private int rowCount;
    private RowCursor.@Nullable Sink sink;

    /**
     * @param columns may be empty, to count rows
     * @param withKeys whether it has the encoded key of each row
     * @param account pays for the memory
     */
    public ColumnBatch(List<Column> columns, boolean withKeys, MemoryAccount account) {
        this(columns, withKeys, Limits.VECTOR_ROWS, account);
    }

    /** @param rowsMax up to 1,024: for who has many batches at a time; as {@link #rowsWithin} answers */
    public ColumnBatch(List<Column> columns, boolean withKeys, int rowsMax, MemoryAccount account) {
        Check.inRange("rowsMax", rowsMax, 1, Limits.VECTOR_ROWS);
        this.columns = List.copyOf(columns);
        this.rowsMax = rowsMax;
        this.account = account;
        List<Column> all = new ArrayList<>(columns);
        if (withKeys) {
            all.add(KEY);
        }
        ColumnVector[] made = make(all);
        this.keys = withKeys ? made[columns.size()] : null;
        this.vectors = Arrays.copyOf(made, columns.size());
    }

    /** A batch for what a scan yields. */
    public static ColumnBatch of(ScanSpec spec, MemoryAccount account) {
        return new ColumnBatch(spec.batchColumns(), spec.keyOrder(), account);
    }

    /**
     * How many rows a batch with keys may have so that it takes about so many bytes: 64 at least, and 1,024 at most.
     * What strings take is a guess.
     */
    public static int rowsWithin(long bytes, List<Column> columns) {
        long rowBytes = Integer.BYTES + VARIABLE_BYTES_EXPECTED;
        for (Column column : columns) {
            boolean isVariable = column.type().isVariable();
            rowBytes += isVariable
                    ? Integer.BYTES + VARIABLE_BYTES_EXPECTED
                    : column.type().cellBytes();
        }
        return Math.clamp(bytes / rowBytes & -Long.SIZE, Long.SIZE, Limits.VECTOR_ROWS);
    }

    private ColumnVector[] make(List<Column> columns) {
        ColumnVector[] vectors = new ColumnVector[columns.size()];
        for (int first = 0; first < vectors.length; ) {
            long bytes = 0;
            int end = first;
            while (end < vectors.length && bytes + vectorBytes(columns.get(end)) <= SLAB_BYTES) {
                bytes += vectorBytes(columns.get(end++));
            }
            MemorySegment memory = take(account, bytes, slabs);
            long offset = 0;
            for (; first < end; first++) {
                vectors[first] = new ColumnVector(
                        this, columns.get(first), memory.asSlice(offset, vectorBytes(columns.get(first))), account);
                offset += vectorBytes(columns.get(first));
            }
        }
        return vectors;
    }

    private static MemorySegment take(MemoryAccount account, long bytes, List<Slab> slabs) {
        try {
            Slab slab = account.take(bytes);
            slabs.add(slab);
            return slab.segment();
        } catch (RuntimeException e) {
            slabs.forEach(account::giveBack);
            throw e;
        }
    }

    private long vectorBytes(Column column) {
        return (ColumnVector.fixedBytes(column.type(), rowsMax) + VECTOR_ALIGNMENT - 1) & -VECTOR_ALIGNMENT;
    }

    public List<Column> columns() {
        return columns;
    }

    public int columnCount() {
        return vectors.length;
    }

    public ColumnVector column(int index) {
        return vectors[index];
    }

    public boolean hasKeys() {
        return keys != null;
    }

    /** The encoded keys, as a BINARY vector without NULL. */
    public ColumnVector keys() {
        if (keys == null) {
            throw new IllegalStateException(
                    "this batch has no keys: it was made without, or the scan has no key order");
        }
        return keys;
    }

    public int rowCount() {
        return rowCount;
    }

    /** For who fills the vectors itself. */
    public void rowCount(int rows) {
        Check.inRange("rows", rows, 0, rowsMax);
        rowCount = rows;
    }

    /** How many rows it takes: 1,024, or fewer if there are many batches at a time. */
    public int rowsMax() {
        return rowsMax;
    }

    /** Who takes columns in its place, where a cursor can give them so; null for nobody, as it is at first. */
    public RowCursor.@Nullable Sink sink() {
        return sink;
    }

    public void sink(RowCursor.@Nullable Sink newSink) {
        sink = newSink;
    }

    public boolean isEmpty() {
        return rowCount == 0;
    }

    /** Whether it has as many rows as it can; it may take no further row before that, because of its bytes. */
    public boolean isFull() {
        return rowCount == rowsMax;
    }

    /** Forgets all rows; the memory stays. */
    public void clear() {
        rowCount = 0;
        for (ColumnVector vector : vectors) {
            vector.clear();
        }
        if (keys != null) {
            keys.clear();
        }
    }

    /** Appends a row of a batch with the same columns; false, and nothing is changed, if it does not fit. */
    public boolean appendFrom(ColumnBatch source, int row) {
        assert source.vectors.length == vectors.length : source.vectors.length + " columns for " + vectors.length;
        assert row >= 0 && row < source.rowCount : row + " of " + source.rowCount;
        if (isFull()) {
            return false;
        }
        for (int i = 0; i < vectors.length; i++) {
            ColumnVector vector = vectors[i];
            if (vector.type().isVariable() && !vector.fits(rowCount, source.vectors[i].bytesAt(row))) {
                return false;
            }
        }
        if (keys != null && !keys.fits(rowCount, source.keys().bytesAt(row))) {
            return false;
        }
        for (int i = 0; i < vectors.length; i++) {
            vectors[i].setFromVector(rowCount, source.vectors[i], row);
        }
        if (keys != null) {
            keys.setFromVector(rowCount, source.keys(), row);
        }
        rowCount++;
        return true;
    }

    /** Appends a packed row to a batch without keys; false, and nothing is changed, if it does not fit. */
    public boolean appendRow(RowProjection projection, MemorySegment memory, long row) {
        assert keys == null : "the row's key is missing";
        assert projection.columnCount() == vectors.length : projection.columnCount() + " for " + vectors.length;
        if (!fits(projection, memory, row)) {
            return false;
        }
        append(projection, memory, row);
        rowCount++;
        return true;
    }

    /**
     * Appends a packed row with its key; the key is left out if the batch has none. False, and nothing is changed, if
     * it does not fit. A column more than the projection has, which tells what became of rows, is the caller's to fill.
     */
    public boolean appendRow(
            RowProjection projection, MemorySegment memory, long row, MemorySegment keyMemory, long key, int keyBytes) {
        if (!fits(projection, memory, row) || (keys != null && !keys.fits(rowCount, keyBytes))) {
            return false;
        }
        append(projection, memory, row);
        if (keys != null) {
            keys.setBytes(rowCount, keyMemory, key, keyBytes);
        }
        rowCount++;
        return true;
    }

    /** Says of a row that was appended to a batch of rows that changed what became of it. */
    public void setFate(int row, byte fate) {
        vectors[vectors.length - 1].setByte(row, fate);
    }

    /** Whether a row of a batch of rows that changed is deleted. */
    public boolean isDeleted(int row) {
        return fate(row) == DELETED;
    }

    /** Of a row of a batch of rows that changed: {@link #LIVE}, {@link #DELETED} or {@link #UNMATCHED}. */
    public byte fate(int row) {
        return vectors[vectors.length - 1].getByte(row);
    }

    private boolean fits(RowProjection projection, MemorySegment memory, long row) {
        assert projection.columnCount() == vectors.length || projection.columnCount() == vectors.length - 1
                : projection.columnCount() + " for " + vectors.length;
        if (isFull()) {
            return false;
        }
        for (int i = 0; i < projection.columnCount(); i++) {
            if (vectors[i].type().isVariable()
                    && !vectors[i].fits(
                            rowCount, projection.layout().variableBytes(memory, row, projection.column(i)))) {
                return false;
            }
        }
        return true;
    }

    private void append(RowProjection projection, MemorySegment memory, long row) {
        for (int i = 0; i < projection.columnCount(); i++) {
            vectors[i].setFromRow(rowCount, projection.layout(), memory, row, projection.column(i));
        }
    }

    @Override
    public void close() {
        rowCount = 0;
        for (ColumnVector vector : vectors) {
            vector.close();
        }
        if (keys != null) {
            keys.close();
        }
        slabs.forEach(account::giveBack);
        slabs.clear();
    }
}
