package io.nyala.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryLeakException;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Limits;
import io.nyala.rows.OperationKind;
import io.nyala.rows.Schema;
import io.nyala.table.AncientSnapshotException;
import io.nyala.table.TableDroppedException;
import io.nyala.tablet.TabletLookup.Effort;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: one look-up answers what rows are, wherever they come to lie while it is used, and says what is wrong with a
 * key. Method: rows changed, flushed and merged beside a map; the rest by example. {@link EngineModelTest} asks for the
 * past, for partitions and for changed columns.
 */
final class LookupTest {
    private static final int KEYS = 400;
    private static final int ROUNDS = 20;

    private static final Schema SCHEMA = Schema.of(
            Column.key("key", ColumnType.INT64),
            Column.of("number", ColumnType.INT32).nullable(),
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

    private void put(OperationKind kind, Map<Long, String> rows) {
        try (WriteBatch batch = table.newBatch()) {
            rows.forEach((key, text) -> {
                batch.rows().start(kind).setLong(0, key);
                if (kind != OperationKind.DELETE) {
                    batch.rows().setString(2, text);
                }
                batch.rows().end();
            });
            batch.commit().orThrow();
        }
    }

    /** The texts of rows by the index of their keys; null where there is none. */
    private static List<@Nullable String> texts(Lookup lookup, List<Long> keys) {
        keys.forEach(key -> assertTrue(lookup.key().setLong(0, key).end()));
        List<@Nullable String> texts = new ArrayList<>();
        keys.forEach(_ -> texts.add(null));
        while (lookup.next()) {
            for (int row = 0; row < lookup.batch().rowCount(); row++) {
                assertNull(texts.set(lookup.keyOf(row), lookup.batch().column(0).getString(row)), "a row comes twice");
            }
        }
        return texts;
    }

    @Test
    void itSaysWhatItTook() {
        var settings = new TreeMap<>(Map.of("kudu.table.disable_compaction", "true")); // Rowsets stay as they are.
        table = engine.createTable(
                TableSpec.of("quiet", PartitionSchema.of(SCHEMA).build()).withSettings(settings));
        put(OperationKind.INSERT, Map.of(0L, "a", 10L, "b", 20L, "c"));
        table.flush().join();
        put(OperationKind.INSERT, Map.of(5L, "d", 15L, "e"));
        table.flush().join();
        put(OperationKind.UPSERT, Map.of(10L, "f"));
        table.flush().join();
        try (Lookup lookup = table.lookup("text")) {
            assertEquals(Effort.NONE, lookup.effort());
            assertEquals(List.of("f"), texts(lookup, List.of(10L)));
            assertEquals(new Effort(0, 2, 1, 1), lookup.effort(), "in the range of both, and has changed");
            assertEquals(List.of("a"), texts(lookup, List.of(0L)));
            assertEquals(new Effort(0, 3, 2, 2), lookup.effort(), "in the range of one");
            assertEquals(Arrays.asList("c", null), texts(lookup, List.of(20L, 30L)));
            assertEquals(new Effort(0, 4, 3, 3), lookup.effort(), "one of them in no range");
            put(OperationKind.INSERT, Map.of(30L, "g"));
            assertEquals(List.of("g"), texts(lookup, List.of(30L)));
            assertEquals(new Effort(1, 4, 3, 3), lookup.effort(), "in memory, where it ends");
            table.alter().comment("the same rows").commit();
            assertEquals(List.of("c"), texts(lookup, List.of(20L)));
            assertEquals(new Effort(2, 5, 4, 4), lookup.effort(), "what it took before counts too");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void rowsAreFoundWhereverTheyComeToLie(int buckets, @Seed SplittableRandom random) {
        PartitionSchema.Builder cut = PartitionSchema.of(SCHEMA);
        table = engine.createTable(TableSpec.of("cut", (buckets == 1 ? cut : cut.hash(buckets, "key")).build()));
        Map<Long, String> model = new HashMap<>();
        try (Lookup one = table.lookup("text");
                Lookup many = table.lookup("text")) {
            for (int round = 0; round < ROUNDS; round++) {
                change(random, model);
                switch (random.nextInt(6)) {
                    case 0, 1 -> table.flush().join();
                    case 2 -> table.compact().join();
                    default -> {}
                }
                List<Long> keys = new ArrayList<>();
                for (int i = random.nextInt(KEYS); i >= 0; i--) {
                    keys.add(random.nextLong(KEYS));
                }
                assertEquals(keys.stream().map(model::get).toList(), texts(many, keys));
                for (long key : keys.subList(0, Math.min(20, keys.size()))) {
                    List<@Nullable String> expected = new ArrayList<>();
                    expected.add(model.get(key));
                    assertEquals(expected, texts(one, List.of(key)));
                }
            }
        }
    }

    private void change(SplittableRandom random, Map<Long, String> model) {
        Map<Long, String> put = new HashMap<>();
        Map<Long, String> deleted = new HashMap<>();
        for (int i = random.nextInt(60); i > 0; i--) {
            long key = random.nextLong(KEYS);
            if (random.nextInt(3) == 0 && model.containsKey(key)) {
                deleted.put(key, "");
            } else if (!deleted.containsKey(key)) {
                put.put(key, "text " + random.nextInt());
            }
        }
        deleted.keySet().removeAll(put.keySet());
        put(OperationKind.UPSERT, put);
        put(OperationKind.DELETE, deleted);
        model.putAll(put);
        model.keySet().removeAll(deleted.keySet());
    }

    @Test
    void rowsThatFillABatchComeInSeveral() {
        String text = "x".repeat(Limits.CELL_BYTES_MAX / 2);
        Map<Long, String> rows = new HashMap<>();
        List<Long> keys = new ArrayList<>();
        for (long key = 0; key < 60; key++) {
            rows.put(key, text);
            keys.add(key);
        }
        put(OperationKind.INSERT, rows);
        try (Lookup lookup = table.lookup("text")) {
            for (int i = 0; i < 2; i++) { // In memory, then on disk.
                assertEquals(
                        60, texts(lookup, keys).stream().filter(text::equals).count());
                lookup.key().setLong(0, 1).end();
                for (long key = 0; key < 50; key++) {
                    lookup.key().setLong(0, key).end();
                }
                assertTrue(lookup.next()); // The others are not asked for any more.
                assertTrue(lookup.batch().rowCount() < 50);
                table.flush().join();
            }
        }
    }

    @Test
    void theSameKeyMayBeAskedForTwice() {
        put(OperationKind.INSERT, Map.of(1L, "one", 3L, "three"));
        try (Lookup lookup = table.lookup("text")) {
            List<@Nullable String> expected = new ArrayList<>(List.of("three", "one", "three"));
            expected.add(null);
            assertEquals(expected, texts(lookup, List.of(3L, 1L, 3L, 2L)));
            assertFalse(lookup.next());
            assertEquals(List.of(), texts(lookup, List.of()));
        }
    }

    @Test
    void aTimeOfThePastIsSeen() {
        put(OperationKind.INSERT, Map.of(1L, "old"));
        long before = table.latest();
        table.flush().join();
        put(OperationKind.UPSERT, Map.of(1L, "new", 2L, "other"));
        try (Lookup lookup = table.lookup("text")) {
            for (int i = 0; i < 3; i++) { // Changed in memory, in a delta file, in the rowset itself.
                assertEquals(List.of("new", "other"), texts(lookup.atLatest(), List.of(1L, 2L)));
                assertEquals(table.latest(), lookup.snapshot());
                List<@Nullable String> old = new ArrayList<>(List.of("old"));
                old.add(null);
                assertEquals(old, texts(lookup.at(before), List.of(1L, 2L)));
                assertEquals(before, lookup.snapshot());
                (i == 0 ? table.flush() : table.compact()).join();
            }
            table.vacuum().join();
            assertThrows(AncientSnapshotException.class, () -> texts(lookup, List.of(1L)));
            assertEquals(List.of("new"), texts(lookup.atLatest(), List.of(1L)));
        }
    }

    @Test
    void columnsMayComeAndGo() {
        put(OperationKind.INSERT, Map.of(1L, "one"));
        table.flush().join();
        try (Lookup lookup = table.lookup("text")) {
            assertEquals(List.of("one"), texts(lookup, List.of(1L)));
            table.alter().dropColumn("number").commit();
            assertEquals(List.of("one"), texts(lookup, List.of(1L)));
            engine.dropTable("t");
            assertThrows(TableDroppedException.class, () -> texts(lookup, List.of(1L)));
        }
    }

    @Test
    void aKeyThatIsNoneIsRefusedAndForgotten() {
        put(OperationKind.INSERT, Map.of(1L, "one"));
        try (Lookup lookup = table.lookup("text")) {
            assertFalse(lookup.key().end());
            Failure.expect(IllegalArgumentException.class, lookup::next, "key 0: no value was set for column key");
            assertThrows(IllegalArgumentException.class, () -> lookup.key().set("text", "one"));
            assertEquals(List.of("one"), texts(lookup, List.of(1L)));
            assertThrows(IllegalArgumentException.class, () -> table.lookup("colour"));
            assertThrows(IllegalArgumentException.class, () -> lookup.at(0));
        }
    }

    @Test
    void anEngineThatIsClosedNamesIt() {
        put(OperationKind.INSERT, Map.of(1L, "one"));
        Lookup lookup = table.lookup();
        lookup.key().setLong(0, 1).end();
        assertTrue(lookup.next());
        Failure.expect(
                MemoryLeakException.class, engine::close, "a scan was open", "of table \"t\", for look-ups, opened by");
        assertThrows(EngineClosedException.class, lookup::next);
        lookup.close();
        assertThrows(IllegalStateException.class, lookup::next);
    }
}
