package io.nyala.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.nyala.caller.WireBloom;
import io.nyala.caller.WireClient;
import io.nyala.caller.WireResults;
import io.nyala.caller.WireRows;
import io.nyala.engine.Table;
import io.nyala.memory.AccountUsage;
import io.nyala.protocol.BlockBloomFilter.BlockBloomFilterPB;
import io.nyala.protocol.Common.ColumnPredicatePB;
import io.nyala.protocol.Common.OrderMode;
import io.nyala.protocol.Common.ReadMode;
import io.nyala.protocol.Hash.HashAlgorithm;
import io.nyala.protocol.RowOperations.RowOperationsPB;
import io.nyala.protocol.WireProtocol.AppStatusPB.ErrorCode;
import io.nyala.protocol.tserver.Tserver.NewScanRequestPB;
import io.nyala.protocol.tserver.Tserver.RowFormatFlags;
import io.nyala.protocol.tserver.Tserver.ScanRequestPB;
import io.nyala.protocol.tserver.Tserver.ScanResponsePB;
import io.nyala.protocol.tserver.Tserver.TabletServerErrorPB.Code;
import io.nyala.protocol.tserver.Tserver.WriteResponsePB;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Goal: a scan answers the rows that its predicates are true of, in both layouts and each read mode; a wrong request is
 * refused in Kudu's words and leaves nothing open. Method: requests made by hand, of columns of all types, to a whole
 * server; answers are read byte by byte and compared with the rows that were written.
 */
final class ScanRequestsTest {
    private static final long[] NUMBERS = {-1000, -1, 0, 7, 1000};
    private static final int ROWS = 300;

    private static final Schema SCHEMA = schema();

    private RunningServer server;
    private Table table;
    private final List<byte[] @Nullable []> rows = new ArrayList<>();

    /** A key, and of each type a column with NULLs and one without. */
    private static Schema schema() {
        List<Column> columns = new ArrayList<>(List.of(Column.key("k", ColumnType.INT32)));
        for (ColumnType type : ColumnType.values()) {
            columns.add(column("some_" + type, type).nullable());
            columns.add(column("all_" + type, type));
        }
        return Schema.of(columns);
    }

    private static Column column(String name, ColumnType type) {
        return switch (type) {
            case DECIMAL32 -> Column.decimal(name, 9, 2);
            case DECIMAL64 -> Column.decimal(name, 18, 3);
            case DECIMAL128 -> Column.decimal(name, 38, 0);
            case VARCHAR -> Column.varchar(name, 10);
            default -> Column.of(name, type);
        };
    }

    /** A cell of this number, or of one that is nearly it. */
    private static byte[] cell(ColumnType type, long number) {
        ByteBuffer cell = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        cell.putLong(8, number >> 63);
        switch (type) {
            case BOOL -> cell.put((byte) (number & 1));
            case INT8 -> cell.put((byte) (number % 100));
            case FLOAT -> cell.putFloat(number / 4f);
            case DOUBLE -> cell.putDouble(number / 4.0);
            case STRING, BINARY, VARCHAR -> {
                return (number == 0 ? "" : "v\0" + number).getBytes(StandardCharsets.UTF_8);
            }
            default -> cell.putLong(number);
        }
        return Arrays.copyOf(cell.array(), type.cellBytes());
    }

