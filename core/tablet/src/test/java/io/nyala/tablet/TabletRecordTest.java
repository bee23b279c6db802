package io.nyala.tablet;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.hexdump.HexDump;
import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.Effect;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Script;
import io.nyala.testkit.Seed;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a tablet's log record has the bytes that its format promises, and replay refuses everything else in words.
 * Method: golden script; records with changed bytes, which the log's checksum would keep from ever arriving.
 */
final class TabletRecordTest {
    private static final long TABLET_ID = 4;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 32 << 20);
    private final MemoryAccount account = budget.account("test", 0);

    @AfterEach
    void nothingIsLeft() {
        account.close();
        budget.close();
    }

    @Test
    void writesTheBytesOfTheScript() {
        Script.check("tablet/record", this::run);
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

    @RepeatedTest(20)
    void changedBytesAreRefusedInWordsOrMakeAnotherGoodRecord(@Seed SplittableRandom random) {
        try (var record = new TestRecord(account)) {
            for (int i = 0; i < 300; i++) {
                int bytes = fill(record);
                for (int changes = random.nextInt(1, 4); changes > 0; changes--) {
                    long at = record.record + random.nextInt(bytes);
                    byte value = random.nextBoolean()
                            ? (byte) random.nextInt()
                            : (byte) (record.memory.get(JAVA_BYTE, at) ^ 1 << random.nextInt(8));
                    record.memory.set(JAVA_BYTE, at, value);
                }
                int said = random.nextInt(8) == 0 ? random.nextInt(bytes + 1) : bytes;
                replay(record, said);
            }
        }
    }

    private static int fill(TestRecord record) {
        record.clear();
        record.add(Effect.INSERT, 1, "one");
        record.add(Effect.INSERT, 2, "two and a half");
        record.add(Effect.UPDATE, 1, "eins");
        record.add(Effect.DELETE, 2, "");
        record.add(Effect.REINSERT, 2, "zwei");
        record.error(7, 2);
        return record.end(TABLET_ID, 1000);
    }

    private void replay(TestRecord record, int bytes) {
        try (var recovery = recovery()) {
            recovery.replay(1, record.memory, record.record, bytes);
        } catch (IllegalArgumentException | IllegalStateException e) {
            String message = String.valueOf(e.getMessage());
            assertTrue(message.contains("record"), message);
        }
    }

    private TabletRecovery recovery() {
        TabletClock clock = () -> TabletClock.NOT_LEASED;
        return new TabletRecovery(
                new TabletConfig(TABLET_ID, TestRecord.SCHEMA, account, 1 << 20, clock, () -> {}),
                List.of(),
                List.of(),
                0);
    }

    @Test
    void whatIsWrongIsNamed() {
        try (var record = new TestRecord(account);
                var recovery = recovery()) {
            refuse(recovery, record, record.end(5, 1000), "tablet 5", "tablet 4");
            refuse(recovery, record, 47, "48", "47");
            record.clear();
            record.add(Effect.UPDATE, 1, "x");
            refuse(recovery, record, record.end(TABLET_ID, 1000), "record 9", "tablet 4", "not there", "report");
            record.clear();
            record.add(Effect.INSERT, 1, "x");
            recovery.replay(9, record.memory, record.record, record.end(TABLET_ID, 1000));
            assertEquals(1000, recovery.newestTime());
            recovery.replay(9, record.memory, record.record, record.end(TABLET_ID, 1000)); // Seen before: skipped.
            record.clear();
            record.add(Effect.DELETE, 1, "");
            Failure.expect(
                    IllegalArgumentException.class,
                    () -> recovery.replay(10, record.memory, record.record, record.end(TABLET_ID, 999)),
                    "999",
                    "1000");
        }
    }

    private static void refuse(TabletRecovery recovery, TestRecord record, int bytes, String... parts) {
        Failure.expect(RuntimeException.class, () -> recovery.replay(9, record.memory, record.record, bytes), parts);
    }
}
