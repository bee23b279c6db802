package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.Schema;
import io.nyala.simulation.Cells;
import io.nyala.simulation.Condition;
import io.nyala.table.Aggregate;
import io.nyala.table.Aggregates;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Aggregates of a table's rows, of columns and conditions drawn by lot; they must be what a plain loop over the model's
 * rows makes of them.
 */
final class ModelAggregates {
    private ModelAggregates() {}

    /** {@code settle} has the model take what became visible meanwhile. */
    static void check(SplittableRandom random, ModelDriver driver, Engine engine, Runnable settle) {
        Schema schema = driver.schema();
        List<Aggregate> asked = new ArrayList<>(List.of(Aggregate.count()));
        for (int i = random.nextInt(6); i > 0; i--) {
            Column column = schema.column(random.nextInt(schema.columnCount()));
            switch (random.nextInt(4)) {
                case 0 -> asked.add(Aggregate.count(column.name()));
                case 1 -> asked.add(Aggregate.min(column.name()));
                case 2 -> asked.add(Aggregate.max(column.name()));
                default -> asked.add(hasSum(column) ? Aggregate.sum(column.name()) : Aggregate.min(column.name()));
            }
        }
        List<Condition> conditions = new ArrayList<>();
        for (int i = random.nextInt(2); i > 0; i--) {
            int column = random.nextInt(schema.columnCount());
            conditions.add(Condition.draw(random, schema, column, List.of()));
        }
        ScanBuilder builder = driver.table(engine).scan();
        conditions.forEach(condition -> builder.where(condition.predicate()));
        Aggregates found = builder.aggregate(asked.toArray(Aggregate[]::new));
        settle.run();
        List<List<@Nullable Object>> rows = new ArrayList<>();
        for (List<@Nullable Object> row :
                ModelDriver.allAt(driver.models(), found.snapshot()).values()) {
            if (conditions.stream().allMatch(condition -> condition.matches(row))) {
                rows.add(row);
            }
        }
        for (int i = 0; i < asked.size(); i++) {
            assertIs(schema, asked.get(i), rows, found, i);
        }
    }

    private static boolean hasSum(Column column) {
        return switch (column.type()) {
            case INT8, INT16, INT32, INT64, DECIMAL32, DECIMAL64, DECIMAL128, FLOAT, DOUBLE -> true;
            case BOOL, DATE, UNIXTIME_MICROS, STRING, BINARY, VARCHAR -> false;
        };
    }

    private static void assertIs(
            Schema schema, Aggregate asked, List<List<@Nullable Object>> rows, Aggregates found, int index) {
        String name = asked.column();
        if (name == null) {
            assertEquals(rows.size(), found.count(index), asked.toString());
            return;
        }
        int column = schema.indexOfExisting(name);
        List<Object> cells = new ArrayList<>();
        for (List<@Nullable Object> row : rows) {
            Object cell = row.get(column);
            if (cell != null) {
                cells.add(cell);
            }
        }
        String what = asked + " of " + cells;
        switch (asked.kind()) {
            case COUNT -> assertEquals(cells.size(), found.count(index), what);
            case SUM -> assertSum(cells, found.value(index), what);
            case MIN, MAX -> {
                CellValue cell = found.cell(index);
                if (cells.isEmpty()) {
                    assertNull(cell, what);
                    return;
                }
                Object bound = Cells.of(schema.column(column), Objects.requireNonNull(cell, what));
                for (Object each : cells) {
                    int order = compare(each, bound);
                    assertEquals(true, asked.kind() == Aggregate.Kind.MIN ? order >= 0 : order <= 0, what);
                }
                assertEquals(true, cells.stream().anyMatch(each -> compare(each, bound) == 0), what + " is " + bound);
            }
        }
    }

    private static void assertSum(List<Object> cells, @Nullable Object found, String what) {
        if (cells.isEmpty()) {
            assertNull(found, what);
        } else if (found instanceof Double real) {
            double sum = 0;
            double size = 0;
            for (Object cell : cells) {
                sum += ((Number) cell).doubleValue();
                size += Math.abs(((Number) cell).doubleValue());
            }
            if (Double.isFinite(size)) {
                assertEquals(sum, real, size * 1e-9, what);
            } else {
                assertEquals(false, Double.isFinite(real), what);
            }
        } else {
            BigDecimal sum = cells.stream()
                    .map(cell -> new BigDecimal(cell.toString()))
                    .reduce(BigDecimal.ZERO, BigDecimal::add);
            BigDecimal whole = new BigDecimal(String.valueOf(found));
            assertEquals(0, sum.compareTo(whole), () -> what + ": expected " + sum + ", was " + whole);
        }
    }

    /** In the order of values; zeros are equal, and NaN is the largest number. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    private static int compare(Object left, Object right) {
        if (left instanceof Float || left instanceof Double) {
            double one = ((Number) left).doubleValue() + 0.0;
            return Double.compare(one, ((Number) right).doubleValue() + 0.0);
        }
        return ((Comparable) left).compareTo(right);
    }
}
