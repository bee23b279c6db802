package io.nyala.cfile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.encoding.EncodingHint;
import io.nyala.encoding.FlatBinary;
import io.nyala.rows.ColumnType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A column as a test knows it: the cell of each row as bytes, null for null. For one thread.
 *
 * @param spec what the file is told
 * @param cells one for each row
 */
record TestColumn(ColumnSpec spec, List<byte @Nullable []> cells) {
    /** A column of any kind, with any distribution of values and nulls. */
    static TestColumn random(SplittableRandom random, int id, int rowCount) {
        CellKind kind = any(random, CellKind.values());
        return random(random, id, rowCount, kind);
    }

    static TestColumn random(SplittableRandom random, int id, int rowCount, CellKind kind) {
        ColumnSpec spec = ColumnSpec.of(id, "c" + id, kind)
                .withEncoding(any(random, EncodingHint.values()))
                .withCompression(any(random, CompressionHint.values()));
        if (random.nextInt(3) == 0) {
            spec = spec.withPageBytes(random.nextInt(1, 100_000));
        }
        if (random.nextInt(4) == 0) {
            spec = spec.key();
        }
        double nullShare = random.nextInt(3) == 0 ? 0 : random.nextInt(3) == 0 ? 1 : random.nextDouble();
        if (nullShare > 0) {
            spec = spec.nullable();
        }
        int distinct = 1 << random.nextInt(16);
        List<byte[]> values = new ArrayList<>();
        for (int i = 0; i < Math.min(distinct, rowCount + 1); i++) {
            values.add(value(random, kind, distinct));
        }
        List<byte @Nullable []> cells = new ArrayList<>();
        int runMax = 1 << random.nextInt(12);
        while (cells.size() < rowCount) {
            byte[] cell = random.nextDouble() < nullShare ? null : values.get(random.nextInt(values.size()));
            for (int run = random.nextInt(runMax) + 1; run > 0 && cells.size() < rowCount; run--) {
                cells.add(cell);
            }
        }
        return new TestColumn(spec, cells);
    }

    /** As above; of the four shapes, two have values for which there is an encoding of their own. */
    static TestColumn shaped(
            SplittableRandom random, int id, int rowCount, CellKind kind, int shape, boolean mayHaveNulls) {
        TestColumn column = random(random, id, rowCount, kind);
        if (shape == 0) { // Pages with bounds that exclude.
            column.cells()
                    .sort((a, b) -> a == null ? (b == null ? 0 : -1) : b == null ? 1 : Arrays.compareUnsigned(a, b));
        } else if (shape < 3) {
            for (int row = 0; row < rowCount; row++) {
                if (!mayHaveNulls || column.cells().get(row) != null) {
                    column.cells().set(row, shapedValue(random, kind, row, shape == 1));
                }
            }
            return new TestColumn(column.spec().withEncoding(EncodingHint.AUTO), column.cells());
        }
        return column;
    }

    /** Of text, keys, steps or decimals; by themselves or in order. */
    private static byte[] shapedValue(SplittableRandom random, CellKind kind, int row, boolean isAscending) {
        byte[] cell = new byte[kind.cellBytes()];
        MemorySegment memory = MemorySegment.ofArray(cell);
        switch (kind) {
            case BINARY -> {
                String[] words = {"the ", "carefully ", "ironic ", "sleep ", "furiously ", "deposits "};
                var text = new StringBuilder(isAscending ? "key%08d".formatted(row * 3) : "");
                for (int i = isAscending ? 0 : random.nextInt(12); i > 0; i--) {
                    text.append(any(random, words));
                }
                return text.toString().getBytes(StandardCharsets.UTF_8);
            }
            case FLOAT -> memory.set(Cells.FLOAT, 0, random.nextInt(-2_000, 2_000) / 100.0f);
            case DOUBLE -> memory.set(Cells.DOUBLE, 0, random.nextInt(-20_000, 20_000) / 100.0);
            default -> {
                long number = isAscending ? row * 1_000L + random.nextInt(10) : random.nextInt(1_000);
                for (int i = 0; i < cell.length; i++, number >>= Byte.SIZE) {
                    cell[i] = (byte) number;
                }
            }
        }
        return cell;
    }

    private static <E> E any(SplittableRandom random, E[] all) {
        return all[random.nextInt(all.length)];
    }

    private static byte[] value(SplittableRandom random, CellKind kind, int distinct) {
        byte[] cell = new byte[kind.isBinary() ? random.nextInt(random.nextInt(5) == 0 ? 100 : 12) : kind.cellBytes()];
        MemorySegment memory = MemorySegment.ofArray(cell);
        switch (kind) {
            case FLOAT -> memory.set(Cells.FLOAT, 0, (float) number(random));
            case DOUBLE -> memory.set(Cells.DOUBLE, 0, number(random));
            default -> {
                if (random.nextBoolean() || cell.length == 0) {
                    random.nextBytes(cell);
                } else {
                    // Small numbers, and strings that begin alike.
                    Arrays.fill(cell, kind.isBinary() ? (byte) 'x' : 0);
                    int last = kind.isBinary() ? cell.length - 1 : 0;
                    cell[last] = (byte) random.nextInt(Math.clamp(distinct, 1, 100));
                }
            }
        }
        return cell;
    }

