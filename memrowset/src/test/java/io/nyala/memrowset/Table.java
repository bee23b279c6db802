package io.nyala.memrowset;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.Slab;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Effect;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowChange;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A schema for tests, and rows, keys and effects of it made from the bytes of cells. The effect and the packed row that
 * were made last are in memory of its own, until the next ones. One thread.
 */
final class Table implements AutoCloseable {
    private static final long BODY = 1 << 20;
    private static final long ROW = 2 << 20;
    private static final long KEY = 3 << 20;

    final Schema schema;
    final RowLayout layout;
    final KeyCodec keys;
    final MemorySegment memory;
    private final MemoryAccount account;
    private final Slab slab;

    Table(Schema schema, MemoryAccount account) {
        this.schema = schema;
        this.layout = new RowLayout(schema);
        this.keys = new KeyCodec(layout);
        this.account = account;
        this.slab = account.take(4 << 20);
        this.memory = account.budget().memory();
    }

    /** A schema of any key and a few columns of any type. */
    static Schema drawSchema(SplittableRandom random) {
        List<Column> columns = new ArrayList<>();
        switch (random.nextInt(4)) {
            case 0 -> columns.add(Column.key("k", ColumnType.INT64));
            case 1 -> columns.add(Column.key("k", ColumnType.STRING));
            case 2 -> {
                columns.add(Column.key("k", ColumnType.INT64));
                columns.add(Column.key("l", ColumnType.INT32));
            }
            default -> {
                columns.add(Column.key("k", ColumnType.STRING));
                columns.add(Column.key("l", ColumnType.INT8));
            }
        }
        int count = random.nextInt(12);
        ColumnType[] types = ColumnType.values();
        for (int i = 0; i < count; i++) {
            Column column = Column.of("c" + i, types[random.nextInt(types.length)]);
            columns.add(random.nextBoolean() ? column.nullable() : column);
        }
        return Schema.of(columns);
    }

    /** Cells of a row with a key that was probably drawn before. */
    Cells drawRow(SplittableRandom random, int keyCount) {
        List<@Nullable CellValue> cells = new ArrayList<>();
        for (int i = 0; i < schema.columnCount(); i++) {
            cells.add(i < schema.keyColumnCount() ? drawKeyCell(random, i, keyCount) : drawCell(random, i));
        }
        return new Cells(cells);
    }

    private CellValue drawKeyCell(SplittableRandom random, int column, int keyCount) {
        ColumnType type = schema.column(column).type();
        int number = column == 0 ? random.nextInt(keyCount) : random.nextInt(3);
        if (type.isVariable()) {
            byte[] text = Integer.toString(number, 3).getBytes(StandardCharsets.UTF_8);
            // Some are long, and have zeros.
            return CellValue.ofBytes(number % 3 == 0 ? Arrays.copyOf(text, text.length + 9) : text);
        }
        byte[] cell = new byte[type.cellBytes()];
        Arrays.fill(cell, (byte) (number % 5 == 4 ? -1 : 0));
        cell[0] = (byte) number;
        if (cell.length > 1) {
            cell[1] = (byte) (number >> 8);
        }
        return CellValue.ofBytes(cell);
    }

    @Nullable
    CellValue drawCell(SplittableRandom random, int column) {
        ColumnType type = schema.column(column).type();
        if (schema.column(column).isNullable() && random.nextInt(4) == 0) {
            return null;
        }
        byte[] cell =
                new byte[type.isVariable() ? random.nextInt(random.nextInt(20) == 0 ? 2_000 : 12) : type.cellBytes()];
        random.nextBytes(cell);
        if (type == ColumnType.BOOL) {
            cell[0] &= 1;
        }
        return CellValue.ofBytes(cell);
    }

    byte[] key(Cells cells) {
        pack(cells, slab.offset() + ROW);
        int bytes = keys.encode(memory, slab.offset() + ROW, memory, slab.offset() + KEY);
        return memory.asSlice(slab.offset() + KEY, bytes).toArray(JAVA_BYTE);
    }

    /** Puts a key into memory; answers where. */
    long keyAt(byte[] key) {
        MemorySegment.copy(key, 0, memory, JAVA_BYTE, slab.offset() + KEY, key.length);
        return slab.offset() + KEY;
    }

    /** Puts a packed row into memory; answers where. */
    long rowAt(Cells cells) {
        pack(cells, slab.offset() + ROW);
        return slab.offset() + ROW;
    }

    private int pack(Cells cells, long row) {
        memory.asSlice(row, layout.fixedBytes()).fill((byte) 0);
        int end = layout.fixedBytes();
        for (int i = 0; i < cells.count(); i++) {
            CellValue cell = cells.get(i);
            if (cell == null) {
                layout.setNull(memory, row, i);
            } else if (layout.isVariable(i)) {
                layout.setVariable(memory, row, i, end, cell.bytes());
                MemorySegment.copy(cell.segment(), 0, memory, row + end, cell.bytes());
                end += cell.bytes();
            } else {
                MemorySegment.copy(cell.segment(), 0, memory, row + layout.cellOffset(i), cell.bytes());
            }
        }
        layout.check(memory, row, end);
        return end;
    }

    /** The cells of a packed row, which must be well formed. */
    Cells unpack(MemorySegment source, long row, int bytes) {
        layout.check(source, row, bytes);
        List<@Nullable CellValue> cells = new ArrayList<>();
        for (int i = 0; i < schema.columnCount(); i++) {
            cells.add(layout.isNull(source, row, i) ? null : layout.value(source, row, i));
        }
        return new Cells(cells);
    }

    /** An INSERT or REINSERT; answers where it is. */
    long rowEffect(int kind, Cells cells) {
        byte[] key = key(cells);
        return effect(kind, key, pack(cells, slab.offset() + BODY));
    }

    long deleteEffect(byte[] key) {
        return effect(Effect.DELETE, key, 0);
    }

    /** An UPDATE of some columns; answers where it is. */
    long updateEffect(byte[] key, int[] columns, Cells cells) {
        long body = slab.offset() + BODY;
        long row = rowAt(cells);
        long cell = RowChange.startUpdate(memory, body, columns.length);
        for (int column : columns) {
            cell = RowChange.writeCell(layout, memory, row, column, memory, cell);
        }
        return effect(Effect.UPDATE, key, (int) (cell - body));
    }

    private long effect(int kind, byte[] key, int bodyBytes) {
        long effect = slab.offset();
        LittleEndian.setByte(memory, effect, kind);
        LittleEndian.setByte(memory, effect + 1, 0);
        LittleEndian.setShort(memory, effect + 2, key.length);
        LittleEndian.setInt(memory, effect + 4, bodyBytes);
        MemorySegment.copy(key, 0, memory, JAVA_BYTE, Effect.keyOffset(effect), key.length);
        long body = Effect.bodyOffset(memory, effect);
        MemorySegment.copy(memory, slab.offset() + BODY, memory, body, bodyBytes);
        memory.asSlice(body + bodyBytes, Long.BYTES).fill((byte) 0);
        assert Effect.check(keys, memory, effect, effect + BODY) == Effect.bytes(memory, effect) : "no effect";
        return effect;
    }

    @Override
    public void close() {
        account.giveBack(slab);
    }
}
