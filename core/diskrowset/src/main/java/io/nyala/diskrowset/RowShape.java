package io.nyala.diskrowset;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowFilter;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowProjection;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * What a scan needs of a row: the columns that it yields or tests, as packed rows of their own. However wide the table
 * is, a row that is put together for the scan has no more than these, and room for the key columns, which come first.
 *
 * <p>A row starts as a copy of the template, which has the defaults of the columns that the file does not have.
 * Immutable.
 */
final class RowShape {
    private final RowLayout layout;
    private final int[] schemaColumns;
    private final int[] tested;
    private final int[] untested;
    private final int[] deltaColumnIds;
    private final BitSet preset = new BitSet();
    private final MemorySegment template;
    private final boolean hasPresetText;
    private final RowFilter filter;
    private final RowProjection projection;

    /** @throws IllegalArgumentException if the scan needs a column that the file cannot have */
    RowShape(ScanSpec spec, FileColumns fileColumns) {
        Schema whole = spec.schema();
        BitSet testedColumns = new BitSet();
        spec.predicates().forEach(predicate -> testedColumns.set(predicate.column()));
        BitSet needed = (BitSet) testedColumns.clone();
        spec.projection().forEach(needed::set);
        if (spec.keyOrder()) {
            needed.set(0, whole.keyColumnCount());
        }
        BitSet present = (BitSet) needed.clone();
        present.set(0, whole.keyColumnCount());
        this.schemaColumns = members(present);
        List<Column> columns = new ArrayList<>();
        for (int column : schemaColumns) {
            fileColumns.check(whole.column(column));
            columns.add(whole.column(column));
        }
        boolean isWhole = columns.size() == whole.columnCount();
        this.layout = new RowLayout(isWhole ? whole : new Schema(whole.version(), whole.nextColumnId(), columns));
        for (int i = 0; i < schemaColumns.length; i++) {
            preset.set(i, !needed.get(schemaColumns[i]) || !fileColumns.has(columns.get(i)));
        }
        this.tested = toRead(testedColumns);
        needed.andNot(testedColumns);
        this.untested = toRead(needed);
        this.deltaColumnIds = columns.stream()
                .filter(column -> !column.isKey())
                .mapToInt(Column::id)
                .sorted()
                .toArray();
        this.template = template(fileColumns);
        this.hasPresetText = preset.stream().anyMatch(i -> layout.isVariable(i) && !layout.isNull(template, 0, i));
        List<Predicate> predicates = new ArrayList<>();
        spec.predicates().forEach(predicate -> predicates.add(localized(predicate)));
        this.filter = new RowFilter(layout, predicates);
        List<Integer> projected = new ArrayList<>();
        spec.projection().forEach(column -> projected.add(indexOf(column)));
        this.projection = new RowProjection(layout, projected);
    }

    /** Rows of a file, in columns of those of the table that are to be read whatever is in them. */
    static RowShape of(Schema columns, Schema table, DiskRowSet rowSet) {
        List<Integer> indexes = columns.columns().stream()
                .map(column -> table.indexOfId(column.id()))
                .toList();
        ScanSpec spec = ScanSpec.all(table, Long.MAX_VALUE).withProjection(indexes);
        return new RowShape(spec.withKeyOrder(true), rowSet.fileColumns());
    }

    private static int[] members(BitSet set) {
        int[] members = new int[set.cardinality()];
        int count = 0;
        for (int i = set.nextSetBit(0); i >= 0; i = set.nextSetBit(i + 1)) {
            members[count++] = i;
        }
        return members;
    }

    private int[] toRead(BitSet columns) {
        var indexes = new BitSet();
        for (int column : members(columns)) {
            indexes.set(indexOf(column));
        }
        indexes.andNot(preset);
        return members(indexes);
    }

    private MemorySegment template(FileColumns fileColumns) {
        byte[] row = new byte[layout.fixedBytes()];
        for (int i = 0; i < layout.columnCount(); i++) {
            Column column = layout.schema().column(i);
            if (fileColumns.has(column)) {
                continue;
            }
            CellValue value = column.readDefault();
            if (value == null) {
                layout.setNull(MemorySegment.ofArray(row), 0, i);
            } else if (layout.isVariable(i)) {
                int end = row.length;
                row = Arrays.copyOf(row, end + value.bytes());
                MemorySegment.copy(value.segment(), 0, MemorySegment.ofArray(row), end, value.bytes());
                layout.setVariable(MemorySegment.ofArray(row), 0, i, end, value.bytes());
            } else {
                MemorySegment.copy(value.segment(), 0, MemorySegment.ofArray(row), layout.cellOffset(i), value.bytes());
            }
        }
        return MemorySegment.ofArray(row);
    }

    /** A predicate of the scan as one of these rows. */
    Predicate localized(Predicate predicate) {
        return predicate.of(indexOf(predicate.column()));
    }

    /** Where a column of the scan's schema, one of those needed, is in these rows. */
    int indexOf(int schemaColumn) {
        int index = Arrays.binarySearch(schemaColumns, schemaColumn);
        assert index >= 0 : "column " + schemaColumn + " is not among " + Arrays.toString(schemaColumns);
        return index;
    }

    /** Where a column of these rows is in the scan's schema. */
    int schemaColumn(int index) {
        return schemaColumns[index];
    }

    RowLayout layout() {
        return layout;
    }

    /** Columns of these rows that predicates test and the file has. */
    int[] tested() {
        return tested;
    }

    /** Columns of these rows that are needed only of rows that match, and the file has. */
    int[] untested() {
        return untested;
    }

    /** Ids of the columns whose changes matter, ascending. */
    int[] deltaColumnIds() {
        return deltaColumnIds;
    }

    /** Whether the template has all that there is to have of a column of these rows. */
    boolean isPreset(int index) {
        return preset.get(index);
    }

    /** Whether the template has a value of variable length, be it an empty one: then it lies before all others. */
    boolean hasPresetText() {
        return hasPresetText;
    }

    /** Where a row starts from, at offset 0; packed. */
    MemorySegment template() {
        return template;
    }

    RowFilter filter() {
        return filter;
    }

    RowProjection projection() {
        return projection;
    }
}
