package io.nyala.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import io.nyala.simulation.TableModel.Changed;
import io.nyala.simulation.TableModel.Outcome;
import io.nyala.testkit.Seed;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Goal: the judge of the engine can be trusted, and what tests draw by lot really has everything that they say.
 * Method: small stories whose outcome is written down by hand; many draws, in which everything must have come up.
 */
final class TableModelTest {
    private static final int DRAWS = 3_000;

    private final TableModel<String> model = new TableModel<>();

    @Test
    void everyStateOfARowIsThereAtItsTime() {
        assertEquals(Outcome.DONE, model.insert("a", 10, List.of(1, 2), false));
        assertEquals(Outcome.ALREADY_PRESENT, model.insert("a", 20, List.of(9, 9), false));
        assertEquals(Outcome.IGNORED, model.insert("a", 20, List.of(9, 9), true));
        assertEquals(Outcome.DONE, model.update("a", 20, List.of(7, 3), new boolean[] {false, true}, false));
        assertEquals(Outcome.DONE, model.delete("a", 30, false));
        assertEquals(Outcome.NOT_FOUND, model.delete("a", 40, false));
        assertEquals(Outcome.IGNORED, model.update("a", 40, List.of(7, 3), new boolean[] {true, true}, true));
        assertEquals(Outcome.DONE, model.upsert("a", 50, Arrays.asList(5, null), new boolean[] {true, true}));
        assertNull(model.at("a", 9));
        assertEquals(List.of(1, 2), model.at("a", 10));
        assertEquals(List.of(1, 2), model.at("a", 19));
        assertEquals(List.of(1, 3), model.at("a", 29));
        assertNull(model.at("a", 49));
        assertEquals(Map.of("a", Arrays.asList(5, null)), model.allAt(50));
        assertEquals(model.allAt(Long.MAX_VALUE), model.newest());
    }

    @Test
    void anUpsertThatSetsNothingChangesNothing() {
        model.insert("a", 10, List.of(1), false);
        assertEquals(Outcome.DONE, model.upsert("a", 20, List.of(9), new boolean[] {false}));
        assertEquals(List.of(1), model.newest("a"));
    }

    @Test
    void withOtherColumnsOldStatesHaveThemTooAndTheModelItselfStays() {
        model.insert("a", 10, List.of(1), false);
        model.update("a", 20, List.of(2), new boolean[] {true}, false);
        model.delete("a", 30, false);
        model.insert("b", 30, List.of(3), false);
        TableModel<String> wider = model.withRows(row -> List.of(row.getFirst(), 7), set -> new boolean[2]);
        assertEquals(List.of(1, 7), wider.at("a", 10));
        assertEquals(List.of(2, 7), wider.at("a", 20));
        assertNull(wider.at("a", 30));
        assertEquals(Map.of("b", List.of(3, 7)), wider.newest());
        assertEquals(Map.of(), wider.changes(10, 29), "a change of a column that is gone");
        assertEquals(
                Map.of("a", new Changed(List.of(2), true)),
                model.changes(10, 29 + 1).subMap("a", "b"));
        assertEquals(Map.of("b", List.of(3)), model.newest());
    }

    @Test
    void whatChangedIsToldByItsFirstAndLastState() {
        boolean[] both = {true, true};
        model.insert("back", 10, List.of(1, 1), false);
        model.update("back", 20, List.of(2, 1), new boolean[] {true, false}, false);
        model.update("back", 30, List.of(1, 1), both, false);
        model.insert("gone", 10, List.of(1, 1), false);
        model.update("gone", 20, List.of(5, 5), both, false);
        model.delete("gone", 30, false);
        model.insert("short", 20, List.of(1, 1), false);
        model.delete("short", 30, false);
        model.insert("still", 10, List.of(1, 1), false);
        assertEquals(
                Map.of("back", new Changed(List.of(1, 1), false), "gone", new Changed(List.of(5, 5), true)),
                model.changes(10, 30));
        assertEquals(
                Map.of("back", new Changed(List.of(1, 1), false)),
                model.changes(29, 30).headMap("g"));
        assertEquals(
                Map.of("gone", new Changed(List.of(5, 5), true), "short", new Changed(List.of(1, 1), true)),
                model.changes(29, 30).tailMap("g"));
        assertEquals(Map.of(), model.changes(30, 99));
    }