    private static double number(SplittableRandom random) {
        return switch (random.nextInt(12)) {
            case 0 -> 0.0;
            case 1 -> -0.0;
            case 2 -> Double.POSITIVE_INFINITY;
            case 3 -> Double.NEGATIVE_INFINITY;
            case 4 -> random.nextInt(40) == 0 ? Double.NaN : 1.5;
            default -> random.nextInt(-50, 50) / 4.0;
        };
    }

    int rowCount() {
        return cells.size();
    }

    void writeTo(ColumnWriter writer) {
        for (byte[] cell : cells) {
            if (cell == null) {
                writer.appendNull();
            } else {
                writer.append(MemorySegment.ofArray(cell), 0, cell.length);
            }
        }
    }

    /** Reads the vectors one by one and compares every cell, read whole, in part and alone. */
    void check(ColumnReader reader, ColumnCursor cursor, SplittableRandom random) {
        assertEquals(spec.name(), reader.name());
        assertEquals(spec.kind(), reader.kind());
        assertEquals(rowCount(), reader.rowCount());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment validity = arena.allocate(128);
            for (int vector = 0; vector < reader.vectorCount(); vector++) {
                cursor.seek(vector);
                int first = vector * ColumnSpec.VECTOR_ROWS;
                assertEquals(Math.min(ColumnSpec.VECTOR_ROWS, rowCount() - first), cursor.rowCount());
                cursor.readValidity(validity, 0);
                byte[][] read = spec.kind().isBinary() ? strings(cursor, arena) : fixed(cursor, arena);
                for (int row = 0; row < cursor.rowCount(); row++) {
                    byte[] expected = cells.get(first + row);
                    boolean isValid = (validity.get(Cells.BYTE, row >>> 3) >>> (row & 7) & 1) != 0;
                    assertEquals(expected != null, isValid, "row " + (first + row));
                    assertEquals(expected == null, cursor.isNull(row));
                    byte[] canonical = expected == null ? new byte[spec.kind().cellBytes()] : expected;
                    assertArrayEquals(canonical, read[row], "row " + (first + row));
                }
                checkOne(cursor, first, random.nextInt(cursor.rowCount()));
            }
        }
    }

    private void checkOne(ColumnCursor cursor, int first, int row) {
        byte[] expected = cells.get(first + row);
        if (expected != null) {
            byte[] read = new byte[cursor.cellBytes(row)];
            cursor.readCell(row, MemorySegment.ofArray(read), 0);
            assertArrayEquals(expected, read);
            assertEquals(0, cursor.compareCell(row, MemorySegment.ofArray(expected), 0, expected.length));
        }
    }

    private byte[][] fixed(ColumnCursor cursor, Arena arena) {
        int cellBytes = spec.kind().cellBytes();
        MemorySegment target = arena.allocate((long) cursor.rowCount() * cellBytes + 64);
        cursor.readFixed(target, 0);
        byte[][] read = new byte[cursor.rowCount()][];
        for (int row = 0; row < read.length; row++) {
            read[row] = target.asSlice((long) row * cellBytes, cellBytes).toArray(Cells.BYTE);
        }
        return read;
    }

    private static byte[][] strings(ColumnCursor cursor, Arena arena) {
        MemorySegment offsets = arena.allocate((cursor.rowCount() + 1) * 4L + 64);
        MemorySegment bytes = arena.allocate(cursor.binaryBytes() + 64);
        cursor.readBinary(new FlatBinary().wrap(offsets, 0, bytes, 0));
        byte[][] read = new byte[cursor.rowCount()][];
        for (int row = 0; row < read.length; row++) {
            int start = offsets.get(Cells.INT, row * 4L);
            read[row] = bytes.asSlice(start, offsets.get(Cells.INT, row * 4L + 4) - start)
                    .toArray(Cells.BYTE);
        }
        return read;
    }

    /** A column type of which cells are of this kind. */
    static ColumnType type(CellKind kind) {
        return switch (kind) {
            case INT8 -> ColumnType.INT8;
            case INT16 -> ColumnType.INT16;
            case INT32 -> ColumnType.INT32;
            case INT64 -> ColumnType.INT64;
            case INT128 -> ColumnType.DECIMAL128;
            case FLOAT -> ColumnType.FLOAT;
            case DOUBLE -> ColumnType.DOUBLE;
            case BINARY -> ColumnType.BINARY;
        };
    }
}
