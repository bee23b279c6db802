package io.nyala.diskrowset;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.diskrowset.RowModel.Style;
import io.nyala.memory.MemoryAccount;
import io.nyala.rows.CellFilter;
import io.nyala.rows.CellValue;
import io.nyala.rows.ColumnBatch;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowCursor;
import io.nyala.rows.RowSet;
import io.nyala.rows.ScanSpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Random scans and look-ups of a rowset, compared with the model in every row. Owns only its random numbers. */
final class RowSetProbes {
    private static final Style SMALL = new Style(0, 1, 8);

    private final RowModel model;
    private final SplittableRandom random;
    private final List<byte[]> keys;

    RowSetProbes(RowModel model, SplittableRandom random) {
        this.model = model;
        this.random = random;
        this.keys = List.copyOf(model.rows.keySet());
    }

    /** A row that a scan yields. */
    @SuppressWarnings("ArrayRecordComponent") // Keys are bytes everywhere; nobody compares these.
    private record Row(byte @Nullable [] key, List<@Nullable CellValue> cells) {}

    void checkScan(DiskRowSet rowSet, ScanSpec spec, MemoryAccount account) {
        checkScan(spec, account, () -> rowSet.scan(spec, account));
    }

    /** In key order row by row, otherwise which rows there are and how often. */
    void checkScan(ScanSpec spec, MemoryAccount account, Supplier<RowCursor> open) {
        List<Row> expected = expected(spec);
        List<Row> actual = new ArrayList<>();
        try (RowCursor cursor = open.get();
                ColumnBatch batch = ColumnBatch.of(spec, account)) {
            while (cursor.next(batch)) {
                assertTrue(batch.rowCount() > 0, "an empty batch");
                for (int row = 0; row < batch.rowCount(); row++) {
                    actual.add(row(spec, batch, row));
                }
            }
            assertEquals(0, batch.rowCount(), "the batch after the last");
        }
        if (!spec.keyOrder()) {
            Map<List<@Nullable CellValue>, Integer> missing = new HashMap<>();
            expected.forEach(row -> missing.merge(row.cells(), 1, Integer::sum));
            actual.forEach(row -> missing.merge(row.cells(), -1, Integer::sum));
            missing.values().removeIf(count -> count == 0);
            assertEquals(
                    Map.of(), missing, () -> "rows that are missing, and (-) that are too many: " + describe(spec));
            return;
        }
        for (int i = 0; i < Math.min(expected.size(), actual.size()); i++) {
            String what = "row " + i + " of " + describe(spec);
            assertEquals(expected.get(i).cells(), actual.get(i).cells(), what);
            assertArrayEquals(expected.get(i).key(), actual.get(i).key(), what);
        }
        assertEquals(expected.size(), actual.size(), () -> describe(spec));
    }

    private static Row row(ScanSpec spec, ColumnBatch batch, int row) {
        List<@Nullable CellValue> cells = new ArrayList<>();
        for (int c = 0; c < spec.projection().size(); c++) {
            cells.add(batch.column(c).isNull(row) ? null : batch.column(c).getValue(row));
        }
        return new Row(spec.keyOrder() ? batch.keys().getBytes(row) : null, cells);
    }

    private String describe(ScanSpec spec) {
        return "a scan at " + spec.snapshot() + " of " + spec.projection() + " where "
                + spec.predicates().stream().map(p -> p.describe(model.schema)).toList() + " from "
                + Arrays.toString(spec.lowerKey()) + " to " + Arrays.toString(spec.upperKey())
                + (spec.keyOrder() ? " in key order" : "");
    }

    private List<Row> expected(ScanSpec spec) {
        List<CellFilter> filters = spec.predicates().stream()
                .map(predicate -> CellFilter.of(model.schema, predicate))
                .toList();
        KeyRange range = spec.keyRange();
        List<Row> rows = new ArrayList<>();
        model.rows.forEach((key, versions) -> {
            List<@Nullable CellValue> cells = RowModel.at(versions, spec.snapshot());
            if (cells == null || !range.contains(key)) {
                return;
            }
            MemorySegment packed = model.packed(cells);
            if (filters.stream().allMatch(filter -> filter.matches(model.layout, packed, 0))) {
                List<@Nullable CellValue> projected = new ArrayList<>();
                spec.projection().forEach(column -> projected.add(cells.get(column)));
                rows.add(new Row(key, projected));
            }
        });
        return rows;
    }

