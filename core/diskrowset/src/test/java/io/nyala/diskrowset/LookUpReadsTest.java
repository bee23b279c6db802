package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.RowModel.Version;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowLayout;
import io.nyala.rows.RowSet;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.simulation.CountingDisk;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: with the filter in the cache and separators in memory, one read of the device tells whether a key is there,
 * hardly any that it is not, where else the page of the filter is one more; and a row takes two rounds: the pages of
 * its key, then those of all columns together. Method: reads are counted, and how often one begins with none in flight.
 */
final class LookUpReadsTest {
    private static final Path DIRECTORY = Path.of("/data");
    private static final int ROWS = 20 * 1024;
    private static final int VALUE_COLUMNS = 6;
    private static final int LOOK_UPS = 40;

    /** Even numbers, so that odd ones are not there. */
    private static RowModel model(int keyColumns, SplittableRandom random) {
        List<Column> columns = new ArrayList<>();
        for (int i = 0; i < keyColumns; i++) {
            columns.add(Column.key("k" + i, ColumnType.INT64));
        }
        for (int i = 0; i < VALUE_COLUMNS; i++) {
            columns.add(Column.of("v" + i, ColumnType.INT64));
        }
        RowModel model = new RowModel(Schema.of(columns));
        for (int row = 0; row < ROWS; row++) {
            List<@Nullable CellValue> cells = new ArrayList<>();
            for (Column column : columns) {
                cells.add(CellValue.of(column, column.isKey() ? 2L * row : random.nextLong()));
            }
            model.rows.put(model.key(cells), List.of(new Version(RowModel.TIME_MIN, cells)));
        }
        return model;
    }

    private static CountingDisk disk(SplittableRandom random) {
        var simulated = new SimulatedDisk(random.split());
        simulated.createDirectories(DIRECTORY);
        return new CountingDisk(simulated);
    }

    /** The key whose columns all have this number. */
    private static byte[] key(RowModel model, long number) {
        return Objects.requireNonNull(point(model, number).keyRange().onlyKey(), "it is one key");
    }

