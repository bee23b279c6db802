package io.nyala.rows;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Failure;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ObjIntConsumer;
import org.junit.jupiter.api.Test;

/**
 * Goal: who reads a cell by the wrong getter, or beyond the rows of a batch, hears so, and gets no other bits. Method:
 * each getter on each type of column; rows around the ends.
 */
final class WrongReadsTest {
    private static final int ROWS = 3;

    private static final Map<String, ObjIntConsumer<ColumnVector>> GETTERS = getters();

    /** By which a type is read, besides getBytes and getValue, which take each. */
    private static final Map<ColumnType, Set<String>> RIGHT = right();

    private static Map<String, ObjIntConsumer<ColumnVector>> getters() {
        Map<String, ObjIntConsumer<ColumnVector>> getters = new HashMap<>();
        getters.put("getBoolean", ColumnVector::getBoolean);
        getters.put("getByte", ColumnVector::getByte);
        getters.put("getShort", ColumnVector::getShort);
        getters.put("getInt", ColumnVector::getInt);
        getters.put("getLong", ColumnVector::getLong);
        getters.put("getInteger", ColumnVector::getInteger);
        getters.put("getFloat", ColumnVector::getFloat);
        getters.put("getDouble", ColumnVector::getDouble);
        getters.put("getHighLong", ColumnVector::getHighLong);
        getters.put("getLowLong", ColumnVector::getLowLong);
        getters.put("getDecimal", ColumnVector::getDecimal);
        getters.put("getString", ColumnVector::getString);
        getters.put("variableOffset", ColumnVector::variableOffset);
        getters.put("variableBytes", ColumnVector::variableBytes);
        return getters;
    }

    private static Map<ColumnType, Set<String>> right() {
        Map<ColumnType, Set<String>> right = new EnumMap<>(ColumnType.class);
        right.put(ColumnType.BOOL, Set.of("getBoolean", "getByte", "getInteger"));
        right.put(ColumnType.INT8, Set.of("getByte", "getInteger"));
        right.put(ColumnType.INT16, Set.of("getShort", "getInteger"));
        right.put(ColumnType.INT32, Set.of("getInt", "getInteger"));
        right.put(ColumnType.DATE, Set.of("getInt", "getInteger"));
        right.put(ColumnType.DECIMAL32, Set.of("getInt", "getInteger", "getDecimal"));
        right.put(ColumnType.INT64, Set.of("getLong", "getInteger"));
        right.put(ColumnType.UNIXTIME_MICROS, Set.of("getLong", "getInteger"));
        right.put(ColumnType.DECIMAL64, Set.of("getLong", "getInteger", "getDecimal"));
        right.put(ColumnType.FLOAT, Set.of("getFloat"));
        right.put(ColumnType.DOUBLE, Set.of("getDouble"));
        right.put(ColumnType.DECIMAL128, Set.of("getHighLong", "getLowLong", "getDecimal"));
        for (ColumnType type : List.of(ColumnType.STRING, ColumnType.BINARY, ColumnType.VARCHAR)) {
            right.put(type, Set.of("getString", "variableOffset", "variableBytes"));
        }
        return right;
    }

    private static Column column(ColumnType type) {
        return type == ColumnType.VARCHAR ? Column.varchar("c", 10) : Column.of("c", type);
    }

    private static void fill(ColumnVector vector) {
        for (int row = 0; row < ROWS; row++) {
            switch (vector.type()) {
                case BOOL, INT8 -> vector.setByte(row, (byte) 1);
                case INT16 -> vector.setShort(row, (short) 1);
                case INT32, DATE, DECIMAL32 -> vector.setInt(row, 1);
                case INT64, UNIXTIME_MICROS, DECIMAL64 -> vector.setLong(row, 1);
                case FLOAT -> vector.setFloat(row, 1);
                case DOUBLE -> vector.setDouble(row, 1);
                case DECIMAL128 -> vector.setWide(row, 0, 1);
                case STRING, BINARY, VARCHAR -> vector.setBytes(row, vector.validity(), 0, 1);
            }
        }
    }