    ScanSpec drawSpec() {
        List<Integer> projection = new ArrayList<>();
        switch (random.nextInt(4)) {
            case 0 -> {}
            case 1 -> IntStream.range(0, model.schema.columnCount()).forEach(projection::add);
            default -> {
                for (int i = random.nextInt(5); i > 0; i--) {
                    projection.add(random.nextInt(model.schema.columnCount()));
                }
            }
        }
        List<Predicate> predicates = new ArrayList<>();
        for (int i = random.nextInt(3); i > 0; i--) {
            predicates.add(drawPredicate());
        }
        return ScanSpec.all(model.schema, drawSnapshot())
                .withProjection(projection)
                .withPredicates(predicates)
                .withKeys(drawBound(), drawBound())
                .withKeyOrder(random.nextBoolean());
    }

    long drawSnapshot() {
        return switch (random.nextInt(7)) {
            case 0 -> Long.MAX_VALUE;
            case 1 -> Math.max(0, model.newestChange() - random.nextInt(2));
            case 2 -> RowModel.TIME_MIN - random.nextInt(2);
            case 3 -> random.nextLong(RedoModel.TIME_MIN, RedoModel.TIME_MAX);
            default -> random.nextLong(RowModel.TIME_MIN, RowModel.TIME_MAX);
        };
    }

    /** A key, the beginning of one, or a bit more than one. */
    private byte @Nullable [] drawBound() {
        if (random.nextBoolean()) {
            return null;
        }
        byte[] key = keys.isEmpty() || random.nextInt(4) == 0
                ? model.key(model.drawCells(random, 4 * keys.size(), SMALL))
                : keys.get(random.nextInt(keys.size()));
        return switch (random.nextInt(3)) {
            case 0 -> Arrays.copyOf(key, random.nextInt(key.length + 1));
            case 1 -> Arrays.copyOf(key, key.length + 1);
            default -> key;
        };
    }

    private Predicate drawPredicate() {
        int column = random.nextInt(model.schema.columnCount());
        return switch (random.nextInt(7)) {
            case 0 -> new Predicate.IsNull(column);
            case 1 -> new Predicate.IsNotNull(column);
            case 2 -> new Predicate.Range(column, drawValue(column), drawValue(column));
            case 3 -> new Predicate.Range(column, drawValue(column), null);
            case 5 ->
                new Predicate.InBloomFilters(
                        column,
                        List.of(new Predicate.BloomFilter(new byte[64], 7, true)
                                .with(List.of(drawValue(column), drawValue(column)))));
            case 4 -> Predicate.ofCells(model.schema, column, List.of(drawValue(column), drawValue(column)));
            default -> new Predicate.Equal(column, drawValue(column));
        };
    }

    /** A value that occurs, or could. */
    private CellValue drawValue(int column) {
        while (true) {
            List<@Nullable CellValue> cells = model.drawCells(random, 4 * keys.size(), SMALL);
            if (!keys.isEmpty() && random.nextInt(4) > 0) {
                var versions = Objects.requireNonNull(model.rows.get(keys.get(random.nextInt(keys.size()))));
                var found = versions.get(random.nextInt(versions.size())).cells();
                cells = found == null ? cells : found;
            }
            CellValue cell = cells.get(column);
            if (cell != null) {
                return cell;
            }
        }
    }

    void checkLookups(DiskRowSet rowSet) {
        checkLookups(rowSet, 200);
    }

    /** Looks up every key, and so many that are probably absent. */
    void checkLookups(DiskRowSet rowSet, int absentCount) {
        for (byte[] key : keys) {
            assertEquals(model.isLive(key) ? RowSet.LIVE : RowSet.DELETED, lookup(rowSet, key));
        }
        for (int i = 0; i < absentCount; i++) {
            byte[] key = model.key(model.drawCells(random, 4 * keys.size(), SMALL));
            if (!model.rows.containsKey(key)) {
                assertEquals(RowSet.ABSENT, lookup(rowSet, key));
            }
        }
    }

    static int lookup(DiskRowSet rowSet, byte[] key) {
        return rowSet.lookup(MemorySegment.ofArray(key), 0, key.length);
    }
}
