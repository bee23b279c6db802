package io.nyala.compaction;

import io.nyala.rows.KeyCodec;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSource;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Rows with their histories from a list; and the rows of any source as such a list. One thread. */
final class ListedSource implements RowSource {
    private final List<Row> rows;
    private final MemorySegment memory = MemorySegment.ofArray(new byte[1 << 16]);
    private int present = -1;
    private boolean isClosed;
    private final long[] offsets = new long[256];
    private final int[] lengths = new int[256];

    /**
     * A row of a key and a value, by the accessors of a {@link RowSource}.
     *
     * @param history newest first
     */
    record Row(long key, long value, long insertTime, boolean isDeleted, List<Undo> history) {
        /** The value at a snapshot, as readers of rowsets find it; null if the row is not live then. */
        @Nullable
        Long at(long snapshot) {
            Long found = isDeleted || snapshot < insertTime ? null : value;
            long last = value;
            for (Undo record : history) {
                if (record.time() > snapshot) {
                    switch (record.kind()) {
                        case RowChange.DELETE -> found = null;
                        case RowChange.UPDATE -> {
                            last = record.value() == null ? last : record.value();
                            found = last;
                        }
                        default -> {
                            last = Objects.requireNonNull(record.value());
                            found = last;
                        }
                    }
                }
            }
            return found;
        }
    }

    /** What undoes a change; an UPDATE without a value changes nothing. */
    record Undo(long time, int kind, @Nullable Long value) {}

    ListedSource(List<Row> rows) {
        this.rows = List.copyOf(rows);
    }

    /** All rows of a source, each placed in output 0. */
    static List<Row> read(RowSource source) {
        List<Row> read = new ArrayList<>();
        while (source.next()) {
            source.placed(0, read.size());
            MemorySegment memory = source.memory();
            List<Undo> history = new ArrayList<>();
            for (int i = 0; i < source.historyCount(); i++) {
                history.add(record(source.historyTime(i), memory, source.historyOffset(i)));
            }
            RowLayout layout = MergeSourceTest.LAYOUT;
            read.add(new Row(
                    layout.getLong(memory, source.rowOffset(), 0),
                    layout.getLong(memory, source.rowOffset(), 1),
                    source.insertTime(),
                    source.isDeleted(),
                    List.copyOf(history)));
        }
        return read;
    }

    private static Undo record(long time, MemorySegment memory, long change) {
        int kind = RowChange.kind(memory, change);
        Long value =
                switch (kind) {
                    case RowChange.UPDATE ->
                        RowChange.cellCount(memory, change) == 0
                                ? null
                                : (Long)
                                        memory.get(LittleEndian.LONG, RowChange.cellValue(RowChange.firstCell(change)));
                    case RowChange.REINSERT ->
                        (Long) MergeSourceTest.LAYOUT.getLong(memory, RowChange.rowOffset(change), 1);
                    default -> null;
                };
        return new Undo(time, kind, value);
    }

    @Override
    public boolean next() {
        if (present + 1 == rows.size()) {
            return false;
        }
        present++;
        Row row = rows.get(present);
        pack(row.key(), row.value(), 0);
        KeyCodec keys = new KeyCodec(MergeSourceTest.LAYOUT);
        keys.encode(memory, 0, memory, 64);
        long at = 128;
        for (int i = 0; i < row.history().size(); i++) {
            offsets[i] = at;
            lengths[i] = write(row, row.history().get(i), at);
            at += lengths[i] + 7 & -8;
        }
        return true;
    }

    private int write(Row row, Undo undo, long at) {
        Long value = undo.value();
        if (undo.kind() == RowChange.DELETE) {
            return RowChange.writeDelete(memory, at);
        }
        if (undo.kind() == RowChange.REINSERT) {
            long scratch = memory.byteSize() - 64;
            pack(row.key(), Objects.requireNonNull(value), scratch);
            return RowChange.writeReinsert(memory, scratch, MergeSourceTest.LAYOUT.fixedBytes(), memory, at);
        }
        long cell = RowChange.startUpdate(memory, at, value == null ? 0 : 1);
        if (value != null) {
            long target = RowChange.startCell(memory, cell, MergeSourceTest.LAYOUT.columnId(1), false, Long.BYTES);
            memory.set(LittleEndian.LONG, target, value);
            cell = target + Long.BYTES;
        }
        return (int) (cell - at);
    }

    private void pack(long key, long value, long at) {
        memory.asSlice(at, MergeSourceTest.LAYOUT.fixedBytes()).fill((byte) 0);
        memory.set(LittleEndian.LONG, at + MergeSourceTest.LAYOUT.cellOffset(0), key);
        memory.set(LittleEndian.LONG, at + MergeSourceTest.LAYOUT.cellOffset(1), value);
    }

    boolean isClosed() {
        return isClosed;
    }

    @Override
    public MemorySegment memory() {
        return memory;
    }

    @Override
    public long keyOffset() {
        return 64;
    }

    @Override
    public int keyBytes() {
        return Long.BYTES;
    }

    @Override
    public long rowOffset() {
        return 0;
    }

    @Override
    public int rowBytes() {
        return MergeSourceTest.LAYOUT.fixedBytes();
    }

    @Override
    public long insertTime() {
        return rows.get(present).insertTime();
    }

    @Override
    public boolean isDeleted() {
        return rows.get(present).isDeleted();
    }

    @Override
    public long newestChange() {
        List<Undo> history = rows.get(present).history();
        return history.isEmpty()
                ? insertTime()
                : Math.max(insertTime(), history.getFirst().time());
    }

    @Override
    public int historyCount() {
        return rows.get(present).history().size();
    }

    @Override
    public long historyTime(int index) {
        return rows.get(present).history().get(index).time();
    }

    @Override
    public long historyOffset(int index) {
        return offsets[index];
    }

    @Override
    public int historyBytes(int index) {
        return lengths[index];
    }

    @Override
    public void close() {
        isClosed = true;
    }
}
