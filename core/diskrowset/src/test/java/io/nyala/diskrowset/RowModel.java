package io.nyala.diskrowset;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a rowset should be: for each encoded key all versions of its row, oldest first, in a sorted map. One thread. */
final class RowModel {
    /** Times are drawn from here on. */
    static final long TIME_MIN = 1_000;

    static final long TIME_MAX = 2_000;

    private static final int ROW_BYTES_MAX = 4 << 20;

    final Schema schema;
    final RowLayout layout;
    final KeyCodec keys;
    final TreeMap<byte[], List<Version>> rows = new TreeMap<>(Arrays::compareUnsigned);
    private final MemorySegment scratch = MemorySegment.ofArray(new byte[ROW_BYTES_MAX]);
    private final MemorySegment keyScratch = MemorySegment.ofArray(new byte[ROW_BYTES_MAX]);

    RowModel(Schema schema) {
        this.schema = schema;
        this.layout = new RowLayout(schema);
        this.keys = new KeyCodec(layout);
    }

    /** @param cells null if the row is deleted from this time on */
    record Version(long time, @Nullable List<@Nullable CellValue> cells) {}

    /**
     * What random rows are like.
     *
     * @param changedShare rows that have changed since they were inserted
     * @param changesMax most changes of one of these
     * @param stringBytesMax largest string but in keys
     */
    record Style(double changedShare, int changesMax, int stringBytesMax) {}

    /** Every type twice, once nullable, behind a key of one or two columns. */
    static Schema drawSchema(SplittableRandom random) {
        List<Column> columns = new ArrayList<>();
        switch (random.nextInt(5)) {
            case 0 -> columns.add(Column.key("k", ColumnType.INT64));
            case 1 -> columns.add(Column.key("k", ColumnType.STRING));
            case 2 -> columns.addAll(List.of(Column.key("k", ColumnType.INT16), Column.key("l", ColumnType.STRING)));
            case 3 -> columns.addAll(List.of(Column.key("k", ColumnType.BINARY), Column.key("l", ColumnType.DATE)));
            default -> columns.add(Column.key("k", ColumnType.DECIMAL128));
        }
        for (ColumnType type : ColumnType.values()) {
            columns.add(column("maybe " + type, type).nullable());
            if (random.nextBoolean()) {
                columns.add(column("always " + type, type));
            }
        }
        return Schema.of(columns);
    }

    private static Column column(String name, ColumnType type) {
        return type == ColumnType.VARCHAR ? Column.varchar(name, 100) : Column.of(name, type);
    }

    /** The same rows in a later schema of their table. */
    RowModel evolved(Schema later) {
        RowModel evolved = new RowModel(later);
        rows.forEach((key, versions) -> {
            List<Version> mapped = new ArrayList<>();
            versions.forEach(version -> mapped.add(new Version(version.time(), evolved(version.cells(), later))));
            evolved.rows.put(key, mapped);
        });
        return evolved;
    }

    private @Nullable List<@Nullable CellValue> evolved(@Nullable List<@Nullable CellValue> cells, Schema later) {
        if (cells == null) {
            return null;
        }
        List<@Nullable CellValue> mapped = new ArrayList<>();
        for (Column column : later.columns()) {
            int index = schema.indexOfId(column.id());
            mapped.add(index < 0 ? column.readDefault() : cells.get(index));
        }
        return mapped;
    }

    /** Adds so many rows with random histories. */
    void fill(SplittableRandom random, int rowCount, Style style) {
        while (rows.size() < rowCount) {
            List<@Nullable CellValue> cells = drawCells(random, 4 * rowCount, style);
            byte[] key = key(cells);
            if (!rows.containsKey(key)) {
                boolean isChanged = random.nextDouble() < style.changedShare();
                int changeCount = isChanged ? random.nextInt(1, style.changesMax() + 1) : 0;
                rows.put(key, drawVersions(random, cells, changeCount, style));
            }
        }
    }

    private List<Version> drawVersions(
            SplittableRandom random, List<@Nullable CellValue> first, int changeCount, Style style) {
        long[] times =
                random.longs(changeCount + 1, TIME_MIN, TIME_MAX).sorted().toArray();
        List<Version> versions = new ArrayList<>();
        versions.add(new Version(times[0], first));
        for (int i = 1; i <= changeCount; i++) {
            List<@Nullable CellValue> before = versions.getLast().cells();
            List<@Nullable CellValue> after = null;
            if (before == null || random.nextInt(4) > 0) {
                after = new ArrayList<>(before == null ? first : before);
                for (int c = schema.keyColumnCount(); c < after.size(); c++) {
                    if (before == null || random.nextInt(3) == 0) {
                        after.set(c, drawCell(random, c, style));
                    }
                }
            }
            versions.add(new Version(times[i], after));
        }
        return versions;
    }

