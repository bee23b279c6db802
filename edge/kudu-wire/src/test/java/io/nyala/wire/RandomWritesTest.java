package io.nyala.wire;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.protocol.tserver.Tserver.WriteRequestPB;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationFormat;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowError;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;

/**
 * Goal: whatever a client knows of a table and sends, the batch has exactly that; whatever else comes is refused, and
 * not a byte outside of the request is read. Method: random tables, views and rows of an independent writer against
 * what they must become; damaged requests in memory that ends where they end.
 */
final class RandomWritesTest {
    private static final int[] TYPES = {1, 2, 3, 5, 10, 11, 12, 13};

    private final RowOperationsReader reader = new RowOperationsReader();
    private TestMemory memory;

    @BeforeEach
    void open() {
        memory = new TestMemory();
    }

    @AfterEach
    void close() {
        memory.close();
    }

    /** A row as it was sent. */
    @SuppressWarnings("ArrayRecordComponent") // Never compared.
    private record Sent(int type, byte[] @Nullable [] cells) {}

    @RepeatedTest(100)
    void hasWhatTheClientSent(@Seed SplittableRandom random) {
        Schema schema = RandomData.schema(random);
        List<Column> view = view(random, schema);
        List<Sent> sent = rows(random, view, 20);
        WireRows rows = new WireRows(view);
        sent.forEach(row -> rows.add(row.type(), row.cells()));
        try (var batch = new OperationBatch(new RowLayout(schema), memory.account())) {
            byte[] request = rows.request().toByteArray();
            read(request, schema, batch);
            assertEquals(sent.size(), batch.operationCount());
            List<String> errors = new ArrayList<>();
            for (int i = 0; i < sent.size(); i++) {
                String error = error(sent.get(i), view, schema);
                if (error != null) {
                    errors.add(i + ": " + error);
                }
            }
            assertEquals(
                    errors, batch.errors().stream().map(RandomWritesTest::text).toList());
            batch.forEach((segment, operation) -> assertOperation(
                    schema, view, sent.get(OperationFormat.operationIndex(segment, operation)), segment, operation));
            assertEquals(sent.size() - errors.size(), batch.acceptedCount());
            assertStepsOver(request, sent, random.nextInt(sent.size() + 1));
        }
    }

    /** Without a table, first over so many rows, then over the others. */
    private void assertStepsOver(byte[] request, List<Sent> sent, int count) {
        var parts = new WriteRequestReader();
        parts.read(MemorySegment.ofArray(request), 0, request.length);
        reader.startUnread(parts);
        byte[] kinds = new byte[sent.size()];
        for (int i = 0; i < kinds.length; i++) {
            kinds[i] = (byte) sent.get(i).type();
        }
        assertArrayEquals(Arrays.copyOf(kinds, count), reader.skip(count));
        assertEquals(count, reader.rowCount());
        assertArrayEquals(Arrays.copyOfRange(kinds, count, kinds.length), reader.skip(Integer.MAX_VALUE));
        assertEquals(kinds.length, reader.rowCount());
    }

    private static String text(RowError error) {
        return error.operationIndex() + ": " + error.message();
    }

    /** The key, and of the other columns those that are needed and some more, in any order. */
    static List<Column> view(SplittableRandom random, Schema schema) {
        List<Column> view = new ArrayList<>();
        boolean isWhole = random.nextInt(3) == 0;
        for (Column column : schema.columns()) {
            boolean isNeeded = column.isKey() || (!column.isNullable() && column.writeDefault() == null);
            if (isNeeded || isWhole || random.nextBoolean()) {
                int from = column.isKey() ? view.size() : schema.keyColumnCount();
                view.add(isWhole ? view.size() : random.nextInt(from, view.size() + 1), column);
            }
        }
        return view;
    }

    private static List<Sent> rows(SplittableRandom random, List<Column> view, int rowsMax) {
        boolean hasNullable = view.stream().anyMatch(Column::isNullable); // Else NULL cannot be said.
        List<Sent> rows = new ArrayList<>();
        for (int n = random.nextInt(1, rowsMax + 1); n > 0; n--) {
            int type = TYPES[random.nextInt(TYPES.length)];
            boolean isDelete = type == 3 || type == 12;
            byte[] @Nullable [] cells = new byte[view.size()][];
            for (int i = 0; i < cells.length; i++) {
                Column column = view.get(i);
                int odds = random.nextInt(isDelete && !column.isKey() ? 16 : 12);
                boolean isUnset = (isDelete && !column.isKey()) == (odds != 0);
                boolean isNull = hasNullable && random.nextInt(column.isNullable() ? 3 : 40) == 0;
                cells[i] = isUnset ? WireRows.UNSET : isNull ? null : cell(random, column);
            }
            rows.add(new Sent(type, cells));
        }
        return rows;
    }

