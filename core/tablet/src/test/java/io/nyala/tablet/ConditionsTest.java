package io.nyala.tablet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.OperationBatch;
import io.nyala.rows.OperationKind;
import io.nyala.rows.RowErrorCode;
import io.nyala.rows.Schema;
import io.nyala.simulation.Cells;
import io.nyala.simulation.CountingDisk;
import io.nyala.simulation.RandomCells;
import io.nyala.simulation.SimulatedDisk;
import io.nyala.testkit.Seed;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: a condition is judged by the newest value of its cell, wherever that is, for every type. Method: one row whose
 * value is brought to each place where one can be, behind another value at an older place; and batches that are held
 * while what they have looked up changes.
 */
final class ConditionsTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("bool", ColumnType.BOOL).nullable(),
            Column.of("int8", ColumnType.INT8).nullable(),
            Column.of("int16", ColumnType.INT16).nullable(),
            Column.of("int32", ColumnType.INT32).nullable(),
            Column.of("int64", ColumnType.INT64).nullable(),
            Column.of("float", ColumnType.FLOAT).nullable(),
            Column.of("double", ColumnType.DOUBLE).nullable(),
            Column.decimal("small", 5, 2).nullable(),
            Column.decimal("middle", 15, 3).nullable(),
            Column.decimal("large", 30, 4).nullable(),
            Column.of("string", ColumnType.STRING).nullable(),
            Column.varchar("varchar", 5).nullable(),
            Column.of("binary", ColumnType.BINARY).nullable(),
            Column.of("date", ColumnType.DATE).nullable(),
            Column.of("time", ColumnType.UNIXTIME_MICROS).nullable());

    private static final int N = 5; // A column for those who need one only.

    private SplittableRandom random;
    private CountingDisk disk;
    private OneTablet one;

    @BeforeEach
    void open(@Seed SplittableRandom newRandom) {
        random = newRandom;
        disk = new CountingDisk(new SimulatedDisk(random.split()));
        one = new OneTablet(disk, SCHEMA);
    }

    @AfterEach
    void close() {
        one.close();
    }

    /** Where the newest value of a cell may be. */
    enum Home {
        ACTIVE_ROW,
        ACTIVE_CHANGE,
        SEALED_ROW,
        LATE_CHANGE,
        BASE_FILE,
        DELTA_FILE,
        SECOND_DELTA_FILE,
        SEALED_CHANGES,
        ACTIVE_CHANGES,
        ACTIVE_CHANGES_BEHIND_SEALED_ONES,
        REINSERTED
    }

    private void bringTo(Home home, List<@Nullable Object> before, List<@Nullable Object> now) {
        switch (home) {
            case ACTIVE_ROW -> put(OperationKind.INSERT, now);
            case ACTIVE_CHANGE -> then(before, now, () -> {});
            case SEALED_ROW -> {
                put(OperationKind.INSERT, now);
                assertTrue(one.tablet().seal());
            }
            case LATE_CHANGE -> then(before, now, () -> assertTrue(one.tablet().seal()));
            case BASE_FILE -> {
                then(before, now, () -> {});
                one.flushRows();
            }
            case DELTA_FILE -> {
                then(before, now, one::flushRows);
                one.flushAll();
            }
            case SECOND_DELTA_FILE -> {
                then(before, before, one::flushRows);
                one.flushAll();
                put(OperationKind.UPDATE, now);
                one.flushAll();
            }
            case SEALED_CHANGES -> {
                then(before, now, one::flushRows);
                assertFalse(one.tablet().sealChanges().isEmpty());
            }
            case ACTIVE_CHANGES -> then(before, now, one::flushRows);
            case ACTIVE_CHANGES_BEHIND_SEALED_ONES -> {
                then(before, before, one::flushRows);
                assertFalse(one.tablet().sealChanges().isEmpty());
                put(OperationKind.UPDATE, now);
            }
            case REINSERTED -> {
                then(before, before, one::flushRows);
                one.commit(rows -> rows.start(OperationKind.DELETE).set("id", 1).end());
                put(OperationKind.INSERT, now);
            }
        }
    }

    private void then(List<@Nullable Object> before, List<@Nullable Object> now, Runnable between) {
        put(OperationKind.INSERT, before);
        between.run();
        put(OperationKind.UPDATE, now);
    }

    private void put(OperationKind kind, List<@Nullable Object> values) {
        one.commit(rows -> {
            rows.start(kind).set("id", 1);
            for (int i = 1; i < values.size(); i++) {
                Cells.write(rows, i, values.get(i), false);
            }
            rows.end();
        });
    }

    @ParameterizedTest
    @EnumSource(Home.class)
    void theNewestValueCounts(Home home) {
        for (int round = 0; round < 3; round++) {
            one.commit(
                    rows -> rows.start(OperationKind.DELETE_IGNORE).set("id", 1).end());
            one.flushAll();
            List<@Nullable Object> before = draw();
            List<@Nullable Object> now = draw();
            bringTo(home, before, now);
            for (int column = 1; column < SCHEMA.columnCount(); column++) {
                Object newest = Cells.stored(SCHEMA.column(column), now.get(column));
                check(column, now.get(column), RowsModel.isEqual(newest, newest));
                Object older = Cells.stored(SCHEMA.column(column), before.get(column));
                check(column, before.get(column), RowsModel.isEqual(newest, older));
                check(column, null, newest == null);
            }
        }
    }

    private List<@Nullable Object> draw() {
        List<@Nullable Object> values = new ArrayList<>();
        SCHEMA.columns().forEach(column -> values.add(RandomCells.valueOrNull(random, column)));
        return values;
    }

    /** By an operation that changes nothing. */
    private void check(int column, @Nullable Object value, boolean isMet) {
        var condition = new RowsModel.Condition(column, value);
        try (OneTablet.Batch batch = one.newBatch()) {
            List<Boolean> isSet = new ArrayList<>(List.of(true));
            List<@Nullable Object> values = new ArrayList<>(List.of(1L));
            for (int i = 1; i < SCHEMA.columnCount(); i++) {
                isSet.add(false);
                values.add(null);
            }
            new RowsModel.Operation(OperationKind.UPSERT, values, isSet, List.of(condition)).write(batch.rows);
            batch.commit();
            String what = SCHEMA.column(column).describe() + " is " + value;
            assertEquals(isMet ? 0 : 1, batch.write.errorCount(), what);
            assertTrue(isMet || batch.write.errorCode(0) == RowErrorCode.CONDITION_NOT_MET, what);
        }
    }

    private static OperationBatch change(OperationBatch rows, OperationKind kind, long id, @Nullable Object n) {
        return rows.start(kind).set("id", id).set(N, n);
    }

    /** The errors of a batch, one word each, and "done". */
    private String outcome(OneTablet.Batch batch) {
        List<String> outcomes = new ArrayList<>();
        for (int i = 0; i < batch.write.operationCount(); i++) {
            outcomes.add("done");
        }
        for (int i = 0; i < batch.write.errorCount(); i++) {
            outcomes.set(batch.write.errorIndex(i), batch.write.errorCode(i).name());
        }
        return String.join(" ", outcomes);
    }

    private String commit(Consumer<OperationBatch> operations) {
        try (OneTablet.Batch batch = one.newBatch()) {
            operations.accept(batch.rows);
            batch.commit();
            return outcome(batch);
        }
    }

    @Test
    void anOperationSeesWhatThoseBeforeItInTheBatchDid() {
        one.commit(rows -> change(rows, OperationKind.INSERT, 1, 10L).end());
        one.flushRows();
        assertEquals(
                "done done CONDITION_NOT_MET done CONDITION_NOT_MET done done done CONDITION_NOT_MET done NOT_FOUND",
                commit(rows -> {
                    change(rows, OperationKind.UPDATE, 1, 11L).onlyIf(N, 10).end();
                    change(rows, OperationKind.UPDATE, 1, 12L).onlyIf(N, 11).end();
                    change(rows, OperationKind.UPDATE, 1, 13L).onlyIf(N, 11).end();
                    rows.start(OperationKind.UPDATE)
                            .set("id", 1)
                            .set("int8", 1)
                            .onlyIf(N, 12)
                            .end();
                    rows.start(OperationKind.DELETE)
                            .set("id", 1)
                            .onlyIf("int8", null)
                            .end();
                    rows.start(OperationKind.DELETE)
                            .set("id", 1)
                            .onlyIf("int8", 1)
                            .onlyIf(N, 12)
                            .end();
                    change(rows, OperationKind.UPSERT, 1, null).end();
                    change(rows, OperationKind.UPSERT, 1, 20L)
                            .onlyIf(N, null)
                            .onlyIf("int8", null)
                            .end();
                    change(rows, OperationKind.UPDATE_IGNORE, 1, 21L)
                            .onlyIf(N, 12)
                            .end();
                    rows.start(OperationKind.DELETE_IGNORE)
                            .set("id", 1)
                            .onlyIf(N, 20)
                            .end();
                    change(rows, OperationKind.UPDATE, 1, 22L).onlyIf(N, 20).end();
                }));
        assertEquals(0, one.rows().size());
    }

    @Test
    void whereThereIsNoRowNoConditionHolds() {
        assertEquals("NOT_FOUND NOT_FOUND done done CONDITION_NOT_MET CONDITION_NOT_MET", commit(rows -> {
            change(rows, OperationKind.UPDATE, 1, 1L).onlyIf(N, null).end();
            rows.start(OperationKind.DELETE).set("id", 1).onlyIf(N, null).end();
            change(rows, OperationKind.UPDATE_IGNORE, 1, 1L).onlyIf(N, null).end();
            rows.start(OperationKind.DELETE_IGNORE).set("id", 1).onlyIf(N, null).end();
            change(rows, OperationKind.UPSERT, 1, 1L).onlyIf(N, null).end();
            change(rows, OperationKind.UPSERT_IGNORE, 1, 1L).onlyIf(N, null).end();
        }));
        assertEquals(0, one.rows().size());
    }

    /** What is held has been looked up, and is not decided before {@code meanwhile} has happened. */
    private void hold(Runnable meanwhile) {
        try (OneTablet.Batch batch = one.newBatch()) {
            change(batch.rows, OperationKind.UPDATE, 1, 100L).onlyIf(N, 2).end();
            change(batch.rows, OperationKind.UPDATE, 2, 100L).onlyIf(N, 1).end();
            one.hold(true);
            batch.submit();
            meanwhile.run();
            assertEquals(0, batch.answers);
            one.hold(false);
            batch.await();
            assertEquals("done CONDITION_NOT_MET", outcome(batch));
        }
    }

    private void insertTwo(long n) {
        one.commit(rows -> {
            change(rows, OperationKind.INSERT, 1, n).end();
            change(rows, OperationKind.INSERT, 2, n).end();
        });
    }

    private void setTwo(OperationBatch rows) {
        change(rows, OperationKind.UPDATE, 1, 2L).end();
        change(rows, OperationKind.UPDATE, 2, 2L).end();
    }

    @Test
    void aBatchBeforeItMayHaveChangedTheRowSinceItWasLookedUp() {
        insertTwo(1);
        one.flushRows();
        try (OneTablet.Batch first = one.newBatch();
                OneTablet.Batch second = one.newBatch()) {
            setTwo(first.rows);
            change(second.rows, OperationKind.UPDATE, 1, 100L).onlyIf(N, 2).end();
            change(second.rows, OperationKind.UPDATE, 2, 100L).onlyIf(N, 1).end();
            first.submit();
            second.submit(); // Before the first is decided: the file says 1.
            first.await();
            second.await();
            assertEquals("done CONDITION_NOT_MET", outcome(second));
            assertEquals(0, second.probesWanted, "no file has changed");
        }
    }

    /** It would be its turn again and again, and nobody behind it would be decided. */
    @Test
    void aBatchThatIsLookedUpInVainAgainAndAgainIsRefused() {
        insertTwo(1);
        one.flushRows();
        try (OneTablet.Batch batch = one.newBatch();
                OneTablet.Batch next = one.newBatch()) {
            change(batch.rows, OperationKind.UPDATE, 1, 100L).onlyIf(N, 1).end();
            change(next.rows, OperationKind.UPDATE, 2, 100L).onlyIf(N, 1).end();
            batch.submit();
            next.submit();
            for (int i = 0; batch.answers == 0; i++) {
                assertEquals(i, batch.probesWanted);
                assertTrue(i <= 100, "there is a limit");
                batch.write.mapVersion = 0; // As if files had changed since.
                one.decide();
                batch.probeIfWanted();
                next.probeIfWanted();
            }
            assertInstanceOf(TabletBusyException.class, batch.failure);
            next.await();
            assertEquals("done", outcome(next));
            batch.submit();
            batch.await();
            assertEquals("done", outcome(batch));
        }
    }

    @Test
    void changesMayHaveBeenFlushedSinceItWasLookedUp() {
        insertTwo(1);
        one.flushRows();
        one.commit(this::setTwo);
        hold(one::flushAll);
    }

    @Test
    void rowsMayHaveBeenFlushedSinceItWasLookedUp() {
        insertTwo(1);
        one.commit(this::setTwo);
        hold(one::flushRows);
    }

    @Test
    void aBatchWithoutConditionsIsNotLookedUpAgainForADeltaFile() {
        insertTwo(1);
        one.flushRows();
        one.commit(this::setTwo);
        try (OneTablet.Batch batch = one.newBatch()) {
            setTwo(batch.rows);
            one.hold(true);
            batch.submit();
            one.flushAll();
            one.hold(false);
            batch.await();
            assertEquals(0, batch.probesWanted);
        }
    }

    @Test
    void theCellsOfABatchAreReadTogether() {
        int rowCount = 60_000;
        for (int first = 0; first < rowCount; first += 5_000) {
            int from = first;
            one.commit(rows -> {
                for (int i = from; i < from + 5_000; i++) {
                    rows.start(OperationKind.INSERT)
                            .set("id", i)
                            .set("string", text(i))
                            .end();
                }
            });
        }
        one.flushRows();
        one.restart();
        try (OneTablet.Batch keys = one.newBatch();
                OneTablet.Batch batch = one.newBatch()) {
            for (int i = 0; i < rowCount; i += 4_096) {
                change(keys.rows, OperationKind.INSERT_IGNORE, i, 0L).end();
                change(batch.rows, OperationKind.UPDATE, i, 0L)
                        .onlyIf("string", text(i))
                        .end();
            }
            keys.commit();
            disk.reset();
            batch.submit();
            assertTrue(disk.inFlightMost() >= 8, disk.inFlightMost() + " reads in flight");
            batch.await();
            assertEquals(0, batch.write.errorCount());
        }
    }

    /** What takes the space of 30 letters. */
    private static String text(long number) {
        return Long.toHexString(number * 0x9E3779B97F4A7C15L) + Long.toHexString(~number * 0xBF58476D1CE4E5B9L);
    }

    @Test
    void oneRowMayBeAskedForVeryOften() {
        one.commit(rows -> change(rows, OperationKind.INSERT, 1, 0L).end());
        one.flushRows();
        String outcome = commit(rows -> {
            for (int i = 0; i < 7_000; i++) {
                OperationBatch row = rows.start(OperationKind.UPDATE).set("id", 1);
                row.set(i % 2 == 0 ? N : 4, i)
                        .onlyIf(N, i == 0 ? 0 : (i - 1) / 2 * 2)
                        .onlyIf("int8", null)
                        .end();
            }
        });
        assertFalse(outcome.contains("NOT"), "a condition did not hold");
    }
}
