package io.nyala.partition;

import io.nyala.rows.Column;
import io.nyala.rows.KeyCodec;
import io.nyala.rows.KeyRange;
import io.nyala.rows.Predicate;
import io.nyala.rows.RowLayout;
import io.nyala.rows.Schema;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Random predicates and bounds of keys, most of which a given row fits. */
final class RandomScans {
    private RandomScans() {}

    static List<Predicate> predicates(SplittableRandom random, Schema schema, Object[] row) {
        List<Predicate> predicates = new ArrayList<>();
        for (int i = 0; i < schema.keyColumnCount(); i++) {
            if (random.nextInt(3) > 0) {
                predicates.add(predicate(random, schema, i, row[i]));
            }
            if (random.nextInt(4) == 0) {
                predicates.add(predicate(random, schema, i, row[i]));
            }
        }
        if (schema.columnCount() > schema.keyColumnCount() && random.nextInt(4) == 0) {
            predicates.add(new Predicate.IsNull(schema.columnCount() - 1));
        }
        return predicates;
    }

    private static Predicate predicate(SplittableRandom random, Schema schema, int index, Object fitting) {
        String name = schema.column(index).name();
        Column column = schema.column(index);
        Object other = RandomTables.value(random, column);
        return switch (random.nextInt(10)) {
            case 0 -> Predicate.atLeast(schema, name, fitting);
            case 1 -> Predicate.atMost(schema, name, fitting);
            case 2 -> Predicate.greaterThan(schema, name, other);
            case 3 -> Predicate.lessThan(schema, name, other);
            case 4 -> Predicate.range(schema, name, fitting, other);
            case 5 -> Predicate.isNotNull(schema, name);
            case 6 -> random.nextInt(8) == 0 ? Predicate.isNull(schema, name) : Predicate.isNotNull(schema, name);
            case 7 ->
                Predicate.in(
                        schema,
                        name,
                        IntStream.range(0, random.nextInt(5))
                                .mapToObj(i -> i == 0 ? fitting : RandomTables.value(random, column))
                                .toList());
            default -> Predicate.equal(schema, name, fitting);
        };
    }

    /** An equality or a list. */
    static Predicate valuePredicate(SplittableRandom random, Schema schema, String name) {
        Column column = schema.column(schema.indexOfExisting(name));
        List<Object> values = IntStream.range(0, random.nextInt(1, 6))
                .mapToObj(_ -> RandomTables.value(random, column))
                .toList();
        return Predicate.in(schema, name, values);
    }

    /** Anything with one interval. */
    static Predicate rangePredicate(SplittableRandom random, Schema schema, String name) {
        Object value = RandomTables.value(random, schema.column(schema.indexOfExisting(name)));
        return switch (random.nextInt(4)) {
            case 0 -> Predicate.atLeast(schema, name, value);
            case 1 -> Predicate.lessThan(schema, name, value);
            case 2 -> Predicate.atMost(schema, name, value);
            default -> Predicate.equal(schema, name, value);
        };
    }

    /** Bounds that come from predicates, from keys cut off anywhere, or from nowhere. */
    static KeyRange keyRange(SplittableRandom random, Schema schema, Object[] row, List<Predicate> predicates) {
        var codec = new KeyCodec(new RowLayout(schema));
        return switch (random.nextInt(4)) {
            case 0 -> KeyRange.ALL;
            case 1 -> KeyRange.from(codec, predicates);
            default -> new KeyRange(bound(random, schema, codec, row, false), bound(random, schema, codec, row, true));
        };
    }

    private static byte @Nullable [] bound(
            SplittableRandom random, Schema schema, KeyCodec codec, Object[] row, boolean isUpper) {
        if (random.nextInt(4) == 0) {
            return null;
        }
        Object[] values = row.clone();
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextInt(4) == 0 ? RandomTables.value(random, schema.column(i)) : values[i];
        }
        byte[] key = codec.encodeValues(values);
        key = Arrays.copyOf(key, random.nextInt(3) == 0 ? random.nextInt(key.length + 1) : key.length);
        if (isUpper && key.length > 0 && random.nextBoolean()) {
            key[key.length - 1]++;
        } else if (isUpper || random.nextInt(4) == 0) {
            key = Arrays.copyOf(key, key.length + random.nextInt(3));
        }
        return key;
    }

    static String text(Schema schema, List<Predicate> predicates, KeyRange keys) {
        byte[] lower = keys.lower();
        byte[] upper = keys.upper();
        return predicates.stream().map(predicate -> predicate.describe(schema)).toList() + " keys "
                + (lower == null ? "" : HexFormat.of().formatHex(lower)) + " to "
                + (upper == null ? "" : HexFormat.of().formatHex(upper));
    }
}
