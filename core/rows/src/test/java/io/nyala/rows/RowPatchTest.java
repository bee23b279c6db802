package io.nyala.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: an UPDATE applied to a row gives the row with these cells, its inverse gives the row before, and damaged
 * changes and effects are refused. Method: random rows and updates against rows packed from the values; single bytes
 * damaged.
 */
final class RowPatchTest {
    @RepeatedTest(200)
    void appliesAndUndoesUpdates(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random);
        var layout = new RowLayout(schema);
        var patch = new RowPatch(layout);
        try (var memory = new TestMemory();
                var batch = new OperationBatch(layout, memory.account())) {
            @Nullable Object[] before = RandomRows.row(random, schema);
            @Nullable Object[] after = before.clone();
            RandomRows.append(batch, OperationKind.INSERT, before);
            byte[] rowBefore = row(batch, 0);
            byte[] effect = randomUpdate(random, layout, batch, after);
            byte[] change = change(layout, effect);
            RandomRows.append(batch, OperationKind.INSERT, after);
            byte[] rowAfter = row(batch, last(batch));
            assertEquals(hex(rowAfter), hex(apply(patch, rowBefore, change)));

            MemorySegment source = MemorySegment.ofArray(rowBefore);
            MemorySegment changeMemory = MemorySegment.ofArray(change);
            byte[] inverse = new byte[patch.inverseBytesMax(source, 0, changeMemory, 0)];
            int bytes = patch.writeInverse(source, 0, changeMemory, 0, MemorySegment.ofArray(inverse), 0);
            inverse = Arrays.copyOf(inverse, bytes);
            RowChange.check(layout, MemorySegment.ofArray(inverse), 0, bytes);
            assertEquals(hex(rowBefore), hex(apply(patch, rowAfter, inverse)));
        }
    }

    /** An UPDATE of some columns as an effect; the values become those after it. */
    private static byte[] randomUpdate(
            SplittableRandom random, RowLayout layout, OperationBatch batch, @Nullable Object[] values) {
        Schema schema = layout.schema();
        batch.start(OperationKind.UPSERT);
        for (int i = 0; i < schema.columnCount(); i++) {
            if (i >= schema.keyColumnCount() && random.nextBoolean()) {
                values[i] = RandomRows.valueOrNull(random, schema.column(i));
                batch.set(i, values[i]);
            } else if (i < schema.keyColumnCount() || !schema.column(i).isNullable()) {
                batch.set(i, values[i]);
            }
        }
        assertTrue(batch.end(), () -> batch.errors().toString());
        return update(layout, batch, last(batch));
    }

    private static byte[] update(RowLayout layout, OperationBatch batch, long operation) {
        byte[] effect = new byte[Effect.bytesMax(batch.memory(), operation, layout.columnCount())];
        int bytes = Effect.writeUpdate(layout, batch.memory(), operation, MemorySegment.ofArray(effect), 0);
        return Arrays.copyOf(effect, bytes);
    }

    private static byte[] change(RowLayout layout, byte[] effect) {
        MemorySegment memory = MemorySegment.ofArray(effect);
        assertEquals(effect.length, Effect.check(new KeyCodec(layout), memory, 0, effect.length));
        assertEquals(effect.length, Effect.bytes(memory, 0));
        assertEquals(Effect.bodyBytes(memory, 0), RowChange.bytes(memory, Effect.bodyOffset(memory, 0)));
        return memory.asSlice(Effect.bodyOffset(memory, 0), Effect.bodyBytes(memory, 0))
                .toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] apply(RowPatch patch, byte[] row, byte[] change) {
        MemorySegment source = MemorySegment.ofArray(row);
        MemorySegment changeMemory = MemorySegment.ofArray(change);
        byte[] target = new byte[patch.appliedBytesMax(source, 0, changeMemory, 0)];
        int bytes = patch.apply(source, 0, changeMemory, 0, MemorySegment.ofArray(target), 0);
        return Arrays.copyOf(target, bytes);
    }

    private static byte[] row(OperationBatch batch, long operation) {
        return batch.memory()
                .asSlice(
                        OperationFormat.rowOffset(batch.memory(), operation),
                        OperationFormat.rowBytes(batch.memory(), operation))
                .toArray(ValueLayout.JAVA_BYTE);
    }

    private static long last(OperationBatch batch) {
        long[] last = new long[1];
        batch.forEach((_, operation) -> last[0] = operation);
        return last[0];
    }

    @RepeatedTest(200)
    void refusesDamagedEffectsOrReadsThem(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random);
        var layout = new RowLayout(schema);
        var codec = new KeyCodec(layout);
        var patch = new RowPatch(layout);
        try (var memory = new TestMemory();
                var batch = new OperationBatch(layout, memory.account())) {
            @Nullable Object[] values = RandomRows.row(random, schema);
            RandomRows.append(batch, OperationKind.UPSERT, values);
            byte[] row = row(batch, 0);
            byte[] good = random.nextBoolean() ? update(layout, batch, 0) : write(random, batch, layout.columnCount());
            for (int n = 0; n < 50; n++) {
                byte[] bad = damaged(random, good);
                MemorySegment effect = MemorySegment.ofArray(bad);
                try {
                    Effect.check(codec, effect, 0, bad.length);
                } catch (MalformedBytesException _) {
                    continue;
                }
                Effect.annotate(layout, effect, 0, new NoNotes());
                if (Effect.kind(effect, 0) == Effect.UPDATE) {
                    byte[] change = change(layout, Arrays.copyOf(bad, Effect.bytes(effect, 0)));
                    byte[] applied = apply(patch, row, change);
                    layout.check(MemorySegment.ofArray(applied), 0, applied.length);
                }
            }
        }
    }

    private static byte[] write(SplittableRandom random, OperationBatch batch, int columns) {
        byte[] effect = new byte[Effect.bytesMax(batch.memory(), 0, columns)];
        MemorySegment target = MemorySegment.ofArray(effect);
        int bytes =
                switch (random.nextInt(3)) {
                    case 0 -> Effect.writeInsert(batch.memory(), 0, target, 0);
                    case 1 -> Effect.writeReinsert(batch.memory(), 0, target, 0);
                    default -> Effect.writeDelete(batch.memory(), 0, target, 0);
                };
        return Arrays.copyOf(effect, bytes);
    }

    static byte[] damaged(SplittableRandom random, byte[] good) {
        byte[] bad = Arrays.copyOf(good, random.nextInt(8) == 0 ? random.nextInt(good.length + 9) : good.length);
        for (int i = random.nextInt(3); i > 0 && bad.length > 0; i--) {
            int at = random.nextInt(random.nextBoolean() ? bad.length : Math.min(bad.length, 40));
            bad[at] = (byte) (random.nextBoolean() ? bad[at] ^ 1 << random.nextInt(8) : random.nextInt());
        }
        return bad;
    }

    @RepeatedTest(100)
    void checksChangesOfEveryKind(@Seed SplittableRandom random) {
        Schema schema = RandomRows.schema(random);
        var layout = new RowLayout(schema);
        try (var memory = new TestMemory();
                var batch = new OperationBatch(layout, memory.account())) {
            RandomRows.append(batch, OperationKind.INSERT, RandomRows.row(random, schema));
            byte[] row = row(batch, 0);
            byte[] change = new byte[row.length + 8];
            MemorySegment target = MemorySegment.ofArray(change);
            int deleteBytes = RowChange.writeDelete(target, 0);
            RowChange.check(layout, target, 0, deleteBytes);
            assertEquals(deleteBytes, RowChange.bytes(target, 0));
            int bytes = RowChange.writeReinsert(MemorySegment.ofArray(row), 0, row.length, target, 0);
            RowChange.check(layout, target, 0, bytes);
            assertEquals(bytes, RowChange.bytes(target, 0));
            for (int n = 0; n < 50; n++) {
                byte[] bad = damaged(random, change);
                try {
                    RowChange.check(layout, MemorySegment.ofArray(bad), 0, bad.length);
                    RowChange.annotate(layout, MemorySegment.ofArray(bad), 0, new NoNotes());
                } catch (MalformedBytesException e) {
                    assertTrue(e.offset() >= 0 && e.offset() <= bad.length, e.getMessage());
                }
            }
        }
    }

    @Test
    void leavesOutDroppedColumns() {
        Schema before = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("old", ColumnType.STRING),
                Column.of("v", ColumnType.INT32));
        Schema after = new Schema(1, 3, List.of(before.column(0), before.column(2)));
        try (var memory = new TestMemory();
                var batch = new OperationBatch(new RowLayout(before), memory.account());
                var later = new OperationBatch(new RowLayout(after), memory.account())) {
            RandomRows.append(batch, OperationKind.UPDATE, new Object[] {1, "gone", 7});
            RandomRows.append(later, OperationKind.INSERT, new Object[] {1, 5});
            byte[] change = change(new RowLayout(before), update(new RowLayout(before), batch, 0));
            RowChange.check(new RowLayout(after), MemorySegment.ofArray(change), 0, change.length);
            byte[] row = apply(new RowPatch(new RowLayout(after)), row(later, 0), change);
            assertEquals("00" + "01000000" + "07000000", hex(row));
        }
    }

    @Test
    @Tag("allocation")
    void allocatesNothing() {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT32),
                Column.of("s", ColumnType.STRING).nullable(),
                Column.of("t", ColumnType.STRING),
                Column.of("v", ColumnType.INT64));
        var layout = new RowLayout(schema);
        var patch = new RowPatch(layout);
        try (var memory = new TestMemory();
                var batch = new OperationBatch(layout, memory.account())) {
            RandomRows.append(batch, OperationKind.UPSERT, new Object[] {1, "some", "text", 7L});
            var slab = memory.account().take(1 << 14);
            MemorySegment target = slab.segment();
            MemorySegment source = batch.memory();
            Allocation.assertNone("effects and updates", () -> {
                for (int i = 0; i < 100; i++) {
                    Effect.writeInsert(source, 0, target, 0);
                    Effect.writeUpdate(layout, source, 0, target, 0);
                    long change = Effect.bodyOffset(target, 0);
                    long row = OperationFormat.rowOffset(source, 0);
                    RowChange.check(layout, target, change, RowChange.bytes(target, change));
                    patch.apply(source, row, target, change, target, 1000);
                    patch.writeInverse(source, row, target, change, target, 2000);
                }
            });
            memory.account().giveBack(slab);
        }
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
