package io.nyala.tablet;

import io.nyala.memory.Notes;
import io.nyala.rows.RowLayout;
import java.lang.foreign.MemorySegment;

/** Records of tablets in the write-ahead log, for tools that read it without opening a tablet. Stateless. */
public final class TabletRecords {
    private TabletRecords() {}

    /** Tablet that a record belongs to; its schema is needed to explain it. */
    public static long tabletId(MemorySegment memory, long record, int recordBytes) {
        return TabletRecordFormat.readHeader(memory, record, recordBytes).tabletId();
    }

    /** Explains one record, its effects one by one. */
    public static void annotate(RowLayout layout, MemorySegment memory, long record, int recordBytes, Notes notes) {
        TabletRecordFormat.annotate(layout, memory, record, recordBytes, notes);
    }
}