    @Test
    void eachTypeIsReadByItsOwnGettersOnly() {
        for (ColumnType type : ColumnType.values()) {
            try (var memory = new TestMemory();
                    var batch = new ColumnBatch(List.of(column(type)), false, memory.account())) {
                fill(batch.column(0));
                batch.rowCount(ROWS);
                List<String> taken = new ArrayList<>();
                GETTERS.forEach((name, getter) -> {
                    if (RIGHT.getOrDefault(type, Set.of()).contains(name)) {
                        assertDoesNotThrow(() -> getter.accept(batch.column(0), ROWS - 1), () -> name + " of " + type);
                    } else {
                        Failure.expect(
                                IllegalArgumentException.class,
                                () -> getter.accept(batch.column(0), 0),
                                column(type).describe() + " is not read by ",
                                ", but by ");
                        taken.add(name);
                    }
                });
                assertEquals(
                        GETTERS.size(),
                        taken.size() + RIGHT.getOrDefault(type, Set.of()).size(),
                        type::toString);
            }
        }
    }

    @Test
    void theMessageNamesTheGetterThatIsRight() {
        try (var memory = new TestMemory();
                var batch = new ColumnBatch(
                        List.of(Column.of("celsius", ColumnType.DOUBLE), Column.decimal("price", 30, 2)),
                        false,
                        memory.account())) {
            batch.rowCount(ROWS);
            Failure.expect(
                    IllegalArgumentException.class,
                    () -> batch.column(0).getLong(0),
                    "column celsius DOUBLE NOT NULL is not read by getLong, but by getDouble");
            Failure.expect(
                    IllegalArgumentException.class,
                    () -> batch.column(1).getInteger(0),
                    "column price DECIMAL(30, 2) NOT NULL is not read by getLong, but by getDecimal, or unscaled by"
                            + " getHighLong and getLowLong");
        }
    }

    @Test
    void rowsThatABatchHasNotAreNotRead() {
        for (ColumnType type : ColumnType.values()) {
            try (var memory = new TestMemory();
                    var batch = new ColumnBatch(List.of(column(type)), false, memory.account())) {
                fill(batch.column(0)); // As if they were of the batch before.
                batch.rowCount(ROWS - 1);
                for (int row : new int[] {-1, ROWS - 1, ROWS, Limits.VECTOR_ROWS, Integer.MIN_VALUE}) {
                    Map<String, ObjIntConsumer<ColumnVector>> all = new HashMap<>(GETTERS);
                    all.keySet().retainAll(RIGHT.getOrDefault(type, Set.of()));
                    all.put("isNull", ColumnVector::isNull);
                    all.put("getBytes", ColumnVector::getBytes);
                    all.put("getValue", ColumnVector::getValue);
                    all.forEach((name, getter) -> {
                        IndexOutOfBoundsException e = assertThrows(
                                IndexOutOfBoundsException.class,
                                () -> getter.accept(batch.column(0), row),
                                () -> name + " of " + type);
                        assertEquals(
                                "row " + row + " of " + column(type).describe()
                                        + " was asked for; the batch has 2 rows," + " from 0 on",
                                e.getMessage());
                    });
                }
                batch.clear();
                assertThrows(
                        IndexOutOfBoundsException.class, () -> batch.column(0).isNull(0));
            }
        }
    }

    @Test
    void theValueOfANullIsNone() {
        try (var memory = new TestMemory();
                var batch = new ColumnBatch(
                        List.of(Column.of("c", ColumnType.STRING).nullable()), false, memory.account())) {
            batch.column(0).setNull(0);
            batch.rowCount(1);
            assertTrue(batch.column(0).isNull(0));
            Failure.expect(
                    IllegalStateException.class,
                    () -> batch.column(0).getString(0),
                    "column c STRING NULLABLE is NULL in row 0; ask isNull");
        }
    }
}
