package io.nyala.memrowset;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.rows.CellValue;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowChange;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** UPDATEs made of cells by column id, without a schema, in memory of its own until the next one. One thread. */
final class Updates implements AutoCloseable {
    private static final int CELL_HEADER_BYTES = 8;

    final MemorySegment memory;
    private final MemoryAccount account;
    private final Slab slab;
    private int bytes;

    Updates(MemoryAccount account) {
        this.account = account;
        this.slab = account.take(1 << 20);
        this.memory = account.budget().memory();
    }

    /** Writes an UPDATE; answers where it is. */
    long write(Map<Integer, @Nullable CellValue> cells) {
        long at = RowChange.startUpdate(memory, slab.offset(), cells.size());
        for (Map.Entry<Integer, @Nullable CellValue> entry : cells.entrySet()) {
            CellValue value = entry.getValue();
            int valueBytes = value == null ? 0 : value.bytes();
            LittleEndian.setShort(memory, at, entry.getKey());
            LittleEndian.setShort(memory, at + 2, value == null ? 1 : 0);
            LittleEndian.setInt(memory, at + 4, valueBytes);
            if (value != null) {
                MemorySegment.copy(value.segment(), 0, memory, at + CELL_HEADER_BYTES, valueBytes);
            }
            at += CELL_HEADER_BYTES + valueBytes;
        }
        bytes = (int) (at - slab.offset());
        return slab.offset();
    }

    /** Of what was written last. */
    int bytes() {
        return bytes;
    }

    /** The cells of an UPDATE. */
    static SortedMap<Integer, @Nullable CellValue> read(MemorySegment memory, long change) {
        var cells = new TreeMap<Integer, @Nullable CellValue>();
        long cell = RowChange.firstCell(change);
        for (int i = RowChange.cellCount(memory, change); i > 0; i--) {
            int cellBytes = RowChange.cellBytes(memory, cell);
            byte[] value = memory.asSlice(RowChange.cellValue(cell), cellBytes).toArray(JAVA_BYTE);
            cells.put(
                    RowChange.cellColumnId(memory, cell),
                    RowChange.cellIsNull(memory, cell) ? null : CellValue.ofBytes(value));
            cell = RowChange.nextCell(memory, cell);
        }
        return cells;
    }

    @Override
    public void close() {
        account.giveBack(slab);
    }
}
