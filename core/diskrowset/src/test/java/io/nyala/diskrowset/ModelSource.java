package io.nyala.diskrowset;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.diskrowset.RowModel.Version;
import io.nyala.rows.CellValue;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowSource;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The rows of a {@link RowModel} with the history that a flush would bring. One thread. */
final class ModelSource implements RowSource {
    private static final int BYTES_MAX = 16 << 20;

    private final RowModel model;
    private final Iterator<Map.Entry<byte[], List<Version>>> each;
    private final MemorySegment memory = MemorySegment.ofArray(new byte[BYTES_MAX]);
    private final List<Undo> history = new ArrayList<>();
    private int used;
    private int keyBytes;
    private long row;
    private int rowBytes;
    private long insertTime;
    private long newestChange;
    private boolean isDeleted;

    ModelSource(RowModel model) {
        this.model = model;
        this.each = model.rows.entrySet().iterator();
    }

    private record Undo(long time, long offset, int bytes) {}

    @Override
    public boolean next() {
        if (!each.hasNext()) {
            return false;
        }
        Map.Entry<byte[], List<Version>> present = each.next();
        byte[] key = present.getKey();
        List<Version> versions = present.getValue();
        MemorySegment.copy(key, 0, memory, JAVA_BYTE, 0, key.length);
        keyBytes = key.length;
        used = key.length;
        isDeleted = versions.getLast().cells() == null;
        newestChange = versions.getLast().time();
        row = used;
        rowBytes = model.pack(lastValues(versions, versions.size()), memory, row);
        used += rowBytes;
        history.clear();
        undo(versions);
        return true;
    }

    private static List<@Nullable CellValue> lastValues(List<Version> versions, int before) {
        for (int i = before - 1; ; i--) {
            List<@Nullable CellValue> cells = versions.get(i).cells();
            if (cells != null) {
                return cells;
            }
        }
    }

    /** Newest first. */
    private void undo(List<Version> versions) {
        insertTime = 0;
        for (int i = versions.size() - 1; i >= 0; i--) {
            Version version = versions.get(i);
            boolean wasLive = i > 0 && versions.get(i - 1).cells() != null;
            if (!wasLive) {
                insertTime = Math.max(insertTime, version.time());
                if (versions.size() > 1) {
                    add(version.time(), RowChange.writeDelete(memory, used));
                }
            } else if (version.cells() == null) {
                boolean isLast = i == versions.size() - 1;
                add(version.time(), isLast ? writeNothing() : writeReinsert(lastValues(versions, i)));
            } else {
                add(
                        version.time(),
                        writeUpdate(Objects.requireNonNull(versions.get(i - 1).cells()), version.cells()));
            }
        }
    }

    private void add(long time, int bytes) {
        history.add(new Undo(time, used, bytes));
        used += bytes;
    }

    private int writeNothing() {
        return (int) (RowChange.startUpdate(memory, used, 0) - used);
    }

    private int writeReinsert(List<@Nullable CellValue> cells) {
        int at = BYTES_MAX / 2;
        int bytes = model.pack(cells, memory, at);
        return RowChange.writeReinsert(memory, at, bytes, memory, used);
    }

    private int writeUpdate(List<@Nullable CellValue> before, List<@Nullable CellValue> after) {
        int at = BYTES_MAX / 2;
        model.pack(before, memory, at);
        List<Integer> changed = new ArrayList<>();
        for (int i = model.schema.keyColumnCount(); i < before.size(); i++) {
            if (!Objects.equals(before.get(i), after.get(i))) {
                changed.add(i);
            }
        }
        long cell = RowChange.startUpdate(memory, used, changed.size());
        for (int column : changed) {
            cell = RowChange.writeCell(model.layout, memory, at, column, memory, cell);
        }
        return (int) (cell - used);
    }

    @Override
    public MemorySegment memory() {
        return memory;
    }

    @Override
    public long keyOffset() {
        return 0;
    }

    @Override
    public int keyBytes() {
        return keyBytes;
    }

    @Override
    public long rowOffset() {
        return row;
    }

    @Override
    public int rowBytes() {
        return rowBytes;
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
        return history.size();
    }

    @Override
    public long historyTime(int index) {
        return history.get(index).time();
    }

    @Override
    public long historyOffset(int index) {
        return history.get(index).offset();
    }

    @Override
    public int historyBytes(int index) {
        return history.get(index).bytes();
    }

    @Override
    public void close() {}
}
