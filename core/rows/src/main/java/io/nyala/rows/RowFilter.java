package io.nyala.rows;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * All predicates of a scan, to be tried on packed rows one by one. Immutable and shared; matching allocates nothing.
 */
public final class RowFilter {
    private final RowLayout layout;
    private final CellFilter[] filters;

    public RowFilter(RowLayout layout, List<Predicate> predicates) {
        this.layout = layout;
        this.filters = new CellFilter[predicates.size()];
        for (int i = 0; i < filters.length; i++) {
            filters[i] = CellFilter.of(layout.schema(), predicates.get(i));
        }
    }

    public boolean matches(MemorySegment memory, long row) {
        for (CellFilter filter : filters) {
            if (!filter.matches(layout, memory, row)) {
                return false;
            }
        }
        return true;
    }
}