    /** Distinct from {@link WireRows#UNSET} also where it is empty; of a VARCHAR more than fits, sometimes. */
    private static byte[] cell(SplittableRandom random, Column column) {
        if (column.type() == ColumnType.VARCHAR && random.nextInt(4) == 0) {
            return "x"
                    .repeat(column.attributes().lengthChars() + random.nextInt(3))
                    .getBytes(StandardCharsets.UTF_8);
        }
        return RandomData.cell(random, column).clone();
    }

    /** The first thing that a Kudu server finds wrong with a row. */
    private static @Nullable String error(Sent row, List<Column> view, Schema schema) {
        OperationKind kind = kind(row.type());
        boolean hasValue = false;
        for (int i = 0; i < view.size(); i++) {
            Column column = view.get(i);
            byte @Nullable [] cell = row.cells()[i];
            String name = column.describe().substring("column ".length());
            if (WireRows.isUnset(cell)) {
                boolean isNeeded = !column.isNullable() && column.writeDefault() == null;
                if (kind.mayInsert() && isNeeded) {
                    return "No value provided for required column: " + name;
                }
                if (!kind.mayInsert() && column.isKey()) {
                    return "No value provided for key column: " + name;
                }
                continue;
            }
            boolean isImmutable = column.isImmutable() && !column.isKey();
            if (isImmutable && kind == OperationKind.UPDATE) {
                return "UPDATE not allowed for immutable column: " + name;
            }
            if (isImmutable && kind == OperationKind.UPDATE_IGNORE) {
                continue;
            }
            hasValue |= !column.isKey();
            if (kind.isDelete() && !column.isKey()) {
                return "DELETE should not have a value for column: " + name;
            }
            if (cell == null && !column.isNullable()) {
                return kind.mayInsert()
                        ? "NULL values not allowed for non-nullable column: " + name
                        : column.isKey()
                                ? "NULL values not allowed for key column: " + name
                                : "NULL value not allowed for non-nullable column: " + name;
            }
        }
        return kind.isUpdate() && !hasValue ? "No fields updated, key is: " + key(schema) : null;
    }

    private static String key(Schema schema) {
        List<String> parts = new ArrayList<>();
        for (Column column : schema.columns().subList(0, schema.keyColumnCount())) {
            String type = column.type().name().startsWith("DECIMAL")
                    ? "decimal"
                    : column.type().name().toLowerCase(Locale.ROOT);
            parts.add(type + " " + column.name() + "=<redacted>");
        }
        return "(" + String.join(", ", parts) + ")";
    }

    private static OperationKind kind(int type) {
        for (OperationKind kind : OperationKind.values()) {
            if (kind.code() == type) {
                return kind;
            }
        }
        throw new AssertionError(type);
    }

    private static void assertOperation(
            Schema schema, List<Column> view, Sent sent, MemorySegment segment, long operation) {
        var layout = new RowLayout(schema);
        long row = OperationFormat.rowOffset(segment, operation);
        OperationKind kind = kind(sent.type());
        assertEquals(kind, OperationFormat.kind(segment, operation));
        var key = new ByteArrayOutputStream();
        for (int i = 0; i < schema.columnCount(); i++) {
            Column column = schema.column(i);
            int at = view.indexOf(column);
            byte @Nullable [] cell = at < 0 ? WireRows.UNSET : sent.cells()[at];
            boolean isIgnored = kind == OperationKind.UPDATE_IGNORE && column.isImmutable() && !column.isKey();
            boolean isSet = !WireRows.isUnset(cell);
            assertEquals(isSet, OperationFormat.isSet(segment, operation, i), column.name());
            if (!isSet && !kind.mayInsert()) {
                continue;
            }
            if (isIgnored) {
                byte[] nothing =
                        new byte[column.type().isVariable() ? 0 : column.type().cellBytes()];
                assertEquals(isSet, !layout.isNull(segment, row, i), column.describe());
                assertArrayEquals(
                        isSet ? nothing : null,
                        isSet ? layout.value(segment, row, i).toByteArray() : null);
                continue;
            }
            CellValue byDefault = column.writeDefault();
            byte @Nullable [] expected = isSet ? cell : byDefault == null ? null : byDefault.toByteArray();
            assertEquals(expected == null, layout.isNull(segment, row, i), column.describe());
            if (expected != null) {
                byte[] cut = column.type() == ColumnType.VARCHAR
                        ? Arrays.copyOf(
                                expected,
                                Math.min(expected.length, column.attributes().lengthChars()))
                        : expected;
                assertArrayEquals(cut, layout.value(segment, row, i).toByteArray(), column.describe());
                if (column.isKey()) {
                    appendKey(key, column, cut, i == schema.keyColumnCount() - 1);
                }
            }
        }
        byte[] encoded = segment.asSlice(
                        OperationFormat.keyOffset(segment, operation), OperationFormat.keyBytes(segment, operation))
                .toArray(JAVA_BYTE);
        assertArrayEquals(key.toByteArray(), encoded);
    }

