package io.nyala.partition;

import io.nyala.rows.Column;
import io.nyala.rows.Schema;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Kudu's partitioning once more, from its definition, in arrays and big integers: what the tests compare with. Knows
 * nothing of memory segments.
 */
final class Reference {
    private static final BigInteger TWO_TO_64 = BigInteger.TWO.pow(64);
    private static final BigInteger M = new BigInteger("c6a4a7935bd1e995", 16);
    private static final int R = 47;

    private Reference() {}

    /** A value as a key of its own. */
    static byte[] encoded(Column column, Object value) {
        return switch (value) {
            case String text -> text.getBytes(StandardCharsets.UTF_8);
            case byte[] bytes -> bytes;
            case BigDecimal decimal -> integer(column, decimal.unscaledValue());
            case LocalDate date -> integer(column, BigInteger.valueOf(date.toEpochDay()));
            case Instant time -> integer(column, BigInteger.valueOf(ChronoUnit.MICROS.between(Instant.EPOCH, time)));
            case Number number -> integer(column, BigInteger.valueOf(number.longValue()));
            default -> throw new AssertionError(value.getClass());
        };
    }

    /** Shifted up so that the least value is 0, and written with all digits. */
    private static byte[] integer(Column column, BigInteger value) {
        int width = column.type().cellBytes();
        BigInteger shifted = value.add(BigInteger.ONE.shiftLeft(8 * width - 1));
        byte[] digits = shifted.toByteArray();
        byte[] bytes = new byte[width];
        for (int i = 0; i < Math.min(width, digits.length); i++) {
            bytes[width - 1 - i] = digits[digits.length - 1 - i];
        }
        return bytes;
    }

    /** Values as a key of these columns. */
    static byte[] key(List<Column> columns, List<Object> values) {
        var key = new ByteArrayOutputStream();
        for (int i = 0; i < columns.size(); i++) {
            boolean isEscaped = columns.get(i).type().isVariable() && i < columns.size() - 1;
            for (byte b : encoded(columns.get(i), values.get(i))) {
                key.write(b);
                if (isEscaped && b == 0) {
                    key.write(1);
                }
            }
            key.writeBytes(isEscaped ? new byte[2] : new byte[0]);
        }
        return key.toByteArray();
    }

    static byte[] keyOfIds(Schema schema, List<Integer> ids, Object[] row) {
        List<Integer> indexes = ids.stream().map(schema::indexOfId).toList();
        return key(
                indexes.stream().map(schema::column).toList(),
                indexes.stream().map(index -> row[index]).toList());
    }

    static long murmur2(byte[] bytes, int seed) {
        BigInteger hash = BigInteger.valueOf(Integer.toUnsignedLong(seed))
                .xor(BigInteger.valueOf(bytes.length).multiply(M).mod(TWO_TO_64));
        int whole = bytes.length / 8 * 8;
        for (int i = 0; i < whole; i += 8) {
            BigInteger word = littleEndian(bytes, i, i + 8).multiply(M).mod(TWO_TO_64);
            word = word.xor(word.shiftRight(R)).multiply(M).mod(TWO_TO_64);
            hash = hash.xor(word).multiply(M).mod(TWO_TO_64);
        }
        if (whole < bytes.length) {
            hash = hash.xor(littleEndian(bytes, whole, bytes.length))
                    .multiply(M)
                    .mod(TWO_TO_64);
        }
        hash = hash.xor(hash.shiftRight(R)).multiply(M).mod(TWO_TO_64);
        return hash.xor(hash.shiftRight(R)).longValue();
    }

    private static BigInteger littleEndian(byte[] bytes, int from, int to) {
        byte[] reversed = new byte[to - from];
        for (int i = from; i < to; i++) {
            reversed[to - 1 - i] = bytes[i];
        }
        return new BigInteger(1, reversed);
    }

    static int bucket(Schema schema, HashLevel level, Object[] row) {
        List<Integer> sorted = level.columnIds().stream().sorted().toList();
        return new BigInteger(Long.toUnsignedString(murmur2(keyOfIds(schema, sorted, row), level.seed())))
                .mod(BigInteger.valueOf(level.buckets()))
                .intValue();
    }

    /** The indexes of all partitions that have the row: the range key is within, and all buckets are the row's. */
    static List<Integer> partitionsOf(PartitionMap map, Object[] row) {
        Schema schema = map.schema().schema();
        byte[] rangeKey = keyOfIds(schema, map.schema().rangeColumnIds(), row);
        Map<HashLevel, Integer> buckets = new HashMap<>();
        List<Integer> found = new ArrayList<>();
        for (int i = 0; i < map.size(); i++) {
            Partition partition = map.partitions().get(i);
            byte[] lower = partition.range().lower();
            byte[] upper = partition.range().upper();
            boolean isIn = Arrays.compareUnsigned(rangeKey, lower) >= 0
                    && (upper.length == 0 || Arrays.compareUnsigned(rangeKey, upper) < 0);
            List<HashLevel> levels = map.schema().hashLevelsOf(partition.range());
            for (int level = 0; level < levels.size() && isIn; level++) {
                int bucket = buckets.computeIfAbsent(levels.get(level), some -> bucket(schema, some, row));
                isIn = bucket == partition.hashBucket(level);
            }
            if (isIn) {
                found.add(i);
            }
        }
        return found;
    }
}
