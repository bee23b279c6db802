package io.nyala.partition;

import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Schema;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Random schemas of key columns, values for them, and ways to cut such a table: small values often, so that they meet,
 * and extreme ones.
 */
final class RandomTables {
    private static final List<ColumnType> KEY_TYPES =
            Stream.of(ColumnType.values()).filter(ColumnType::mayBeKey).toList();

    private RandomTables() {}

    static Schema schema(SplittableRandom random) {
        List<Column> columns = new ArrayList<>();
        int keyCount = random.nextInt(1, 6);
        for (int i = 0; i < keyCount; i++) {
            columns.add(column(random, "k" + i).asKey());
        }
        if (random.nextBoolean()) {
            columns.add(Column.of("v", ColumnType.STRING).nullable());
        }
        // Ids in another order than the columns: hash levels go by id.
        List<Integer> ids =
                shuffled(random, IntStream.range(0, 3 * columns.size()).boxed().toList());
        List<Column> withIds = IntStream.range(0, columns.size())
                .mapToObj(i -> columns.get(i).withId(ids.get(i)))
                .toList();
        return new Schema(0, 3 * columns.size(), withIds);
    }

    private static Column column(SplittableRandom random, String name) {
        ColumnType type = KEY_TYPES.get(random.nextInt(KEY_TYPES.size()));
        return switch (type) {
            case DECIMAL32 -> Column.decimal(name, random.nextInt(1, 10), 0);
            case DECIMAL64 -> Column.decimal(name, random.nextInt(10, 19), 2);
            case DECIMAL128 -> Column.decimal(name, random.nextInt(19, 39), 3);
            case VARCHAR -> Column.varchar(name, 40);
            default -> Column.of(name, type);
        };
    }

    static <T> List<T> shuffled(SplittableRandom random, List<T> list) {
        List<T> shuffled = new ArrayList<>(list);
        for (int i = shuffled.size() - 1; i > 0; i--) {
            Collections.swap(shuffled, i, random.nextInt(i + 1));
        }
        return shuffled;
    }

    static List<String> keyNames(Schema schema) {
        return schema.columns().stream().filter(Column::isKey).map(Column::name).toList();
    }

    /** Values of the key columns. */
    static Object[] row(SplittableRandom random, Schema schema) {
        return schema.columns().stream()
                .filter(Column::isKey)
                .map(column -> value(random, column))
                .toArray();
    }

    static Object value(SplittableRandom random, Column column) {
        return switch (column.type()) {
            case INT8 -> (byte) integer(random, 8);
            case INT16 -> (short) integer(random, 16);
            case INT32 -> (int) integer(random, 32);
            case INT64 -> integer(random, 64);
            case DECIMAL32, DECIMAL64, DECIMAL128 -> decimal(random, column.attributes());
            case DATE -> date(random);
            case UNIXTIME_MICROS ->
                Instant.EPOCH.plusNanos(1_000 * Math.clamp(integer(random, 64), -1L << 50, 1L << 50));
            case BINARY -> bytes(random);
            default -> text(random);
        };
    }

    private static long integer(SplittableRandom random, int bits) {
        long max = -1L >>> (65 - bits);
        return switch (random.nextInt(10)) {
            case 0 -> max;
            case 1 -> ~max;
            case 2 -> random.nextLong() >> (64 - bits);
            default -> random.nextInt(-4, 5);
        };
    }

    private static BigDecimal decimal(SplittableRandom random, Column.Attributes attributes) {
        BigInteger max = BigInteger.TEN.pow(attributes.precision()).subtract(BigInteger.ONE);
        BigInteger value =
                switch (random.nextInt(6)) {
                    case 0 -> max;
                    case 1 -> max.negate();
                    case 2 -> new BigInteger(attributes.precision() * 3, Random.from(random)).mod(max);
                    default -> BigInteger.valueOf(random.nextInt(-4, 5));
                };
        return new BigDecimal(value, attributes.scale());
    }

