package io.nyala.record;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nyala.hexdump.HexDump;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.Effect;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Script;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Goal: a tablet's log record has the bytes that its format promises, and none is read beyond its end.
 * Method: golden script; headers that say more or less than there is.
 */
final class TabletRecordFormatTest {
    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 32 << 20);
    private final MemoryAccount account = budget.account("test", 0);

    @AfterEach
    void nothingIsLeft() {
        account.close();
        budget.close();
    }

    @Test
    void writesTheBytesOfTheScript() {
        Script.check("record/tablet-record", this::run);
    }

    /** {@code record TABLET TIMESTAMP}, then a line for each {@code KIND KEY TEXT} or {@code error INDEX CODE}. */
    private String run(String command) {
        try (var record = new TestRecord(account)) {
            record.clear();
            String[] lines = command.split("\n", -1);
            for (int i = 1; i < lines.length; i++) {
                String[] words = (lines[i] + " ").split(" ", -1);
                if (words[0].equals("error")) {
                    record.error(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
                } else {
                    record.add(kind(words[0]), Integer.parseInt(words[1]), words[2]);
                }
            }
            String[] words = lines[0].split(" ", -1);
            int bytes = record.end(Long.parseLong(words[1]), Long.parseLong(words[2]));
            MemorySegment copy = MemorySegment.ofArray(
                    record.memory.asSlice(record.record, bytes).toArray(JAVA_BYTE));
            return HexDump.text(copy, notes -> TabletRecordFormat.annotate(record.layout, copy, 0, bytes, notes));
        }
    }

    private static int kind(String name) {
        return switch (name) {
            case "insert" -> Effect.INSERT;
            case "update" -> Effect.UPDATE;
            case "delete" -> Effect.DELETE;
            case "reinsert" -> Effect.REINSERT;
            default -> throw new IllegalArgumentException(name);
        };
    }

    @Test
    void aHeaderThatDoesNotFitItsRecordIsRefused() {
        try (var record = new TestRecord(account)) {
            record.clear();
            record.add(Effect.INSERT, 1, "one");
            record.error(7, 2);
            int bytes = record.end(4, 1000);
            refuse(record, 47, "48", "47");
            refuse(record, bytes - 1, Integer.toString(bytes - 1), Integer.toString(bytes));
            assertEquals(
                    1,
                    TabletRecordFormat.readHeader(record.memory, record.record, bytes)
                            .errorCount());
            for (int field = 36; field < 48; field += 4) { // Counts and bytes of what follows.
                int right = record.memory.get(JAVA_INT_UNALIGNED, record.record + field);
                record.memory.set(JAVA_INT_UNALIGNED, record.record + field, right + 100);
                refuse(record, bytes, "record");
                record.memory.set(JAVA_INT_UNALIGNED, record.record + field, -1);
                refuse(record, bytes, "record");
                record.memory.set(JAVA_INT_UNALIGNED, record.record + field, right);
            }
        }
    }

    private static void refuse(TestRecord record, int bytes, String... parts) {
        Failure.expect(
                IllegalArgumentException.class,
                () -> TabletRecordFormat.readHeader(record.memory, record.record, bytes),
                parts);
    }
}
