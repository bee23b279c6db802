package io.nyala.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Predicate;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Goal: rows are looked up where conditions name all keys, few of them, and scanned elsewhere. Method: by example. That
 * they are the same rows is for the engine's {@code KeyScanTest}.
 */
final class KeysCursorTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("number", ColumnType.INT32),
            Column.key("name", ColumnType.STRING),
            Column.of("value", ColumnType.INT64));

    private static ScanSpec spec(Predicate... predicates) {
        return ScanSpec.all(SCHEMA, 1).withPredicates(List.of(predicates));
    }

    private static Predicate number(int value) {
        return Predicate.equal(SCHEMA, "number", value);
    }

    private static Predicate numbers(int count) {
        return Predicate.in(SCHEMA, "number", IntStream.range(0, count).boxed().toList());
    }

    private static Predicate name(String value) {
        return Predicate.equal(SCHEMA, "name", value);
    }

    private static @Nullable List<List<Object>> keys(ScanSpec spec) {
        List<List<CellValue>> keys = KeysCursor.keys(spec);
        return keys == null ? null : keys.stream().map(KeysCursorTest::objects).toList();
    }

    private static List<Object> objects(List<CellValue> key) {
        return IntStream.range(0, key.size())
                .mapToObj(column -> key.get(column).toObject(SCHEMA.column(column)))
                .toList();
    }

    @Test
    void whereAllKeysAreNamedTheyAreLookedUp() {
        assertEquals(List.of(List.of(7, "a")), keys(spec(number(7), name("a"))));
        assertEquals(List.of(List.of(7, "a")), keys(spec(name("a"), numbers(100), number(7))), "the shortest list");
        assertEquals(
                List.of(List.of(0, "a"), List.of(0, "b"), List.of(1, "a"), List.of(1, "b")),
                keys(spec(numbers(2), Predicate.in(SCHEMA, "name", List.of("a", "b")))));
        assertEquals(List.of(), keys(spec(numbers(0), name("a"))));
    }

    @Test
    void allElseIsScanned() {
        assertNull(keys(spec()));
        assertNull(keys(spec(number(7))), "any name");
        assertNull(keys(spec(number(7), Predicate.atLeast(SCHEMA, "name", "a"))));
        assertNull(keys(spec(name("a"), Predicate.isNotNull(SCHEMA, "number"))));
        assertNull(keys(spec(numbers(KeysCursor.KEYS_MAX + 1), name("a"))), "too many");
        List<List<Object>> most = keys(spec(numbers(KeysCursor.KEYS_MAX), name("a")));
        assertEquals(KeysCursor.KEYS_MAX, most == null ? 0 : most.size());
        assertNull(keys(spec(number(7), name("a")).withKeyOrder(true)), "batches have keys");
        assertNull(keys(spec(number(7), name("a")).withStart(0)), "of changes");
    }
}