    /** Section 4.5 in a few lines. */
    static void appendKey(ByteArrayOutputStream key, Column column, byte[] cell, boolean isLast) {
        if (!column.type().isVariable()) {
            for (int i = cell.length - 1; i >= 0; i--) {
                key.write(cell[i] ^ (i == cell.length - 1 ? 0x80 : 0));
            }
            return;
        }
        for (byte b : cell) {
            key.write(b);
            if (b == 0 && !isLast) {
                key.write(1);
            }
        }
        if (!isLast) {
            key.writeBytes(new byte[2]);
        }
    }

    @RepeatedTest(50)
    void refusesDamagedRequestsWithAWireException(@Seed SplittableRandom random) {
        Schema schema = RandomData.schema(random);
        byte[] request = request(random, schema, 12);
        try (var batch = new OperationBatch(new RowLayout(schema), memory.account())) {
            for (int i = 0; i < 400; i++) {
                readDamaged(RandomData.damaged(random, request), schema, batch);
            }
        }
    }

    @RepeatedTest(2)
    void readsOrRefusesARequestWithAnyByteFlipped(@Seed SplittableRandom random) {
        Schema schema = RandomData.schema(random);
        byte[] request = request(random, schema, 4);
        try (var batch = new OperationBatch(new RowLayout(schema), memory.account())) {
            for (int i = 0; i < request.length; i++) {
                for (int bit = 0; bit < Byte.SIZE; bit++) {
                    request[i] ^= (byte) (1 << bit);
                    readDamaged(request, schema, batch);
                    request[i] ^= (byte) (1 << bit);
                }
            }
            read(request, schema, batch);
        }
    }

    private static byte[] request(SplittableRandom random, Schema schema, int rowsMax) {
        List<Column> view = view(random, schema);
        WireRows rows = new WireRows(view);
        rows(random, view, rowsMax).forEach(row -> rows.add(row.type(), row.cells()));
        WriteRequestPB.Builder request = rows.request().toBuilder();
        if (random.nextBoolean()) {
            request.setPropagatedTimestamp(random.nextLong());
        }
        return request.build().toByteArray();
    }

    private void readDamaged(byte[] request, Schema schema, OperationBatch batch) {
        try {
            read(request, schema, batch);
        } catch (WireException e) {
            assertTrue(!e.getMessage().isEmpty());
            assertEquals(0, batch.operationCount());
        }
        try {
            var parts = new WriteRequestReader();
            parts.read(MemorySegment.ofArray(request), 0, request.length);
            reader.startUnread(parts);
            reader.skip(Integer.MAX_VALUE);
        } catch (WireException e) {
            assertTrue(!e.getMessage().isEmpty());
        }
        batch.forEach((segment, operation) -> {
            if (OperationFormat.kind(segment, operation).mayInsert()) {
                long row = OperationFormat.rowOffset(segment, operation);
                batch.layout().check(segment, row, OperationFormat.rowBytes(segment, operation));
            }
        });
    }

    private void read(byte[] request, Schema schema, OperationBatch batch) {
        batch.clear();
        var parts = new WriteRequestReader();
        parts.read(MemorySegment.ofArray(request), 0, request.length);
        reader.start(parts, schema);
        reader.fill(batch);
    }
}
