package io.nyala.tablet;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.nyala.memory.MemoryAccount;
import io.nyala.memory.MemoryBudget;
import io.nyala.memory.PageSource;
import io.nyala.rows.Effect;
import io.nyala.testkit.Failure;
import io.nyala.testkit.Seed;
import io.nyala.time.TabletClock;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/**
 * Goal: a log record is replayed if it is what a tablet writes, and everything else is refused in words.
 * Method: records with changed bytes, which the log's checksum would keep from ever arriving.
 */
final class TabletReplayTest {
    private static final long TABLET_ID = 4;

    private final MemoryBudget budget = MemoryBudget.open(PageSource.jdk(), 32 << 20);
    private final MemoryAccount account = budget.account("test", 0);

    @AfterEach
    void nothingIsLeft() {
        account.close();
        budget.close();
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
            refuse(recovery, record, 23, "24", "23");
            record.end(TABLET_ID, 1000);
            refuse(recovery, record, 39, "40", "39");
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