    List<@Nullable CellValue> drawCells(SplittableRandom random, int keyCount, Style style) {
        List<@Nullable CellValue> cells = new ArrayList<>();
        for (int i = 0; i < schema.columnCount(); i++) {
            cells.add(i < schema.keyColumnCount() ? drawKeyCell(random, i, keyCount + 1) : drawCell(random, i, style));
        }
        return cells;
    }

    private CellValue drawKeyCell(SplittableRandom random, int column, int keyCount) {
        ColumnType type = schema.column(column).type();
        int number = column == 0 ? random.nextInt(keyCount) : random.nextInt(300);
        if (type.isVariable()) {
            byte[] text = Integer.toString(number, 3).getBytes(java.nio.charset.StandardCharsets.UTF_8);
            return CellValue.ofBytes(number % 3 == 0 ? Arrays.copyOf(text, text.length + number % 5) : text);
        }
        byte[] cell = new byte[type.cellBytes()];
        Arrays.fill(cell, (byte) (number % 5 == 4 ? -1 : 0));
        cell[0] = (byte) number;
        cell[1] = (byte) (number >> 8);
        if (cell.length > Integer.BYTES && number % 5 != 4) {
            cell[2] = (byte) (number >> 16);
        }
        return CellValue.ofBytes(cell);
    }

    @Nullable
    CellValue drawCell(SplittableRandom random, int column, Style style) {
        ColumnType type = schema.column(column).type();
        if (schema.column(column).isNullable() && random.nextInt(4) == 0) {
            return null;
        }
        if (type.isVariable()) {
            int bytesMax = random.nextInt(4) == 0 ? style.stringBytesMax() : 4;
            byte[] cell = new byte[random.nextInt(bytesMax + 1)];
            Arrays.fill(cell, (byte) ('a' + random.nextInt(3)));
            return CellValue.ofBytes(cell);
        }
        byte[] cell = new byte[type.cellBytes()];
        if (random.nextInt(3) == 0) {
            random.nextBytes(cell);
        }
        cell[0] = (byte) random.nextInt(type == ColumnType.BOOL ? 2 : 7);
        return CellValue.ofBytes(cell);
    }

    /** Packs a row at {@code row}; answers its bytes. */
    int pack(List<@Nullable CellValue> cells, MemorySegment target, long row) {
        target.asSlice(row, layout.fixedBytes()).fill((byte) 0);
        int end = layout.fixedBytes();
        for (int i = 0; i < cells.size(); i++) {
            CellValue cell = cells.get(i);
            if (cell == null) {
                layout.setNull(target, row, i);
            } else if (layout.isVariable(i)) {
                layout.setVariable(target, row, i, end, cell.bytes());
                MemorySegment.copy(cell.segment(), 0, target, row + end, cell.bytes());
                end += cell.bytes();
            } else {
                MemorySegment.copy(cell.segment(), 0, target, row + layout.cellOffset(i), cell.bytes());
            }
        }
        layout.check(target, row, end);
        return end;
    }

    byte[] key(List<@Nullable CellValue> cells) {
        pack(cells, scratch, 0);
        int bytes = keys.encode(scratch, 0, keyScratch, 0);
        return keyScratch.asSlice(0, bytes).toArray(JAVA_BYTE);
    }

    /** The packed row with these cells, until the next call. */
    MemorySegment packed(List<@Nullable CellValue> cells) {
        pack(cells, scratch, 0);
        return scratch;
    }

    /** The row as it is at a snapshot, null if it is not live then. */
    static @Nullable List<@Nullable CellValue> at(List<Version> versions, long snapshot) {
        List<@Nullable CellValue> cells = null;
        for (Version version : versions) {
            if (version.time() <= snapshot) {
                cells = version.cells();
            }
        }
        return cells;
    }

    boolean isLive(byte[] key) {
        return at(rows.getOrDefault(key, List.of()), Long.MAX_VALUE) != null;
    }

    long newestChange() {
        return rows.values().stream()
                .mapToLong(versions -> versions.getLast().time())
                .max()
                .orElse(0);
    }
}
