package io.nyala.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.ColumnType;
import io.nyala.rows.ColumnVector;
import io.nyala.rows.LittleEndian;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Goal: values and how many rows have each add up to what the rows do, one by one, overflows, NaN and infinite values
 * included. Method: random cells of every type, the extremes often, in both ways.
 */
final class ColumnTotalsTest {
    private static final int ENTRIES = 40;
    private static final int TIMES_MAX = 20;

    @ParameterizedTest
    @EnumSource
    void entriesAddUpToTheirRows(ColumnType type, @Seed SplittableRandom random) {
        for (int round = 0; round < 20; round++) {
            check(type, random);
        }
    }

    private static void check(ColumnType type, SplittableRandom random) {
        Column column = type == ColumnType.VARCHAR ? Column.varchar("c", 100) : Column.of("c", type);
        Schema schema = Schema.of(Column.key("k", ColumnType.INT8), column);
        ColumnTotals byEntries = totals(column);
        ColumnTotals byRows = totals(column);
        try (MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 8 << 20);
                MemoryAccount account = budget.account("test", 0);
                ColumnBatch batch = ColumnBatch.of(ScanSpec.all(schema, 1), account)) {
            int entryCount = random.nextInt(1, ENTRIES);
            int[] counts = random.ints(entryCount, 0, TIMES_MAX).toArray();
            ColumnVector values = batch.column(1);
            boolean areFinite = random.nextBoolean();
            fill(values, entryCount, areFinite, random);
            byEntries.add(values, entryCount, counts);
            byEntries.add(values, 0, counts);
            int most = 0;
            for (int count : counts) {
                most = Math.max(most, count);
            }
            for (int time = 0; time < most; time++) { // The rows that have their value once more.
                MemorySegment validity = values.validity().fill((byte) 0);
                for (int i = 0; i < entryCount; i++) {
                    if (counts[i] > time) {
                        LittleEndian.setByte(
                                validity, i >>> 3, LittleEndian.unsignedByte(validity, i >>> 3) | 1 << (i & 7));
                    }
                }
                byRows.add(values, entryCount);
            }
        }
        assertEquals(byRows.count(), byEntries.count(), type.toString());
        assertEquals(byRows.least(), byEntries.least(), "least " + type);
        assertEquals(byRows.greatest(), byEntries.greatest(), "greatest " + type);
        if (byRows.hasSum()) {
            assertEquals(byRows.value(Aggregate.Kind.SUM), byEntries.value(Aggregate.Kind.SUM), "sum of " + type);
        }
    }

    private static ColumnTotals totals(Column column) {
        var totals = new ColumnTotals(column);
        totals.want(Aggregate.Kind.MIN);
        switch (column.type()) {
            case BOOL, DATE, UNIXTIME_MICROS, STRING, BINARY, VARCHAR -> {}
            default -> totals.want(Aggregate.Kind.SUM);
        }
        return totals;
    }

    private static void fill(ColumnVector values, int entryCount, boolean areFinite, SplittableRandom random) {
        ColumnType type = values.type();
        MemorySegment bytes = type.isVariable() ? values.reserve(0, entryCount * 9) : MemorySegment.NULL;
        int end = 0;
        for (int i = 0; i < entryCount; i++) {
            switch (type) {
                case STRING, BINARY, VARCHAR -> {
                    for (int left = random.nextInt(9); left > 0; left--) {
                        LittleEndian.setByte(bytes, end++, 'a' + random.nextInt(4));
                    }
                    LittleEndian.setInt(values.offsets(), (i + 1L) * 4, end);
                }
                case FLOAT -> values.values().set(LittleEndian.FLOAT, i * 4L, (float) real(areFinite, random));
                case DOUBLE -> values.values().set(LittleEndian.DOUBLE, i * 8L, real(areFinite, random));
                case BOOL -> LittleEndian.setByte(values.values(), i, random.nextInt(2));
                default -> {
                    for (int at = 0; at < type.cellBytes(); at++) {
                        boolean isExtreme = random.nextInt(3) > 0;
                        int extreme = at == type.cellBytes() - 1 ? 0x7F : 0xFF;
                        int value = isExtreme ? extreme : random.nextInt(256);
                        LittleEndian.setByte(values.values(), (long) i * type.cellBytes() + at, value);
                    }
                }
            }
        }
    }

    /** Of which sums are exact, whatever their order; else now and then infinite, or no number. */
    private static double real(boolean areFinite, SplittableRandom random) {
        return switch (random.nextInt(areFinite ? 9 : 12)) {
            case 0 -> -0.0;
            case 10 -> Double.NaN;
            case 11 -> Double.POSITIVE_INFINITY;
            default -> random.nextInt(-1000, 1000) / 4.0;
        };
    }
}
