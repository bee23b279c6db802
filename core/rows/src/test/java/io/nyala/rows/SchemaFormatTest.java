package io.nyala.rows;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a schema reads back as it was written, damaged bytes are refused, and a schema that cannot be is refused with a
 * clear message. Method: random schemas with all their hints; single bytes damaged; a case for every rule.
 */
final class SchemaFormatTest {
    @RepeatedTest(100)
    void readsBackWhatWasWritten(@Seed SplittableRandom random) {
        Schema schema = decorated(random);
        byte[] bytes = SchemaFormat.toBytes(schema);
        assertEquals(schema, SchemaFormat.fromBytes(bytes));
        byte[] within = new byte[bytes.length + 12];
        System.arraycopy(bytes, 0, within, 7, bytes.length);
        MemorySegment memory = MemorySegment.ofArray(within);
        assertEquals(bytes.length, SchemaFormat.bytes(memory, 7));
        assertEquals(schema, SchemaFormat.fromBytes(memory, 7));
    }

    private static Schema decorated(SplittableRandom random) {
        Schema plain = RandomRows.schema(random);
        List<Column> columns = new ArrayList<>();
        List<ColumnEncoding> encodings = List.of(ColumnEncoding.values());
        List<ColumnCompression> compressions = List.of(ColumnCompression.values());
        for (Column column : plain.columns()) {
            Column changed = column.encoding(encodings.get(random.nextInt(encodings.size())))
                    .compression(compressions.get(random.nextInt(compressions.size())))
                    .blockBytes(random.nextInt(2) << 14)
                    .comment(random.nextBoolean() ? "" : "ein Wört")
                    .withId(column.id() * 2 + 5);
            if (random.nextBoolean()) {
                changed = changed.readDefault(RandomRows.value(random, column));
            }
            if (random.nextInt(16) == 0) {
                changed = changed.immutable();
            }
            columns.add(random.nextBoolean() ? changed : changed.writeDefault(RandomRows.value(random, column)));
        }
        return new Schema(random.nextInt(9), 200, columns);
    }

    @RepeatedTest(100)
    void refusesDamagedBytesOrReadsAnotherSchema(@Seed SplittableRandom random) {
        byte[] good = SchemaFormat.toBytes(decorated(random));
        for (int n = 0; n < 50; n++) {
            byte[] bad = RowPatchTest.damaged(random, good);
            try {
                Schema schema = SchemaFormat.fromBytes(bad);
                SchemaFormat.annotate(MemorySegment.ofArray(bad), 0, new NoNotes());
                assertEquals(schema, SchemaFormat.fromBytes(SchemaFormat.toBytes(schema)));
            } catch (MalformedBytesException e) {
                assertTrue(e.offset() >= 0 && e.offset() <= bad.length, e.getMessage());
            }
        }
    }

    @Test
    void refusesAnotherFormatNamingBoth() {
        byte[] bytes = SchemaFormat.toBytes(Schema.of(Column.key("k", ColumnType.INT8)));
        bytes[0] = 4;
        var exception = assertThrows(MalformedBytesException.class, () -> SchemaFormat.fromBytes(bytes));
        assertEquals(
                "malformed bytes at 0: schema format 4, but this version of Nyala reads formats 1 to 3",
                exception.getMessage());
    }

    /** Who reads format 1 only refuses the schema by its number, and does not take the column for one that changes. */
    @Test
    void hasAFormatOfItsOwnWithImmutableColumns() {
        Schema plain = Schema.of(
                Column.key("k", ColumnType.INT8), Column.of("v", ColumnType.INT8), Column.of("w", ColumnType.INT8));
        Schema immutable =
                new Schema(0, 3, List.of(plain.column(0), plain.column(1).immutable(), plain.column(2)));
        assertEquals(1, SchemaFormat.toBytes(plain)[0]);
        byte[] bytes = SchemaFormat.toBytes(immutable);
        assertEquals(2, bytes[0]);
        assertEquals(immutable, SchemaFormat.fromBytes(bytes));
        assertEquals(plain.column(1), immutable.column(1).mutable());
        bytes[0] = 1;
        assertThrows(MalformedBytesException.class, () -> SchemaFormat.fromBytes(bytes));
    }

    @Test
    void hasAFormatOfItsOwnWithTrainedDictionaries() {
        Schema schema = Schema.of(
                Column.key("k", ColumnType.INT8),
                Column.of("v", ColumnType.STRING).immutable(),
                Column.of("w", ColumnType.STRING).compression(ColumnCompression.ZSTD_DICTIONARY));
        byte[] bytes = SchemaFormat.toBytes(schema);
        assertEquals(3, bytes[0]);
        assertEquals(schema, SchemaFormat.fromBytes(bytes));
        bytes[0] = 2;
        assertThrows(MalformedBytesException.class, () -> SchemaFormat.fromBytes(bytes));
    }

    @Test
    void refusesSchemasThatCannotBe() {
        Column key = Column.key("k", ColumnType.INT32);
        assertRefused("cannot be part of the key", () -> Column.key("k", ColumnType.DOUBLE));
        assertRefused("cannot be nullable", key::nullable);
        assertRefused("UTF-8 bytes of the name", () -> Column.of("x".repeat(257), ColumnType.BOOL));
        assertRefused("UTF-8 bytes of the name", () -> Column.of("", ColumnType.BOOL));
        assertRefused("comment of column k", () -> key.comment("x".repeat(257)));
        assertRefused("precision must be between 1 and 38, was 39", () -> Column.decimal("d", 39, 0));
        assertRefused("scale of column d", () -> Column.decimal("d", 5, 6));
        assertRefused("length of column v", () -> Column.varchar("v", 65_536));
        assertRefused(
                "is a DECIMAL32, not a DECIMAL64",
                () -> Column.of("d", ColumnType.DECIMAL64).withAttributes(new Column.Attributes(3, 0, 0)));
        assertRefused(
                "takes a Boolean, was given a String",
                () -> Column.of("b", ColumnType.BOOL).defaultValue("x"));
        assertRefused("out of range", () -> Column.of("b", ColumnType.INT8).defaultValue(200));
        assertRefused("two columns have the name k", () -> Schema.of(key, Column.of("k", ColumnType.BOOL)));
        assertRefused("key columns come first", () -> Schema.of(Column.of("v", ColumnType.BOOL), key));
        assertRefused("at least one key column", () -> Schema.of(Column.of("v", ColumnType.BOOL)));
        assertRefused("number of columns", Schema::of);
        List<Column> many = new ArrayList<>(List.of(key));
        while (many.size() <= Limits.COLUMNS_MAX) {
            many.add(Column.of("c" + many.size(), ColumnType.BOOL));
        }
        assertRefused("number of columns must be between 1 and 1,024, was 1,025", () -> Schema.of(many));
        assertRefused(
                "two columns have the id 1",
                () -> new Schema(
                        0,
                        2,
                        List.of(key.withId(1), Column.of("v", ColumnType.BOOL).withId(1))));
    }

    private static void assertRefused(String words, Runnable code) {
        var exception = assertThrows(IllegalArgumentException.class, code::run);
        assertTrue(String.valueOf(exception.getMessage()).contains(words), exception.getMessage());
    }
}
