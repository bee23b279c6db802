package io.nyala.table;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.nyala.hexdump.HexDump;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.MalformedBytesException;
import io.nyala.rows.Predicate;
import io.nyala.rows.ScanSpec;
import io.nyala.rows.Schema;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Script;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a token that has travelled as bytes describes the same scan, also in a later schema of its table, and bytes
 * that are none are refused. Method: golden script; random scans; every byte changed and every length cut off.
 */
final class ScanTokenTest {
    private static final Schema SCHEMA = Schema.of(
            Column.key("id", ColumnType.INT64),
            Column.of("text", ColumnType.STRING).nullable(),
            Column.of("price", ColumnType.DOUBLE).nullable());

    @Test
    void hasTheBytesOfTheScript() {
        Script.check("table/scan-token", command -> {
            String[] words = command.split(" ", -1);
            ScanSpec spec = ScanSpec.all(SCHEMA, Long.parseLong(words[3]))
                    .withProjection(split(words[1]).map(Integer::valueOf).toList())
                    .withKeyOrder(words[2].equals("ordered"))
                    .withPredicates(
                            split(words[5]).map(ScanTokenTest::predicate).toList());
            ScanSpec told = words[2].equals("changes") ? spec.withStart(7) : spec;
            byte[] token = ScanToken.of(0x4711, 3, 5, told, Long.parseLong(words[4]), words[2].equals("partial"))
                    .toBytes();
            return HexDump.text(MemorySegment.ofArray(token), notes -> ScanTokenFormat.annotate(token, notes));
        });
    }

    private static Stream<String> split(String word) {
        return word.equals("none") || word.equals("all") ? Stream.of() : Arrays.stream(word.split(",", -1));
    }

    private static Predicate predicate(String word) {
        return switch (word) {
            case "equal" -> Predicate.equal(SCHEMA, "text", "blue");
            case "range" -> Predicate.range(SCHEMA, "id", 10L, 20L);
            case "list" -> Predicate.in(SCHEMA, "text", List.of("blue", "red"));
            case "null" -> Predicate.isNull(SCHEMA, "price");
            case "notnull" -> Predicate.isNotNull(SCHEMA, "text");
            case "atleast" -> Predicate.atLeast(SCHEMA, "price", 0.5);
            case "lessthan" -> Predicate.lessThan(SCHEMA, "price", 8.0);
            default -> throw new IllegalArgumentException(word);
        };
    }

    @RepeatedTest(64)
    void readsBackWhatWasWritten(@Seed SplittableRandom random) {
        ScanSpec spec = spec(random);
        long limit = random.nextLong(Long.MAX_VALUE);
        boolean allowsPartial = random.nextBoolean();
        ScanToken token = ScanToken.of(random.nextLong(), 3, 5, spec, limit, allowsPartial);
        ScanToken read = ScanToken.fromBytes(token.toBytes());
        assertArrayEquals(token.toBytes(), read.toBytes());
        assertEquals(token.hostId(), read.hostId());
        assertEquals(3, read.tableId());
        assertEquals(5, read.tabletId());
        assertEquals(spec.snapshot(), read.snapshot());
        assertEquals(limit, read.limit());
        assertEquals(allowsPartial, read.allowsPartial());
        assertSame(spec, read.spec(SCHEMA));
    }

