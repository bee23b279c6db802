package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.OperationBatch;
import io.nyala.rows.Schema;
import io.nyala.simulation.Cells;
import io.nyala.simulation.RowKey;
import io.nyala.table.AncientSnapshotException;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Look-ups of a table's rows by keys, drawn by lot: one key or many, some of them twice, columns, newest state or an
 * earlier one; they must answer what the model has.
 */
final class ModelLookup {
    /** More than there are rows in a batch. */
    private static final int KEYS_MAX = 1500;

    private final ModelDriver driver;
    private final List<RowKey> keys = new ArrayList<>();
    private final List<Integer> columns;
    private final long time;

    private ModelLookup(SplittableRandom random, ModelDriver driver) {
        this.driver = driver;
        int count =
                switch (random.nextInt(4)) {
                    case 0 -> 1;
                    case 1 -> random.nextInt(100);
                    default -> driver.hasManyKeys() ? random.nextInt(KEYS_MAX) : random.nextInt(ModelDriver.KEYS);
                };
        for (int i = 0; i < count; i++) {
            keys.add(driver.anyKey(random));
        }
        List<Integer> all =
                IntStream.range(0, driver.schema().columnCount()).boxed().toList();
        this.columns = random.nextBoolean()
                ? all
                : all.stream().filter(_ -> random.nextInt(3) == 0).toList();
        this.time = random.nextBoolean() ? driver.pastTime(random) : 0;
    }

    /** {@code settle} has the model take what became visible meanwhile. */
    static void check(SplittableRandom random, ModelDriver driver, Engine engine, Runnable settle) {
        var check = new ModelLookup(random, driver);
        Table table = driver.table(engine);
        try (Lookup lookup = table.lookup(check.names())) {
            check.run(check.time == 0 ? lookup : lookup.at(check.time), check.time, settle);
            check.run(lookup.atLatest(), 0, settle); // The same one again, of the same keys.
        } catch (AncientSnapshotException e) {
            assertEquals(check.time, e.snapshot());
            assertTrue(e.snapshot() < e.mark() && e.mark() <= driver.markMax(engine), e.getMessage());
            driver.refused();
        }
    }

    /** None at all would be all columns. */
    private String[] names() {
        Schema schema = driver.schema();
        return (columns.isEmpty() ? List.of(0) : columns)
                .stream().map(column -> schema.column(column).name()).toArray(String[]::new);
    }

    private void run(Lookup lookup, long snapshot, Runnable settle) {
        long seen = driver.recordTime();
        for (RowKey key : keys) {
            OperationBatch target = lookup.key();
            for (int i = 0; i < key.values().size(); i++) {
                Cells.write(target, i, key.values().get(i), true);
            }
            assertTrue(target.end(), () -> "key " + key + ": " + target.errors());
        }
        List<@Nullable List<@Nullable Object>> found = new ArrayList<>();
        keys.forEach(_ -> found.add(null));
        while (lookup.next()) {
            for (int row = 0; row < lookup.batch().rowCount(); row++) {
                assertNull(found.get(lookup.keyOf(row)), "a row comes twice");
                List<@Nullable Object> values = new ArrayList<>();
                for (int i = 0; i < lookup.batch().columnCount(); i++) {
                    values.add(Cells.read(lookup.batch().column(i), row));
                }
                found.set(lookup.keyOf(row), values);
            }
        }
        settle.run();
        assertTrue(snapshot == 0 || keys.isEmpty() || lookup.snapshot() == snapshot, () -> "snapshot of " + this);
        NavigableMap<RowKey, List<@Nullable Object>> expected =
                ModelDriver.allAt(driver.models(), snapshot == 0 ? Math.max(lookup.snapshot(), seen) : snapshot);
        for (int i = 0; i < keys.size(); i++) {
            List<@Nullable Object> row = expected.get(stored(keys.get(i)));
            assertEquals(row == null ? null : projected(row), found.get(i), this + ", key " + keys.get(i));
        }
    }

    /** As rows have it: cut, where it is longer or finer than its columns. */
    private RowKey stored(RowKey key) {
        List<@Nullable Object> values = new ArrayList<>();
        for (int i = 0; i < key.values().size(); i++) {
            values.add(Cells.stored(driver.schema().column(i), key.values().get(i)));
        }
        return RowKey.of(values, values.size());
    }

    private List<@Nullable Object> projected(List<@Nullable Object> row) {
        List<@Nullable Object> values = new ArrayList<>();
        (columns.isEmpty() ? List.of(0) : columns).forEach(column -> values.add(row.get(column)));
        return values;
    }

    @Override
    public String toString() {
        return "look-up of " + keys.size() + " keys, columns " + columns + ", of " + driver.tableName() + " at " + time;
    }
}
