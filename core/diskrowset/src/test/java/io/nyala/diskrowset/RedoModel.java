package io.nyala.diskrowset;

import io.nyala.diskrowset.ListedDeltas.Change;
import io.nyala.diskrowset.ListedDeltas.Reading;
import io.nyala.diskrowset.RowModel.Style;
import io.nyala.diskrowset.RowModel.Version;
import io.nyala.rows.CellValue;
import io.nyala.rows.DeltaSource;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.RowChange;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Random changes of the rows of a model since their file was written: as versions in the model, so that it knows what
 * scans are to answer, and as bytes that sources yield. One thread.
 */
final class RedoModel {
    /** Times of changes begin behind all of those in the file. */
    static final long TIME_MIN = RowModel.TIME_MAX;

    static final long TIME_MAX = TIME_MIN + 1_000;

    final Reading reading = new Reading();
    final List<Change> changes = new ArrayList<>();
    private final RowModel model;
    private final SplittableRandom random;
    private final int[] droppedIds;

    /** @param droppedIds ids of columns that changes may still set, although the table no longer has them */
    RedoModel(RowModel model, SplittableRandom random, int... droppedIds) {
        this.model = model;
        this.random = random;
        this.droppedIds = droppedIds;
    }

    /** Draws changes of rows that are live in the file. */
    void draw(Style style, boolean mayDelete) {
        int ordinal = 0;
        for (List<Version> versions : model.rows.values()) {
            if (versions.getLast().cells() != null && random.nextDouble() < style.changedShare()) {
                drawRow(ordinal, versions, style, mayDelete);
            }
            ordinal++;
        }
    }

    private void drawRow(int ordinal, List<Version> versions, Style style, boolean mayDelete) {
        int count = random.nextInt(1, style.changesMax() + 1);
        long[] times = random.longs(count, TIME_MIN + 1, TIME_MAX).sorted().toArray();
        for (int i = 0; i < count; i++) {
            List<@Nullable CellValue> before =
                    Objects.requireNonNull(versions.getLast().cells());
            if (mayDelete && i == count - 1 && random.nextInt(4) == 0) {
                versions.add(new Version(times[i], null));
                changes.add(new Change(ordinal, times[i], delete()));
                return;
            }
            TreeMap<Integer, byte[]> cells = new TreeMap<>();
            List<@Nullable CellValue> after = new ArrayList<>(before);
            for (int c = model.schema.keyColumnCount(); c < after.size(); c++) {
                if (random.nextInt(1 + after.size() / 3) == 0) {
                    CellValue cell = model.drawCell(random, c, style);
                    after.set(c, cell);
                    cells.put(model.layout.columnId(c), cell(model.layout.columnId(c), cell));
                }
            }
            for (int id : droppedIds) {
                cells.put(id, cell(id, random.nextBoolean() ? null : CellValue.ofBytes(new byte[random.nextInt(20)])));
            }
            versions.add(new Version(times[i], after));
            changes.add(new Change(ordinal, times[i], update(cells)));
        }
    }

    /** For sources that may be read at any moment. */
    static Reading always() {
        Reading reading = new Reading();
        reading.isIn = true;
        return reading;
    }

    /** An UPDATE of an INT64 and of a STRING column, in ascending order of their ids. */
    static byte[] update(int numberId, long number, int textId, String text) {
        byte[] cell = new byte[Long.BYTES];
        MemorySegment.ofArray(cell).set(LittleEndian.LONG, 0, number);
        TreeMap<Integer, byte[]> cells = new TreeMap<>();
        cells.put(numberId, cell(numberId, CellValue.ofBytes(cell)));
        cells.put(textId, cell(textId, CellValue.ofBytes(text.getBytes(StandardCharsets.UTF_8))));
        return update(cells);
    }

    /** An UPDATE as one, followed by another. */
    static byte[] merged(byte[] first, byte[] second) {
        TreeMap<Integer, byte[]> cells = new TreeMap<>();
        for (byte[] change : List.of(first, second)) {
            MemorySegment memory = MemorySegment.ofArray(change);
            long cell = RowChange.firstCell(0);
            for (int i = RowChange.cellCount(memory, 0); i > 0; i--) {
                long next = RowChange.nextCell(memory, cell);
                cells.put(RowChange.cellColumnId(memory, cell), Arrays.copyOfRange(change, (int) cell, (int) next));
                cell = next;
            }
        }
        return update(cells);
    }

    static byte[] delete() {
        byte[] bytes = new byte[4];
        RowChange.writeDelete(MemorySegment.ofArray(bytes), 0);
        return bytes;
    }

    private static byte[] update(SortedMap<Integer, byte[]> cells) {
        byte[] header = new byte[4];
        RowChange.startUpdate(MemorySegment.ofArray(header), 0, cells.size());
        var bytes = new ByteArrayOutputStream();
        bytes.writeBytes(header);
        cells.values().forEach(bytes::writeBytes);
        return bytes.toByteArray();
    }

    private static byte[] cell(int id, @Nullable CellValue value) {
        byte[] cell = value == null ? new byte[0] : value.toByteArray();
        byte[] bytes = Arrays.copyOf(
                new byte[] {
                    (byte) id,
                    (byte) (id >> 8),
                    (byte) (value == null ? 1 : 0),
                    0,
                    (byte) cell.length,
                    (byte) (cell.length >> 8),
                    (byte) (cell.length >> 16),
                    0
                },
                8 + cell.length);
        System.arraycopy(cell, 0, bytes, 8, cell.length);
        return bytes;
    }

    /** The changes in so many sources, oldest first, cut at random times. */
    List<DeltaSource> split(int count) {
        long[] cuts = random.longs(count - 1L, TIME_MIN, TIME_MAX + 1).sorted().toArray();
        List<DeltaSource> sources = new ArrayList<>();
        long from = Long.MIN_VALUE;
        for (int i = 0; i < count; i++) {
            long to = i < cuts.length ? cuts[i] : Long.MAX_VALUE;
            sources.add(new ListedDeltas(between(from, to), reading));
            from = to;
        }
        return sources;
    }

    private List<Change> between(long from, long to) {
        return changes.stream()
                .filter(change -> change.time() >= from && change.time() < to)
                .sorted(Comparator.comparingLong(Change::ordinal)) // Stable: of each row as drawn.
                .toList();
    }
}