    @Test
    void oneReadTellsThatAKeyIsThere(@Seed SplittableRandom random) {
        CountingDisk disk = disk(random);
        RowModel model = model(1, random);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            long absentReads = 0;
            for (int i = 0; i < LOOK_UPS; i++) {
                files.forget();
                try (DiskRowSet rowSet = files.open(model)) {
                    byte[] absent = key(model, 2L * random.nextInt(ROWS - 1) + 1);
                    disk.reset();
                    assertEquals(RowSet.ABSENT, rowSet.lookup(MemorySegment.ofArray(absent), 0, absent.length));
                    absentReads += disk.reads() - 1;
                    for (int row = 0; row < 100; row++) { // Until all of the filter is in the cache.
                        rowSet.mayHave(point(model, 2L * row).keyRange());
                    }
                    byte[] key = key(model, 2L * random.nextInt(ROWS));
                    disk.reset();
                    assertEquals(RowSet.LIVE, rowSet.lookup(MemorySegment.ofArray(key), 0, key.length));
                    assertEquals(1, disk.reads());
                    absent = key(model, 2L * random.nextInt(ROWS - 1) + 1);
                    assertEquals(RowSet.ABSENT, rowSet.lookup(MemorySegment.ofArray(absent), 0, absent.length));
                    absentReads += disk.reads() - 1;
                }
            }
            assertTrue(absentReads <= 2, absentReads + " reads for " + LOOK_UPS + " keys that are not there");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aRowTakesTwoRounds(int keyColumns, @Seed SplittableRandom random) {
        CountingDisk disk = disk(random);
        RowModel model = model(keyColumns, random);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            for (int i = 0; i < LOOK_UPS; i++) {
                long number = 2L * random.nextInt(ROWS);
                files.forget();
                try (DiskRowSet rowSet = files.open(model)) {
                    ScanSpec spec = point(model, number);
                    disk.reset();
                    try (ColumnBatch batch = ColumnBatch.of(spec, files.account);
                            RowCursor cursor = rowSet.scan(spec, files.account)) {
                        assertTrue(cursor.next(batch));
                        assertEquals(1, batch.rowCount());
                        assertEquals(number, batch.column(0).getLong(0));
                    }
                    assertEquals(keyColumns + VALUE_COLUMNS, disk.reads());
                    assertEquals(2, disk.rounds(), "rounds");
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void rowsOfSeveralRowSetsTakeTwoRoundsTogether(int keyColumns, @Seed SplittableRandom random) {
        CountingDisk disk = disk(random);
        RowModel model = model(keyColumns, random);
        ScanSpec spec = ScanSpec.all(model.schema, Long.MAX_VALUE);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            for (int i = 0; i < LOOK_UPS; i++) {
                long[] numbers = {2L * random.nextInt(ROWS), 2L * random.nextInt(ROWS)};
                files.forget();
                try (DiskRowSet left = files.open(model);
                        DiskRowSet right = files.open(model);
                        RowLookup lookup = new RowLookup(spec, files.account);
                        ColumnBatch batch = ColumnBatch.of(spec, files.account)) {
                    disk.reset();
                    look(lookup, List.of(left, right), model, numbers, batch);
                    assertEquals(numbers[0], batch.column(0).getLong(0));
                    assertEquals(numbers[1], batch.column(0).getLong(1));
                    assertEquals(2L * (keyColumns + VALUE_COLUMNS), disk.reads());
                    assertEquals(2, disk.rounds(), "rounds");
                }
            }
        }
    }

    /** Looks one row up in each, as the newest state. */
    private static void look(
            RowLookup lookup, List<DiskRowSet> rowSets, RowModel model, long[] numbers, ColumnBatch target) {
        List<RowLookup.InRowSet> all = rowSets.stream().map(lookup::in).toList();
        List<byte[]> keys = new ArrayList<>();
        for (int i = 0; i < numbers.length; i++) {
            byte[] key = key(model, numbers[i]);
            keys.add(key);
            all.get(i).begin();
            assertTrue(all.get(i).noteKey(vector(rowSets.get(i), key)));
        }
        lookup.read();
        long[] ordinals = new long[numbers.length];
        for (int i = 0; i < numbers.length; i++) {
            byte[] key = keys.get(i);
            ordinals[i] = all.get(i).find(vector(rowSets.get(i), key), MemorySegment.ofArray(key), 0, key.length);
            assertTrue(all.get(i).noteRow(ordinals[i], Long.MAX_VALUE));
        }
        lookup.read();
        for (int i = 0; i < numbers.length; i++) {
            assertTrue(all.get(i).assemble(ordinals[i], Long.MAX_VALUE, List.of()));
            assertTrue(all.get(i).append(target));
            all.get(i).end();
        }
    }

    private static int vector(DiskRowSet rowSet, byte[] key) {
        return rowSet.vectorOf(MemorySegment.ofArray(key), 0, key.length);
    }

    @Test
    void aRowSetWithoutTheKeyIsNotLookedInto(@Seed SplittableRandom random) {
        CountingDisk disk = disk(random);
        RowModel model = model(1, random);
        try (var files = new RowSetFiles(disk, DIRECTORY)) {
            files.write(model);
            try (DiskRowSet rowSet = files.open(model)) {
                int met = 0;
                for (int i = 0; i < 1_000; i++) {
                    long number = 2L * random.nextInt(ROWS);
                    assertTrue(rowSet.mayHave(point(model, number).keyRange()), "it has " + number);
                    met += rowSet.mayHave(point(model, number + 1).keyRange()) ? 1 : 0;
                }
                assertTrue(met <= 10, met + " of 1,000 keys that are not there may be there");
                assertFalse(rowSet.mayHave(KeyRange.EMPTY));
            }
        }
    }

    private static ScanSpec point(RowModel model, long number) {
        List<Predicate> predicates = new ArrayList<>();
        for (int i = 0; i < model.schema.keyColumnCount(); i++) {
            predicates.add(Predicate.equal(model.schema, "k" + i, number));
        }
        KeyRange range = KeyRange.from(new KeyCodec(new RowLayout(model.schema)), predicates);
        return ScanSpec.all(model.schema, Long.MAX_VALUE).withKeyRange(range);
    }
}
