package io.nyala.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.TextFormat;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.Schema;
import io.nyala.testkit.Allocation;
import io.nyala.testkit.Seed;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Goal: rows of a scan lie in the answer as Kudu's clients read them, in each layout. Method: the answers of a Kudu
 * 1.18.1 server for three rows with a cell of each type; random batches against a writer that goes cell by cell.
 */
final class ResultBlockTest {
    private static final int PADDED = 1;
    private static final int COLUMNAR = 2;

    private TestMemory memory;

    @BeforeEach
    void open() {
        memory = new TestMemory(12 << 20);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    /** The three rows that the server was sent, in the order in which it answered them; - is NULL. */
    private static final List<String> ROWS = List.of(
            "01000000,,6300000000000000,-,-,-,-,-,-,-,-,-,-,-,-,2a000000",
            "02000000,7a7a,fa00000000000000,-,-,-,-,-,-,-,-,-,-,,-,01000000",
            "fbffffff,610062,0700000000000000,ff,feff,01,0000c03f,00000000000002c0,0102,00401e18240a0600,39300000,"
                    + "fbffffffffffffff,0000000000000000c0ffffffffffffff,68c3a96c6c6f,384a0000,2a000000");

    private static List<byte[] @Nullable []> vectorRows() {
        List<byte[] @Nullable []> rows = new ArrayList<>();
        for (String row : ROWS) {
            String[] texts = row.split(",", -1);
            byte[] @Nullable [] cells = new byte[texts.length][];
            for (int i = 0; i < cells.length; i++) {
                cells[i] = texts[i].equals("-") ? null : Vectors.bytes(texts[i]);
            }
            rows.add(cells);
        }
        return rows;
    }

    @Test
    void answersAsAKuduServerInEachLayout() {
        Schema schema = Vectors.schema();
        var answers = new StringBuilder();
        try (var batch = new ColumnBatch(schema.columns(), false, memory.account())) {
            for (int flags : new int[] {0, PADDED, COLUMNAR}) {
                try (ResultBlock block = ResultBlock.of(schema.columns(), flags, memory.account())) {
                    for (byte[] @Nullable [] row : vectorRows()) {
                        Batches.fill(batch, List.<byte[] @Nullable []>of(row));
                        block.clear();
                        block.add(batch);
                        answers.append(new String[] {"SCAN rowwise", "SCAN rowwise padded", "SCAN columnar"}[flags])
                                .append('\n');
                        hex(block).forEach(sidecar -> answers.append(sidecar).append('\n'));
                    }
                }
            }
        }
        assertEquals(resource(), answers.toString());
    }

    private static String resource() {
        try (InputStream text = ResultBlockTest.class.getResourceAsStream("/wire/scans.txt")) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> hex(ResultBlock block) {
        return block.sidecars().stream()
                .map(sidecar -> HexFormat.of().formatHex(sidecar.toArray(JAVA_BYTE)))
                .toList();
    }

    @Test
    void saysWhereTheRowsAreAsAKuduServer() {
        List<Column> columns = Vectors.schema().columns();
        try (var batch = new ColumnBatch(columns, false, memory.account());
                ResultBlock rowwise = ResultBlock.of(columns, 0, memory.account());
                ResultBlock columnar = ResultBlock.of(columns, COLUMNAR, memory.account())) {
            assertEquals("data { num_rows: 0 rows_sidecar: 0 }", describe(rowwise));
            assertEquals(List.of(""), hex(rowwise));
            assertEquals(List.of(""), hex(columnar).stream().distinct().toList());
            Batches.fill(batch, vectorRows().subList(0, 1));
            rowwise.add(batch);
            assertEquals("data { num_rows: 1 rows_sidecar: 0 }", describe(rowwise));
            Batches.fill(batch, vectorRows().subList(1, 2));
            rowwise.add(batch);
            columnar.add(batch);
            assertEquals("data { num_rows: 2 rows_sidecar: 0 indirect_data_sidecar: 1 }", describe(rowwise));
            String text = describe(columnar);
            String begin = "columnar_data { columns { data_sidecar: 0 } columns { data_sidecar: 1"
                    + " varlen_data_sidecar: 2 } columns { data_sidecar: 3 } columns { data_sidecar: 4"
                    + " non_null_bitmap_sidecar: 5 } columns { data_sidecar: 6 ";
            assertEquals(begin, text.substring(0, begin.length()));
            assertEquals(
                    "columns { data_sidecar: 25 varlen_data_sidecar: 26 non_null_bitmap_sidecar: 27 } columns {"
                            + " data_sidecar: 28 non_null_bitmap_sidecar: 29 } columns { data_sidecar: 30 } num_rows:"
                            + " 1 }",
                    text.substring(text.indexOf("columns { data_sidecar: 25")));
            assertEquals(31, columnar.sidecars().size());
        }
    }

    private static String describe(ResultBlock block) {
        ScanResponsePB.Builder response = ScanResponsePB.newBuilder();
        block.describe(response);
        return TextFormat.printer().emittingSingleLine(true).printToString(response);
    }

    @Test
    void countsRowsWithoutColumns() {
        try (var batch = new ColumnBatch(List.of(), false, memory.account());
                ResultBlock block = ResultBlock.of(List.of(), 0, memory.account())) {
            batch.rowCount(1000);
            block.add(batch);
            block.add(batch, 0, 5);
            assertEquals(1005, block.rowCount());
            assertEquals(0, block.bytes());
            assertEquals(List.of(""), hex(block));
        }
    }

    @Test
    void refusesLayoutsThatAreNone() {
        for (long flags : new long[] {COLUMNAR | PADDED, COLUMNAR | 4, -1}) {
            WireException e =
                    assertThrows(WireException.class, () -> ResultBlock.of(List.of(), flags, memory.account()));
            assertEquals(
                    TabletServerErrorPB.Code.INVALID_SCAN_SPEC,
                    e.tabletServerError().getCode());
        }
    }

    @Test
    void flagsThatNobodyKnowsChangeNothing() {
        for (long flags : new long[] {4, 4 | PADDED, 1L << 63}) {
            try (ResultBlock block = ResultBlock.of(List.of(), flags, memory.account())) {
                assertEquals(RowwiseBlock.class, block.getClass());
            }
        }
    }

    @RepeatedTest(60)
    void laysOutEachBatchAsAClientReadsIt(@Seed SplittableRandom random) {
        List<Column> columns = RandomData.schema(random).columns();
        List<byte[] @Nullable []> all = new ArrayList<>();
        int flags = random.nextInt(3);
        try (var batch = new ColumnBatch(columns, false, memory.account());
                ResultBlock block = ResultBlock.of(columns, flags, memory.account())) {
            if (random.nextBoolean()) {
                Batches.fill(batch, Batches.rows(random, columns, random.nextInt(300)));
                block.add(batch); // Not to be seen later.
                block.clear();
            }
            for (int n = random.nextInt(4); n > 0; n--) {
                int count = random.nextInt(4) == 0 ? random.nextInt(Limits.VECTOR_ROWS + 1) : random.nextInt(150);
                List<byte[] @Nullable []> rows = Batches.rows(random, columns, count);
                Batches.fill(batch, rows);
                int from = random.nextBoolean() ? 0 : random.nextInt(count + 1);
                int some = random.nextBoolean() ? count - from : random.nextInt(count - from + 1);
                block.add(batch, from, some);
                all.addAll(rows.subList(from, from + some));
            }
            assertEquals(all.size(), block.rowCount());
            if (flags == COLUMNAR) {
                List<byte[]> expected = columnar(columns, all);
                assertEquals(expected.stream().map(HexFormat.of()::formatHex).toList(), hex(block));
            } else {
                assertRows(columns, all, flags == PADDED, block.sidecars());
            }
            assertEquals(
                    block.sidecars().stream().mapToLong(MemorySegment::byteSize).sum(), block.bytes());
        }
    }

    /** Section 4.3, cell by cell; where the bytes of a variable cell lie is up to the server. */
    private static void assertRows(
            List<Column> columns, List<byte[] @Nullable []> rows, boolean isPadded, List<MemorySegment> sidecars) {
        ByteBuffer data =
                ByteBuffer.wrap(sidecars.getFirst().toArray(JAVA_BYTE)).order(ByteOrder.LITTLE_ENDIAN);
        byte[] indirect = sidecars.size() == 1 ? new byte[0] : sidecars.get(1).toArray(JAVA_BYTE);
        boolean hasNullable = columns.stream().anyMatch(Column::isNullable);
        long indirectBytes = 0;
        for (byte[] @Nullable [] row : rows) {
            byte[] nulls = new byte[hasNullable ? (columns.size() + 7) / 8 : 0];
            for (int i = 0; i < row.length; i++) {
                byte @Nullable [] cell = row[i];
                Column column = columns.get(i);
                boolean isVariable = column.type().isVariable();
                byte[] actual = take(data, isVariable ? 16 : column.type().cellBytes());
                if (cell == null) {
                    nulls[i / 8] |= (byte) (1 << i % 8);
                    cell = new byte[actual.length];
                } else if (isVariable) {
                    ByteBuffer pointer = ByteBuffer.wrap(actual).order(ByteOrder.LITTLE_ENDIAN);
                    int from = Math.toIntExact(pointer.getLong());
                    actual = Arrays.copyOfRange(indirect, from, from + Math.toIntExact(pointer.getLong()));
                    indirectBytes += actual.length;
                }
                assertArrayEquals(cell, actual, column.describe());
                if (isPadded && column.type() == ColumnType.UNIXTIME_MICROS) {
                    assertArrayEquals(new byte[8], take(data, 8));
                }
            }
            assertArrayEquals(nulls, take(data, nulls.length));
        }
        assertEquals(0, data.remaining());
        assertEquals(indirect.length, indirectBytes);
    }

    private static byte[] take(ByteBuffer source, int count) {
        byte[] taken = new byte[count];
        source.get(taken);
        return taken;
    }

    /** Section 4.4, cell by cell. */
    private static List<byte[]> columnar(List<Column> columns, List<byte[] @Nullable []> rows) {
        List<byte[]> sidecars = new ArrayList<>();
        for (int c = 0; c < columns.size(); c++) {
            Column column = columns.get(c);
            var data = new ByteArrayOutputStream();
            var varlen = new ByteArrayOutputStream();
            byte[] valid = new byte[(rows.size() + 7) / 8];
            for (int i = 0; i < rows.size(); i++) {
                byte @Nullable [] cell = rows.get(i)[c];
                valid[i / 8] |= (byte) (cell == null ? 0 : 1 << i % 8);
                if (column.type().isVariable()) {
                    data.writeBytes(int32(varlen.size()));
                    varlen.writeBytes(cell == null ? new byte[0] : cell);
                } else {
                    data.writeBytes(cell == null ? new byte[column.type().cellBytes()] : cell);
                }
            }
            if (column.type().isVariable() && !rows.isEmpty()) {
                data.writeBytes(int32(varlen.size()));
            }
            sidecars.add(data.toByteArray());
            if (column.type().isVariable()) {
                sidecars.add(varlen.toByteArray());
            }
            if (column.isNullable()) {
                sidecars.add(valid);
            }
        }
        return sidecars;
    }

    private static byte[] int32(int value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }

    @Tag("allocation")
    @Test
    void addsRowsWithoutGarbage() {
        List<Column> columns = Vectors.schema().columns();
        var random = new SplittableRandom(1);
        try (var batch = new ColumnBatch(columns, false, memory.account());
                ResultBlock rowwise = ResultBlock.of(columns, PADDED, memory.account());
                ResultBlock columnar = ResultBlock.of(columns, COLUMNAR, memory.account())) {
            Batches.fill(batch, Batches.rows(random, columns, Limits.VECTOR_ROWS));
            Allocation.assertNone("adding 1,024 rows to a row-wise block", () -> {
                rowwise.clear();
                rowwise.add(batch);
            });
            Allocation.assertNone("adding 1,024 rows to a columnar block", () -> {
                columnar.clear();
                columnar.add(batch);
            });
        }
    }
}