    private static LocalDate date(SplittableRandom random) {
        return switch (random.nextInt(8)) {
            case 0 -> LocalDate.of(1, 1, 1);
            case 1 -> LocalDate.of(9999, 12, 31);
            default -> LocalDate.ofEpochDay(random.nextInt(-4, 5));
        };
    }

    private static String text(SplittableRandom random) {
        String[] letters = {"a", "b", "\0", "\1", "\u00ff", "ab", "\0\0"};
        var text = new StringBuilder();
        for (int i = random.nextInt(8) == 0 ? random.nextInt(20) : random.nextInt(3); i > 0; i--) {
            text.append(letters[random.nextInt(letters.length)]);
        }
        return text.toString();
    }

    static byte[] bytes(SplittableRandom random) {
        byte[] bytes = new byte[random.nextInt(8) == 0 ? random.nextInt(30) : random.nextInt(3)];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (random.nextBoolean() ? random.nextInt(0, 3) : random.nextInt());
        }
        return bytes;
    }

    /** Hash levels over some columns of the key, a range level over some, any of them, both or none. */
    static PartitionSchema partitioning(SplittableRandom random, Schema schema) {
        PartitionSchema.Builder builder = PartitionSchema.of(schema);
        List<Integer> columns = shuffled(random, keyIds(schema));
        int used = 0;
        for (int levels = 0; levels < 3 && used < columns.size() && random.nextInt(4) > 0; levels++) {
            int count = random.nextInt(1, columns.size() - used + 1);
            builder.hash(level(random, columns.subList(used, used + count)));
            used += count;
        }
        if (random.nextInt(4) > 0) {
            List<String> names = random.nextBoolean() ? keyNames(schema) : shuffled(random, keyNames(schema));
            builder.range(names.subList(0, random.nextInt(1, names.size() + 1)).toArray(String[]::new));
        }
        return builder.build();
    }

    private static List<Integer> keyIds(Schema schema) {
        return schema.columns().stream().filter(Column::isKey).map(Column::id).toList();
    }

    private static HashLevel level(SplittableRandom random, List<Integer> columnIds) {
        return new HashLevel(
                columnIds, random.nextInt(2, 6), random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(2));
    }

    /** Disjoint ranges, with gaps and without, bounded and not, some with hash levels of their own. */
    static List<RangePartition> ranges(SplittableRandom random, PartitionSchema partitioning) {
        if (!partitioning.hasRangeLevel()) {
            return List.of(partitioning.between(null, null));
        }
        List<RangePartition> pieces = new ArrayList<>();
        for (RangePartition piece : partitioning.splitAt(points(random, partitioning))) {
            boolean isKept = random.nextInt(4) > 0;
            if (isKept) {
                pieces.add(random.nextInt(3) == 0 ? withOwnLevels(random, partitioning, piece) : piece);
            }
        }
        return pieces;
    }

    private static RangePartition withOwnLevels(
            SplittableRandom random, PartitionSchema partitioning, RangePartition range) {
        List<Integer> columns = shuffled(random, keyIds(partitioning.schema()));
        List<HashLevel> levels = IntStream.range(0, range.hashLevels().size())
                .mapToObj(i -> level(random, columns.subList(i, i + 1)))
                .toList();
        return new RangePartition(range.bounds(), levels);
    }

    private static Object[] points(SplittableRandom random, PartitionSchema partitioning) {
        Schema schema = partitioning.schema();
        List<byte[]> seen = new ArrayList<>();
        List<Object> points = new ArrayList<>();
        for (int i = random.nextInt(8); i > 0; i--) {
            List<Object> point = new ArrayList<>();
            for (int id : partitioning.rangeColumnIds()) {
                point.add(value(random, schema.column(schema.indexOfId(id))));
            }
            if (random.nextInt(4) == 0) {
                point = point.subList(0, random.nextInt(1, point.size() + 1));
            }
            byte[] bound = partitioning
                    .newRange()
                    .from(point.toArray())
                    .build()
                    .bounds()
                    .lower();
            if (bound.length > 0 && seen.stream().noneMatch(other -> Arrays.equals(other, bound))) {
                seen.add(bound);
                points.add(point);
            }
        }
        return points.toArray();
    }
}
