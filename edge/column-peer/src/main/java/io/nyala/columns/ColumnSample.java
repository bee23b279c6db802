package io.nyala.columns;

import io.nyala.cli.LineItems;
import io.nyala.encoding.FlatBinary;
import io.nyala.encoding.VectorFormat;
import io.trino.tpch.LineItem;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.function.IntToLongFunction;
import java.util.function.ToLongFunction;

/**
 * Values of one column, flat in memory: cells back to back, or offsets and bytes of strings. What columns look
 * like: all those of TPC-H's lineitem, timestamps, random numbers, sorted and skewed strings, decimals kept as doubles,
 * one value for all rows, and runs of values.
 *
 * @param name for people
 * @param cellBytes of a fixed cell; 0 of strings
 * @param isDouble whether the cells are doubles
 * @param rows how many there are
 * @param offsets of strings, one more than rows; nothing else
 * @param bytes cells, or the strings
 */
record ColumnSample(
        String name, int cellBytes, boolean isDouble, int rows, MemorySegment offsets, MemorySegment bytes) {
    private static final double SCALE = 0.2; // Enough rows for any sample.
    private static final int ZIPF_WORDS = 10_000;
    private static final long FIRST_MICROS = 1_700_000_000_000_000L;
    private static final int STEP_MICROS = 10_000;
    private static final double HUNDRED = 100;
    private static final int RUN_MAX = 500;
    private static final int TEXT_BYTES_MIN = 4;

    /** All samples. */
    static List<ColumnSample> draw(Arena arena, int rows) {
        List<ColumnSample> all = new ArrayList<>();
        var random = new SplittableRandom(1);
        List<LineItem> items = items(rows);
        all.add(longs(arena, "l_orderkey", items, LineItem::getOrderKey));
        all.add(longs(arena, "l_partkey", items, LineItem::getPartKey));
        all.add(longs(arena, "l_suppkey", items, LineItem::getSupplierKey));
        all.add(ints(arena, "l_linenumber", items, LineItem::getLineNumber));
        all.add(longs(arena, "l_quantity", items, item -> item.getQuantity() * 100));
        all.add(longs(arena, "l_extendedprice", items, LineItem::getExtendedPriceInCents));
        all.add(longs(arena, "l_discount", items, LineItem::getDiscountPercent));
        all.add(longs(arena, "l_tax", items, LineItem::getTaxPercent));
        all.add(strings(arena, "l_returnflag", items.size(), i -> items.get(i).getReturnFlag()));
        all.add(strings(arena, "l_linestatus", items.size(), i -> items.get(i).getStatus()));
        all.add(ints(arena, "l_shipdate", items, LineItem::getShipDate));
        all.add(ints(arena, "l_commitdate", items, LineItem::getCommitDate));
        all.add(ints(arena, "l_receiptdate", items, LineItem::getReceiptDate));
        all.add(strings(arena, "l_shipinstruct", items.size(), i -> items.get(i).getShipInstructions()));
        all.add(strings(arena, "l_shipmode", items.size(), i -> items.get(i).getShipMode()));
        all.add(strings(arena, "l_comment", items.size(), i -> items.get(i).getComment()));
        long[] micros = {FIRST_MICROS};
        all.add(cells(arena, "timestamps", Long.BYTES, rows, _ -> micros[0] += random.nextInt(STEP_MICROS)));
        all.add(cells(arena, "random numbers", Long.BYTES, rows, _ -> random.nextLong()));
        all.add(strings(arena, "sorted strings", rows, "customer/%09d/orders"::formatted));
        all.add(strings(arena, "zipf strings", rows, _ -> "word " + zipf(random)));
        all.add(decimals(arena, items));
        all.add(cells(arena, "one value", Long.BYTES, rows, _ -> FIRST_MICROS));
        all.add(runs(arena, rows, random));
        return all;
    }

    /** Random numbers, each for some hundred rows. */
    private static ColumnSample runs(Arena arena, int rows, SplittableRandom random) {
        long[] value = {0};
        int[] left = {0};
        return cells(arena, "runs", Long.BYTES, rows, _ -> {
            if (left[0]-- == 0) {
                left[0] = random.nextInt(RUN_MAX);
                value[0] = random.nextLong();
            }
            return value[0];
        });
    }

    private static List<LineItem> items(int rows) {
        List<LineItem> items = new ArrayList<>();
        Iterator<LineItem> each = LineItems.part(SCALE, 0, 1);
        while (items.size() < rows && each.hasNext()) {
            items.add(each.next());
        }
        return items;
    }

    /** Of numbers from 1 on, each about as often as its inverse says. */
    private static int zipf(SplittableRandom random) {
        return (int) Math.pow(ZIPF_WORDS, random.nextDouble());
    }

    private static ColumnSample longs(Arena arena, String name, List<LineItem> items, ToLongFunction<LineItem> value) {
        return cells(arena, name, Long.BYTES, items.size(), i -> value.applyAsLong(items.get(i)));
    }

    private static ColumnSample ints(Arena arena, String name, List<LineItem> items, ToLongFunction<LineItem> value) {
        return cells(arena, name, Integer.BYTES, items.size(), i -> value.applyAsLong(items.get(i)));
    }

    private static ColumnSample decimals(Arena arena, List<LineItem> items) {
        ColumnSample bits = cells(
                arena,
                "prices as doubles",
                Long.BYTES,
                items.size(),
                i -> Double.doubleToRawLongBits(items.get(i).getExtendedPriceInCents() / HUNDRED));
        return new ColumnSample(bits.name, bits.cellBytes, true, bits.rows, bits.offsets, bits.bytes);
    }

    private static ColumnSample cells(Arena arena, String name, int cellBytes, int rows, IntToLongFunction value) {
        MemorySegment cells = arena.allocate((long) rows * cellBytes + VectorFormat.READ_PADDING_BYTES, Long.BYTES);
        for (int i = 0; i < rows; i++) {
            long cell = value.applyAsLong(i);
            if (cellBytes == Integer.BYTES) {
                cells.setAtIndex(ValueLayout.JAVA_INT, i, (int) cell);
            } else {
                cells.setAtIndex(ValueLayout.JAVA_LONG, i, cell);
            }
        }
        return new ColumnSample(name, cellBytes, false, rows, MemorySegment.NULL, cells);
    }

    private static ColumnSample strings(Arena arena, String name, int rows, IntFunction<String> value) {
        List<byte[]> all = new ArrayList<>();
        long total = 0;
        for (int i = 0; i < rows; i++) {
            byte[] string = value.apply(i).getBytes(StandardCharsets.UTF_8);
            all.add(string);
            total += string.length;
        }
        MemorySegment offsets = arena.allocate((rows + 1L) * Integer.BYTES + VectorFormat.READ_PADDING_BYTES, 8);
        MemorySegment bytes = arena.allocate(total + VectorFormat.READ_PADDING_BYTES, 8);
        int end = 0;
        for (int i = 0; i < rows; i++) {
            byte[] string = all.get(i);
            MemorySegment.copy(string, 0, bytes, ValueLayout.JAVA_BYTE, end, string.length);
            end += string.length;
            offsets.setAtIndex(ValueLayout.JAVA_INT, i + 1L, end);
        }
        return new ColumnSample(name, 0, false, rows, offsets, bytes);
    }

    boolean isBinary() {
        return cellBytes == 0;
    }

    /** The strings from this row on. */
    FlatBinary strings(int first, FlatBinary target) {
        return target.wrap(offsets, (long) first * Integer.BYTES, bytes, 0);
    }

    /** Of cells; of strings and their offsets. */
    long plainBytes() {
        return bytes.byteSize()
                - VectorFormat.READ_PADDING_BYTES
                + (isBinary() ? offsets.byteSize() - VectorFormat.READ_PADDING_BYTES : 0);
    }

    /** Part {@code index} of what a general compressor gets, of at most so many bytes; null behind the last. */
    List<MemorySegment> blocks(int blockBytes) {
        List<MemorySegment> blocks = new ArrayList<>();
        cut(bytes, blockBytes, blocks);
        if (isBinary()) {
            cut(offsets, blockBytes, blocks);
        }
        return blocks;
    }

    private static void cut(MemorySegment padded, int blockBytes, List<MemorySegment> blocks) {
        long end = padded.byteSize() - VectorFormat.READ_PADDING_BYTES;
        for (long at = 0; at < end; at += blockBytes) {
            blocks.add(padded.asSlice(at, Math.min(blockBytes, end - at)));
        }
    }

    /** Whether there is something for a dictionary in them: strings of more than a few bytes. */
    boolean isText() {
        return isBinary() && bytes.byteSize() > TEXT_BYTES_MIN * (long) rows;
    }

    /** Where the bytes of a string begin, and those of the one before it end. */
    int offset(int row) {
        return offsets.getAtIndex(ValueLayout.JAVA_INT, row);
    }

    /** Cells of some rows, or the bytes of their strings. */
    MemorySegment bytes(int first, int count) {
        if (!isBinary()) {
            return bytes.asSlice((long) first * cellBytes, (long) count * cellBytes);
        }
        return bytes.asSlice(offset(first), offset(first + count) - offset(first));
    }

    /** For databases: a number as it is, or a string. */
    String text(int row) {
        return new String(bytes(row, 1).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }

    long number(int row) {
        return cellBytes == Integer.BYTES
                ? bytes.getAtIndex(ValueLayout.JAVA_INT, row)
                : bytes.getAtIndex(ValueLayout.JAVA_LONG, row);
    }
}