    @Test
    void whatIsCutOffIsForgottenAndACopyKeepsIt() {
        model.insert("a", 10, List.of(1), false);
        model.delete("a", 20, false);
        model.insert("b", 20, List.of(2), false);
        TableModel<String> copy = model.copy();
        model.cutAfter(10);
        assertEquals(Map.of("a", List.of(1)), model.newest());
        assertNull(model.at("b", 20));
        assertEquals(Map.of("b", List.of(2)), copy.newest());
        assertThrows(IllegalArgumentException.class, () -> copy.insert("a", 19, List.of(3), false));
    }

    @Test
    void cellsCompareAsMathematicsSays() {
        assertEquals(new Bytes(new byte[] {1}), new Bytes(new byte[] {1}));
        assertTrue(new Bytes(new byte[] {1, 0}).compareTo(new Bytes(new byte[] {1})) > 0);
        assertTrue(new Bytes(new byte[] {-1}).compareTo(new Bytes(new byte[] {1})) > 0, "bytes are unsigned");
        assertEquals(Bytes.ofText("a\u20ac"), Bytes.ofText("a\u20acb").cutTo(2));
        assertEquals(Bytes.ofText("ab"), Cells.stored(Column.varchar("v", 2), Bytes.ofText("abc")));
        assertNotEquals(Double.valueOf(-0.0), Double.valueOf(0.0), "what a table keeps is told apart");
        assertEquals(0, new RowKey(List.of(1, Bytes.ofText("x"))).compareTo(new RowKey(List.of(1, Bytes.ofText("x")))));
        assertTrue(new RowKey(List.of(-1, 5)).compareTo(new RowKey(List.of(1, 4))) < 0);
    }

    /** A predicate's meaning at values that are drawn beside it: by hand, for the odd ones. */
    @Test
    void nothingMatchesNaNAndNullMatchesItsOwnOnly(@Seed SplittableRandom random) {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT8),
                Column.of("v", ColumnType.DOUBLE).nullable());
        var seen = new TreeSet<String>();
        for (int i = 0; i < DRAWS; i++) {
            Condition condition = Condition.draw(random, schema, 1, List.of(0.0));
            String kind = condition.predicate().getClass().getSimpleName();
            seen.add(kind);
            assertEquals(kind.equals("IsNotNull"), condition.meaning().matches(Double.NaN), kind);
            assertEquals(kind.equals("IsNull"), condition.meaning().matches(null), kind);
            assertEquals(condition.meaning().matches(0.0), condition.meaning().matches(-0.0), kind);
        }
        assertEquals(new TreeSet<>(List.of("Equal", "InList", "IsNotNull", "IsNull", "Range")), seen);
    }

    @Test
    void everythingIsDrawn(@Seed SplittableRandom random) {
        var seen = new TreeSet<String>();
        for (int i = 0; i < DRAWS / 10; i++) {
            Schema schema = RandomSchema.draw(random);
            seen.add(schema.keyColumnCount() + " key columns");
            for (Column column : schema.columns()) {
                String type = column.type().toString();
                seen.add(column.isKey() ? "key " + type : type + (column.isNullable() ? " or NULL" : ""));
                addIf(seen, column.isImmutable() ? column : null, "immutable");
                addIf(seen, column.readDefault(), "read default " + type);
                addIf(seen, column.writeDefault(), "write default " + type);
                addIf(seen, RandomCells.refused(random, column), "refused " + type);
            }
        }
        for (ColumnType type : ColumnType.values()) {
            for (String what : List.of("", "read default ", "write default ")) {
                assertTrue(seen.contains(what + type), () -> what + type + " is not drawn");
            }
            assertTrue(seen.contains(type + " or NULL"), () -> type + " is never nullable");
            assertEquals(type.mayBeKey(), seen.contains("key " + type), () -> type + " as a key");
        }
        assertTrue(seen.containsAll(List.of("1 key columns", "2 key columns", "3 key columns", "immutable")));
        assertTrue(seen.contains("refused DECIMAL128") && seen.contains("refused VARCHAR"), seen::toString);
    }

    private static void addIf(Set<String> seen, @Nullable Object thing, String what) {
        if (thing != null) {
            seen.add(what);
        }
    }
}
