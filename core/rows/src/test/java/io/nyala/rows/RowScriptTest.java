package io.nyala.rows;

import io.nyala.hexdump.HexDump;
import io.nyala.testkit.Script;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Goal: the bytes of schemas, rows, keys, effects and changes are those of the golden script, each explained. Method:
 * commands of the script, with values as text, through the annotated dump.
 */
final class RowScriptTest {
    private static final Schema SCHEMA = new Schema(
            3,
            9,
            List.of(
                    Column.key("id", ColumnType.INT32).withId(0),
                    Column.key("name", ColumnType.STRING).withId(1),
                    Column.of("note", ColumnType.STRING)
                            .nullable()
                            .comment("free text")
                            .withId(2),
                    Column.decimal("price", 15, 2).nullable().withId(4),
                    Column.of("ok", ColumnType.BOOL).defaultValue(true).withId(5),
                    Column.varchar("kind", 10).writeDefault("none").withId(6),
                    Column.of("day", ColumnType.DATE)
                            .nullable()
                            .encoding(ColumnEncoding.RLE)
                            .withId(7),
                    Column.of("at", ColumnType.UNIXTIME_MICROS).nullable().withId(8)));

    private static final RowLayout LAYOUT = new RowLayout(SCHEMA);
    private static final KeyCodec KEYS = new KeyCodec(LAYOUT);

    @Test
    void bytesAreAsTheyWere() {
        Script.check("rows/formats", RowScriptTest::run);
    }

    private static String run(String command) {
        String[] words = command.split(" ");
        if (words[0].equals("schema")) {
            Schema schema = words.length == 1
                    ? SCHEMA
                    : Schema.of(
                            Column.key("id", ColumnType.INT32),
                            Column.of("made", ColumnType.DATE).nullable().immutable());
            MemorySegment bytes = MemorySegment.ofArray(SchemaFormat.toBytes(schema));
            return HexDump.text(bytes, notes -> SchemaFormat.annotate(bytes, 0, notes));
        }
        try (var memory = new TestMemory();
                var batch = new OperationBatch(LAYOUT, memory.account())) {
            batch.start(OperationKind.UPSERT);
            if (words[1].equals("UPDATE") || words[1].equals("DELETE")) {
                batch.clear();
                batch.start(OperationKind.valueOf(words[1]));
            }
            for (String word : words) {
                int equals = word.indexOf('=');
                if (equals > 0) {
                    String name = word.substring(0, equals);
                    batch.set(name, value(SCHEMA.column(SCHEMA.indexOfExisting(name)), word.substring(equals + 1)));
                }
            }
            if (!batch.end()) {
                return batch.errors().toString();
            }
            return dump(words, batch.memory());
        }
    }

    private static @Nullable Object value(Column column, String text) {
        if (text.equals("NULL")) {
            return null;
        }
        return switch (column.type()) {
            case INT32 -> Integer.valueOf(text);
            case BOOL -> Boolean.valueOf(text);
            case DATE -> LocalDate.parse(text);
            case UNIXTIME_MICROS -> Instant.parse(text);
            case DECIMAL64 -> new BigDecimal(text);
            default -> text.replace("\\0", "\0");
        };
    }

    private static String dump(String[] words, MemorySegment batch) {
        long row = OperationFormat.rowOffset(batch, 0);
        int rowBytes = OperationFormat.rowBytes(batch, 0);
        MemorySegment target = MemorySegment.ofArray(new byte[Effect.bytesMax(batch, 0, LAYOUT.columnCount())]);
        return switch (words[0]) {
            case "row" -> {
                MemorySegment bytes = batch.asSlice(row, rowBytes);
                yield HexDump.text(bytes, notes -> LAYOUT.annotate(bytes, 0, notes));
            }
            case "key" -> {
                long key = OperationFormat.keyOffset(batch, 0);
                byte[] bytes =
                        batch.asSlice(key, OperationFormat.keyBytes(batch, 0)).toArray(ValueLayout.JAVA_BYTE);
                yield HexFormat.of().formatHex(bytes);
            }
            case "effect" -> {
                int bytes = writeEffect(words[1], batch, target);
                MemorySegment effect = target.asSlice(0, bytes);
                Effect.check(KEYS, effect, 0, bytes);
                yield HexDump.text(effect, notes -> Effect.annotate(LAYOUT, effect, 0, notes));
            }
            case "change" -> {
                int bytes = words[1].equals("DELETE")
                        ? RowChange.writeDelete(target, 0)
                        : RowChange.writeReinsert(batch, row, rowBytes, target, 0);
                MemorySegment change = target.asSlice(0, bytes);
                RowChange.check(LAYOUT, change, 0, bytes);
                yield HexDump.text(change, notes -> RowChange.annotate(LAYOUT, change, 0, notes));
            }
            default -> throw new IllegalArgumentException(words[0]);
        };
    }

    private static int writeEffect(String kind, MemorySegment batch, MemorySegment target) {
        return switch (kind) {
            case "INSERT" -> Effect.writeInsert(batch, 0, target, 0);
            case "UPDATE" -> Effect.writeUpdate(LAYOUT, batch, 0, target, 0);
            case "DELETE" -> Effect.writeDelete(batch, 0, target, 0);
            default -> Effect.writeReinsert(batch, 0, target, 0);
        };
    }
}