    @BeforeEach
    void open(@TempDir Path directory, @Seed SplittableRandom random) throws IOException {
        server = RunningServer.in(directory);
        table = server.create("t", SCHEMA, 1);
        write(random, ROWS / 2);
        table.flush().join();
        write(random, ROWS);
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    /** Rows up to this one; answers the time at which they are there. */
    private long write(SplittableRandom random, int end) throws IOException {
        WireRows wire = new WireRows(SCHEMA);
        for (int k = rows.size(); k < end; k++) {
            byte[] @Nullable [] row = new byte[SCHEMA.columnCount()][];
            row[0] = WireRows.cell(k);
            for (int c = 1; c < row.length; c++) {
                boolean isNull = SCHEMA.column(c).isNullable() && random.nextInt(4) == 0;
                row[c] = isNull ? null : cell(SCHEMA.column(c).type(), NUMBERS[random.nextInt(NUMBERS.length)]);
            }
            rows.add(row);
            wire.add(RowOperationsPB.Type.INSERT, row);
        }
        WriteResponsePB answer = server.tablets()
                .tablet("Write", wire.request(server.tabletId(table).toStringUtf8()), WriteResponsePB.parser());
        assertFalse(answer.hasError(), answer::toString);
        assertEquals(0, answer.getPerRowErrorsCount());
        return answer.getTimestamp();
    }

    // ---- Requests ----

    private NewScanRequestPB.Builder scan(int... columns) {
        return NewScanRequestPB.newBuilder()
                .setTabletId(server.tabletId(table))
                .addAllProjectedColumns(WireRows.view(
                                Arrays.stream(columns).mapToObj(SCHEMA::column).toList())
                        .getColumnsList())
                .setOrderMode(OrderMode.ORDERED)
                .setReadMode(ReadMode.READ_AT_SNAPSHOT);
    }

    private WireClient.Reply call(ScanRequestPB request) throws IOException {
        return server.tablets().call(WireClient.TABLET_SERVER, "Scan", request);
    }

    private ScanResponsePB ask(NewScanRequestPB.Builder request) throws IOException {
        return call(ScanRequestPB.newBuilder().setNewScanRequest(request).build())
                .message(ScanResponsePB.parser());
    }

    /** All rows, in answers of about this size. */
    private List<byte[] @Nullable []> all(NewScanRequestPB.Builder request, int bytes, int... columns)
            throws IOException {
        List<Column> projection =
                Arrays.stream(columns).mapToObj(SCHEMA::column).toList();
        List<byte[] @Nullable []> found = new ArrayList<>();
        ScanRequestPB.Builder next = ScanRequestPB.newBuilder().setNewScanRequest(request);
        for (int call = 0; ; call++) {
            WireClient.Reply reply =
                    call(next.setCallSeqId(call).setBatchSizeBytes(bytes).build());
            ScanResponsePB answer = reply.message(ScanResponsePB.parser());
            assertFalse(answer.hasError(), answer::toString);
            found.addAll(WireResults.rows(reply, answer, projection));
            if (!answer.getHasMoreResults()) {
                return found;
            }
            if (call == 0) {
                next = ScanRequestPB.newBuilder().setScannerId(answer.getScannerId()); // It is said once.
            }
        }
    }

    private static List<Integer> keys(List<byte[] @Nullable []> found) {
        return found.stream()
                .map(row ->
                        ByteBuffer.wrap(row[0]).order(ByteOrder.LITTLE_ENDIAN).getInt())
                .toList();
    }

    // ---- Layouts ----

    @Test
    void bothLayoutsHaveEachCellOfEachType(@Seed SplittableRandom random) throws IOException {
        for (RowFormatFlags layout : List.of(RowFormatFlags.NO_FLAGS, RowFormatFlags.COLUMNAR_LAYOUT)) {
            for (int bytes : new int[] {1, 20_000, 8 << 20}) {
                int[] columns = random.ints(1, SCHEMA.columnCount())
                        .distinct()
                        .limit(random.nextInt(SCHEMA.columnCount() - 1) + 1)
                        .toArray();
                List<byte[] @Nullable []> found =
                        all(scan(columns).setRowFormatFlags(layout.getNumber()), bytes, columns);
                assertEquals(ROWS, found.size());
                for (int i = 0; i < ROWS; i++) {
                    for (int c = 0; c < columns.length; c++) {
                        String what = layout + ", row " + i + ", " + SCHEMA.column(columns[c]);
                        assertArrayEquals(rows.get(i)[columns[c]], found.get(i)[c], what);
                    }
                }
            }
        }
    }

    // ---- Predicates ----

    private static ColumnPredicatePB.Builder predicate(Column column, int kind, byte[] low, byte[] high) {
        ColumnPredicatePB.Builder made = ColumnPredicatePB.newBuilder().setColumn(column.name());
        ByteString lower = ByteString.copyFrom(low);
        ByteString upper = ByteString.copyFrom(high);
        switch (kind) {
            case 0 -> made.getEqualityBuilder().setValue(lower);
            case 1 -> made.getRangeBuilder().setLower(lower);
            case 2 -> made.getRangeBuilder().setUpper(upper);
            case 3 -> made.getRangeBuilder().setLower(lower).setUpper(upper);
            case 4 -> made.getInListBuilder().addValues(lower).addValues(upper);
            case 5 -> made.getIsNullBuilder();
            default -> made.getIsNotNullBuilder();
        }
        return made;
    }

    private static boolean matches(Column column, int kind, byte @Nullable [] cell, byte[] low, byte[] high) {
        if (cell == null) {
            return kind == 5;
        }
        ColumnType type = column.type();
        return switch (kind) {
            case 0 -> compare(type, cell, low) == 0;
            case 1 -> compare(type, cell, low) >= 0;
            case 2 -> compare(type, cell, high) < 0;
            case 3 -> compare(type, cell, low) >= 0 && compare(type, cell, high) < 0;
            case 4 -> compare(type, cell, low) == 0 || compare(type, cell, high) == 0;
            default -> kind == 6;
        };
    }

    private static int compare(ColumnType type, byte[] cell, byte[] other) {
        ByteBuffer left = ByteBuffer.wrap(cell).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer right = ByteBuffer.wrap(other).order(ByteOrder.LITTLE_ENDIAN);
        return switch (type) {
            case FLOAT -> Float.compare(left.getFloat(), right.getFloat());
            case DOUBLE -> Double.compare(left.getDouble(), right.getDouble());
            case STRING, BINARY, VARCHAR -> Arrays.compareUnsigned(cell, other);
            default -> number(cell).compareTo(number(other));
        };
    }

    private static BigInteger number(byte[] cell) {
        byte[] bigEndian = new byte[cell.length];
        for (int i = 0; i < cell.length; i++) {
            bigEndian[i] = cell[cell.length - 1 - i];
        }
        return new BigInteger(bigEndian);
    }

    @Test
    void eachPredicateOnEachTypeFindsTheRowsThatItIsTrueOf(@Seed SplittableRandom random) throws IOException {
        for (int c = 0; c < SCHEMA.columnCount(); c++) {
            Column column = SCHEMA.column(c);
            for (int kind = 0; kind < 7; kind++) {
                byte[] low = cell(column.type(), NUMBERS[random.nextInt(NUMBERS.length)]);
                byte[] high = cell(column.type(), NUMBERS[random.nextInt(NUMBERS.length)]);
                int drawn = kind;
                int index = c;
                List<Integer> expected = IntStream.range(0, ROWS)
                        .filter(k -> matches(column, drawn, rows.get(k)[index], low, high))
                        .boxed()
                        .toList();
                NewScanRequestPB.Builder request = scan(0).addColumnPredicates(predicate(column, kind, low, high));
                String what = request.getColumnPredicates(0).toString();
                assertEquals(expected, keys(all(request, 1 << 20, 0)), what);
                request.setRowFormatFlags(RowFormatFlags.COLUMNAR_LAYOUT_VALUE);
                assertEquals(expected, keys(all(request, 1 << 20, 0)), what);
            }
        }
    }

    @Test
    void bloomFiltersFindWhatTheyMayHave(@Seed SplittableRandom random) throws IOException {
        for (int c = 0; c < SCHEMA.columnCount(); c++) {
            Column column = SCHEMA.column(c);
            WireBloom one = new WireBloom(random.nextInt(6, 10), random.nextInt());
            WireBloom other = new WireBloom(6, 0);
            for (int i = 0; i < 2; i++) {
                byte[] cell = cell(column.type(), NUMBERS[random.nextInt(NUMBERS.length)]);
                one.add(cell);
                other.add(cell);
            }
            one.add(cell(column.type(), NUMBERS[2]));
            byte[] low = cell(column.type(), NUMBERS[1]);
            int index = c;
            assertFound(c, cell -> one.mayHave(cell), filters -> filters.addBloomFilters(one.toProto()));
            assertFound(
                    c,
                    cell -> one.mayHave(cell)
                            && other.mayHave(cell)
                            && compare(SCHEMA.column(index).type(), cell, low) >= 0,
                    filters -> filters.addBloomFilters(one.toProto())
                            .addBloomFilters(other.toProto())
                            .setLower(ByteString.copyFrom(low)));
            assertFound(
                    c,
                    _ -> false,
                    filters -> filters.addBloomFilters(one.toProto().setAlwaysFalse(true)));
        }
    }

    private interface CellTest {
        boolean test(byte[] cell);
    }

    private void assertFound(int c, CellTest test, Consumer<ColumnPredicatePB.InBloomFilter.Builder> filters)
            throws IOException {
        ColumnPredicatePB.Builder made =
                ColumnPredicatePB.newBuilder().setColumn(SCHEMA.column(c).name());
        filters.accept(made.getInBloomFilterBuilder());
        List<Integer> expected = new ArrayList<>();
        for (int k = 0; k < ROWS; k++) {
            byte @Nullable [] cell = rows.get(k)[c];
            if (cell != null && test.test(cell)) {
                expected.add(k);
            }
        }
        assertEquals(expected, keys(all(scan(0).addColumnPredicates(made), 1 << 20, 0)), made::toString);
    }

    // ---- Times ----

    @Test
    void anOrderedScanGoesOnBehindTheLastKeyThatWasAnsweredAtTheSameTime(@Seed SplittableRandom random)
            throws IOException {
        List<Integer> found = new ArrayList<>();
        ByteString lastKey = ByteString.EMPTY;
        long snapshot = 0;
        for (boolean hasMore = true; hasMore; ) {
            NewScanRequestPB.Builder request =
                    (snapshot == 0 ? scan(0) : scan(0).setSnapTimestamp(snapshot)).setLastPrimaryKey(lastKey);
            WireClient.Reply reply = call(ScanRequestPB.newBuilder()
                    .setNewScanRequest(request)
                    .setBatchSizeBytes(random.nextInt(1, 300))
                    .build());
            ScanResponsePB answer = reply.message(ScanResponsePB.parser());
            found.addAll(keys(WireResults.rows(reply, answer, List.of(SCHEMA.column(0)))));
            lastKey = answer.hasLastPrimaryKey() ? answer.getLastPrimaryKey() : lastKey;
            assertTrue(snapshot == 0 || snapshot == answer.getSnapTimestamp());
            snapshot = answer.getSnapTimestamp();
            hasMore = answer.getHasMoreResults();
            if (rows.size() < ROWS + 50) {
                write(random, rows.size() + 10); // Not seen.
            }
        }
        assertEquals(IntStream.range(0, ROWS).boxed().toList(), found);
    }

    @Test
    void whoReadsItsWritesSeesThem(@Seed SplittableRandom random) throws IOException {
        for (int i = 0; i < 10; i++) {
            long time = write(random, rows.size() + 1);
            NewScanRequestPB.Builder request = scan(0).setOrderMode(OrderMode.UNORDERED)
                    .setReadMode(ReadMode.READ_YOUR_WRITES)
                    .setPropagatedTimestamp(time);
            assertEquals(rows.size(), all(request, 1 << 20, 0).size());
            assertTrue(Long.compareUnsigned(ask(request).getSnapTimestamp(), time) > 0);
        }
    }

    // ---- Wrong requests ----

    private void refused(Code code, ErrorCode status, String message, Consumer<NewScanRequestPB.Builder> change)
            throws IOException {
        NewScanRequestPB.Builder request = scan(0);
        change.accept(request);
        ScanResponsePB answer = ask(request);
        assertEquals(message, answer.getError().getStatus().getMessage());
        assertEquals(code, answer.getError().getCode(), message);
        assertEquals(status, answer.getError().getStatus().getCode(), message);
        assertFalse(answer.hasScannerId());
    }

    private void invalid(String message, Consumer<NewScanRequestPB.Builder> change) throws IOException {
        refused(Code.INVALID_SCAN_SPEC, ErrorCode.INVALID_ARGUMENT, message, change);
    }

    private long scanBytes() {
        return server.engine().memoryUsage().stream()
                .filter(usage -> usage.owner().equals("scans"))
                .mapToLong(AccountUsage::usedBytes)
                .sum();
    }

    @Test
    void wrongRequestsAreRefusedInKudusWordsAndLeaveNothing() throws IOException {
        assertEquals(ROWS, all(scan(0), 1 << 20, 0).size()); // What is kept for the next scan is there.
        assertTrue(ask(scan(0).setSnapTimestamp(0)).getError().toString().contains(" ancient history mark. "));
        assertTrue(ask(scan(0).setSnapTimestamp(-1)).getError().toString().contains(" in the future. "));
        long before = scanBytes(); // Or less, when the last answer is on its way.
        refused(
                Code.MISMATCHED_SCHEMA,
                ErrorCode.INVALID_ARGUMENT,
                "Some columns are not present in the current schema: nope",
                request -> request.getProjectedColumnsBuilder(0).setName("nope"));
        invalid(
                "Cannot do an ordered scan that is not a snapshot read",
                request -> request.setReadMode(ReadMode.READ_LATEST));
        invalid(
                "Unknown read mode.",
                request -> request.setReadMode(ReadMode.UNKNOWN_READ_MODE).setOrderMode(OrderMode.UNORDERED));
        for (long flags : new long[] {3, 6, -1}) { // Of a scan that is open when that is found.
            invalid("Row format flags not supported with columnar layout", request -> request.setRowFormatFlags(flags));
        }
        for (ColumnType type : ColumnType.values()) {
            refuseValues(column("some_" + type, type).nullable());
        }
        assertTrue(scanBytes() <= before, scanBytes() + " bytes, not " + before);
        assertEquals(0, server.use().scanners());
    }

    private void refuseValues(Column column) throws IOException {
        String name = column.name();
        ColumnPredicatePB.Builder none = ColumnPredicatePB.newBuilder().setColumn(name);
        invalid("Unknown predicate type for column: " + name, request -> request.addColumnPredicates(none));
        ColumnPredicatePB.Builder unbounded = none.clone();
        unbounded.getRangeBuilder();
        invalid(
                "Invalid range predicate on column: no bounds: " + name,
                request -> request.addColumnPredicates(unbounded));
        ColumnPredicatePB.Builder empty = none.clone();
        empty.getEqualityBuilder();
        invalid(
                "Invalid equality predicate on column: no value: " + name,
                request -> request.addColumnPredicates(empty));
        if (!column.type().isVariable()) {
            byte[] wide = new byte[column.type().cellBytes() + 1];
            for (int kind = 0; kind < 5; kind++) {
                ColumnPredicatePB.Builder made = predicate(column, kind, wide, wide);
                invalid(
                        "Bad predicate on " + name + " " + column.describeType() + ". Expected value size "
                                + (wide.length - 1) + ", got " + wide.length,
                        request -> request.addColumnPredicates(made));
            }
        }
        refuseFilters(column);
    }

    private void refuseFilters(Column column) throws IOException {
        refuseFilter(column, ". No bloom filters supplied", filters -> {});
        String failed = "Failed to initialize bloom filter predicate on column: " + column.name() + ": ";
        BlockBloomFilterPB.Builder good = new WireBloom(6, 1).toProto();
        refuse(
                column,
                failed + "Missing arguments to initialize BlockBloomFilter.",
                good.clone().clearBloomData());
        for (HashAlgorithm other : List.of(HashAlgorithm.MURMUR_HASH_2, HashAlgorithm.CITY_HASH)) {
            refuse(
                    column,
                    failed + "Invalid/Unsupported hash algorithm " + other,
                    good.clone().setHashAlgorithm(other));
        }
        for (int log : new int[] {38, 40}) {
            refuse(
                    column,
                    failed + "Bloom filter too large. log_space_bytes: " + log,
                    good.clone().setLogSpaceBytes(log));
        }
        for (int bytes : new int[] {0, 32, 63, 65, 128}) {
            refuse(
                    column,
                    failed + "Mismatch in BlockBloomFilter source directory size " + bytes + " and expected size 64",
                    good.clone().setBloomData(ByteString.copyFrom(new byte[bytes])));
        }
    }

    private void refuse(Column column, String message, BlockBloomFilterPB.Builder filter) throws IOException {
        ColumnPredicatePB.Builder made = ColumnPredicatePB.newBuilder().setColumn(column.name());
        made.getInBloomFilterBuilder()
                .addBloomFilters(new WireBloom(6, 0).toProto())
                .addBloomFilters(filter);
        invalid(message, request -> request.addColumnPredicates(made));
    }

    private void refuseFilter(Column column, String message, Consumer<ColumnPredicatePB.InBloomFilter.Builder> filters)
            throws IOException {
        ColumnPredicatePB.Builder made = ColumnPredicatePB.newBuilder().setColumn(column.name());
        filters.accept(made.getInBloomFilterBuilder());
        invalid(
                "Invalid bloom filter predicate on column: " + column.name() + message,
                request -> request.addColumnPredicates(made));
    }
}