    private static ScanSpec spec(SplittableRandom random) {
        List<Predicate> predicates = new ArrayList<>();
        String[] words = {"equal", "range", "list", "null", "notnull", "atleast", "lessthan"};
        for (int i = random.nextInt(4); i > 0; i--) {
            predicates.add(predicate(words[random.nextInt(words.length)]));
        }
        if (random.nextInt(8) == 0) {
            predicates.add(Predicate.never(random.nextInt(3)));
            var filter = new Predicate.BloomFilter(new byte[32 << random.nextInt(3)], random.nextInt(), true);
            CellValue member = CellValue.ofBytes(new byte[] {1, 2, 3});
            predicates.add(new Predicate.InBloomFilters(1, List.of(filter, filter.with(List.of(member)))));
        }
        List<Integer> projection = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            projection.add(random.nextInt(3));
        }
        byte[] lower = random.nextBoolean() ? null : new byte[] {(byte) random.nextInt(), 1};
        byte[] upper = random.nextBoolean() ? null : new byte[random.nextInt(4)];
        ScanSpec spec = ScanSpec.all(SCHEMA, random.nextLong(1, Long.MAX_VALUE))
                .withProjection(projection)
                .withPredicates(predicates)
                .withKeys(lower, upper)
                .withKeyOrder(random.nextBoolean());
        return random.nextBoolean() ? spec : spec.withStart(random.nextLong(Long.MAX_VALUE));
    }

    private static void assertSame(ScanSpec expected, ScanSpec actual) {
        assertEquals(expected.schema(), actual.schema());
        assertEquals(expected.projection(), actual.projection());
        assertEquals(expected.predicates(), actual.predicates());
        assertArrayEquals(expected.lowerKey(), actual.lowerKey());
        assertArrayEquals(expected.upperKey(), actual.upperKey());
        assertEquals(expected.snapshot(), actual.snapshot());
        assertEquals(expected.keyOrder(), actual.keyOrder());
        assertEquals(expected.start(), actual.start());
    }

    @Test
    void noByteCanBeChangedOrBeMissing(@Seed SplittableRandom random) {
        byte[] token = ScanToken.of(1, 2, 3, spec(random), 4, false).toBytes();
        for (int i = 0; i < token.length; i++) {
            byte[] changed = token.clone();
            changed[i] ^= (byte) (1 + random.nextInt(255));
            int at = i;
            assertThrows(
                    MalformedBytesException.class,
                    () -> ScanToken.fromBytes(changed),
                    () -> "byte " + at + " counts not");
        }
        for (int length = 0; length < token.length; length++) {
            byte[] cut = Arrays.copyOf(token, length);
            assertThrows(MalformedBytesException.class, () -> ScanToken.fromBytes(cut));
        }
        byte[] longer = Arrays.copyOf(token, token.length + 1);
        assertThrows(MalformedBytesException.class, () -> ScanToken.fromBytes(longer));
    }

    @Test
    void anotherVersionIsRefusedByName() {
        byte[] token = ScanToken.of(1, 2, 3, ScanSpec.all(SCHEMA, 9), 4, false).toBytes();
        token[4] = 9;
        Failure.expect(
                MalformedBytesException.class,
                () -> ScanToken.fromBytes(token),
                "version 9",
                "versions 1 and 2",
                "ScanBuilder.tokens");
    }

    @Test
    void columnsAreThoseOfTheSameIdInALaterSchema() {
        ScanSpec spec = ScanSpec.all(SCHEMA, 9)
                .withProjection(List.of(2, 0))
                .withPredicates(List.of(Predicate.atLeast(SCHEMA, "price", 0.5)));
        ScanToken token = ScanToken.of(1, 2, 3, spec, 4, false);
        Column price = SCHEMA.column(2);
        var later = new Schema(1, 4, List.of(SCHEMA.column(0), price.withName("cost")));
        ScanSpec read = token.spec(later);
        assertEquals(List.of(1, 0), read.projection());
        assertEquals(List.of(Predicate.atLeast(later, "cost", 0.5)), read.predicates());
        ScanToken gone = ScanToken.of(1, 2, 3, ScanSpec.all(SCHEMA, 9), 4, false);
        Failure.expect(
                IllegalArgumentException.class,
                () -> gone.spec(later),
                "id " + SCHEMA.column(1).id(),
                "version 1");
    }

    @Test
    void aValueThatIsNoCellOfItsColumnIsRefused() {
        ScanSpec spec =
                ScanSpec.all(SCHEMA, 9).withPredicates(List.of(new Predicate.Equal(0, CellValue.ofBytes(new byte[3]))));
        ScanToken token = ScanToken.of(1, 2, 3, spec, 4, false);
        Failure.expect(IllegalArgumentException.class, () -> token.spec(SCHEMA), "\"id\"", "3 bytes");
    }
}
