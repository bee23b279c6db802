package io.nyala.perf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.Slab;
import io.nyala.memory.Zeros;
import io.nyala.memrowset.MemRowSet;
import io.nyala.perf.FreshRows.SortedRows;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Effect;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Our own {@link SortedRows}: a MemRowSet, filled by effects as a tablet's writer does. */
final class FreshMemRowSet implements SortedRows {
    private static final int EFFECT_BYTES = 4096;
    private static final int BATCH_ROWS = 1_000;
    private static final int TEXT_BYTES = Keys.STRINGS.bytes;
    private static final ValueLayout.OfLong BIG_ENDIAN =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private final Schema schema;
    private final RowLayout layout;
    private final boolean isText;
    private final MemoryAccount account;
    private final MemorySegment memory;
    private final Slab slab;
    private final long effect;
    private final long key;
    private final long row;
    private final int keyBytes;
    private final byte[] text = new byte[TEXT_BYTES];
    private final MemRowSet rows;
    private int effectBytes;

    FreshMemRowSet(MemoryBudget budget, Keys keys) {
        isText = keys == Keys.STRINGS;
        schema = Schema.of(
                Column.key("id", isText ? ColumnType.STRING : ColumnType.INT64), Column.of("value", ColumnType.INT64));
        layout = new RowLayout(schema);
        account = budget.account("rows", 0);
        memory = budget.memory();
        slab = account.take(EFFECT_BYTES);
        effect = slab.offset();
        keyBytes = keys.bytes;
        key = Effect.keyOffset(effect);
        row = key + keyBytes;
        rows = new MemRowSet(1, schema, account);
        prepareEffect();
    }

    /** What is the same in all effects. */
    private void prepareEffect() {
        int rowBytes = layout.fixedBytes() + (isText ? TEXT_BYTES : 0);
        Zeros.fill(memory, effect, EFFECT_BYTES);
        LittleEndian.setByte(memory, effect, Effect.INSERT);
        LittleEndian.setShort(memory, effect + 2, keyBytes);
        LittleEndian.setInt(memory, effect + 4, rowBytes);
        if (isText) {
            layout.setVariable(memory, row, 0, layout.fixedBytes(), TEXT_BYTES);
        }
        effectBytes = Effect.bytes(memory, effect);
    }

    @Override
    public String name() {
        return "MemRowSet";
    }

    @Override
    public void insert(Keys keys, long first, long last) {
        for (long at = first; at < last; at += BATCH_ROWS) {
            long end = Math.min(last, at + BATCH_ROWS);
            if (!rows.reserve((end - at) * effectBytes, end - at, effectBytes)) {
                throw new IllegalStateException("no memory for more rows than " + at);
            }
            for (long i = at; i < end; i++) {
                putKey(keys, i);
                rows.apply(memory, effect, 1);
            }
            rows.batchEnds();
        }
    }

    private void putKey(Keys keys, long index) {
        if (isText) {
            keys.writeText(index, text);
            MemorySegment.copy(text, 0, memory, JAVA_BYTE, key, TEXT_BYTES);
            MemorySegment.copy(text, 0, memory, JAVA_BYTE, row + layout.fixedBytes(), TEXT_BYTES);
        } else {
            long id = keys.number(index);
            memory.set(BIG_ENDIAN, key, id ^ Long.MIN_VALUE);
            memory.set(LittleEndian.LONG, row + layout.cellOffset(0), id);
        }
        memory.set(LittleEndian.LONG, row + layout.cellOffset(1), index);
    }

    @Override
    public boolean contains(Keys keys, long number) {
        if (isText) {
            keys.writeText(number, text);
            MemorySegment.copy(text, 0, memory, JAVA_BYTE, key, TEXT_BYTES);
        } else {
            memory.set(BIG_ENDIAN, key, keys.number(number) ^ Long.MIN_VALUE);
        }
        return rows.find(memory, key, keyBytes) != 0;
    }

    @Override
    public long scan() {
        return scan(rows);
    }

    /** May run on another thread than {@link #insert}. */
    private long scan(MemRowSet source) {
        long count = 0;
        try (RowCursor cursor = source.scan(ScanSpec.all(schema, 1), account);
                ColumnBatch batch = new ColumnBatch(schema.columns(), false, account)) {
            while (cursor.next(batch)) {
                count += batch.rowCount();
            }
        }
        return count;
    }

    @Override
    public double overheadBytes(Keys keys, long count) {
        return (double) rows.usedBytes() / count - keys.bytes - Long.BYTES;
    }

    @Override
    public void close() {
        rows.close();
        account.giveBack(slab);
        account.close();
    }
}
