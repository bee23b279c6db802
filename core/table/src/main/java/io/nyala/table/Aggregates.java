package io.nyala.table;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.RowCursor;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Answers {@link Aggregate}s over what a scan yields: batches of rows, and where a rowset can tell more at once, counts
 * and bounds of whole pages. One thread; not to be asked before the scan has ended.
 */
public final class Aggregates implements RowCursor.Sink {
    private static final int ALL_ROWS = -1;

    private final List<Aggregate> asked;
    private final List<Column> columns = new ArrayList<>();
    private final List<ColumnTotals> totals = new ArrayList<>();
    private final int[] totalsOf; // By aggregate; ALL_ROWS where it is about rows.
    private long rowCount;
    private long snapshot;

    /** @throws IllegalArgumentException if there is no such column, or it has no sum */
    public Aggregates(Schema schema, List<Aggregate> asked) {
        this.asked = List.copyOf(asked);
        this.totalsOf = new int[asked.size()];
        for (int i = 0; i < totalsOf.length; i++) {
            totalsOf[i] = totalsOf(schema, asked.get(i));
        }
    }

    private int totalsOf(Schema schema, Aggregate aggregate) {
        String name = aggregate.column();
        if (name == null) {
            return ALL_ROWS;
        }
        Column column = schema.column(schema.indexOfExisting(name));
        if (aggregate.kind() == Aggregate.Kind.COUNT && !column.isNullable()) {
            return ALL_ROWS;
        }
        int index = columns.indexOf(column);
        if (index < 0) {
            index = columns.size();
            columns.add(column);
            totals.add(new ColumnTotals(column));
        }
        totals.get(index).want(aggregate.kind());
        return index;
    }

    /** The columns that the scan has to yield, in this order. */
    public String[] columns() {
        return columns.stream().map(Column::name).toArray(String[]::new);
    }

    /** Hybrid time of the state that they are of. */
    public long snapshot() {
        return snapshot;
    }

    public void snapshot(long newSnapshot) {
        snapshot = newSnapshot;
    }

    /** Adds the rows of a batch. */
    public void add(ColumnBatch batch) {
        rows(batch.rowCount());
        for (int i = 0; i < totals.size(); i++) {
            values(i, batch.column(i), batch.rowCount());
        }
    }

    @Override
    public void rows(int count) {
        rowCount += count;
    }

    @Override
    public boolean wantsValues(int column) {
        return totals.get(column).hasSum();
    }

    @Override
    public boolean wantsBounds(int column) {
        return totals.get(column).hasBounds();
    }

    @Override
    public void page(int column, int rows, int nulls, @Nullable MemorySegment least, @Nullable MemorySegment greatest) {
        totals.get(column).add(rows - nulls, least, greatest);
    }

    @Override
    public void entries(int column, ColumnVector values, int entryCount, int[] counts) {
        totals.get(column).add(values, entryCount, counts);
    }

    @Override
    public void values(int column, ColumnVector values, int rows) {
        totals.get(column).add(values, rows);
    }

    /**
     * The answer to one of the aggregates: of a count a Long, of a sum a BigInteger, BigDecimal or Double, of a least
     * or greatest value what {@link CellValue#toObject} makes of it. Null for what is neither a count nor about any
     * cell.
     */
    public @Nullable Object value(int index) {
        int of = totalsOf[index];
        return of == ALL_ROWS
                ? (Object) rowCount
                : totals.get(of).value(asked.get(index).kind());
    }

    /** As {@link #value}, of a least or greatest value, the cell itself. */
    public @Nullable CellValue cell(int index) {
        return switch (asked.get(index).kind()) {
            case MIN -> totals.get(totalsOf[index]).least();
            case MAX -> totals.get(totalsOf[index]).greatest();
            case COUNT, SUM -> throw new IllegalArgumentException(asked.get(index) + " is no cell");
        };
    }

    /** A count. */
    public long count(int index) {
        if (asked.get(index).kind() != Aggregate.Kind.COUNT) {
            throw new IllegalArgumentException(asked.get(index) + " is no count");
        }
        return totalsOf[index] == ALL_ROWS
                ? rowCount
                : totals.get(totalsOf[index]).count();
    }
}
