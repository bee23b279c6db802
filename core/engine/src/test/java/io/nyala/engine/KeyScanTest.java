package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Predicate;
import io.nyala.rows.Schema;
import io.nyala.table.Aggregate;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: a scan whose conditions name all keys has the rows that any scan with them has, now and at earlier times.
 * Method: beside scans that may leave rows out, which are never looked up, of rows that are changed, flushed and
 * merged.
 */
final class KeyScanTest {
    private static final int KEYS = 12;
    private static final int ROUNDS = 12;
    private static final int SCANS = 25;

    private static final Schema SCHEMA = Schema.of(
            Column.key("number", ColumnType.INT32),
            Column.key("name", ColumnType.STRING),
            Column.of("value", ColumnType.INT64).nullable(),
            Column.of("text", ColumnType.STRING));

    @TempDir
    private Path directory;

    private Engine engine;
    private Table table;

    @BeforeEach
    void open() {
        engine = Engine.open(
                EngineConfig.in(directory).withMemoryBytes(256 << 20).withLogSegmentBytes(16 << 20));
        table = engine.createTable("t", SCHEMA);
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private static String name(int number) {
        return "name " + number;
    }

    private long change(SplittableRandom random) {
        try (WriteBatch batch = table.newBatch()) {
            for (int i = 0; i < 60; i++) {
                OperationKind kind = random.nextInt(4) == 0 ? OperationKind.DELETE_IGNORE : OperationKind.UPSERT;
                batch.rows().start(kind).setInt(0, random.nextInt(KEYS)).setString(1, name(random.nextInt(KEYS)));
                if (kind == OperationKind.UPSERT) {
                    batch.rows().setString(3, "text " + random.nextInt(5));
                    batch.rows().set(2, random.nextInt(4) == 0 ? null : random.nextLong(5));
                }
                batch.rows().end();
            }
            return batch.commit().orThrow().timestamp();
        }
    }

    /** One value, or some; some of them are of no row. */
    private static Predicate keyPredicate(SplittableRandom random, int column) {
        String name = SCHEMA.column(column).name();
        List<Object> values = new ArrayList<>();
        for (int i = random.nextInt(3) == 0 ? random.nextInt(8) : 0; i >= 0; i--) {
            int number = random.nextInt(KEYS + 2);
            values.add(column == 0 ? (Object) number : name(number));
        }
        return values.size() == 1 && random.nextBoolean()
                ? Predicate.equal(SCHEMA, name, values.getFirst())
                : Predicate.in(SCHEMA, name, values);
    }

    private static List<Predicate> predicates(SplittableRandom random) {
        List<Predicate> all = new ArrayList<>(List.of(keyPredicate(random, 0), keyPredicate(random, 1)));
        if (random.nextInt(4) == 0) {
            all.add(keyPredicate(random, random.nextInt(2)));
        }
        switch (random.nextInt(6)) {
            case 0 -> all.add(Predicate.atLeast(SCHEMA, "value", random.nextLong(5)));
            case 1 -> all.add(Predicate.isNull(SCHEMA, "value"));
            case 2 -> all.add(Predicate.equal(SCHEMA, "text", "text " + random.nextInt(5)));
            case 3 -> all.add(Predicate.lessThan(SCHEMA, "number", random.nextInt(KEYS)));
            default -> {}
        }
        return all;
    }

    private static List<List<Object>> rows(ScanBuilder builder) {
        List<List<Object>> rows = new ArrayList<>();
        try (Scan scan = builder.open()) {
            while (scan.next()) {
                ColumnBatch batch = scan.batch();
                for (int row = 0; row < batch.rowCount(); row++) {
                    List<Object> cells = new ArrayList<>();
                    for (int column = 0; column < batch.columnCount(); column++) {
                        cells.add(batch.column(column).isNull(row) ? "NULL" : cell(batch, column, row));
                    }
                    rows.add(cells);
                }
            }
        }
        rows.sort(Comparator.comparing(Object::toString));
        return rows;
    }

    private static Object cell(ColumnBatch batch, int column, int row) {
        return switch (batch.column(column).type()) {
            case INT32 -> batch.column(column).getInt(row);
            case INT64 -> batch.column(column).getLong(row);
            default -> batch.column(column).getString(row);
        };
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void haveTheRowsThatOtherScansHave(int buckets, @Seed SplittableRandom random) {
        PartitionSchema.Builder cut = PartitionSchema.of(SCHEMA);
        table = engine.createTable(TableSpec.of("cut", (buckets == 1 ? cut : cut.hash(buckets, "name")).build()));
        List<Long> times = new ArrayList<>();
        int found = 0;
        for (int round = 0; round < ROUNDS; round++) {
            times.add(change(random));
            switch (random.nextInt(5)) {
                case 0, 1 -> table.flush().join();
                case 2 -> table.compact().join();
                default -> {}
            }
            for (int i = 0; i < SCANS; i++) {
                List<Predicate> predicates = predicates(random);
                String[] columns = random.nextBoolean()
                        ? new String[] {"text", "number", "value", "name"}
                        : new String[] {"value"};
                long time = random.nextBoolean() ? 0 : times.get(random.nextInt(times.size()));
                List<List<Object>> expected =
                        rows(scan(predicates, time).project(columns).allowPartial());
                assertEquals(expected, rows(scan(predicates, time).project(columns)), () -> "of " + predicates);
                assertEquals(
                        (long) expected.size(),
                        scan(predicates, time).aggregate(Aggregate.count()).value(0));
                found += expected.size();
            }
        }
        assertTrue(found > 100, found + " rows");
    }

    /** Rows have such a value cut to its length; as a condition it is of no row, and not of the one it is cut to. */
    @Test
    void aConditionThatIsLongerThanItsColumnNamesNoKey() {
        Schema schema = Schema.of(Column.key("code", ColumnType.VARCHAR)
                .withAttributes(Column.varchar("any", 3).attributes()));
        table = engine.createTable("short", schema);
        try (WriteBatch batch = table.newBatch()) {
            batch.rows().start(OperationKind.INSERT).setString(0, "abc").end();
            batch.commit().orThrow();
        }
        for (int i = 0; i < 2; i++) {
            Predicate both = Predicate.in(schema, "code", List.of("abc", "abcd", "abcde"));
            assertEquals(List.of(List.of("abc")), rows(table.scan().where(both)));
            assertEquals(
                    1L, table.scan().where(both).aggregate(Aggregate.count()).value(0));
            Predicate tooLong = Predicate.equal(schema, "code", "abcd");
            assertEquals(List.of(), rows(table.scan().where(tooLong)));
            table.flush().join();
        }
    }

    private ScanBuilder scan(List<Predicate> predicates, long time) {
        ScanBuilder builder = table.scan();
        predicates.forEach(builder::where);
        return time == 0 ? builder : builder.at(time);
    }
}
