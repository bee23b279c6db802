package io.nyala.catalog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.partition.Partition;
import io.nyala.partition.PartitionMap;
import io.nyala.partition.PartitionSchema;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.testkit.Failure;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Goal: steps make the table that they say, ids of columns and tablets are never used twice, and what cannot be is
 * refused in Kudu's words.
 * Method: a table with three ranges of two buckets, changed step by step.
 */
final class TableChangeTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT32),
            Column.of("a", ColumnType.INT64).nullable(),
            Column.of("b", ColumnType.STRING));

    private static final PartitionSchema PARTITIONING =
            PartitionSchema.of(SCHEMA).hash(2, "id").range("id").build();

    private final TableChange change = new TableChange(entry());

    private static TableEntry entry() {
        PartitionMap map = PartitionMap.of(PARTITIONING, PARTITIONING.splitAt(10, 20));
        List<TabletPlace> places = new ArrayList<>();
        for (Partition partition : map.partitions()) {
            places.add(new TabletPlace(100 + places.size(), partition));
        }
        return new TableEntry(1, new TableDescription("t", "", "", 5, SCHEMA, map.schema()), places, null);
    }

    @Test
    void withoutStepsNothingChanges() {
        assertTrue(change.isEmpty());
        change.columns(columns -> columns.rename("a", "a"));
        change.describe(description -> description.withOwner(""));
        assertTrue(change.isEmpty());
        assertFalse(change.hasNewSchema());
        assertSame(SCHEMA, change.description().schema());
    }

    @Test
    void settingsStayWhateverElseChanges() {
        SortedMap<String, String> settings = new TreeMap<>(Map.of("grazing", "at dusk"));
        change.describe(description -> description.withSettings(settings));
        change.columns(columns -> columns.drop("a"));
        change.describe(description -> description
                .withName("u")
                .withOwner("ops")
                .withComment("changed")
                .withHistorySecondsMax(7)
                .withPartitioning(description.partitioning()));
        settings.clear();
        assertEquals(Map.of("grazing", "at dusk"), change.description().settings());
        assertEquals("u", change.description().name());
    }

    @Test
    void settingsHaveLimits() {
        SortedMap<String, String> settings = new TreeMap<>();
        for (int i = 0; i < CatalogLimits.SETTINGS_MAX; i++) {
            settings.put("setting " + i, "x".repeat(CatalogLimits.SETTING_BYTES_MAX));
        }
        TableDescription description = change.description();
        assertEquals(settings, description.withSettings(settings).settings());
        settings.put("one more", "");
        Failure.expect(IllegalArgumentException.class, () -> description.withSettings(settings), "was 65");
        Failure.expect(
                IllegalArgumentException.class,
                () -> description.withSettings(new TreeMap<>(Map.of("", "x"))),
                "setting's name");
        String tooLong = "x".repeat(CatalogLimits.SETTING_BYTES_MAX + 1);
        Failure.expect(
                IllegalArgumentException.class,
                () -> description.withSettings(new TreeMap<>(Map.of("grazing", tooLong))),
                "setting grazing",
                "257");
    }

    @Test
    void allStepsMakeOneVersion() {
        change.columns(columns -> columns.add(Column.of("c", ColumnType.BOOL).nullable()));
        change.columns(columns -> columns.drop("a"));
        change.columns(columns -> columns.add(Column.of("a", ColumnType.BOOL).nullable()));
        change.columns(columns -> columns.rename("b", "d"));
        change.columns(columns -> columns.change("d", column -> column.comment("was b")));
        change.describe(description -> description.withComment("changed"));
        Schema after = change.description().schema();
        assertEquals(1, after.version());
        assertEquals(5, after.nextColumnId());
        assertEquals(
                List.of("id 0", "d 2", "c 3", "a 4"),
                after.columns().stream()
                        .map(column -> column.name() + " " + column.id())
                        .toList());
        assertEquals("was b", after.column(1).comment());
        assertEquals("changed", change.description().comment());
        assertEquals(after, change.partitions().schema().schema());
        assertTrue(change.hasNewSchema());
        assertEquals(6, change.kept().size());
    }

    @Test
    void aColumnThatCameAndWentInOneChangeKeepsItsId() {
        change.columns(columns -> columns.add(Column.of("c", ColumnType.BOOL).nullable()));
        change.columns(columns -> columns.drop("c"));
        assertEquals(SCHEMA.columns(), change.description().schema().columns());
        assertEquals(4, change.description().schema().nextColumnId());
        assertTrue(change.hasNewSchema(), "or the id would be used again");
    }

    @Test
    void rangesHaveTabletsOfTheirOwn() {
        change.dropRange(PARTITIONING.between(10, 20).bounds());
        assertEquals(4, change.kept().size());
        assertEquals(2, change.dropped().size());
        change.addRange(PARTITIONING.between(10, 15));
        change.addRange(
                PARTITIONING.newRange().from(15).before(20).hash(3, "id").build());
        assertEquals(5, change.added().size());
        change.dropRange(PARTITIONING.between(10, 15).bounds());
        assertEquals(3, change.added().size());
        assertEquals(1, change.description().partitioning().customRanges().size());
        assertFalse(change.hasNewSchema());
        assertFalse(change.isEmpty());
    }

    @Test
    void aRangeThatIsDroppedAndAddedAgainHasNewTablets() {
        change.dropRange(PARTITIONING.between(10, 20).bounds());
        change.addRange(PARTITIONING.between(10, 20));
        assertEquals(2, change.added().size());
        assertEquals(2, change.dropped().size());
        assertFalse(change.isEmpty());
        assertEquals(entry().description(), change.description());
    }

    @Test
    void whatCannotBeIsRefused() {
        refused("The column already exists: a", Column.of("a", ColumnType.BOOL).nullable());
        refused("cannot add a key column: k", Column.key("k", ColumnType.INT32));
        refused("column `n`: NOT NULL columns must have a default", Column.of("n", ColumnType.BOOL));
        refused("column `n`: NOT NULL", Column.of("n", ColumnType.BOOL).writeDefault(true));
        Failure.expect(
                IllegalArgumentException.class,
                () -> change.columns(columns -> columns.drop("id")),
                "cannot remove a key column: id");
        Failure.expect(
                IllegalArgumentException.class,
                () -> change.columns(columns -> columns.drop("x")),
                "The specified column does not exist: x",
                "id, a, b");
        Failure.expect(
                IllegalArgumentException.class,
                () -> change.columns(columns -> columns.rename("a", "b")),
                "The column already exists: b");
        for (Column other : List.of(
                SCHEMA.column(1).withName("z"),
                SCHEMA.column(1).withId(9),
                Column.of("a", ColumnType.INT32).nullable().withId(1),
                Column.of("a", ColumnType.INT64).withId(1))) {
            Failure.expect(
                    IllegalArgumentException.class,
                    () -> change.columns(columns -> columns.change("a", _ -> other)),
                    "not changed like this: a");
        }
        Failure.expect(
                IllegalArgumentException.class,
                () -> change.addRange(PARTITIONING.between(15, 25)),
                "range partition conflicts with existing");
        Failure.expect(
                IllegalArgumentException.class,
                () -> change.dropRange(PARTITIONING.between(15, 25).bounds()),
                "No range partition found for drop range partition step");
        assertTrue(change.isEmpty());
    }

    private void refused(String words, Column column) {
        Failure.expect(IllegalArgumentException.class, () -> change.columns(columns -> columns.add(column)), words);
    }
}
