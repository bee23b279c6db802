package io.nyala.memrowset;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.CellValue;
import io.nyala.rows.Column;
import io.nyala.rows.ColumnType;
import io.nyala.rows.Effect;
import io.nyala.rows.RowSource;
import io.nyala.rows.Schema;
import io.nyala.testkit.Script;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Goal: rows, changes and their links lie in memory as the golden script and docs/formats/memory-row.md show. Method:
 * commands of the script, which change one row; then its bytes, with pointers made relative to the first
 * of them, since where they lie differs from run to run.
 */
final class MemoryScriptTest {
    private static final Schema SCHEMA =
            Schema.of(Column.key("id", ColumnType.INT32), Column.of("a", ColumnType.INT32));

    @Test
    void bytesAreAsTheyWere() {
        Script.check("memrowset/memory", MemoryScriptTest::run);
    }

    private static String run(String command) {
        String[] words = command.split(" ", -1);
        try (var budget = MemoryBudget.open(PageSource.jdk(), 16 << 20);
                MemoryAccount account = budget.account("script", 0);
                var table = new Table(SCHEMA, account)) {
            return words[0].equals("row") ? row(words, table, account) : deltas(words, account);
        }
    }

    private static Cells cells(int a) {
        return new Cells(List.of(CellValue.of(SCHEMA.column(0), 7), CellValue.of(SCHEMA.column(1), a)));
    }

    private static String row(String[] words, Table table, MemoryAccount account) {
        byte[] key = table.key(cells(0));
        try (var rows = new MemRowSet(1, SCHEMA, account)) {
            long time = 0x10;
            long sealTime = Long.MAX_VALUE;
            for (int i = 1; i < words.length; i++) {
                String[] word = words[i].split("=", -1);
                switch (word[0]) {
                    case "seal" -> {
                        rows.seal();
                        sealTime = rows.newestTime();
                    }
                    case "flush" -> {
                        try (RowSource source = rows.source(account)) {
                            source.next();
                            source.placed(2, 5);
                        }
                    }
                    default -> rows.apply(table.memory, effect(table, key, word), time++);
                }
            }
            long row = rows.find(table.memory, table.keyAt(key), key.length);
            return new RowDump(table.memory, row, RowHeader.PLACE_BYTES, sealTime).text();
        }
    }

    private static long effect(Table table, byte[] key, String[] word) {
        Cells cells = cells(word.length == 1 ? 0 : Integer.parseInt(word[1]));
        return switch (word[0]) {
            case "insert" -> table.rowEffect(Effect.INSERT, cells);
            case "reinsert" -> table.rowEffect(Effect.REINSERT, cells);
            case "update" -> table.updateEffect(key, new int[] {1}, cells);
            case "delete" -> table.deleteEffect(key);
            default -> throw new IllegalArgumentException(word[0]);
        };
    }

    private static String deltas(String[] words, MemoryAccount account) {
        try (var store = new DeltaMemStore(1, account);
                var updates = new Updates(account)) {
            long time = 0x10;
            for (int i = 1; i < words.length; i++) {
                String[] word = words[i].split("=", -1);
                if (word[0].equals("delete")) {
                    store.delete(7, time++);
                    continue;
                }
                int count = word.length < 3 ? 1 : Integer.parseInt(word[2]);
                for (int n = 0; n < count; n++) {
                    CellValue value = CellValue.of(SCHEMA.column(1), Integer.parseInt(word[1]));
                    long change = updates.write(Map.of(1 + n % 2, value));
                    store.update(7, updates.memory, change, updates.bytes(), time++);
                }
            }
            return new RowDump(updates.memory, store.find(7), 0, Long.MAX_VALUE).text();
        }
    }
}
